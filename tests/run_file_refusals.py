#!/usr/bin/python3
"""run_file_refusals.py WRITER READER: run files changed with h5py are refused with a sentence, or
read when they only have more than this version knows."""

import os
import subprocess
import sys
import tempfile

import h5py
import numpy


def replace(run, path, data):
    attributes = dict(run[path].attrs) if path in run else {}
    del run[path]
    run[path] = data
    run[path].attrs.update(attributes)


def rows_with(run, path, change):
    rows = run[path][:]
    change(rows)
    replace(run, path, rows)


def set_format(version):
    return lambda run: run.attrs.__setitem__("format_version", version)


def drop(path):
    return lambda run: run.__delitem__(path)


def without_member(path, member):
    def edit(run):
        rows = run[path][:]
        replace(run, path, rows[[name for name in rows.dtype.names if name != member]].copy())
    return edit


def with_type(path, member, kind):
    def edit(run):
        rows = run[path][:]
        types = [(n, kind if n == member else rows.dtype[n]) for n in rows.dtype.names]
        replace(run, path, numpy.zeros(len(rows), types))
    return edit


def with_member(path):
    def edit(run):
        rows = run[path][:]
        more = numpy.zeros(len(rows), [("new_member", "<f8")] + [
            (n, rows.dtype[n]) for n in reversed(rows.dtype.names)])
        for name in rows.dtype.names:
            more[name] = rows[name]
        replace(run, path, more)
    return edit


def only_extra(run):
    run["new_dataset"] = numpy.arange(5)
    run["provenance"].attrs["new"] = "text"
    run["provenance"].attrs["list"] = [1, 2, 3]
    run.attrs["format_version"] = "1.7.3"


def newer_kind(run):
    rows_with(run, "trace/events", lambda rows: rows["kind"].__setitem__(3, 77))


def newer_version_with_newer_kind(run):
    newer_kind(run)
    run.attrs["format_version"] = "1.7.3"


def claim_rows(run):
    run["badges"].resize((2 ** 40,))


CASES = [  # what is done to the file, words of the refusal (None: it is read)
    (lambda run: None, None),
    (only_extra, None),
    (with_member("badges"), None),
    (with_member("nodes"), None),
    (with_member("pairs"), None),
    (lambda run: run.attrs.__setitem__("complete", 0), None),
    (set_format("2.0.0"), "written by a newer mpidrift"),
    (set_format("0.9.0"), "unknown format"),
    (set_format("one"), "no readable format_version"),
    (lambda run: run.attrs.__delitem__("format_version"), "no readable format_version"),
    (lambda run: run.attrs.__delitem__("format"), "no run file"),
    (lambda run: run.attrs.__setitem__("format", "other"), "no run file"),
    (lambda run: run["config"].attrs.__setitem__("canonical_text", "x=1\n"), "digest"),
    (drop("badges"), "has no dataset /badges"),
    (drop("nodes"), "has no dataset /nodes"),
    (drop("pairs"), "has no dataset /pairs"),
    (drop("windows/beyond"), "has no dataset /windows/beyond"),
    (drop("histograms"), "has no dataset /histograms/delay/edges"),
    (drop("histograms/gap/overflow"), "has no dataset /histograms/gap/overflow"),
    (drop("config/perturb"), "has no /config/perturb"),
    (lambda run: replace(run, "badges", numpy.zeros((4, 5))), "number of dimensions"),
    (lambda run: replace(run, "badges", numpy.zeros(4)), "does not hold rows"),
    (lambda run: replace(run, "windows/beyond", numpy.zeros((3, 5), "u4")), "dimensions"),
    (lambda run: replace(run, "windows/beyond", numpy.zeros((3, 5, 8), "f4")), "wrong type"),
    (lambda run: replace(run, "windows/beyond", numpy.zeros((2, 5, 8), "u4")), "contradicts"),
    (lambda run: replace(run, "windows/node_outside_s", numpy.zeros((3, 601))), "windows"),
    (lambda run: replace(run, "histograms/lag/counts", numpy.zeros((3, 9), "u8")), "contradicts"),
    (without_member("badges", "peak"), "/badges has no member peak"),
    (without_member("nodes", "host"), "/nodes has no member host"),
    (with_type("badges", "peak", "<f4"), "member peak of /badges is of the wrong type"),
    (with_type("badges", "key", "<u4"), "member key"),
    (with_type("badges", "context", "<u4"), "member context"),
    (with_type("nodes", "name", "<f8"), "member name"),
    (lambda run: rows_with(run, "nodes", lambda r: r["badges"].__iadd__(1)), "contradicts itself"),
    (lambda run: rows_with(run, "nodes", lambda r: r["node"].__iadd__(1)), "is damaged"),
    (lambda run: rows_with(run, "badges", lambda r: r["peer"].__iadd__(900)), "is damaged"),
    (lambda run: replace(run, "badges", run["badges"][:7]), "contradicts itself"),
    (lambda run: replace(run, "nodes", run["nodes"][:0]), "0 nodes"),
    (claim_rows, "claims"),
    (with_member("trace/events"), None),
    (newer_version_with_newer_kind, None),
    (newer_kind, "is damaged"),
    (drop("trace/events"), "has no dataset /trace/events"),
    (drop("trace/index"), "has no dataset /trace/index"),
    (without_member("trace/events", "sent_s"), "/trace/events has no member sent_s"),
    (with_type("trace/events", "key", "<i4"), "member key of /trace/events"),
    (lambda run: rows_with(run, "trace/events", lambda r: r["node"].__iadd__(1)), "is damaged"),
    (lambda run: rows_with(run, "trace/events", lambda r: r["peer"].__iadd__(9)), "is damaged"),
    (lambda run: rows_with(run, "trace/events", lambda r: r["base"].__iadd__(9)), "is damaged"),
    (lambda run: rows_with(run, "trace/events", lambda r: r["global_s"].__imul__(numpy.inf)),
     "is damaged"),
    (lambda run: rows_with(run, "trace/index", lambda r: r["covered_until_s"].__imul__(-1)),
     "is damaged"),
    (lambda run: rows_with(run, "trace/index", lambda r: r["first"].__iadd__(1)), "contradicts"),
    (lambda run: rows_with(run, "trace/index", lambda r: r["first"].__imul__(0)), "contradicts"),
    (lambda run: rows_with(run, "trace/index", lambda r: r["events"].__iadd__(2 ** 62)),
     "contradicts"),
    (lambda run: replace(run, "trace/index", run["trace/index"][:2]), "contradicts"),
    (lambda run: replace(run, "trace/events", run["trace/events"][:9]), "contradicts"),
]


def main(writer, reader):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "run.h5")
        for number, (edit, words) in enumerate(CASES):
            subprocess.run([writer, path], check=True, stdout=subprocess.DEVNULL)
            with h5py.File(path, "r+") as run:
                edit(run)
            result = subprocess.run([reader, path], capture_output=True, text=True, check=False)
            told = f"case {number}: {result.returncode} {result.stdout}{result.stderr}"
            if words is None:
                assert result.returncode == 0 and "nodes 3 badges 20" in result.stdout, told
                continue
            assert result.returncode == 65 and words in result.stderr, told
            assert path in result.stderr and result.stderr.count("\n") == 1, told
        print(f"{len(CASES)} cases")


if __name__ == "__main__":
    main(*sys.argv[1:])
