#!/usr/bin/env bash
# The whole lab on this machine: installs what is missing, builds, calibrates a corridor at two
# nodes, runs every node count under that corridor, and prints the table that compares them.
#
#   bash jobs/local.sh [OPTION...] [-- MPIDRIFT_OPTION...]
#
#   --quick            a first look in under a minute: 3 repetitions of 1.5 s
#   --nodes "2 5 16"   node counts
#   --repetitions R    of each node count (6)
#   --duration S       seconds of observation per run (5)
#   --warmup S         seconds before each observation (1)
#   --corridor FILE    use this corridor instead of calibrating one
#   --reuse DIR        use the corridor of an earlier campaign, so that both can be compared
#   --seed S           of the order of the runs and of their random numbers (1)
#   --results DIR      where campaign folders are made (results/ beside README.md)
#   --name NAME        campaign folders are NAME-001, NAME-002, ... (local)
#   --programs DIR     use the programs in DIR; nothing is installed or built
#   -- OPTION...       handed to mpidrift in the calibration and in every run
#
# Each call leaves a folder of its own: corridor.ini, a run file and a log per run, comparison.txt,
# .md and .json, badge samples of the smallest and the largest scale, and campaign.txt, which says
# what was run. Whatever fails, the folder is kept.
# Exit codes are mpidrift's: 0 done, drift or not; 64 usage; 65 bad input file; 69 something must be
# installed first; 70 internal; 73 cannot create; 74 write failed; 75 fewer than two nodes;
# 130 and 143 stopped by a signal.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 70
# shellcheck source=jobs/common.sh
. "$root/jobs/common.sh"

calibration_limit_s=600
badges_shown=20
child=      # the launcher that is running
ticker=     # what draws the progress line meanwhile
done_runs=0 # finished runs

usage() {
    sed -n '2,26s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
}

# ---- options ----
set_defaults() {
    nodes="2 5 16" repetitions=6 duration_s=5 warmup_s=1 seed=1
    corridor='' reuse='' programs='' name=local results=$root/results
    run_options=()
}

set_quick() {
    repetitions=3 duration_s=1.5 warmup_s=0.5
}

# need_value OPTION COUNT: an option at the end of the line has lost its value.
need_value() {
    [ "$2" -ge 2 ] || say_and_exit 64 "$1 needs a value; --help lists the options"
}

read_options() {
    # --quick sets defaults, so it must not depend on where it stands.
    local option
    for option in "$@"; do
        [ "$option" != -- ] || break
        [ "$option" != --quick ] || set_quick
    done
    while [ $# -gt 0 ]; do
        case $1 in
        --quick) shift && continue ;;
        -h | --help) usage && exit 0 ;;
        --) shift && run_options=("$@") && break ;;
        --*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
        esac
        read_option "$@"
        shift 2
    done
}

read_option() {
    case $1 in
    --nodes | --repetitions | --duration | --warmup | --corridor | --reuse | --seed | --results | \
        --name | --programs) need_value "$1" $# ;;
    *) say_and_exit 64 "unknown option $1; --help lists the options, mpidrift's own go behind --" ;;
    esac
    case $1 in
    --nodes) nodes=${2//,/ } ;;
    --repetitions) repetitions=$2 ;;
    --duration) duration_s=$2 ;;
    --warmup) warmup_s=$2 ;;
    --corridor) corridor=$2 ;;
    --reuse) reuse=$2 ;;
    --seed) seed=$2 ;;
    --results) results=$2 ;;
    --name) name=$2 ;;
    --programs) programs=$2 ;;
    esac
}

is_count() {
    [[ $1 =~ ^[1-9][0-9]{0,5}$ ]]
}

is_seconds() {
    [[ $1 =~ ^([0-9]{1,6}(\.[0-9]*)?|\.[0-9]+)$ ]]
}

check_nodes() {
    local count seen=' '
    read -ra scales <<<"$nodes"
    [ "${#scales[@]}" -gt 0 ] || say_and_exit 64 '--nodes names no node count'
    for count in "${scales[@]}"; do
        is_count "$count" || say_and_exit 64 "--nodes: '$count' is not a node count"
        [ "$count" -ge 2 ] || say_and_exit 75 '--nodes: drift needs two nodes or more'
        [[ $seen != *" $count "* ]] || say_and_exit 64 "--nodes names $count twice"
        seen+="$count "
    done
    # The comparison and the samples speak of the smallest and the largest scale.
    mapfile -t scales < <(printf '%s\n' "${scales[@]}" | sort -n)
}

