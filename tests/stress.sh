#!/usr/bin/env bash
# The long forms of the tests that nothing gets lost:
#
#   bash tests/stress.sh [--only NAME...] [--rounds SHARE] [--seed S]
#
# Builds, then kills runs at random moments, signals them, fills their disks, damages their files,
# and gives them malformed options; prints a table in Markdown, and how far it is on stderr. SHARE
# of the full numbers, 1 without it, which takes some hours on two cores; 0.02 is a look in a few
# minutes. NAMEs: spool kills signals disks files malformed fuzz gather stopped valgrind. Not part
# of the tests: they try each of these a few times.
#
# What it does not cover: power loss and crashes of the kernel (nothing is synchronised to the disk
# inside the window), network file systems, and ranks on several hosts. Of a killed run the counters
# carry no checksum: mpidrift-recover says so, and checks them against each other. Badges always
# carry theirs.
#
# Exit codes: 0 nothing was lost, torn, read wrongly or crashed; 1 otherwise.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
# shellcheck source=jobs/common.sh
. "$root/jobs/common.sh"

bash "$root/jobs/setup.sh" --tests || exit 1
mpi_environment
build release build "$root/build/build.log" -DBUILD_TESTING=ON || exit 1
python=$(sed -n 's/^MPIDRIFT_PYTHON:[A-Z]*=//p' "$root/build/CMakeCache.txt")
if command -v clang >/dev/null; then
    build fuzz build-fuzz "$root/build/build-fuzz.log" || exit 1
fi
exec "$python" "$root/tests/stress.py" "$root/build" "$@"
