# shellcheck shell=bash
# Watching a launcher: the progress line on a terminal, plain lines elsewhere, and a gentle stop.
# Sourced by scripts that launch runs, never run. Needs `terminal` (yes or no), `done_runs`,
# `total_runs`.
child=     # the launcher that is running
ticker=    # what draws the progress line meanwhile
messages=2 # where messages go, whatever a part of the script does with its own

# Redraws the one line of a terminal: bar, current run, time left; 79 columns at most.
draw() {
    local width=10 filled bar line
    filled=$((width * done_runs / (total_runs > 0 ? total_runs : 1)))
    printf -v bar '%*s' "$filled" ''
    bar=${bar// /#}
    printf -v bar '%-*s' "$width" "$bar"
    line="[${bar// /.}] $1"
    printf '\r%-79.79s' "$line"
}

# The terminal's line is for what runs now; before anything else is printed it goes.
clear_line() {
    [ "$terminal" = no ] || printf '\r%79s\r' ''
}

# Without a terminal each step is one plain line, for logs.
tell_plainly() {
    [ "$terminal" = yes ] || printf '%s\n' "$1"
}

# Draws what the command prints, once a second: more often would take time from the nodes that are
# measured.
draw_for_ever() {
    while :; do
        draw "$("$@")"
        sleep 1 >/dev/null 2>&1
    done
}

stop_ticker() {
    [ -n "$ticker" ] || return 0
    kill "$ticker" 2>/dev/null
    wait "$ticker" 2>/dev/null
    ticker=
}

# Waits for the launcher and returns its status. Arguments: a command that prints the line to draw.
watch_child() {
    local status
    if [ "$terminal" = yes ]; then
        draw_for_ever "$@" &
        ticker=$!
    fi
    wait "$child"
    status=$?
    child=
    stop_ticker
    return "$status"
}

# Ends whatever runs in the background, also a launcher that a signal did not leave the time to put
# into `child`. It passes the signal on and gives the ranks their second to save.
stop_jobs() {
    local job jobs_left
    jobs_left=$(jobs -pr)
    for job in $jobs_left; do
        kill -TERM "$job" 2>/dev/null
    done
    # In a trap that interrupted a wait, another wait may return at once.
    for job in $jobs_left; do
        while kill -0 "$job" 2>/dev/null; do
            sleep 0.1
        done
    done
    child='' ticker=''
}
