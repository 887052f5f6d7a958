#!/usr/bin/env bash
# What mpidrift costs, as the table that the README shows: bash tests/benchmark.sh [OPTION...]
#
#   --quick          a look in a minute: few rounds, few badges, up to 16 ranks
#   --peer PATH      osu_mbw_mr, to set the raw loop beside it
#   --json FILE      all figures, too
#
# Builds, measures, and prints Markdown; takes up to ten minutes on a quiet machine. Figures of a
# machine that does other work meanwhile say nothing. Never part of the tests.
#
# Exit codes: 0 measured; 1 something could not be built or run; 64 usage.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
# shellcheck source=jobs/common.sh
. "$root/jobs/common.sh"

case ${1:-} in
-h | --help)
    sed -n '2,12s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
bash "$root/jobs/setup.sh" --tests || exit 1
mpi_environment
build release build "$root/build/build.log" -DBUILD_TESTING=ON || exit 1
python=$(sed -n 's/^MPIDRIFT_PYTHON:[A-Z]*=//p' "$root/build/CMakeCache.txt")
exec "$python" "$root/tests/benchmark.py" "$root/build" "$@"
