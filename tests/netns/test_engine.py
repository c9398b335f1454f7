"""The processes of a session, as the kernel shows them: the monitor, the launcher, and the engine that reads what the peer sends.

    hostA ── fellini (isthmus up: all three) ═══ router ═══ polanski (sshd, session owner: all three) ── hostB

What the engine's sandbox forbids is tests/kernel/sandbox_test.cc's to show; what a monitor is kept from,
confinement_test.cc's; what either does for one that is somebody else's, monitor_test.cc's and launcher_test.cc's.
"""
import os
import pathlib
import re
import time

import pytest

from support.gateway import crosses_both_ways, kill, status_of
from support.ground import Ground
from support.netns import HOST_A, HOST_B, Topology, wait_until
from support.pings import Pings

BACK_WITHIN = 10
NET_BIND_SERVICE, NET_ADMIN, NET_RAW = 10, 12, 13  # capabilities(7)
# What an engine may hold open: what it was given, and what it made of nothing.
HARMLESS = re.compile(r"(pipe|socket):|anon_inode:|/dev/net/tun$|/dev/null$|/memfd:isthmus")


@pytest.fixture(scope="module")
def ground(isthmus):
    with Topology() as topology:
        ground = Ground(topology, isthmus)
        with ground.joined():
            ground.wait_datagrams(20)
            yield ground


def engine_of(end):
    (engine,) = end.engines()
    return engine


def tasks_of(pid):
    return [f"{pid}/task/{task}" for task in os.listdir(f"/proc/{pid}/task")]


@pytest.mark.parametrize("end", ["near", "far"])
def test_no_thread_of_an_engine_has_a_right_of_roots(ground, end):
    tasks = tasks_of(engine_of(getattr(ground, end)))
    assert len(tasks) > 1, "the workers carry packets here"
    for task in tasks:
        status = status_of(task)
        assert "0" not in status["Uid"].split() and "0" not in status["Gid"].split(), status
        assert status["Groups"].split() == [], status
        for capabilities in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(status[capabilities], 16) == 0, status
        assert status["NoNewPrivs"].strip() == "1", status


@pytest.mark.parametrize("end", ["near", "far"])
def test_a_monitor_has_the_rights_to_change_the_network_and_no_others(ground, end, isthmus):
    if "sanitize" in str(isthmus):
        pytest.skip("a sanitizer has a right more, to look into its own process")
    (monitor,) = getattr(ground, end).part("monitor")
    (task,) = tasks_of(monitor)
    status = status_of(task)
    for capabilities in ("CapPrm", "CapEff"):
        assert int(status[capabilities], 16) == 1 << NET_BIND_SERVICE | 1 << NET_ADMIN | 1 << NET_RAW, status
    assert int(status["CapInh"], 16) == int(status["CapAmb"], 16) == 0
    assert status["NoNewPrivs"].strip() == "1", "what it executes gets no more"


@pytest.mark.parametrize("end", ["near", "far"])
def test_a_launcher_has_nothing_but_its_channel_and_no_thread(ground, end):
    (launcher,) = getattr(ground, end).part("launch")
    assert len(tasks_of(launcher)) == 1
    held = [os.readlink(f"/proc/{launcher}/fd/{fd}") for fd in os.listdir(f"/proc/{launcher}/fd") if int(fd) > 2]
    children = pathlib.Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    assert sum(what.startswith("socket:") for what in held) == 1, held
    assert all(what.startswith("socket:") or what == "anon_inode:[pidfd]" for what in held), held
    assert len(held) == 1 + len(children), (held, children)


@pytest.mark.parametrize("end", ["near", "far"])
def test_every_thread_of_an_engine_is_under_seccomp(ground, end, isthmus):
    if "sanitize" in str(isthmus):
        pytest.skip("the sanitizers' runtime makes system calls that the sandbox forbids: seccomp is left out")
    for task in tasks_of(engine_of(getattr(ground, end))):
        assert status_of(task)["Seccomp"].strip() == "2"


@pytest.mark.parametrize("end", ["near", "far"])
def test_nobody_but_root_may_look_into_an_engine_and_it_leaves_no_core(ground, end):
    engine = pathlib.Path(f"/proc/{engine_of(getattr(ground, end))}")
    assert (engine / "mem").stat().st_uid == 0, "as of a process that is not dumpable"
    (line,) = [line for line in (engine / "limits").read_text().splitlines() if "core file" in line]
    assert line.split()[4:6] == ["0", "0"], line


@pytest.mark.parametrize("end", ["near", "far"])
def test_an_engine_has_no_file_open(ground, end):
    engine = engine_of(getattr(ground, end))
    held = {int(fd): os.readlink(f"/proc/{engine}/fd/{fd}") for fd in os.listdir(f"/proc/{engine}/fd")}
    assert not {fd: what for fd, what in held.items() if fd > 2 and not HARMLESS.match(what)}, held


@pytest.mark.parametrize("end", ["near", "far"])
def test_an_engine_that_dies_is_followed_by_another(ground, end):
    gateway = getattr(ground, end)
    others = [one.part("monitor") + one.part("launch") for one in (ground.near, ground.far)]
    with Pings(ground.topology, HOST_A, HOST_B) as pings:
        died = engine_of(gateway)
        kill([died])
        wait_until(lambda: gateway.engines() not in ([], [died]) and crosses_both_ways(ground.topology), BACK_WITHIN,
                   what="packets by another engine")
        silence = pings.longest_silence()
    print(f"{end}: silent for {silence:.1f} s")
    assert silence <= BACK_WITHIN
    now = [one.part("monitor") + one.part("launch") for one in (ground.near, ground.far)]
    assert now == others, "nobody had to start anything"
    wait_until(ground.is_by_datagrams, 20, what="datagrams again")
    time.sleep(1)
