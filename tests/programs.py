#!/usr/bin/python3
"""programs.py MPIDRIFT COMPARE BADGES: what is wrong with the input is said in one line, by one
rank, with the documented exit code, and leaves nothing behind."""

import concurrent.futures
import dataclasses
import os
import shlex
import stat
import subprocess
import sys
import tempfile

import h5py

import launch

SHORT = "--duration .1 --warmup 0 "
SENTENCE = "assumption = It is so.\n"


@dataclasses.dataclass
class Case:
    arguments: str  # {all} is the folder that all cases share
    code: int
    words: str = ""  # of the one line; empty: there is none
    detail: str = ""  # what stands below it
    kept: str = ""  # words of a second line that names what is kept; empty: there is none
    program: str = "mpidrift"
    nodes: int = 2
    files: dict = dataclasses.field(default_factory=dict)  # what stands there before; None: closed
    left: tuple = ()  # what may stand there afterwards beside them
    environment: dict = dataclasses.field(default_factory=dict)
    stdout: str = ""  # the file that it goes to
    pipe: bool = False  # a named pipe stands there, too
    closed: bool = False  # nothing can be created in the folder
    disk_kib: int = 0  # the folder is a disk of that size


def corridor(text, words, number=2):
    """A corridor with one line that is wrong, at its place in the file."""
    return Case("--corridor c.ini", 65, f"c.ini:{number}: {words}", files={"c.ini": text})


def options_file(text, words, number=1):
    return Case("--config o.ini", 65, f"o.ini:{number}: {words}", files={"o.ini": text})


OPTIONS = [
    Case("--frobnicate", 64, "--frobnicate"),
    Case("--c x", 64, "ambiguous option --c"),
    Case("--duration", 64, "--duration needs a value"),
    Case("5", 64, "'5' is no option"),
    Case("--force=yes", 64, "--force=yes"),
    Case("--duration abc", 64, "--duration: 'abc' is not a number"),
    Case("--duration nan", 64, "is not a number"),
    Case("--warmup -1", 64, "--warmup: '-1' is out of range"),
    Case("--keys 1.5", 64, "--keys: '1.5' is not a whole number"),
    Case("--inflight 65537", 64, "--inflight: '65537' is out of range: 1 to 65536"),
    Case("--load half", 64, "--load: 'half' is none of: node total"),
    Case("--observe maybe", 64, "--observe: 'maybe' is none of: off on"),
    Case("--system quorum", 64, "no 'quorum'"),
    Case("--scene mars", 64, "no 'mars'"),
    Case("--groups 1", 64, "a group has at least two nodes"),
    Case("--groups 2", 64, "--groups 2 does not divide 3 nodes", nodes=3),
    Case("--output ''", 64, "--output: is empty"),
    Case("--output " + "x" * 1100, 64, "--output: is longer than 1023 characters"),
    Case("--set rate_per_s", 64, "--set takes KEY=VALUE, not 'rate_per_s'"),
    Case("--set speed=1", 64, "--set: unknown key 'speed'"),
    Case("--set rate_per_s=x", 64, "rate_per_s: 'x' is not a number"),
    Case("", 64, "MPIDRIFT_SPEED", environment={"MPIDRIFT_SPEED": "1"}),
    Case("", 64, "MPIDRIFT_RATE", environment={"MPIDRIFT_RATE": "x"}),
    Case(SHORT, 75, "at least two nodes", nodes=1),
]

