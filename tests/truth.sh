#!/usr/bin/env bash
# What is planted, is it found? Declares one condition at a time, runs mpidrift under MPI, and prints
# how much of what was planted has its badge (recall), how many badges follow from it (precision;
# again without those marked self_stalled), and the share of badges marked self_stalled.
#
#   bash tests/truth.sh [OPTION...]
#
#   --nodes "2 5 16"   node counts
#   --kinds "..."      of: delay stall loss clock paths
#   --duration S       of each run (5); what is planted needs 5
#   --programs DIR     where mpidrift is (build/src)
#   --python FILE      a Python with h5py
#   --exact            loss must be found exactly: any difference is a failure
#
# A crowded machine adds badges of its own, so these figures are printed and never judged, save with
# --exact, which depends on no timing. Exit codes: 0 done; 1 a difference; 64 usage; 69 no Python
# with h5py; otherwise mpidrift's.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
# shellcheck source=jobs/common.sh
. "$root/jobs/common.sh"

nodes="2 5 16" kinds="delay stall loss clock paths" programs=$root/build/src exact='' duration_s=5 python=python3
while [ $# -gt 0 ]; do
    case $1 in
    --nodes) nodes=${2-} && shift ;;
    --kinds) kinds=${2-} && shift ;;
    --duration) duration_s=${2-} && shift ;;
    --programs) programs=${2-} && shift ;;
    --python) python=${2-} && shift ;;
    --exact) exact=exact ;;
    -h | --help) sed -n '2,19s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
    *) say_and_exit 64 "unknown option $1; --help lists them" ;;
    esac
    shift
done
[ -x "$programs/mpidrift" ] || say_and_exit 64 "there is no $programs/mpidrift: build it first"

# Distributions put h5py into their own Python, which need not be the first in the path.
"$python" -c 'import h5py' 2>/dev/null || python=/usr/bin/python3
"$python" -c 'import h5py' 2>/dev/null ||
    say_and_exit 69 'no Python with h5py: apt install python3-h5py, or name one with --python'

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

# Lag is not looked at: it is the load's, whatever the network does.
cat >"$folder/corridor.ini" <<'INI'
[corridor]
assumption = What is declared shows, and nothing else.
message_delay_max_us = 2000
heartbeat_gap_max_ms = 100
version_lag_max = off
INI

# The same condition at eight moments: eight exits per stream.
at_moments() {
    local moment
    for moment in 0.4 1.0 1.6 2.2 2.8 3.4 4.0 4.6; do
        declared+=(--perturb "$1 from_s=$moment for_s=0.25")
    done
}

declare_kind() {
    declared=()
    case $1 in
    delay) at_moments 'delay link=A>B constant_us=3000' ;;
    stall) at_moments 'stall node=B' ;;
    loss) declared=(--perturb 'loss link=*>* share=0.05') ;;
    clock) at_moments 'clock node=B offset_us=5000' ;;
    paths) declared=(--perturb 'delay link=*>* exponential_us=5000') ;;
    *) say_and_exit 64 "there is no kind '$1': delay stall loss clock paths" ;;
    esac
}

mpi_environment
"$python" "$root/tests/truth.py" head
status=0
for kind in $kinds; do
    declare_kind "$kind"
    for count in $nodes; do
        run=$folder/$kind-$count.h5
        timeout -k 10 120 mpirun -np "$count" "$programs/mpidrift" --corridor "$folder/corridor.ini" \
            --duration "$duration_s" --rate 50 --quiet --output "$run" "${declared[@]}" \
            >"$folder/log" 2>&1 </dev/null || {
            code=$?
            cat "$folder/log" >&2
            exit "$code"
        }
        # shellcheck disable=SC2086 # nothing or one word
        "$python" "$root/tests/truth.py" "$kind" "$run" $exact || status=1
    done
done
exit "$status"
