# shellcheck shell=bash
# Several hosts on one machine, for tests: each has a network, a name, a clock, a boot id and a
# /dev/shm of its own; a switch joins them that can delay, lose and cut, per direction, while it
# runs. Sourced by a test script, after jobs/common.sh. Needs root, or user namespaces that may make
# TAP devices; iproute2, util-linux and perl.
#
#   hosts_enclose "$0" "$@"     first of all: runs the script once more, in namespaces of its own
#   hosts_make COUNT            node0, node1, … at 10.77.0.1, 10.77.0.2, …
#   hosts_enter HOST COMMAND…   on that host; Open MPI comes in by agent.sh, there is no sshd
#   hosts_link FROM TO DELAY_US [JITTER_US [LOSS_PERMILLE]]     see switch.c; numbers or *
#   hosts_clock HOST RATE_PPM JUMP_S    what programs with LD_PRELOAD=$hosts_shim see of its clock
#   hosts_mpirun RANKS_PER_HOST [MPIRUN OPTION…] PROGRAM…      from node0, for hosts_limit_s (120)
#   hosts_end                   ends what runs there, and the hosts with it
#
# Before hosts_make a test may set, per host and in order:
#   hosts_shift_s=(0 1000.25)   how far CLOCK_MONOTONIC is ahead, in a time namespace; "none": without
#   hosts_name=(a b)            what hostname says there, if not node0 …: twins, for instance
#   hosts_boot_id=(x y)         "own", the default, or "shared": the machine's
#   hosts_btl=self,tcp          how ranks talk: Open MPI takes hosts of one name for one host
# and it says where the programs are: hosts_programs (hosts_switch, hosts_shifted) and hosts_shim.
#
# Nothing is left behind, whatever ends the script, kill -9 included: everything lives in one PID
# namespace that ends with it, no namespace and no device has a name outside, and all files are in
# a tmpfs, HOSTS_FOLDER, that only these processes see.

: "${hosts_programs:=}" # said by the test, before it calls any of these
hosts_scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 1

# Exit code 77 is "skipped" to ctest; the words are those that tests/run.sh looks for.
hosts_forbidden() {
    printf 'kernel forbids: %s\n' "$1"
    exit 77
}

# A folder that is on every machine and holds nothing that is needed here: it will be covered.
hosts_place() {
    local folder
    for folder in /srv /media /mnt /opt; do
        case "$hosts_scripts/:$hosts_programs/:$PWD/" in *"$folder/"*) continue ;; esac
        [ ! -d "$folder" ] || break
    done
    printf '%s\n' "$folder"
}

hosts_enclosure=(unshare --pid --fork --kill-child --mount --mount-proc --net --uts --ipc)
[ "$(id -u)" = 0 ] || hosts_enclosure+=(--user --map-root-user)

# Can there be hosts here? Otherwise this is the end.
hosts_may() {
    local why
    why=$("${hosts_enclosure[@]}" "$hosts_programs/hosts_shifted" 1 true 2>&1) ||
        hosts_forbidden "namespaces for hosts (${why##*$'\n'})"
    [ -w /dev/net/tun ] || hosts_forbidden '/dev/net/tun, for the switch between hosts'
}

# All that is inside ends with `unshare`, and unshare with this shell: the kernel sees to both.
hosts_enclose() {
    local script=$1 enclosed
    shift
    if [ $$ = 1 ] && [ -n "${HOSTS_FOLDER-}" ]; then
        return
    fi
    hosts_may
    HOSTS_FOLDER=$(hosts_place) setpriv --pdeathsig KILL \
        "${hosts_enclosure[@]}" bash "$script" "$@" &
    enclosed=$!
    trap 'kill -KILL "$enclosed"; exit 130' INT
    trap 'kill -KILL "$enclosed"; exit 143' TERM HUP
    wait "$enclosed"
    exit
}

# ---- the switch ----
hosts_switch_start() { # HOSTS
    local answer=''
    coproc HOSTS_SWITCH { exec "$hosts_programs/hosts_switch" "$1" 2>"$HOSTS_FOLDER/switch.log"; }
    hosts_switch_pid=$!
    read -r answer <&"${HOSTS_SWITCH[0]}" || true
    [ "$answer" = ready ] || hosts_forbidden "$(cat "$HOSTS_FOLDER/switch.log")"
}

hosts_link() {
    local answer=''
    printf 'set %s\n' "$*" >&"${HOSTS_SWITCH[1]}"
    read -r answer <&"${HOSTS_SWITCH[0]}"
    [ "$answer" = "done" ] || say_and_exit 70 "the switch said '$answer' to: set $*"
}

# ---- one host ----
# shellcheck disable=SC2016 # read by the shell inside
# What is done inside a new host before anybody comes in, and what holds it.
hosts_hold='
    hostname "$1" && mount --bind "$HOSTS_FOLDER/hosts" /etc/hosts &&
    mount -t tmpfs -o mode=1777 tmpfs /dev/shm && ip link set lo up || exit 1
    [ "$3" = shared ] || mount --bind "$HOSTS_FOLDER/$2.boot" /proc/sys/kernel/random/boot_id || exit 1
    echo $$ >"$HOSTS_FOLDER/$2.pid.new" && mv "$HOSTS_FOLDER/$2.pid.new" "$HOSTS_FOLDER/$2.pid"
    exec sleep infinity'

