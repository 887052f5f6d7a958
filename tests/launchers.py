#!/usr/bin/python3
"""launchers.py MPIEXEC MPIDRIFT COMPARE: what a launcher may and may not do: start the nodes that were
expected, where they were declared, and be of the program's own MPI library."""

import os
import shutil
import sys
import tempfile

import h5py

import launch

WINDOW = ["--duration", ".3", "--warmup", ".1", "--quiet"]


def start(bench, nodes, *options, by=None):
    command = [by or bench.mpiexec, "-n", str(nodes), bench.mpidrift, *WINDOW, *options]
    environment = launch.campaign_environment()
    if by: # where MPI was started by another launcher, the leak detector itself has crashed
        environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    return launch.run(command, bench.folder, environment)


class Bench:
    def __init__(self, mpiexec, mpidrift, compare, folder):
        self.mpiexec, self.mpidrift, self.compare, self.folder = mpiexec, mpidrift, compare, folder

    def observe(self, nodes, name, *options):
        done = start(self, nodes, "--output", name, *options)
        assert done.returncode == 0 and not done.stdout, launch.told(done)
        with h5py.File(os.path.join(self.folder, name), "r") as run:
            assert len(run["nodes"]) == nodes
            return dict(run["provenance"].attrs), run["config"].attrs["canonical_text"]

    def refuse(self, code, words, nodes, *options, by=None):
        """One sentence of ours, once, whatever the launcher adds."""
        done = start(self, nodes, *options, by=by)
        said = [line for line in done.stderr.splitlines() if line.startswith("mpidrift: ")]
        assert done.returncode == code and len(said) == 1 and words in said[0], launch.told(done)
        assert "result" not in os.listdir(self.folder)


def check_placement(bench):
    """Declared placement is what must be equal; undeclared and declared ones are not mixed."""
    found, text = bench.observe(2, "two.h5", "--per-host", "8")
    assert "\nranks_per_host=8\n" in text and found["hosts"] == 1, text
    assert found["time_is"] == "measured" and "simulated" not in text
    assert bench.observe(5, "five.h5", "--per-host", "8")[1] == text
    assert "\nranks_per_host=all\n" in bench.observe(5, "as_found.h5")[1]
    done = launch.run([bench.compare, "two.h5", "five.h5"], bench.folder, None)
    assert done.returncode == 0 and "| 5 nodes" in done.stdout, launch.told(done)
    done = launch.run([bench.compare, "two.h5", "as_found.h5"], bench.folder, None)
    assert done.returncode == 65 and "ranks_per_host: 8 in two.h5; all in as_found.h5" in done.stderr, \
        launch.told(done)
    bench.refuse(64, "--per-host 1 declares 2 nodes on 2 hosts", 2, "--per-host", "1")


def check_size(bench):
    bench.observe(2, "expected.h5", "--expect-nodes", "2")
    bench.refuse(64, "3 nodes were expected (--expect-nodes), but the launcher started 2", 2,
                 "--expect-nodes", "3")


def check_other_launcher(bench):
    """Each process is then a world of its own, which must not look like a run."""
    for other in ("mpiexec.mpich", "mpiexec.openmpi"):
        path = shutil.which(other)
        if path and os.path.realpath(path) != os.path.realpath(shutil.which(bench.mpiexec)):
            bench.refuse(75, "the launcher started 2 processes, but each is alone", 2, by=other)


def main(*programs):
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(*programs, folder)
        check_placement(bench)
        check_size(bench)
        check_other_launcher(bench)


if __name__ == "__main__":
    main(*sys.argv[1:])
