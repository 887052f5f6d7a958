#!/usr/bin/env bash
# The scripts for clusters on a real Slurm of four hosts, all on this machine (tests/slurm/cluster.sh).
#
#   bash tests/slurm.sh [--quick] [--only "NAME..."] [--build DIR] [--keep DIR]
#
#   --quick      what every change must hold; otherwise all, below five minutes
#   --only "..." of: mpirun srun chain chain_srun calibrated limit cancel own_disk failing launcher
#                size refused modules unshared quota requeue plain
#   --build DIR  where mpidrift was built (build)
#   --keep DIR   copies there what was made: results, logs, Slurm's own logs
#
# Prints pass or FAIL for each. Nothing depends on how fast the machine is. Exit codes: 0 all hold; 1
# not; 64 usage; 69 no Slurm to test with; 77 the kernel does not let us make hosts.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
# shellcheck source=jobs/common.sh
. "$root/jobs/common.sh"
# shellcheck source=tests/slurm/cluster.sh
. "$root/tests/slurm/cluster.sh"

all="mpirun srun chain chain_srun calibrated limit cancel own_disk failing launcher size refused modules unshared quota requeue plain"
only=$all build=$root/build keep='' arguments=("$@")
while [ $# -gt 0 ]; do
    case $1 in
    --quick) only="mpirun chain_srun failing launcher size refused" ;;
    --only) only=${2-} && shift ;;
    --build) build=${2-} && shift ;;
    --keep) keep=${2-} && shift ;;
    -h | --help) sed -n '2,15s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
    *) say_and_exit 64 "unknown option $1; --help lists them" ;;
    esac
    shift
done
build=$(cd "$build" 2>/dev/null && pwd) && [ -x "$build/src/mpidrift" ] ||
    say_and_exit 64 'there is no build: bash tests/run.sh makes it, --build names it'
for program in slurmctld slurmd sbatch munged; do
    PATH=$PATH:/usr/sbin:/sbin command -v $program >/dev/null ||
        say_and_exit 69 "no $program: apt install slurmctld slurmd slurm-client munge"
done
export PATH=$PATH:/usr/sbin:/sbin SITE_PROGRAMS=$build
cluster_enclose "${BASH_SOURCE[0]}" "${arguments[@]}"

# ---- what the tests say with ----
failed=0
state() { # pass|FAIL NAME WORDS
    printf '%-4s %-10s %s\n' "$1" "$2" "$3"
    [ "$1" = pass ] || failed=$((failed + 1))
}

# claim NAME WORDS COMMAND...: passes if the command does.
claim() {
    local name=$1 words=$2
    shift 2
    if "$@"; then state pass "$name" "$words"; else state FAIL "$name" "$words"; fi
}

# The job's state as Slurm keeps it.
job_field() { # JOB FIELD
    timeout 10 scontrol -o show job "$1" | sed -n "s/.* $2=\([^ ]*\).*/\1/p"
}

is_over() {
    case $(job_field "$1" JobState) in PENDING | RUNNING | COMPLETING | CONFIGURING | SUSPENDED | REQUEUE*) return 1 ;; esac
}

wait_job() { # JOB: polls, because sbatch --wait looks every ten seconds
    local until=$((SECONDS + 150))
    until is_over "$1"; do
        [ $SECONDS -lt $until ] || { echo "job $1 did not end: $(job_field "$1" JobState)" && return 1; }
        sleep 0.3
    done
}

wait_for() { # SECONDS COMMAND...
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $until ] || return 1
        sleep 0.2
    done
}

# ended JOB STATE CODE
ended() {
    wait_job "$1" || return
    [ "$(job_field "$1" JobState)" = "$2" ] && [ "$(job_field "$1" ExitCode)" = "$3:0" ] && return
    echo "job $1: $(job_field "$1" JobState) $(job_field "$1" ExitCode)"
    tail -n 30 "$results"/*"-$1.log"
    return 1
}

quick=(--repeats 1 --duration 0.5 --warmup 0.2 --no-controls --idle sleep --per-host 4 --corridor "$root/jobs/corridors/version-lag.ini")
submit() {
    said=$(cd "$CLUSTER_FOLDER" && timeout 100 bash "$root/jobs/slurm/submit.sh" --results "$results" \
        --minutes-spare 1 --save-s 30 "${quick[@]}" "$@" 2>&1) || { status=$? && return; }
    status=0
    job=$(sed -n 's/^Submitted job \([0-9]*\):.*/\1/p; s/^Submitted a chain of jobs, \([0-9]*\) to .*/\1/p' <<<"$said")
    last=$(sed -n 's/.* to \([0-9]*\): a calibration.*/\1/p' <<<"$said")
    folder=$(sed -n 's/^  results *//p' <<<"$said")
}