FILES = [
    Case("--config absent.ini", 65, "cannot read the options file absent.ini: No such file"),
    Case("--config {all}", 65, "no text file"),
    options_file("speed = 1\n", "unknown key 'speed'"),
    options_file("# one\nrate_per_s = x\n", "rate_per_s: 'x' is not a number", 2),
    options_file("keys\n", "this is not KEY = VALUE"),
    Case("--corridor absent.ini", 65, "cannot read the corridor absent.ini: No such file"),
    Case("--corridor {all}", 65, "no text file"),
    Case("--corridor closed.ini", 65, "cannot read the corridor closed.ini: Permission denied",
         files={"closed.ini": None}),
    corridor("[corridor]\nspeed_max = 1\n", "unknown key 'speed_max'"),
    corridor("[corridor]\nmessage_delay_max_us = -1\n", "message_delay_max_us"),
    corridor("[corridor]\noutside_fraction_max = 2\n", "outside_fraction_max"),
    corridor("[corridor]\nwatch = speed\n", "watch: 'speed' is no context"),
    corridor("[corridor]\nwatch =\n", "watch names no context"),
    corridor(f"[corridor]\n{SENTENCE}{SENTENCE}", "'assumption' is given twice", 3),
    corridor("[load]\nduration_s = 1\n", "unknown key 'duration_s' in [load]"),
    corridor("[load]\nrate_per_s = -1\n", "rate_per_s: '-1' is out of range"),
    corridor("[weather]\nrain = no\n", "unknown section [weather]"),
    Case("--corridor {all}/a.h5", 65, "a.h5:1: this is no UTF-8 text"),
    Case("--corridor c.ini", 65, "no boundary for dual_leader_observed",
         files={"c.ini": "[corridor]\nwatch = dual_leader_observed\n"}),
]

FULL_DISK = {"disk_kib": 4, "files": {"full": "x" * 4096}}
PLACES = [
    Case(SHORT + "--output r.h5", 73, "r.h5 exists", files={"r.h5": "kept"}),
    Case(SHORT + "--output r.h5 --force", 0, files={"r.h5": "replaced"}),
    Case("--calibrate c.ini", 73, "c.ini exists", files={"c.ini": "kept"}),
    Case(SHORT + "--output {all} --force", 73, "exists and is no regular file"),
    Case(SHORT + "--output pipe --force", 73, "pipe exists and is no regular file", pipe=True),
    Case(SHORT + "--output none/r.h5", 73, "cannot create none/r.h5"),
    Case("--calibrate none/c.ini", 73, "cannot create none/c.ini"),
    Case(SHORT + "--json=s.json", 73, "s.json exists", files={"s.json": "kept"}),
    Case(SHORT + "--json=none/s.json", 73, "cannot create none/s.json"),
    Case(SHORT, 73, "cannot create mpidrift-replication-np2.h5", closed=True),
    Case(SHORT + "--output r.h5", 73, "cannot create r.h5", closed=True),
    Case(SHORT + "--output r.h5", 74, "r.spool/node_A.spool: posix_fallocate: No space left",
         disk_kib=64),
    Case(SHORT + "--output r.h5 --spool ../s", 74, "r.h5.part: ", disk_kib=64,
         kept="mpidrift-recover ../s -o r.h5"),
    Case(SHORT + "--output r.h5", 73, "r.spool holds the spools of a run", files={
        "r.spool/node_A.spool": "kept"}),
    Case(SHORT + "--output r.h5 --spool none/s", 73, "cannot create the spool folder none/s: mkdir"),
    Case(SHORT + "--output {all}/r.h5 --json=s.json", 74, "cannot write the JSON summary s.json: No",
         **FULL_DISK),
    Case("--calibrate c.ini --calibrate-samples 100", 74, "cannot write c.ini: No", **FULL_DISK),
]


def compare(arguments, code, words="", **more):
    return Case(arguments, code, words, program="mpidrift-compare", **more)


def badges(arguments, code, words="", **more):
    return Case(arguments, code, words, program="mpidrift-badges", **more)


NOT_RUNS = [("absent.h5", "No such file"), (".", "is a directory"), ("text", "no HDF5 file"),
            ("empty", "no HDF5 file"), ("other.h5", "is HDF5, but no run file"), ("cut.h5", "truncated"),
            ("newer.h5", "written by a newer mpidrift")]

