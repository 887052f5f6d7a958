#!/usr/bin/python3
"""stress.py BUILD [--only NAME] [--rounds SHARE] [--seed S] [--list]: the long forms of what the
tests try a few times, one row of a table each. Called by stress.sh, which says what they cover."""

import argparse
import concurrent.futures
import dataclasses
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

import h5py

import damaged
import dying
import launch
import spools

# Patience below the limit of launch.py, or nobody could tell a wait from a hang.
SHORT = ["--warmup", ".2", "--duration", "1", "--set", "rate_per_s=300", "--patience", "15"]
AT_ONCE = 2  # runs that mostly wait for their launcher


@dataclasses.dataclass
class Row:
    what: str
    rounds: int
    lost: object = 0  # committed badges that are not in the file; "-": cannot be told by this test
    torn: object = 0  # records that are there in part
    wrong: int = 0  # crashes, hangs, silent wrong reads, undocumented exit codes
    outcome: str = ""

    def passed(self):
        return self.lost in (0, "-") and self.torn in (0, "-") and self.wrong == 0


class Stress:
    def __init__(self, options):
        self.build, self.share, self.seed = options.build, options.rounds, options.seed
        self.random = random.Random(options.seed)
        self.mpidrift = os.path.join(self.build, "src", "mpidrift")
        self.recover_program = os.path.join(self.build, "analysis", "mpidrift-recover")

    def rounds(self, full):
        return max(1, round(full * self.share))

    def recover(self, folder, *arguments):
        return subprocess.run([self.recover_program, *arguments], cwd=folder, check=False,
                              capture_output=True, text=True, timeout=launch.LIMIT_S)

    def program(self, name, folder, *arguments, **environment):
        return subprocess.run([os.path.join(self.build, "tests", name), *arguments], cwd=folder,
                              check=False, env={**os.environ, **environment}, capture_output=True,
                              text=True, errors="replace")


def say(error):
    """What must not be, for whoever looks into it; the row counts it."""
    print(f"WRONG {type(error).__name__}: {error}", file=sys.stderr, flush=True)


def progress(what, done, rounds):
    if done % 10 == 0 or done == rounds:
        print(f"{what}: {done} of {rounds}", file=sys.stderr, flush=True)


def told_ends(ends):
    return ", ".join(f"{count} {end}" for end, count in sorted(ends.items()))


# ---- the spool alone, run files read in one process ----

def spool_alone(stress, folder):
    kills = stress.rounds(1000)
    done = stress.program("test_spool_file", folder, MPIDRIFT_KILLS=str(kills))
    told = re.search(r"(\d+) records: (\d+) lost, (\d+) torn, (\d+) wrong", done.stdout)
    assert told, done.stdout
    yield Row("`kill -9` of a process that only writes its spool", kills, int(told[2]), int(told[3]),
              int(told[4]) + (done.returncode != 0), f"{told[1]} records there")


# ---- runs that die at a random moment ----

def outcome(stress, run):
    """What became of a run, its committed badges that were found, and its torn records."""
    if os.path.exists(run.path):
        with h5py.File(run.path) as file:
            assert file.attrs["complete"] == 1 and file.attrs["books"] == "balanced"
        return "with a run file", 0, 0
    begun = os.path.isdir(run.spool) and any(
        spool.is_planned for spool in spools.spools_in(run.spool).values())
    if not begun:
        return "before the window", 0, 0
    done = stress.recover(run.folder, run.spool, "-o", "again.h5")
    assert done.returncode == 0, launch.told(done)
    torn = sum(map(int, re.findall(r"(\d+) records are not whole", done.stderr)))
    return "recovered", spools.check_recovered(os.path.join(run.folder, "again.h5"), run.spool), torn


