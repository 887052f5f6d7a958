#!/usr/bin/env bash
# Who may know whom: layers.sh [ROOT] reads the includes and calls of the sources below ROOT (this
# tree without it) and prints each that the design forbids. layers.sh --self-test plants forbidden
# ones in a copy and fails unless each is found. Exit codes: 0 clean; 1 not; 64 usage.
set -uo pipefail

# Files, and the project headers that they may include, both as extended regular expressions of the
# whole name. A file that stands in no line may include any. Headers that stand in one are doors:
# what lies behind them is bounded by their own line, so nothing is reached by way of others.
headers_allowed='
src/(failure|fnv1a|half_written|splitmix|touch)\.h|src/clock/clock_model\.h : none
src/clock/clock_model\.c|src/clock/clock\.h           : clock/clock_model\.h
src/clock/.*                     : clock/.*|failure\.h|fnv1a\.h|(mpi_check|patience)\.h
src/net/perturb\.[ch]            : net/.*|clock/clock\.h|failure\.h|(splitmix|touch)\.h
src/net/net_mpi\.[ch]            : net/.*|failure\.h|(mpi_check|mpi_library|patience)\.h|touch\.h
src/net/.*                       : net/(net|wire|perturb)\.h|clock/clock_model\.h|failure\.h
src/observe/boundary\.h          : clock/clock_model\.h
src/observe/.*                   : observe/.*|clock/clock_model\.h|failure\.h|touch\.h
src/system/.*                    : system/.*|net/net\.h|observe/boundary\.h|clock/clock_model\.h|(fnv1a|touch)\.h
src/engine\.[ch]                 : engine\.h|clock/clock\.h|system/system\.h
src/record/spool.*               : record/spool.*|observe/badge\.h|failure\.h|fnv1a\.h|touch\.h
src/record/run_file.*            : record/run_file.*|observe/.*|system/table\.h|failure\.h|fnv1a\.h
analysis/metrics/.*              : analysis/metrics/.*|observe/(badge|corridor)\.h
analysis/recover(y/.*|\.c)        : analysis/.*|record/(run_file|run_facts|rows|books)\.h|record/spool.*
analysis/.*                      : analysis/.*|record/run_file\.h|half_written\.h
'

# Headers of libraries that only some files may include.
libraries_bound='
mpi\.h  : src/main\.c|src/clock/.*|src/net/net_mpi\.[ch]|src/record/gather\.c|src/world\.[ch]|src/mpi_check\.h|src/patience\.[ch]|src/mpi_library\.[ch]|src/speed/raw_loop\.[ch]
hdf5\.h : src/record/run_file.*
'

# Calls, and the files that may make them. Time and randomness are handed in.
calls_bound='
MPI_Wtime                           : src/clock/.*
MPI_Wtick                           : src/clock/.*
(clock_gettime|gettimeofday|time)   : src/clock/.*|src/machine\.c
(srand|rand|random|drand48)         : nowhere
'

violations=0
violation() {
    printf '%s\n' "$1"
    violations=$((violations + 1))
}

matches() { # TEXT REGEX, the whole text
    [[ $1 =~ ^($2)$ ]]
}

# "LEFT RIGHT" of each line of a table, split once: they are looked at for every include.
rule_lines() {
    sed -nE 's/^([^ ]+) +: ?(.*)$/\1 \2/p' <<<"$1"
}
mapfile -t header_rules < <(rule_lines "$headers_allowed")
mapfile -t library_rules < <(rule_lines "$libraries_bound")
mapfile -t call_rules < <(rule_lines "$calls_bound")

# The first rule that names the file decides.
check_header() { # FILE HEADER
    local rule
    for rule in "${header_rules[@]}"; do
        matches "$1" "${rule%% *}" || continue
        matches "$2" "${rule#* }" || violation "$1 includes \"$2\""
        return
    done
}

check_library() { # FILE HEADER
    local rule
    for rule in "${library_rules[@]}"; do
        matches "$2" "${rule%% *}" && ! matches "$1" "${rule#* }" && violation "$1 includes <$2>"
    done
}

