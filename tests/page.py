"""Reading a page that report.py made: its own texts with their places, and what a browser sees."""

import base64
import html.parser
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SKIPPED = 77
VOID = {"meta", "link", "br", "img", "wbr"}
PROBE = """<script>
window.addEventListener("load", function () {
    const all = (chosen) => Array.from(document.querySelectorAll(chosen));
    const ids = all("[id]").map((element) => element.id);
    const seen = {
        images: all("img").length,
        broken: all("img").filter((image) => !image.complete || !image.naturalWidth).length,
        twice: ids.filter((id, at) => ids.indexOf(id) !== at),
        fields: all(".answer").filter((field) => field.isContentEditable).length,
        wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        answered_before: document.documentElement.dataset.answered || "no",
    };
    const field = document.getElementById("answer-reflection");
    if (field) {
        field.innerText = "One. Two, at 0.5 s. Three!";
        field.dispatchEvent(new Event("input"));
        seen.counted = document.getElementById("sentence-count").textContent;
        seen.answered = document.documentElement.dataset.answered || "no";
    }
    document.body.dataset.seen = JSON.stringify(seen);
});
</script>"""


class Page(html.parser.HTMLParser):
    """A page's elements: figures and texts by place, images, ids, links, each field's text."""

    def __init__(self, text):
        super().__init__()
        self.figures, self.texts, self.images, self.ids = [], [], [], []
        self.links, self.fields, self.notices = [], {}, ""
        self.open = []  # (tag, attributes, list of pieces of text)
        self.text = text
        self.feed(text)
        assert not self.open, self.open[:3]

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes[key] for key in ("href", "src") if key in attributes]
        if tag == "img":
            self.images.append(attributes)
        if tag == "br":
            self.handle_data("\n")
        if tag not in VOID:
            self.open.append((tag, attributes, []))

    def handle_data(self, data):
        for _, _, pieces in self.open:
            pieces.append(data)

    def handle_endtag(self, tag):
        opened, attributes, pieces = self.open.pop()
        assert opened == tag, (opened, tag)
        shown = "".join(pieces)
        if "data-figure" in attributes:
            self.figures.append((attributes["data-figure"], attributes["value"], shown))
        if "data-text" in attributes:
            self.texts.append((attributes["data-text"], shown))
        if attributes.get("class") == "answer":
            self.fields[attributes["id"]] = shown
        if attributes.get("class") == "notice":
            self.notices += shown


def read(path):
    """The Page of a file."""
    with open(path, encoding="utf-8") as file:
        return Page(file.read())


def at(root, place):
    """What stands at a JSON pointer."""
    for part in place.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        root = root[int(key)] if isinstance(root, list) else root[key]
    return root


def number_of(figure):
    """The number of a FIGURE or of a plain number; None where it is not known."""
    return figure.get("value") if isinstance(figure, dict) else figure


def check_same_figures(page, told):
    """Each figure and text of the page is that of the comparison at its place."""
    for place, value, shown in page.figures:
        number = number_of(at(told, place))
        assert (value == "unknown") == (number is None), (place, value)
        assert number is None or float(value) == number, (place, value, number)
        check_shown(place, at(told, place), shown)
    for place, shown in page.texts:
        assert shown == at(told, place), (place, shown)


def check_shown(place, figure, shown):
    """What is written is the number, rounded; why where there is none."""
    number = number_of(figure)
    if isinstance(figure, dict) and "unknown" in figure:
        assert shown == f"unknown ({figure['unknown']})", (place, shown)
    elif number is not None:
        written = float(re.match(r"[-+0-9.e]+", shown).group())
        assert math.isclose(written, number, rel_tol=.006, abs_tol=1e-12), (place, shown, number)


def check_self_contained(page):
    """Nothing is fetched, all pictures are whole, ids stand once, links lead somewhere."""
    assert page.images and len(page.ids) == len(set(page.ids)), page.ids
    for link in page.links:
        assert link.startswith(("data:", "#")), link[:80]
        assert not link.startswith("#") or link[1:] in page.ids, link
    assert "@import" not in page.text and "url(" not in page.text
    for image in page.images:
        kind, data = image["src"].split(",", 1)
        assert kind == "data:image/svg+xml;base64" and len(image["alt"]) > 10, image["alt"]
        xml.etree.ElementTree.fromstring(base64.b64decode(data, validate=True))


# ---- a browser ----

def browser():
    """A headless browser; ends the test as skipped where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        print("no browser: apt install chromium")
        sys.exit(SKIPPED)
    return found


def browse(program, path, *options):
    """One call; its output and its messages."""
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            ["timeout", "-k", "5", "60", program, "--headless", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
             "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={profile}",
             "--enable-logging=stderr", "--v=0", "--window-size=1280,900", *options,
             "file://" + os.path.abspath(path)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout, [line for line in done.stderr.split("\n") if ":CONSOLE" in line]


def seen_by_browser(program, text, folder):
    """(what the probe saw, messages of the console) of a page's text."""
    path = os.path.join(folder, "probed.html")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("</body>", PROBE + "</body>"))
    dom, console = browse(program, path, "--dump-dom")
    found = re.search(r'data-seen="([^"]*)"', dom)
    assert found, dom[-500:]
    return json.loads(found.group(1).replace("&quot;", '"')), console


def printed_pages(program, path, folder):
    """The texts of the pages that the browser prints."""
    pdf = os.path.join(folder, "page.pdf")
    browse(program, path, "--no-pdf-header-footer", f"--print-to-pdf={pdf}")
    text = subprocess.run(["pdftotext", "-layout", pdf, "-"], check=True, capture_output=True,
                          text=True).stdout
    return text.split("\f")[:-1]
