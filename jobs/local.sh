#!/usr/bin/env bash
# The whole lab on this machine: installs what is missing, builds, calibrates a corridor at two
# nodes, runs every node count under that corridor, and prints the table that compares them.
#
#   bash jobs/local.sh [OPTION...] [-- MPIDRIFT_OPTION...]
#
#   --quick            a first look in about a minute: 2 repetitions of 1.5 s
#   --nodes "2 5 8 16" node counts
#   --repetitions R    of each node count (6)
#   --duration S       seconds of observation per run (5)
#   --warmup S         seconds before each observation (1)
#   --scenes "A B"     declared networks (lan2ms bare): the first at every node count, the others
#                      at the smallest and the largest
#   --no-controls      leave out the controls, which tell scale from crowding (largest node count
#                      of bare: as groups of two, and with the load of two nodes in total)
#   --card NAME        a ready-made assumption with its limits and its system, in bare unless --scenes
#                      says otherwise; --card list says what there is
#   --corridor FILE    use this corridor in every scene instead of calibrating one for each
#   --reuse DIR        use the corridors of an earlier campaign, so that both can be compared
#   --resume DIR       go on with a campaign that was stopped, with its own options
#   --seed S           of the order of the runs and of their random numbers (1)
#   --results DIR      where campaign folders are made (results/ beside README.md)
#   --name NAME        campaign folders are NAME-001, NAME-002, ... (local)
#   --per-host K       declare K nodes on each host (hosts = nodes / K, rounded up), the same at every
#                      scale; runs refuse any other placement
#   --launcher WORDS   what starts the nodes (mpirun), as "srun --mpi=pmix"
#   --idle MODE        sleep, yield or spin at every scale; who spins has a core of its own
#   --spool-root DIR   badges wait in this folder of each host's own disk
#   --cap-load         lower the calibrated load where the largest scale would use more than a
#                      quarter of the measured message rate
#   --only STEP        one step of a campaign: plan, folder, then with --resume DIR: calibration,
#                      run:1, run:2, ... and comparison
#   --programs DIR     use the programs in DIR; nothing is installed or built
#   --no-report        leave out report.html
#   -- OPTION...       handed to mpidrift in the calibration and in every run
#
# Each call leaves a folder of its own: a corridor per scene, a run file and a log per run,
# comparison.txt, .md and .json, badge samples of the smallest and the largest scale, report.html,
# the page to hand in, and campaign.txt, which says what was run. Whatever fails, the folder is kept.
# Exit codes are mpidrift's: 0 done, drift or not; 64 usage; 65 bad input file; 69 something must be
# installed first; 70 internal; 73 cannot create; 74 write failed; 75 fewer than two nodes;
# 130 and 143 stopped by a signal.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 70
# shellcheck source=jobs/common.sh
. "$root/jobs/common.sh"
# shellcheck source=jobs/progress.sh
. "$root/jobs/progress.sh"
# shellcheck source=jobs/launcher.sh
. "$root/jobs/launcher.sh"
# shellcheck source=jobs/campaign.sh
. "$root/jobs/campaign.sh"

usage() {
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
}

# ---- options ----
set_defaults() {
    nodes="2 5 8 16" repetitions=6 duration_s=5 warmup_s=1 seed=1 scenes='' controls=yes report=yes
    card='' corridor='' reuse='' resume='' programs='' name=local results=$(default_results)
    run_options=() calibration_options=()
    per_host=0 launcher=mpirun idle='' spool_root='' cap_load=no only='' message_rate=''
}

set_quick() {
    repetitions=2 duration_s=1.5 warmup_s=0.4
    calibration_options=(--calibrate-samples 500)
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
        --no-controls) controls=no && shift && continue ;;
        --no-report) report=no && shift && continue ;;
        --cap-load) cap_load=yes && shift && continue ;;
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
    --nodes | --repetitions | --duration | --warmup | --scenes | --card | --corridor | --reuse | --resume | \
        --seed | --results | --name | --programs | --per-host | --launcher | --idle | --spool-root | \
        --only) need_value "$1" $# ;;
    *) say_and_exit 64 "unknown option $1; --help lists the options, mpidrift's own go behind --" ;;
    esac
    case $1 in
    --nodes) nodes=${2//,/ } ;;
    --repetitions) repetitions=$2 ;;
    --duration) duration_s=$2 ;;
    --warmup) warmup_s=$2 ;;
    --scenes) scenes=${2//,/ } ;;
    --card) card=$2 ;;
    --corridor) corridor=$2 ;;
    --reuse) reuse=$2 ;;
    --resume) resume=$2 ;;
    --seed) seed=$2 ;;
    --results) results=$2 ;;
    --name) name=$2 ;;
    --programs) programs=$2 ;;
    --per-host) per_host=$2 ;;
    --launcher) launcher=$2 ;;
    --idle) idle=$2 ;;
    --spool-root) spool_root=$2 ;;
    --only) only=$2 ;;
    esac
}

