#!/usr/bin/env bash
# What must hold between hosts, tried on several of them on one machine (tests/hosts/hosts.sh): clocks,
# delays, cut links, names. Prints pass or FAIL and the figures of each statement.
#
#   bash tests/hosts.sh [OPTION...]
#
#   --quick          one short run of each statement, for every change; otherwise many long ones
#   --only "..."     of: tidy clocks rate asymmetry planted cut severed jump places; and table, which
#                    holds nothing: the clock table of 4 hosts, and again 1 ms +- 0.5 ms apart
#   --runs N         of clocks, with delays and again without (20; quick: 1)
#   --build DIR      where mpidrift and the tests were built (build)
#   --python FILE    a Python with h5py
#   --keep DIR       copies there the run file, the log and the truth of each run that fails
#
# Every stated bound is held against what the clocks truly did, which the clock_shim of the test
# knows; nothing depends on how fast the machine is. Exit codes: 0 all hold; 1 not; 64 usage; 69 no
# Python with h5py; 77 the kernel does not let us make hosts.
# shellcheck disable=SC2317 # hosts_enclose does return, inside
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
# shellcheck source=jobs/common.sh
. "$root/jobs/common.sh"
# shellcheck source=tests/hosts/hosts.sh
. "$root/tests/hosts/hosts.sh"

statements="tidy clocks rate asymmetry planted cut severed jump places"
quick='' only=$statements runs='' build=$root/build python=python3 keep='' arguments=("$@")
while [ $# -gt 0 ]; do
    case $1 in
    --only | --runs | --build | --python | --keep)
        [ -n "${2-}" ] || say_and_exit 64 "$1 needs a value; --help lists the options"
        ;;&
    --quick) quick=yes ;;
    --only) only=${2-} && shift ;;
    --runs) runs=${2-} && shift ;;
    --build) build=${2-} && shift ;;
    --python) python=${2-} && shift ;;
    --keep) keep=${2-} && shift ;;
    -h | --help) sed -n '2,17s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
    *) say_and_exit 64 "unknown option $1; --help lists them" ;;
    esac
    shift
done
for word in $only; do
    [[ " $statements table stay " == *" $word "* ]] || say_and_exit 64 "there is no statement '$word'"
done
[[ ${runs:-1} =~ ^[1-9][0-9]*$ ]] || say_and_exit 64 "--runs is a number from 1 on, not $runs"
[ -d "$build" ] || say_and_exit 64 "there is no $build: build it first"
build=$(cd "$build" && pwd) || exit 1
hosts_programs=$build/tests hosts_shim=$build/tests/clock_shim.so
for program in src/mpidrift tests/hosts_switch tests/hosts_shifted tests/clock_shim.so; do
    [ -e "$build/$program" ] || say_and_exit 64 "there is no $build/$program: build it first"
done
"$python" -c 'import h5py' 2>/dev/null || python=/usr/bin/python3
"$python" -c 'import h5py' 2>/dev/null ||
    say_and_exit 69 'no Python with h5py: apt install python3-h5py, or name one with --python'
: "${runs:=${quick:+1}}" "${runs:=20}"
# by QUICK LONG: what this form takes
by() {
    [ -n "$quick" ] && printf '%s\n' "$1" || printf '%s\n' "$2"
}

failed=0
state() { # pass|FAIL STATEMENT FIGURES
    printf '%-4s %-9s %s\n' "$1" "$2" "$3"
    [ "$1" = pass ] || failed=$((failed + 1))
}

# ---- nothing is left behind: looked at from outside ----
child_of() { # PID
    local child=''
    read -r child _ 2>/dev/null <"/proc/$1/task/$1/children"
    printf '%s\n' "${child:-none}"
}

processes_in() { # PID NAMESPACE [NAME]
    local process
    processes_of_namespace pid "$1" | while read -r process; do
        [ $# = 1 ] || [ "$(cat "/proc/$process/comm" 2>/dev/null)" = "$2" ] || continue
        printf '%s\n' "$process"
    done
}

traces() { # what a careless test would leave
    ip -o link | cut -d: -f2
    ip netns list
    cut -d' ' -f2 /proc/mounts
}

tidy() { # SIGNAL
    local before script outside inside=none left waited=0
    outside=$(readlink /proc/self/ns/pid)
    before=$(traces)
    # A shell has its children in the background ignore INT.
    setpriv --pdeathsig KILL env --default-signal=INT \
        bash "$0" --only stay --build "$build" </dev/null >/dev/null 2>&1 &
    script=$!
    until [ -n "$(processes_in "$inside" mpidrift)" ] || ! kill -0 "$script" 2>/dev/null; do
        sleep 0.1
        inside=$(readlink "/proc/$(child_of "$(child_of "$script")")/ns/pid")
        [ "${inside:-$outside}" != "$outside" ] || inside=none # not yet
    done
    kill -s "$1" "$script" 2>/dev/null
    wait "$script" 2>/dev/null
    until left=$(processes_in "$inside") && [ -z "$left" ] || [ $waited -gt 200 ]; do
        waited=$((waited + 1)) && sleep 0.1
    done
    if [ "$inside" != none ] && [ -z "$left" ] && [ "$(traces)" = "$before" ]; then
        state pass tidy "ended by $1 while mpidrift ran on 2 hosts: no process, device or mount is left"
    else
        state FAIL tidy "ended by $1 ($inside), and left: $left $(
            diff <(printf '%s\n' "$before") <(traces))"
    fi
}

