"""judge.py STATEMENT FOLDER [ARGUMENTS…]: hold a run on several hosts against the truth.

FOLDER holds run.h5, and truth/, where clock_shim.c left what each rank's MPI_Wtime showed and when
that was by the one clock that all ranks of a test really have. Prints one line of figures. Exit
codes: 0 true; 1 not, after a line for each thing that is wrong.
"""

import functools
import os
import sys

import h5py
import numpy

CLOCK_JUMPED = 2  # a flag of /nodes


class Clock:
    """MPI_Wtime of one rank over true time, in seconds. It is known what the host's clock shows; only
    the moment at which MPI_Wtime has its zero is measured, by all readings together."""

    def __init__(self, path):
        wtime, before, after, rate, jump = numpy.fromfile(path).reshape(-1, 5).T
        self.rate, self.moments, self.jumps = rate[0], (before + after) / 2, jump
        low = (wtime - after * (1 + self.rate) - jump).max()
        high = (wtime - before * (1 + self.rate) - jump).min()
        self.zero, self.error = (low + high) / 2, abs(high - low) / 2

    def shows_at(self, true):
        return true * (1 + self.rate) + numpy.interp(true, self.moments, self.jumps) + self.zero

    def true_at(self, shown):
        jumped = self.shows_at(self.moments)
        return (shown - self.zero - numpy.interp(shown, jumped, self.jumps)) / (1 + self.rate)


class Run:
    """A run file, and the truth about it."""

    def __init__(self, folder):
        self.file = h5py.File(os.path.join(folder, "run.h5"), "r")
        self.nodes = self.file["nodes"][:]
        self.hosts = [host.decode() for host in self.nodes["host"]]
        self.truth = os.path.join(folder, "truth")
        self.wrong = []

    @functools.cached_property
    def clocks(self):
        return [Clock(os.path.join(self.truth, str(rank))) for rank in range(len(self.nodes))]

    def check(self, holds, otherwise):
        if not holds:
            self.wrong.append(otherwise)

    def name(self, rank):
        return f"{self.nodes[rank]['name'].decode()} on {self.hosts[rank]}"

    def code(self, dataset, member, name):
        return h5py.check_enum_dtype(self.file[dataset].dtype[member])[name]

    def badges(self, context):
        rows = self.file["badges"][:]
        return rows[rows["context"] == self.code("badges", "context", context)]

    def pairs(self, context="message_delay_exceeded"):
        rows = self.file["pairs"][:]
        return rows[rows["context"] == self.code("pairs", "context", context)]

    def true_time(self, rank, since_begin_s):
        """Of a moment on a node's own clock since its window opened."""
        return self.clocks[rank].true_at(self.nodes[rank]["window_begin_local_s"] + since_begin_s)

    def global_time(self, true):
        """What node 0's clock showed then, since T0."""
        return self.clocks[0].shows_at(true) - self.nodes[0]["window_begin_local_s"]

    def reading_error(self, *ranks):
        """Of what is taken for the truth."""
        return 2e-9 + sum(self.clocks[rank].error for rank in ranks)


# ---- what the clocks really did ----

def syncs_of(node):
    """(time since the window opened, offset, uncertainty) of those that there were."""
    for number in range(3):
        time, offset, bound = (float(node[f"sync{number}_{key}_s"])
                               for key in ("time", "offset", "uncertainty"))
        if not numpy.isnan(time):
            yield number, time, offset, bound


def judge_syncs(run):
    """The true offset lies in the stated interval, at each synchronisation of each node."""
    nearest = widest = 0
    for rank, node in enumerate(run.nodes[1:], 1):
        for number, time, offset, bound in syncs_of(node):
            shown = node["window_begin_local_s"] + time
            true = run.clocks[0].shows_at(run.clocks[rank].true_at(shown)) - shown
            error = abs(offset - true)
            nearest, widest = max(nearest, error / bound), max(widest, bound)
            run.check(error <= bound + run.reading_error(0, rank),
                      f"{run.name(rank)}: synchronisation {number} is off by {error * 1e6:.3f} us, "
                      f"stated are {bound * 1e6:.3f}")
    return f"bounds up to {widest * 1e6:.1f} us, the truth within {nearest * 100:.0f} % of its bound"


def window_line(node, since_begin_s):
    """Global time since T0 by the line that the node went by in its window."""
    return since_begin_s * (1 + node["clock_rate"])


def judge_window(run):
    """What the nodes went by inside the window: the bound stated for its end holds there, and
    before it."""
    worst = 0
    for rank, node in enumerate(run.nodes):
        since = numpy.linspace(0, float(node["watched_s"]), 200)
        true = run.global_time(run.true_time(rank, since))
        error = numpy.abs(window_line(node, since) - true).max()
        bound = float(node["clock_uncertainty_s"])
        worst = max(worst, error)
        run.check(error <= bound + run.reading_error(0, rank),
                  f"{run.name(rank)}: its line is off by {error * 1e6:.3f} us inside the window, "
                  f"stated are {bound * 1e6:.3f} at its end")
    return f"the line off by at most {worst * 1e6:.1f} us in the window"


