#!/usr/bin/env bash
# The lab on a Slurm cluster: builds, submits a campaign, and says where everything will be.
#
#   bash jobs/slurm/submit.sh [OPTION...] [-- MPIDRIFT_OPTION...]
#
#   --nodes "2 5 16 64"   node counts (site.conf: nodes)
#   --per-host K          nodes on each host, the same at every scale (site.conf: per_host); the job
#                         gets the hosts of the largest scale, nodes / K rounded up
#   --repeats R           repetitions of each node count (6)
#   --system S            replication, messaging, leader, consensus
#   --card C              a ready-made assumption; --card list says what there is
#   --one-job             the whole campaign in one job and one wait in the queue (default)
#   --chain               one job for each run, each after the one before; if one fails, Slurm
#                         cancels the rest
#   --resume DIR          go on with a campaign that was stopped, in one job
#   --time MINUTES        time limit, instead of the computed one
#   --dry-run             say what would be submitted, and submit nothing
#   --partition P, --account A, --constraint C, --modules "M...", --launcher L, ...
#                         any key of jobs/site.conf, with - for _
#   --scenes, --duration, --warmup, --seed, --corridor, --reuse, --results, --programs, --quick,
#   --no-controls         as in jobs/local.sh (here the scene is bare: the network is a real one)
#
# Exit codes: 0 submitted; 64 usage; 65 bad input file; 69 something is missing: no Slurm, a module,
# a partition, a program; 73 cannot create; 77 Slurm refused.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 70
# shellcheck source=jobs/common.sh
. "$root/jobs/common.sh"
# shellcheck source=jobs/slurm/site.sh
. "$root/jobs/slurm/site.sh"

usage() {
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
}

# ---- options ----
read_options() {
    form=one-job dry_run=no minutes='' resume='' results='' card='' system=''
    nodes=$site_nodes scenes='' lab=() run_options=()
    while [ $# -gt 0 ]; do
        case $1 in
        -h | --help) usage && exit 0 ;;
        --one-job | --chain) form=${1#--} && shift && continue ;;
        --dry-run) dry_run=yes && shift && continue ;;
        --quick | --no-controls) lab+=("$1") && shift && continue ;;
        --) shift && run_options=("$@") && break ;;
        --*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
        esac
        [ $# -ge 2 ] || say_and_exit 64 "$1 is unknown or needs a value; --help lists the options"
        read_option "$1" "$2"
        shift 2
    done
}

read_option() {
    local key=${1#--}
    key=${key//-/_}
    case $1 in
    --nodes) nodes=${2//,/ } ;;
    --repeats | --repetitions) lab+=(--repetitions "$2") ;;
    --system) system=$2 ;;
    --card) card=$2 ;;
    --resume) resume=$2 ;;
    --time) minutes=$2 ;;
    --results) results=$2 ;;
    --scenes) scenes=$2 ;;
    --duration | --warmup | --seed | --corridor | --reuse) lab+=("$1" "$2") ;;
    --name) say_and_exit 64 \
        'a campaign on Slurm is called after its job; --results says where it is' ;;
    *)
        [[ $1 == --* && " ${site_keys//$'\n'/ } " == *" $key "* ]] ||
            say_and_exit 64 \
                "unknown option $1; --help lists the options, mpidrift's own go behind --"
        set_site "$key" "$2" "$1" ;;
    esac
}

# ---- what must be there ----
check_slurm() {
    local known
    command -v sbatch >/dev/null || say_and_exit 69 \
        'there is no sbatch here: submit on the login node of a cluster; on a laptop use jobs/local.sh'
    known=$(timeout 60 sinfo --noheader --format=%R 2>&1) ||
        say_and_exit 69 "Slurm does not answer: ${known//$'\n'/ }. Try again later, or ask: sinfo"
    known=$(printf '%s\n' "$known" | sort -u | tr '\n' ' ')
    [ -z "$site_partition" ] || [[ " $known" == *" $site_partition "* ]] || say_and_exit 69 \
        "there is no partition '$site_partition' here, but: ${known% }. Correct 'partition' in $(site_file), or give --partition"
}

