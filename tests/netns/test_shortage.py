"""What a machine runs short of: room for files, descriptors, processes, memory, somebody who reads the log; and signals in plenty.
Traffic goes on, or the program ends with all undone, and says what there was too little of.

    hostA ── fellini (isthmus up, short of something) ═══ router ═══ polanski (sshd) ── hostB
"""
import contextlib
import os
import pathlib
import random
import re
import signal
import subprocess
import threading
import time

import pytest

from support.gateway import Gateway, Up, crosses_both_ways, kill
from support.ground import Ground
from support.netns import HOST_A, HOST_B, Topology, wait_until
from support.pings import Pings
from support.soak import soaked

CGROUPS = pathlib.Path("/sys/fs/cgroup")
BACK_WITHIN = 5  # s until a stream is there again when the want is over
STORM = soaked(8, 120)  # s


class ShortUp(Up):
    """`isthmus up` with other words in front, and perhaps in a cgroup, or with another place for what it says."""

    def __init__(self, ground, *prefix, output=None, cgroup=None):
        super().__init__(ground.near, ground.sshd)
        self.argv = [*prefix, *self.argv]
        self.output = output
        self.cgroup = cgroup

    def __enter__(self):
        def enter_cgroup():
            if self.cgroup:
                (self.cgroup / "cgroup.procs").write_text(str(os.getpid()))
        with self.log.open("wb") as log:
            output = log if self.output is None else self.output
            self.process = self.gateway.topology.popen(self.gateway.host, self.argv, env=self.gateway.env, stdout=output, stderr=output,
                                                       start_new_session=True, preexec_fn=enter_cgroup)
        return self


