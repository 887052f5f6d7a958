#!/usr/bin/python3
"""report_inputs.py WRITER COMPARE: folders with little or nothing in them, broken files and wrong
options. Each gives a page that says so, or one line and an exit code."""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile

import launch
import page

sys.path.insert(0, os.path.join(launch.ROOT, "analysis"))

from report import program  # pylint: disable=wrong-import-position

CARD = os.path.join(launch.ROOT, "jobs", "corridors", "version-lag.ini")
FOLDERS = [  # name, runs as arguments of the writer, words of the page, words beside some picture
    ("no-badge", [["2", "0"], ["5", "0"]], ["No badge in 35 node-seconds, at any scale"],
     ["5 nodes: 0 badges in 5 s", "5 nodes: no episode"]),
    ("one-run", [["2", "3", "--trace", "off"]],
     ["There is one scale only (two nodes)", "There is no trace (--trace off)"], []),
    ("one-scale", [["5", "3", "--corridor", CARD, "--repetition", number] for number in "12"],
     ["There is no run at two nodes"],
     ["No delays to show: message_delay_exceeded is not watched."]),
    ("one-node", [["2", ".0003", "busy=10000"], ["5", ".0003", "busy=10000"]],
     ["5 nodes: one node alone emits all badges"], ["node_A about node_"]),
    ("all-outside", [["2", "3", "mean=50"], ["5", "30", "mean=50"]],
     ["5 nodes: nodes are outside the corridor nearly all the time"], []),
]


def call(*arguments):
    """(exit code, stdout, stderr) of report.py, in this process: importing takes a second."""
    out, messages = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(messages):
        code = program.main(list(arguments))
    return code, out.getvalue(), messages.getvalue()


def make_runs(writer, folder, runs):
    os.mkdir(folder)
    for number, run in enumerate(runs):
        subprocess.run([writer, os.path.join(folder, f"run{number}.h5"), *run], check=True)


def check_page(path, told):
    """Whatever its input was, it is a whole page with the comparison's figures."""
    shown = page.read(path)
    page.check_self_contained(shown)
    page.check_same_figures(shown, told)
    return shown


def compared(compare, folder, names):
    return json.loads(subprocess.run([compare, "--json", *names], cwd=folder, check=True,
                                     capture_output=True).stdout)


def check_degenerate(writer, compare, root):
    for name, runs, words, pictures in FOLDERS:
        folder = os.path.join(root, name)
        make_runs(writer, folder, runs)
        code, out, messages = call("--compare", compare, folder)
        assert code == 0 and messages == "", (name, messages)
        told = compared(compare, folder, [f"run{number}.h5" for number in range(len(runs))])
        shown = check_page(out.strip(), told)
        said = " ".join(image["alt"] for image in shown.images)
        for sentence in words:
            assert sentence in shown.notices, (name, shown.notices)
        for sentence in pictures:
            assert sentence in said, (name, said)


def check_files(writer, compare, root):
    """Broken files are named and left out; a run whose file is gone keeps its figures."""
    folder = os.path.join(root, "files")
    make_runs(writer, folder, [["2", "3"], ["5", "3"]])
    told = compared(compare, folder, ["run0.h5", "run1.h5"])
    path = {name: os.path.join(folder, name) for name in ("run1.h5", "cut.h5", "no.h5", "told.json")}
    with open(path["run1.h5"], "rb") as whole, open(path["cut.h5"], "wb") as cut:
        cut.write(whole.read(3000))
    with open(path["no.h5"], "w", encoding="utf-8") as file:
        file.write("nothing")
    code, out, messages = call("--compare", compare, folder)
    assert code == 0 and messages.count("\n") == 2, messages
    shown = check_page(out.strip(), told)
    for name in ("cut.h5", "no.h5"):
        assert f"report.py: {name} " in messages and name in shown.notices, (messages, shown.notices)
    with open(path["told.json"], "w", encoding="utf-8") as file:
        json.dump(told, file)
    os.unlink(path["run1.h5"])
    code, out, messages = call("--comparison", path["told.json"], folder)
    assert code == 0 and "run1.h5 is missing from the folder" in messages, messages
    shown = check_page(out.strip(), told)
    assert "run1.h5 is missing" in shown.notices and "its run files are not there" in shown.text.lower()


def check_refusals(writer, compare, root):
    folder, empty = os.path.join(root, "one-run"), os.path.join(root, "empty")
    os.mkdir(empty)
    mixed = os.path.join(root, "mixed")
    make_runs(writer, mixed, [["2", "3"], ["5", "3", "--keys", "2"]])
    only_broken = os.path.join(root, "broken")
    os.mkdir(only_broken)
    with open(os.path.join(only_broken, "a.h5"), "w", encoding="utf-8") as file:
        file.write("nothing")
    page_of = os.path.join(folder, "report.html")
    for arguments, code, words in [
            ([], 64, "DIR"),
            (["--frobnicate", folder], 64, "--frobnicate"),
            (["--compare", compare, "--comparison", "x", folder], 64, "not both"),
            ([os.path.join(root, "absent")], 65, "there is no folder"),
            ([empty], 65, "holds no run file"),
            (["--compare", compare, only_broken], 65, "a.h5"),
            (["--compare", compare, mixed], 65, "keys"),
            (["--compare", "absent", folder], 65, "absent is no program"),
            (["--comparison", page_of, folder], 65, "gives no comparison"),
            (["--comparison", "absent", folder], 65, "cannot read absent"),
            (["--compare", compare, "-o", "/proc/none/x.html", folder], 73, "cannot create"),
            (["--compare", compare, "-o", empty, folder], 74, "failed")]:
        result, out, messages = call(*arguments)
        assert result == code and out == "", (arguments, result, messages)
        assert messages.startswith("report.py: ") and messages.count("\n") == 1 \
            and words in messages, (arguments, messages)
    assert not [name for name in os.listdir(root) if name.endswith(".part")]
    code, _, _ = call("--compare", compare, "--force", mixed)
    assert code == 0
    shown = page.read(os.path.join(mixed, "report.html"))
    assert "differ in what must be equal" in shown.text


def check_without_libraries(root):
    """An interpreter without h5py says in one line what to install."""
    folder = os.path.join(root, "bare")
    os.mkdir(folder)
    os.symlink(sys.executable, os.path.join(folder, "python3"))
    done = subprocess.run(
        [os.path.join(folder, "python3"), "-S", "-I", os.path.join(launch.ROOT, "analysis",
                                                                   "report.py"), folder],
        check=False, capture_output=True, text=True,
        env={"PATH": folder, "MPIDRIFT_REPORT_PYTHON": "tried"})
    assert done.returncode == 69 and done.stdout == "" and done.stderr.count("\n") == 1 \
        and "python3-h5py" in done.stderr, launch.told(done)


def main(writer, compare):
    with tempfile.TemporaryDirectory() as root:
        check_degenerate(writer, compare, root)
        check_files(writer, compare, root)
        check_refusals(writer, compare, root)
        check_without_libraries(root)


if __name__ == "__main__":
    main(*sys.argv[1:])