# What the script sets itself would be given twice if it also stood behind `--`.
check_run_options() {
    local option
    for option in ${run_options[@]+"${run_options[@]}"}; do
        case ${option%%=*} in
        --duration | --warmup | --corridor | --seed)
            say_and_exit 64 "${option%%=*} is an option of this script: give it before the --" ;;
        --repetition | --output | --calibrate)
            say_and_exit 64 "${option%%=*} is set by this script for each run" ;;
        esac
    done
}

check_options() {
    check_nodes
    check_run_options
    is_count "$repetitions" || say_and_exit 64 "--repetitions: '$repetitions' is not a count"
    if ! is_seconds "$duration_s" || [[ ! $duration_s =~ [1-9] ]]; then
        say_and_exit 64 "--duration: '$duration_s' is not a number of seconds above 0"
    fi
    is_seconds "$warmup_s" || say_and_exit 64 "--warmup: '$warmup_s' is not a number of seconds"
    [[ $seed =~ ^(0|[1-9][0-9]{0,8})$ ]] || say_and_exit 64 "--seed: '$seed' is not a whole number"
    [[ $name =~ ^[A-Za-z0-9_][A-Za-z0-9._-]*$ ]] ||
        say_and_exit 64 "--name: '$name' has other characters than letters, digits, . _ -"
    check_corridor
}

# Leaves in `corridor` the file to use; empty: calibrate.
check_corridor() {
    [ -z "$reuse" ] || [ -z "$corridor" ] || say_and_exit 64 'give --corridor or --reuse, not both'
    [ -z "$reuse" ] || corridor=$reuse/corridor.ini
    if [ -n "$corridor" ] && { [ ! -f "$corridor" ] || [ ! -r "$corridor" ]; }; then
        say_and_exit 65 "no readable corridor file $corridor"
    fi
}

# ---- programs ----
# Leaves in `mpidrift`, `compare` and `badges` what to run.
get_programs() {
    if [ -n "$programs" ]; then
        programs=$(cd "$programs" 2>/dev/null && pwd) || say_and_exit 64 '--programs: no such folder'
        mpidrift=$programs/mpidrift compare=$programs/mpidrift-compare
        badges=$programs/mpidrift-badges
    else
        bash "$root/jobs/setup.sh" || exit
        echo 'Building.'
        # Without tests: whoever only measures needs no CUnit.
        build release build "$root/build/build.log" -DBUILD_TESTING=OFF || exit 70
        mpidrift=$root/build/src/mpidrift compare=$root/build/analysis/mpidrift-compare
        badges=$root/build/analysis/mpidrift-badges
    fi
    local program
    for program in "$mpidrift" "$compare" "$badges"; do
        [ -x "$program" ] || say_and_exit 70 "no program $program"
    done
    command -v mpirun >/dev/null || say_and_exit 69 'no mpirun; it belongs to the MPI library'
    command -v timeout >/dev/null || say_and_exit 69 'no timeout; it belongs to GNU coreutils'
}

# ---- the campaign's folder ----
# Makes the first free NAME-nnn. mkdir is what decides, so two calls at a time get two folders.
make_folder() {
    local number=1
    mkdir -p "$results" 2>/dev/null || say_and_exit 73 "cannot create the folder $results"
    results=$(cd "$results" && pwd) || say_and_exit 73 'cannot enter the results folder'
    while :; do
        folder=$results/$(printf '%s-%03d' "$name" "$number")
        mkdir "$folder" 2>/dev/null && return
        [ -e "$folder" ] || say_and_exit 73 "cannot create $folder: $(why_not_writable "$results")"
        number=$((number + 1))
    done
}

why_not_writable() {
    if disk_is_full; then
        echo 'the disk is full'
    elif [ ! -w "$1" ]; then
        echo 'no permission to write there; --results DIR chooses another place'
    else
        echo 'the system refuses'
    fi
}

disk_is_full() {
    local free_kib
    free_kib=$(df -Pk "$results" 2>/dev/null | awk 'NR == 2 { print $4 }')
    [ "${free_kib:-1024}" -lt 256 ]
}

cannot_write() {
    say_and_exit 74 "cannot write $1: $(why_not_writable "$folder")"
}

# note FORMAT ARGUMENT...: one more line in campaign.txt, by which a reader can repeat it all.
note() {
    # shellcheck disable=SC2059 # the format is the caller's
    { printf "$@" >>"$folder/campaign.txt"; } 2>/dev/null || cannot_write "$folder/campaign.txt"
}

