#!/usr/bin/python3
"""clocks.py MPIDRIFT COMPARE RECOVER: what runs and files say about clocks, from outside. Ranks of
one host share one clock in truth, so where --same-clock off forbids to use that, the truth of every
slope is known: 0."""

import math
import os
import signal
import sys
import tempfile
import time

import h5py
import numpy

import launch
import summary

APART = ["--same-clock", "off", "--sync-gap-s", ".1"]
WINDOW = ["--duration", ".3", "--warmup", ".1"]
IMPOSSIBLE, HAS_SECOND, UNCHECKED = 4, 8, 16


class Bench:
    def __init__(self, mpidrift, compare, recover, folder):
        self.mpidrift, self.compare, self.recover, self.folder = mpidrift, compare, recover, folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def launch(self, nodes, *options):
        done = launch.run(launch.mpirun(nodes, self.mpidrift, options), self.folder,
                          launch.campaign_environment())
        assert done.returncode == 0, launch.told(done)
        return done

    def program(self, *command):
        done = launch.run(command, self.folder, launch.campaign_environment())
        assert done.returncode == 0, launch.told(done)
        return done.stdout

    def rows(self, name):
        with h5py.File(self.path(name), "r") as run:
            nodes, pairs = run["nodes"][:], run["pairs"][:]
            code = h5py.check_enum_dtype(pairs.dtype["context"])["message_delay_exceeded"]
        return nodes, pairs[pairs["context"] == code]


def check_table(bench):
    """One line per rank, the key: value lines of a script, and nothing left behind."""
    for nodes, options, domains in ((2, [], [0, 0]), (5, APART, [0, 1, 2, 3, 4])):
        printed = bench.launch(nodes, "--clock-check", *options).stdout.splitlines()
        assert printed[0].split() == ["rank", "host", "domain", "offset_s", "+-us", "slope_ppm",
                                      "+-ppm", "round_us"], printed
        assert all(len(line) <= 92 for line in printed), printed
        rows = [line.split() for line in printed[1:1 + nodes]]
        told = dict(line.split(": ") for line in printed[1 + nodes:] if not line.startswith("#"))
        assert [int(row[0]) for row in rows] == list(range(nodes)), printed
        assert [int(row[2]) for row in rows] == domains, printed
        assert float(rows[0][3]) == float(rows[0][4]) == 0, printed
        assert all(float(row[4]) > 0 and float(row[7]) > 0 for row in rows[1:]), printed
        assert all(abs(float(row[5])) <= float(row[6]) for row in rows), printed
        assert told["hosts"] == "1" and told["clock_domains"] == str(len(set(domains))), printed
        assert told["clock_synchronisations"] == str(2 if options else 1), printed
    assert os.listdir(bench.folder) == [], os.listdir(bench.folder)


def check_one_clock(bench):
    """Proven once, no second synchronisation is waited for, and nothing can drift."""
    bench.launch(2, *WINDOW, "--output", "one.h5", "--sync-gap-s", "50")
    nodes, _ = bench.rows("one.h5")
    assert (nodes["clock_flags"] == 0).all() and (nodes["clock_domain"] == 0).all()
    assert numpy.isnan(nodes["sync2_time_s"]).all() and (nodes["clock_rate"] == 0).all()
    assert (nodes["clock_rate_uncertainty"] == 0).all()
    assert nodes["sync0_time_s"].min() > -30, nodes["sync0_time_s"]


def check_clocks_apart(bench):
    """Two synchronisations before the window and one after, which finds the clocks where the line
    expects them; no message that cannot be."""
    for ranks in (2, 5):
        name = f"apart-{ranks}.h5"
        printed = bench.launch(ranks, *WINDOW, "--output", name, *APART).stdout
        summary.check_text(printed, bench.path(name), name)
        nodes, pairs = bench.rows(name)
        assert nodes["clock_domain"].tolist() == list(range(ranks)), nodes["clock_domain"]
        assert (nodes["clock_flags"] == HAS_SECOND).all(), nodes["clock_flags"]
        assert (nodes["clock_suspect"] == 0).all() and (nodes["messages_impossible"] == 0).all()
        assert (nodes["sync2_time_s"] - nodes["sync0_time_s"] >= .1).all()
        assert (nodes["sync2_time_s"] < 0).all() and (nodes["sync1_time_s"] >= .3).all()
        assert (abs(nodes["clock_rate"]) <= nodes["clock_rate_uncertainty"]).all()
        uncertainty_s = nodes["clock_uncertainty_s"]
        expected_s = uncertainty_s[pairs["node"]] + uncertainty_s[pairs["peer"]]
        assert numpy.allclose(pairs["clock_uncertainty_s"], expected_s, rtol=1e-3)