runs_in() { # FOLDER: the node counts of the run files, and that they are whole
    local file
    for file in "$1"/bare-np*-r?.h5; do
        [ -s "$file" ] && basename "$file" | sed 's/bare-np0*\([0-9]*\)-.*/\1/'
    done | sort -n | tr '\n' ' '
}

hosts_of_run() { # FILE
    "$build/analysis/mpidrift-compare" --json "$1" 2>/dev/null | tr -d ' \n' | sed -n 's/.*"hosts":"\{0,1\}\([0-9]*\).*/\1/p'
}

is_campaign() { # FOLDER NODES...
    local wanted="$2"
    [ "$(runs_in "$1")" = "$wanted" ] || { echo "runs: $(runs_in "$1")" && return 1; }
    grep -q '^| Aspect' "$1/comparison.txt" || { echo 'no comparison' && return 1; }
}

results=$CLUSTER_FOLDER/results
mkdir "$results"

# ---- the campaign ----
check_campaign() { # NAME LAUNCHER
    submit --nodes "2 5 16" --launcher "$2"
    claim "$1" "submitted: job number, results, log, how to watch" \
        grep -q "squeue --jobs=$job" <<<"$said"
    claim "$1" 'the job completed with exit code 0' ended "$job" COMPLETED 0
    claim "$1" '2, 5 and 16 nodes ran under one corridor and were compared' is_campaign "$folder" '2 5 16 '
    claim "$1" '16 nodes were on four hosts' grep -q '^hosts: 4' "$folder/bare-np16-r1.log"
    claim "$1" 'five on two, two on one' grep -q '^hosts: 2' "$folder/bare-np05-r1.log"
    claim "$1" 'environment and hosts were captured' grep -q '^n4 ' "$folder/environment-$job.txt"
    printf '%s\n' "$said"
}
check_mpirun() { check_campaign mpirun mpirun; }
check_srun() { check_campaign srun 'srun --mpi=pmix'; }

check_chained() { # NAME LAUNCHER
    submit --chain --nodes "2 5" --launcher "$2"
    claim "$1" 'the last job of the chain completed' ended "$last" COMPLETED 0
    claim "$1" 'each run had a job, and they were compared' is_campaign "$folder" '2 5 '
}
check_chain() { check_chained chain mpirun; }
check_chain_srun() { check_chained chain_srun 'srun --mpi=pmix'; }

# The corridor and the load from a calibration that is a job of its own.
check_calibrated() {
    local quick=(--quick --repeats 1 --duration 0.5 --warmup 0.2 --no-controls --idle sleep --per-host 2)
    submit --chain --nodes "2 5"
    claim calibrated 'the chain completed' ended "$last" COMPLETED 0
    claim calibrated 'a calibration wrote the corridor' grep -q '^samples = ' "$folder/corridor-bare.ini"
    claim calibrated 'the message rate, which caps the load, was measured' grep -q '^message rate: [1-9]' "$folder/campaign.txt"
    claim calibrated 'both runs had it, and were compared' is_campaign "$folder" '2 5 '
}

# A run by hand, without any of our options.
check_plain() {
    local number
    cd "$results" || return
    number=$(SITE_IDLE=sleep sbatch --parsable --nodes=2 --ntasks-per-node=3 --output=plain-%j.log "$root/jobs/slurm/run.sbatch" --duration 0.5)
    claim plain 'run.sbatch by hand' ended "$number" COMPLETED 0
    claim plain 'it has as many nodes as the job has tasks' grep -q '^nodes: 6' "plain-$number.log"
    number=$(SITE_IDLE=sleep sbatch --parsable --nodes=3 --ntasks-per-node=2 --output=plain-%j.log "$root/jobs/slurm/campaign.sbatch" \
        --results "$results" --scenes bare --no-controls --repetitions 1 --duration 0.5 --corridor "$root/jobs/corridors/version-lag.ini")
    claim plain 'campaign.sbatch by hand' ended "$number" COMPLETED 0
    claim plain 'it ran the scales that fit' is_campaign "$results/slurm-$number-001" '2 5 '
    cd / || return
}

# ---- what ends a job ----
begun() { # FOLDER: something was observed that is worth saving; asked of a copy
    local copy
    copy=$(mktemp -d "$CLUSTER_FOLDER/copy-XXXXXX")
    cp -r "$1"/bare-np05-r1.spool "$copy" 2>/dev/null &&
        "$build/analysis/mpidrift-recover" "$copy/bare-np05-r1.spool" -o "$copy/run.h5" >>"$results/begun.log" 2>&1
}