if [ $$ != 1 ] && [[ " $only " == *" tidy "* ]]; then
    hosts_may || exit
    tidy KILL
    [ -n "$quick" ] || for signal in TERM INT HUP; do tidy "$signal"; done
    [ "$only" != tidy ] || exit $((failed > 0))
fi
HOSTS_FAILED=$failed hosts_enclose "$0" "${arguments[@]}"
failed=${HOSTS_FAILED:-0}
mpi_environment

# ---- one run ----
# begin NAME RANKS_PER_HOST [MPIDRIFT OPTION...]: in the background; `run` is its folder.
begin() {
    local ranks=$2
    run=$HOSTS_FOLDER/runs/$1
    ranks_expected=$((ranks * hosts_count))
    shift 2
    mkdir -p "$run/truth"
    (
        cd "$run" || exit
        export TRUTH_FOLDER=$run/truth
        hosts_mpirun "$ranks" -x TRUTH_FOLDER -x LD_PRELOAD="$hosts_shim" "$build/src/mpidrift" \
            --output run.h5 "$@"
    ) </dev/null >"$run/log" 2>&1 &
    launched=$!
}

# Until the nodes have their clocks and open their spools: the warm-up begins.
wait_for_activity() {
    until [ "$(find "$run/run.spool" -name 'node_*.spool' 2>/dev/null | wc -l)" = "$ranks_expected" ]; do
        kill -0 "$launched" 2>/dev/null || return
        sleep 0.02
    done
}

finish() {
    wait "$launched"
}

true_time() {
    perl -MTime::HiRes=clock_gettime,CLOCK_MONOTONIC -e 'printf "%.6f\n", clock_gettime(CLOCK_MONOTONIC)'
}

keep_run() {
    [ -z "$keep" ] || { mkdir -p "$keep" && cp -r "$run" "$keep"; }
}

# judge STATEMENT LABEL JUDGEMENT [ARGUMENT...]: of the run that was begun last. A run in which the
# test itself came too late is none: returns 1, to try again.
judge() {
    local statement=$1 label=$2 judgement=$3 figures code=0
    shift 3
    finish || code=$?
    if [ "$code" = 0 ]; then
        figures=$("$python" "$root/tests/hosts/judge.py" "$judgement" "$run" "$@" 2>&1) || code=1
    else
        figures="exit code $code"$'\n'$(tail -n 20 "$run/log")
    fi
    if [ "$code" = 0 ]; then
        state pass "$statement" "$label: $figures"
    elif grep -q '  wrong: late: ' <<<"$figures" && [ "${tries:=0}" -lt 4 ]; then
        tries=$((tries + 1))
        rm -rf "$run"
        return 1
    else
        state FAIL "$statement" "$label: $figures"
        keep_run
    fi
    tries=0
    rm -rf "$run"
}

# ---- the statements ----
short=(--warmup 0.3 --duration 1 --rate 50 --sync-gap-s 0.3)

check_clocks() {
    local i
    hosts_shift_s=(0 1000.25 -100.5 5)
    hosts_make 4
    for ((i = 1; i <= runs; i++)); do
        hosts_link '*' '*' 0
        begin clocks 2 "${short[@]}"
        judge clocks "4 hosts x 2, run $i" clocks
        hosts_link '*' '*' 1000 500
        begin delayed 2 "${short[@]}"
        judge clocks "4 hosts x 2, 1 ms +- 0.5 ms, run $i" clocks
    done
    hosts_end
}

check_rate() {
    hosts_make 3
    hosts_clock node1 100 0
    hosts_clock node2 -60 0
    begin rate 1 "${short[@]}" --sync-gap-s "$(by 1 5)" --duration "$(by 2 30)"
    judge rate "$(by 2 30) s, 100 ppm fast and 60 ppm slow" rate
    hosts_end
}

check_asymmetry() {
    hosts_shift_s=(0 5)
    hosts_make 2
    hosts_link 0 1 1000
    begin asymmetry 2 "${short[@]}"
    judge asymmetry "1 ms from node0 to node1, nothing back" clocks
    hosts_end
}

# Planted after the clocks have been synchronised: what was there before looks like an asymmetry,
# which no clock can see.
check_planted() {
    local planted_at
    hosts_make 3
    cat >"$HOSTS_FOLDER/corridor.ini" <<'INI'
[corridor]
assumption = Every message arrives within two milliseconds.
watch = message_delay_exceeded
message_delay_max_us = 2000
INI
    until
        hosts_link '*' '*' 0
        begin planted 2 "${short[@]}" --warmup 1 --duration "$(by 1 10)" \
            --corridor "$HOSTS_FOLDER/corridor.ini"
        wait_for_activity
        hosts_link 1 2 3000
        planted_at=$(true_time)
        judge planted '3 ms from node1 to node2' planted node1 node2 3000 2000 "$planted_at"
    do :; done
    hosts_end
}

