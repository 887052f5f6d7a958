#!/usr/bin/python3
"""systems.py MPIDRIFT COMPARE: under MPI each system runs, keeps its books, and records what it
declares; a comparison says what does not apply to it; calibration proposes a deadline; the list
says what each is."""

import os
import subprocess
import sys
import tempfile

import h5py
import numpy

import launch

SYSTEMS = ["replication", "messaging", "leader", "consensus"]
NODES, GROUP = 4, 2
SHORT = ["--duration", "1", "--warmup", ".5", "--groups", str(GROUP), "--quiet"]


def run_system(mpidrift, folder, system):
    path = os.path.join(folder, f"{system}.h5")
    arguments = [*SHORT, "--system", system, "--output", path]
    done = launch.run(launch.mpirun(NODES, mpidrift, arguments), folder,
                      launch.campaign_environment())
    assert done.returncode == 0, launch.told(done)
    return path


def check_books(run, system):
    nodes = run["nodes"][:]
    assert (nodes["in_flight"] == 0).all() and (nodes["suppressed"] == 0).all()
    assert nodes["received"].sum() == nodes["attempted"].sum() > 0
    assert run["config"].attrs["system"] == system
    rate_counts = {"replication": "writes", "messaging": "letters"}.get(system, "nothing")
    assert run["provenance"].attrs["rate_counts"] == rate_counts
    assert (nodes["state_digest"] != 0).all() == (system == "replication")


def peers_of(node):
    first = node - node % GROUP
    return {rank for rank in range(first, first + GROUP) if rank != node}


def check_leader(tables):
    assert sorted(tables) == ["beliefs", "detection"]
    beliefs, detection = tables["beliefs"][:], tables["detection"][:]
    for node in range(NODES):
        own = beliefs[beliefs["node"] == node]
        assert own["leader"][0] == node - node % GROUP, "ranks, not indices within the group"
        assert abs(own["time_s"][0] + .5) < 1e-6 and (numpy.diff(own["time_s"]) >= 0).all()
        assert set(detection["peer"][detection["node"] == node]) == peers_of(node)


def check_consensus(tables):
    assert list(tables) == ["rounds"]
    rounds = tables["rounds"][:]
    for node in range(NODES):
        own = rounds[rounds["node"] == node]
        assert own["round"].tolist() == list(range(-25, 50)), own["round"]
        assert ((own["heard"] + own["late"]) == GROUP - 1).all()
        assert set(own["decision"]) == {0, 1} == set(own["proposal"])
        assert (own["time_s"] >= own["round"] * .02 + .001 - 1e-6).all()


def check_comparison(compare, path, system):
    done = subprocess.run([compare, path], check=True, capture_output=True, text=True)
    load = {"replication": "400 writes/s", "messaging": "400 letters/s"}.get(system, "0 writes/s")
    agree = "1/1 runs" if system == "replication" else "not applicable"
    assert f": {load}, " in done.stdout, launch.told(done)
    assert f"Final replicas agree (converged). 2 × 2 nodes: {agree}." in done.stdout, system


def check_systems(mpidrift, compare, folder):
    checks = {"leader": check_leader, "consensus": check_consensus}
    for system in SYSTEMS:
        path = run_system(mpidrift, folder, system)
        check_comparison(compare, path, system)
        with h5py.File(path, "r") as run:
            check_books(run, system)
            for table in run["system"].values():
                assert table.attrs["dropped"] == 0
            checks.get(system, lambda tables: None)(run["system"])
            assert system in checks or len(run["system"]) == 0


def check_calibration(mpidrift, folder):
    """Its deadline is the delay limit, and its own file is accepted."""
    path = os.path.join(folder, "calibrated.ini")
    arguments = ["--system", "consensus", "--calibrate", path, "--calibrate-samples", "200"]
    done = launch.run(launch.mpirun(2, mpidrift, arguments), folder,
                      launch.campaign_environment())
    assert done.returncode == 0, launch.told(done)
    told = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    assert told["deadline_us"] == told["message_delay_max_us"], done.stdout
    assert float(told["round_ms"]) * 1e3 >= 2 * float(told["deadline_us"])
    assert "version_lag_max" not in told, "consensus has no such boundary"
    done = launch.run(launch.mpirun(2, mpidrift, ["--corridor", path, "--dry-run"]), folder,
                      launch.campaign_environment())
    assert done.returncode == 0, launch.told(done)
    assert "system = consensus\n" in done.stdout
    assert f"deadline_us = {told['deadline_us']}\n" in done.stdout


def check_list(mpidrift, folder):
    done = launch.run(launch.mpirun(1, mpidrift, ["--list-systems"]), folder,
                      launch.campaign_environment())
    assert done.returncode == 0, launch.told(done)
    for system in SYSTEMS:
        assert f"{system}\n  assumes:  " in done.stdout, done.stdout
    for words in ["observes: ", "drift is: ", "contexts: ", "leader_view_split", "decision_split"]:
        assert words in done.stdout, words


def main(mpidrift, compare):
    with tempfile.TemporaryDirectory() as folder:
        check_list(mpidrift, folder)
        check_systems(mpidrift, compare, folder)
        check_calibration(mpidrift, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