hosts_add() { # NUMBER
    local host=node$1 shift_s=${hosts_shift_s[$1]-0} holder
    local -a clock=("$hosts_programs/hosts_shifted" "$shift_s")
    [ "$shift_s" != none ] || clock=()
    cat /proc/sys/kernel/random/uuid >"$HOSTS_FOLDER/$host.boot"
    unshare --net --uts --ipc --mount "${clock[@]}" bash -c "$hosts_hold" hold \
        "${hosts_name[$1]-$host}" "$host" "${hosts_boot_id[$1]-own}" \
        </dev/null >>"$HOSTS_FOLDER/hold.log" 2>&1 &
    holder=$!
    disown "$holder" # it will be killed, and the shell need not say so
    until [ -e "$HOSTS_FOLDER/$host.pid" ]; do
        kill -0 "$holder" 2>/dev/null || hosts_forbidden "a host ($(tail -n 1 "$HOSTS_FOLDER/hold.log"))"
        sleep 0.01
    done
    hosts_clock "$host" 0 0
    ip link set "host$1" netns "$(cat "$HOSTS_FOLDER/$host.pid")" name eth0 \
        address "02:00:00:00:00:$(printf %02x $(($1 + 1)))"
    hosts_enter "$host" ip addr add "10.77.0.$(($1 + 1))/24" dev eth0
    hosts_enter "$host" ip link set eth0 up
}

# Two native doubles, or a double and a 64 bit integer: struct host_clock of clock_shim.c.
hosts_clock() { # HOST RATE_PPM JUMP_S
    perl -e 'syswrite STDOUT, pack "dq", $ARGV[0] * 1e-6, $ARGV[1] * 1e9' -- "$2" "$3" \
        1<>"$HOSTS_FOLDER/$1.clock"
}

hosts_enter() { # HOST COMMAND...
    local host=$1
    shift
    "$hosts_scripts/agent.sh" "$host" "$(printf '%q ' "$@")"
}

# ---- all of them ----
hosts_make() { # COUNT
    local i
    mountpoint -q "$HOSTS_FOLDER" || mount -t tmpfs -o mode=755 tmpfs "$HOSTS_FOLDER" ||
        hosts_forbidden 'a tmpfs'
    export HOSTS_FOLDER TMPDIR=$HOSTS_FOLDER
    hosts_count=$1
    printf '127.0.0.1 localhost\n' >"$HOSTS_FOLDER/hosts"
    for ((i = 0; i < hosts_count; i++)); do
        printf '10.77.0.%d node%d\n' $((i + 1)) "$i" >>"$HOSTS_FOLDER/hosts"
    done
    hosts_switch_start "$hosts_count"
    for ((i = 0; i < hosts_count; i++)); do
        hosts_add "$i"
    done
}

hosts_mpirun() { # RANKS_PER_HOST [MPIRUN OPTION...] PROGRAM...
    local i ranks=$1
    shift
    for ((i = 0; i < hosts_count; i++)); do
        printf 'node%d slots=%d\n' "$i" "$ranks"
    done >"$HOSTS_FOLDER/hostfile"
    hosts_enter node0 env -u OMPI_MCA_plm timeout -k 5 "${hosts_limit_s:-120}" \
        mpirun --hostfile "$HOSTS_FOLDER/hostfile" \
        -np $((hosts_count * ranks)) --map-by slot --bind-to none \
        --mca plm rsh --mca plm_rsh_agent "$hosts_scripts/agent.sh" --mca plm_rsh_no_tree_spawn 1 \
        --mca oob_tcp_if_include eth0 --mca btl_tcp_if_include eth0 --mca pml ob1 \
        --mca btl "${hosts_btl:-self,vader,tcp}" "$@"
}

processes_of_namespace() { # KIND NAME, as /proc/PID/ns shows it
    { find /proc/[0-9]*/ns -name "$1" -printf '%p %l\n' 2>/dev/null || true; } | # some have just ended
        awk -v name="$2" '$2 == name { split($1, path, "/"); print path[3] }'
}

# Those whose network is that of the host; its holder is one of them.
hosts_processes() { # HOST
    local network
    network=$(readlink "/proc/$(cat "$HOSTS_FOLDER/$1.pid")/ns/net") || return 0
    processes_of_namespace net "$network"
}

hosts_end() {
    local i
    for ((i = 0; i < hosts_count; i++)); do
        hosts_processes "node$i" | xargs -r kill -KILL 2>/dev/null
        rm -f "$HOSTS_FOLDER/node$i."*
    done
    kill "$hosts_switch_pid"
    wait "$hosts_switch_pid" 2>/dev/null
    unset hosts_shift_s hosts_name hosts_boot_id hosts_btl
}
