#!/usr/bin/python3
"""badges_formats.py WRITER BADGES: each format of mpidrift-badges shows what the run file holds, and
each filter lets through what it says."""

import bisect
import collections
import csv
import io
import json
import math
import os
import subprocess
import sys
import tempfile

import h5py

# The lab's own example.
GOLDEN = """[BADGE]
type: COHERENCE_DRIFT
node: node_A
context: version_lag_exceeded
timestamp: 10234
"""
CSV_HEADER = ["node", "peer", "context", "boundary", "type", "timestamp_us", "time_s", "global_s",
              "uncertainty_s", "end_s", "observed", "limit", "peak", "own_stall_s", "key",
              "version_known", "version_received", "sequence", "flags", "run"]
FULL_KEYS = ["type", "node", "context", "timestamp", "module", "peer", "boundary", "observed",
             "limit", "peak", "until", "own_stall_us", "clock_uncertainty_us", "flags", "run"]
FLAGS = ["self_stalled", "below_clock_resolution", "censored", "clock_suspect"]
NODES = 5


def run(badges, *arguments):
    return subprocess.run([badges, *arguments], capture_output=True, check=True).stdout.decode()


def node_name(rank):
    return "node_" + "ABCDE"[rank]


class Truth:
    """The rows as h5py reads them."""

    def __init__(self, path):
        with h5py.File(path, "r") as file:
            self.rows = file["badges"][:]
            self.run_id = file.attrs["run_id"]
            enum = file["badges"].dtype
        self.contexts = {code: name for name, code in h5py.check_enum_dtype(enum["context"]).items()}
        self.boundaries = {code: name
                           for name, code in h5py.check_enum_dtype(enum["boundary"]).items()}

    def context(self, row):
        return self.contexts[row["context"]]

    def boundary(self, row):
        return self.boundaries[row["boundary"]]

    def lab(self, row):
        return (f"[BADGE]\ntype: COHERENCE_DRIFT\nnode: {node_name(row['node'])}\n"
                f"context: {self.context(row)}\ntimestamp: {math.floor(row['time_s'] * 1e6)}\n")


def flags_of(row):
    return " ".join(name for bit, name in enumerate(FLAGS) if row["flags"] >> bit & 1) or "none"


def check_csv(text, truth):
    assert text.count("\n") == text.count("\r\n")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert rows[0] == CSV_HEADER, rows[0]
    assert len(rows) == len(truth.rows) + 1
    for line, row in zip(rows[1:], truth.rows):
        shown = dict(zip(CSV_HEADER, line))
        assert len(line) == len(CSV_HEADER)
        assert shown["node"] == node_name(row["node"]) and shown["peer"] == node_name(row["peer"])
        assert shown["context"] == truth.context(row) and shown["type"] == "COHERENCE_DRIFT"
        assert shown["boundary"] == truth.boundary(row) and shown["run"] == truth.run_id
        assert int(shown["timestamp_us"]) == math.floor(row["time_s"] * 1e6)
        for key in ["time_s", "global_s", "uncertainty_s", "observed", "limit", "peak",
                    "own_stall_s"]:
            assert float(shown[key]) == row[key], (key, shown)
        assert shown["end_s"] == "" if math.isnan(row["end_s"]) else (
            float(shown["end_s"]) == row["end_s"]), shown
        for key in ["key", "version_known", "version_received", "sequence"]:
            assert int(shown[key]) == row[key], (key, shown)
        assert shown["flags"] == flags_of(row), shown


def value_text(value, context):
    if context in ("message_delay_exceeded", "heartbeat_missed"):
        return "%.1f us" % (value * 1e6)
    return "%.0f" % value