# quoted WORD...: as they can be pasted, each after a blank.
quoted() {
    [ $# -eq 0 ] || printf ' %q' "$@"
}

note_campaign() {
    note 'command: bash jobs/local.sh%s\n' "$(quoted ${command_line[@]+"${command_line[@]}"})"
    note 'begun: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    note 'host: %s, %s cores\n' "$(uname -n)" "$(nproc)"
    note 'source: %s\n' "$(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown)"
    note 'launcher: %s\n' "$(mpirun --version 2>&1 | head -n 1)"
    note 'nodes: %s\nrepetitions: %s\nseed: %s\n' "${scales[*]}" "$repetitions" "$seed"
    note 'options of every run: --duration %s --warmup %s%s\n' "$duration_s" "$warmup_s" \
        "$(quoted ${run_options[@]+"${run_options[@]}"})"
    note 'corridor: %s\n' "${corridor:-calibrated at 2 nodes}"
}

# show PATH: as short as it can be typed from here.
show() {
    printf '%q' "${1#"$PWD"/}"
}

# ---- progress ----
# What is left, in words. Before the first run has ended only the plan is known: window, warm-up and
# about a second to launch, drain and write.
time_left() {
    local left_s
    if [ "$done_runs" -gt 0 ]; then
        left_s=$(((total_runs - done_runs) * (run_began - runs_began) / done_runs))
    else
        left_s=$((total_runs * (whole_run_s + 1)))
    fi
    left_s=$((left_s - (SECONDS - run_began)))
    [ "$left_s" -ge 0 ] || left_s=0
    if [ "$left_s" -ge 120 ]; then
        printf 'about %d min left' $(((left_s + 30) / 60))
    else
        printf 'about %d s left' "$left_s"
    fi
}

# Redraws the one line of a terminal: bar, current run, time left; 79 columns at most.
draw() {
    local width=24 filled bar line
    filled=$((width * done_runs / (total_runs > 0 ? total_runs : 1)))
    printf -v bar '%*s' "$filled" ''
    bar=${bar// /#}
    printf -v bar '%-*s' "$width" "$bar"
    line="[${bar// /.}] $1"
    printf '\r%-79.79s' "$line"
}

# The terminal's line is for what runs now; before anything else is printed it goes.
clear_line() {
    [ "$terminal" = no ] || printf '\r%79s\r' ''
}

# Without a terminal each step is one plain line, for logs.
tell_plainly() {
    [ "$terminal" = yes ] || printf '%s\n' "$1"
}

run_label() {
    printf 'run %d of %d: %s nodes, repetition %s; %s' $((done_runs + 1)) "$total_runs" "$1" "$2" \
        "$(time_left)"
}

# Draws what the command prints, once a second: more often would take time from the nodes that are
# measured.
draw_for_ever() {
    while :; do
        draw "$("$@")"
        sleep 1 >/dev/null 2>&1
    done
}

# Waits for the launcher and returns its status. Arguments: a command that prints the line to draw.
watch_child() {
    local status
    if [ "$terminal" = yes ]; then
        draw_for_ever "$@" &
        ticker=$!
    fi
    wait "$child"
    status=$?
    child=
    stop_ticker
    return "$status"
}

stop_ticker() {
    [ -n "$ticker" ] || return 0
    kill "$ticker" 2>/dev/null
    wait "$ticker" 2>/dev/null
    ticker=
}

# The launcher passes the signal on and gives the ranks their second to save.
stop_child() {
    stop_ticker
    [ -n "$child" ] || return 0
    kill -TERM "$child" 2>/dev/null
    # In a trap that interrupted a wait, another wait may return at once.
    while kill -0 "$child" 2>/dev/null; do
        sleep 0.1
    done
    child=
}

# ---- running ----
# launch LOG LIMIT_S LABEL_COMMAND NODES OPTION...: mpidrift at that node count, under a limit of
# time, with all its output in LOG. LABEL_COMMAND, one argument, prints the progress line.
launch() {
    local log=$1 limit_s=$2 label=$3 count=$4
    shift 4
    { : >"$log"; } 2>/dev/null || cannot_write "$log"
    # timeout makes a process group of its own: Ctrl-C reaches this script alone, which then ends
    # the launcher once, and gently. A second signal would cost the ranks their data.
    timeout -k 10 "$limit_s" mpirun -np "$count" "$mpidrift" "$@" >"$log" 2>&1 </dev/null &
    child=$!
    # shellcheck disable=SC2086 # the label is a command with its arguments
    watch_child $label
}

# Launchers may replace the ranks' exit code; only documented ones leave this script.
documented_code() {
    case $1 in
    0 | 64 | 65 | 70 | 73 | 74 | 75 | 130 | 143) echo "$1" ;;
    124 | 137) echo 143 ;; # timeout stopped it
    *) echo 70 ;;
    esac
}