ANALYSIS = [
    compare("", 64, "no run file was given"),
    compare("--frobnicate {all}/a.h5", 64, "'--frobnicate'"),
    compare("--force=yes {all}/a.h5", 64, "'--force=yes'"),
    compare("--lab --csv {all}/a.h5", 64, "exclude each other"),
    *(compare("{all}/a.h5 {all}/" + name, 65, words) for name, words in NOT_RUNS),
    compare("{all}/a.h5 {all}/a.h5 {all}/three.h5", 65, "the same run was given twice"),
    compare("{all}/a.h5 {all}/copy.h5 {all}/three.h5", 65, "the same run was given twice"),
    compare("{all}/a.h5 {all}/longer.h5", 65, "1 setting that must be equal differs",
            detail="\n  duration_s: 0.10000000000000001 in "),
    compare("--json=none/c.json {all}/a.h5 {all}/three.h5", 73, "cannot create none/c.json"),
    compare("--json=c.json {all}/a.h5 {all}/three.h5", 74, "writing c.json failed", **FULL_DISK),
    compare("{all}/a.h5 {all}/three.h5", 74, "standard output", stdout="/dev/full"),
    compare("{all}/a.h5 {all}/three.h5", 0),
    badges("", 64, "one run file is wanted"),
    badges("{all}/a.h5 {all}/three.h5", 64, "one run file is wanted"),
    badges("--frobnicate {all}/a.h5", 64, "'--frobnicate'"),
    badges("--node", 64, "'--node'"),
    badges("--node node_C {all}/a.h5", 64, "no node 'node_C'"),
    badges("--context speed {all}/a.h5", 64, "no context 'speed'"),
    badges("--format xml {all}/a.h5", 64, "--format 'xml' is none of"),
    badges("--from soon {all}/a.h5", 64, "--from wants seconds, not 'soon'"),
    badges("--from 3 --to 1 {all}/a.h5", 64, "--from 3 lies after --to 1"),
    badges("--limit -1 {all}/a.h5", 64, "--limit wants a number, not '-1'"),
    *(badges("{all}/" + name, 65, words) for name, words in NOT_RUNS),
    badges("--format csv {all}/a.h5", 74, "standard output", stdout="/dev/full"),
    badges("{all}/a.h5", 0),
]


# ---- what the kernel may forbid to a test ----

UNPRIVILEGED = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
SMALL_DISK = ["unshare", "--mount", "sh", "-c", """
mkdir disk && mount -t tmpfs -o size="$0"k none disk || exit
cp -p -- * disk 2>/dev/null
cd disk && "$@"
code=$?
ls -A >../left
exit $code"""]


def needs_no_privileges(case):
    return os.geteuid() == 0 and (case.closed or None in case.files.values())


def works(command):
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(command, cwd=folder, check=False, capture_output=True).returncode == 0


def forbidden(case):
    """Why the case cannot be tried here; empty: it can."""
    if case.disk_kib and not works([*SMALL_DISK, "4", "true"]):
        return "kernel forbids: a small disk of our own (unshare --mount, mount -t tmpfs)"
    if needs_no_privileges(case) and not works([*UNPRIVILEGED, "true"]):
        return "kernel forbids: giving up the right to read and write everything (setpriv)"
    return ""


# ---- one case ----

def prepare(folder, case):
    os.mkdir(folder)
    for name, text in case.files.items():
        os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text or "")
        if text is None:
            os.chmod(file.name, 0)
    if case.pipe:
        os.mkfifo(os.path.join(folder, "pipe"))
    if case.closed:
        os.chmod(folder, 0o555)


def command_of(case, programs, shared):
    arguments = shlex.split(case.arguments.replace("{all}", shared))
    command = [programs[case.program], *arguments]
    if case.program == "mpidrift":
        command = launch.mpirun(case.nodes, *command[:1], arguments)
    if needs_no_privileges(case):
        command = [*UNPRIVILEGED, *command]
    return [*SMALL_DISK, str(case.disk_kib), *command] if case.disk_kib else command


def launched(case, folder, command):
    environment = {**launch.campaign_environment(), **case.environment}
    if not case.stdout:
        return launch.run(command, folder, environment)
    with open(case.stdout, "w", encoding="utf-8") as stdout:
        return launch.run(command, folder, environment, stdout=stdout, stderr=subprocess.PIPE)


def check_message(case, done):
    told = launch.told(done)
    ours = [line for line in done.stderr.splitlines() if line.startswith(case.program + ": ")]
    ours = [line for line in ours if not line.startswith("mpidrift: warning: ")]
    assert done.returncode == case.code, f"expected {case.code}{told}"
    assert len(ours) == bool(case.words) + bool(case.kept), f"{len(ours)} lines{told}"
    assert case.kept in ours[-1:][0] if case.kept else True, f"expected {case.kept}{told}"
    assert case.words in "".join(ours) and case.detail in done.stderr, f"expected {case.words}{told}"


