#!/usr/bin/python3
"""speed.py MPIDRIFT_SPEED: it measures everything, says it in both forms, and answers nonsense. How
fast anything is, is no matter here."""

import json
import math
import os
import sys
import tempfile

import launch

KEYS = ["ratio_engine_to_raw", "ratio_observed_to_raw", "ratio_observed_to_engine",
        "ratio_trace_to_observed", "raw_messages_per_s", "engine_messages_per_s",
        "observed_messages_per_s", "trace_messages_per_s", "badges_messages_per_s",
        "stamp_age_p99_us", "clock_ns", "histogram_ns", "corridor_check_ns", "trace_event_ns",
        "badge_commit_ns", "badge_memcpy_ns", "file_s_per_million_badges", "file_to_bytes_ratio",
        "sync_s", "drain_s", "record_s", "own_bytes_per_peer", "process_kib_per_node"]
TINY = ["--rounds", "1", "--seconds", "0.02", "--badges", "2000"]


def run(program, nodes, folder, *options):
    return launch.run(launch.mpirun(nodes, program, list(options)), folder,
                      launch.campaign_environment())


def check_all_is_measured(program, folder):
    done = run(program, 2, folder, *TINY, "--parts", "messages,steps,file,phases",
               "--json=speed.json")
    assert done.returncode == 0, launch.told(done)
    with open(os.path.join(folder, "speed.json"), encoding="utf-8") as file:
        data = json.load(file)
    printed = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    for key in KEYS:
        assert math.isfinite(data[key]) and data[key] >= 0, (key, data[key])
        assert key in printed and len(data["spread"][key]) == 2, key
    assert data["ranks"] == 2 and data["rounds"] == 1
    assert data["not_recorded"] == 0, "a loop was watched by less than it should"
    left = [name for name in os.listdir(folder) if name != "speed.json"]
    assert not left, f"left behind: {left}"


def check_peer(program, folder):
    peer = os.path.join(folder, "peer")
    with open(peer, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n[ \"$OMPI_COMM_WORLD_RANK\" = 0 ] || exit 0\n"
                   "echo '# Size  MB/s  Messages/s'\necho '64  96.00  1500000.00'\n")
    os.chmod(peer, 0o755)
    done = run(program, 2, folder, *TINY, "--parts", "messages", "--peer", peer, "--json")
    assert done.returncode == 0, launch.told(done)
    data = json.loads(done.stdout)
    assert data["peer_messages_per_s"] == 1500000
    assert math.isclose(data["ratio_raw_to_peer"], data["raw_messages_per_s"] / 1500000)


def check_refusals(program, folder):
    for nodes, options, code, word in [
            (2, ["--rounds", "none"], 64, "--rounds"), (2, ["--parts", "messages,speed"], 64, "speed"),
            (2, ["--no-such"], 64, "--no-such"), (2, ["run.h5"], 64, "run.h5"),
            (3, [], 75, "mpirun -np 2"), (1, [], 75, "mpirun -np 2"),
            (2, ["--directory", "/no/such/place"], 73, "/no/such/place"),
            (2, [*TINY, "--parts", "steps", "--json=/no/such/file"], 73, "/no/such/file"),
            (2, [*TINY, "--parts", "steps", "--peer", "/no/such/peer"], 65, "/no/such/peer")]:
        done = run(program, nodes, folder, *options)
        assert done.returncode == code, (options, launch.told(done))
        assert word in done.stderr, (options, launch.told(done))
    done = run(program, 1, folder, "--help")
    assert done.returncode == 0 and "ratio_engine_to_raw" in done.stdout, launch.told(done)


def main(program):
    for check in [check_all_is_measured, check_peer, check_refusals]:
        with tempfile.TemporaryDirectory() as folder:
            check(program, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
