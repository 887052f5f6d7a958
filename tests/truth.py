#!/usr/bin/python3
"""truth.py KIND RUN.h5 [exact]: hold the badges of one run against what was declared for it.

Called by truth.sh. KIND is delay, stall, loss, clock or paths, as truth.sh declares them; what is
planted is read from the run file's own conditions. One row per question; with `exact` a difference
is a failure. Loss is drawn here once more from the seed (perturb.h says how), so that it is known
which sequence numbers are missing.
"""

import sys

import h5py
import numpy

NEVER = float("inf")
MASK = (1 << 64) - 1
PURPOSE_PERTURB = 4
SELF_STALLED = 1
LATE_S = 0.15  # a badge may come this long after what it is about


# ---- what is declared ----

def splitmix(z):
    z = (z + 0x9e3779b97f4a7c15) & MASK
    z = ((z ^ (z >> 30)) * 0xbf58476d1ce4e5b9) & MASK
    z = ((z ^ (z >> 27)) * 0x94d049bb133111eb) & MASK
    return z ^ (z >> 31)


def layer_seed(run):
    seed, repetition = (int(run["config"].attrs[key]) for key in ("seed", "repetition"))
    of_run = splitmix(splitmix(seed) ^ repetition)
    return splitmix(splitmix(of_run) ^ PURPOSE_PERTURB)  # the group begins at rank 0


def uniform(seed, condition, sender, receiver, sequence):
    z = splitmix(seed ^ condition)
    z = splitmix(z ^ (sender << 32 | receiver))
    return ((splitmix(z ^ sequence) >> 12) + 0.5) / 2 ** 52


def conditions(run):
    """Each condition as a dictionary of its words."""
    attributes = run["config/perturb"].attrs
    for number in range(int(attributes["conditions"])):
        kind, *words = attributes[f"condition_{number + 1:02}"].split()
        yield {"kind": kind, **dict(word.split("=") for word in words)}


def moments(run):
    return [(float(c["from_s"]), float(c["until_s"])) for c in conditions(run)]


# ---- what was found ----

def context_code(run, name):
    return h5py.check_enum_dtype(run["badges"].dtype["context"])[name]


def badges_of(run, context):
    rows = run["badges"][:]
    return rows[rows["context"] == context_code(run, context)]


def self_stalled(rows):
    return rows["flags"] & SELF_STALLED != 0


def share(part, whole):
    return f"{part / whole:.3f}" if whole > 0 else "-"


HEAD = (f"{'nodes':>5} {'declared':8} {'badges looked at':28} {'planted':>7} {'recall':>6} "
        f"{'badges':>6} {'precision':>9} {'unstalled':>9} {'self_stalled':>12}")


def print_row(run, declared, what, planted, found, rows, right):
    """`right` tells of each row whether it follows from what was planted."""
    stalled = self_stalled(rows)
    print(f"{len(run['nodes']):5} {declared:8} {what:28} {planted:7} {share(found, planted):>6} "
          f"{len(rows):6} {share(right.sum(), len(rows)):>9} "
          f"{share((right & ~stalled).sum(), (~stalled).sum()):>9} "
          f"{share(stalled.sum(), len(rows)):>12}")


def judge_streams(run, declared, what, rows, streams):
    """Planted is one exit per stream (node, peer) and moment."""
    right = numpy.zeros(len(rows), bool)
    planted = found = 0
    for begin, end in moments(run):
        for node, peer in streams:
            here = ((rows["node"] == node) & (rows["peer"] == peer) & (rows["time_s"] >= begin) &
                    (rows["time_s"] < end + LATE_S))
            planted += 1
            found += here.any()
            right |= here
    print_row(run, declared, what, planted, found, rows, right)


def others(run, node):
    return [i for i in range(len(run["nodes"])) if i != node]


def judge_delay(run):
    judge_streams(run, "delay", "message_delay_exceeded",
                  badges_of(run, "message_delay_exceeded"), [(1, 0)])


def judge_clock(run):
    judge_streams(run, "clock", "message_delay_exceeded",
                  badges_of(run, "message_delay_exceeded"), [(1, peer) for peer in others(run, 1)])


def judge_stall(run):
    rows = badges_of(run, "heartbeat_missed")
    own = rows["node"] == 1
    judge_streams(run, "stall", "heartbeat_missed, its own", rows[own],
                  [(1, peer) for peer in others(run, 1)])
    judge_streams(run, "stall", "heartbeat_missed, its peers'", rows[~own],
                  [(node, 1) for node in others(run, 1)])


# ---- causal order, by the trace ----

