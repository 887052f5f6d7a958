"""report.py as a program: options, messages, exit codes."""

import argparse
import os
import sys
import tempfile
import traceback

from report.campaign import read_campaign
from report.failure import BAD_USAGE, CANNOT_CREATE, INTERNAL, WRITE_FAILED, Failure
from report.page import ANSWERED, make_page

DESCRIPTION = """\
Makes one page, report.html, of a folder of run files: what the lab asks to hand in. The figures are
mpidrift-compare's; your own parts (assumption, prediction, answers, reflection) are left blank, to
be filled in in the browser. The page needs no network, and prints to PDF."""
CODES = """\
Exit code: 0 done, 64 usage, 65 a folder or file that cannot be used, 69 something must be installed
or built first, 73 the page cannot be created, 74 it cannot be written."""


class Parser(argparse.ArgumentParser):
    """Wrong options are one line and exit code 64, as in the other programs."""

    def error(self, message):
        raise Failure(BAD_USAGE, f"{message}; see report.py --help")


def read_options(arguments):
    """The options. Raises Failure."""
    parser = Parser(prog="report.py", usage="report.py [options] DIR", description=DESCRIPTION,
                    epilog=CODES, allow_abbrev=False,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", help="folder with run files, as jobs/local.sh "
                        "leaves it")
    parser.add_argument("-o", "--output", metavar="FILE", help="the page (DIR/report.html)")
    parser.add_argument("--draft", action="store_true", help="fill in a specimen from the figures, "
                        "marked as such on every page")
    parser.add_argument("--compare", metavar="PATH", help="mpidrift-compare to ask (the one that was "
                        "built or installed)")
    parser.add_argument("--comparison", metavar="FILE", help="use this finished comparison (of "
                        "mpidrift-compare --json) instead of making one")
    parser.add_argument("--force", action="store_true", help="compare runs that differ in what must "
                        "be equal, and replace a page that holds answers")
    options = parser.parse_args(arguments)
    if options.compare and options.comparison:
        raise Failure(BAD_USAGE, "give --compare or --comparison, not both")
    return options


def check_replaceable(path, force):
    """A page into which somebody has written is not replaced. Raises Failure."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            holds_answers = ANSWERED in file.read(4096)
    except OSError:
        return
    if holds_answers and not force:
        raise Failure(CANNOT_CREATE, f"{path} holds answers, so it is kept: rename it, choose "
                      "another name with -o, or replace it with --force")


def write_page(path, page):
    """Write it whole or not at all. Raises Failure."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        file = tempfile.NamedTemporaryFile("w", dir=folder, prefix=".report-", suffix=".part",
                                           delete=False, encoding="utf-8")
    except OSError as error:
        raise Failure(CANNOT_CREATE, f"cannot create {path}: {error.strerror}") from error
    try:
        with file:
            file.write(page)
        os.chmod(file.name, 0o644)
        os.replace(file.name, path)
    except OSError as error:
        os.unlink(file.name)
        raise Failure(WRITE_FAILED, f"writing {path} failed: {error.strerror}") from error


def report(arguments):
    """Make the page; returns its path and what was left out. Raises Failure."""
    options = read_options(arguments)
    path = options.output or os.path.join(options.folder, "report.html")
    check_replaceable(path, options.force)
    campaign = read_campaign(options.folder, options.compare, options.comparison, options.force)
    write_page(path, make_page(campaign, options.draft))
    return path, campaign.left_out


def main(arguments):
    """Exit code of that command line."""
    try:
        path, left_out = report(arguments)
    except Failure as failure:
        print(f"report.py: {failure}", file=sys.stderr)
        return failure.code
    except Exception:  # pylint: disable=broad-except # a mistake of ours, shown as it is
        traceback.print_exc()
        print("report.py: internal error; the lines above say where", file=sys.stderr)
        return INTERNAL
    for name, why in left_out:
        print(f"report.py: {name} {why}", file=sys.stderr)
    print(path)
    return 0
