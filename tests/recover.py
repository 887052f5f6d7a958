#!/usr/bin/python3
"""recover.py MPIDRIFT RECOVER: spools that are missing, cut, of other runs, damaged or none at all
are recovered as far as they go, or refused in one line with the documented code."""

import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile

import h5py

import launch
import spools

NODES = 3


def make_run(mpidrift, folder, name, *options):
    run = spools.Run(mpidrift, folder, NODES, "--duration", "1", "--keep-spool", *options,
                     output=name + ".h5")
    assert run.end() == 0, run.errors


def recover(program, folder, *arguments, limit=None):
    def limited():
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    return subprocess.run([program, *arguments], cwd=folder, check=False, capture_output=True,
                          text=True, timeout=launch.LIMIT_S, preexec_fn=limited)


def told(done):
    return f"\n{done.args}\n{done.returncode}\n{done.stdout}{done.stderr}"


# ---- what can be done to the spools of a run ----

def node(folder, name):
    return os.path.join(folder, "s", f"node_{name}.spool")


def flip(name, at):
    """Another bit in a spool, `at` counted from its start or, as text, from a part of it."""
    def edit(folder):
        spool = spools.Spool(node(folder, name))
        place = getattr(spool, at) if isinstance(at, str) else at
        with open(node(folder, name), "r+b") as file:
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ 4]))
    return edit


def cut(name, size):
    def edit(folder):
        place = size(spools.Spool(node(folder, name))) if callable(size) else size
        os.truncate(node(folder, name), place)
    return edit


def drop(*names):
    return lambda folder: [os.remove(node(folder, name)) for name in names]


def overwrite(name, content):
    def edit(folder):
        with open(node(folder, name), "wb") as file:
            file.write(content)
    return edit


def copy(source, name):
    return lambda folder: shutil.copy(os.path.join(folder, source), node(folder, name))


def put(name, at, form, value):
    def edit(folder):
        with open(node(folder, name), "r+b") as file:
            file.seek(at)
            file.write(struct.pack(form, value))
    return edit


NOTHING = [  # what is done to the spools, words of the warning, badges of which nodes are there
    (lambda folder: None, "", "ABC"),
    (drop("B"), "node_B: no spool", "AC"),
    (drop("A", "C"), "node_C: no spool", "B"),
    (cut("B", lambda spool: spool.slots_at + 144), "node_B: its spool is cut", "AC"),
    (cut("B", 200), "node_B.spool holds no record", "AC"),
    (cut("B", lambda spool: spool.slots_at - 1), "node_B.spool holds no record", "AC"),
    (overwrite("B", b""), "node_B.spool holds no record", "AC"),
    (overwrite("B", bytes(5000)), "its node died while it was opened", "AC"),
    (flip("B", "slots_at"), "node_B: 1 records are not whole", "AC"),
]

REFUSED = [  # what is done, exit code, words of the one line
    (drop("A", "B", "C"), 65, "holds no spool"),
    (lambda folder: shutil.rmtree(os.path.join(folder, "s")), 65, "cannot read the folder s: No such"),
    (overwrite("B", b"x" * 5000), 65, "node_B.spool is no spool of mpidrift"),
    (put("B", 8, "<I", 9), 65, "node_B.spool has format 9, this reads"),
    (put("B", 12, ">I", 0x01020304), 65, "other byte order"),
    (put("B", 24, "<Q", 2**63), 65, "header claims what cannot be"),
    (put("B", 20, "<I", 2**31), 65, "header claims what cannot be"),
    (flip("B", 16), 65, "node_B.spool is damaged: its header"),
    (flip("B", 200), 65, "node_B.spool is damaged: its header"),
    (flip("B", "facts_at"), 65, "node_B.spool is damaged: its facts"),
    (flip("B", 20000 * 8), 65, "node_B.spool is damaged: its counts"),
    (put("B", 64, "<Q", 1000), 65, "node_B.spool is damaged: its counts contradict its badges"),
    (copy("other.spool/node_A.spool", "A"), 65, "is of another run than"),
    (copy("r.spool/node_A.spool", "D"), 65, "are both of node 0"),
]


