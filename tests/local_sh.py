#!/usr/bin/python3
"""local_sh.py MPIDRIFT COMPARE BADGES: jobs/local.sh as its help describes it, with small runs."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time

import launch

SCRIPT = os.path.join(launch.ROOT, "jobs", "local.sh")
RUNS = ["bare-np02", "bare-np04", "bare-np04-groups2", "bare-np04-total", "lan2ms-np02",
        "lan2ms-np04"]
PROMISED = sorted(["campaign.txt", "comparison.json", "comparison.md", "comparison.txt",
                   "options.txt", "corridor-bare.ini", "corridor-lan2ms.ini", "report.html"] +
                  [f"badges-{scene}-np{nodes}.txt" for scene in ("bare", "lan2ms") for nodes in (2, 4)] +
                  [f"{run}-r1.{end}" for run in RUNS for end in ("h5", "log")])
ONE_SCENE = ["--scenes", "bare", "--no-controls"]
CORRIDOR = """; as a student would write it
[corridor]
assumption = Messages arrive in time.
message_delay_max_us = 1500
version_lag_max = off

[load]
rate_per_s = 80
"""


class Bench:
    """A student's folder with a corridor, and one with the programs."""

    def __init__(self, folder, programs):
        self.folder = os.path.join(folder, "here")
        self.programs = os.path.join(folder, "programs")
        for made in (self.folder, self.programs):
            os.mkdir(made)
        for program in programs:
            os.symlink(program, os.path.join(self.programs, os.path.basename(program)))
        with open(os.path.join(self.folder, "mine.ini"), "w", encoding="utf-8") as file:
            file.write(CORRIDOR)

    def command(self, *options):
        return ["bash", SCRIPT, "--programs", self.programs, "--results", "results", "--quick",
                "--nodes", "2 4", "--repetitions", "1", "--duration", ".3", "--warmup", ".1",
                *options]

    def run(self, *options):
        return launch.run(self.command(*options), self.folder, launch.campaign_environment())

    def read(self, *path):
        with open(os.path.join(self.folder, *path), encoding="utf-8") as file:
            return file.read()

    def campaigns(self):
        results = os.path.join(self.folder, "results")
        return sorted(os.listdir(results)) if os.path.isdir(results) else []


# ---- a campaign ----

def check_comparison(bench, campaign):
    told = json.loads(bench.read("results", campaign, "comparison.json"))
    kinds = [(column["scene"], column["nodes"], column["control"]) for column in told["columns"]]
    assert kinds == [("lan2ms", 2, False), ("lan2ms", 4, False), ("bare", 2, False),
                     ("bare", 4, False), ("bare", 4, True), ("bare", 4, True)], kinds
    assert all(len(column["runs"]) == 1 for column in told["columns"])
    assert "| Aspect" in bench.read("results", campaign, "comparison.md")
    assert "Crowding or scale?" in bench.read("results", campaign, "comparison.txt").replace("\n", " ")
    for nodes in (2, 4):
        sample = bench.read("results", campaign, f"badges-bare-np{nodes}.txt")
        badges = sample.count("[BADGE]")
        assert badges <= 20 and (badges > 0 or sample.startswith("# no badge in 1 runs")), sample


def check_next_commands(bench, printed):
    """The commands that it suggests can be pasted."""
    suggested = re.findall(r"^  (\S.*)$", printed.split("Try next:\n")[1], re.MULTILINE)
    assert len(suggested) == 3, suggested
    for command in suggested[:2]:
        done = launch.run(["bash", "-o", "pipefail", "-c", command.replace("| less", "| cat")],
                          bench.folder, launch.campaign_environment())
        assert done.returncode == 0 and done.stdout, launch.told(done)
    assert suggested[2].endswith("--card list"), suggested
    done = launch.run(["bash", "-c", suggested[2]], bench.folder, launch.campaign_environment())
    cards = [line.split()[0] for line in done.stdout.splitlines()]
    assert done.returncode == 0 and "single-leader" in cards and len(cards) >= 6, launch.told(done)


def check_card(bench):
    """A card brings its system, and the lab runs with it."""
    done = bench.run("--card", "single-leader", "--no-controls", "--no-report", "--name", "card")
    assert done.returncode == 0, launch.told(done)
    assert "Assumption: Only one node believes it is leader." in done.stdout, done.stdout
    told = json.loads(bench.read("results", "card-001", "comparison.json"))
    assert [(column["scene"], column["nodes"]) for column in told["columns"]] == \
        [("bare", 2), ("bare", 4)], told["columns"]