recovered() { # FOLDER
    compgen -G "$1/*-recovered.h5" >/dev/null || return 1
    "$build/analysis/mpidrift-badges" --format csv "$1"/*-recovered.h5 >/dev/null
}

check_limit() {
    submit --nodes "5" --time 1 --duration 300
    claim limit 'the window was open' wait_for 60 begun "$folder"
    claim limit 'the job ended by itself before its limit, with 143' ended "$job" FAILED 143
    claim limit 'what was observed is in a run file' recovered "$folder"
    claim limit 'it says how to go on' grep -q 'submit.sh --resume' "$results/mpidrift-$job.log"
}

check_cancel() {
    submit --nodes "5" --time 5 --duration 300
    claim cancel 'the window was open' wait_for 60 begun "$folder"
    scancel "$job"
    claim cancel 'the job ended' wait_job "$job"
    claim cancel 'what was observed is in a run file' wait_for 20 recovered "$folder"
}

# Spools on each host's own disk, which no other host sees.
check_own_disk() {
    local host own=$CLUSTER_FOLDER/own
    mkdir "$own"
    for host in n1 n2 n3 n4; do cluster_on "$host" mount -t tmpfs tmpfs "$own"; done
    seen_on_host() { cluster_on n1 bash -c 'cp -r "$1" "$2" && "$3" "$2" -o "$2.h5"; s=$?; rm -rf "$2" "$2.h5"; exit $s' _ "$own/${folder##*/}/bare-np05-r1.spool" "$CLUSTER_FOLDER/copy" "$build/analysis/mpidrift-recover" >/dev/null 2>&1; }
    submit --nodes "5" --time 5 --duration 1 --spool-dir "$own"
    claim own_disk 'a run needs no shared file system for its spools' ended "$job" COMPLETED 0
    submit --nodes "5" --time 5 --duration 300 --spool-dir "$own"
    claim own_disk 'the window was open' wait_for 60 seen_on_host
    scancel --batch --signal=USR1 "$job"
    claim own_disk 'the job ended with 143' ended "$job" FAILED 143
    claim own_disk 'what was observed was fetched from the hosts and recovered' recovered "$folder"
    claim own_disk 'all nodes of both hosts are in it' five_nodes "$folder"
}

five_nodes() { # FOLDER
    [ "$(find "$1/bare-np05-r1.spool" -name '*.spool' -type f | wc -l)" = 5 ]
}

check_failing() {
    submit --chain --nodes "2 5" -- --keys 65
    claim failing 'the chain was submitted' test "$status" = 0
    wait_job "$job"
    wait_job "$last"
    claim failing 'the jobs behind a failed one were cancelled' test "$(job_field "$last" JobState)" = CANCELLED
    wait_for 30 eval '[ -z "$(squeue -h)" ]'
}

# A requeued job goes on and makes nothing twice.
check_requeue() {
    local first
    submit --nodes "2 5" --repeats 2 --duration 2
    first=$folder/$(ls "$folder" 2>/dev/null | head -n 0)
    claim requeue 'a first run was there' wait_for 60 eval 'compgen -G "$folder/bare-np0?-r?.h5" >/dev/null'
    first=$(cd "$folder" && stat -c '%n %Y' bare-np0?-r?.h5 | head -n 1)
    scontrol requeue "$job"
    wait_for 30 eval '[ "$(job_field "$job" JobState)" = PENDING ]'
    # By itself Slurm waits two minutes; in less than two seconds it would trip over the first start.
    scontrol update JobId="$job" StartTime=now+3
    claim requeue 'the job completed after all' ended "$job" COMPLETED 0
    claim requeue 'all runs are there' is_campaign "$folder" '2 2 5 5 '
    claim requeue 'what was there was kept' grep -qxF "$first" <<<"$(cd "$folder" && stat -c '%n %Y' bare-np0?-r?.h5)"
    claim requeue 'the log says so' grep -q 'This job was requeued: going on' "$results/mpidrift-$job.log"
}

# ---- what is refused, and in which words ----
check_launcher() {
    submit --nodes "2" --launcher 'srun --mpi=none'
    claim launcher 'the job failed before anything was measured' ended "$job" FAILED 69
    claim launcher 'it says what to correct' grep -q "'srun --mpi=none' does not start this program" "$results/mpidrift-$job.log"
    claim launcher 'nothing was made' test ! -e "$folder"
}