def die(stress, folder, nodes, moment_s, act):
    with tempfile.TemporaryDirectory(dir=folder) as own:
        run = spools.Run(stress.mpidrift, own, nodes, *SHORT)
        time.sleep(moment_s)
        try:
            act(run)
            run.end()
            assert sum(spools.KEPT in line for line in run.own_lines()) <= 1, run.errors
            assert not launch.orphans_in(own)
            return outcome(stress, run)
        except Exception as error:  # pylint: disable=broad-except # the others shall go on
            say(error)
            return "wrong", 0, 0


def deaths(stress, folder, what, nodes, acts):
    """One run for each act; every committed badge of a recovered run is compared with its spool."""
    ends, badges, torn, done = {}, 0, 0, 0
    moments = [stress.random.uniform(0, 2.5 + nodes / 16) for _ in acts]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for end, found, broken in pool.map(
                lambda pair: die(stress, folder, nodes, *pair), zip(moments, acts)):
            ends[end] = ends.get(end, 0) + 1
            badges, torn, done = badges + found, torn + broken, done + 1
            progress(what, done, len(acts))
    wrong = ends.pop("wrong", 0)
    return Row(what, len(acts), 0 if wrong == 0 else "?", torn, wrong,
               f"{told_ends(ends)}; {badges} committed badges, all recovered")


def kill_one(draw):
    def act(run):
        pids = sorted(run.rank_pids().values())
        if pids:
            os.kill(pids[draw % len(pids)], signal.SIGKILL)
    return act


def kill_all(run):
    for pid in run.rank_pids().values():
        os.kill(pid, signal.SIGKILL)


def kills(stress, folder):
    for nodes in (4, 16):
        acts = [kill_all if stress.random.random() < .2 else kill_one(stress.random.randrange(1000))
                for _ in range(stress.rounds(150))]
        yield deaths(stress, folder, f"`kill -9` under mpirun, {nodes} ranks, one in five times all",
                     nodes, acts)


def send(*numbers):
    def act(run):
        for number in numbers:
            if run.launcher.poll() is None:
                run.signal(number)
    return act


def signals(stress, folder):
    kinds = [(signal.SIGTERM,), (signal.SIGINT,), (signal.SIGUSR1,), (signal.SIGINT, signal.SIGINT)]
    acts = [send(*stress.random.choice(kinds)) for _ in range(stress.rounds(200))]
    yield deaths(stress, folder, "TERM, INT, USR1, or INT twice, to mpirun; 4 ranks", 4, acts)


# ---- full disks ----

def fill_disk(stress, folder, kib, beside):
    """A run on a disk of that size; the spools on it, too, or elsewhere. What it comes to."""
    command = launch.mpirun(3, stress.mpidrift, [
        "--quiet", "--warmup", "0", "--duration", ".3", "--rate", "300", "--trace-max-mib", ".05",
        "--output", "r.h5", *([] if beside else ["--spool", "../r.spool"])])
    done = launch.run([*dying.SMALL_DISK, str(kib), *command], folder, launch.campaign_environment())
    kept = done.stderr.count(spools.KEPT)
    if done.returncode == 0:
        return "room enough"
    assert done.returncode in (73, 74) and "No space left" in done.stderr, launch.told(done)
    if not os.path.isdir(os.path.join(folder, "r.spool")):
        return "refused before the window" if kept == 0 else "file failed, spools with it"
    assert kept == 1 and done.returncode == 74, launch.told(done)
    told = stress.recover(folder, "r.spool", "-o", "r.h5")
    assert "complete: yes" in told.stdout, launch.told(told)
    spools.check_recovered(os.path.join(folder, "r.h5"), os.path.join(folder, "r.spool"))
    return "file failed, recovered whole"


