#!/usr/bin/env bash
# Installs what is missing, builds, and runs all quick tests: bash tests/run.sh
#
# The last line is "N passed, N failed, N skipped", from ctest's own report; it is missing only if
# there was nothing to count because setup or build failed. Exit codes: 0 tests ran and none failed;
# 1 otherwise. With CI=true a skipped test counts as failed, unless a line of its output starts with
# "kernel forbids:".
set -uo pipefail

tests_limit_s=600

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
# shellcheck source=jobs/common.sh
. "$root/jobs/common.sh"

[ $# -eq 0 ] || say_and_exit 64 "no options are known, got $1; for single tests use ctest -R"
bash "$root/jobs/setup.sh" --tests || exit 1
mpi_environment
build release build "$root/build/build.log" -DBUILD_TESTING=ON || exit 1
status=0
run_tests release build "$tests_limit_s" || status=1
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
exit "$status"