def prepared(folder, edit):
    shutil.rmtree(os.path.join(folder, "s"), ignore_errors=True)
    shutil.copytree(os.path.join(folder, "r.spool"), os.path.join(folder, "s"))
    edit(folder)


def check_recovered(program, folder, edit, words, whole):
    prepared(folder, edit)
    done = recover(program, folder, "s", "-o", "out.h5", "--force")
    assert done.returncode == 0 and words in done.stderr, f"{words}{told(done)}"
    with h5py.File(os.path.join(folder, "out.h5")) as out, \
            h5py.File(os.path.join(folder, "r.h5")) as run:
        assert out.attrs["complete"] == (whole == "ABC"), told(done)
        for rank, name in enumerate("ABC"):
            row, was = out["nodes"][rank], run["nodes"][rank]
            found = out["badges"][int(row["badges_first"]):][:int(row["badges"])]
            there = run["badges"][int(was["badges_first"]):][:int(was["badges"])]
            if name in whole:
                assert found.tobytes() == there.tobytes() and row["watched_s"] == was["watched_s"]
            assert len(found) <= len(there) and row["episodes"] in (0, was["episodes"])
            assert row["badges"] + row["badges_lost"] == row["episodes"], told(done)


def check_refused(program, folder, edit, code, words):
    prepared(folder, edit)
    if os.path.exists(os.path.join(folder, "out.h5")):
        os.remove(os.path.join(folder, "out.h5"))
    done = recover(program, folder, "s", "-o", "out.h5")
    assert done.returncode == code and words in done.stderr, f"{words}{told(done)}"
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("mpidrift-recover: "), told(done)
    assert not os.path.exists(os.path.join(folder, "out.h5")), told(done)
    assert not os.path.exists(os.path.join(folder, "out.h5.part")), told(done)


def check_usage(program, folder):
    for arguments, code, words in [
            ([], 64, "one folder and one file are wanted"),
            (["r.spool"], 64, "one folder and one file are wanted"),
            (["-o", "x.h5"], 64, "one folder and one file are wanted"),
            (["--frobnicate", "r.spool"], 64, "'--frobnicate'"),
            (["r.spool", "-o", "r.h5"], 73, "r.h5 exists"),
            (["r.spool", "-o", "none/x.h5"], 73, "none/x.h5"),
            (["r.h5", "-o", "x.h5"], 65, "cannot read the folder r.h5: Not a directory")]:
        done = recover(program, folder, *arguments)
        assert done.returncode == code and words in done.stderr, f"{words}{told(done)}"
    for option, words in [("--help", "usage: mpidrift-recover SPOOL_DIR -o RUN.h5"),
                          ("--version", "mpidrift-recover ")]:
        done = recover(program, folder, option)
        assert done.returncode == 0 and words in done.stdout, told(done)


def check_full_disk(program, folder):
    for limit in (0, 3000, 60000):
        done = recover(program, folder, "r.spool", "-o", "full.h5", limit=limit)
        assert done.returncode == 74 and "full.h5" in done.stderr, f"{limit}{told(done)}"
        assert "File too large" in done.stderr, f"{limit}{told(done)}"
        assert not [name for name in os.listdir(folder) if name.startswith("full.h5")]


def main(mpidrift, program):
    with tempfile.TemporaryDirectory() as folder:
        make_run(mpidrift, folder, "r", "--set", "rate_per_s=500")
        make_run(mpidrift, folder, "other")
        for case in NOTHING:
            check_recovered(program, folder, *case)
        for case in REFUSED:
            check_refused(program, folder, *case)
        check_usage(program, folder)
        check_full_disk(program, folder)
    print(f"{len(NOTHING)} recovered, {len(REFUSED)} refused")


if __name__ == "__main__":
    main(*sys.argv[1:])
