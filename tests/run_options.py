#!/usr/bin/python3
"""run_options.py MPIDRIFT COMPARE: what each option that changes a run changes, seen from outside."""

import concurrent.futures
import configparser
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback

import h5py
import numpy

import launch
import summary

WINDOW = ["--duration", ".3", "--warmup", ".1"]
BELOW_CLOCK_RESOLUTION = 2
DESIGNED = """--system --corridor --calibrate --calibrate-quantile --calibrate-factor --load-factor
    --config --set --duration --warmup --rate --load --keys --arrivals --seed --repetition
    --heartbeat-ms --idle --idle-us --groups --scene --perturb --bind --yield --observe --trace
    --trace-max-mib --inflight --send --output --force --spool --json --quiet --dry-run --help --version
    --list-systems""".split()


class Bench:
    """A folder of its own for each check, and launches in it."""

    def __init__(self, mpidrift, compare, folder):
        self.mpidrift, self.compare, self.folder = mpidrift, compare, folder
        os.mkdir(folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def files(self):
        return sorted(os.listdir(self.folder))

    def launch(self, nodes, *options):
        """The output of a run that must succeed and say nothing on stderr but warnings."""
        done = launch.run(launch.mpirun(nodes, self.mpidrift, options), self.folder,
                          launch.campaign_environment())
        assert done.returncode == 0, launch.told(done)
        wrong = [line for line in done.stderr.splitlines()
                 if not line.startswith("mpidrift: warning: ")]
        assert not wrong, launch.told(done)
        return done.stdout

    def observe(self, nodes, name, *options):
        """A run whose file and output have been checked; its node rows."""
        printed = self.launch(nodes, *WINDOW, "--output", name, *options)
        summary.check_text(printed, self.path(name), name)
        summary.check_file(self.path(name))
        return self.nodes(name)

    def nodes(self, name):
        with h5py.File(self.path(name), "r") as run:
            return run["nodes"][:]

    def pairs(self, name):
        with h5py.File(self.path(name), "r") as run:
            return {(row["node"], row["peer"]) for row in run["pairs"][:]}

    def pair_sum(self, name, context, column):
        with h5py.File(self.path(name), "r") as run:
            pairs = run["pairs"][:]
        code = h5py.check_enum_dtype(pairs.dtype["context"])[context]
        return pairs[column][pairs["context"] == code].sum()

    def config(self, name):
        with h5py.File(self.path(name), "r") as run:
            return dict(run["config"].attrs), run.attrs["digest"]


# ---- what is asked instead of a run ----

def check_help(bench):
    printed = bench.launch(2, "--help")
    listed = [word.rstrip(",").split("[")[0] for word in printed.split()]
    missing = [option for option in DESIGNED if option not in listed]
    assert not missing, f"{missing} in\n{printed}"
    assert printed.count("Usage:") == 1, printed
    assert bench.launch(2, "-h") == printed


def check_version(bench):
    printed = bench.launch(2, "--version")
    words = printed.split()
    assert printed.count("\n") == 1 and words[0] == "mpidrift" and len(words) == 3, printed


def check_systems(bench):
    printed = bench.launch(2, "--list-systems")
    assert printed.startswith("replication\n") or "\nreplication\n" in printed, printed
    for word in ["assumes:", "observes:", "drift is:"]:
        assert printed.count(word) == printed.count("drift is:") >= 1, printed


def check_dry_run(bench):
    printed = bench.launch(3, "--dry-run", "--rate", "37", "--set", "keys=5")
    values = dict(line.split(" = ", 1) for line in printed.splitlines())
    keys = bench.launch(2, "--help").split("Keys for --set and --config:")[1].split("\n\n")[0]
    keys = keys.split("\nEach")[0].split()
    assert values["nodes"] == "3" and values["rate_per_s"] == "37" and values["keys"] == "5"
    assert set(keys) <= set(values), set(keys) - set(values)
    assert not bench.files(), bench.files()


# ---- what is printed ----

def check_quiet(bench):
    assert bench.launch(2, *WINDOW, "--quiet") == ""
    assert bench.files() == ["mpidrift-replication-np2.h5"], bench.files()
    summary.check_file(bench.path(bench.files()[0]))


def check_json(bench):
    printed = bench.launch(2, *WINDOW, "--output", "a.h5", "--json")
    summary.check_json(json.loads(printed), bench.path("a.h5"), "a.h5")
    text = bench.launch(3, *WINDOW, "--output", "b.h5", "--json=b.json")
    summary.check_text(text, bench.path("b.h5"), "b.h5")
    with open(bench.path("b.json"), encoding="utf-8") as file:
        summary.check_json(json.load(file), bench.path("b.h5"), "b.h5")
    assert bench.files() == ["a.h5", "b.h5", "b.json"], bench.files()


def check_limit_below_clock_resolution(bench):
    """It stops nothing: a warning says so, unless --quiet, and the badges carry the mark."""
    with open(bench.path("c.ini"), "w", encoding="utf-8") as corridor:
        corridor.write("[corridor]\nwatch = message_delay_exceeded\nmessage_delay_max_us = .01\n")
    options = ["--duration", ".3", "--warmup", "0", "--corridor", "c.ini", "--force", "--output"]
    for quiet in (["a.h5"], ["a.h5", "--quiet"]):
        done = launch.run(launch.mpirun(2, bench.mpidrift, options + quiet), bench.folder,
                          launch.campaign_environment())
        assert done.returncode == 0, launch.told(done)
        warned = [line for line in done.stderr.splitlines()
                  if line.startswith("mpidrift: warning: the delay limit of 0.01 us is finer than")]
        assert len(warned) == (0 if "--quiet" in quiet else 1), launch.told(done)
    assert done.stdout == done.stderr == "", launch.told(done)
    with h5py.File(bench.path("a.h5"), "r") as run:
        flags = run["badges"]["flags"]
    assert len(flags) > 0 and (flags & BELOW_CLOCK_RESOLUTION).all(), flags


# ---- what is done ----

def check_five_nodes(bench):
    rows = bench.observe(5, "five.h5", "--keys", "4", "--arrivals", "periodic", "--idle", "yield")
    assert [summary.text(name) for name in rows["name"]] == [f"node_{c}" for c in "ABCDE"]
    pairs = bench.pairs("five.h5")
    assert pairs == {(i, j) for i in range(5) for j in range(5) if i != j}, pairs


def check_seed_and_repetition(bench):
    """The same numbers make the same sends, others make others; neither is part of the digest."""
    attempted = [bench.observe(2, f"{i}.h5", *options)["attempted"].tolist()
                 for i, options in enumerate([[], ["--observe", "off"], ["--repetition", "2"],
                                              ["--seed", "2"]])]
    assert attempted[0] == attempted[1], attempted
    assert attempted[2] != attempted[0] != attempted[3] != attempted[2], attempted
    configs = [bench.config(f"{i}.h5") for i in range(4)]
    assert configs[0][1] == configs[2][1] == configs[3][1] != configs[1][1], configs
    assert configs[2][0]["repetition"] == 2 and configs[3][0]["seed"] == 2


def check_not_observed(bench):
    rows = bench.observe(3, "off.h5", "--observe", "off")
    assert rows["watched_s"].sum() == rows["episodes"].sum() == rows["messages_observed"].sum() == 0
    assert rows["received"].sum() == rows["sent"].sum() > 0


def check_every_system(bench):
    for system in ["messaging", "leader", "consensus"]:
        rows = bench.observe(3, f"{system}.h5", "--system", system)
        assert rows["messages_observed"].sum() > 0, system


def check_declared_loss(bench):
    """What is dropped by declaration is neither received nor in flight, and is missed."""
    rows = bench.observe(3, "lossy.h5", "--perturb", "loss link=*>* share=.2")
    assert rows["lost"].sum() > 0 == rows["in_flight"].sum()
    assert bench.pair_sum("lossy.h5", "message_missing", "beyond") > 0


def check_controls(bench):
    """Isolated groups and a shared load stand in columns of their own, without --force."""
    plain = bench.observe(2, "two.h5"), bench.observe(4, "four.h5")
    groups = bench.observe(4, "groups.h5", "--groups", "2")
    total = bench.observe(4, "total.h5", "--load", "total")
    assert groups["group"].tolist() == [0, 0, 1, 1]
    pairs = bench.pairs("groups.h5")
    assert pairs == {(0, 1), (1, 0), (2, 3), (3, 2)}, pairs
    assert groups["attempted"][:2].tolist() == plain[0]["attempted"].tolist()
    heartbeats = numpy.floor(.4 / .02) * 3  # at least, by each node to its peers
    assert (total["attempted"] < plain[1]["attempted"]).all()
    assert (total["attempted"] >= heartbeats - 3).all()
    done = launch.run([bench.compare, "--json", "two.h5", "four.h5", "groups.h5", "total.h5"],
                      bench.folder, launch.campaign_environment())
    assert done.returncode == 0, launch.told(done)
    columns = [(column["nodes"], column["group_nodes"], column["control"], column["load_total"])
               for column in json.loads(done.stdout)["columns"]]
    assert sorted(columns) == [(2, 2, False, False), (4, 2, True, False), (4, 4, False, False),
                               (4, 4, True, True)], columns


def check_synchronous(bench):
    """A bound of one send under way per peer: what exceeds it is counted, and its peer misses it."""
    rows = bench.observe(4, "one.h5", "--send", "synchronous", "--inflight", "1", "--rate", "2000")
    assert rows["suppressed"].sum() > 0
    assert (rows["attempted"] == rows["sent"] + rows["suppressed"]).all()
    assert bench.pair_sum("one.h5", "message_missing", "beyond") > 0


def check_calibration(bench):
    printed = bench.launch(2, "--calibrate", "c.ini", "--calibrate-samples", "200")
    told = dict(line.split(": ", 1) for line in printed.splitlines())
    corridor = configparser.ConfigParser(comment_prefixes=(";",))
    corridor.read(bench.path("c.ini"))
    assert bench.files() == ["c.ini"], bench.files()
    for key in ["message_delay_max_us", "heartbeat_gap_max_ms", "version_lag_max"]:
        assert told[key] == corridor["corridor"][key], printed
    assert told["rate_per_s"] == corridor["load"]["rate_per_s"], printed
    assert corridor["calibration"]["nodes"] == "2", printed
    quantile_us = float(told["quantile"].split("delay ")[1].split(" us")[0])
    limit_us = float(told["message_delay_max_us"])
    assert 3 * quantile_us - .2 <= limit_us <= 3.3 * quantile_us + .2, printed  # two digits, upward
    assert all(len(value) < 12 for value in corridor["load"].values()), corridor["load"]
    bench.observe(2, "run.h5", "--corridor", "c.ini")
    with h5py.File(bench.path("run.h5"), "r") as run:
        used = dict(run["config/corridor"].attrs)
        rate_per_s = run["config"].attrs["rate_per_s"]
    assert used["message_delay_max_us"] == limit_us and used["calibration_nodes"] == "2", used
    assert rate_per_s == float(told["rate_per_s"]), rate_per_s


def check_signal(bench):
    """A run that is stopped half way ends, with all its ranks, leaves its spools alone, and says once
    what they are good for."""
    command = launch.mpirun(4, bench.mpidrift, ["--duration", "600", "--warmup", "0"])
    for number in (signal.SIGTERM, signal.SIGINT):
        with launch.begin(command, bench.folder, launch.campaign_environment()) as run:
            launch.wait_for_line(run, "result: ")
            time.sleep(.5)  # into the window
            run.send_signal(number)
            errors = run.communicate(timeout=launch.LIMIT_S)[1]
        told = [line for line in errors.splitlines() if line.startswith("mpidrift: ")]
        assert run.returncode != 0 and len(told) == 1, errors
        assert "mpidrift-recover mpidrift-replication-np4.spool -o" in told[0], errors
        assert not launch.orphans_in(bench.folder)
        assert bench.files() == ["mpidrift-replication-np4.spool"], bench.files()
        shutil.rmtree(bench.path("mpidrift-replication-np4.spool"))


CHECKS = [check_help, check_version, check_systems, check_dry_run, check_quiet, check_json,
          check_limit_below_clock_resolution, check_five_nodes, check_seed_and_repetition,
          check_not_observed, check_every_system, check_declared_loss, check_controls,
          check_synchronous, check_calibration, check_signal]


def main(mpidrift, compare):
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(2) as pool:
        checks = {check.__name__: pool.submit(
            check, Bench(mpidrift, compare, os.path.join(folder, check.__name__)))
            for check in CHECKS}
        for done in checks.values():
            done.exception()
    failed = {name: done.exception() for name, done in checks.items() if done.exception()}
    for name, failure in failed.items():
        print(f"FAILED {name}: ", *traceback.format_exception(failure))
    print(f"{len(checks)} checks, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