def disks(stress, folder):
    if subprocess.run([*dying.SMALL_DISK, "4", "true"], cwd=folder, check=False,
                      capture_output=True).returncode != 0:
        yield Row("full disk", 0, "-", "-", 0, "kernel forbids a small disk of our own")
        return
    rounds, ends = stress.rounds(40), {}
    for number in range(rounds):
        with tempfile.TemporaryDirectory(dir=folder) as own:
            kib = round(2 ** stress.random.uniform(2, 12))
            try:
                end = fill_disk(stress, own, kib, number % 3 == 0)
            except Exception as error:  # pylint: disable=broad-except
                say(error)
                end = "wrong"
            ends[end] = ends.get(end, 0) + 1
        progress("full disk", number + 1, rounds)
    wrong = ends.pop("wrong", 0)
    yield Row("full disk at any stage: 4 KiB to 4 MiB of room", rounds, 0 if wrong == 0 else "?", 0,
              wrong, told_ends(ends))


# ---- files that somebody changed ----

def files(stress, folder):
    rounds = stress.rounds(2000)
    golden = os.path.join(launch.ROOT, "tests", "golden")
    done = stress.program("test_run_file", folder, MPIDRIFT_MUTATIONS=str(rounds),
                          MPIDRIFT_GOLDEN=golden)
    told = re.search(r"(\d+) refused, (\d+) as written, (\d+) wrong, (\d+) crashed", done.stdout)
    assert told, done.stdout
    yield Row("run files, damaged, read whole", rounds, "-", "-", int(told[3]) + int(told[4]),
              f"{told[1]} refused, {told[2]} as written")
    for what, count, ends in damaged.all_parts(stress.build, folder, stress.rounds(1000), stress.seed):
        wrong = ends.pop("wrong", 0)
        yield Row(f"{what}: compare, badges, recover", count, "-", "-", wrong, told_ends(ends))


# ---- command lines and files of options ----

WORDS = ["--duration", "--warmup", "--rate", "--keys", "--set", "--output", "--corridor", "--config",
         "--spool", "--patience", "--inflight", "--groups", "--json", "--force", "--load", "total",
         "1e999", "nan", "-1", "", "'", "=", "\x01", "9" * 400, "x" * 3000, "%s%n", "a=b", "o.ini",
         "/dev/null", "ü", "--dry-run", "--scene", "lan2ms", "--perturb", "0->1:delay=1ms", "a\nb"]
LINES = ["[corridor]", "[load]", "[perturb]", "[", "]", "=", "a", "rate_per_s = 1", "watch = all",
         "message_delay_max_us = 1e", "assumption = " + "y" * 600, "\x00", "keys =", "; x", "  more",
         "version_lag_max = off", "duration_s = 1", "\xff"]
DOCUMENTED = {0, 64, 65, 73, 75}


def malformed(stress, folder):
    rounds, codes, wrong = stress.rounds(1000), {}, 0
    for number in range(rounds):
        with open(os.path.join(folder, "o.ini"), "w", encoding="latin-1") as file:
            file.write("\n".join(stress.random.choices(LINES, k=stress.random.randrange(8))))
        arguments = stress.random.choice([
            ["--config", "o.ini"], ["--corridor", "o.ini"],
            stress.random.choices(WORDS, k=stress.random.randrange(1, 6))])
        done = subprocess.run([stress.mpidrift, "--dry-run", *arguments], cwd=folder, check=False,
                              env=launch.campaign_environment(), capture_output=True,
                              timeout=launch.LIMIT_S, stdin=subprocess.DEVNULL)
        ours = [line for line in done.stderr.splitlines() if line.startswith(b"mpidrift: ")]
        if done.returncode not in DOCUMENTED or len(ours) != (done.returncode != 0) or \
                os.listdir(folder) != ["o.ini"]:
            say(AssertionError(f"{arguments} {os.listdir(folder)} {done}"))
            wrong += 1
        codes[f"× exit {done.returncode}"] = codes.get(f"× exit {done.returncode}", 0) + 1
        progress("malformed", number + 1, rounds)
    yield Row("malformed command lines and files of options", rounds, "-", "-", wrong,
              told_ends(codes))


# ---- what stands elsewhere ----