build_programs() {
    programs=$site_programs
    if [ -z "$programs" ] && [ -f "$root/CMakeLists.txt" ]; then
        bash "$root/jobs/setup.sh" || exit
        echo 'Building.'
        build release build "$root/build/build.log" -DBUILD_TESTING=OFF || exit 70
        programs=$root/build
    fi
    programs=$(programs_folder "$programs") || exit
}

# ---- the campaign in words of jobs/local.sh ----
make_campaign() {
    [ -n "$results" ] || results=$(default_results)
    mkdir -p "$results" 2>/dev/null || say_and_exit 73 \
        "cannot create the folder $results: give --results one that you may write to"
    results=$(cd "$results" && pwd) || exit 73
    [ -w "$results" ] || say_and_exit 73 \
        "no permission to write to $results: give --results another"
    [ -z "$card" ] || lab+=(--card "$card")
    [ -n "$scenes" ] || [ -n "$card" ] || scenes=bare
    [ -z "$scenes" ] || lab+=(--scenes "$scenes")
    [ -z "$system" ] || run_options=(--system "$system" ${run_options[@]+"${run_options[@]}"})
    lab+=(--nodes "$nodes" --programs "$programs" --results "$results")
}

# What the campaign that goes on was begun with.
take_resumed() {
    local saved
    mapfile -t saved <"$resume/options.txt" 2>/dev/null || say_and_exit 65 \
        "$resume is no campaign folder: it has no options.txt"
    results=$(dirname "$resume")
    nodes=$(saved_value --nodes "${saved[@]}")
    site_per_host=$(saved_value --per-host "${saved[@]}")
    [ -n "$site_per_host" ] || say_and_exit 65 \
        "$resume was made without --per-host: it is no campaign of a cluster"
}

