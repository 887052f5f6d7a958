#!/usr/bin/python3
"""dying.py MPIDRIFT COMPARE BADGES RECOVER: ranks are killed, jobs cancelled, disks full, peers
stopped; nothing that was committed is lost, nobody hangs, and one rank says what to do."""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile

import h5py

import launch
import spools

LONG = ["--warmup", "0", "--duration", "30", "--set", "rate_per_s=200"]
SMALL_DISK = ["unshare", "--mount", "sh", "-c",
              'mkdir disk && mount -t tmpfs -o size="$0"k none disk && cd disk && exec "$@"']


class Programs:
    def __init__(self, mpidrift, compare, badges, recover):
        self.mpidrift, self.compare, self.badges, self.recover_program = (
            mpidrift, compare, badges, recover)

    def run(self, command, folder, code=0):
        done = launch.run(command, folder, launch.campaign_environment())
        assert done.returncode == code, f"expected {code}{launch.told(done)}"
        return done

    def recover(self, folder, *arguments, code=0):
        return self.run([self.recover_program, *arguments], folder, code)


def recover_as_told(programs, run):
    """With the very command that the dead run printed, and the tools take the file."""
    lines = [line for line in run.own_lines() if spools.KEPT in line]
    assert len(lines) == 1, run.errors
    command = shlex.split(re.search(r"(mpidrift-recover .*)$", lines[0]).group(1))
    done = programs.run([programs.recover_program, *command[1:]], run.folder)
    committed = spools.check_recovered(run.path, run.spool)
    compared = programs.run([programs.compare, run.path], run.folder)
    assert f"{run.path} is incomplete" in compared.stderr, launch.told(compared)
    assert "nan" not in compared.stdout and str(2**64 - 1)[:12] not in compared.stdout
    programs.run([programs.badges, run.path], run.folder)
    return committed, done


def test_a_killed_rank(programs, folder):
    run = spools.Run(programs.mpidrift, folder, 4, *LONG)
    run.wait_until_watching()
    run.kill(2)
    assert run.end() != 0
    _, done = recover_as_told(programs, run)
    assert done.stderr.count("ended after") == 4, launch.told(done)
    assert re.search("node_C: .*no checksum", done.stderr), launch.told(done)
    with h5py.File(run.path) as file:
        assert "node_C" in file["provenance"].attrs["recovered_without_checksum"].split()
        watched_s = file["nodes"]["watched_s"]
        assert 0 < watched_s[2] < watched_s[[0, 1, 3]].min() < 30, watched_s


def test_rank_0_killed(programs, folder):
    """Whoever is left speaks."""
    run = spools.Run(programs.mpidrift, folder, 3, *LONG)
    run.wait_until_watching()
    run.kill(0)
    assert run.end() != 0
    recover_as_told(programs, run)


def cancelled(programs, folder, *numbers):
    run = spools.Run(programs.mpidrift, folder, 4, *LONG)
    run.wait_until_watching()
    for number in numbers:
        run.signal(number)
    assert run.end() != 0
    return run


def test_cancelled(programs, folder):
    for number in (signal.SIGTERM, signal.SIGINT):
        with tempfile.TemporaryDirectory(dir=folder) as own:
            run = cancelled(programs, own, number)
            recover_as_told(programs, run)
            # The launcher may kill a rank before its turn to seal has come.
            sealed = [spool.seal != 0 for spool in spools.spools_in(run.spool).values()]
            assert any(sealed), "what they counted has its checksum"


def test_cancelled_in_haste(programs, folder):
    """A second Ctrl-C kills at once, before a rank can say anything; the spools are there."""
    run = cancelled(programs, folder, signal.SIGINT, signal.SIGINT)
    programs.recover(folder, run.spool, "-o", run.path)
    spools.check_recovered(run.path, run.spool)


def test_ended_early(programs, folder):
    """USR1, to the launcher or to one rank: a shorter window, and everything else as ever."""
    for to_one in (False, True):
        run = spools.Run(programs.mpidrift, folder, 4, *LONG, output=f"early{to_one}.h5")
        run.wait_until_watching()
        if to_one:
            run.kill(3, signal.SIGUSR1)
        else:
            run.signal(signal.SIGUSR1)
        assert run.end() == 0, run.errors
        assert not os.path.exists(run.spool)
        with h5py.File(run.path) as file:
            watched_s = file["nodes"]["watched_s"]
            assert 0 < watched_s.min() and watched_s.max() < 30, watched_s
            assert watched_s.max() - watched_s.min() < 10, watched_s
            assert file.attrs["complete"] == 1 and file.attrs["books"] == "balanced"
            assert (file["trace/index"]["covered_until_s"] <= watched_s + 1e-9).all()
        compared = programs.run([programs.compare, run.path], folder)
        assert "was watched for" in compared.stderr and "incomplete" not in compared.stderr