# A campaign that goes on does so with the options it was begun with.
read_resumed() {
    local saved step=$only
    [ $# -eq 2 ] || { [ $# -eq 4 ] && [ -n "$only" ]; } ||
        say_and_exit 64 '--resume goes on with the options of that campaign; give no others'
    [ -r "$resume/options.txt" ] ||
        say_and_exit 65 "$resume is no campaign folder: it has no readable options.txt"
    folder=$(cd "$resume" && pwd) || say_and_exit 65 "cannot enter $resume"
    mapfile -t saved <"$folder/options.txt"
    command_line=(${saved[@]+"${saved[@]}"})
    set_defaults
    read_options ${saved[@]+"${saved[@]}"}
    results=$(dirname "$folder") resume=$folder only=$step
    # What was named relative to another folder is there already.
    if compgen -G "$folder/corridor-*.ini" >/dev/null; then
        corridor='' reuse=''
    fi
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

list_cards() {
    local file
    for file in "$root"/jobs/corridors/*.ini; do
        printf '%-20s %s\n' "$(basename "$file" .ini)" \
            "$(sed -n '1s/^; Assumption card: //p' "$file")"
    done
}

# A card is a corridor of ours. Its limits are declared, for the network as it is.
check_card() {
    [ -n "$card" ] || return 0
    [ "$card" != list ] || { list_cards && exit 0; }
    [ -z "$corridor$reuse" ] || say_and_exit 64 \
        'give --card, --corridor or --reuse, not two of them'
    [[ $card != */* ]] && [ -f "$root/jobs/corridors/$card.ini" ] ||
        say_and_exit 64 "--card: there is no '$card'; --card list says what there is"
    corridor=$root/jobs/corridors/$card.ini
    scenes=${scenes:-bare}
}

# That a scene exists is mpidrift's to say; here its name becomes part of file names.
check_scenes() {
    local scene list=${scenes:-lan2ms bare} seen=' '
    read -ra scenes <<<"$list"
    [ "${#scenes[@]}" -gt 0 ] || say_and_exit 64 '--scenes names no scene'
    for scene in "${scenes[@]}"; do
        [[ $scene =~ ^[A-Za-z0-9_][A-Za-z0-9_-]*$ ]] ||
            say_and_exit 64 "--scenes: '$scene' has other characters than letters, digits, _ -"
        [[ $seen != *" $scene "* ]] || say_and_exit 64 "--scenes names $scene twice"
        seen+="$scene "
    done
}

# What the script sets itself would be given twice if it also stood behind `--`.
check_run_options() {
    local option
    for option in ${run_options[@]+"${run_options[@]}"}; do
        case ${option%%=*} in
        --duration | --warmup | --corridor | --seed)
            say_and_exit 64 "${option%%=*} is an option of this script: give it before the --" ;;
        --scene) say_and_exit 64 '--scene is set by this script: give --scenes before the --' ;;
        --repetition | --output | --calibrate)
            say_and_exit 64 "${option%%=*} is set by this script for each run" ;;
        --groups | --load) controls=no ;; # it is a control itself
        esac
        [[ $option != *$'\n'* ]] || say_and_exit 64 'an option holds a line break'
    done
}

check_options() {
    check_card
    check_nodes
    check_scenes
    check_run_options
    is_count "$repetitions" || say_and_exit 64 "--repetitions: '$repetitions' is not a count"
    if ! is_seconds "$duration_s" || [[ ! $duration_s =~ [1-9] ]]; then
        say_and_exit 64 "--duration: '$duration_s' is not a number of seconds above 0"
    fi
    is_seconds "$warmup_s" || say_and_exit 64 "--warmup: '$warmup_s' is not a number of seconds"
    [[ $seed =~ ^(0|[1-9][0-9]{0,8})$ ]] || say_and_exit 64 "--seed: '$seed' is not a whole number"
    [[ $name =~ ^[A-Za-z0-9_][A-Za-z0-9._-]*$ ]] ||
        say_and_exit 64 "--name: '$name' has other characters than letters, digits, . _ -"
    check_placement
    check_corridor
}

