#!/usr/bin/python3
"""benchmark.py BUILD [options]: measures and prints the table "What it costs"; see benchmark.sh."""

import argparse
import datetime
import json
import os
import re
import resource
import shlex
import subprocess
import sys
import tempfile
import time

LIMIT_S = 300
NODE_COUNTS = [2, 4, 8, 16, 32, 64]
QUIET_COUNTS = [2, 16]
RUN_COUNTS, RUN_REPETITIONS, RUN_SECONDS = [2, 5, 16], 5, 5
REPORT_BADGES_MAX = 10**6
MIB = 1024 * 1024
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def check_output(command, **options):
    """Its standard output; a command that fails ends the benchmark with what it said."""
    done = subprocess.run(["timeout", "-k", "10", str(LIMIT_S), *command], check=False,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"benchmark: {shlex.join(command)} ended with {done.returncode}:\n"
                 f"{done.stdout}{done.stderr}")
    return done.stdout


def speed(build, nodes, parts, *options):
    """What mpidrift-speed says, and how long its launch took as a whole."""
    program = os.path.join(build, "src", "mpidrift-speed")
    begin = time.monotonic()
    text = check_output(["mpirun", "-np", str(nodes), program, "--parts", parts, "--json",
                         *map(str, options)])
    return {**json.loads(text), "wall_s": time.monotonic() - begin}


# ---- the machine ----

