#!/usr/bin/python3
"""compare_formats.py WRITER COMPARE: JSON has the documented keys in their order, CSV is RFC 4180,
both hold the same figures, --lab is the lab's table, and --force shows what differs."""

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
import tempfile

import h5py

CONTEXTS = ["message_delay_exceeded", "heartbeat_missed", "message_missing",
            "version_lag_exceeded", "causal_order_violated", "all"]
MEASURES = ["outside_messages", "outside_node", "outside_node_without_self_stalled",
            "outside_system", "outside_system_without_self_stalled", "episodes_per_node_s",
            "episodes_per_node_s_counting_error_only", "episodes_per_node_s_without_self_stalled",
            "episodes_per_message", "episodes_per_pair_s"]
COUNTS = ["observations", "beyond", "episodes", "self_stalled"]
TEST = ["forward", "backward", "expected", "effect", "p", "p_shift", "p_jitter", "p_direction"]
KEYS = {  # what each object holds, in this order
    "": ["format", "format_version", "assumption", "calibration_nodes", "differences",
         "machine_differences", "warnings", "first_lines", "notes", "columns", "what_if",
         "scenes"],
    "scene": ["scene", "two_nodes", "largest", "questions", "insight", "theory"],
    "question": ["key", "question", "answer", "figures", "confounds", "data"],
    "insight": ["key", "statement", "verdict", "why"],
    "theory": ["column", "key", "quantity", "unit", "predicted", "measured", "ratio", "note"],
    "curve": ["unit", "limit_key", "per_key_unit", "declared", "limits", "beyond_share"],
    "what_if": ["limit", "share", "share_declared", "ratio"],
    "crossing": ["place", "nodes", "from_nodes", "to_nodes", "falls_back"],
    "column": ["label", "scene", "nodes", "group_nodes", "control", "load_total",
               "load_of_two_nodes", "runs", "table", "conditions", "contexts", "precedence",
               "trace"],
    "run": ["file", "run_id", "seed", "repetition", "complete", "episodes", "watched_s",
            "first_drift_s", "outside_node_s"],
    "table": ["First drift observed", "Badge frequency", "Drift symmetry", "Time sensitivity",
              "Stabilises or cascades"],
    "context": ["class"] + COUNTS + ["below_clock_resolution"] + MEASURES + [
        "counting_dispersion", "time_class_share", "growth", "rank", "first_drift", "symmetry",
        "sensitivity", "stability", "curve", "what_if"],
    "growth": ["ratio", "links", "observations_per_link_s", "tail", "clustering"],
    "rank": ["text", "pairs_above", "p_above", "p_below"],
    "first_drift": ["median_s", "beyond_s", "runs_with_drift", "runs", "node", "node_runs",
                    "exposure_alone_s", "trains_at_two", "observations_at_risk_at_two",
                    "hazard_ratio", "hazard_p"],
    "symmetry": ["verdict", "busiest_node", "busiest_node_runs", "busiest_share", "emitting",
                 "jain", "jain_expected", "dispersion", "variation", "episodes",
                 "runs_asymmetric", "runs_symmetric", "runs_too_few", "runs_silent"],
    "stability": ["text", "verdict", "runs_agreeing", "runs", "runs_silent", "runs_saturated",
                  "coupling", "trend"],
    "coupling": ["verdict", "tau_s", "tau_min_s", "episodes", "self_stalled_left_out", "events",
                 "observers_per_event", "left_out_share"] + TEST,
    "trend": ["rising", "p", "s", "rho", "factor", "runs_up", "runs", "windows",
              "slope_per_window"],
    "trace": ["runs", "systems", "events", "dropped", "out_of_order", "covered_s", "awareness",
              "enforcement", "backlog"],
    "awareness": ["limit", "uncertainty_s", "reaction_s", "watched_s", "beyond_s", "intervals",
                  "none", "some", "all", "not_judged", "none_share", "some_share", "all_share",
                  "first_badge_mean_s", "first_badge_median_s", "first_badge_longest_s", "badges",
                  "badges_unmatched", "unmatched_share", "cut_short", "badges_early"],
    "enforcement": ["watched_s", "writes", "forgotten", "open", "state_episodes",
                    "delay_episodes", "all", "majority"],
    "wait": ["writes", "mean_s", "median_s", "longest_s", "cap_per_s", "asked_per_s",
             "delay_episodes"],
    "backlog": ["limit", "mean", "share_above_limit", "rises_per_node_s", "stale_writes",
                "visible_median_s", "visible_p99_s", "late_somewhere", "forgotten"],
    "precedence": ["verdict", "reach_s", "time_episodes", "state_episodes", "share",
                   "simultaneous_share", "state_events"] + TEST,
    "sensitivity": ["limit", "exceedance_at_two", "exceedance_here", "growth", "growth_rank",
                    "elasticity"],
}
SINGLE = ["class", "sensitivity", "curve", "what_if"]  # of contexts, not of all together
DATA = {  # of each question, in the lab's order
    "assumptions": ["outside_fraction_max", "contexts", "failed_only_at_n", "converged"],
    "pace": ["verdict", "nodes", "outside_node", "oversubscribed", "n10", "n50", "n90", "widening",
             "exponent", "cores", "controls", "ranks"],
    "time_or_state": ["verdict", "contexts", "precedence"],
    "awareness": ["verdict", "two_nodes", "largest"],
    "enforcement": ["two_nodes", "largest"],
}
INSIGHT = ["earlier", "more_frequent", "fragment", "rare_and_symmetric", "time_dominates",
           "emergent"]