check_placement() {
    [[ $per_host =~ ^(0|[1-9][0-9]{0,5})$ ]] || say_and_exit 64 \
        "--per-host: '$per_host' is not a count"
    [[ $idle =~ ^(|sleep|yield|spin)$ ]] || say_and_exit 64 \
        "--idle: '$idle' is not sleep, yield or spin"
    [[ $launcher =~ ^[^[:space:]] ]] || say_and_exit 64 '--launcher names no launcher'
    [[ $only =~ ^(|plan|folder|calibration|run:[1-9][0-9]{0,5}|comparison)$ ]] ||
        say_and_exit 64 "--only: '$only' is not plan, folder, calibration, run:N or comparison"
    case $only in
    calibration | run:* | comparison) [ -n "$resume" ] ||
        say_and_exit 64 "--only $only needs --resume DIR, the folder that --only folder made" ;;
    esac
}

check_corridor() {
    local scene
    [ -z "$reuse" ] || [ -z "$corridor" ] || say_and_exit 64 'give --corridor or --reuse, not both'
    [ -z "$corridor" ] || check_readable "$corridor"
    [ -n "$reuse" ] || return 0
    for scene in "${scenes[@]}"; do
        check_readable "$reuse/corridor-$scene.ini"
    done
}

check_readable() {
    [ -f "$1" ] && [ -r "$1" ] || say_and_exit 65 "no readable corridor file $1"
}

# ---- programs ----
name_programs() {
    mpidrift=$1/mpidrift compare=$2/mpidrift-compare badges=$2/mpidrift-badges
}

# Leaves in `mpidrift`, `compare` and `badges` what to run.
get_programs() {
    if [ -n "$programs" ]; then
        programs=$(cd "$programs" 2>/dev/null && pwd) || say_and_exit 64 \
            '--programs: no such folder'
        name_programs "$programs" "$programs"
        # A build tree has them in two folders.
        [ -x "$mpidrift" ] || name_programs "$programs/src" "$programs/analysis"
    elif [ ! -f "$root/CMakeLists.txt" ]; then
        name_programs "$root/../../bin" "$root/../../bin" # installed below a prefix
    else
        bash "$root/jobs/setup.sh" || exit
        echo 'Building.'
        # Without tests: whoever only measures needs no CUnit.
        build release build "$root/build/build.log" -DBUILD_TESTING=OFF || exit 70
        name_programs "$root/build/src" "$root/build/analysis"
    fi
    local program
    for program in "$mpidrift" "$compare" "$badges"; do
        [ -x "$program" ] || say_and_exit 70 "no program $program"
    done
    command -v "${launcher%% *}" >/dev/null ||
        say_and_exit 69 "no ${launcher%% *}; it belongs to the MPI library"
    command -v timeout >/dev/null || say_and_exit 69 'no timeout; it belongs to GNU coreutils'
    command -v setsid >/dev/null || say_and_exit 69 'no setsid; it belongs to util-linux'
}

# ---- the end ----
# The page to hand in. Without the Python libraries there is none; report.py says what to install,
# and everything else is there.
report_all() {
    local python
    [ "$report" = yes ] || return 0
    python=$(command -v python3 || command -v /usr/bin/python3) || {
        printf 'no report.html: install python3, python3-h5py and python3-matplotlib\n' >&2
        return 0
    }
    "$python" "$root/analysis/report.py" --comparison "$folder/comparison.json" "$folder" \
        >/dev/null || printf 'Everything but report.html is there.\n' >&2
}
tell_result() {
    local at page=''
    at=$(show "$folder")
    [ ! -s "$folder/report.html" ] ||
        page=$'\n  report.html                       the page to hand in: open it in a browser'
    cat "$folder/comparison.txt"
    cat <<TEXT

Everything is in $at:$page
  corridor-*.ini                    what normal looks like; the same in every run of a scene
  *-np*-r*.h5, .log                 one run each: HDF5 file, output
  comparison.txt, .md, .json        the comparison
  badges-*.txt                      badge samples
  campaign.txt                      what was run, in which order

Try next:
  $(show "$compare") --lab $at/${scenes[0]}-*.h5
      the lab's own two columns
  $(show "$badges") --format lab $(show "$(run_path $((${#scales[@]} - 1)) 1).h5") | less
      every badge of one run
  bash $(show "$root/jobs/local.sh") --card list
      ready-made assumptions; --card NAME runs the lab with one
TEXT
}