def command(what, rounds, arguments, words, folder, limit_s=1800):
    """A row for a test that has a command of its own; `words` of what it prints are the outcome."""
    try:
        done = subprocess.run(arguments, cwd=folder, check=False, capture_output=True, text=True,
                              errors="replace", timeout=limit_s, stdin=subprocess.DEVNULL,
                              env=launch.campaign_environment())
        printed, code = done.stdout + done.stderr, done.returncode
    except subprocess.TimeoutExpired as error:
        printed, code = str(error), 1
    if code != 0:
        say(AssertionError(f"{arguments}: exit code {code}\n{printed[-4000:]}"))
    found = re.findall(words, printed)
    return Row(what, rounds, "-", "-", int(code != 0), ", ".join(found))


def fuzz(stress, folder):
    programs = os.path.join(launch.ROOT, "build-fuzz", "tests")
    if not os.path.exists(os.path.join(programs, "fuzz_spool")):
        yield Row("parsers under libFuzzer", 0, "-", "-", 0, "left out: there is no build-fuzz")
        return
    runs = stress.rounds(200000)
    yield command("parsers under libFuzzer: corridor, options, scene, command line, spool (a tenth)",
                  runs, [sys.executable, os.path.join(launch.ROOT, "tests", "fuzz.py"),
                         stress.mpidrift, programs, "--runs", str(runs), "--seed", str(stress.seed),
                         "--keep", folder], r"(\w+): \d+ runs, nothing found", folder)


def gather(stress, folder):
    for ranks in (2, 5):
        yield command(f"gather in chunks of one to three records, {ranks} ranks", 1, launch.mpirun(
            ranks, os.path.join(stress.build, "tests", "test_gather"), []), r"\d+ assertions", folder)


def stopped_peer(stress, folder):
    script = os.path.join(launch.ROOT, "tests", "stopped_peer.py")
    if not os.path.exists(script):
        yield Row("a peer stopped for 5 s", 0, "-", "-", 0, "left out: there is no stopped_peer.py")
        return
    yield command("one of 16 ranks stopped for 5 s, over shared memory and over TCP", 1, [
        sys.executable, script, stress.mpidrift, "long"], r"FAILED", folder)


def valgrind(stress, folder):
    check = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=no", "--trace-children=no",
             f"--suppressions={launch.ROOT}/tests/valgrind.supp"]
    for name in ("test_spool", "test_config_files", "test_config_refusals", "test_observer",
                 "test_trace", "test_hostile_spool", "test_engine"):
        yield command(f"valgrind: {name}", 1, [*check, os.path.join(stress.build, "tests", name)],
                      r"asserts +\d+", folder)
    yield command("valgrind: a run of 2 ranks", 1, [
        "mpirun", "-np", "2", *check, stress.mpidrift, "--warmup", ".2", "--duration", "1",
        "--quiet", "--output", "v.h5"], r"v\.h5", folder)


PARTS = {"spool": spool_alone, "kills": kills, "signals": signals, "disks": disks, "files": files,
         "malformed": malformed, "fuzz": fuzz, "gather": gather, "stopped": stopped_peer,
         "valgrind": valgrind}


def rows_of(part, stress, folder):
    try:
        yield from part(stress, folder)
    except Exception as error:  # pylint: disable=broad-except # the other parts shall run
        say(error)
        yield Row(part.__name__, 0, "?", "?", 1, "did not come to its end")


def main():
    parser = argparse.ArgumentParser(prog="stress.sh")
    parser.add_argument("build", type=os.path.abspath, help=argparse.SUPPRESS)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--rounds", type=float, default=1, help="share of the full numbers")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    stress, passed = Stress(options), True
    print("| what | rounds | lost | torn | crashes or wrong | seconds | outcome |\n"
          "|---|---|---|---|---|---|---|", flush=True)
    for name in options.only:
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            for row in rows_of(PARTS[name], stress, folder):
                print(f"| {row.what} | {row.rounds} | {row.lost} | {row.torn} | {row.wrong} | "
                      f"{time.monotonic() - began:.0f} | {row.outcome} |", flush=True)
                passed, began = passed and row.passed(), time.monotonic()
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
