#!/usr/bin/env bash
# agent.sh HOST COMMAND…: the command on that host of hosts.sh, as ssh would run it: joined with
# spaces and read by a shell there, in the same folder. Open MPI's plm_rsh_agent.
# HOSTS_FOLDER is where hosts.sh keeps what it made. Exit codes: 255 no such host; the command's.
host=$1
shift
pid=$(cat "${HOSTS_FOLDER:?}/$host.pid" 2>/dev/null) || {
    printf 'agent.sh: there is no host %s\n' "$host" >&2
    exit 255
}
export HOST_CLOCK=$HOSTS_FOLDER/$host.clock
exec nsenter --target "$pid" --net --uts --ipc --mount --time -- \
    bash -c "cd $(printf %q "$PWD") && $*"
