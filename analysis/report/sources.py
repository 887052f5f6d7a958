"""Where the instrumentation sits: the functions of the source tree in which a system reports what
passes its boundary, and in which the observer judges it."""

import os
import re

from report.campaign import ROOT, read_text

OBSERVER = ("src/observe/observer.c", "is_outside = stream->outside_keys != 0")
LOOP = ("src/engine.c", "boundary_report(setup->boundary, &event)")
CHAIN = "clock → system ⇄ net;   system → boundary → observer → spool → run file → analysis"


def function_around(source, needle):
    """(first line number, text) of the function that contains the last `needle`; None without one.
    Functions of this tree begin and end in the first column."""
    at = source.rfind(needle)
    if at < 0:
        return None
    begins = [match.start() for match in re.finditer(r"^(?=[A-Za-z])[^;\n]*\(", source[:at], re.M)]
    end = source.find("\n}", at)
    if not begins or end < 0:
        return None
    return source.count("\n", 0, begins[-1]) + 1, source[begins[-1]:end + 2]


def excerpts(system):
    """[(path, first line, text)] of what reports and of what judges, as far as the sources are
    here."""
    wanted = [(f"src/system/{os.path.basename(system)}.c", "boundary_report("), OBSERVER]
    found = [(path, function_around(read_text(os.path.join(ROOT, path)), needle))
             for path, needle in wanted]
    if found[0][1] is None:  # a system without a report of its own: the loop does it
        path, needle = LOOP
        found[0] = (path, function_around(read_text(os.path.join(ROOT, path)), needle))
    return [(path, *excerpt) for path, excerpt in found if excerpt is not None]
