#!/usr/bin/python3
"""stopped_peer.py MPIDRIFT [long]: one rank is stopped (SIGSTOP) while all others go on writing.

Over shared memory and over TCP, with --send synchronous and --send standard: does every run end, by
how much does each rank grow, what was suppressed, and do the badges tell the stopped node's own stall
from its peers' silence? Prints a table in Markdown, in MiB of resident memory beyond what the rank
had when the stop began. Without `long` it is 4 ranks and 1 s, which is part of the tests. `long` is
16 ranks and 5 s, once with 1,000 messages per second of each rank and once with 1,000 writes, 15,000
messages. Judged is what depends on no timing: the end, the books, the bound of --send synchronous
(net_mpi.h), and whose stall it was; the last not with 1,000 writes of 16 ranks, 240,000 messages per
second in all: a rank that never empties its inbox judges no silence. Exit codes: 0 all held; 1 not."""

import os
import signal
import sys
import tempfile
import threading
import time

import h5py

import launch
import spools

TRANSPORTS = {"shared memory": ["--mca", "btl", "self,vader"],
              "TCP": ["--mca", "btl", "self,tcp", "--mca", "btl_tcp_if_include", "lo"]}
BYTES_PER_SEND = 2048  # this and the next: net_mpi.h
POOL_MAX = 65536
FIXED_MIB = 4          # pages of the libraries that are first used now
MIB = 1 << 20
STOPPED = 1


class Form:
    def __init__(self, nodes, stop_s, after_s, writes_per_s, inflight):
        self.nodes, self.stop_s, self.after_s = nodes, stop_s, after_s
        self.writes_per_s, self.inflight = writes_per_s, inflight
        self.duration_s = stop_s + after_s + 0.8

    def is_flood(self):
        return self.writes_per_s * self.nodes * (self.nodes - 1) > 50000

    def bound_mib(self):
        """Of every rank, as sender and as receiver together."""
        under_way = self.inflight * (self.nodes - 1)
        return FIXED_MIB + BYTES_PER_SEND * (min(under_way, POOL_MAX) + under_way) / MIB


class Memory:
    """Watches how large each process becomes, until it is told to end or node 0 begins to write the
    run file, which takes memory, too."""

    def __init__(self, run):
        self.pids, self.written = run.rank_pids(), (run.path, run.path + ".part")
        self.begin = {rank: self.resident(pid) for rank, pid in self.pids.items()}
        self.most = dict(self.begin)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    @staticmethod
    def resident(pid):
        try:
            with open(f"/proc/{pid}/statm", encoding="utf-8") as statm:
                return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError):  # it has ended
            return 0

    def watch(self):
        while not self.over.wait(0.01):
            now = {rank: self.resident(pid) for rank, pid in self.pids.items()}
            if any(map(os.path.exists, self.written)):
                return
            self.most = {rank: max(self.most[rank], now[rank]) for rank in now}

    def end(self):
        self.over.set()
        self.thread.join()
        return {rank: (self.most[rank] - self.begin[rank]) / MIB for rank in self.pids}


def stop_one(mpidrift, folder, form, transport, send):
    run = spools.Run(mpidrift, folder, form.nodes, "--warmup", ".2", "--duration",
                     str(form.duration_s), "--rate", str(form.writes_per_s), "--send", send,
                     "--inflight", str(form.inflight), "--trace-max-mib", "8",
                     launched_with=TRANSPORTS[transport])
    run.wait_until_watching()
    memory = Memory(run)
    try:
        run.kill(STOPPED, signal.SIGSTOP)
        time.sleep(form.stop_s)
        run.kill(STOPPED, signal.SIGCONT)
        time.sleep(form.after_s)
    finally:
        growth = memory.end()
    code = run.end()
    assert code == 0, f"exit code {code}\n{run.errors}"
    return run.path, growth


def silences(file, stop_s):
    """Badges that speak of a silence about as long as the stop: those of the stopped node that call it
    its own stall, and those of the others about it that do not."""
    rows = file["badges"][:]
    missed = h5py.check_enum_dtype(rows.dtype["context"])["heartbeat_missed"]
    rows = rows[(rows["context"] == missed) & (rows["peak"] > 0.8 * stop_s)]
    stalled = (rows["own_stall_s"] > 0.8 * stop_s) & (rows["flags"] & 1 != 0)
    assert not (stalled & (rows["node"] != STOPPED)).any(), rows
    return (rows[stalled & (rows["node"] == STOPPED)],
            rows[~stalled & (rows["node"] != STOPPED) & (rows["peer"] == STOPPED)])


def judge_badges(nodes, own, others, form):
    """The stopped node was late itself; the others were not, as far as this silence goes."""
    stall_s = nodes["longest_stall_s"][STOPPED]
    assert stall_s > 0.8 * form.stop_s, f"its own stall: {stall_s} s"
    rest = set(range(form.nodes)) - {STOPPED}
    assert len(own) > 0, "it blames itself for no silence"  # it may have missed some peer before
    assert set(others["node"]) == rest, f"its silence was seen by {set(others['node'])}"


def judge(path, form, send, growth):
    with h5py.File(path) as file:
        nodes = file["nodes"][:]
        own, others = silences(file, form.stop_s)
        assert file.attrs["books"] == "balanced", file.attrs["books"]
        if not form.is_flood():
            judge_badges(nodes, own, others, form)
    suppressed = int(nodes["suppressed"].sum())
    assert (nodes["attempted"] == nodes["sent"] + nodes["suppressed"]).all(), nodes
    if send == "synchronous":
        assert max(growth.values()) < form.bound_mib(), (growth, form.bound_mib())
        if form.writes_per_s * form.stop_s > 2 * form.inflight:
            assert suppressed > 0, "nothing was suppressed"
    return suppressed, len(set(own["peer"])), len(set(others["node"]))


def tell(form, transport, send, growth, counts):
    suppressed, own, others = counts
    rest = max(mib for rank, mib in growth.items() if rank != STOPPED)
    bound = f"{form.bound_mib():.0f}" if send == "synchronous" else "none"
    print(f"| {transport} | {send} | {growth[STOPPED]:.1f} | {rest:.1f} | {bound} | {suppressed} | "
          f"{own} of {form.nodes - 1} as its own | {others} of {form.nodes - 1} as its silence |", flush=True)


def stop_in(form, mpidrift):
    """How many of the four ways failed."""
    print(f"\n{form.nodes} ranks, {form.writes_per_s} writes/s each, --inflight {form.inflight}, node_B "
          f"stopped for {form.stop_s} s\n\n| over | --send | stopped grew, MiB | another grew, MiB | "
          "bound, MiB | suppressed | node_B's stall | its peers' badges |\n|" + "---|" * 8)
    failed = 0
    for transport in TRANSPORTS:
        for send in ("synchronous", "standard"):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    path, growth = stop_one(mpidrift, folder, form, transport, send)
                    tell(form, transport, send, growth, judge(path, form, send, growth))
                except Exception as error:  # pylint: disable=broad-except # the others shall run
                    failed += 1
                    print(f"| {transport} | {send} | FAILED {type(error).__name__}: {error} |")
    return failed


def main(mpidrift, extent="quick"):
    forms = [Form(4, 1, 0.5, 300, 64)]
    if extent == "long":
        launch.LIMIT_S = 300
        forms = [Form(16, 5, 4, 67, 64), Form(16, 5, 4, 1000, 1024)]
    failed = sum(stop_in(form, os.path.abspath(mpidrift)) for form in forms)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