# The folder of this campaign: a new one, or the one that goes on.
enter_folder() {
    if [ -n "$resume" ]; then
        note 'resumed%s: %s\n' "${only:+ for $only}" "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
        return
    fi
    make_folder
    drop_only
    if [ "${#command_line[@]}" -gt 0 ]; then
        { printf '%s\n' "${command_line[@]}" >"$folder/options.txt"; } 2>/dev/null ||
            cannot_write "$folder/options.txt"
    else
        { : >"$folder/options.txt"; } 2>/dev/null || cannot_write "$folder/options.txt"
    fi
    note 'command: bash jobs/local.sh%s\n' "$(quoted ${command_line[@]+"${command_line[@]}"})"
    note_campaign
}

main() {
    [ "${BASH_VERSINFO[0]}" -ge 4 ] || say_and_exit 69 'bash 4 or newer is needed'
    command_line=("$@")
    terminal=no
    [ ! -t 1 ] || terminal=yes
    set_defaults
    read_options "$@"
    [ -z "$resume" ] || read_resumed "$@"
    check_options
    mpi_environment
    make_series
    make_plan
    whole_run_s=$(awk -v d="$duration_s" -v w="$warmup_s" 'BEGIN { print int(d + w + 0.999) }')
    [ "$only" != plan ] || { print_plan && exit 0; }
    get_programs
    enter_folder
    [ "$only" != folder ] || { printf '%s\n' "$folder" && exit 0; }
    exec {messages}>&2
    trap 'on_signal 130' INT
    trap 'on_signal 143' TERM HUP
    trap stop_jobs EXIT # however the script ends, no ranks go on without it
    carry_out
}

# All steps, or the one that was asked for.
carry_out() {
    case $only in
    calibration) get_corridors ;;
    run:*) run_number "${only#run:}" ;;
    comparison) count_resumed && conclude ;;
    *)
        get_corridors
        count_resumed
        run_all
        conclude ;;
    esac
}

conclude() {
    note 'ended: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    compare_all
    sample_all
    report_all
    tell_result
}

# run_number N: the N-th run of the plan, unless its file is there.
run_number() {
    [ "$1" -le "$total_runs" ] || say_and_exit 64 "--only run:$1: there are $total_runs runs"
    get_corridors
    count_resumed
    runs_began=$SECONDS
    # shellcheck disable=SC2086 # a run is two words
    [ -s "$(run_path ${plan[$1 - 1]}).h5" ] || run_once ${plan[$1 - 1]}
    clear_line
}

# For scripts that plan further: how much it is, and each run with its node count.
print_plan() {
    local number run seconds
    seconds=$((${#scenes[@]} * 45 + total_runs * (whole_run_s + 4)))
    [ -z "$corridor$reuse" ] || seconds=$((total_runs * (whole_run_s + 4)))
    printf 'runs: %d\nnodes_max: %d\nnodes_min: %d\nrun_s: %d\nseconds: %d\n' "$total_runs" \
        "${scales[-1]}" "${scales[0]}" "$whole_run_s" "$seconds"
    for ((number = 1; number <= total_runs; number++)); do
        read -ra run <<<"${plan[number - 1]}"
        printf 'run: %d %d %s\n' "$number" "${series_nodes[run[0]]}" "$(run_name "${run[@]}")"
    done
}

# A step is not what the campaign was asked for.
drop_only() {
    local kept=() word skip=no
    for word in ${command_line[@]+"${command_line[@]}"}; do
        [ "$skip" = no ] || { skip=no && continue; }
        case $word in
        --only) skip=yes && continue ;;
        --only=*) continue ;;
        esac
        kept+=("$word")
    done
    command_line=(${kept[@]+"${kept[@]}"})
}

main "$@"
