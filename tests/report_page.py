#!/usr/bin/python3
"""report_page.py WRITER COMPARE BADGES: the page of a campaign as a browser shows and prints it, its
figures held against the comparison's, its badges against mpidrift-badges."""

import json
import os
import subprocess
import sys
import tempfile

import launch
import page

REPORT = os.path.join(launch.ROOT, "analysis", "report.py")
RUNS = [(2, "1", []), (5, "3", []), (16, "4", []), (16, "2", ["--groups", "2"]),
        (16, "3", ["--load", "total"])]  # nodes, episodes per node-second, options
DENSE = (16, "70", [])  # above 2,000 badges
FIELDS = ["assumption", "prediction", "instrumentation", "assumptions", "pace", "time_or_state",
          "awareness", "enforcement", "reflection", "author"]
BROKEN = ('<!DOCTYPE html><html><body><p id="a"></p><p id="a"></p><img src="data:image/svg+xml;'
          'base64,AAAA" alt="none"><script>console.error("planted")</script></body></html>')


def make_folder(writer, folder):
    """Run files of two repetitions, one of them of many badges."""
    for nodes, pace, options in RUNS:
        for repetition in ("1", "2"):
            name = "-".join([f"np{nodes:02}", *(option.strip("-") for option in options)])
            pace = DENSE[1] if (nodes, options) == (DENSE[0], DENSE[2]) else pace
            subprocess.run([writer, os.path.join(folder, f"{name}-r{repetition}.h5"), str(nodes),
                            pace, "stalled=0.1", *options, "--repetition", repetition], check=True)


def make_page(compare, folder, *options):
    """The page as a user makes it."""
    done = launch.run([sys.executable, REPORT, "--compare", compare, *options, folder], folder,
                      os.environ)
    assert done.returncode == 0 and done.stderr == "", launch.told(done)
    assert done.stdout.strip() == os.path.join(folder, "report.html"), done.stdout
    return page.read(done.stdout.strip())


def compared(compare, folder):
    """The comparison of the same files."""
    names = sorted(name for name in os.listdir(folder) if name.endswith(".h5"))
    return json.loads(subprocess.run([compare, "--json", *names], cwd=folder, check=True,
                                     capture_output=True).stdout)


def check_complete(shown, told):
    """Every column's table and figures stand there, and all that the scenes say."""
    texts, figures = {place for place, _ in shown.texts}, {figure[0] for figure in shown.figures}
    for index, column in enumerate(told["columns"]):
        assert all(f"/columns/{index}/table/{aspect}" in texts for aspect in column["table"])
        assert f"/columns/{index}/contexts/all/outside_node" in figures
        assert all(f"/columns/{index}/runs/{run}/episodes" in figures
                   for run in range(len(column["runs"])))
    for index in range(len(told["notes"])):
        assert f"/notes/{index}" in texts
    for kind, part, there in (("questions", "answer", texts), ("insight", "verdict", texts),
                              ("theory", "predicted", figures), ("theory", "measured", figures)):
        assert told["scenes"][0][kind], kind
        for index in range(len(told["scenes"][0][kind])):
            assert f"/scenes/0/{kind}/{index}/{part}" in there, (kind, index)
    assert sorted(shown.fields) == sorted(f"answer-{field}" for field in FIELDS)
    for kind in ("raster", "survival", "windows", "pairs", "sensitivity"):
        assert f"picture-{kind}-{told['scenes'][0]['scene']}" in shown.ids, kind
    assert {"picture-growth", "picture-delay-tail"} <= set(shown.ids)
    assert "judge_sample" in shown.text and "src/system/replication.c" in shown.text


def check_badges(shown, badges, folder):
    """The samples are what mpidrift-badges prints."""
    for nodes in (2, 16):
        sample = subprocess.run([badges, "--limit", "3", os.path.join(
            folder, f"np{nodes:02}-r1.h5")], check=True, capture_output=True, text=True).stdout
        assert sample.count("[BADGE]") == 3 and f"<pre>{sample}</pre>" in shown.text, sample


def check_in_browser(program, shown, folder):
    """It is whole, quiet, no wider than a laptop, and counts what is written into it."""
    seen, console = page.seen_by_browser(program, shown.text, folder)
    assert console == [], console
    assert seen == {"images": len(shown.images), "broken": 0, "twice": [], "fields": len(FIELDS),
                    "wide": 0, "answered_before": "no", "answered": "yes",
                    "counted": "3 of 8 to 10 sentences"}, seen


def check_probe(program, folder):
    """What is looked for is found where it is planted."""
    seen, console = page.seen_by_browser(program, BROKEN, folder)
    assert seen["broken"] == 1 and seen["twice"] == ["a"] and len(console) == 1, (seen, console)


def check_draft(program, compare, folder):
    """All fields are filled in, and every printed page says that a program did it."""
    draft = make_page(compare, folder, "--draft", "--force")
    assert all(words.strip() for words in draft.fields.values()), draft.fields
    sentences = draft.fields["answer-reflection"].count(". ") + 1
    assert 8 <= sentences <= 10, draft.fields["answer-reflection"]
    assert draft.text.count('<span class="specimen">') == len(FIELDS)
    printed = page.printed_pages(program, os.path.join(folder, "report.html"), folder)
    assert len(printed) > 5 and all("SPECIMEN" in words for words in printed), printed


def check_answers_kept(compare, folder):
    """A page that holds answers is replaced only by force."""
    path = os.path.join(folder, "report.html")
    with open(path, "r+", encoding="utf-8") as file:
        text = file.read().replace('<html lang="en"', '<html data-answered="yes" lang="en"')
        file.seek(0)
        file.write(text)
    command = [sys.executable, REPORT, "--compare", compare, folder]
    done = launch.run(command, folder, os.environ)
    assert done.returncode == 73 and "holds answers" in done.stderr, launch.told(done)
    assert page.read(path).text == text
    assert not [name for name in os.listdir(folder) if name.endswith(".part")]


def main(writer, compare, badges):
    program = page.browser()
    with tempfile.TemporaryDirectory() as folder:
        make_folder(writer, folder)
        shown, told = make_page(compare, folder), compared(compare, folder)
        page.check_self_contained(shown)
        page.check_same_figures(shown, told)
        check_complete(shown, told)
        check_badges(shown, badges, folder)
        assert not any(words.strip() for words in shown.fields.values()), shown.fields
        assert "density, darkest" in shown.text
        check_probe(program, folder)
        check_in_browser(program, shown, folder)
        check_answers_kept(compare, folder)
        check_draft(program, compare, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
