# shellcheck shell=bash
# A campaign: series of runs under corridors that were calibrated once, in seeded random order, in a
# folder of their own, then compared. Sourced by scripts that have read their options, never run.
#
# A series is one kind of run: a scene, a node count, and what makes it a control, if anything. Its
# number indexes series_scene, series_nodes, series_control, series_options. The caller sets scales
# (ascending), scenes, repetitions, duration_s, warmup_s, seed, corridor, run_options,
# calibration_options, results, name, controls, and has sourced common.sh and progress.sh.

calibration_limit_s=600
badges_shown=20
done_runs=0 # finished runs
total_runs=0

# ---- series ----
# The first scene is run at every scale, further ones at the smallest and the largest: they tell
# what the machine does to the same scales.
make_series() {
    local scene count control
    series_scene=() series_nodes=() series_control=()
    for scene in "${scenes[@]}"; do
        for count in "${scales[@]}"; do
            if [ "$scene" = "${scenes[0]}" ] || [ "$count" -eq "${scales[0]}" ] ||
                [ "$count" -eq "${scales[-1]}" ]; then
                add_series "$scene" "$count" ''
            fi
        done
    done
    [ "$controls" = yes ] || return 0
    for control in groups2 total; do
        if has_control "$control"; then
            add_series bare "${scales[-1]}" "$control"
        fi
    done
}

add_series() {
    series_scene+=("$1") series_nodes+=("$2") series_control+=("$3")
}

# Controls belong to the network as it is; groups of two need an even number of nodes.
has_control() {
    [[ " ${scenes[*]} " == *' bare '* ]] && [ "${#scales[@]}" -gt 1 ] || return 1
    [ "$1" != groups2 ] || [ $((scales[-1] % 2)) -eq 0 ]
}

# Fills `options` with what the series adds to every run's options. The total load is that of two
# nodes.
series_options() {
    options=(--scene "${series_scene[$1]}")
    case ${series_control[$1]} in
    groups2) options+=(--groups 2) ;;
    total) options+=(--load total --rate "$(awk -v r="$bare_rate" 'BEGIN { print 2 * r }')") ;;
    esac
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
    note 'begun: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    note 'host: %s, %s cores\n' "$(uname -n)" "$(nproc)"
    note 'source: %s\n' "$(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown)"
    note 'launcher: %s; %s\n' "$launcher" "$("${launcher%% *}" --version 2>&1 | head -n 1)"
    [ "$per_host" -eq 0 ] || note 'nodes on each host: %s\n' "$per_host"
    note 'scenes: %s\nnodes: %s\nrepetitions: %s\nseed: %s\n' "${scenes[*]}" "${scales[*]}" \
        "$repetitions" "$seed"
    note 'options of every run: --duration %s --warmup %s%s\n' "$duration_s" "$warmup_s" \
        "$(quoted ${run_options[@]+"${run_options[@]}"})"
    note 'corridor: %s\n' "${corridor:-calibrated at ${scales[0]} nodes of each scene}"
}

# show PATH: as short as it can be typed from here.
show() {
    printf '%q' "${1#"$PWD"/}"
}

# ---- launching ----
# launch LOG LIMIT_S LABEL_COMMAND NODES OPTION...: mpidrift at that node count, under a limit of
# time, with all its output in LOG. LABEL_COMMAND, one argument, prints the progress line.
launch() {
    local log=$1 limit_s=$2 label=$3 count=$4
    shift 4
    { : >"$log"; } 2>/dev/null || cannot_write "$log"
    launcher_words "$count"
    placement_options "$count"
    [ -z "${program:-}" ] || node_options=() # another program of ours, which knows no such options
    # In a session of its own, so that Ctrl-C reaches this script alone, which then ends the launcher
    # once, and gently. A second signal would end it before its ranks, and cost them their data: so
    # timeout, too, must pass on what it gets to the launcher only (--foreground).
    setsid timeout --foreground -k 10 "$limit_s" "${words[@]}" "${program:-$mpidrift}" \
        ${node_options[@]+"${node_options[@]}"} "$@" \
        >"$log" 2>&1 </dev/null {messages}>&- &
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
        printf 'Compare them as they are: %s %s/*.h5\n' "$(show "$compare")" "$(show "$folder")"
    fi
    # Whoever started this script may have another way to go on.
    printf 'Go on where it stopped:   %s %s\n' \
        "${CAMPAIGN_RESUME:-bash $(show "$root/jobs/local.sh") --resume}" "$(show "$folder")"
}