# stop_failed WHAT LOG STATUS: which run, its last words, what is kept; ends the script.
stop_failed() {
    local code
    code=$(documented_code "$3")
    # A program that cannot even say why it failed has an excuse here.
    if [ "$code" -eq 70 ] && disk_is_full; then
        code=74
    fi
    clear_line
    {
        printf '\n%s failed with exit code %d' "$1" "$code"
        [ "$code" -eq "$3" ] || printf ' (%d at first hand)' "$3"
        [ "$3" -ne 124 ] || printf ': it did not end in time and was stopped'
        ! disk_is_full || printf ': the disk is full'
        printf '. The end of %s:\n\n' "$(show "$2")"
        tail -n 15 "$2" | sed 's/^/    /'
        printf '\n'
    } >&2
    tell_kept >&2
    exit "$code"
}

tell_kept() {
    printf '%d of %d runs finished. Everything is kept in %s\n' "$done_runs" "$total_runs" \
        "$(show "$folder")"
    if [ "$done_runs" -ge 1 ]; then
        printf 'Compare them as they are: %s %s/np*.h5\n' "$(show "$compare")" "$(show "$folder")"
    fi
}

on_signal() {
    # Once is enough: ranks need a second to save, and a broken pipe must not stop the clean-up.
    trap '' INT TERM HUP PIPE
    stop_ticker
    clear_line
    printf 'Stopping.\n' >&2
    stop_child
    { printf 'stopped by a signal\n' >>"$folder/campaign.txt"; } 2>/dev/null
    tell_kept >&2
    exit "$1"
}

calibration_label() {
    printf 'calibrating at 2 nodes: %d s' $((SECONDS - calibration_began))
}

get_corridor() {
    if [ -n "$corridor" ]; then
        cp "$corridor" "$folder/corridor.ini" 2>/dev/null || cannot_write "$folder/corridor.ini"
        return
    fi
    calibration_began=$SECONDS
    tell_plainly 'calibrating at 2 nodes'
    launch "$folder/calibration.log" "$calibration_limit_s" calibration_label 2 \
        --calibrate "$folder/corridor.ini" --seed "$seed" ${run_options[@]+"${run_options[@]}"} ||
        stop_failed 'The calibration' "$folder/calibration.log" $?
    [ -s "$folder/corridor.ini" ] ||
        stop_failed 'The calibration wrote no corridor and' "$folder/calibration.log" 70
    note 'calibration: %d s\n' $((SECONDS - calibration_began))
}

# A generator of its own (Numerical Recipes' constants): the order that belongs to a seed is the
# same on every machine, whichever awk or bash it has. The low bits of such a generator are poor.
# Sets `drawn` to a number from 0 to $1 - 1.
random_below() {
    random_state=$(((random_state * 1664525 + 1013904223) & 0xffffffff))
    drawn=$(((random_state >> 16) % $1))
}

