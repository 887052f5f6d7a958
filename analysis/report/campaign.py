"""What lies in the folder: run files and the comparison of them, corridors, what was run."""

import glob
import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field

from report import run_file
from report.comparison import FORMAT, Comparison
from report.failure import BAD_INPUT, INTERNAL, MISSING, Failure

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PROGRAM = "mpidrift-compare"
PLACES = ("build/analysis", "build-dev/analysis", "../bin")  # from ROOT: built, or installed


@dataclass
class Campaign:
    """A folder that was read."""
    folder: str
    comparison: Comparison
    files: dict  # run_id: path
    left_out: list = field(default_factory=list)  # (file name, why), in words for the page
    corridors: dict = field(default_factory=dict)  # scene: text of its corridor file
    log: str = ""  # campaign.txt
    settings: dict = field(default_factory=dict)  # scene: groups of its first readable run

    def path_of(self, run):
        """The file of a run of the comparison; None where it is not there."""
        return self.files.get(run["run_id"])

    def paths_of(self, column):
        """The files of a column that are there, in the order of its runs."""
        return [path for path in map(self.path_of, column.runs) if path is not None]

    def middle_run(self, column):
        """Of the runs with a file the one whose count of episodes is the (lower) median, and its
        path; (None, None) without a file."""
        there = [run for run in column.runs if self.path_of(run)]
        if not there:
            return None, None
        ordered = sorted(there, key=lambda run: run["episodes"])
        run = ordered[(len(ordered) - 1) // 2]
        return run, self.path_of(run)


def read_campaign(folder, compare, told_file, force):
    """The campaign of a folder. `compare`: path of mpidrift-compare, None: find it. `told_file`: a
    finished comparison instead, None: make one. Raises Failure."""
    if not os.path.isdir(folder):
        raise Failure(BAD_INPUT, f"there is no folder {folder}")
    names = sorted(os.path.basename(path) for path in glob.glob(os.path.join(
        glob.escape(folder), "*.h5")))
    left_out = []
    if told_file is None:
        if not names:
            raise Failure(BAD_INPUT, f"{folder} holds no run file (*.h5); jobs/local.sh leaves a "
                          "folder of them, mpirun mpidrift a single one")
        told, left_out = compare_runs(find_compare(compare), folder, names, force)
    else:
        told = read_told(told_file)
    campaign = Campaign(folder, told, {}, left_out)
    find_files(campaign, names)
    read_texts(campaign)
    return campaign


# ---- the comparison ----

def find_compare(given):
    """Path of mpidrift-compare. Raises Failure where there is none."""
    places = [os.path.join(ROOT, place, PROGRAM) for place in PLACES]
    for path in [given] if given else [*places, shutil.which(PROGRAM)]:
        if path and os.path.isfile(path) and os.access(path, os.X_OK):
            return os.path.abspath(path)
    if given:
        raise Failure(BAD_INPUT, f"--compare: {given} is no program")
    raise Failure(MISSING, f"no {PROGRAM} beside this script or in the path: build mpidrift, or "
                  f"give --compare PATH, or --comparison FILE for a finished one")


def run_compare(program, folder, names, options):
    """One call of mpidrift-compare inside the folder; the finished process."""
    try:
        return subprocess.run([program, *options, "--", *names], cwd=folder, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True)
    except OSError as error:
        raise Failure(INTERNAL, f"cannot start {program}: {error.strerror}") from error


def refusal(done):
    """Its own words for not doing it, as one line."""
    text = done.stderr.decode(errors="replace").strip()
    return " ".join(text.replace(f"{PROGRAM}: ", "").split())


def compare_runs(program, folder, names, force):
    """(Comparison, left out) of these run files. Files that cannot be used by themselves are left
    out; runs that do not belong together are a Failure."""
    options = ["--json", *(["--force"] if force else [])]
    done, left_out = run_compare(program, folder, names, options), []
    if done.returncode == BAD_INPUT:
        left_out = refused_files(program, folder, names)
        refused = {name for name, _ in left_out}
        usable = [name for name in names if name not in refused]
        if left_out and usable:
            done = run_compare(program, folder, usable, options)
    if done.returncode < 0:
        raise Failure(INTERNAL, f"{PROGRAM} was ended by signal {-done.returncode}")
    if done.returncode != 0:
        raise Failure(done.returncode, f"{PROGRAM} refuses: {refusal(done)}")
    return parse_told(done.stdout, PROGRAM), left_out


def refused_files(program, folder, names):
    """(name, why) of those that mpidrift-compare does not take by themselves."""
    tries = ((name, run_compare(program, folder, [name], ["--csv"])) for name in names)
    return [(name, refusal(done).removeprefix(f"{name} ")) for name, done in tries
            if done.returncode != 0]


def read_told(path):
    """A finished comparison. Raises Failure."""
    try:
        with open(path, "rb") as file:
            return parse_told(file.read(), path)
    except OSError as error:
        raise Failure(BAD_INPUT, f"cannot read {path}: {error.strerror}") from error


def parse_told(text, source):
    """A Comparison from JSON text. Raises Failure."""
    try:
        told = json.loads(text)
        is_ours = told["format"] == FORMAT and told["format_version"].split(".")[0] == "1"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Failure(BAD_INPUT, f"{source} gives no comparison (mpidrift-compare --json does)"
                      ) from error
    if not is_ours:
        raise Failure(BAD_INPUT, f"{source} is of another kind or version: {told['format']} "
                      f"{told['format_version']}; this page reads {FORMAT} 1.x")
    return Comparison(told)


# ---- files beside it ----

def find_files(campaign, names):
    """Fill in `files`; what cannot be drawn joins `left_out`, and so does what was not compared."""
    by_name = {os.path.basename(run["file"]): (column.scene, run)
               for column in campaign.comparison.columns for run in column.runs}
    refused = {name for name, _ in campaign.left_out}
    for name in [*by_name, *sorted(set(names) - set(by_name) - refused)]:
        if name not in by_name:
            campaign.left_out.append((name, "is not part of the comparison"))
        elif name not in names:
            campaign.left_out.append((name, "is missing from the folder: its figures stand in the "
                                      "tables, but no picture shows its badges"))
        else:
            add_file(campaign, name, *by_name[name])


def add_file(campaign, name, scene, run):
    """One run's file, if it is that run's and can be read."""
    path = os.path.join(campaign.folder, name)
    try:
        settings = run_file.read_settings(path)
        run_file.check(path)
    except run_file.UNREADABLE as error:
        campaign.left_out.append((name, f"cannot be drawn: {error}"))
        return
    if settings["/"].get("run_id") != run["run_id"]:
        campaign.left_out.append((name, "is another run than the comparison's; pictures are drawn "
                                  "without it"))
        return
    campaign.files[run["run_id"]] = path
    campaign.settings.setdefault(scene, settings)


def read_text(path):
    """Text of a file; empty where there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def read_texts(campaign):
    """Fill in `corridors` and `log`."""
    campaign.log = read_text(os.path.join(campaign.folder, "campaign.txt"))
    for scene in campaign.comparison.scenes:
        text = read_text(os.path.join(campaign.folder, f"corridor-{scene.name}.ini"))
        if text:
            campaign.corridors[scene.name] = text
