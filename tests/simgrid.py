#!/usr/bin/python3
"""simgrid.py SIMULATE COMPARE MPIDRIFT: sixteen simulated nodes do the same again from the same seed,
say that they are simulated, and are never compared with measured ones."""

import filecmp
import os
import subprocess
import sys
import tempfile

import h5py

import launch


def simulate(script, folder, *options):
    command = ["bash", script, "--build", os.path.join(launch.ROOT, "build-simgrid"),
               "--results", folder, "--nodes", "2 16", *options]
    done = subprocess.run(command, cwd=folder, env=launch.campaign_environment(), check=False,
                          capture_output=True, text=True, timeout=240)  # it may have to build first
    assert done.returncode == 0, launch.told(done)
    return done.stdout.split("Everything is in ")[1].split(". Compare")[0]


def check_words(campaign):
    with open(os.path.join(campaign, "simulated-np0016-r1.log"), encoding="utf-8") as log:
        printed = log.read()
    assert printed.startswith("mpidrift ") and ", simulated, " in printed.split("\n")[0], printed
    with h5py.File(os.path.join(campaign, "simulated-np0016-r1.h5"), "r") as run:
        assert run["provenance"].attrs["time_is"] == "simulated"
        assert run["provenance"].attrs["hosts"] == 16
        assert "\nsimulated=yes\n" in run["config"].attrs["canonical_text"]
        assert len(run["nodes"]) == 16 and run["nodes"]["received"].min() > 0
        assert list(run["nodes"]["host"][[0, 15]]) == [b"host0", b"host15"]


def check_same_again(first, second):
    for name in ("simulated-np0002-r1.h5", "simulated-np0016-r1.h5"):
        with h5py.File(os.path.join(first, name)) as a, h5py.File(os.path.join(second, name)) as b:
            for path in ("badges", "pairs", "trace/events", "histograms/delay/counts"):
                assert a[path][()].tobytes() == b[path][()].tobytes(), path


def compare(tool, folder, *files):
    return launch.run([tool, *files], folder, None)


def main(script, tool, mpidrift):
    with tempfile.TemporaryDirectory() as folder:
        first, second = (simulate(script, folder) for _ in range(2))
        other = simulate(script, folder, "--", "--seed", "7")
        check_words(first)
        check_same_again(first, second)
        sixteen = "simulated-np0016-r1.h5"
        assert not filecmp.cmp(os.path.join(first, sixteen), os.path.join(other, sixteen), False)
        files = [os.path.join(first, name) for name in sorted(os.listdir(first)) if name.endswith(".h5")]
        done = compare(tool, folder, *files)
        assert done.returncode == 0 and "16 nodes" in done.stdout, launch.told(done)
        assert "simulated" in done.stdout, launch.told(done)
        measured = launch.run(launch.mpirun(2, mpidrift, ["--duration", ".1", "--warmup", ".02",
                                                          "--quiet", "--output", "measured.h5"]),
                              folder, launch.campaign_environment())
        assert measured.returncode == 0, launch.told(measured)
        done = compare(tool, folder, "measured.h5", files[1])
        assert done.returncode == 65 and "simulated: " in done.stderr, launch.told(done)


if __name__ == "__main__":
    main(*sys.argv[1:])