check_includes() {
    local file quote header
    while IFS=$'\t' read -r file quote header; do
        [ -n "$header" ] || { violation "${file/:/ }" && continue; } # a macro hides it
        check_library "$file" "$header"
        [ "$quote" = '<' ] || check_header "$file" "$header"
    done < <(grep -rE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include' src analysis |
        sed -E 's/^([^:]+):[^"<]*(["<])([^">]*)[">].*$/\1\t\2\t\3/')
}

check_calls() {
    local rule file
    for rule in "${call_rules[@]}"; do
        while IFS= read -r file; do
            matches "$file" "${rule#* }" || violation "$file calls ${rule%% *}"
        done < <(grep -rE --include='*.[ch]' "(^|[^A-Za-z0-9_])${rule%% *}[[:space:]]*\(" \
            src analysis | grep -vE '^[^:]*:[[:space:]]*/?\*' | cut -d: -f1 | sort -u)
    done
}

check() { # ROOT
    cd "$1" && [ -d src/system ] && [ -d analysis ] || exit 64
    check_includes
    check_calls
    [ "$violations" -eq 0 ]
}

# ---- does it find what is planted? ----

# Each line goes to the end of a file; new files come to be.
planted='
src/system/replication.c      #include "observe/observer.h"
src/system/replication.c      #include "observe/corridor.h"
src/system/replication.c      #include "observe/badge.h"
src/system/system.h           #include "record/spool.h"
src/system/gossip.c           #include <mpi.h>
src/system/gossip.c           #include "clock/clock.h"
src/system/gossip.c             #  include  "net/net_mpi.h"
src/observe/boundary.h        #include "observe/corridor.h"
src/observe/observer.c        #include "record/spool.h"
src/observe/observer.h        #include <mpi.h>
src/observe/observer.h        #include "mpi.h"
src/observe/badge.c           #include "config.h"
src/net/net.h                 #include "net/net_mpi.h"
src/net/wire.h                #include "world.h"
src/failure.h                 #include "mpi_check.h"
src/engine.c                  #include "observe/observer.h"
src/record/recorder.c         #include <hdf5.h>
src/record/recorder.c         #include <mpi.h>
src/record/run_file.h         #include "pass.h"
src/record/spool.h            #include "world.h"
src/config.c                  #include <mpi.h>
src/config.c                  #include CONFIG_HEADER
analysis/badges.c             #include <hdf5.h>
analysis/badges.c             #include "record/spool.h"
analysis/comparison/run.h     #include "record/run_file_hdf5.h"
analysis/metrics/rates.c      #include "record/run_file.h"
src/engine.c                  static double t(void) { return MPI_Wtime(); }
src/pass.c                    static double t(void) { return MPI_Wtime (); }
src/system/replication.c      static long t(void) { return time(NULL); }
src/observe/observer.c        static int r(void) { return rand(); }
'

self_test() { # ROOT SCRIPT
    local copy missed=0 count=0 file line found
    copy=$(mktemp -d) || exit 1
    # shellcheck disable=SC2064 # the name as it is now
    trap "rm -rf '$copy'" EXIT
    cp -r "$1/src" "$1/analysis" "$copy" || exit 1
    bash "$2" "$copy" >/dev/null || { echo "the copy as it is is not clean"; exit 1; }
    while read -r file line; do
        [ -n "$file" ] || continue
        count=$((count + 1))
        [ -f "$copy/$file" ] && cp "$copy/$file" "$copy/kept"
        printf '\n%s\n' "$line" >>"$copy/$file"
        found=$(bash "$2" "$copy")
        if [ $? -ne 1 ] || grep -qv "^$file " <<<"$found"; then
            printf 'not found: %s: %s\n' "$file" "$line"
            missed=$((missed + 1))
        fi
        rm "$copy/$file"
        [ -f "$copy/kept" ] && mv "$copy/kept" "$copy/$file"
    done <<<"$planted"
    printf '%d planted, %d not found\n' "$count" "$missed"
    [ "$count" -gt 0 ] && [ "$missed" -eq 0 ]
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
case ${1-} in
--self-test) self_test "$root" "$root/tests/layers.sh" ;;
-*) echo "usage: layers.sh [ROOT | --self-test]" >&2 && exit 64 ;;
*) check "${1:-$root}" ;;
esac