def judge_rates(run):
    """The slope lies within its stated uncertainty."""
    told = []
    for rank, node in enumerate(run.nodes[1:], 1):
        ends = numpy.array([0, float(node["watched_s"])])
        shown = numpy.diff(ends)[0]
        true = numpy.diff(run.global_time(run.true_time(rank, ends)))[0]
        rate, bound = float(node["clock_rate"]), float(node["clock_rate_uncertainty"])
        reading = 2 * run.reading_error(0, rank) / shown
        error = abs(rate - (true - shown) / shown)
        told.append(f"{(true - shown) / shown * 1e6:+.2f} ppm measured as {rate * 1e6:+.2f} "
                    f"+- {bound * 1e6:.2f}")
        run.check(error <= bound + reading, f"{run.name(rank)}: {told[-1]}")
    return "; ".join(told)


def deliveries(run):
    """Messages that the trace holds at both ends: (receiver, sender, true delay, measured delay),
    one array each. A write is named by its writer, key and version."""
    events = run.file["trace/events"][:]
    kinds = h5py.check_enum_dtype(events.dtype["kind"])
    sends, updates = (events[events["kind"] == kinds[kind]] for kind in ("send", "update"))
    sent = {(row["node"], row["key"], row["version"]): row["time_s"] for row in sends}
    rows = [(row["node"], row["peer"], row["time_s"], sent[name], row["sent_s"])
            for row in updates
            if (name := (row["peer"], row["key"], row["version"])) in sent]
    receiver, sender, received, own_sent, stamp = (numpy.array(column) for column in zip(*rows))
    receiver, sender = receiver.astype(int), sender.astype(int)
    true = numpy.empty(len(rows))
    measured = numpy.empty(len(rows))
    for rank in range(len(run.nodes)):
        here = receiver == rank
        true[here] = run.true_time(rank, received[here])
        measured[here] = window_line(run.nodes[rank], received[here]) - stamp[here]
    for rank in range(len(run.nodes)):
        there = sender == rank
        true[there] -= run.true_time(rank, own_sent[there])
    return receiver, sender, true, measured


def judge_delays(run):
    """Each delay that a node saw is the true one, within the uncertainty of the pair."""
    receiver, sender, true, measured = deliveries(run)
    worst = 0
    for pair in run.pairs():
        here = (receiver == pair["node"]) & (sender == pair["peer"])
        if not here.any():
            continue
        bound = float(pair["clock_uncertainty_s"])
        error = numpy.abs(measured[here] - true[here]).max()
        worst = max(worst, error)
        run.check(error <= bound + run.reading_error(pair["node"], pair["peer"]),
                  f"{run.name(pair['peer'])} to {run.name(pair['node'])}: a delay is off by "
                  f"{error * 1e6:.3f} us, stated are {bound * 1e6:.3f}")
    return f"{len(true)} delays, off by at most {worst * 1e6:.1f} us"


def judge_impossible(run):
    """No message arrives before it was sent by more than the uncertainty; no clock is suspect."""
    pairs = run.pairs()
    impossible, early = int(pairs["impossible"].sum()), int(pairs["early"].sum())
    run.check(impossible == 0, f"{impossible} messages arrive before they were sent, beyond the "
                               "uncertainty")
    for rank in numpy.flatnonzero(run.nodes["clock_suspect"]):
        run.check(False, f"{run.name(rank)}: its clock is called suspect")
    return f"{early} seen to arrive before they were sent, {impossible} beyond the uncertainty"


def judge_clocks(run):
    return "; ".join(judge(run) for judge in
                     (judge_syncs, judge_window, judge_delays, judge_impossible))


def judge_rate(run):
    return "; ".join(judge(run) for judge in (judge_rates, judge_clocks))


# ---- what is planted between hosts ----

def true_delays(run, badges):
    """Of the messages behind badges of delay: when the sender's clock showed the stamp, and when the
    receiver's showed the time of the badge."""
    delays = []
    for badge in badges:
        node, peer = int(badge["node"]), int(badge["peer"])
        stamp = window_line(run.nodes[node], badge["time_s"]) - badge["observed"]
        sent = run.true_time(peer, stamp / (1 + run.nodes[peer]["clock_rate"]))
        delays.append(run.true_time(node, badge["time_s"]) - sent)
    return numpy.array(delays)