def check_full(text, truth):
    blocks = text.split("\n\n")
    assert len(blocks) == len(truth.rows)
    for block, row in zip(blocks, truth.rows):
        lines = block.rstrip("\n").split("\n")
        assert lines[0] == "[BADGE]", block
        shown = dict(line.split(": ", 1) for line in lines[1:])
        assert list(shown) == FULL_KEYS, block
        context = truth.context(row)
        assert block.startswith(truth.lab(row)), block
        assert shown["module"] == "replication" and shown["peer"] == node_name(row["peer"])
        assert shown["boundary"] == truth.boundary(row) and shown["run"] == truth.run_id
        for key in ["observed", "limit", "peak"]:
            assert shown[key] == value_text(row[key], context), block
        assert shown["until"] == ("still outside at the end" if math.isnan(row["end_s"])
                                  else str(math.floor(row["end_s"] * 1e6))), block
        assert shown["own_stall_us"] == "%.0f" % (row["own_stall_s"] * 1e6), block
        assert shown["clock_uncertainty_us"] == "%.3f" % (row["uncertainty_s"] * 1e6), block
        assert shown["flags"] == flags_of(row), block


def check_filters(badges, path, truth):
    first, last = 1.25, 3.5
    cases = [  # options, and which rows pass
        ([], lambda row: True),
        (["--node", "node_C"], lambda row: row["node"] == 2),
        (["--node", "4"], lambda row: row["node"] == 4),
        (["--context", "version_lag_exceeded"],
         lambda row: truth.context(row) == "version_lag_exceeded"),
        (["--from", str(first)], lambda row: row["time_s"] >= first),
        (["--to", str(last)], lambda row: row["time_s"] < last),
        (["--from", str(first), "--to", str(last), "--node", "node_A", "--context",
          "heartbeat_missed"],
         lambda row: first <= row["time_s"] < last and row["node"] == 0
         and truth.context(row) == "heartbeat_missed"),
    ]
    for options, passes in cases:
        wanted = [truth.lab(row) for row in truth.rows if passes(row)]
        assert len(wanted) > 2, options
        assert run(badges, *options, path) == "\n".join(wanted), options
        assert run(badges, *options, "--limit", "2", path) == "\n".join(wanted[:2]), options
    assert run(badges, "--limit", "0", path) == ""
    exact = repr(float(truth.rows[3]["time_s"]))  # from: included, to: not
    assert truth.lab(truth.rows[3]) in run(badges, "--from", exact, path)
    assert truth.lab(truth.rows[3]) not in run(badges, "--to", exact, path)


# ---- for Perfetto ----

def chrome(badges, *arguments):
    done = subprocess.run([badges, "--format", "chrome-trace", *arguments], capture_output=True,
                          check=True)
    return json.loads(done.stdout), done.stderr.decode()