VARIANTS = ["all", "without_self_stalled"]
CSV_HEADER = ["column", "scene", "nodes", "group_nodes", "control", "context", "measure", "value",
              "low", "high", "values", "unknown"]
SCALES = [(2, 1, []), (5, 2, []), (16, 3, []), (16, 2, ["--groups", "2"]),
          (16, 1, ["--load", "total"])]  # nodes, pace, options


def make_runs(writer, directory, repetitions):
    paths = []
    for nodes, pace, options in SCALES:
        for repetition in range(1, repetitions + 1):
            paths.append(os.path.join(directory, f"r{nodes}-{pace}-{repetition}.h5"))
            subprocess.run([writer, paths[-1], str(nodes), str(pace), "stalled=0.1", "trace=5",
                            *options,
                            "--repetition", str(repetition)], check=True)
    return paths


def run(compare, *arguments, code=0):
    done = subprocess.run([compare, *arguments], capture_output=True, check=False)
    assert done.returncode == code, (arguments, done.returncode, done.stderr)
    return done.stdout.decode(), done.stderr.decode()


# ---- JSON ----

def no_number(text):
    raise AssertionError(text + " is no JSON")


def read_json(text):
    return json.loads(text, parse_constant=no_number)


def check_keys(kind, value):
    assert list(value) == KEYS[kind] or list(value) == ["unknown"], (kind, list(value))


def check_figure(value):
    assert list(value) in (["unknown"], ["value", "low", "high"], ["value", "values"]), value


def check_context(name, context):
    assert list(context) == [key for key in KEYS["context"]
                             if name != "all" or key not in SINGLE], name
    for measure in MEASURES:
        check_figure(context[measure])
    check_keys("growth", context["growth"])
    for kind in ["rank", "first_drift", "symmetry", "stability"]:
        assert list(context[kind]) == VARIANTS
        for variant in VARIANTS:
            check_keys(kind, context[kind][variant])
    for variant in VARIANTS:
        stability = context["stability"][variant]
        if "unknown" not in stability:
            check_keys("coupling", stability["coupling"])
            check_keys("trend", stability["trend"])
            check_figure(stability["trend"]["slope_per_window"])
    if name != "all":
        check_keys("sensitivity", context["sensitivity"])
        check_keys("curve", context["curve"])
        curve = context["curve"]
        if "unknown" not in curve:
            assert curve["limits"] == sorted(curve["limits"]), curve
            assert curve["beyond_share"] == sorted(curve["beyond_share"], reverse=True), curve
            assert len(curve["limits"]) == len(curve["beyond_share"]), curve
        check_figure(context["sensitivity"]["growth"])


def check_trace(trace):
    check_keys("trace", trace)
    for part in ["awareness", "enforcement", "backlog"]:
        check_keys(part, trace[part])
    for rule in ["all", "majority"]:
        check_keys("wait", trace["enforcement"][rule])
    assert trace["out_of_order"] == 0 and trace["dropped"] == 0, trace
    # made so: each write is seen everywhere after half a millisecond
    median = trace["backlog"]["visible_median_s"]["value"]
    assert abs(median - 0.0005) < 1e-9, median


def check_scene(scene, labels):
    check_keys("scene", scene)
    assert scene["two_nodes"] in labels and scene["largest"] in labels, scene
    assert [question["key"] for question in scene["questions"]] == list(DATA)
    for question in scene["questions"]:
        check_keys("question", question)
        assert list(question["data"]) == DATA[question["key"]], question
        assert question["answer"] and "\n" not in question["answer"], question
    pace = scene["questions"][1]["data"]
    assert pace["nodes"] == [2, 5, 16] and len(pace["outside_node"]) == 3, pace
    check_keys("crossing", pace["n50"])
    assert [line["key"] for line in scene["insight"]] == INSIGHT
    for line in scene["insight"]:
        check_keys("insight", line)
        assert line["verdict"] in ("seen", "not seen", "cannot tell"), line
    for row in scene["theory"]:
        check_keys("theory", row)
        check_figure(row["predicted"])
        check_figure(row["measured"])
        assert row["column"] in labels, row


