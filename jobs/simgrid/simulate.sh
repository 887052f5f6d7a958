#!/usr/bin/env bash
# The program on more nodes than the machine at hand: SimGrid runs it, unmodified, on a simulated
# cluster, with simulated time and network. What it says is deterministic and no measurement; its run
# files say `simulated`, and the comparison refuses them beside measured ones.
#
#   bash jobs/simgrid/simulate.sh [OPTION...] [-- MPIDRIFT_OPTION...]
#
#   --nodes "2 16 64"  simulated nodes, each on a host of its own
#   --duration S       seconds of simulated observation per run (0.1)
#   --warmup S         simulated seconds before (0.02)
#   --latency-us L     of a link of the cluster, one way (10)
#   --repetitions R    of each node count, with other random numbers (1)
#   --results DIR      where a folder simulated-NNN is made (results/)
#   --build DIR        where it is built with smpicc (build-simgrid)
#
# Needs SimGrid: apt install libsimgrid-dev, or spack install simgrid+smpi. Exit codes: 0 done; 64
# usage; 69 no SimGrid; 70 building or a run failed; 73 cannot create.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 70
# shellcheck source=jobs/common.sh
. "$root/jobs/common.sh"

nodes="2 16 64" duration=0.1 warmup=0.02 latency_us=10 repetitions=1 results=$root/results
build=$root/build-simgrid run_options=()
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) sed -n '2,20s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
    --) shift && run_options=("$@") && break ;;
    --nodes | --duration | --warmup | --latency-us | --repetitions | --results | --build)
        [ $# -ge 2 ] || say_and_exit 64 "$1 needs a value; --help lists the options" ;;
    *) say_and_exit 64 "unknown option $1; --help lists the options, mpidrift's own go behind --" ;;
    esac
    case $1 in
    --nodes) nodes=${2//,/ } ;;
    --duration) duration=$2 ;;
    --warmup) warmup=$2 ;;
    --latency-us) latency_us=$2 ;;
    --repetitions) repetitions=$2 ;;
    --results) results=$2 ;;
    --build) build=$2 ;;
    esac
    shift 2
done
for count in $nodes "$repetitions"; do
    [[ $count =~ ^[1-9][0-9]{0,4}$ ]] || say_and_exit 64 "'$count' is not a count"
done
[[ $latency_us =~ ^[0-9]+(\.[0-9]+)?$ ]] || say_and_exit 64 \
    "--latency-us: '$latency_us' is not a number"

# smpicc replaces the compiler: every program becomes a library that smpirun loads once per node.
get_program() {
    command -v smpirun >/dev/null && command -v smpicc >/dev/null ||
        say_and_exit 69 \
            'no smpirun and smpicc: apt install libsimgrid-dev, or spack install simgrid+smpi'
    mkdir -p "$build" || say_and_exit 73 "cannot create $build"
    (cmake -S "$root" -B "$build" -DCMAKE_C_COMPILER="$(command -v smpicc)" -DBUILD_TESTING=OFF -DCMAKE_BUILD_TYPE=Release &&
        cmake --build "$build" -j "$(nproc)" --target mpidrift) >"$build/build.log" 2>&1 </dev/null ||
        { tail -n 30 "$build/build.log" >&2 && say_and_exit 70 \
            "building for SimGrid failed, see $build/build.log"; }
}

# One switch, one link of 10 Gbit/s for each host.
write_platform() { # COUNT
    cat >"$folder/cluster-$1.xml" <<XML
<?xml version='1.0'?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1">
  <zone id="world" routing="Full">
    <cluster id="cluster" prefix="host" suffix="" radical="0-$(($1 - 1))" speed="1Gf"
             bw="1.25GBps" lat="${latency_us}us"/>
  </zone>
</platform>
XML
    seq -f 'host%g' 0 $(($1 - 1)) >"$folder/hosts-$1.txt"
}

# Computing takes no simulated time, looking at a message none either; each reading of the clock
# takes 10 us, which is the tick that delays follow: keep limits well above 30 us.
simulate() { # COUNT REPETITION
    local name
    name=$folder/$(printf 'simulated-np%04d-r%d' "$1" "$2")
    printf 'simulating %d nodes, repetition %d\n' "$1" "$2"
    smpirun -np "$1" -platform "$folder/cluster-$1.xml" -hostfile "$folder/hosts-$1.txt" \
        --log=root.thres:critical --cfg=smpi/simulate-computation:no \
        --cfg=smpi/grow-injected-times:no --cfg=smpi/test:0 --cfg=smpi/wtime:10e-6 \
        "$build/src/mpidrift" --duration "$duration" --warmup "$warmup" --repetition "$2" \
        --output "$name.h5" ${run_options[@]+"${run_options[@]}"} >"$name.log" 2>&1 </dev/null
    # smpirun's own code says nothing of the ranks'.
    [ -s "$name.h5" ] || { tail -n 15 "$name.log" >&2 && say_and_exit 70 \
        "the simulation of $1 nodes left no file, see $name.log"; }
}

get_program
number=1
mkdir -p "$results" 2>/dev/null || say_and_exit 73 "cannot create the folder $results"
results=$(cd "$results" && pwd) || exit 73
until mkdir "$results/$(printf 'simulated-%03d' $number)" 2>/dev/null; do
    [ $number -lt 999 ] || say_and_exit 73 "cannot create a folder in $results"
    number=$((number + 1))
done
folder=$results/$(printf 'simulated-%03d' $number)
for count in $nodes; do
    write_platform "$count"
    for ((repetition = 1; repetition <= repetitions; repetition++)); do
        simulate "$count" "$repetition"
    done
done
printf 'Everything is in %s. Compare: mpidrift-compare %s/*.h5\n' "$folder" "$folder"
