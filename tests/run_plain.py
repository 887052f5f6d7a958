#!/usr/bin/python3
"""run_plain.py MPIDRIFT COMPARE: launched as plainly as a user would, runs at two and at sixteen
nodes compare, and what is printed about them is what their files hold."""

import json
import math
import os
import sys
import tempfile

import h5py
import numpy

import launch
import summary

WINDOW = ["--duration", ".5", "--warmup", ".2"]


# ---- the runs ----

def observe(mpidrift, folder, nodes, repetition):
    """One plain launch; the name that mpidrift gave its file."""
    options = ["--oversubscribe"] if nodes > 2 else []
    arguments = WINDOW + (["--repetition", str(repetition)] if repetition > 1 else [])
    done = launch.run(launch.mpirun(nodes, mpidrift, arguments, *options), folder,
                      launch.plain_environment())
    assert done.returncode == 0, launch.told(done)
    suffix = f"-{repetition}" if repetition > 1 else ""
    name = f"mpidrift-replication-np{nodes}{suffix}.h5"
    path = os.path.join(folder, name)
    summary.check_text(done.stdout, path, name)
    summary.check_file(path)
    return path


# ---- the comparison ----

class Run:
    """The figures of one run, from the counts that its nodes kept."""

    def __init__(self, path):
        with h5py.File(path, "r") as run:
            self.nodes = run["nodes"][:]
            self.badges = run["badges"][:]
            self.pairs = run["pairs"][:]
            self.contexts = run["windows/contexts"][:]
            self.outside_s = run["windows/outside_s"][:]
            self.codes = h5py.check_enum_dtype(run["pairs"].dtype["context"])
            self.id = run.attrs["run_id"]
        self.watched_s = self.nodes["watched_s"].sum()

    def pair_sum(self, context, column):
        return self.pairs[column][self.pairs["context"] == self.codes[context]].sum()

    def outside_node(self, context):
        place = list(self.contexts).index(self.codes[context])
        return self.outside_s[:, place, :].sum() / self.watched_s


def close(a, b):
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def all_close(figure, values):
    """A figure of fewer than six runs shows each of them, and their median."""
    return all(map(close, sorted(figure["values"]), sorted(values))) and \
        len(figure["values"]) == len(values) and close(figure["value"], numpy.median(values))


def check_run(told, run):
    drifts = run.nodes["first_drift_s"]
    drifts = drifts[~numpy.isnan(drifts)]
    assert told["run_id"] == run.id
    assert told["episodes"] == len(run.badges) and close(told["watched_s"], run.watched_s)
    assert close(told["outside_node_s"], run.nodes["outside_node_s"].sum())
    if len(drifts) == 0:
        assert told["first_drift_s"] is None, told
    else:
        assert close(told["first_drift_s"], drifts.min()), told


def check_context(name, told, runs):
    for column in ["observations", "beyond", "episodes"]:
        assert told[column] == sum(run.pair_sum(name, column) for run in runs), (name, column)
    if told["observations"] == 0:
        return
    assert all_close(told["outside_messages"], [
        run.pair_sum(name, "beyond") / run.pair_sum(name, "observations") for run in runs]), name
    assert all_close(told["episodes_per_node_s"], [
        run.pair_sum(name, "episodes") / run.watched_s for run in runs]), name
    assert all_close(told["outside_node"], [run.outside_node(name) for run in runs]), name


def check_first_drift(told, drifts, runs):
    """Kaplan-Meier's median: of two runs that drifted it lies half way between them."""
    if "unknown" in told:
        return
    assert (told["runs_with_drift"], told["runs"]) == (len(drifts), runs), told
    if len(drifts) == runs == 2:
        assert close(told["median_s"], sum(drifts) / 2), (told, drifts)


def check_column(column, runs):
    ids = {run.id: run for run in runs}
    assert len(column["runs"]) == len(runs)
    for told in column["runs"]:
        check_run(told, ids[told["run_id"]])
    for name, told in column["contexts"].items():
        if name != "all":
            check_context(name, told, runs)
    together = column["contexts"]["all"]
    assert all_close(together["episodes_per_node_s"],
                     [len(run.badges) / run.watched_s for run in runs])
    assert all_close(together["outside_node"],
                     [run.nodes["outside_node_s"].sum() / run.watched_s for run in runs])
    check_first_drift(together["first_drift"]["all"], [
        run.badges["time_s"].min() for run in runs if len(run.badges) > 0], len(runs))


def check_comparison(compare, folder, paths):
    """`paths`: {nodes: files}."""
    files = [path for of_nodes in paths.values() for path in of_nodes]
    text = launch.run([compare, *files], folder, launch.plain_environment())
    assert text.returncode == 0 and text.stderr == "", launch.told(text)
    assert "| Aspect " in text.stdout and "First drift" in text.stdout, text.stdout
    done = launch.run([compare, "--json", *files], folder, launch.plain_environment())
    assert done.returncode == 0, launch.told(done)
    told = json.loads(done.stdout)
    assert told["differences"] == [] and told["machine_differences"] == [], told["differences"]
    assert [column["nodes"] for column in told["columns"]] == list(paths), told["columns"]
    for column in told["columns"]:
        check_column(column, [Run(path) for path in paths[column["nodes"]]])


def main(mpidrift, compare):
    with tempfile.TemporaryDirectory() as folder:
        paths = {nodes: [observe(mpidrift, folder, nodes, repetition) for repetition in (1, 2)]
                 for nodes in (2, 16)}
        check_comparison(compare, folder, paths)
        left = {os.path.join(folder, name) for name in os.listdir(folder)}
        assert left == {path for of_nodes in paths.values() for path in of_nodes}, left


if __name__ == "__main__":
    main(*sys.argv[1:])
