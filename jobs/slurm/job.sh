# shellcheck shell=bash
# What the batch scripts share inside a job: stop in time, save, fetch, recover, return the right
# code. Sourced, never run. The caller has set `root` and sourced jobs/common.sh and site.sh.

child=
stopped=no

# What is under way ends gently: the launcher passes it on, and the ranks have seconds to save.
on_stop() {
    stopped=yes
    printf 'Stopping: %s.\n' "$1"
    [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
}

# Slurm sends USR1 before the limit (--signal=B:USR1@), TERM at it and at scancel. The shell gets a
# signal only while it waits, so what it runs is in the background.
trap_stops() {
    trap 'on_stop "the time limit is near"' USR1
    trap 'on_stop "the job was told to end"' TERM INT
}

# run_watched COMMAND...: its status, also when a signal came meanwhile.
run_watched() {
    local status
    "$@" &
    child=$!
    wait "$child"
    status=$?
    while kill -0 "$child" 2>/dev/null; do # the wait was interrupted, it has not ended
        wait "$child"
        status=$?
    done
    child=
    [ "$stopped" = no ] || status=143
    return "$status"
}

refuse_without_job() {
    [ -n "${SLURM_JOB_ID:-}" ] ||
        say_and_exit 64 'this is a batch script: sbatch it, or use jobs/slurm/submit.sh'
    [ -n "${SLURM_NTASKS_PER_NODE:-}" ] || say_and_exit 64 \
        'sbatch it with --ntasks-per-node=K: without it Slurm places nodes unevenly (13/1/1/1)'
}

# The folder that is to hold the results must be seen by every host, and so must the program.
check_hosts() { # FOLDER PROGRAM
    local mark="$1/.seen-$SLURM_JOB_ID" blind
    { : >"$mark"; } 2>/dev/null || say_and_exit 73 \
        "cannot write to $1: give --results a folder that you may write to"
    # shellcheck disable=SC2016 # the words are for the hosts' shell
    blind=$(srun --mpi=none --nodes="$SLURM_NNODES" --ntasks="$SLURM_NNODES" --ntasks-per-node=1 bash -c '
        [ -x "$2" ] || echo "$(uname -n) has no program $2"
        [ -e "$1" ] || [ -n "$3" ] || echo "$(uname -n) does not see $1"' \
        _ "$mark" "$2" "$site_spool_dir" </dev/null 2>&1 | grep ' has no program \| does not see ')
    rm -f "$mark"
    [ -n "$blind" ] || return 0
    printf '%s\n' "$blind" >&2
    case $blind in
    *'does not see'*) say_and_exit 73 \
        "the results folder is not shared by all hosts: give --results a shared one, or set spool_dir in $(site_file) to a folder that each host has (/tmp)" ;;
    esac
    say_and_exit 69 \
        'the program is not on every host: build or install it on a shared file system, and give --programs'
}

# check_launcher PROGRAM NODES: does the site's launcher start this program as one world of that many?
# Needs launcher.sh.
check_launcher() {
    local said words node_options launcher=$site_launcher per_host=$site_per_host idle=''
    launcher_words "$2"
    placement_options "$2"
    said=$(timeout -k 10 300 "${words[@]}" "$1" "${node_options[@]}" --dry-run </dev/null 2>&1 >/dev/null) && return
    printf '%s\n' "$said" | tail -n 15 | sed 's/^/    /' >&2
    say_and_exit 69 \
        "'$site_launcher' does not start this program (above: its last words). Correct 'launcher' in $(site_file); \`srun --mpi=list\` shows what Slurm speaks, mpirun must be of the MPI library that mpidrift was built with"
}

# What the machine was like, for whoever reads the results later. Nothing here may fail the job.
capture_environment() { # FILE
    {
        printf '== job\n' && scontrol show job "$SLURM_JOB_ID"
        printf '\n== environment\n' && env | grep -E '^(SLURM|SITE|OMPI|PMIX|PRTE|UCX|MPICH|FI|I_MPI|LOADEDMODULES|LD_LIBRARY_PATH)' | sort
        printf '\n== topology of the network\n' && scontrol show topology
        printf '\n== hosts\n'
        srun --mpi=none --nodes="$SLURM_NNODES" --ntasks="$SLURM_NNODES" --ntasks-per-node=1 bash -c '
            echo "$(uname -nr): $(lscpu | sed -n "s/^\(Model name\|Socket(s)\|Core(s) per socket\|Thread(s) per core\|NUMA node(s)\): */\1 /p" | tr "\n" ",")"' </dev/null
    } >"$1" 2>&1 || :
}

# fetch_spools FOLDER: what a stopped run left on each host's own disk, host by host, through Slurm:
# no file system needs to be shared.
fetch_spools() {
    local at=$site_spool_dir/${1##*/} host
    [ -n "$site_spool_dir" ] || return 0
    if [ "$site_copy_back" = none ]; then
        printf 'Spools stay on the hosts, in %s (copy_back = none).\n' "$at"
        return
    fi
    for host in $(scontrol show hostnames "$SLURM_JOB_NODELIST"); do
        # shellcheck disable=SC2016 # the words are for the hosts' shell
        srun --mpi=none --nodes=1 --ntasks=1 --ntasks-per-node=1 --nodelist="$host" bash -c '
            [ ! -d "$1" ] || { tar -C "$1" -cf - . && rm -rf "$1"; }' _ "$at" </dev/null |
            { tar -C "$1" -xf - --ignore-zeros 2>/dev/null || printf 'cannot fetch %s from %s (a job that was cancelled may start nothing more): it stays there\n' "$at" "$host" >&2; }
    done
    find "$1" -maxdepth 1 -name '*.spool' -type d -empty -delete 2>/dev/null
}

# rescue FOLDER RECOVER: a run file from each folder of spools that a stopped run left.
rescue() {
    local spool file
    for spool in "$1"/*.spool; do
        compgen -G "$spool/*.spool" >/dev/null || continue
        file=${spool%.spool}-recovered.h5
        [ ! -e "$file" ] || continue
        if "$2" "$spool" -o "$file"; then
            printf 'Recovered what was observed: %s\n' "${file#"$PWD"/}"
        fi
    done
}