def check_json(root, repetitions):
    check_keys("", root)
    assert root["format"] == "mpidrift-comparison" and root["format_version"] == "1.1.0"
    labels = [column["label"] for column in root["columns"]]
    assert labels == ["Two nodes", "5 nodes", "16 nodes", "8 × 2 nodes (control)",
                      "16 nodes, load total (control)"], labels
    assert root["what_if"] is None
    assert len(root["scenes"]) == 1
    check_scene(root["scenes"][0], labels)
    for column in root["columns"]:
        check_keys("column", column)
        check_keys("table", column["table"])
        assert list(column["contexts"]) == CONTEXTS, list(column["contexts"])
        assert [one["repetition"] for one in column["runs"]] == list(range(1, repetitions + 1))
        for one in column["runs"]:
            check_keys("run", one)
        check_keys("precedence", column["precedence"])
        check_trace(column["trace"])
        for name, context in column["contexts"].items():
            check_context(name, context)
        assert column["contexts"]["all"]["episodes"] == sum(
            column["contexts"][name]["episodes"] for name in CONTEXTS[:-1])


# ---- CSV ----

def read_csv(text):
    assert text.endswith("\r\n") and text.count("\n") == text.count("\r\n")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert rows[0] == CSV_HEADER, rows[0]
    assert all(len(row) == len(CSV_HEADER) for row in rows)
    return [dict(zip(CSV_HEADER, row)) for row in rows[1:]]


def number(field):
    return float(field) if field else None


def near(a, b):
    return a == b or (a is not None and b is not None and abs(a - b) <= 1e-9 * abs(b))


def check_same_figure(row, figure):
    if "unknown" in figure:
        assert row["unknown"] == figure["unknown"] and row["value"] == row["values"] == "", row
        return
    assert row["unknown"] == "" and near(number(row["value"]), figure["value"]), (row, figure)
    assert near(number(row["low"]), figure.get("low")), (row, figure)
    assert near(number(row["high"]), figure.get("high")), (row, figure)
    values = [float(value) for value in row["values"].split()]
    assert len(values) == len(figure.get("values", [])), (row, figure)
    assert all(near(a, b) for a, b in zip(values, figure.get("values", []))), (row, figure)


def check_csv(rows, root):
    place = {(row["column"], row["context"], row["measure"]): row for row in rows}
    assert len(place) == len(rows)  # nothing stands twice
    for column in root["columns"]:
        for name, context in column["contexts"].items():
            for count in COUNTS:
                row = place[column["label"], name, count]
                assert int(row["value"]) == context[count] and row["unknown"] == "", row
            for measure in MEASURES:
                check_same_figure(place[column["label"], name, measure], context[measure])
            first = context["first_drift"]["all"]
            check_same_figure(place[column["label"], name, "exposure_alone_s"],
                              first["exposure_alone_s"])
            row = place[column["label"], name, "first_drift_s"]
            assert near(number(row["value"]), first["median_s"]), row
            assert near(number(row["low"]), first["beyond_s"]), row
            check_same_figure(place[column["label"], name, "jain"],
                              context["symmetry"]["all"]["jain"])
    assert {row["nodes"] for row in rows} == {"2", "5", "16"}
    assert {row["control"] for row in rows if row["group_nodes"] == "2" and row["nodes"] == "16"
            } == {"1"}


# ---- the lab's table ----

def check_lab(text, root):
    lines = text.split("\n")
    assert lines[:2] == ["| Aspect | Two Nodes | N Nodes |", "|---|---|---|"], lines[:2]
    assert lines[6:] == [""], lines
    largest = root["columns"][2]
    for line, aspect in zip(lines[2:6], KEYS["table"]):
        cells = [cell.strip() for cell in line.split("|")]
        assert len(cells) == 5 and cells[0] == cells[4] == "", line
        assert cells[1] == aspect, line
        assert cells[2] == root["columns"][0]["table"][aspect].replace("\n", "; "), line
        prefix = "16 nodes: " if aspect == "First drift observed" else ""
        assert cells[3] == prefix + largest["table"][aspect].replace("\n", "; "), line


def check_text(text):
    assert all(len(line) <= 80 and line == line.rstrip() for line in text.split("\n"))
    rows = [line.split("|")[1].strip() for line in text.split("\n") if line.startswith("| ")]
    assert " ".join(word for word in rows if word).startswith(
        "Aspect First drift observed Badge frequency Drift symmetry Time sensitivity "
        "Stabilises or cascades"), rows
    for words in ["Words in the table:", "Recorded:", "The lab's questions:",
                  "Theory beside measurement:", "Key insight:", "What confounds the reading:"]:
        assert words in text, words
    assert "\033" not in text  # no terminal, no colour


