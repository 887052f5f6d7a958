# shellcheck shell=bash
# How nodes are started and where their spools wait. What belongs to one launcher (Open MPI, MPICH,
# Slurm) is here and in mpi_environment of common.sh. Sourced by local.sh, never run.
#
# Needs `launcher` (words), `per_host` (0: not declared), `idle` (empty: mpidrift's default),
# `spool_root` (empty: beside the run file), `folder`.

# Fills `words` with the command that starts that many nodes, per_host of them on each host, and
# what each node is told about it. Binding is the same at every scale: a node that spins has a core
# of its own, others may use every CPU of their host.
launcher_words() {
    local hosts=$1
    [ "$per_host" -eq 0 ] || hosts=$((($1 + per_host - 1) / per_host))
    read -ra words <<<"$launcher"
    case ${words[0]##*/} in
    srun)
        words+=(--ntasks="$1")
        [ "$per_host" -eq 0 ] || words+=(--nodes="$hosts" --ntasks-per-node="$per_host")
        words+=(--kill-on-bad-exit=1 --cpu-bind="$([ "$idle" = spin ] && echo cores || echo none)") ;;
    *)
        words+=(-np "$1")
        if [ "$per_host" -gt 0 ] || [ -n "$idle" ]; then
            mpirun_placement
        fi ;;
    esac
}

mpirun_placement() {
    case $("${words[0]}" --version 2>&1 | head -n 1) in
    *'Open MPI'* | *'OpenRTE'*)
        [ "$per_host" -eq 0 ] || words+=(--map-by "ppr:$per_host:node")
        words+=(--bind-to "$([ "$idle" = spin ] && echo core || echo none)") ;;
    *)
        [ "$per_host" -eq 0 ] || words+=(-ppn "$per_host")
        words+=(-bind-to "$([ "$idle" = spin ] && echo core || echo none)") ;;
    esac
}

# Fills `node_options` with what mpidrift is told about its placement.
placement_options() {
    node_options=(--expect-nodes "$1")
    [ "$per_host" -eq 0 ] || node_options+=(--per-host "$per_host")
    case $idle in
    spin) node_options+=(--idle spin --bind keep --yield off) ;;
    ?*) node_options+=(--idle "$idle") ;;
    esac
}

# ---- spools on each host's own disk ----
# The run's folder there. Named after the campaign, so that two never meet.
spool_of() {
    printf '%s/%s/%s.spool' "$spool_root" "${folder##*/}" "${1##*/}"
}

# make_spools RUN_PATH COUNT: the folder on every host that the run will use; node 0 makes its own.
make_spools() {
    local at
    at=$(spool_of "$1")
    on_each_host "$2" mkdir -p "$at" ||
        say_and_exit 73 "cannot make $at on every host: --spool-root names a folder that each has"
}

# on_each_host COUNT COMMAND...: once on each host that so many nodes use.
on_each_host() {
    local hosts=1
    [ "$per_host" -eq 0 ] || hosts=$((($1 + per_host - 1) / per_host))
    shift
    if [ -n "${SLURM_JOB_ID:-}" ]; then
        srun --nodes="$hosts" --ntasks="$hosts" --ntasks-per-node=1 --mpi=none "$@" </dev/null
    else
        "$@"
    fi
}
