#!/usr/bin/python3
"""run_file_python.py WRITER: what WRITER writes, h5py, pandas and h5dump read."""

import math
import os
import subprocess
import sys
import tempfile

import h5py
import pandas

REALS = ["time_s", "global_s", "uncertainty_s", "end_s", "observed", "limit", "peak", "own_stall_s"]
INTEGERS = ["version_known", "version_received", "sequence", "node", "peer", "key", "flags",
            "context", "boundary", "class", "type"]
TRACE_REALS = ["time_s", "global_s", "sent_s"]
TRACE_INTEGERS = ["version", "sequence", "node", "peer", "base", "key", "kind"]


def expected_rows(printed, reals):
    for line in printed:
        words = line.split()
        yield [float(word) for word in words[:len(reals)]] + [int(w) for w in words[len(reals):]]


def same(a, b):
    return a == b or (math.isnan(a) and math.isnan(b))


def check_table(rows, itemsize, printed, reals, integers):
    expected = list(expected_rows(printed, reals))
    assert rows.dtype.names == tuple(reals + integers), rows.dtype.names
    assert rows.dtype.itemsize == itemsize
    assert len(rows) == len(expected) > 0
    for row, values in zip(rows, expected):
        assert all(same(a, b) for a, b in zip(row.tolist(), values)), (row, values)
    return expected


def check_rows(run, printed):
    rows = run["badges"][:]
    expected = check_table(rows, 112, printed, REALS, INTEGERS)
    frame = pandas.DataFrame(rows)
    assert len(frame) == len(expected)
    assert frame["version_known"].tolist() == [values[len(REALS)] for values in expected]
    assert frame["end_s"].isna().sum() == sum(math.isnan(values[3]) for values in expected)


def check_trace(run, printed):
    rows, index = run["trace/events"][:], run["trace/index"][:]
    expected = check_table(rows, 56, printed, TRACE_REALS, TRACE_INTEGERS)
    frame = pandas.DataFrame(rows)
    assert frame["version"].tolist() == [values[len(TRACE_REALS)] for values in expected]
    assert index.dtype.names == ("first", "events", "dropped", "covered_until_s")
    assert len(index) == len(run["nodes"]) and index["events"].sum() == len(rows)
    for node, row in enumerate(index):
        events = rows[row["first"]:row["first"] + row["events"]]
        assert len(events) > 0 and (events["node"] == node).all()


def check_system(run, printed):
    """What a system keeps besides is told by its columns alone."""
    assert list(run["system"]) == ["besides", "nothing"]
    rows = run["system/besides"]
    check_table(rows[:], 24, printed, ["real_s"], ["large", "node", "number"])
    assert any(int(line.split()[3]) < 0 for line in printed)
    assert rows.dtype["large"] == "<u8" and rows.dtype["number"] == "<i4"
    assert rows.attrs["unit_real_s"] == "s" and "unit_large" not in rows.attrs
    assert rows.attrs["dropped"] == 5 and rows.attrs["unit_dropped"] == "rows"
    assert len(run["system/nothing"]) == 0 and run["system/nothing"].attrs["dropped"] == 0
    assert run["system/nothing"].dtype == rows.dtype


def check_enumerations(run):
    names = h5py.check_enum_dtype(run["badges"].dtype["context"])
    assert names["message_delay_exceeded"] == 0 and names["decision_split"] == 7, names
    assert h5py.check_enum_dtype(run["badges"].dtype["boundary"])["receive"] == 1
    assert h5py.check_enum_dtype(run["trace/events"].dtype["kind"])["update"] == 2
    assert h5py.check_enum_dtype(run["badges"].dtype["class"]) == {"time": 0, "state": 1}
    assert h5py.check_enum_dtype(run["badges"].dtype["type"]) == {"COHERENCE_DRIFT": 0}
    assert h5py.check_enum_dtype(run["pairs"].dtype["context"]) == names
    assert h5py.check_enum_dtype(run["windows/contexts"].dtype) == names


def check_attributes(run):
    for path in ["/", "/provenance", "/config", "/config/corridor", "/config/perturb"]:
        for key, value in run[path].attrs.items():
            assert isinstance(value, str) or value.shape == (), (path, key, value)
    assert run.attrs["format"] == "mpidrift-run"
    assert run.attrs["note"] == "grüß"
    assert run.attrs["complete"] == 1
    assert run["provenance"].attrs["empty"] == ""
    assert run["config"].attrs["duration_s"] == 0.1
    for dataset in ["nodes", "badges", "pairs", "trace/events", "trace/index"]:
        for member in run[dataset].dtype.names:
            if member.endswith("_s"):
                assert run[dataset].attrs["unit_" + member] == "s", member
    assert run["nodes"].attrs["unit_sync1_offset_s"] == "s"
    assert run["badges"].attrs["unit_version_known"] == "versions"
    assert run["histograms/delay"].attrs["unit"] == "s"
    assert run["windows"].attrs["window_s"] == 0.025


def check_shapes(run):
    nodes = len(run["nodes"])
    assert [n.decode() for n in run["nodes"]["name"]] == ["node_A", "node_B", "node_C"]
    assert run["nodes"]["host"][0].decode().startswith("hôte-")
    assert run["nodes"]["badges"].sum() == len(run["badges"])
    for name in ["delay", "lag", "gap", "stall", "lateness"]:
        histogram = run["histograms"][name]
        assert histogram["counts"].shape == (nodes, len(histogram["edges"]) - 1)
        assert histogram["underflow"].shape == histogram["overflow"].shape == (nodes,)
    assert run["windows/outside_s"].shape == (nodes, len(run["windows/contexts"]), 8)
    assert run["windows/node_outside_s"].shape == (nodes, 8)


def check_h5dump(path, printed):
    dump = subprocess.run(["h5dump", "-d", "/badges", path], check=True, capture_output=True,
                          text=True).stdout
    assert dump.count("COHERENCE_DRIFT,") + dump.count("COHERENCE_DRIFT\n") >= len(
        printed), dump[:2000]
    assert "message_delay_exceeded" in dump


def main(writer):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "run.h5")
        printed = subprocess.run([writer, path], check=True, capture_output=True, text=True).stdout
        lines = printed.splitlines()
        badges = [line for line in lines if not line.startswith(("trace ", "system "))]
        events = [line[len("trace "):] for line in lines if line.startswith("trace ")]
        besides = [line[len("system "):] for line in lines if line.startswith("system ")]
        with h5py.File(path, "r") as run:
            check_rows(run, badges)
            check_trace(run, events)
            check_system(run, besides)
            check_enumerations(run)
            check_attributes(run)
            check_shapes(run)
        check_h5dump(path, badges)


if __name__ == "__main__":
    main(sys.argv[1])