check_size() {
    local number
    number=$(cd "$results" && sbatch --parsable --nodes=2 --ntasks-per-node=2 --output=size-%j.log "$root/jobs/slurm/campaign.sbatch" --nodes "2 5")
    claim size 'a campaign larger than its job is refused' ended "$number" FAILED 64
    claim size 'it says why' grep -q '5 nodes do not fit: this job has 2 hosts with 2 nodes each (SLURM_NTASKS=4)' "$results/size-$number.log"
    number=$(cd "$results" && sbatch --parsable --nodes=2 --ntasks-per-node=1 --output=size-%j.log "$root/jobs/slurm/run.sbatch" --expect-nodes 3)
    claim size 'a world of the wrong size is refused' ended "$number" FAILED 64
    claim size 'it says why' grep -q '3 nodes were expected' "$results/size-$number.log"
}

was_said() { # CODE WORDS
    [ "$status" = "$1" ] && grep -qF -- "$2" <<<"$said" && return
    echo "$status: $said"
    return 1
}

# refused NAME CODE WORDS: of the last submit
refused() {
    claim "$1" "exit code $2, \"$3\"" was_said "$2" "$3"
}

check_refused() {
    submit --partition nowhere
    refused refused 69 "there is no partition 'nowhere' here, but: test. Correct 'partition' in"
    submit --sbatch-options=--reservation=none
    refused refused 77 'Slurm refused: sbatch: error: Batch job submission failed'
    submit --frobnicate 3
    refused refused 64 'unknown option --frobnicate'
    submit --dry-run
    refused refused 0 'sbatch --parsable --nodes=4 --ntasks-per-node=4 --exclusive'
    claim refused 'nothing was submitted' test -z "$job"
    submit --results /proc/results
    refused refused 73 'cannot create the folder /proc/results'
    mkdir "$CLUSTER_FOLDER/bin"
    ln -s "$(command -v bash)" "$(command -v dirname)" "$(command -v timeout)" "$CLUSTER_FOLDER/bin"
    said=$(PATH=$CLUSTER_FOLDER/bin bash "$root/jobs/slurm/submit.sh" 2>&1) && status=0 || status=$?
    refused refused 69 'there is no sbatch here: submit on the login node'
    ln -s "$(command -v sbatch)" "$CLUSTER_FOLDER/bin"
    printf '#!/bin/bash\necho "slurm_load_partitions: Unable to contact slurm controller" >&2; exit 1\n' >"$CLUSTER_FOLDER/bin/sinfo"
    chmod +x "$CLUSTER_FOLDER/bin/sinfo"
    said=$(PATH=$CLUSTER_FOLDER/bin bash "$root/jobs/slurm/submit.sh" 2>&1) && status=0 || status=$?
    refused refused 69 'Slurm does not answer: slurm_load_partitions: Unable to contact slurm controller'
    printf 'partitoin = x\n' >"$CLUSTER_FOLDER/site.conf"
    SITE_CONF=$CLUSTER_FOLDER/site.conf submit
    refused refused 65 "site.conf:1: there is no key 'partitoin'"
}

check_modules() {
    submit --modules 'no-such-module/1.0'
    refused modules 69 "no-such-module/1.0 does not load"
}

check_unshared() {
    local host far=$CLUSTER_FOLDER/far
    mkdir -p "$far"
    for host in n1 n2 n3 n4; do cluster_on "$host" mount -t tmpfs tmpfs "$far"; done
    submit --nodes 5 --results "$far" --sbatch-options "--output=$results/far-%j.log"
    claim unshared 'refused before anything ran' ended "$job" FAILED 73
    claim unshared 'it names the host and the way out' grep -q 'is not shared by all hosts' "$results/far-$job.log"
}

check_quota() {
    local host small=$CLUSTER_FOLDER/small
    mkdir -p "$small"
    # One file system for all hosts, as large as a corridor and a log.
    mount -t tmpfs -o size=200k tmpfs "$small"
    for host in n1 n2 n3 n4; do
        nsenter --target 1 --mount -- true
        cluster_on "$host" mount -t tmpfs -o size=200k tmpfs "$small"
    done
    submit --nodes 2 --results "$small" --sbatch-options "--output=$results/small-%j.log"
    claim quota 'the job failed with 74, written to no avail' ended "$job" FAILED 74
    claim quota 'it says that the disk is full' grep -qi 'no space\|disk is full\|quota' "$results/small-$job.log"
}

cluster_up 4 16 || { state FAIL cluster 'Slurm did not come up' && exit 1; }
for name in $only; do
    declare -F "check_$name" >/dev/null || say_and_exit 64 "there is no check '$name'"
    began=$SECONDS
    "check_$name"
    printf '     %-10s %d s\n' "$name" $((SECONDS - began))
done
if [ -n "$keep" ]; then
    mkdir -p "$keep" && cp -r "$results" "$CLUSTER_FOLDER/log" "$keep"
fi
printf '%s\n' "$([ "$failed" -eq 0 ] && echo 'all hold' || echo "$failed do not hold")"
[ "$failed" -eq 0 ]
