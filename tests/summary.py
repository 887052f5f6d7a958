"""What mpidrift should have printed about a run, worked out once more from its file with h5py."""

import math

import h5py
import numpy

# Key, and how the text form shows a number; design section 6 has them in this order.
KEYS = {"nodes": "d", "hosts": "d", "cores": "d", "messages_received": "d", "episodes": "d",
        "episodes_per_node_s": ".6g", "outside_node_fraction": ".6f", "first_drift_s": ".6f",
        "first_drift_node": "s", "already_outside_at_start": "d", "badges_lost": "d",
        "send_suppressed": "d", "clock_uncertainty_us": ".3f",
        "clock_uncertainty_same_host_us": ".3f", "clock_uncertainty_cross_host_us": ".3f",
        "same_host_pair_fraction": ".6g", "clock_domains": "d", "clock_sync_s": ".3f",
        "messages_early": "d", "messages_impossible": "d", "clock_suspects": "d",
        "converged": "s", "file": "s"}
NONE = {"first_drift_s", "clock_uncertainty_same_host_us", "clock_uncertainty_cross_host_us"}


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def of_groups(nodes, column):
    return [nodes[column][nodes["group"] == group] for group in numpy.unique(nodes["group"])]


def first_drift(nodes):
    drifts = [(row["first_drift_s"], text(row["name"])) for row in nodes
              if not math.isnan(row["first_drift_s"])]
    return min(drifts, key=lambda drift: drift[0]) if drifts else (None, "none")


def clocks(nodes, pairs, observed):
    """What is said of the clocks of all pairs, from the rows that hold it."""
    hosts = nodes["host_first_rank"]
    pairs = pairs[pairs["clock_uncertainty_s"] > 0]
    same = hosts[pairs["node"]] == hosts[pairs["peer"]]
    microseconds = {name: pairs["clock_uncertainty_s"][chosen] * 1e6 for name, chosen in
                    [("", same | ~same), ("same_host_", same), ("cross_host_", ~same)]}
    found = {f"clock_uncertainty_{name}us": values.max() if len(values) else None
             for name, values in microseconds.items()}
    assert nodes["messages_early"].sum() == pairs["early"].sum()
    assert nodes["messages_impossible"].sum() == pairs["impossible"].sum()
    return found | {
        "same_host_pair_fraction": same.mean(),
        "clock_domains": len(set(nodes["clock_domain"])),
        "messages_early": pairs["early"].sum() if observed else None,
        "messages_impossible": pairs["impossible"].sum() if observed else None,
        "clock_suspects": nodes["clock_suspect"].sum()}


def converged(nodes):
    """Whether the replicas of each group are the same in the end."""
    alike = all(len(set(digests)) == 1 for digests in of_groups(nodes, "state_digest"))
    return "yes" if alike else "no"


def expected(path):
    """{key: value} with None where there is no number."""
    with h5py.File(path, "r") as run:
        nodes, pairs = run["nodes"][:], run["pairs"][:]
        observed = run["config"].attrs["observe"] == "on"
        sync_s = run["provenance"].attrs["clock_sync_s"]
        cores = run["provenance"].attrs["cores"]
        system = run["config"].attrs["system"]
        assert len(run["badges"]) == nodes["badges"].sum()
    watched_s = nodes["watched_s"].sum()
    drift_s, drift_node = first_drift(nodes)
    episodes = nodes["badges"].sum() + nodes["badges_lost"].sum()
    figures = {
        "nodes": len(nodes),
        "hosts": len(set(nodes["host"])),
        "cores": int(cores),
        "messages_received": nodes["received"].sum(),
        "episodes": episodes,
        "episodes_per_node_s": episodes / watched_s if watched_s > 0 else None,
        "outside_node_fraction":
            nodes["outside_node_s"].sum() / watched_s if watched_s > 0 else None,
        "first_drift_s": drift_s,
        "first_drift_node": drift_node,
        "already_outside_at_start": nodes["already_outside"].sum(),
        "badges_lost": nodes["badges_lost"].sum(),
        "send_suppressed": nodes["suppressed"].sum(),
        **clocks(nodes, pairs, observed),
        "clock_sync_s": sync_s,
        "converged": converged(nodes) if system == "replication" else "not_applicable",
        "file": path,
    }
    return {key: figures[key] for key in KEYS}


def as_text(key, value):
    if value is None:
        return "none" if key in NONE else "unknown (not observed)"
    return format(value, KEYS[key])