on_signal() {
    # Once is enough: ranks need a second to save, and a broken pipe must not stop the clean-up.
    trap '' INT TERM HUP PIPE
    exec 2>&"$messages" # the signal may have come while messages were turned off
    stop_ticker
    clear_line
    printf 'Stopping.\n' >&2
    stop_jobs
    { printf 'stopped by a signal\n' >>"$folder/campaign.txt"; } 2>/dev/null
    tell_kept >&2
    exit "$1"
}

# ---- corridors ----
corridor_path() {
    printf '%s/corridor-%s.ini' "$folder" "$1"
}

calibration_label() {
    printf 'calibrating %s at %d nodes: %d s' "$1" "${scales[0]}" $((SECONDS - calibration_began))
}

# get_corridor SCENE: what the runs of that scene are judged by, frozen before the scale changes.
get_corridor() {
    local path log=$folder/calibration-$1.log
    path=$(corridor_path "$1")
    [ ! -s "$path" ] || return 0 # resumed
    if [ -n "$corridor" ]; then
        cp "$corridor" "$path" 2>/dev/null || cannot_write "$path"
        return
    fi
    if [ -n "$reuse" ]; then
        cp "$reuse/corridor-$1.ini" "$path" 2>/dev/null || cannot_write "$path"
        return
    fi
    calibration_began=$SECONDS
    tell_plainly "calibrating $1 at ${scales[0]} nodes"
    launch "$log" "$calibration_limit_s" "calibration_label $1" "${scales[0]}" --scene "$1" \
        --calibrate "$path" --seed "$seed" --warmup "$warmup_s" \
        ${calibration_options[@]+"${calibration_options[@]}"} \
        ${run_options[@]+"${run_options[@]}"} ||
        stop_failed "The calibration of $1" "$log" $?
    [ -s "$path" ] || stop_failed "The calibration of $1 wrote no corridor and" "$log" 70
    note 'calibration of %s: %d s\n' "$1" $((SECONDS - calibration_began))
    [ "$cap_load" = no ] || cap_load_of "$path"
}

# Messages per second that one node takes when its peers send as fast as they can, measured once.
measure_message_rate() {
    local log=$folder/saturation.log
    [ -z "$message_rate" ] || return 0
    program=$(dirname "$mpidrift")/mpidrift-speed launch "$log" 120 'printf measuring' 2 \
        --parts messages --rounds 3 --directory "$folder" ||
        stop_failed 'Measuring the message rate' "$log" $?
    message_rate=$(awk '/^observed_messages_per_s: / { print $2 }' "$log")
    note 'message rate: %s per second and receiving node, at 2 nodes\n' "$message_rate"
}

# cap_load_of CORRIDOR: at the largest scale a node may receive at most a quarter of that, or the
# queue of messages would be what is measured.
cap_load_of() {
    local rate most
    measure_message_rate
    rate=$(sed -n 's/^rate_per_s = \([0-9.eE+-]*\).*/\1/p' "$1")
    most=$(awk -v m="$message_rate" -v n="${scales[-1]}" \
        'BEGIN { printf "%.3g", m > 0 ? m / 4 / (n - 1) : 0 }')
    awk -v r="${rate:-0}" -v m="$most" 'BEGIN { exit !(m > 0 && r > m) }' || return 0
    sed -i "s/^rate_per_s = .*/rate_per_s = $most ; capped: a quarter of the message rate at ${scales[-1]} nodes/" \
        "$1" 2>/dev/null || cannot_write "$1"
    note 'load of %s: capped from %s to %s per node and second\n' "${1##*/}" "$rate" "$most"
}

