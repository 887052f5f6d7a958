"""Launching the programs as a user would, each under a limit of time."""

import functools
import os
import signal
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIMIT_S = 60


@functools.lru_cache(maxsize=1)
def campaign_environment():
    """What jobs/local.sh and the tests' own launches give every run."""
    printed = subprocess.run(
        ["bash", "-c", ". jobs/common.sh; mpi_environment; env -0"], cwd=ROOT, check=True,
        env={**os.environ, "root": ROOT}, capture_output=True, text=True).stdout
    variables = dict(entry.split("=", 1) for entry in printed.split("\0") if entry)
    return {name: value for name, value in variables.items() if not name.startswith("MPIDRIFT_")}


def plain_environment():
    """What a launch needs at all: that root may start it, and a way to start it."""
    return {name: value for name, value in campaign_environment().items()
            if not name.startswith(("OMPI_MCA_rmaps", "PRTE_MCA_rmaps", "OMPI_MCA_mpi_yield"))}


def mpirun(nodes, program, arguments, *options):
    return ["mpirun", *options, "-np", str(nodes), program, *arguments]


def run(command, cwd, environment, **options):
    """The finished process with its texts. A launcher that hangs is stopped, which is a failure."""
    done = subprocess.run(["timeout", "-k", "10", str(LIMIT_S), *command], cwd=cwd, check=False,
                          env=environment, stdin=subprocess.DEVNULL, text=True,
                          **{"capture_output": "stdout" not in options, **options})
    assert done.returncode not in (124, 137), f"{command} did not end within {LIMIT_S} s"
    return done


def begin(command, cwd, environment):
    """A process in a group of its own whose output is read while it runs. Whoever started the tests
    may have had SIGINT ignored, which a shell could not undo."""
    return subprocess.Popen(command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            start_new_session=True,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


def wait_for_line(process, start):
    for line in process.stdout:
        if line.startswith(start):
            return
    raise AssertionError(f"{process.args} ended before it printed '{start}'")


def processes_in(folder):
    """Those whose working directory it is."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{process}/cwd") == os.path.realpath(folder):
                found.append(process)
        except OSError:  # it has just ended
            pass
    return found


def orphans_in(folder):
    """Those that are still there some seconds after their launcher: it may come back while a rank is
    in its last milliseconds."""
    until = time.monotonic() + 5
    while processes_in(folder) and time.monotonic() < until:
        time.sleep(.01)
    return processes_in(folder)


def told(done):
    """For the message of an assertion."""
    return f"\n{done.args}\nexit code {done.returncode}\n{done.stdout}\n{done.stderr}"