# ---- another limit ----

def check_what_if(compare, paths, root):
    """The declared limit is an edge: asked for, it gives the same share."""
    declared = root["columns"][0]["contexts"]["message_delay_exceeded"]["curve"]["declared"] * 1e6
    asked = f"--what-if=message_delay_max_us={declared:.17g}"
    answered = read_json(run(compare, "--json", asked, *paths)[0])
    assert list(answered["what_if"]) == ["key", "value"], answered["what_if"]
    for column in answered["columns"]:
        found = column["contexts"]["message_delay_exceeded"]["what_if"]
        check_keys("what_if", found)
        assert found["share"] == found["share_declared"], found
        assert column["contexts"]["heartbeat_missed"]["what_if"] is None
    text, _ = run(compare, asked, *paths)
    assert "What if message_delay_max_us had been" in text
    check_text(text)
    out, err = run(compare, "--what-if", "rate_per_s=1", *paths, code=64)
    assert out == "" and "message_delay_max_us" in err, err


# ---- on a terminal ----

def on_terminal(compare, paths, **environment):
    """What the program prints when its output is a terminal."""
    master, slave = pty.openpty()
    with subprocess.Popen([compare, *paths], stdout=slave, env={**os.environ, **environment}) as done:
        os.close(slave)
        parts = []
        try:
            while part := os.read(master, 65536):
                parts.append(part)
        except OSError:  # the other end is closed
            pass
    os.close(master)
    assert done.returncode == 0
    return b"".join(parts).decode().replace("\r\n", "\n")


def check_colour(compare, paths):
    plain = run(compare, *paths)[0]
    coloured = on_terminal(compare, paths, NO_COLOR="")
    assert "\033[" in coloured
    assert re.sub("\033\\[[0-9]*m", "", coloured) == plain
    assert on_terminal(compare, paths, NO_COLOR="1") == plain


# ---- more than one figure can tell ----

def check_force(writer, compare, directory, paths):
    longer = os.path.join(directory, "longer.h5")
    subprocess.run([writer, longer, "5", "2", "--duration", "7"], check=True)
    out, err = run(compare, paths[0], longer, code=65)
    assert out == "" and f"duration_s: 5 in {paths[0]}; 7 in {longer}" in err, err
    out, _ = run(compare, "--force", paths[0], longer)
    assert out.index("duration_s: 5 in") < out.index("| Aspect"), out
    out, err = run(compare, "--force", "--lab", paths[0], longer)
    assert out.startswith("| Aspect") and "differs: duration_s" in err, (out, err)
    out, _ = run(compare, "--force", "--json", paths[0], longer)
    assert read_json(out)["differences"][0].startswith("duration_s: "), out


def check_incomplete(compare, paths):
    with h5py.File(paths[0], "r+") as file:
        file.attrs["complete"] = 0
    out, err = run(compare, paths[0], paths[1])
    assert f"{paths[0]} is incomplete" in err and "Warning: " in out, (out, err)


def check_odd_names(compare, directory, paths):
    """A comma and quotes, and a name that is no UTF-8."""
    for name in [b'a, "b".h5', b"\xe4.h5"]:
        odd = os.path.join(os.fsencode(directory), name)
        os.rename(paths[1], odd)
        paths[1] = odd
        out, _ = run(compare, "--json", paths[0], odd)
        files = [one["file"] for one in read_json(out)["columns"][0]["runs"]]
        shown = name.decode("ascii", "replace").replace("\ufffd", "?")
        assert files == [paths[0], os.path.join(directory, shown)], files
        read_csv(run(compare, "--csv", paths[0], odd)[0])


def main(writer, compare):
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # no waiting for the disk
    with tempfile.TemporaryDirectory(dir=memory) as directory:
        paths = make_runs(writer, directory, 6)
        few = [path for path in paths if path.endswith(("-1.h5", "-2.h5"))]
        for chosen, repetitions in [(few, 2), (paths, 6)]:  # with all values, with intervals
            root = read_json(run(compare, "--json", *chosen)[0])
            check_json(root, repetitions)
            check_csv(read_csv(run(compare, "--csv", *chosen)[0]), root)
        check_lab(run(compare, "--lab", *paths)[0], root)
        beside = os.path.join(directory, "c.json")
        out, _ = run(compare, "--json=" + beside, *paths)
        check_text(out)
        with open(beside, encoding="utf-8") as file:
            assert read_json(file.read()) == root
        check_what_if(compare, few, root)
        check_colour(compare, few[:4])
        check_force(writer, compare, directory, paths)
        check_odd_names(compare, directory, paths)
        check_incomplete(compare, paths[2:])


if __name__ == "__main__":
    main(*sys.argv[1:])