saved_value() {
    local option=$1
    shift
    while [ $# -gt 1 ] && [ "$1" != "$option" ]; do
        shift
    done
    printf '%s' "${2:-}"
}

behind_dashes() {
    behind=()
    [ "${#run_options[@]}" -eq 0 ] || behind=(-- "${run_options[@]}")
}

# The plan is local.sh's, and so is what it says of a wrong option.
make_plan() {
    local asked=("${lab[@]}" ${behind[@]+"${behind[@]}"})
    [ -z "$resume" ] || asked=(--resume "$resume" --only plan)
    [ -n "$resume" ] || asked=(--only plan "${asked[@]}")
    plan=$(bash "$root/jobs/local.sh" "${asked[@]}") || exit
    [ -n "$(plan_value nodes_max)" ] || { printf '%s\n' "$plan" && exit 0; } # --card list
}

plan_value() {
    sed -n "s/^$1: //p" <<<"$plan"
}

# ---- submitting ----
# Minutes for so many seconds of work.
limit_of() {
    echo "${minutes:-$((($1 + site_save_s + 59) / 60 + site_minutes_spare))}"
}

# Fills `words`: sbatch for COUNT nodes, MINUTES, with NAME.
sbatch_words() {
    words=(sbatch --parsable --nodes="$(hosts_of "$1")" --ntasks-per-node="$site_per_host"
        --exclusive --hint=nomultithread --time="$2" --signal="B:USR1@$site_save_s" --job-name="$3"
        --output="$results/$3-%j.log" --export=ALL)
    [ -z "$site_partition" ] || words+=(--partition="$site_partition")
    [ -z "$site_account" ] || words+=(--account="$site_account")
    [ -z "$site_constraint" ] || words+=(--constraint="$site_constraint")
    # shellcheck disable=SC2206 # words that the site wrote
    words+=($site_sbatch_options)
}

# submit ARGUMENT...: what sbatch_words prepared, with campaign.sbatch and its arguments. Sets `job`.
submit() {
    local said
    if [ "$dry_run" = yes ]; then
        printf '%q ' "${words[@]}" "$root/jobs/slurm/campaign.sbatch" "$@" && echo
        job=0
        return
    fi
    said=$(timeout 60 "${words[@]}" "$root/jobs/slurm/campaign.sbatch" "$@" 2>&1) || refused "$said"
    job=$(printf '%s\n' "$said" | sed -n 's/^\([0-9][0-9]*\)\(;.*\)\{0,1\}$/\1/p')
    [ -n "$job" ] || refused "$said"
}

refused() {
    printf 'submit.sh: Slurm refused: %s\n' "$1" >&2
    [ -z "${jobs_made:-}" ] || { timeout 60 scancel $jobs_made; printf 'The jobs before it are cancelled:%s.\n' "$jobs_made" >&2; }
    printf 'It was asked by: %s\nPartition, account and further words come from %s.\n' \
        "$(printf '%q ' "${words[@]}")" "$(site_file)" >&2
    exit 77
}

one_job() {
    local count limit
    count=$(plan_value nodes_max)
    limit=$(limit_of "$(plan_value seconds)")
    sbatch_words "$count" "$limit" mpidrift
    if [ -n "$resume" ]; then
        submit --resume "$resume"
    else
        submit "${lab[@]}" ${behind[@]+"${behind[@]}"}
    fi
    [ "$dry_run" = no ] || return 0
    cat <<TEXT
Submitted job $job: $(plan_value runs) runs at $nodes nodes, $(hosts_of "$count") hosts with $site_per_host each,
at most $limit minutes once it has begun.
  results   ${resume:-$results/slurm-$job-001}
  log       $results/mpidrift-$job.log
  watch     squeue --jobs=$job; tail -f $results/mpidrift-$job.log
  stop      scancel --batch --signal=USR1 $job     (saves what was observed)
TEXT
}

# The folder is made here; each job is one step of the campaign in it.
chain() {
    local count minutes_run previous number first
    cluster_options
    [ "$dry_run" = no ] || { printf 'one calibration, %s runs, one comparison, each after the one before\n' "$(plan_value runs)" && return; }
    folder=$(bash "$root/jobs/local.sh" --only folder "${cluster[@]}" "${lab[@]}" --name chain ${behind[@]+"${behind[@]}"} | tail -n 1) || exit
    minutes_run=$(limit_of $(($(plan_value run_s) * 2 + 60)))
    sbatch_words "$(plan_value nodes_min)" "$(limit_of 300)" mpidrift-calibration
    submit --resume "$folder" --only calibration
    previous=$job first=$job jobs_made=" $job"
    while read -r number count _; do
        sbatch_words "$count" "$minutes_run" mpidrift-run
        words+=(--dependency="afterok:$previous" --kill-on-invalid-dep=yes)
        submit --resume "$folder" --only "run:$number"
        previous=$job jobs_made+=" $job"
    done < <(sed -n 's/^run: //p' <<<"$plan")
    sbatch_words "$(plan_value nodes_min)" "$(limit_of 300)" mpidrift-comparison
    words+=(--dependency="afterok:$previous" --kill-on-invalid-dep=yes)
    submit --resume "$folder" --only comparison
    jobs_made+=" $job"
    cat <<TEXT
Submitted a chain of jobs, $first to $job: a calibration, $(plan_value runs) runs, a comparison; each after
the one before, on $site_per_host nodes per host. If one fails, Slurm cancels the rest.
  results   $folder
  logs      $results/mpidrift-*-JOB.log
  watch     squeue --me; tail -f $folder/campaign.txt
  stop      scancel$jobs_made
TEXT
}

main() {
    [ "${BASH_VERSINFO[0]}" -ge 4 ] || say_and_exit 69 'bash 4 or newer is needed'
    read_site
    read_options "$@"
    [ "$card" = list ] || check_slurm
    [[ $minutes =~ ^([1-9][0-9]{0,4})?$ ]] || say_and_exit 64 \
        "--time: '$minutes' is not a number of minutes"
    [ "$card" != list ] || { bash "$root/jobs/local.sh" --card list && exit 0; }
    load_modules
    [ -z "$resume" ] || resume=$(cd "$resume" 2>/dev/null && pwd) || say_and_exit 65 \
        "$resume is no campaign folder"
    build_programs
    make_campaign
    [ -z "$resume" ] || take_resumed
    behind_dashes
    make_plan
    export_site
    case $form in
    one-job) one_job ;;
    chain) [ -z "$resume" ] || say_and_exit 64 '--resume goes on in one job' && chain ;;
    esac
}

main "$@"
