#!/usr/bin/python3
"""stress.py BUILD_DIR ROUNDS [SEED]: the long forms of what the tests try once, one row of a table
each. ROUNDS is a share of the full numbers: 1 takes about an hour. Called by stress.sh."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import h5py
import numpy

import launch
import spools

FULL = {"spool": 1000, "kills": 150, "signals": 200, "files": 1000, "lines": 1000}
SHORT = ["--warmup", ".2", "--duration", "1", "--set", "rate_per_s=300"]


class Stress:
    def __init__(self, build, share, seed):
        self.build, self.share, self.random = build, share, random.Random(seed)
        self.mpidrift = os.path.join(build, "src", "mpidrift")
        self.recover_program = os.path.join(build, "analysis", "mpidrift-recover")

    def rounds(self, kind):
        return max(1, round(FULL[kind] * self.share))

    def recover(self, folder, *arguments):
        return subprocess.run([self.recover_program, *arguments], cwd=folder, check=False,
                              capture_output=True, text=True, timeout=launch.LIMIT_S)

    def test_program(self, name, folder, **environment):
        return subprocess.run([os.path.join(self.build, "tests", name)], cwd=folder, check=False,
                              env={**os.environ, **environment}, capture_output=True, text=True)


def wrong(error):
    """What must not be, for whoever looks into it; the row counts it."""
    print(f"WRONG {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    return "wrong"


def row(what, rounds, result):
    print(f"| {what} | {rounds} | {result} |", flush=True)


# ---- the spool alone, run files ----

def spool_alone(stress, folder):
    kills = stress.rounds("spool")
    done = stress.test_program("test_spool_file", folder, MPIDRIFT_KILLS=str(kills))
    told = re.search(r"(\d+) records: (\d+ lost, \d+ torn, \d+ wrong)", done.stdout)
    row("`kill -9` of a process that only writes its spool", kills,
        f"{told[1]} records: {told[2]}")
    return done.returncode == 0


def run_files(stress, folder):
    flips = stress.rounds("files")
    golden = os.path.join(launch.ROOT, "tests", "golden", "run-1.0.0.h5")
    done = stress.test_program("test_run_file", folder, MPIDRIFT_FLIPS=str(flips),
                               MPIDRIFT_GOLDEN=golden)
    refused, read = map(int, re.search(r"(\d+) refused, (\d+) read", done.stdout).groups())
    row("run files with one byte changed", flips, f"{refused} refused, {read} as written, "
        f"{flips - refused - read} crashed or wrongly read")
    return done.returncode == 0


# ---- runs that die at a random moment ----

def outcome(stress, run):
    """What became of a run: 'file', 'recovered' with its committed badges, 'nothing' to lose."""
    if os.path.exists(run.path):
        with h5py.File(run.path) as file:
            assert file.attrs["complete"] == 1 and file.attrs["books"] == "balanced"
        return "file", 0
    begun = os.path.isdir(run.spool) and any(
        spool.is_planned for spool in spools.spools_in(run.spool).values())
    if not begun:
        return "nothing", 0
    done = stress.recover(run.folder, run.spool, "-o", "again.h5")
    assert done.returncode == 0, launch.told(done)
    return "recovered", spools.check_recovered(os.path.join(run.folder, "again.h5"), run.spool)


def die(stress, folder, nodes, act):
    with tempfile.TemporaryDirectory(dir=folder) as own:
        run = spools.Run(stress.mpidrift, own, nodes, *SHORT)
        time.sleep(stress.random.uniform(0, 2.5 + nodes / 16))
        act(run)
        try:
            run.end()
            assert sum(spools.KEPT in line for line in run.own_lines()) <= 1, run.errors
            return outcome(stress, run)
        except Exception as error:  # pylint: disable=broad-except # the others shall go on
            return wrong(error), 0


def tell_deaths(what, rounds, ends, started):
    """Every committed badge of a recovered run was compared with its spool, byte for byte."""
    kinds = [kind for kind, _ in ends]
    badges = sum(badges for _, badges in ends)
    row(what, rounds, f"{kinds.count('nothing')} before the window, {kinds.count('recovered')} "
        f"recovered with all of their {badges} committed badges, {kinds.count('file')} with a "
        f"run file, {kinds.count('wrong')} otherwise ({time.monotonic() - started:.0f} s)")
    return kinds.count("wrong") == 0


def kills(stress, folder):
    def kill_one(run):
        pids = run.rank_pids()
        if pids:
            os.kill(stress.random.choice(sorted(pids.values())), signal.SIGKILL)
    passed = True
    for nodes in (4, 16):
        started, rounds = time.monotonic(), stress.rounds("kills")
        ends = [die(stress, folder, nodes, kill_one) for _ in range(rounds)]
        passed = tell_deaths(f"`kill -9` of one of {nodes} ranks under mpirun, from start to file",
                             rounds, ends, started) and passed
    return passed


def signals(stress, folder):
    def send_one(run):
        if run.launcher.poll() is None:
            run.signal(stress.random.choice([signal.SIGTERM, signal.SIGINT, signal.SIGUSR1]))
    started, rounds = time.monotonic(), stress.rounds("signals")
    ends = [die(stress, folder, 4, send_one) for _ in range(rounds)]
    return tell_deaths("TERM, INT or USR1 to mpirun, 4 ranks", rounds, ends, started)


# ---- spools that somebody changed ----

def change(stress, path):
    """Some bytes at one place, where the file has any: most of it is room."""
    with open(path, "r+b") as file:
        content = file.read()
        at = stress.random.choice([i for i in range(0, len(content), 8) if any(content[i:i + 8])])
        file.seek(at)
        file.write(bytes(stress.random.randrange(256) for _ in range(stress.random.choice([1, 8]))))


def badges_of(run):
    """An end that is not whole is none, so badges are told by their beginning."""
    names = ("node", "peer", "context", "time_s", "sequence", "observed", "version_known")
    return {tuple(badge[name] for name in names) for badge in run["badges"][:]}


def judge(folder, done):
    """'refused', 'noticed' (said to be incomplete), 'same', 'warned' (other counts, and it was said
    that they have no checksum) or 'counts' (others without a word)."""
    if done.returncode == 65:
        return "refused"
    assert done.returncode == 0, launch.told(done)
    with h5py.File(os.path.join(folder, "out.h5")) as out, \
            h5py.File(os.path.join(folder, "whole.h5")) as whole:
        there, found = badges_of(whole), badges_of(out)
        assert found <= there, "a badge that never was"
        assert out["nodes"]["badges_lost"].sum() == len(there) - len(found)
        ends = [numpy.isnan(run["badges"]["end_s"]).sum() for run in (out, whole)]
        if found < there or ends[0] != ends[1] or out.attrs["complete"] != whole.attrs["complete"]:
            return "noticed"
    try:
        spools.same_content(os.path.join(folder, "out.h5"), os.path.join(folder, "whole.h5"))
        return "same"
    except AssertionError:
        return "warned" if "no checksum" in done.stderr else "counts"


def changed_spools(stress, folder, what, source):
    done = stress.recover(folder, source, "-o", "whole.h5", "--force")
    assert done.returncode == 0, launch.told(done)
    rounds, ends = stress.rounds("files") // 2 or 1, []
    for _ in range(rounds):
        shutil.rmtree(os.path.join(folder, "s"), ignore_errors=True)
        shutil.copytree(source, os.path.join(folder, "s"))
        change(stress, os.path.join(folder, "s", stress.random.choice(
            [name for name in os.listdir(source) if name.endswith(".spool")])))
        try:
            ends.append(judge(folder, stress.recover(folder, "s", "-o", "out.h5", "--force")))
        except Exception as error:  # pylint: disable=broad-except
            ends.append(wrong(error))
    row(what, rounds, f"{ends.count('refused')} refused, {ends.count('noticed')} recovered with "
        f"less and said so, {ends.count('same')} as written, {ends.count('warned')} with other "
        f"counts after a warning, {ends.count('counts')} without one, {ends.count('wrong')} crashed or with a badge that never was")
    return ends


def mutated_spools(stress, folder):
    run = spools.Run(stress.mpidrift, folder, 3, *SHORT, "--keep-spool", output="whole-run.h5")
    assert run.end() == 0, run.errors
    finished = changed_spools(stress, folder, "spools of a finished run, bytes changed", run.spool)
    dead = spools.Run(stress.mpidrift, folder, 3, "--warmup", "0", "--duration", "30", "--set",
                      "rate_per_s=300", output="dead.h5")
    dead.wait_until_watching()
    for pid in dead.rank_pids().values():
        os.kill(pid, signal.SIGKILL)
    dead.end()
    killed = changed_spools(stress, folder, "spools of a killed run, bytes changed", dead.spool)
    return "wrong" not in finished + killed and "counts" not in finished + killed


# ---- command lines and files of options ----

WORDS = ["--duration", "--warmup", "--rate", "--keys", "--set", "--output", "--corridor", "--config",
         "--spool", "--patience", "--inflight", "--groups", "--json", "--force", "--load", "total",
         "1e999", "nan", "-1", "", "'", "=", "\x01", "9" * 400, "x" * 3000, "%s%n", "a=b", "o.ini",
         "/dev/null", "ü", "--dry-run", "--scene", "lan2ms", "--perturb", "0->1:delay=1ms"]
LINES = ["[corridor]", "[load]", "[perturb]", "[", "]", "=", "a", "rate_per_s = 1", "watch = all",
         "message_delay_max_us = 1e", "assumption = " + "y" * 600, "\x00", "keys =", "; x", "  more",
         "version_lag_max = off", "duration_s = 1", "\xff"]
DOCUMENTED = {0, 64, 65, 73, 75}


def malformed(stress, folder):
    rounds, codes = stress.rounds("lines"), {}
    for _ in range(rounds):
        with open(os.path.join(folder, "o.ini"), "w", encoding="latin-1") as file:
            file.write("\n".join(stress.random.choices(LINES, k=stress.random.randrange(8))))
        arguments = stress.random.choice([
            ["--config", "o.ini"], ["--corridor", "o.ini"],
            stress.random.choices(WORDS, k=stress.random.randrange(1, 6))])
        done = subprocess.run([stress.mpidrift, "--dry-run", *arguments], cwd=folder, check=False,
                              env=launch.campaign_environment(), capture_output=True,
                              timeout=launch.LIMIT_S, stdin=subprocess.DEVNULL)
        ours = [line for line in done.stderr.splitlines() if line.startswith(b"mpidrift: ")]
        code = f"exit {done.returncode}"
        if done.returncode not in DOCUMENTED or len(ours) != (done.returncode != 0):
            code = wrong(AssertionError(f"{arguments} {done}"))
        codes[code] = codes.get(code, 0) + 1
    row("malformed command lines and files of options", rounds, ", ".join(
        f"{count} × {code}" for code, count in sorted(codes.items())))
    return "wrong" not in codes


def main(build, share, seed="1"):
    stress, passed = Stress(os.path.abspath(build), float(share), int(seed)), True
    print("| what | rounds | outcome |\n|---|---|---|", flush=True)
    for part in (spool_alone, kills, signals, run_files, mutated_spools, malformed):
        with tempfile.TemporaryDirectory() as folder:
            passed = part(stress, folder) and passed
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