def check_campaign(bench):
    done = bench.run("--corridor", "mine.ini", "--name", "lab")
    assert done.returncode == 0 and done.stderr == "", launch.told(done)
    assert bench.campaigns() == ["lab-001"]
    assert sorted(os.listdir(os.path.join(bench.folder, "results", "lab-001"))) == PROMISED
    for scene in ("bare", "lan2ms"):
        assert bench.read("results", "lab-001", f"corridor-{scene}.ini") == CORRIDOR
    assert bench.read("results", "lab-001", "comparison.txt") in done.stdout
    lines = done.stdout.splitlines()
    for number in range(len(RUNS)):
        assert lines[number].startswith(f"run {number + 1} of {len(RUNS)}: "), lines
    check_comparison(bench, "lab-001")
    check_next_commands(bench, done.stdout)


def check_reuse_on_a_terminal(bench):
    """A second call gets a folder of its own, and draws its progress where somebody looks."""
    command = bench.command("--no-report", "--reuse", "results/lab-001", "--name", "lab", "--scenes",
                            "bare", "--", "--load", "total")
    master, terminal = pty.openpty()
    with subprocess.Popen(command, cwd=bench.folder, env=launch.campaign_environment(),
                          stdin=subprocess.DEVNULL, stdout=terminal, stderr=subprocess.STDOUT) as run:
        os.close(terminal)
        printed = b""
        try:
            while some := os.read(master, 65536):
                printed += some
        except OSError:  # the other side is closed
            pass
        assert run.wait(timeout=launch.LIMIT_S) == 0, printed.decode()
    os.close(master)
    assert b"\r[#####.....] run 2 of 2: " in printed, printed.decode()
    assert b" left" in printed and b"Try next:" in printed, printed.decode()
    assert bench.campaigns() == ["lab-001", "lab-002"]
    assert bench.read("results", "lab-002", "corridor-bare.ini") == CORRIDOR
    column = json.loads(bench.read("results", "lab-002", "comparison.json"))["columns"][0]
    assert column["load_total"] is True, column["label"]


# ---- what goes wrong ----

WRONG = [  # options, exit code, words
    (["--frobnicate"], 64, "unknown option --frobnicate"),
    (["--nodes"], 64, "--nodes needs a value"),
    (["--nodes", ""], 64, "--nodes names no node count"),
    (["--nodes", "2 x"], 64, "'x' is not a node count"),
    (["--nodes", "1 2"], 75, "two nodes or more"),
    (["--nodes", "2 2"], 64, "names 2 twice"),
    (["--repetitions", "0"], 64, "--repetitions: '0' is not a count"),
    (["--duration", "0"], 64, "--duration: '0' is not"),
    (["--warmup", "soon"], 64, "--warmup: 'soon' is not"),
    (["--seed", "x"], 64, "--seed: 'x' is not"),
    (["--name", "a/b"], 64, "--name: 'a/b' has other characters"),
    (["--corridor", "absent.ini"], 65, "no readable corridor file absent.ini"),
    (["--corridor", "mine.ini", "--reuse", "."], 64, "not both"),
    (["--programs", "absent"], 64, "--programs"),
    (["--card", "none"], 64, "there is no 'none'"),
    (["--card", "single-leader", "--corridor", "mine.ini"], 64, "not two of them"),
    (["--scenes", "a/b"], 64, "--scenes: 'a/b' has other characters"),
    (["--resume", "results"], 64, "give no others"),
    (["--corridor", "mine.ini", "--results", "/proc/results"], 73, "/proc/results"),
    (["--", "--duration", "3"], 64, "--duration is an option of this script"),
    (["--", "--output=x"], 64, "--output is set by this script"),
]


def check_wrong_options(bench):
    before = bench.campaigns()
    for options, code, words in WRONG:
        done = bench.run(*options)
        assert done.returncode == code and done.stdout == "", launch.told(done)
        assert done.stderr.startswith("local.sh: ") and done.stderr.count("\n") == 1 \
            and words in done.stderr, launch.told(done)
    assert bench.campaigns() == before, bench.campaigns()