def check_declared_error(bench):
    """node_B's stamps are 50 ms ahead: what node_A gets from it arrives before it was sent, by far
    more than the clocks can be apart. The other way nothing does."""
    done = bench.launch(2, *WINDOW, "--output", "off.h5", "--perturb", "clock node=B offset_us=50000")
    nodes, pairs = bench.rows("off.h5")
    impossible = {(row["node"], row["peer"]): row["impossible"] for row in pairs}
    early = {(row["node"], row["peer"]): row["early"] for row in pairs}
    assert impossible[0, 1] > 10 and impossible[1, 0] == early[1, 0] == 0, pairs
    assert early[0, 1] >= impossible[0, 1], pairs
    assert nodes["clock_suspect"].tolist() == [1, 0], nodes["clock_suspect"]
    assert nodes["clock_flags"].tolist() == [IMPOSSIBLE, 0], nodes["clock_flags"]
    assert f"messages_impossible: {impossible[0, 1]}\n" in done.stdout, launch.told(done)
    assert "a clock that is off is declared" in done.stderr, launch.told(done)
    assert "are suspect" in done.stderr, launch.told(done)
    told = " ".join(bench.program(bench.compare, "off.h5").split())
    assert "The clocks are suspect, as a declared clock that is off makes them" in told, told
    assert f"{impossible[0, 1]} messages seen to arrive before they were sent" in told, told


def check_death(bench):
    """Before the last synchronisation: the first two are what there is, and the file says so."""
    command = launch.mpirun(2, bench.mpidrift, [*APART, "--duration", "60", "--warmup", "0",
                                                "--output", "died.h5"])
    with launch.begin(command, bench.folder, launch.campaign_environment()) as run:
        launch.wait_for_line(run, "result: ")
        time.sleep(1.5)  # past the gap, into the window
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=launch.LIMIT_S)
    assert not launch.orphans_in(bench.folder)
    bench.program(bench.recover, "died.spool", "-o", "died.h5")
    nodes, _ = bench.rows("died.h5")
    assert (nodes["clock_flags"] == HAS_SECOND | UNCHECKED).all(), nodes["clock_flags"]
    assert numpy.isnan(nodes["sync1_offset_s"]).all() and (nodes["sync2_time_s"] < 0).all()
    assert nodes["clock_uncertainty_s"][1] > 0 and nodes["clock_suspect"].sum() == 0
    with h5py.File(bench.path("died.h5"), "r") as run:
        assert numpy.isfinite(run["badges"]["global_s"]).all()
        assert numpy.isfinite(run["trace/events"]["global_s"]).all()
    told = " ".join(bench.program(bench.compare, "died.h5").split())
    assert "not checked at the end of 1/1 runs" in told, told


def check_calibration(bench):
    """It says what links it saw, and a run keeps that."""
    bench.launch(2, "--calibrate", "c.ini", "--calibrate-samples", "100",
                 "--warmup", "0")
    with open(bench.path("c.ini"), encoding="utf-8") as file:
        assert "link_class = same host\n" in file.read()
    bench.launch(2, *WINDOW, "--corridor", "c.ini", "--output", "c.h5")
    with h5py.File(bench.path("c.h5"), "r") as run:
        assert run["config/corridor"].attrs["calibration_link_class"] == "same host"
        assert math.isfinite(run["provenance"].attrs["clock_sync_s"])


def main(*programs):
    for check in (check_table, check_one_clock, check_clocks_apart, check_declared_error,
                  check_death, check_calibration):
        with tempfile.TemporaryDirectory() as folder:
            check(Bench(*programs, folder))
        print(f"passed: {check.__name__}")


if __name__ == "__main__":
    main(*sys.argv[1:])
