#!/usr/bin/python3
"""fuzz.py MPIDRIFT FUZZ_PROGRAMS [--runs N] [--seed S] [--keep FOLDER]: every parser of ours under
random input, from seeds that are the project's own: cards, scenes, options as the program prints
them, command lines of the other tests, and the spools of a run. FUZZ_PROGRAMS is the folder of
fuzz_corridor and its like, with libFuzzer in them or without; N is per parser (spools cost more and
get a tenth). What made a parser fall is left in FOLDER."""

import argparse
import concurrent.futures
import glob
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

import launch
import programs

TARGETS = {"corridor": 4096, "options": 4096, "scene": 4096, "command_line": 1024, "spool": 1 << 20}
SLOW = 10  # a spool against a text
STRICT = "[corridor]\nmessage_delay_max_us = 20\nversion_lag_max = 0\nheartbeat_gap_max_ms = 20.2\n"


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def copy_all(pattern, folder):
    for path in glob.glob(os.path.join(launch.ROOT, pattern)):
        shutil.copy(path, folder)


def make_spools(mpidrift, folder):
    """Of two nodes with badges, a trace, and a finished run."""
    write(folder, "strict.ini", STRICT)
    options = ["--duration", ".1", "--warmup", "0", "--rate", "500", "--trace-max-mib", ".02",
               "--corridor", "strict.ini", "--output", "r.h5", "--keep-spool", "--quiet"]
    done = launch.run(launch.mpirun(2, mpidrift, options), folder, launch.campaign_environment())
    assert done.returncode == 0, launch.told(done)
    for spool in glob.glob(os.path.join(folder, "r.spool", "*.spool")):
        shutil.move(spool, folder)
    for name in ("strict.ini", "r.h5"):
        os.remove(os.path.join(folder, name))
    os.rmdir(os.path.join(folder, "r.spool"))


def make_command_lines(folder):
    for number, case in enumerate(programs.OPTIONS + programs.FILES):
        environment = [f"{name}={value}" for name, value in case.environment.items()]
        write(folder, f"{number}", "\0".join(environment + shlex.split(case.arguments)))


def make_options(mpidrift, folder):
    printed = launch.run(launch.mpirun(2, mpidrift, ["--dry-run"]), folder,
                         launch.campaign_environment()).stdout
    lines = printed.splitlines(keepends=True)
    assert len(lines) > 30, printed
    for first in range(0, len(lines), 8):
        write(folder, f"{first}.ini", "[mpidrift]\n" + "".join(lines[first:first + 8]))


def make_seeds(mpidrift, folder):
    for target in TARGETS:
        os.mkdir(os.path.join(folder, target))
    copy_all("jobs/corridors/*.ini", os.path.join(folder, "corridor"))
    copy_all("jobs/scenes/*.ini", os.path.join(folder, "scene"))
    make_options(mpidrift, os.path.join(folder, "options"))
    make_command_lines(os.path.join(folder, "command_line"))
    make_spools(mpidrift, os.path.join(folder, "spool"))
    for target in TARGETS:
        assert os.listdir(os.path.join(folder, target)), f"no seeds for {target}"


def fuzz(target, folder, options):
    """The line that tells of it; empty when something was found."""
    corpus = os.path.join(folder, target)
    runs = options.runs // SLOW if target == "spool" else options.runs
    began = time.monotonic()
    with open(os.path.join(folder, f"{target}.log"), "w+", encoding="utf-8", errors="replace") as log:
        done = subprocess.run(
            [os.path.join(options.programs, f"fuzz_{target}"), f"-runs={runs}",
             f"-seed={options.seed}", f"-max_len={TARGETS[target]}", "-timeout=20",
             "-rss_limit_mb=2048", f"-artifact_prefix={options.keep}/{target}-", corpus],
            cwd=folder, check=False, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={**os.environ, "ASAN_OPTIONS": "allocator_may_return_null=1:detect_leaks=1"})
        log.seek(0)
        text = log.read()
    seconds = time.monotonic() - began
    if done.returncode != 0:
        return False, f"{target}: FOUND something, exit code {done.returncode}\n{text[-6000:]}"
    return True, f"{target}: {runs} runs, nothing found, {seconds:.1f} s"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mpidrift", type=os.path.abspath)
    parser.add_argument("programs", type=os.path.abspath)
    parser.add_argument("--runs", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", default=".")
    parser.add_argument("--only", choices=list(TARGETS))
    options = parser.parse_args()
    options.keep = os.path.abspath(options.keep)
    targets = [options.only] if options.only else list(TARGETS)
    with tempfile.TemporaryDirectory() as folder, \
            concurrent.futures.ThreadPoolExecutor(2) as pool:
        make_seeds(options.mpidrift, folder)
        results = list(pool.map(lambda target: fuzz(target, folder, options), targets))
    print("\n".join(text for _, text in results))
    return 0 if all(sound for sound, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())