# The writes per second that one node makes in `bare`, whoever said so.
find_bare_rate() {
    local log=$folder/options-bare.log
    launch "$log" 60 'printf checking' 2 --dry-run --scene bare \
        --corridor "$(corridor_path bare)" ${run_options[@]+"${run_options[@]}"} ||
        stop_failed 'Checking the options' "$log" $?
    bare_rate=$(sed -n 's/^rate_per_s = //p' "$log")
    rm -f "$log"
}

get_corridors() {
    local scene
    for scene in "${scenes[@]}"; do
        get_corridor "$scene"
    done
    if [ "$controls" = yes ] && has_control total; then
        find_bare_rate
    fi
}

# ---- the plan ----
# A generator of its own (Numerical Recipes' constants): the order that belongs to a seed is the
# same on every machine, whichever awk or bash it has. The low bits of such a generator are poor.
# Sets `drawn` to a number from 0 to $1 - 1.
random_below() {
    random_state=$(((random_state * 1664525 + 1013904223) & 0xffffffff))
    drawn=$(((random_state >> 16) % $1))
}

# Fills `plan` with "SERIES REPETITION": every block holds each series once, in random order, so
# that a machine that warms up or slows down does so in all series alike.
make_plan() {
    local repetition i block
    random_state=$seed plan=()
    for ((repetition = 1; repetition <= repetitions; repetition++)); do
        block=("${!series_scene[@]}")
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

# run_path SERIES REPETITION: the run's files, without their endings.
run_path() {
    local control=${series_control[$1]}
    printf '%s/%s-np%02d%s-r%d' "$folder" "${series_scene[$1]}" "${series_nodes[$1]}" \
        "${control:+-$control}" "$2"
}

run_name() {
    local control=${series_control[$1]}
    printf '%s, %s nodes%s, repetition %s' "${series_scene[$1]}" "${series_nodes[$1]}" \
        "${control:+ ($control)}" "$2"
}

# What is left, in words. Before the first run has ended only the plan is known: window, warm-up and
# about a second to launch, drain and write.
time_left() {
    local left_s made=$((done_runs - resumed_runs))
    if [ "$made" -gt 0 ]; then
        left_s=$(((total_runs - done_runs) * (run_began - runs_began) / made))
    else
        left_s=$(((total_runs - done_runs) * (whole_run_s + 1)))
    fi
    left_s=$((left_s - (SECONDS - run_began)))
    [ "$left_s" -ge 0 ] || left_s=0
    if [ "$left_s" -ge 120 ]; then
        printf 'about %d min left' $(((left_s + 30) / 60))
    else
        printf 'about %d s left' "$left_s"
    fi
}

run_label() {
    local name
    name=$(run_name "$1" "$2")
    # Bar and all must fit into 79 columns.
    printf 'run %d of %d: %s; %s' $((done_runs + 1)) "$total_runs" "${name/repetition/rep}" \
        "$(time_left)"
}

# What a run observed before it was stopped stays recoverable, under another name.
set_aside_spool() {
    local number=1
    [ -d "$1.spool" ] || return 0
    while [ -e "$1-stopped$number.spool" ]; do
        number=$((number + 1))
    done
    mv "$1.spool" "$1-stopped$number.spool" 2>/dev/null || cannot_write "$1-stopped$number.spool"
    note 'set aside: %s, for mpidrift-recover\n' "${1##*/}-stopped$number.spool"
}

run_once() {
    local path options status=0
    path=$(run_path "$1" "$2")
    run_began=$SECONDS
    set_aside_spool "$path"
    tell_plainly "$(run_label "$1" "$2")"
    series_options "$1"
    if [ -n "$spool_root" ]; then
        make_spools "$path" "${series_nodes[$1]}"
        options+=(--spool "$(spool_of "$path")")
    fi
    launch "$path.log" $((2 * whole_run_s + 60)) "run_label $1 $2" "${series_nodes[$1]}" \
        --corridor "$(corridor_path "${series_scene[$1]}")" --duration "$duration_s" \
        --warmup "$warmup_s" --seed "$seed" --repetition "$2" --output "$path.h5" \
        "${options[@]}" ${run_options[@]+"${run_options[@]}"} || status=$?
    note 'run: %s, exit code %d, %d s\n' "$(run_name "$1" "$2")" "$status" $((SECONDS - run_began))
    [ "$status" -eq 0 ] || stop_failed "The run $(run_name "$1" "$2")" "$path.log" "$status"
    [ -s "$path.h5" ] ||
        stop_failed "The run $(run_name "$1" "$2") left no file and" "$path.log" 70
    done_runs=$((done_runs + 1))
}

# Runs whose file is there were finished before: a run file gets its name only when it is complete.
count_resumed() {
    local run
    for run in "${plan[@]}"; do
        # shellcheck disable=SC2086 # a run is two words
        [ ! -s "$(run_path $run).h5" ] || done_runs=$((done_runs + 1))
    done
    resumed_runs=$done_runs
}

run_all() {
    local run
    runs_began=$SECONDS run_began=$SECONDS
    for run in "${plan[@]}"; do
        # shellcheck disable=SC2086 # a run is two words
        [ -s "$(run_path $run).h5" ] || run_once $run
    done
    clear_line
}

# ---- comparing ----
# The run files in the order of the table.
list_run_files() {
    local series repetition
    run_files=()
    for series in "${!series_scene[@]}"; do
        for ((repetition = 1; repetition <= repetitions; repetition++)); do
            run_files+=("$(run_path "$series" "$repetition").h5")
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

# ---- badge samples ----
# At most $1 badges of what comes in; reads to the end, so that no writer meets a closed pipe.
first_badges() {
    awk -v most="$1" '/^\[BADGE\]/ { badges++ } badges >= 1 && badges <= most'
}

# read_badges SERIES REPETITION COUNT: that many badges of the run.
read_badges() {
    local file
    file=$(run_path "$1" "$2").h5
    "$badges" --format full "$file" 2>"$folder/badges.log" | first_badges "$3"
    local codes=("${PIPESTATUS[@]}")
    [ "${codes[0]}" -eq 0 ] ||
        stop_failed "Reading the badges of $(show "$file")" "$folder/badges.log" "${codes[0]}"
    [ "${codes[1]}" -eq 0 ] || cannot_write "$folder/badges"
}

# sample_badges SERIES: its first badges, from as many repetitions as that takes.
sample_badges() {
    local sample=$folder/badges-${series_scene[$1]}-np${series_nodes[$1]}.txt repetition shown=0
    { : >"$sample"; } 2>/dev/null || cannot_write "$sample"
    for ((repetition = 1; repetition <= repetitions && shown < badges_shown; repetition++)); do
        read_badges "$1" "$repetition" $((badges_shown - shown)) >>"$sample"
        shown=$(grep -c '^\[BADGE\]' "$sample")
    done
    [ "$shown" -gt 0 ] ||
        printf '# no badge in %d runs at %d nodes\n' "$repetitions" "${series_nodes[$1]}" >"$sample"
}

# Of the smallest and the largest scale of each scene.
sample_all() {
    local series
    for series in "${!series_scene[@]}"; do
        [ -z "${series_control[series]}" ] || continue
        case ${series_nodes[series]} in
        "${scales[0]}" | "${scales[-1]}") sample_badges "$series" ;;
        esac
    done
    # Diagnostics that nobody needed.
    rm -f "$folder/badges.log" "$folder/comparison.log"
}