def judge_planted(run, from_host, to_host, planted_us, limit_us, planted_at):
    """What comes over one directed link of hosts is late, always, and has its badge; a badge anywhere
    else stands for a message that truly was late: a busy machine has such."""
    planted_s, limit_s = float(planted_us) * 1e-6, float(limit_us) * 1e-6
    for rank, node in enumerate(run.nodes):
        known = max(time for _, time, _, _ in syncs_of(node) if time < 0)
        run.check(run.true_time(rank, known) < float(planted_at) < run.true_time(rank, 0),
                  "late: the test did not plant between the synchronisation and the window")
    receiver, sender, true, _ = deliveries(run)
    badges = run.badges("message_delay_exceeded")
    there = elsewhere = 0
    for pair in run.pairs():
        node, peer = int(pair["node"]), int(pair["peer"])
        here = (receiver == node) & (sender == peer)
        rows = badges[(badges["node"] == node) & (badges["peer"] == peer)]
        way = f"{run.name(peer)} to {run.name(node)}"
        if (run.hosts[peer], run.hosts[node]) == (from_host, to_host):
            there += int(pair["episodes"]) + int(~numpy.isnan(pair["already_outside_until_s"]))
            run.check(here.any() and true[here].min() >= planted_s,
                      f"{way}: a message came faster than planted")
            run.check(pair["beyond"] == pair["observations"] > 0,
                      f"{way}: {pair['beyond']} of {pair['observations']} are called late")
            continue
        elsewhere += len(rows)
        bound = float(pair["clock_uncertainty_s"]) + run.reading_error(node, peer)
        for delay in true_delays(run, rows):
            run.check(delay > limit_s - bound, f"{way}: a badge, and {delay * 1e6:.0f} us of delay")
    run.check(there >= 1, "no episode on the planted link")
    return (f"{there} episodes on the planted link that never end, "
            f"{elsewhere} badges elsewhere, for messages that truly were late")


def judge_cut(run, one_host, other_host, cut_s):
    """A link between two hosts that was cut and healed: nothing is lost, and both sides saw the
    silence; no other pair did for so long."""
    seen_by = {one_host: [], other_host: []}
    badges = run.badges("heartbeat_missed")
    for pair in run.pairs("heartbeat_missed"):
        node, peer = int(pair["node"]), int(pair["peer"])
        rows = badges[(badges["node"] == node) & (badges["peer"] == peer)]
        longest = float(rows["peak"].max()) if len(rows) else 0.
        across = {run.hosts[node], run.hosts[peer]} == {one_host, other_host}
        if across:
            seen_by[run.hosts[node]].append(longest)
        run.check((longest >= float(cut_s)) == across,
                  f"{run.name(node)} saw {run.name(peer)} silent for {longest:.3f} s")
    missing = len(run.badges("message_missing"))
    run.check(missing == 0, f"{missing} badges of missing messages")
    for key in ("lost", "in_flight"):
        run.check(run.nodes[key].sum() == 0, f"{key}: {run.nodes[key].sum()}")
    return f"cut for {cut_s} s: " + ", ".join(
        f"{host} saw {max(seen):.2f} s of silence" for host, seen in seen_by.items())


# ---- what must be noticed ----

def judge_jump(run, host, jump_s):
    """The clock of one host jumped inside the window. The synchronisation after it tells whose; and
    messages that cannot be true come from there, or go there, only."""
    jump_s = float(jump_s)
    for rank, node in enumerate(run.nodes):
        ends = numpy.array([0, float(node["watched_s"])])
        ahead = numpy.diff(ends - run.global_time(run.true_time(rank, ends)))[0]
        jumped = run.hosts[rank] == host
        run.check((abs(ahead) > jump_s / 2) == jumped,
                  f"late: {run.name(rank)} went ahead by {ahead:+.6f} s inside the window")
        run.check(bool(node["clock_flags"] & CLOCK_JUMPED) == jumped,
                  f"{run.name(rank)}: flags {node['clock_flags']}, jumped: {jumped}")
    impossible = 0
    for pair in run.pairs():
        hosts = {run.hosts[pair["node"]], run.hosts[pair["peer"]]}
        impossible += int(pair["impossible"])
        run.check(pair["impossible"] == 0 or host in hosts and len(hosts) == 2,
                  f"{pair['impossible']} impossible messages between hosts whose clocks are well")
    run.check(impossible > 0, "no message was impossible")
    return f"{host} found, {impossible} messages beyond the uncertainty"


def judge_recovered(run):
    """What is left of a run whose ranks had to give up."""
    run.check(len(run.nodes) == 3 and numpy.nanmin(run.nodes["watched_s"]) > 0, "a node is missing")
    return f"{len(run.file['badges'])} badges of {len(run.nodes)} nodes recovered"


def judge_places(run, hosts, domains):
    """How many hosts there are, and how many clocks."""
    found = len(set(run.nodes["host_first_rank"])), len(set(run.nodes["clock_domain"]))
    run.check(found == (int(hosts), int(domains)),
              f"{found[0]} hosts and {found[1]} clocks were found")
    return f"{found[0]} hosts, {found[1]} clocks"


def main(statement, folder, *arguments):
    run = Run(folder)
    print(globals()[f"judge_{statement}"](run, *arguments))
    for wrong in run.wrong:
        print(f"  wrong: {wrong}")
    return 1 if run.wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