def check_slices(events):
    """Slices of one track neither overlap nor stand in the wrong order of time."""
    tracks = collections.defaultdict(list)
    for event in events:
        assert {"ph", "ts", "pid", "tid", "name"} <= set(event), event
        if event["ph"] == "X":
            assert event["dur"] > 0, event
            tracks[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    for track, slices in tracks.items():
        slices.sort()
        for before, after in zip(slices, slices[1:]):
            assert after[0] >= before[1] - 0.002, (track, before, after)
    return tracks


def check_flows(events, tracks):
    """Each flow has one beginning and one end, both on a slice of their track."""
    begins = {event["id"]: event for event in events if event["ph"] == "s"}
    ends = {event["id"]: event for event in events if event["ph"] == "f"}
    assert begins.keys() == ends.keys()
    assert len(begins) == sum(event["ph"] == "s" for event in events)
    assert len(ends) == sum(event["ph"] == "f" for event in events)
    for flow, begin in begins.items():
        end = ends[flow]
        assert begin["ts"] < end["ts"] and begin["pid"] != end["pid"] and end["bp"] == "e"
        for event in (begin, end):
            slices = tracks[event["pid"], event["tid"]]
            place = bisect.bisect_right(slices, (event["ts"] + 0.0015, math.inf)) - 1
            assert slices[place][0] - 0.0015 <= event["ts"] <= slices[place][1], event
    return len(begins)


def check_chrome(badges, path, truth, writes):
    trace, err = chrome(badges, path)
    events = trace["traceEvents"]
    assert err == "" and trace["otherData"]["run"] == truth.run_id
    assert trace["otherData"]["episodes_left_out"] == 0
    tracks = check_slices(events)
    assert check_flows(events, tracks) == writes * (NODES - 1)
    names = {event["pid"]: event["args"]["name"] for event in events
             if event["name"] == "process_name"}
    assert names == {rank + 1: node_name(rank) for rank in range(NODES)}, names
    shown = sorted((event["ts"], event["name"], event["pid"], event["args"]["peer"])
                   for event in events if event["ph"] == "X" and "peer" in event["args"])
    wanted = sorted((round(row["global_s"] * 1e6, 3), truth.context(row), row["node"] + 1,
                     node_name(row["peer"])) for row in truth.rows)
    assert len(shown) == len(wanted)
    assert all(abs(a[0] - b[0]) < 0.002 and a[1:] == b[1:] for a, b in zip(shown, wanted))
    one, _ = chrome(badges, "--node", "node_B", "--limit", "3", path)
    kinds = [event["ph"] for event in one["traceEvents"]]
    assert kinds.count("X") == 3 and "s" not in kinds, kinds
    part, _ = chrome(badges, "--from", "1", "--to", "1.5", path)
    assert all(1e6 <= event["ts"] <= 1.5e6 for event in part["traceEvents"] if event["ph"] != "M")
    check_flows(part["traceEvents"], check_slices(part["traceEvents"]))


def check_chrome_capped(writer, badges, directory):
    """More messages than a viewer can bear: the first ones, each flow with both its ends."""
    path = os.path.join(directory, "many.h5")
    subprocess.run([writer, path, "5", "1", "trace=5000"], check=True)
    trace, err = chrome(badges, path)
    events = trace["traceEvents"]
    until_s = trace["otherData"]["messages_left_out_from_s"]
    assert 0.5 < until_s < 4.5 and f"messages from {until_s:.6f} s on are left out" in err, err
    messages = [event for event in events if event.get("cat") == "message"]
    assert all(event["ts"] < until_s * 1e6 + 0.01 for event in messages)
    assert 50000 < sum(event["ph"] == "X" for event in messages) <= 100000
    check_flows(events, check_slices(events))


def check_no_badge(badges, path):
    assert run(badges, "--from", "5", path) == "# no badge in 0 node-seconds\n"
    assert run(badges, "--to", "0", path) == "# no badge in 0 node-seconds\n"
    assert run(badges, "--from", "4.9999", "--node", "0", path) == (
        "# no badge in 0.0001 node-seconds\n")
    assert run(badges, "--format", "csv", "--from", "5", path) == ",".join(CSV_HEADER) + "\r\n"


def check_golden(badges, path):
    with h5py.File(path, "r+") as file:
        rows = file["badges"][:]
        rows["time_s"][0], rows["context"][0] = 0.010234, 3
        file["badges"][...] = rows
    assert run(badges, "--limit", "1", path) == GOLDEN
    assert run(badges, path).startswith(GOLDEN + "\n[BADGE]\n")


def main(writer, badges):
    with tempfile.TemporaryDirectory() as directory:
        path, quiet = os.path.join(directory, "run.h5"), os.path.join(directory, "quiet.h5")
        subprocess.run([writer, path, str(NODES), "60", "mean=0.05", "stalled=0.2",
                        "trace=40"], check=True)
        subprocess.run([writer, quiet, "2", "0"], check=True)
        truth = Truth(path)
        assert any(math.isnan(row["end_s"]) for row in truth.rows)
        assert len({row["context"] for row in truth.rows}) == 5
        check_chrome(badges, path, truth, 5 * 40 * NODES)
        check_chrome_capped(writer, badges, directory)
        check_csv(run(badges, "--format", "csv", path), truth)
        check_full(run(badges, "--format", "full", path), truth)
        check_filters(badges, path, truth)
        check_no_badge(badges, path)
        assert run(badges, quiet) == "# no badge in 10 node-seconds\n"
        check_golden(badges, path)


if __name__ == "__main__":
    main(*sys.argv[1:])