check_cut() {
    local cut_s
    cut_s=$(by 0.7 2)
    hosts_make 3
    begin cut 1 "${short[@]}" --duration "$(by 2.5 8)"
    wait_for_activity
    sleep 0.7
    hosts_link 0 2 0 0 1000
    hosts_link 2 0 0 0 1000
    sleep "$cut_s"
    hosts_link '*' '*' 0
    judge cut 'node0 and node2' cut node0 node2 "$cut_s"
    hosts_end
}

ranks_left() {
    local host pid
    for ((host = 0; host < hosts_count; host++)); do
        hosts_processes "node$host" | while read -r pid; do
            [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != mpidrift ] || printf '%s\n' "$pid"
        done
    done
}

# node2 is cut off for good. mpirun waits for its own daemon there, for ever: `timeout` is what ends
# it. All of ours end by themselves, within --patience and the 6 s in which they take turns.
cut_off() {
    local began=$SECONDS limit_s=90
    hosts_link '*' 2 0 0 1000
    hosts_link 2 '*' 0 0 1000
    until left=$(ranks_left) && [ -z "$left" ] || [ $((SECONDS - began)) -ge "$limit_s" ]; do
        sleep 0.2
    done
    took_s=$((SECONDS - began))
    hosts_end
    wait "$launched" 2>/dev/null
}

said() { # WORDS: the log has them
    grep -q -e "$1" "$run/log"
}

severed() { # LABEL STEP [RECOVERED]
    local words="^mpidrift: node_C did not $2 within .* (--patience)\$"
    if [ -z "$left" ] && said "$words" && said 'with errorcode 70'; then
        state pass severed "$1: all ranks ended, with 70, $took_s s later: $(
            grep -m1 "$words" "$run/log"); ${3-}"
    else
        state FAIL severed "$1: still running: '$left'; ${3-}; $(cat "$run/log")"
        keep_run
    fi
}

check_severed() {
    local left took_s recovered
    hosts_make 3
    begin severed 1 "${short[@]}" --patience 2
    wait_for_activity
    cut_off
    recovered=$("$build/analysis/mpidrift-recover" "$run/run.spool" -o "$run/run.h5" 2>&1 &&
        "$python" "$root/tests/hosts/judge.py" recovered "$run" 2>&1) || left="nothing recovered"
    said 'mpidrift-recover run.spool -o run.h5' || left="not said how to recover"
    severed 'node2 cut off in the window' 'say how much it sent' "${recovered##*$'\n'}"
    [ -z "$quick" ] || return
    hosts_make 3
    begin unsynchronised 1 "${short[@]}" --sync-gap-s 4 --patience 2
    until said '^result: ' || ! kill -0 "$launched" 2>/dev/null; do sleep 0.02; done
    sleep 2
    cut_off
    severed 'node2 cut off between two synchronisations' 'synchronise the clocks again'
}

check_jump() {
    hosts_make 3
    until
        hosts_clock node1 0 0
        begin jump 2 "${short[@]}" --duration 2
        wait_for_activity
        sleep 1.2
        hosts_clock node1 0 0.05
        judge jump 'node1 by 50 ms' jump node1 0.05
    do :; done
    hosts_end
}

# places LABEL HOSTS RANKS_PER_HOST FOUND_HOSTS FOUND_CLOCKS, after what is special about the hosts
places() {
    hosts_make "$2"
    begin places "$3" "${short[@]}"
    judge places "$1" places "$4" "$5"
    hosts_end
}

check_places() {
    hosts_name=(twin twin) hosts_btl=self,tcp
    places 'two hosts of one name' 2 2 2 2
    hosts_shift_s=(none none) hosts_boot_id=(shared shared)
    places 'two names, one kernel and clock' 2 2 2 1
    [ -z "$quick" ] || return
    places 'one rank per host' 3 1 3 3
    places 'all on one host' 1 4 1 1
    hosts_shift_s=(0 0) hosts_boot_id=(shared shared)
    places 'one kernel, two time namespaces' 2 1 2 2
}

check_table() {
    hosts_shift_s=(0 1000.25 -100.5 5)
    hosts_make 4
    hosts_mpirun 2 "$build/src/mpidrift" --clock-check --sync-gap-s 5 </dev/null || failed=1
    hosts_link '*' '*' 1000 500
    hosts_mpirun 2 "$build/src/mpidrift" --clock-check --sync-gap-s 5 </dev/null || failed=1
    hosts_end
}

# For the test that nothing is left behind.
check_stay() {
    hosts_make 2
    begin stay 1 --duration 3600
    finish
}

for statement in $only; do
    [ "$statement" = tidy ] || "check_$statement"
done
exit $((failed > 0))
