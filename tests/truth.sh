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
#   --aa               the A/A control instead, at the first node count (5), runs of 0.5 s
#   --comparisons N    of the A/A control (40)
#
# A crowded machine adds badges of its own, so these figures are printed and never judged, save with
# --exact, which depends on no timing.
#
# The A/A control makes 12 runs per comparison in the scene lan2ms, all at one node count, deals them
# at random into two groups of six, and counts how often a row of the comparison's table claims a
# difference (tests/same_scale.h says what a claim is). No run is used twice. Two launches run at a
# time; 40 comparisons take 6 to 12 minutes. A row that claims in more than 5 % of them fails.
#
# Exit codes: 0 done; 1 a difference; 64 usage; 69 no Python with h5py; otherwise mpidrift's.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
# shellcheck source=jobs/common.sh
. "$root/jobs/common.sh"

nodes='' kinds="delay stall loss clock paths" programs=$root/build/src exact='' duration_s='' python=python3
control='' comparisons=40
while [ $# -gt 0 ]; do
    case $1 in
    --nodes) nodes=${2-} && shift ;;
    --kinds) kinds=${2-} && shift ;;
    --duration) duration_s=${2-} && shift ;;
    --programs) programs=${2-} && shift ;;
    --python) python=${2-} && shift ;;
    --exact) exact=exact ;;
    --aa) control=aa ;;
    --comparisons) comparisons=${2-} && shift ;;
    -h | --help) sed -n '2,28s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
    *) say_and_exit 64 "unknown option $1; --help lists them" ;;
    esac
    shift
done
[ -x "$programs/mpidrift" ] || say_and_exit 64 "there is no $programs/mpidrift: build it first"

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

# ---- A/A: what is claimed where nothing differs ----

# launch_run FILE NODES [OPTION...]: the log stands beside the file.
launch_run() {
    timeout -k 10 120 mpirun -np "$2" "$programs/mpidrift" --quiet --output "$1" "${@:3}" \
        >"$1.log" 2>&1 </dev/null
}

compare_at_one_scale() {
    local compare=$programs/../tests/compare_same_scale count=${nodes%% *} files=() file i j
    [ -x "$compare" ] || say_and_exit 64 "there is no $compare: build the tests first"
    [[ $comparisons =~ ^[1-9][0-9]*$ ]] || say_and_exit 64 "--comparisons $comparisons is no number"
    cat >"$folder/corridor.ini" <<'INI'
[corridor]
assumption = Two groups of runs at one scale do not differ.
message_delay_max_us = 10000
heartbeat_gap_max_ms = 32
version_lag_max = 1
INI
    for ((i = 1; i <= 12 * comparisons; i++)); do files+=("$folder/$i.h5"); done
    for ((i = 0; i < ${#files[@]}; i += 2)); do
        for ((j = i; j < i + 2; j++)); do
            launch_run "${files[j]}" "$count" --scene lan2ms --corridor "$folder/corridor.ini" \
                --warmup 0.1 --duration "${duration_s:-0.5}" --trace off --repetition $((j + 1)) &
        done
        wait
        if [ -t 2 ]; then printf '\r%d of %d runs ' $((i + 2)) ${#files[@]} >&2; fi
    done
    if [ -t 2 ]; then printf '\n' >&2; fi
    for file in "${files[@]}"; do
        [ -e "$file" ] || { cat "$file.log" >&2 && say_and_exit 1 "a run left no file"; }
    done
    "$compare" 6 "${files[@]}"
}

mpi_environment
if [ -n "$control" ]; then
    nodes=${nodes:-5}
    compare_at_one_scale
    exit
fi

# ---- what is planted ----

# Distributions put h5py into their own Python, which need not be the first in the path.
"$python" -c 'import h5py' 2>/dev/null || python=/usr/bin/python3
"$python" -c 'import h5py' 2>/dev/null ||
    say_and_exit 69 'no Python with h5py: apt install python3-h5py, or name one with --python'

nodes=${nodes:-2 5 16}
"$python" "$root/tests/truth.py" head
status=0
for kind in $kinds; do
    declare_kind "$kind"
    for count in $nodes; do
        run=$folder/$kind-$count.h5
        timeout -k 10 120 mpirun -np "$count" "$programs/mpidrift" --corridor "$folder/corridor.ini" \
            --duration "${duration_s:-5}" --rate 50 --quiet --output "$run" "${declared[@]}" \
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
