"""What pictures need of one run file: rows and counts, read by name as src/record/run_file.h defines
them. Whoever reads catches UNREADABLE: a file that mpidrift-compare took may still be cut since."""

from dataclasses import dataclass

import h5py
import numpy as np

UNREADABLE = (OSError, KeyError, ValueError, RuntimeError, TypeError)
SETTINGS = ("/", "/provenance", "/config", "/config/corridor", "/config/perturb")
ROWS_AT_ONCE = 1 << 18
SELF_STALLED = 1  # enum badge_flag
CONTEXTS = ("message_delay_exceeded", "heartbeat_missed", "message_missing",
            "version_lag_exceeded", "causal_order_violated", "dual_leader_observed",
            "leader_view_split", "decision_split")  # enum context: a code is a place


def context_name(code):
    """Name of a context's code; one from a newer program by its number."""
    return CONTEXTS[code] if code < len(CONTEXTS) else f"context_{code}"


def node_letters(node):
    """A … Z, AA …: the name of a rank without node_."""
    letters, rest = "", int(node) + 1
    while rest > 0:
        rest, letter = divmod(rest - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def read_settings(path):
    """{group: {key: text or number}} of a run file."""
    with h5py.File(path, "r") as file:
        return {group: dict(file[group].attrs) for group in SETTINGS}


def check(path):
    """Fail with one of UNREADABLE where something that pictures need is not there."""
    read_watch(path)
    read_windows(path)
    read_pairs(path)
    read_badges(path, ["node", "global_s", "time_s", "context", "flags", "own_stall_s"], 1)


def badge_count(path):
    """Rows of /badges."""
    with h5py.File(path, "r") as file:
        return len(file["badges"])


def badge_chunks(path, members):
    """The badges, some members of them, in pieces of bounded size."""
    with h5py.File(path, "r") as file:
        rows = file["badges"]
        for first in range(0, len(rows), ROWS_AT_ONCE):
            yield rows.fields(list(members))[first:first + ROWS_AT_ONCE]


def read_badges(path, members, most=None):
    """Those members of the first `most` badges, or of all."""
    with h5py.File(path, "r") as file:
        rows = file["badges"]
        return rows.fields(list(members))[:len(rows) if most is None else most]


@dataclass(frozen=True)
class Watch:
    """How long and how many a run watched."""
    nodes: int
    window_s: float  # of the longest node
    node_s: float  # of all nodes together


def read_watch(path):
    """The Watch of a run."""
    with h5py.File(path, "r") as file:
        watched_s = np.nan_to_num(file["nodes"].fields("watched_s")[:])
    return Watch(len(watched_s), float(watched_s.max(initial=0)), float(watched_s.sum()))


@dataclass(frozen=True)
class Windows:
    """The course of one run over its windows, all contexts and nodes together."""
    width_s: float
    episodes: np.ndarray  # [windows], all nodes
    outside_s: np.ndarray  # [windows], node-time with at least one stream outside
    nodes: int


def read_windows(path):
    """The Windows of a run."""
    with h5py.File(path, "r") as file:
        group = file["windows"]
        episodes = group["episodes"][:]
        return Windows(float(group.attrs["window_s"]), episodes.sum(axis=(0, 1)),
                       group["node_outside_s"][:].sum(axis=0), episodes.shape[0])


def read_pairs(path):
    """Observations and episodes [node, peer] of a run, all contexts together."""
    with h5py.File(path, "r") as file:
        nodes = len(file["nodes"])
        rows = file["pairs"].fields(["node", "peer", "observations", "episodes"])[:]
    counts = np.zeros((2, nodes, nodes), dtype=np.float64)
    for layer, member in zip(counts, ("observations", "episodes")):
        np.add.at(layer, (rows["node"], rows["peer"]), rows[member])
    return counts