def check_failing_run(bench):
    """What mpidrift says is shown, with its exit code, and the folder is kept."""
    done = bench.run("--corridor", "mine.ini", "--name", "bad", "--", "--keys", "65")
    assert done.returncode == 64, launch.told(done)
    assert "mpidrift: --keys: '65' is out of range" in done.stderr, launch.told(done)
    assert "0 of 6 runs finished. Everything is kept in results/bad-001" in done.stderr, done.stderr
    assert "bad-001" in bench.campaigns()


def wait_for_second_run(bench, campaign):
    """Until its ranks have begun."""
    results = os.path.join(bench.folder, "results", campaign)
    while True:
        logs = [name for name in os.listdir(results) if re.match(r"bare-np.*log$", name)]
        if len(logs) == 2 and all("result: " in bench.read(results, log) for log in logs):
            return
        time.sleep(.05)


def check_interrupt(bench, number, code):
    """Ctrl-C ends the run that is on, keeps the finished ones, and says how to compare them."""
    campaign = f"stopped{number}-001"
    command = bench.command("--corridor", "mine.ini", "--name", f"stopped{number}", *ONE_SCENE,
                            "--repetitions", "50", "--duration", "2")
    with launch.begin(command, bench.folder, launch.campaign_environment()) as run:
        launch.wait_for_line(run, "run 2 of 100: ")
        wait_for_second_run(bench, campaign)
        os.killpg(run.pid, number)
        printed = run.communicate(timeout=launch.LIMIT_S)[1]
    assert run.returncode == code, printed
    assert not launch.orphans_in(bench.folder)
    assert f"1 of 100 runs finished. Everything is kept in results/{campaign}" in printed, printed
    compare = re.search(r"^Compare them as they are: (.*)$", printed, re.MULTILINE)
    done = launch.run(["bash", "-c", compare.group(1)], bench.folder, launch.campaign_environment())
    assert done.returncode == 0 and "| Aspect" in done.stdout, launch.told(done)
    left = os.listdir(os.path.join(bench.folder, "results", campaign))
    assert len([name for name in left if name.endswith(".h5")]) == 1, left
    assert not [name for name in left if name.endswith(".part")], left


def check_resume(bench):
    """A stopped campaign goes on with its own options, from wherever, and makes only what lacks."""
    command = bench.command("--corridor", "mine.ini", "--no-report", "--name", "resumed", *ONE_SCENE,
                            "--repetitions", "2", "--duration", "1")
    with launch.begin(command, bench.folder, launch.campaign_environment()) as run:
        launch.wait_for_line(run, "run 2 of 4: ")
        wait_for_second_run(bench, "resumed-001")
        os.killpg(run.pid, signal.SIGINT)
        printed = run.communicate(timeout=launch.LIMIT_S)[1]
    assert re.search(r"^Go on where it stopped: .*--resume results/resumed-001$", printed,
                     re.MULTILINE), printed
    folder = os.path.join(bench.folder, "results", "resumed-001")
    first = [name for name in os.listdir(folder) if name.endswith(".h5")]
    before = os.stat(os.path.join(folder, first[0])).st_mtime_ns
    done = launch.run(["bash", SCRIPT, "--resume", folder], "/", launch.campaign_environment())
    assert done.returncode == 0 and done.stdout.startswith("run 2 of 4: "), launch.told(done)
    assert os.stat(os.path.join(folder, first[0])).st_mtime_ns == before
    told = json.loads(bench.read("results", "resumed-001", "comparison.json"))
    assert [len(column["runs"]) for column in told["columns"]] == [2, 2]
    assert bench.campaigns().count("resumed-002") == 0
    kept = [name for name in os.listdir(folder) if name.endswith("-stopped1.spool")]
    assert len(kept) == 1 and kept[0] in bench.read("results", "resumed-001", "campaign.txt")


def main(*programs):
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder, programs)
        check_wrong_options(bench)
        check_campaign(bench)
        check_reuse_on_a_terminal(bench)
        check_card(bench)
        check_failing_run(bench)
        check_resume(bench)
        check_interrupt(bench, signal.SIGINT, 130)
        check_interrupt(bench, signal.SIGTERM, 143)


if __name__ == "__main__":
    main(*sys.argv[1:])
