# shellcheck shell=bash
# What jobs/local.sh, tests/run.sh and .ci/run share. Sourced, never run.
# The caller has set `root`, the directory of CMakeLists.txt.
: "${root:?}"

# say_and_exit CODE SENTENCE: one line on stderr, then the end.
say_and_exit() {
    printf '%s: %s\n' "${script_name:-${0##*/}}" "$2" >&2
    exit "$1"
}

# Beside README.md in a clone; whoever runs an installed script may not write there.
default_results() {
    if [ -f "$root/CMakeLists.txt" ]; then echo "$root/results"; else echo "$PWD/results"; fi
}

# Every launch gets the same environment, whatever the node count: more ranks than cores are
# allowed, and root may start them. The names are those of Open MPI 4 and of the launcher of 5;
# other MPI libraries ignore them.
mpi_environment() {
    export OMPI_MCA_rmaps_base_oversubscribe=1
    export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    export PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1
    # Open MPI 4 refuses to start even locally when it finds no remote shell.
    if [ -z "${SLURM_JOB_ID:-}" ] && ! command -v ssh >/dev/null && ! command -v rsh >/dev/null; then
        export OMPI_MCA_plm=isolated
    fi
}

# build PRESET DIRECTORY LOG [CMAKE OPTION...]: configure and compile. Everything goes to LOG;
# only a failure shows it. Returns the status.
build() {
    local preset=$1 directory=$2 log=$3
    shift 3
    mkdir -p "$root/$directory" || return
    if (cd "$root" && cmake --preset "$preset" "$@" &&
        cmake --build --preset "$preset" -j "$(nproc)") >"$log" 2>&1 </dev/null; then
        return 0
    fi
    printf 'building with preset %s failed; the end of %s:\n' "$preset" "$log" >&2
    tail -n 60 "$log" >&2
    return 1
}

# junit_counts FILE: "PASSED FAILED SKIPPED" of ctest's own report. A test whose program is missing
# stands there as "skipped", too; only the two reasons a test itself can give, and a disabled test, count as skipped.
# With CI=true a skipped test is a failure, unless a line of its output says what the kernel forbids.
junit_counts() {
    awk -v ci="${CI:-}" '
        function close_test() {
            if (state == "skipped" && ci == "true" && !forbidden) state = "failed"
            count[state]++
        }
        /^\t<testcase / {
            state = /status="run"/ ? "passed" : "failed"
            if (/status="disabled"/) state = "skipped"
            forbidden = 0
        }
        /^\t\t<skipped message="SKIP_(RETURN_CODE|REGULAR_EXPRESSION)/ { state = "skipped" }
        /^(\t\t<system-out>)?kernel forbids:/ { forbidden = 1 }
        /^\t<\/testcase>/ { close_test() }
        END { print count["passed"] + 0, count["failed"] + 0, count["skipped"] + 0 }' "$1"
}

# run_tests PRESET DIRECTORY SECONDS [CTEST OPTION...]: run the tests of a built preset, and set
# `passed`, `failed`, `skipped`. What ctest did not get round to counts as failed, and so does a
# failure of ctest itself. Returns 0 only if something ran and nothing failed.
run_tests() {
    local preset=$1 report=$root/$2/tests.xml seconds=$3 status=0 listed counted
    shift 3
    rm -f "$report"
    listed=$(cd "$root" && ctest --preset "$preset" "$@" -N 2>/dev/null |
        sed -n 's/^Total Tests: //p')
    # --stop-time instead of a signal: the tests that did run are still reported.
    (cd "$root" && ctest --preset "$preset" "$@" -j "$(nproc)" --output-junit "$report" \
        --stop-time "$(date -d "+$seconds seconds" +%H:%M:%S)") </dev/null || status=$?
    passed=0 failed=0 skipped=0
    if [ -f "$report" ]; then
        read -r passed failed skipped < <(junit_counts "$report")
    fi
    counted=$((passed + failed + skipped))
    if [ "$counted" -lt "${listed:-0}" ]; then
        printf '%d tests did not run within %d s\n' $((listed - counted)) "$seconds"
        failed=$((failed + listed - counted))
    fi
    if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
        printf 'ctest ended with status %d\n' "$status"
        failed=1
    fi
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