class Room(Gateway):
    """The near gateway, on which /run/isthmus is a file system of 64 KiB."""

    def __init__(self, topology, host, program):
        super().__init__(topology, host, program)
        pathlib.Path("/run/isthmus").mkdir(mode=0o755, exist_ok=True)
        script = "mount -t tmpfs -o size=64k,mode=755 none /run/isthmus && echo mounted && exec sleep 600"
        self.holder = topology.popen(host, ["unshare", "-m", "--propagation", "private", "sh", "-c", script], stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "mounted\n"
        self.inside = ["nsenter", "-t", str(self.holder.pid), "-m", "--"]

    def isthmus(self, *words, check=True):
        return self.topology.run(self.host, [*self.inside, self.program, *words], check=check, env=self.env)

    def path(self):
        return pathlib.Path(f"/proc/{self.holder.pid}/root/run/isthmus")

    def fill(self, but=0):
        """Until nothing more can be written, but for so many KiB."""
        with (self.path() / "filler").open("wb", buffering=0) as filler:
            with contextlib.suppress(OSError):
                while filler.write(bytes(512)):
                    pass
            filler.truncate(filler.tell() - 1024 * but)


@pytest.fixture(scope="module")
def ground(isthmus):
    with Topology() as topology:
        made = Ground(topology, isthmus)
        topology.ping("hostA", "193.6.35.12", count=1)
        yield made


@pytest.fixture(autouse=True)
def nothing_is_left(ground):
    yield
    ground.far.isthmus("down", "--all", check=False)  # which holds its half for a caller that went without a word
    for end in (ground.near, ground.far):
        end.wait_clean(20)


@contextlib.contextmanager
def joined(ground, up):
    """`up` has joined, by datagrams, for the block; afterwards it ends as it should."""
    with up as ground.up:
        ground.up.wait_joined()
        ground.wait_datagrams(20)
        yield up
        assert up.end() == 0, up.text()


def ends_or_joins(ground, up):
    """`up` with too little of something: it joins and carries, or it ends with a status and says why. How it was."""
    with up as ground.up:
        wait_until(lambda: up.process.poll() is not None or ground.near.is_proven(), 40, what="the join or an end")
        if up.process.poll() is not None:
            assert up.process.returncode in range(1, 64), (up.process.returncode, up.text())
            return up.text()
        assert crosses_both_ways(ground.topology), up.text()
        assert up.end() == 0, up.text()
    return ""


def loses_no_packet_without_a_stream(ground):
    """ssh dies, cannot be started again for two seconds, and datagrams go on."""
    with Pings(ground.topology, HOST_A, HOST_B) as pings:
        kill(ground.near.pids("ssh"))
        time.sleep(2)
        assert not ground.near.pids("ssh")
        assert pings.missing() == [], ground.up.text()


# ---- room for files ----

@pytest.fixture
def room(ground, isthmus):
    usual = ground.near
    ground.near = Room(ground.topology, "fellini", isthmus)
    yield ground.near
    ground.near.holder.kill()
    ground.near.holder.communicate()
    ground.near = usual


@pytest.mark.parametrize("left", soaked([0, 8, 16, 24], range(0, 64, 4)))
def test_too_little_room_at_the_beginning_ends_with_its_name(ground, room, left):
    room.fill(but=left)
    said = ends_or_joins(ground, ShortUp(ground, *room.inside))
    assert said == "" or "No space left on device" in said, said
    assert "could not be undone" not in said, said


def test_no_room_later_stops_no_traffic_and_no_undoing(ground, room):
    with joined(ground, ShortUp(ground, *room.inside)):
        room.fill()
        for _ in range(2):
            (ssh,) = ground.near.pids("ssh")
            kill([ssh])
            wait_until(lambda: ground.is_by_datagrams() and ssh not in ground.near.pids("ssh"), 10, what="another stream")
            assert crosses_both_ways(ground.topology)
        assert "No space left on device" in ground.up.text(), ground.up.text()


# ---- somebody who reads ----

def test_a_log_that_nobody_reads_stops_nothing(ground):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(writer, b"\n" * 4096):
            pass
    os.set_blocking(writer, True)
    try:
        with joined(ground, ShortUp(ground, output=writer)):
            kill(ground.near.pids("ssh"))
            time.sleep(2)
            ground.wait_datagrams(10)
            assert crosses_both_ways(ground.topology)
    finally:
        os.close(reader)
        os.close(writer)


# ---- descriptors ----

@pytest.mark.parametrize("most", soaked([8, 16, 24, 40], range(8, 64)))
def test_too_few_descriptors_at_the_beginning_end_with_their_name(ground, most):
    said = ends_or_joins(ground, ShortUp(ground, "prlimit", f"--nofile={most}:{most}"))
    assert said == "" or "Too many open files" in said, said


def limit_descriptors(pid, most):
    subprocess.run(["prlimit", "--pid", str(pid), f"--nofile={most}:"], check=True)


def test_no_descriptor_later_stops_no_traffic(ground):
    with joined(ground, ShortUp(ground)):
        # An engine, of another user, may be limited from outside by nobody without CAP_SYS_RESOURCE.
        pids = set(ground.near.pids("up")) - set(ground.near.engines())
        for pid in pids:
            limit_descriptors(pid, 3)
        loses_no_packet_without_a_stream(ground)
        assert "Too many open files" in ground.up.text(), ground.up.text()
        for pid in pids:
            limit_descriptors(pid, 1024)
        wait_until(ground.has_stream, BACK_WITHIN, what="a stream again")


# ---- processes ----

@contextlib.contextmanager
def cgroup(controller, setting, value):
    """A cgroup (of version 1) with a limit; gives a function that puts processes into it."""
    path = CGROUPS / controller / f"isthmus-test-{os.getpid()}"
    try:
        path.mkdir()
    except OSError as error:
        pytest.skip(f"no {controller} cgroup can be made here: {error}")
    try:
        (path / setting).write_text(str(value))
        yield path
    finally:
        for pid in (path / "cgroup.procs").read_text().split():
            (CGROUPS / controller / "cgroup.procs").write_text(pid)
        path.rmdir()


def test_no_process_more_stops_no_traffic(ground):
    with cgroup("pids", "pids.max", "max") as group, joined(ground, ShortUp(ground)):
        for pid in ground.near.pids("up"):
            (group / "cgroup.procs").write_text(str(pid))
        (group / "pids.max").write_text("1")
        loses_no_packet_without_a_stream(ground)
        assert "the call has failed: " in ground.up.text() and "Resource temporarily unavailable" in ground.up.text(), ground.up.text()
        (group / "pids.max").write_text("max")
        wait_until(ground.has_stream, BACK_WITHIN, what="a stream again")


# ---- memory ----

def test_thirty_two_megabytes_are_enough(ground):
    with cgroup("memory", "memory.limit_in_bytes", 32 << 20) as group:
        with joined(ground, ShortUp(ground, cgroup=group)):
            assert crosses_both_ways(ground.topology)
            assert "oom_kill 0" in (group / "memory.oom_control").read_text()


@pytest.mark.parametrize("megabytes", soaked([32, 48, 64, 96, 160], range(28, 400, 4)))
def test_too_little_address_space_ends_with_words(ground, megabytes):
    said = ends_or_joins(ground, ShortUp(ground, "prlimit", f"--as={megabytes << 20}"))
    assert said == "" or re.search("out of memory|Cannot allocate memory|Resource temporarily unavailable", said), said


# ---- signals ----

def test_a_storm_of_signals_changes_nothing(ground):
    numbers, generator, is_over = (signal.SIGCHLD, signal.SIGCONT, signal.SIGWINCH), random.Random(29), threading.Event()

    def storm(pids):
        while not is_over.wait(0.001):
            kill([generator.choice(pids)], generator.choice(numbers))

    with joined(ground, ShortUp(ground)):
        blowing = threading.Thread(target=storm, args=([*ground.near.pids("up"), *ground.far.pids("owner")],))
        blowing.start()
        try:
            with Pings(ground.topology, HOST_A, HOST_B) as pings:
                time.sleep(STORM / 2)
                kill(ground.near.pids("ssh"))
                time.sleep(STORM / 2)
                ground.wait_datagrams(10)
                assert pings.missing() == []
        finally:
            is_over.set()
            blowing.join()
