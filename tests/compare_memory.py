#!/usr/bin/python3
"""compare_memory.py WRITER COMPARE BADGES: memory does not grow with the number of badges."""

import os
import subprocess
import sys
import tempfile

FEW, MANY = 1e4, 1e6
# The buffers of a merge fill up to their bound, and the reader keeps a few chunks; a badge has 112
# bytes in the file, so what grew with it would show as 100 MiB.
GROWTH_MAX_KIB = 12 * 1024
LIMIT_KIB = 512 * 1024  # of address space, the program and its libraries included


def write(writer, path, nodes, badges):
    subprocess.run([writer, path, str(nodes), str(badges / (nodes * 5)), "mean=0.00001"], check=True)


def peak_kib(*command):
    """Greatest resident memory of the command, under a limit of its address space."""
    limited = ["sh", "-c", f'ulimit -v {LIMIT_KIB} && exec "$@"', "sh", *command]
    with subprocess.Popen(limited, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (command, process.returncode)
    return usage.ru_maxrss


def check(few_kib, many_kib, what):
    print(f"{what}: {few_kib} KiB with few badges, {many_kib} KiB with many")
    assert many_kib - few_kib <= GROWTH_MAX_KIB, what


def main(writer, compare, badges):
    with tempfile.TemporaryDirectory() as directory:
        two, few, many = (os.path.join(directory, name) for name in ["two.h5", "few.h5", "many.h5"])
        write(writer, two, 2, FEW)
        write(writer, few, 5, FEW)
        write(writer, many, 5, MANY)
        assert os.path.getsize(many) - os.path.getsize(few) > 0.9 * 112 * (MANY - FEW)
        check(peak_kib(compare, two, few), peak_kib(compare, two, many), "mpidrift-compare")
        check(peak_kib(badges, few), peak_kib(badges, many), "mpidrift-badges")


if __name__ == "__main__":
    main(*sys.argv[1:])
