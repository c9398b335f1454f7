"""Time that does not run as it should: a network that is gone for a while, a process that is frozen, a clock that is set.

    hostA ── fellini (isthmus up) ═══ router ═══ polanski (sshd) ── hostB
"""
import signal
import struct
import time

import pytest

from support.gateway import kill
from support.ground import Ground, newest_generation
from support.netns import HOST_A, HOST_B, Topology, wait_until
from support.pings import Pings
from support.program import built_beside
from support.soak import IS_SOAK

ALONE = "how soon traffic is back is measured"

OUTAGES = (1, 5, 30) if IS_SOAK else (1, 5)
BACK_WITHIN = {1: 1, 5: 5, 30: 5}
FROZEN = 10
THAWED_WITHIN = 5
DAY = 86400
CLOCKS = (DAY, -DAY, 10 * 365 * DAY, -10 * 365 * DAY)


@pytest.fixture
def ground(isthmus):
    with Topology() as topology:
        made = Ground(topology, isthmus)
        with made.joined():
            made.wait_datagrams(30)
            yield made


def seconds_until_answer(pings, since, limit):
    """From that moment of time.monotonic() until the first answer after it."""
    wait_until(lambda: max(pings.answers.values(), default=0) > since, limit, every=0.02, what="an answer")
    return min(at for at in list(pings.answers.values()) if at > since) - since


def test_after_an_outage_packets_are_back_soon(ground):
    for outage in OUTAGES:
        with Pings(ground.topology, HOST_A, HOST_B) as pings:
            with ground.router("meta l4proto { tcp, udp } drop"):
                time.sleep(outage)
            back = seconds_until_answer(pings, time.monotonic(), 30)
            assert back <= BACK_WITHIN[outage], f"{back:.2f} s after {outage} s"
        ground.wait_datagrams(30)


@pytest.mark.parametrize("role", ["up", "owner"])
def test_a_process_that_is_frozen_goes_on_where_it_was(ground, role):
    pids = (ground.near if role == "up" else ground.far).pids(role)
    assert len(pids) == 3  # monitor, launcher and engine
    kill(pids, signal.SIGSTOP)
    time.sleep(FROZEN)
    with Pings(ground.topology, HOST_A, HOST_B) as pings:
        kill(pids, signal.SIGCONT)
        assert seconds_until_answer(pings, time.monotonic(), 30) <= THAWED_WITHIN
    ground.wait_datagrams(30)


class Clock:
    """By how many seconds the preloaded clock_shift.so shifts the time of day; it has the file mapped."""

    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(8))

    def set(self, seconds):
        with self.path.open("r+b") as file:
            file.write(struct.pack("=q", seconds))


def test_a_clock_that_is_set_changes_nothing(isthmus):
    with Topology() as topology:
        ground = Ground(topology, isthmus)
        clock = Clock(topology.directory / "clock")
        ground.near.env |= {"LD_PRELOAD": built_beside(isthmus, "clock_shift.so"), "CLOCK_SHIFT": str(clock.path)}
        with ground.joined() as up, Pings(topology, HOST_A, HOST_B) as pings:
            ground.wait_datagrams(30)
            generation = newest_generation(ground.near)
            for seconds in CLOCKS:
                clock.set(seconds)
                year = time.gmtime(time.time() + seconds).tm_year
                assert topology.run("fellini", ["date", "+%Y"], env=ground.near.env).stdout.strip() == str(year), "the clock is not set"
                time.sleep(2)
            assert ground.is_by_datagrams() and newest_generation(ground.near) == generation, up.text()
            assert pings.lost() == 0
