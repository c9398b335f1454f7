"""The long way that other tests and the benchmarks send over: as long, as narrow and as lossy as asked, and in order.

    fellini ── router (delay_relay each way, tbf) ── polanski
"""
import re
import secrets
import statistics
import subprocess
import sys

import pytest

from support.netns import FELLINI_OUT, POLANSKI_OUT, POLANSKI_OUT6, Failed, Topology, wait_until
from support.transfer import transfer
from support.wan import Line, Wan, relay_beside

ALONE = "delay and rate of a line are measured"

DATAGRAMS = 4000
RECEIVE = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    s.bind((sys.argv[1], 9000)); s.settimeout(2); print('listening', flush=True)
    try:
        while (n := s.recv(64)) != b'end':
            print(n.decode())
    except TimeoutError: pass
"""
SEND = """
import socket, sys, time
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    for n in range(int(sys.argv[2])):
        s.sendto(b'%d' % n, (sys.argv[1], 9000))
        n % 20 or time.sleep(0.001)
    time.sleep(0.1)  # none of them is overtaken by the end
    for _ in range(9): s.sendto(b'end', (sys.argv[1], 9000))
"""


@pytest.fixture(scope="module")
def ground():
    with Topology() as made:
        yield made


@pytest.fixture
def over(ground, isthmus):
    """The topology with a line, which is taken away again at the end of the test."""
    def lay(**line):
        return Wan(ground, relay_beside(isthmus), Line(**line))
    return lay


def round_trips(topology, destination):
    """Milliseconds, one a ping that was answered."""
    return [float(ms) for ms in re.findall(r"time=([\d.]+)", topology.run(
        "fellini", ["ping", "-n", "-i", "0.02", "-c", "50", destination], check=False).stdout)]


def numbers_that_arrive(topology):
    """Sends numbered datagrams from fellini to polanski and gives the numbers in the order of their arrival."""
    argv = [sys.executable, "-c", RECEIVE, POLANSKI_OUT]
    with topology.popen("polanski", argv, stdout=subprocess.PIPE, text=True) as receiver:
        receiver.stdout.readline()
        topology.run("fellini", [sys.executable, "-c", SEND, POLANSKI_OUT, DATAGRAMS])
        return [int(line) for line in receiver.communicate(timeout=20)[0].split()]


@pytest.mark.parametrize("destination", [POLANSKI_OUT, POLANSKI_OUT6], ids=["IPv4", "IPv6"])
def test_twenty_milliseconds_each_way_are_forty_there_and_back(ground, over, destination):
    with over(delay_ms=20):
        times = round_trips(ground, destination)
    # The upper bound is for a machine that is busy with other things.
    assert len(times) == 50 and min(times) >= 40 and statistics.median(times) < 45, times


def test_without_loss_all_arrive_in_order(ground, over):
    with over(delay_ms=5):
        assert numbers_that_arrive(ground) == list(range(DATAGRAMS))


def test_what_is_lost_is_near_the_rate_asked_for_and_the_same_for_the_same_seed(ground, over):
    arrived = []
    for seed in (7, 7, 8):
        with over(delay_ms=5, loss_per_mille=10, seed=seed):
            arrived.append(numbers_that_arrive(ground))
    first, again, other = arrived
    # Three standard deviations of 4000 trials at 1 %.
    assert 40 - 19 <= DATAGRAMS - len(first) <= 40 + 19
    assert first == sorted(first) and again == first and other != first


def test_what_comes_twice_too_soon_or_broken_is_near_the_rates_asked_for(ground, over):
    with over(delay_ms=5, duplicated_per_mille=20, reordered_per_mille=250):
        arrived = numbers_that_arrive(ground)
    assert set(arrived) == set(range(DATAGRAMS))
    assert 80 - 27 <= len(arrived) - DATAGRAMS <= 80 + 27
    assert sum(later < earlier for earlier, later in zip(arrived, arrived[1:])) > DATAGRAMS / 20
    with over(delay_ms=5, corrupted_per_mille=10):
        arrived = numbers_that_arrive(ground)
    assert arrived == sorted(set(arrived)) and 40 - 19 <= DATAGRAMS - len(arrived) <= 40 + 19, "the checksums find each"


def test_a_narrow_line_is_used_to_its_rate_and_not_beyond(ground, over):
    with over(delay_ms=5, mbit=20):
        moved = transfer(ground, "fellini", "polanski", FELLINI_OUT, POLANSKI_OUT, secrets.token_bytes(5_000_000))
    assert moved.arrived_whole and 15 < moved.megabit_per_second < 20.5, moved.megabit_per_second


def test_the_relay_ends_when_its_device_goes(ground, isthmus):
    relay = ground.popen("router", [relay_beside(isthmus), "gone", "5", "0", "1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert relay.stdout.readline() == "ready\n"
        ground.ip("router", "link", "del", "gone")
        assert wait_until(lambda: relay.poll() is not None, 5, what="the end of the relay") and relay.returncode == 0
    finally:
        relay.kill()
        relay.communicate()


def test_afterwards_the_router_is_as_it_was(ground, over):
    before = ground.leftovers("router")
    with over(delay_ms=5, mbit=20):
        assert before.diff(ground.leftovers("router"))
    wait_until(lambda: not before.diff(ground.leftovers("router")), 5, what="the router as before")
    with pytest.raises(Failed):
        ground.ip("router", "link", "show", "dev", "east")