def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = re.findall(r"^model name\s*: (.*)$", file.read(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return (f"{os.cpu_count()} CPUs ({models[0] if models else 'unknown model'}), "
            f"{memory:.0f} GiB, Linux {os.uname().release.split('-')[0]}")


# ---- analysis ----

def timed(command):
    """Wall time, CPU time and greatest memory of a command whose output nobody reads."""
    begin = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"benchmark: {shlex.join(command)} ended with {process.returncode}:\n"
                 f"{errors.decode()}")
    return {"wall_s": time.monotonic() - begin, "cpu_s": usage.ru_utime + usage.ru_stime,
            "memory_mib": usage.ru_maxrss / 1024}


def read_raw(paths):
    """All bytes once, in blocks as large as a chunk of rows."""
    buffer = bytearray(512 * 1024)
    begin = time.monotonic()
    for path in paths:
        with open(path, "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass
    return time.monotonic() - begin


def best(measure, rounds, key):
    return min((measure() for _ in range(rounds)), key=lambda done: done[key])


def write_runs(build, folder, badges):
    """`badges` in all, in as many files as scales times repetitions."""
    writer, paths = os.path.join(build, "tests", "write_made_run"), []
    each = badges / (len(RUN_COUNTS) * RUN_REPETITIONS)
    for nodes in RUN_COUNTS:
        for repetition in range(1, RUN_REPETITIONS + 1):
            paths.append(os.path.join(folder, f"np{nodes}-{repetition}.h5"))
            check_output([writer, paths[-1], str(nodes), repr(each / nodes / RUN_SECONDS),
                          "mean=0.00001", "--repetition", str(repetition)])
    return paths


def analysis_row(build, badges, rounds):
    """Of run files that hold so many badges: bytes, reading them raw, and each program."""
    compare, badge_list = (os.path.join(build, "analysis", f"mpidrift-{name}")
                           for name in ["compare", "badges"])
    with tempfile.TemporaryDirectory(dir=".") as folder:
        paths = write_runs(build, folder, badges)
        read_raw(paths)  # from the disk; then both find them in memory
        row = {"badges": badges, "files": len(paths),
               "mib": sum(map(os.path.getsize, paths)) / MIB,
               "raw_s": min(read_raw(paths) for _ in range(3))}
        row["compare"] = best(lambda: timed([compare, *paths]), rounds, "wall_s")
        largest = max(paths, key=os.path.getsize)
        row["list"] = best(lambda: timed([badge_list, "--format", "csv", largest]), 1, "wall_s")
        row["list_badges"] = badges / len(paths)
        script = os.path.join(ROOT, "analysis", "report.py")
        if badges <= REPORT_BADGES_MAX:
            row["report"] = timed([sys.executable, script, folder, "--compare", compare])
    return row


# ---- the tables ----

def number(value, digits=3):
    """Digits that mean something, without an exponent for what a person reads."""
    if value is None:
        return "unknown"
    text = f"{value:.{digits}g}"
    return f"{float(text):,.0f}" if "e" in text and abs(value) >= 1 else text


def figure(data, key, scale=1):
    low, high = data["spread"][key]
    return f"{number(data[key] * scale)} ({number(low * scale)} to {number(high * scale)})"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "|".join(["---"] * len(header)) + "|"]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def messages_table(data):
    ratios = {"raw": None, "engine": "ratio_engine_to_raw", "observed": "ratio_observed_to_raw"}
    names = [("raw", "raw loop of persistent sends and receives"),
             ("engine", "the engine, nobody watches"), ("observed", "observed"),
             ("trace", "observed, with trace"), ("badges", "observed, a badge on every message")]
    rows = []
    for key, name in names:
        of_raw = figure(data, ratios[key]) if ratios.get(key) else "1" if key == "raw" else ""
        rows.append([name, figure(data, f"{key}_messages_per_s", 1e-6), of_raw])
    return table(["Two ranks, 64 bytes, window 64", "million messages/s", "of raw"], rows)


def costs_table(data):
    rows = [
        ["observed / engine", figure(data, "ratio_observed_to_engine"), "at least .9"],
        ["trace / observed", figure(data, "ratio_trace_to_observed"), "at least .95"],
        ["engine adds, ns per message", figure(data, "engine_adds_ns"), ""],
        ["observer adds, ns per message", figure(data, "observer_adds_ns"), ""],
        ["trace adds, ns per message", figure(data, "trace_adds_ns"), ""],
        ["badge adds, ns per message", figure(data, "badge_adds_ns"), ""],
        ["clock reading, ns", figure(data, "clock_ns"), ""],
        ["histogram, ns per value", figure(data, "histogram_ns"), ""],
        ["corridor check, ns per observation", figure(data, "corridor_check_ns"), ""],
        ["badge into the spool, ns", figure(data, "badge_commit_ns"), "at most 100"],
        ["the same bytes copied, ns", figure(data, "badge_memcpy_ns"), ""],
        ["run file, s per million badges, gathered and verified",
         figure(data, "file_s_per_million_badges"), ""],
        ["the same bytes written and synced, s", figure(data, "bytes_s_per_million_badges"), ""],
        ["run file / bytes", figure(data, "file_to_bytes_ratio"), "at most 2"],
        ["age of a stamp at saturation, µs, median and p99",
         f"{number(data['stamp_age_median_us'])}, {number(data['stamp_age_p99_us'])}", ""],
    ]
    if "ratio_raw_to_peer" in data:
        rows.insert(0, ["raw loop / osu_mbw_mr", figure(data, "ratio_raw_to_peer"), ".9 to 1.1"])
    return table(["Cost", "median (quartiles)", "aim"], rows)


def scale_table(rows):
    return table(
        ["Ranks", "launch to end, s", "network, s", "synchronisation, s", "drain, s",
         "gather and file, s", "own memory, KiB per node", "process, KiB per node"],
        [[row["ranks"], number(row["wall_s"]),
          *(number(row[key]) for key in ["open_s", "sync_s", "drain_s", "record_s",
                                         "own_kib_per_node", "process_kib_per_node"])]
         for row in rows])


def quiet_table(rows):
    names = [("delay_median_us", "delay, median, µs"), ("delay_p99_us", "delay, p99, µs"),
             ("lag_mean", "version lag, mean"), ("lag_p99", "version lag, p99"),
             ("cpu_ms_per_s", "CPU time, ms per s"), ("switches_per_s", "context switches per s")]
    lines = []
    for row in rows:
        for key, name in names:
            low, high = row["interval"][f"{key}_difference"]
            lines.append([row["ranks"], name, number(row[f"{key}_off"]), number(row[f"{key}_on"]),
                          f"{number(row[f'{key}_difference'])} [{number(low)}, {number(high)}]"])
    return table(["Nodes", "Per node", "off", "on", "difference"], lines)


def extrapolated(data, scale):
    """1,024 nodes on as many cores. Each row names what it stands on; none was measured."""
    nodes, last = 1024, scale[-1]
    peer = data["own_bytes_per_peer"]
    per_host = last["sync_s"] / (last["ranks"] - 1)
    rows = [
        ["own state per peer, KiB per node", number(peer * nodes / 1024),
         f"{peer:.0f} bytes per peer, from the sizes of the structures"],
        ["MPI's own memory, MiB per node", "3.5", "3.5 KiB per peer, as found with Open MPI 4.1.4"],
        ["spool, MiB per node", "36", "its bound, 262,144 badges of 144 bytes; what exceeds it is "
                                      "counted"],
        ["send pool, MiB per node", "5", "its bound, 65,536 messages of 64 bytes and their books"],
        ["synchronisation, s", number(per_host * nodes),
         "a star: grows with the hosts, here each rank one; the mean step at "
         f"{last['ranks']} ranks, which shared {os.cpu_count()} cores"],
        ["pair counts, rows at node 0", "4,096 at a time",
         "streamed in chunks of rows; 5.2 million rows, 252 MB of the file"],
        ["node rows at node 0, KiB", number(nodes * 0.55), "kept whole: 560 bytes for each"],
    ]
    return table(["1,024 nodes", "expected", "because"], rows)


def analysis_table(rows):
    lines = []
    for row in rows:
        compare = row["compare"]
        lines.append([f"{row['badges']:,} in {row['files']} files, {row['mib']:.0f} MiB",
                      number(row["raw_s"]), number(compare["wall_s"]),
                      number(compare["wall_s"] / row["raw_s"]), number(compare["cpu_s"]), f"{compare['memory_mib']:.0f}",
                      number(1e6 * row["list"]["cpu_s"] / row["list_badges"]),
                      number(row["report"]["wall_s"]) if "report" in row else ""])
    return table(["Badges", "read raw, s", "mpidrift-compare, s", "ratio", "its CPU time, s",
                  "its memory, MiB",
                  "mpidrift-badges, µs of CPU per badge", "report.py, s"], lines)


# ---- the whole ----

def measure(build, options):
    rounds, badges = (3, 100000) if options.quick else (9, 1000000)
    counts = [count for count in NODE_COUNTS if count <= 16] if options.quick else NODE_COUNTS
    sizes = [10**5] if options.quick else [10**5, 10**6, 10**7]
    peer = ["--peer", options.peer] if options.peer else []
    say = lambda text: print(f"benchmark: {text}", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=".") as folder:
        place = ["--directory", folder]
        say("messages, steps, file")
        data = {"costs": speed(build, 2, "messages,steps,file", "--rounds", rounds, "--badges",
                               badges, *place, *peer)}
        say(f"phases at {', '.join(map(str, counts))} ranks")
        data["scale"] = [speed(build, nodes, "phases", "--rounds", 2, *place) for nodes in counts]
        say("with and without observer")
        data["quiet"] = [speed(build, nodes, "quiet", "--rounds", 6 if options.quick else 12,
                               *place) for nodes in QUIET_COUNTS]
    say("analysis")
    data["analysis"] = [analysis_row(build, size, 1 if size > 10**6 else 3) for size in sizes]
    return data


def text_of(data, command, seconds):
    own = data["costs"]
    load = os.getloadavg()[2]
    return "\n\n".join([
        f"Measured on {machine()}, {own['mpi_library']}, mpidrift {own['program_version']} "
        f"({own['git_commit']}), {datetime.date.today()}, by `{command}` in {seconds:.0f} s "
        f"(load average before and during it: {load:.1f}); medians, quartiles in brackets.",
        messages_table(own), costs_table(own), scale_table(data["scale"]),
        extrapolated(data["scale"][-1], data["scale"]),
        "Default load, with `--observe on` and `off` by turns; difference with its interval (95 %):",
        quiet_table(data["quiet"]), analysis_table(data["analysis"])])


def main():
    parser = argparse.ArgumentParser(prog="benchmark.sh", add_help=False)
    parser.add_argument("build")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--peer")
    parser.add_argument("--json")
    try:
        options = parser.parse_args()
    except SystemExit:
        sys.exit(64)
    begin = time.monotonic()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    data = measure(os.path.abspath(options.build), options)
    arguments = [word for word in sys.argv[2:]]
    command = shlex.join(["bash", "tests/benchmark.sh", *arguments])
    print(text_of(data, command, time.monotonic() - begin))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=2)


if __name__ == "__main__":
    main()
