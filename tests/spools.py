"""Runs that die, and what they leave: spools read here by a reader that shares nothing with the
program's own."""

import os
import signal
import struct
import time

import h5py
import numpy

import launch

HEADER = struct.Struct("<QIIIIQQQQQQQ")
BADGE = numpy.dtype([(name, "<f8") for name in (
    "time_s", "global_s", "uncertainty_s", "end_s", "observed", "limit", "peak", "own_stall_s")] + [
    (name, "<u8") for name in ("version_known", "version_received", "sequence")] + [
    ("node", "<u4"), ("peer", "<u4"), ("key", "<i4"), ("flags", "<u4"), ("context", "<u2"),
    ("boundary", "<u2"), ("class", "<u2"), ("type", "<u2")])
SLOT = numpy.dtype([("badge", BADGE), ("opened", "<u8"), ("end_s", "<f8"), ("peak", "<f8"),
                    ("closed", "<u8")])
STAGES = 2
KEPT = "what was observed is kept in "


def up(size, unit):
    return -(-size // unit) * unit


class Spool:
    """What the file holds by the commit words alone."""

    def __init__(self, path):
        with open(path, "rb") as file:
            content = file.read()
        fields = HEADER.unpack_from(content) if len(content) >= HEADER.size else (0,) * 12
        (self.magic, _, _, self.node, self.nodes, self.badges_max, text, facts, state, _, self.lost,
         self.seal) = fields
        self.is_planned = self.is_finished = False
        self.slots = numpy.zeros(0, SLOT)
        if not self.magic:
            return
        facts_at = up(up(HEADER.size, 64) + text, 64)
        place = up(facts, 8) + 8
        self.facts_at, self.facts_bytes = facts_at, facts
        self.slots_at = up(up(facts_at + STAGES * place, 4096) + state, 4096)
        self.is_planned, self.is_finished = (
            struct.unpack_from("<Q", content, facts_at + (stage + 1) * place - 8)[0] != 0
            for stage in range(STAGES))
        slots = numpy.frombuffer(content[self.slots_at:], SLOT)
        self.slots = slots[slots["opened"] != 0]


def spools_in(folder):
    """By node; those that were begun."""
    spools = [Spool(os.path.join(folder, name)) for name in sorted(os.listdir(folder))
              if name.endswith(".spool")]
    return {spool.node: spool for spool in spools if spool.magic}


# ---- a run that can be stopped ----

class Run:
    def __init__(self, mpidrift, folder, nodes, *options, output="r.h5", launched_with=()):
        self.nodes, self.folder = nodes, folder
        self.path = os.path.join(folder, output)
        self.spool = self.path.replace(".h5", ".spool")
        command = launch.mpirun(nodes, mpidrift, ["--quiet", "--output", output, *options],
                                *launched_with)
        self.launcher = launch.begin(command, folder, launch.campaign_environment())

    def rank_pids(self):
        """By rank, as the launcher told them in their environment."""
        pids = {}
        for process in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{process}/stat", encoding="utf-8") as stat:
                    if int(stat.read().rsplit(")", 1)[1].split()[1]) != self.launcher.pid:
                        continue
                with open(f"/proc/{process}/environ", "rb") as environ:
                    variables = environ.read().split(b"\0")
            except OSError:  # it has just ended
                continue
            for variable in variables:
                if variable.startswith(b"OMPI_COMM_WORLD_RANK="):
                    pids[int(variable.split(b"=")[1])] = int(process)
        return pids

    def wait_until_watching(self):
        """Until all windows are planned and, without warm-up, a moment more."""
        deadline = time.monotonic() + launch.LIMIT_S
        while time.monotonic() < deadline and self.launcher.poll() is None:
            if os.path.isdir(self.spool):
                spools = spools_in(self.spool)
                if len(spools) == self.nodes and all(s.is_planned for s in spools.values()):
                    time.sleep(0.5)
                    return
            time.sleep(0.02)
        raise AssertionError(f"no window was planned: {self.end()} {self.errors}")

    def kill(self, rank, number=signal.SIGKILL):
        os.kill(self.rank_pids()[rank], number)

    def signal(self, number):
        self.launcher.send_signal(number)

    def end(self):
        """Its exit code and what it said; a run that does not end is a failure."""
        try:
            _, self.errors = self.launcher.communicate(timeout=launch.LIMIT_S)
        except Exception:
            os.killpg(self.launcher.pid, signal.SIGKILL)
            raise
        return self.launcher.returncode

    def own_lines(self):
        return [line for line in self.errors.splitlines() if line.startswith("mpidrift: ")]


# ---- what a recovered file must be ----

def expected_rows(spool):
    """The badges of one node, joined with their ends."""
    rows = spool.slots["badge"].copy()
    closed = spool.slots["closed"] != 0
    rows["end_s"] = numpy.where(closed, spool.slots["end_s"], numpy.nan)
    rows["peak"] = numpy.where(closed, spool.slots["peak"], rows["peak"])
    rows["flags"] |= numpy.where(numpy.isnan(rows["end_s"]), 4, 0).astype("<u4")
    return rows


def check_node(run, node, spool):
    """Each committed badge is in the file, as it was, and nothing else is. Returns how many."""
    row = run["nodes"][int(node)]
    first, count = int(row["badges_first"]), int(row["badges"])
    found = run["badges"][first:first + count]
    expected = expected_rows(spool)
    assert len(found) == len(expected), (node, len(found), len(expected))
    for name in BADGE.names:
        if name != "global_s":  # told anew by all clock synchronisations
            numpy.testing.assert_array_equal(found[name].astype(expected[name].dtype),
                                             expected[name], name)
    assert row["episodes"] == row["badges"] + row["badges_lost"]
    assert row["badges_lost"] <= spool.lost + 1, "one may have been under way"
    assert 0 <= row["watched_s"] <= run["config"].attrs["duration_s"] * 1.000001
    return count


def check_recovered(path, spool_folder):
    """Returns how many badges were committed."""
    spools = spools_in(spool_folder)
    with h5py.File(path, "r") as run:
        committed = sum(check_node(run, node, spool) for node, spool in spools.items())
        assert committed == len(run["badges"])
        finished = len(spools) == len(run["nodes"]) and all(s.is_finished for s in spools.values())
        assert run.attrs["complete"] == finished
        assert "balance" not in run.attrs["books"] or "not" not in run.attrs["books"]
        for node in set(range(len(run["nodes"]))) - set(spools):
            assert run["nodes"][node]["watched_s"] == 0
            assert run["nodes"][node]["name"].decode() in run["provenance"].attrs["recovered_without"]
        return committed


def same_content(path, other):
    """All datasets of both run files are the same."""
    with h5py.File(path, "r") as a, h5py.File(other, "r") as b:
        names = []
        a.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        assert "badges" in names and "trace/events" in names
        for name in names:
            assert a[name].dtype == b[name].dtype and a[name].shape == b[name].shape, name
            assert a[name][()].tobytes() == b[name][()].tobytes(), name