def check_left(case, folder, done):
    """Nothing that the case does not allow, and what stood there is as it was."""
    left = set(os.listdir(folder)) - ({"pipe"} if case.pipe else set())
    assert not case.pipe or stat.S_ISFIFO(os.stat(os.path.join(folder, "pipe")).st_mode)
    if case.disk_kib:
        with open(os.path.join(folder, "left"), encoding="utf-8") as names:
            left = set(names.read().split())
    kept = {name.split("/")[0] for name in case.files}
    assert left - set(case.left) == kept, f"left: {left}{launch.told(done)}"
    for name, text in case.files.items():
        path = os.path.join(folder, name)
        if case.code == 0:
            assert h5py.is_hdf5(path), f"{name} was not replaced{launch.told(done)}"
        elif text is not None:
            with open(path, encoding="utf-8") as file:
                assert file.read() == text, f"{name} was changed{launch.told(done)}"


def check(case, folder, programs, shared):
    why = forbidden(case)
    if why:
        print(f"{why}: {case.program} {case.arguments}")
        return
    prepare(folder, case)
    done = launched(case, folder, command_of(case, programs, shared))
    check_message(case, done)
    check_left(case, folder, done)


# ---- what all cases share ----

def make_runs(shared, mpidrift):
    for name, nodes, options in [("a.h5", 2, SHORT), ("three.h5", 3, SHORT),
                                 ("longer.h5", 2, "--duration .2 --warmup 0")]:
        options = [*options.split(), "--quiet", "--output", name]
        done = launch.run(launch.mpirun(nodes, mpidrift, options), shared,
                          launch.campaign_environment())
        assert done.returncode == 0, launch.told(done)


def make_not_runs(shared):
    path = os.path.join(shared, "a.h5")
    with open(path, "rb") as run:
        content = run.read()
    for name, text in [("text", b"node,context\n"), ("empty", b""), ("copy.h5", content),
                       ("newer.h5", content), ("cut.h5", content[:len(content) // 2])]:
        with open(os.path.join(shared, name), "wb") as file:
            file.write(text)
    with h5py.File(os.path.join(shared, "newer.h5"), "r+") as newer:
        newer.attrs["format_version"] = "2.0.0"
    with h5py.File(os.path.join(shared, "other.h5"), "w") as other:
        other["badges"] = [1, 2, 3]


def check_mixed_builds(shared, mpidrift):
    """Two ranks of two builds: the second is the first with another commit in it."""
    version = subprocess.run([mpidrift, "--version"], check=True, capture_output=True, text=True,
                             env=launch.campaign_environment()).stdout
    number, commit = version.split()[1:3]
    mark = f"{number} {commit.strip('()')}".encode() + b"\0"
    with open(mpidrift, "rb") as program:
        content = program.read()
    assert content.count(mark) >= 1, mark
    other = os.path.join(shared, "mpidrift")
    with open(other, "wb") as program:
        program.write(content.replace(mark, mark[:-2] + b"~\0"))
    os.chmod(other, 0o755)
    folder = os.path.join(shared, "mixed")
    os.mkdir(folder)
    command = ["mpirun", "-np", "1", mpidrift, ":", "-np", "1", other]
    case = Case("", 65, "rank 1 runs another build of mpidrift than rank 0")
    done = launch.run(command, folder, launch.campaign_environment())
    check_message(case, done)
    check_left(case, folder, done)


def main(mpidrift, compare_program, badges_program):
    programs = {"mpidrift": mpidrift, "mpidrift-compare": compare_program,
                "mpidrift-badges": badges_program}
    cases = OPTIONS + FILES + PLACES + ANALYSIS
    with tempfile.TemporaryDirectory() as shared, \
            concurrent.futures.ThreadPoolExecutor(4) as pool:
        make_runs(shared, mpidrift)
        make_not_runs(shared)
        checks = [pool.submit(check_mixed_builds, shared, mpidrift)]
        for number, case in enumerate(cases):
            folder = os.path.join(shared, f"case-{number}")
            checks.append(pool.submit(check, case, folder, programs, shared))
        failures = [done.exception() for done in checks if done.exception()]
    for failure in failures:
        print(f"FAILED: {failure}\n")
    print(f"{len(checks)} cases, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
