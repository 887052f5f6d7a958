#!/usr/bin/python3
"""damaged.py BUILD [ROUNDS [SEED]]: compare, badges and recover on files that somebody damaged, or
made to deceive, each under limits of memory and time. A damaged file is refused in one line with
exit code 65, or read as it was written; a spool may also be recovered with less, and it is said so.
A file whose checksums are right, and its numbers wrong, crashes nothing."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

import h5py
import numpy

import launch
import spools

MEMORY_BYTES, CPU_S, WAIT_S = 4 << 30, 30, 180
STRICT = "[corridor]\nmessage_delay_max_us = 50\nversion_lag_max = 0\nheartbeat_gap_max_ms = 20.5\n"


class Damage(AssertionError):
    """A crash, a silent wrong read, or a refusal that is none of ours."""


class Bench:
    def __init__(self, build, folder):
        self.folder = folder
        self.program = {name: os.path.join(build, path, name) for name, path in [
            ("mpidrift", "src"), ("mpidrift-compare", "analysis"), ("mpidrift-badges", "analysis"),
            ("mpidrift-recover", "analysis"), ("damage_file", "tests")]}
        with open(self.path("strict.ini"), "w", encoding="utf-8") as file:
            file.write(STRICT)
        for nodes, name in ((2, "r.h5"), (3, "three.h5")):
            self.make_run(nodes, name)
        shutil.copy(self.path("r.h5"), self.path("d.h5"))
        self.truth = {name: self.limited(name, *arguments, "d.h5", *more)[1]
                      for name, arguments, more in self.readers()}

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def make_run(self, nodes, name):
        run = spools.Run(self.program["mpidrift"], self.folder, nodes, "--duration", ".1", "--warmup",
                         "0", "--rate", "300", "--trace-max-mib", ".05", "--corridor", "strict.ini",
                         "--keep-spool", output=name)
        assert run.end() == 0, run.errors

    def kill_run(self):
        """All ranks at once; what is recovered of it undamaged is its truth."""
        run = spools.Run(self.program["mpidrift"], self.folder, 2, "--duration", "30", "--warmup", "0",
                         "--trace-max-mib", ".05", "--corridor", "strict.ini", output="dead.h5")
        run.wait_until_watching()
        for pid in run.rank_pids().values():
            os.kill(pid, signal.SIGKILL)
        run.end()
        self.limited("mpidrift-recover", "dead.spool", "-o", "dead.h5")
        return self.path("dead.spool", "node_A.spool")

    @staticmethod
    def readers():
        return [("mpidrift-badges", ["--format", "csv"], []),
                ("mpidrift-compare", ["--json"], ["three.h5"])]

    def limited(self, name, *arguments):
        """Exit code and output under the limits; a crash, or a refusal in other than one line that
        names the program, is damage."""
        def limits():
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
        done = subprocess.run([self.program[name], *arguments], cwd=self.folder, check=False,
                              capture_output=True, timeout=WAIT_S, stdin=subprocess.DEVNULL,
                              preexec_fn=limits)
        errors = done.stderr.decode(errors="replace").splitlines()
        if done.returncode not in (0, 65) or not all(
                line.startswith((f"{name}: ", "  ")) for line in errors) or (
                done.returncode == 65 and not errors):
            raise Damage(launch.told(done))
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode()

    def copies(self, source, rounds, seed, *kind):
        """Damaged copies, some at a time."""
        for first in range(0, rounds, 50):
            folder = self.path("copies")
            shutil.rmtree(folder, ignore_errors=True)
            os.mkdir(folder)
            count = min(50, rounds - first)
            subprocess.run([self.program["damage_file"], str(seed * 1000003 + first), str(count),
                            folder, source, *kind], check=True)
            yield from (os.path.join(folder, str(number)) for number in range(count))

    # ---- run files ----

    def read_all(self, name):
        """What became of a run file: 'refused' or 'same', by every reader."""
        ends = set()
        for reader, arguments, more in self.readers():
            code, printed, errors = self.limited(reader, *arguments, name, *more)
            if code == 0 and printed != self.truth[reader]:
                raise Damage(f"{reader} reads another content without a word: {errors}")
            ends.add("same" if code == 0 else "refused")
        return "same" if ends == {"same"} else "refused"

    def run_file(self, copy):
        shutil.copy(copy, self.path("d.h5"))
        return self.read_all("d.h5")

    # ---- spools ----

    def recover(self, copy, run="r"):
        shutil.rmtree(self.path("s"), ignore_errors=True)
        shutil.copytree(self.path(f"{run}.spool"), self.path("s"))
        shutil.copy(copy, self.path("s", "node_A.spool"))
        return self.limited("mpidrift-recover", "s", "-o", "d.h5", "--force")

    def spool(self, copy, run="r"):
        """'refused', 'same', or 'less' when it was said that something is missing."""
        code, _, errors = self.recover(copy, run)
        if code == 65:
            return "refused"
        with h5py.File(self.path("d.h5")) as out, h5py.File(self.path(f"{run}.h5")) as whole:
            without = out["provenance"].attrs["recovered_without"].split()
            there, found = badges_of(whole, without), badges_of(out)
            if not found <= there:
                raise Damage(f"a badge that never was: {sorted(found - there)[:3]}")
            if out["nodes"]["badges_lost"].sum() < len(there) - len(found):
                raise Damage(f"{len(there) - len(found)} badges are missing without a word")
            ends = [numpy.isnan(run["badges"]["end_s"]).sum() for run in (out, whole)]
            if found < there or ends[0] != ends[1] or \
                    out.attrs["complete"] != whole.attrs["complete"]:
                if not errors:
                    raise Damage("less without a word")
                return "less"
        try:
            spools.same_content(self.path("d.h5"), self.path(f"{run}.h5"))
        except AssertionError as error:
            if run == "dead" and "no checksum" in errors:
                return "warned"
            raise Damage(f"other content without a word: {error}") from error
        return "same"

    def killed_spool(self, copy):
        """Its counts have no checksum, which is said; its badges have."""
        return self.spool(copy, "dead")

    def sealed_spool(self, copy):
        """Its checksums fit: whatever it claims, nothing crashes, here or in who reads the file."""
        if self.recover(copy)[0] == 65:
            return "refused"
        for reader, arguments, more in self.readers():
            self.limited(reader, *arguments, "d.h5", *more)
        return "taken"

    # ---- run files that are valid HDF5 and lie ----

    def lying_run_file(self, edit):
        shutil.copy(self.path("r.h5"), self.path("d.h5"))
        with h5py.File(self.path("d.h5"), "r+") as run:
            edit(run)
        codes = [self.limited(reader, *arguments, "d.h5", *more)[0]
                 for reader, arguments, more in self.readers()]
        codes.append(self.limited("mpidrift-badges", "--format", "full", "d.h5")[0])
        codes.append(self.limited("mpidrift-compare", "d.h5", "three.h5")[0])
        return "refused" if 65 in codes else "taken"


def badges_of(run, without=()):
    """But for those of some nodes. An end that is not whole is none, so badges are told by their
    beginning."""
    names = ("node", "peer", "context", "time_s", "sequence", "observed", "version_known")
    ranks = [rank for rank, row in enumerate(run["nodes"]) if row["name"].decode() not in without]
    return {tuple(badge[name] for name in names) for badge in run["badges"][:]
            if badge["node"] in ranks}


# ---- lies ----

def values_of(dtype):
    if dtype.kind == "f":
        return [numpy.nan, numpy.inf, -numpy.inf, 0, -1, 1e300, 5e-324]
    if dtype.kind in "iu":
        limits = numpy.iinfo(dtype)
        return [0, 1, limits.max, limits.min, limits.max // 2]
    return []


def set_member(path, name, value):
    def edit(run):
        rows = run[path][:]
        rows[name][:1] = value
        run[path][:] = rows
    return edit


def set_array(path, value):
    def edit(run):
        run[path][...] = value
    return edit


def set_attribute(path, name, value):
    def edit(run):
        run[path].attrs[name] = value
    return edit


def replace(path, **made):
    def edit(run):
        del run[path]
        if made:
            run.create_dataset(path, **made)
    return edit


def lies(path):
    """Every number of every dataset at its extremes; datasets that are missing, huge, or other."""
    edits = []
    with h5py.File(path) as run:
        names = []
        run.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else 0)
        for name in names:
            dtype = run[name].dtype
            for member in dtype.names or []:
                edits += [set_member(name, member, value) for value in values_of(dtype[member])
                          if len(run[name]) > 0]
            edits += [set_array(name, value) for value in values_of(dtype) if run[name].size > 0]
            edits += [replace(name), replace(name, data=numpy.zeros(3, "i1")),
                      replace(name, shape=(2 ** 40,), chunks=(1024,), dtype=dtype),
                      replace(name, shape=(0,), dtype=dtype),
                      replace(name, shape=(2, 2), dtype=dtype, data=None)]
        for group in ("/", "/provenance", "/config", "/config/corridor", "/windows",
                      "/histograms/delay"):
            for key, value in run[group].attrs.items():
                if not isinstance(value, str):
                    edits += [set_attribute(group, key, number)
                              for number in (numpy.nan, numpy.inf, -1.0, 0.0, 1e300)]
                edits += [set_attribute(group, key, "x" * 100000), set_attribute(group, key, [1, 2])]
    return edits


# ---- all together ----

def tally(judge, things):
    """How often each end came, 'wrong' among them."""
    ends = {}
    for number, thing in enumerate(things):
        try:
            end = judge(thing)
        except (Damage, subprocess.TimeoutExpired) as error:
            end = "wrong"
            print(f"WRONG {judge.__name__} {number}: {error}", file=sys.stderr, flush=True)
            if isinstance(thing, str) and os.environ.get("DAMAGED_KEEP"):
                shutil.copy(thing, os.path.join(os.environ["DAMAGED_KEEP"],
                                                f"{judge.__name__}-{number}"))
        ends[end] = ends.get(end, 0) + 1
    return ends


def all_parts(build, folder, rounds, seed):
    """What, rounds and ends of each part."""
    bench = Bench(build, folder)
    spool = bench.path("r.spool", "node_A.spool")
    edits = lies(bench.path("r.h5"))
    chosen = [edits[i] for i in numpy.random.default_rng(seed).permutation(len(edits))[:rounds]]
    yield "run files, damaged", rounds, tally(bench.run_file, bench.copies(
        bench.path("r.h5"), rounds, seed))
    yield "spools, damaged", rounds, tally(bench.spool, bench.copies(spool, rounds, seed, "spool"))
    yield "spools of a killed run, damaged", rounds, tally(bench.killed_spool, bench.copies(
        bench.kill_run(), rounds, seed, "spool"))
    yield "spools that lie, with right checksums", rounds, tally(bench.sealed_spool, bench.copies(
        spool, rounds, seed, "sealed"))
    yield "run files that lie, valid HDF5", len(chosen), tally(bench.lying_run_file, chosen)


def main(build, rounds="16", seed="1"):
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for what, count, ends in all_parts(os.path.abspath(build), folder, int(rounds), int(seed)):
            print(f"{what}: {count}: " + ", ".join(f"{n} {end}" for end, n in sorted(ends.items())),
                  flush=True)
            wrong += ends.get("wrong", 0)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