def violations(run):
    """Updates that were taken without the write they build on, and those that were taken with it,
    as (node, peer, sequence). Left out is what builds on a write from before the window, which the
    trace does not hold."""
    events = run["trace/events"][:]
    kinds = h5py.check_enum_dtype(events.dtype["kind"])
    sends = events[events["kind"] == kinds["send"]]
    written = set(zip(sends["node"], sends["key"], sends["version"]))
    known, without, having = set(), set(), set()
    for event in events:  # those of one node stand together, as they happened
        node, key, version = event["node"], event["key"], event["version"]
        writer = node if event["kind"] == kinds["send"] else event["peer"]
        if writer != node and (event["base"], key, version - 1) in written:
            had = (node, event["base"], key, version - 1) in known
            (having if had else without).add((node, event["peer"], event["sequence"]))
        known.add((node, writer, key, version))
    return without, having


def judge_paths(run):
    """A badge is right if the trace has the violation; recall counts the updates beyond."""
    without, having = violations(run)
    rows = badges_of(run, "causal_order_violated")
    named = list(zip(rows["node"], rows["peer"], rows["sequence"]))
    decided = numpy.array([name in without or name in having for name in named], bool)
    right = numpy.array([name in without for name in named], bool)
    pairs = run["pairs"][:]
    seen = pairs["beyond"][pairs["context"] == context_code(run, "causal_order_violated")].sum()
    print_row(run, "paths", "causal_order_violated", len(without), seen, rows[decided],
              right[decided])


# ---- loss, exactly ----

def gaps(lost, sent):
    """(sequence, gap before it) of each message that arrives, in order."""
    before = 0
    for sequence in range(1, sent + 1):
        if sequence not in lost:
            yield sequence, sequence - before - 1
            before = sequence


def openings(arrivals, first, count):
    """Episodes of the window that holds `count` arrivals from `first` on: {sequence: gap}."""
    return {sequence: gap for i, (sequence, gap) in enumerate(arrivals)
            if first <= i < first + count and gap > 0 and (i == 0 or arrivals[i - 1][1] == 0)}


def best_window(arrivals, pair, badges):
    """Which arrivals lie in the window is known but for its beginning."""
    gap = numpy.array([gap > 0 for _, gap in arrivals], int)
    sums = numpy.concatenate([[0], numpy.cumsum(gap)])
    count = int(pair["observations"])
    best = {}
    for first in range(len(arrivals) - count + 1):
        if sums[first + count] - sums[first] != pair["beyond"]:
            continue
        expected = openings(arrivals, first, count)
        if expected == badges:
            return expected
        if not best or len(expected.items() & badges.items()) > len(best.items() & badges.items()):
            best = expected
    return best


def judge_loss(run):
    nodes, seed = run["nodes"][:], layer_seed(run)
    probability = float(next(conditions(run))["share"])
    rows = badges_of(run, "message_missing")
    pairs = run["pairs"][:]
    pairs = pairs[pairs["context"] == context_code(run, "message_missing")]
    planted = found = differences = 0
    right = numpy.zeros(len(rows), bool)
    for node in range(len(nodes)):
        lost_here = 0
        for peer in others(run, node):
            sent = int(nodes[peer]["sent"]) // (len(nodes) - 1)  # each goes to every peer
            lost = {s for s in range(1, sent + 1)
                    if uniform(seed, 0, peer, node, s) < probability}
            here = (rows["node"] == node) & (rows["peer"] == peer)
            badges = {int(row["sequence"]): int(row["observed"]) for row in rows[here]}
            pair = pairs[(pairs["node"] == node) & (pairs["peer"] == peer)][0]
            expected = best_window(list(gaps(lost, sent)), pair, badges)
            right |= here & numpy.isin(rows["sequence"], list(expected))
            planted += len(expected)
            found += len(expected.items() & badges.items())
            differences += expected != badges
            lost_here += len(lost)
        arrived = sum(int(nodes[peer]["sent"]) // (len(nodes) - 1) for peer in others(run, node))
        differences += nodes[node]["lost"] != lost_here
        differences += nodes[node]["received"] != arrived - lost_here
        differences += nodes[node]["in_flight"] != 0
    print_row(run, "loss", "message_missing", planted, found, rows, right)
    return differences


JUDGES = {"delay": judge_delay, "stall": judge_stall, "loss": judge_loss, "clock": judge_clock,
          "paths": judge_paths}


def main(kind, path=None, exact=None):
    if kind == "head":
        print(HEAD)
        return 0
    with h5py.File(path, "r") as run:
        differences = JUDGES[kind](run) or 0
    if exact is None or differences == 0:
        return 0
    print(f"{differences} differences to what was drawn", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
