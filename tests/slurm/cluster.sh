# shellcheck shell=bash
# A private, real Slurm on this one machine: munged, slurmctld and one slurmd per host, each host with
# a network, a name, a /dev/shm of its own, so that MPI talks TCP between them. Sourced by
# tests/slurm.sh, after jobs/common.sh. Needs root, or user namespaces.
#
#   cluster_enclose "$0" "$@"   first of all: runs the script once more, in namespaces of its own
#   cluster_up HOSTS CPUS       n1, n2, ... at 10.77.0.1, ...; CPUs are declared, not real
#   cluster_on HOST COMMAND...  on that host
#
# Nothing is left behind: everything lives in one PID namespace that ends with the script, whatever
# ends it; all files are in CLUSTER_FOLDER, which the outer script removes.

cluster_forbidden() {
    printf 'kernel forbids: %s\n' "$1"
    exit 77
}

cluster_enclosure=(unshare --pid --fork --kill-child --mount --mount-proc --net --uts --ipc)
[ "$(id -u)" = 0 ] || cluster_enclosure+=(--user --map-root-user)

cluster_enclose() {
    local script=$1 why enclosed status
    shift
    if [ $$ = 1 ] && [ -n "${CLUSTER_FOLDER-}" ]; then
        return
    fi
    why=$("${cluster_enclosure[@]}" ip link add probe type bridge 2>&1) ||
        cluster_forbidden "namespaces for hosts (${why##*$'\n'})"
    CLUSTER_FOLDER=$(mktemp -d) || exit 1
    export CLUSTER_FOLDER
    chmod 755 "$CLUSTER_FOLDER"
    setpriv --pdeathsig KILL "${cluster_enclosure[@]}" bash "$script" "$@" &
    enclosed=$!
    trap 'kill -KILL "$enclosed"; rm -rf "$CLUSTER_FOLDER"; exit 130' INT TERM HUP
    wait "$enclosed"
    status=$?
    rm -rf "$CLUSTER_FOLDER"
    exit "$status"
}

cluster_conf() { # HOSTS CPUS
    local i dir=$CLUSTER_FOLDER
    cat <<CONF
ClusterName=test
SlurmctldHost=ctl(10.77.0.254)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/munge.sock
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
TmpFS=$dir/tmp/%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd-%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0,sched_min_interval=0
SlurmdParameters=config_overrides
SwitchType=switch/none
MailProg=/bin/true
KillWait=10
MessageTimeout=30
CONF
    for i in $(seq "$1"); do
        echo "NodeName=n$i NodeAddr=10.77.0.$i Port=$((17000 + i)) CPUs=$2 Sockets=1 CoresPerSocket=$2 ThreadsPerCore=1 RealMemory=1000"
    done
    echo "PartitionName=test Nodes=ALL Default=YES MaxTime=60 DefaultTime=5 State=UP OverSubscribe=NO"
}

cluster_munge() {
    local dir=$CLUSTER_FOLDER/munge
    mkdir -m 755 "$dir"
    head -c 128 /dev/urandom >"$dir/key"
    chmod 400 "$dir/key"
    munged --force --num-threads=2 --key-file="$dir/key" --seed-file="$dir/seed" \
        --log-file="$dir/log" --pid-file="$dir/pid" --socket="$dir/munge.sock"
}

# shellcheck disable=SC2016 # read by the shell inside
cluster_hold='hostname "$1" && mount -t tmpfs -o mode=1777 tmpfs /dev/shm && ip link set lo up &&
    echo $$ >"$CLUSTER_FOLDER/$1.pid.new" && mv "$CLUSTER_FOLDER/$1.pid.new" "$CLUSTER_FOLDER/$1.pid"
    exec sleep infinity'

cluster_on() { # HOST COMMAND...
    local host=$1
    shift
    nsenter --target "$(cat "$CLUSTER_FOLDER/$host.pid")" --net --uts --ipc --mount -- "$@"
}

cluster_add() { # NUMBER
    local host=n$1
    unshare --net --uts --ipc --mount bash -c "$cluster_hold" hold "$host" </dev/null >/dev/null 2>&1 &
    disown $!
    until [ -e "$CLUSTER_FOLDER/$host.pid" ]; do sleep 0.02; done
    ip link add "v$1" type veth peer name eth0 netns "$(cat "$CLUSTER_FOLDER/$host.pid")"
    ip link set "v$1" master br0 up
    cluster_on "$host" ip addr add "10.77.0.$1/24" dev eth0
    cluster_on "$host" ip link set eth0 up
    mkdir -p "$CLUSTER_FOLDER"/{spool,tmp}/"$host"
    cluster_on "$host" slurmd -N "$host" -f "$SLURM_CONF"
}

cluster_up() { # HOSTS CPUS
    local i
    export SLURM_CONF=$CLUSTER_FOLDER/slurm.conf
    mkdir -p "$CLUSTER_FOLDER"/{state,log,spool}
    hostname ctl
    # Without names, each look-up would wait for a server that is not there.
    printf '127.0.0.1 localhost\n10.77.0.254 ctl\n' >"$CLUSTER_FOLDER/hosts"
    for i in $(seq "$1"); do printf '10.77.0.%d n%d\n' "$i" "$i"; done >>"$CLUSTER_FOLDER/hosts"
    mount --bind "$CLUSTER_FOLDER/hosts" /etc/hosts
    ip link set lo up
    # An address of its own: otherwise it takes that of its lowest port, which changes with each host.
    ip link add br0 address 02:00:00:00:01:00 type bridge
    ip addr add 10.77.0.254/24 dev br0
    ip link set br0 up
    cluster_munge || return
    cluster_conf "$@" >"$SLURM_CONF"
    slurmctld -c -f "$SLURM_CONF" || return
    for i in $(seq "$1"); do
        cluster_add "$i" || return
    done
    for i in $(seq 150); do
        [ "$(timeout 5 sinfo -h -N -o %T 2>/dev/null | grep -c '^idle$')" != "$1" ] || return 0
        sleep 0.2
    done
    tail -n 5 "$CLUSTER_FOLDER"/log/*.log
    return 1
}
