#!/usr/bin/env python3
"""report.py DIR: one page with what the lab asks to hand in, from a folder of run files.

Everything it does stands in analysis/report/; this file only finds an interpreter that can."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from report import interpreter  # pylint: disable=wrong-import-position

if __name__ == "__main__":
    interpreter.ensure_libraries()
    from report import program  # pylint: disable=ungrouped-imports
    sys.exit(program.main(sys.argv[1:]))
