# shellcheck shell=bash
# What the scripts for Slurm share: the site's settings, the way to the programs, and how to say what
# went wrong. Sourced, never run. The caller has set `root` and sourced jobs/common.sh.

site_keys="partition account constraint sbatch_options programs modules launcher cores_per_node idle per_host
nodes spool_dir copy_back minutes_spare save_s"

# One variable site_KEY for each key: from the file, then from the environment.
read_site() {
    local file=${SITE_CONF:-$root/jobs/site.conf} line key value number=0 name
    for key in $site_keys; do
        printf -v "site_$key" '%s' ''
    done
    [ -r "$file" ] || say_and_exit 65 "cannot read $file"
    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1)) line=${line%%#*}
        [[ $line =~ [^[:space:]] ]] || continue
        [[ $line =~ ^[[:space:]]*([a-z_]+)[[:space:]]*=[[:space:]]*(.*[^[:space:]])?[[:space:]]*$ ]] ||
            say_and_exit 65 "$file:$number: this is not KEY = VALUE"
        key=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
        set_site "$key" "$value" "$file:$number"
    done <"$file"
    for key in $site_keys; do
        name=SITE_${key^^}
        [ -z "${!name+set}" ] || set_site "$key" "${!name}" "$name in the environment"
    done
}

# set_site KEY VALUE WHERE
set_site() {
    [[ " ${site_keys//$'\n'/ } " == *" $1 "* ]] || say_and_exit 65 "$3: there is no key '$1'"
    case $1 in
    cores_per_node | minutes_spare) [[ $2 =~ ^[0-9]{1,6}$ ]] ||
        say_and_exit 65 "$3: $1 is a whole number, not '$2'" ;;
    per_host | save_s) [[ $2 =~ ^[1-9][0-9]{0,5}$ ]] ||
        say_and_exit 65 "$3: $1 is a whole number above 0, not '$2'" ;;
    idle) [[ $2 =~ ^(auto|sleep|spin)$ ]] || say_and_exit 65 "$3: idle is auto, sleep or spin" ;;
    copy_back) [[ $2 =~ ^(srun|none)$ ]] || say_and_exit 65 "$3: copy_back is srun or none" ;;
    launcher) [[ $2 =~ ^[^[:space:]] ]] || say_and_exit 65 "$3: a launcher is needed" ;;
    esac
    printf -v "site_$1" '%s' "$2"
}

# For the job: the settings as they are now, also those that the command line gave.
export_site() {
    local key name
    for key in $site_keys; do
        name=site_$key
        export "SITE_${key^^}=${!name}"
    done
}

load_modules() {
    local name
    [ -n "$site_modules" ] || return 0
    if ! command -v module >/dev/null; then
        for name in /etc/profile.d/modules.sh /etc/profile.d/lmod.sh /usr/share/modules/init/bash; do
            # shellcheck disable=SC1090 # which one, only the machine knows
            [ ! -r "$name" ] || { set +u && . "$name" && set -u; }
        done
    fi
    command -v module >/dev/null ||
        say_and_exit 69 "no command 'module' here, but site.conf names modules: $site_modules"
    for name in $site_modules; do
        # Old versions return 0 whatever happens: what they say decides.
        local said
        said=$(module load "$name" 2>&1) && [[ $said != *ERROR* ]] ||
            say_and_exit 69 \
                "the module $name does not load: ${said//$'\n'/ }. Correct 'modules' in $(site_file); \`module avail\` lists them"
        module load "$name" >/dev/null 2>&1
    done
}

site_file() {
    show_site=${SITE_CONF:-$root/jobs/site.conf}
    printf '%s' "${show_site#"$PWD"/}"
}

hosts_of() { # COUNT: ⌈COUNT / K⌉
    echo $((($1 + site_per_host - 1) / site_per_host))
}

# Whether a node of the run has a core of its own, by the site's word or by this machine's count.
idle_mode() {
    local cores=$site_cores_per_node
    if [ "$site_idle" != auto ]; then
        echo "$site_idle"
        return
    fi
    [ "$cores" -gt 0 ] || [ -n "${SLURM_JOB_ID:-}" ] || cores=$(cores_by_slurm)
    [ "$cores" -gt 0 ] || cores=$(physical_cores)
    if [ "$site_per_host" -le "$cores" ]; then echo spin; else echo sleep; fi
}

# The fewest of any machine of the partition, asked where no job runs; 0: Slurm does not say.
cores_by_slurm() {
    timeout 60 sinfo --noheader ${site_partition:+--partition="$site_partition"} --format='%X %Y' 2>/dev/null |
        awk '{ c = $1 * $2; if (least == 0 || c < least) least = c } END { print least + 0 }'
}

physical_cores() {
    local counted
    counted=$(lscpu -p=CORE,SOCKET 2>/dev/null | grep -v '^#' | sort -u | wc -l)
    if [ "$counted" -gt 0 ]; then echo "$counted"; else nproc; fi
}

# What local.sh is given besides the user's own options, the same at every scale. Fills `cluster`.
cluster_options() {
    cluster=(--per-host "$site_per_host" --launcher "$site_launcher" --cap-load)
    [ -z "$site_spool_dir" ] || cluster+=(--spool-root "$site_spool_dir")
    cluster+=(--idle "$(idle_mode)")
}

# find_program DIR NAME: its path; DIR holds programs or a build, empty: the site's, this clone's or
# the prefix's own.
find_program() {
    local folder
    set -- "${1:-$site_programs}" "$2"
    for folder in ${1:+"$1" "$1/src" "$1/analysis"} "$root/build/src" "$root/build/analysis" "$root/../../bin"; do
        if [ -x "$folder/$2" ]; then
            (cd "$folder" && printf '%s/%s' "$PWD" "$2")
            return
        fi
    done
    say_and_exit 69 \
        "there is no program $2${1:+ in $1}: jobs/slurm/submit.sh builds it, --programs DIR names it"
}

# programs_folder DIR: what jobs/local.sh takes as --programs, a folder of programs or a build.
programs_folder() {
    local found
    found=$(find_program "$1" mpidrift) || exit
    found=$(dirname "$found")
    if [ -x "$found/mpidrift-compare" ]; then echo "$found"; else dirname "$found"; fi
}