def test_a_run_that_goes_on_is_not_recovered(programs, folder):
    run = spools.Run(programs.mpidrift, folder, 2, *LONG)
    run.wait_until_watching()
    done = programs.recover(folder, run.spool, "-o", "out.h5", code=65)
    assert "node_A.spool is in use: its run has not ended" in done.stderr, launch.told(done)
    run.signal(signal.SIGUSR1)
    assert run.end() == 0, run.errors


def test_recovered_is_what_was_written(programs, folder):
    run = spools.Run(programs.mpidrift, folder, 3, "--duration", "2", "--keep-spool", "--set",
                     "rate_per_s=200")
    assert run.end() == 0, run.errors
    done = programs.recover(folder, run.spool, "-o", "again.h5")
    assert "complete: yes" in done.stdout, launch.told(done)
    spools.same_content(run.path, os.path.join(folder, "again.h5"))


def test_no_room_for_the_run_file(programs, folder):
    """Spools elsewhere outlive a full disk; with room again the run file is whole."""
    works = subprocess.run([*SMALL_DISK, "4", "true"], cwd=folder, check=False, capture_output=True)
    if works.returncode != 0:
        print("kernel forbids: a small disk of our own (unshare --mount, mount -t tmpfs)")
        return
    with tempfile.TemporaryDirectory(dir=folder) as own:
        command = launch.mpirun(3, programs.mpidrift, ["--duration", "1", "--quiet", "--output",
                                                       "r.h5", "--spool", "../r.spool"])
        done = programs.run([*SMALL_DISK, "64", *command], own, 74)
        assert "r.h5.part: " in done.stderr and "No space left" in done.stderr, launch.told(done)
        assert done.stderr.count(spools.KEPT) == 1, launch.told(done)
        told = programs.recover(own, "r.spool", "-o", "r.h5")
        assert "complete: yes" in told.stdout, launch.told(told)
        spools.check_recovered(os.path.join(own, "r.h5"), os.path.join(own, "r.spool"))


def test_spools_are_not_overwritten(programs, folder):
    run = cancelled(programs, folder, signal.SIGTERM)
    again = spools.Run(programs.mpidrift, folder, 2, "--duration", ".1", "--warmup", "0")
    assert again.end() == 73 and "holds the spools of a run" in again.errors, again.errors
    assert len(spools.spools_in(run.spool)) == 4
    forced = spools.Run(programs.mpidrift, folder, 2, "--duration", ".1", "--warmup", "0", "--force")
    assert forced.end() == 0, forced.errors
    assert not os.path.exists(run.spool)


def test_a_name_beside_old_spools_is_not_free(programs, folder):
    os.mkdir(os.path.join(folder, "mpidrift-replication-np2.spool"))
    with open(os.path.join(folder, "mpidrift-replication-np2.spool", "node_A.spool"), "wb"):
        pass
    command = launch.mpirun(2, programs.mpidrift, ["--duration", ".1", "--warmup", "0"])
    programs.run(command, folder)
    assert os.path.exists(os.path.join(folder, "mpidrift-replication-np2-2.h5"))


def test_a_stopped_rank_is_named(programs, folder):
    """It does not come to the end of the run: the others wait no longer than they should."""
    run = spools.Run(programs.mpidrift, folder, 4, "--warmup", "0", "--duration", "2",
                     "--patience", "1")
    run.wait_until_watching()
    pid = run.rank_pids()[2]
    os.kill(pid, signal.SIGSTOP)
    code = run.end()
    assert code == 70, (code, run.errors)
    lines = run.own_lines()
    assert len(lines) == 2 and re.match(r"mpidrift: node_C did not .* \(--patience\)$", lines[0]), lines
    recover_as_told(programs, run)


TESTS = [test_a_killed_rank, test_rank_0_killed, test_cancelled, test_cancelled_in_haste,
         test_ended_early, test_a_run_that_goes_on_is_not_recovered,
         test_recovered_is_what_was_written, test_no_room_for_the_run_file,
         test_spools_are_not_overwritten, test_a_name_beside_old_spools_is_not_free,
         test_a_stopped_rank_is_named]


def main(*paths):
    programs, failed = Programs(*paths), 0
    for test in TESTS:
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(programs, folder)
                print(f"ok {test.__name__}", flush=True)
            except Exception as error:  # pylint: disable=broad-except # the others shall run, too
                failed += 1
                print(f"FAILED {test.__name__}: {type(error).__name__}: {error}", flush=True)
    print(f"{len(TESTS)} tests, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