# Fills `plan` with "NODES REPETITION": every block holds each scale once, in random order, so that
# a machine that warms up or slows down does so at all scales alike.
make_plan() {
    local repetition i block
    random_state=$seed plan=()
    for ((repetition = 1; repetition <= repetitions; repetition++)); do
        block=("${scales[@]}")
        for ((i = ${#block[@]} - 1; i > 0; i--)); do
            random_below $((i + 1))
            set -- "${block[i]}"
            block[i]=${block[drawn]} block[drawn]=$1
        done
        for i in "${block[@]}"; do
            plan+=("$i $repetition")
        done
    done
    total_runs=${#plan[@]}
}

# run_path NODES REPETITION: the run's files, without their endings.
run_path() {
    printf '%s/np%02d-r%d' "$folder" "$1" "$2"
}

run_once() {
    local path status=0
    path=$(run_path "$1" "$2")
    run_began=$SECONDS
    tell_plainly "$(run_label "$1" "$2")"
    launch "$path.log" $((2 * whole_run_s + 60)) "run_label $1 $2" "$1" \
        --corridor "$folder/corridor.ini" --duration "$duration_s" --warmup "$warmup_s" \
        --seed "$seed" --repetition "$2" --output "$path.h5" \
        ${run_options[@]+"${run_options[@]}"} || status=$?
    note 'run: %s nodes, repetition %s, exit code %d, %d s\n' "$1" "$2" "$status" \
        $((SECONDS - run_began))
    [ "$status" -eq 0 ] || stop_failed "The run at $1 nodes, repetition $2," "$path.log" "$status"
    [ -s "$path.h5" ] ||
        stop_failed "The run at $1 nodes, repetition $2, left no file and" "$path.log" 70
    done_runs=$((done_runs + 1))
}

run_all() {
    local run
    runs_began=$SECONDS
    for run in "${plan[@]}"; do
        # shellcheck disable=SC2086 # a run is two words
        run_once $run
    done
    clear_line
}

# ---- comparing ----
# The run files in the order of the table.
list_run_files() {
    local count repetition
    run_files=()
    for count in "${scales[@]}"; do
        for ((repetition = 1; repetition <= repetitions; repetition++)); do
            run_files+=("$(run_path "$count" "$repetition").h5")
        done
    done
}

# compare_into FILE OPTION...
compare_into() {
    local file=$1 status=0
    shift
    { : >"$file"; } 2>/dev/null || cannot_write "$file"
    "$compare" "$@" "${run_files[@]}" >"$file" 2>"$folder/comparison.log" || status=$?
    [ "$status" -eq 0 ] || stop_failed 'The comparison' "$folder/comparison.log" "$status"
}

compare_all() {
    list_run_files
    compare_into "$folder/comparison.txt"
    compare_into "$folder/comparison.md" --markdown
    compare_into "$folder/comparison.json" --json
}

# At most $1 badges of what comes in; reads to the end, so that no writer meets a closed pipe.
first_badges() {
    awk -v most="$1" '/^\[BADGE\]/ { badges++ } badges >= 1 && badges <= most'
}

# read_badges NODES REPETITION COUNT: that many badges of the run.
read_badges() {
    local file
    file=$(run_path "$1" "$2").h5
    "$badges" --format full "$file" 2>"$folder/badges.log" | first_badges "$3"
    local codes=("${PIPESTATUS[@]}")
    [ "${codes[0]}" -eq 0 ] ||
        stop_failed "Reading the badges of $(show "$file")" "$folder/badges.log" "${codes[0]}"
    [ "${codes[1]}" -eq 0 ] || cannot_write "$folder/badges-np$1.txt"
}

# sample_badges NODES: the first badges at that scale, from as many repetitions as that takes.
sample_badges() {
    local sample=$folder/badges-np$1.txt repetition shown=0
    { : >"$sample"; } 2>/dev/null || cannot_write "$sample"
    for ((repetition = 1; repetition <= repetitions && shown < badges_shown; repetition++)); do
        read_badges "$1" "$repetition" $((badges_shown - shown)) >>"$sample"
        shown=$(grep -c '^\[BADGE\]' "$sample")
    done
    [ "$shown" -gt 0 ] || printf '# no badge in %d runs at %d nodes\n' "$repetitions" "$1" >"$sample"
}

sample_all() {
    sample_badges "${scales[0]}"
    [ "${#scales[@]}" -eq 1 ] || sample_badges "${scales[-1]}"
    # Diagnostics that nobody needed.
    rm -f "$folder/badges.log" "$folder/comparison.log"
}

tell_result() {
    local at most=${scales[-1]}
    at=$(show "$folder")
    cat "$folder/comparison.txt"
    cat <<TEXT

Everything is in $at:
  corridor.ini                      what normal looks like; the same in every run
  np*-r*.h5, .log                   one run each: HDF5 file, output
  comparison.txt, .md, .json        the comparison
  badges-np*.txt                    badge samples
  campaign.txt                      what was run, in which order

Try next:
  $(show "$compare") --lab $at/np*.h5
      the lab's own two columns
  $(show "$badges") --format lab $at/np$(printf '%02d' "$most")-r1.h5 | less
      every badge of one run
  bash $(show "$root/jobs/local.sh") --reuse $at -- --load total
      the same load in total at every scale: is it scale, or is it load?
TEXT
}

main() {
    [ "${BASH_VERSINFO[0]}" -ge 4 ] || say_and_exit 69 'bash 4 or newer is needed'
    command_line=("$@")
    terminal=no
    [ ! -t 1 ] || terminal=yes
    set_defaults
    read_options "$@"
    check_options
    mpi_environment
    get_programs
    make_plan
    whole_run_s=$(awk -v d="$duration_s" -v w="$warmup_s" 'BEGIN { print int(d + w + 0.999) }')
    make_folder
    trap 'on_signal 130' INT
    trap 'on_signal 143' TERM HUP
    trap stop_child EXIT # however the script ends, no ranks go on without it
    note_campaign
    get_corridor
    run_all
    note 'ended: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    compare_all
    sample_all
    tell_result
}

main "$@"
