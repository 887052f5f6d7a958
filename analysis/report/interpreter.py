"""Finds a Python that has the libraries: a distribution puts them into its own, which need not be
the first in the path."""

import importlib.util
import os
import shutil
import subprocess
import sys

LIBRARIES = ("numpy", "h5py", "matplotlib")
EXIT_MISSING = 69
TRIED = "MPIDRIFT_REPORT_PYTHON"  # set for the second attempt, so that there is no third


def missing_here():
    """The libraries that this interpreter lacks."""
    return [name for name in LIBRARIES if importlib.util.find_spec(name) is None]


def has_libraries(python):
    """Whether that interpreter can import them all."""
    found = subprocess.run([python, "-c", "import " + ", ".join(LIBRARIES)], check=False,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    return found.returncode == 0


def other_interpreters():
    """Those worth asking, each once."""
    found = [shutil.which(name) for name in ("/usr/bin/python3", "python3", "python")]
    return [python for python in dict.fromkeys(found) if python]


def ensure_libraries():
    """Come back only where the libraries are there. Starts the same command line anew under an
    interpreter that has them; without any, says what to install and exits with 69."""
    missing = missing_here()
    if not missing:
        return
    if TRIED not in os.environ:
        for python in other_interpreters():
            if has_libraries(python):
                os.environ[TRIED] = python
                os.execv(python, [python, *sys.argv])
    print(f"report.py: no python3 with {', '.join(missing)}: apt-get install python3-h5py "
          "python3-matplotlib, or pip install h5py matplotlib", file=sys.stderr)
    sys.exit(EXIT_MISSING)