def first_badge(path):
    """The earliest badge as the lab prints it; None if there is none."""
    with h5py.File(path, "r") as run:
        badges = run["badges"][:]
        contexts = {code: name for name, code in
                    h5py.check_enum_dtype(run["badges"].dtype["context"]).items()}
        names = [text(name) for name in run["nodes"]["name"]]
    if len(badges) == 0:
        return None
    badge = badges[numpy.argmin(badges["time_s"])]
    return ["[BADGE]", "type: COHERENCE_DRIFT", f"node: {names[badge['node']]}",
            f"context: {contexts[badge['context']]}",
            f"timestamp: {math.floor(badge['time_s'] * 1e6)}"]


def check_text(printed, path, shown_path):
    """All of stdout: three lines, the figures, the first badge, provenance."""
    lines = printed.splitlines()
    values = expected(path)
    values["file"] = shown_path
    assert lines[0].startswith("mpidrift ") and f" on {values['nodes']} nodes" in lines[0], printed
    assert lines[1].startswith("assumption: ") and lines[2] == f"result: {shown_path}", printed
    figures, rest = lines[3:3 + len(KEYS)], lines[3 + len(KEYS):]
    assert figures == [f"{key}: {as_text(key, values[key])}" for key in KEYS], \
        f"{printed}\nexpected {values}"
    badge = first_badge(path)
    if badge is not None:
        assert rest[:5] == badge, f"{printed}\nexpected {badge}"
    elif values["episodes_per_node_s"] is None:
        assert rest[0] == "# not observed: --observe off", printed
    else:
        assert rest[0].startswith("# no badge in ") and rest[0].endswith(" node-seconds"), printed
    provenance = rest[5 if badge is not None else 1:]
    assert provenance and all(line.startswith("# ") for line in provenance), printed


def check_json(summary, path, shown_path):
    values = expected(path)
    values["file"] = shown_path
    assert list(summary) == ["run", *KEYS], summary
    for key in KEYS:
        if isinstance(summary[key], float):
            assert math.isclose(summary[key], values[key], rel_tol=1e-9, abs_tol=1e-12), key
        else:
            assert summary[key] == values[key], f"{key}: {summary[key]}, expected {values[key]}"


def check_file(path):
    """The parts of a run file agree with each other."""
    with h5py.File(path, "r") as run:
        nodes, badges, pairs = run["nodes"][:], run["badges"][:], run["pairs"][:]
        delay = run["histograms/delay"]
        delays = delay["counts"][:].sum() + delay["underflow"][:].sum() + delay["overflow"][:].sum()
        windows = {name: run["windows"][name][:].sum() for name in
                   ["observations", "beyond", "episodes", "node_outside_s"]}
        code = h5py.check_enum_dtype(run["pairs"].dtype["context"])["message_delay_exceeded"]
        assert run.attrs["complete"] == 1
    assert (nodes["attempted"] == nodes["sent"] + nodes["suppressed"]).all()
    taken = ["received", "lost", "overflowed", "in_flight"]
    assert nodes["sent"].sum() == sum(nodes[column].sum() for column in taken)
    assert (nodes["episodes"] == nodes["badges"] + nodes["badges_lost"]).all()
    assert pairs["episodes"].sum() == windows["episodes"] == nodes["episodes"].sum()
    assert pairs["observations"].sum() == windows["observations"]
    assert pairs["beyond"].sum() == windows["beyond"]
    assert delays == nodes["messages_observed"].sum() \
        == pairs["observations"][pairs["context"] == code].sum()
    assert math.isclose(windows["node_outside_s"], nodes["outside_node_s"].sum(), abs_tol=1e-9)
    for row in nodes:
        own = badges[row["badges_first"]:row["badges_first"] + row["badges"]]
        assert (own["node"] == row["node"]).all()
        check_times(own, row)


def check_times(badges, row):
    """Badges stand in the order of emission. A silence is noticed some time after it began, so only
    badges about silence may come after younger ones."""
    silence = h5py.check_enum_dtype(badges.dtype["boundary"])["timeout"]
    noticed = badges["time_s"][badges["boundary"] != silence]
    assert (numpy.diff(noticed) >= 0).all(), noticed
    if row["badges_lost"] == 0 and len(badges) > 0:
        assert badges["time_s"].min() == row["first_drift_s"], row
    elif row["badges_lost"] == 0:
        assert math.isnan(row["first_drift_s"]), row
