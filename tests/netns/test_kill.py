"""kill -9 of any process at any moment: nothing leaks, `status` says what is left, and exactly that is removed.

    hostA ── fellini (isthmus up, ssh) ═══ router ═══ polanski (sshd, attach, owner) ── hostB

Twenty-nine deaths: each process while the join comes up, stands and goes down, and five at random. Seeded; the seed is
printed, and ISTHMUS_SEED repeats it. Somebody else's routes, rules and nft tables are there all the time and stay.
"""
import os
import random
import time

import pytest

from support.gateway import MARKER, Gateway, Up, crosses_both_ways, kill, marked_ping
from support.netns import Failed, Topology, wait_until
from support.sshd import Sshd

SEED = int(os.environ.get("ISTHMUS_SEED", random.randrange(1 << 32)))
PARTS = ("monitor", "launch", "engine")  # of `up`
VICTIMS = ("up", *PARTS, "ssh", "sshd", "attach", "owner")
MOMENTS = ("coming up", "standing", "going down")
ROUNDS = [(victim, moment) for victim in VICTIMS for moment in MOMENTS]
_random = random.Random(SEED)
ROUNDS += [(_random.choice(VICTIMS), _random.choice(MOMENTS)) for _ in range(5)]

FOREIGN = """
ip route add 192.0.2.0/24 via {router} proto static
ip route add unreachable 198.51.100.0/24 table 7777
ip route add 203.0.113.0/24 dev lan0 table 7200 proto static metric 77
ip rule add pref 7300 from 192.0.2.1 table 7777
nft add table inet somebody
nft add chain inet somebody forward '{{ type filter hook forward priority 5; }}'
nft add rule inet somebody forward ip daddr 192.0.2.99 drop
"""


class Ground:
    def __init__(self, topology, program):
        self.topology = topology
        for host, router in (("fellini", "193.6.34.1"), ("polanski", "193.6.36.1")):
            topology.run(host, ["sh", "-e", "-c", FOREIGN.format(router=router)])
        self.sshd = Sshd(topology, "polanski", program=program).__enter__()
        self.near = Gateway(topology, "fellini", program)
        self.far = Gateway(topology, "polanski", program)

    def victims(self, role):
        if role in PARTS:
            return self.near.part(role)
        if role == "sshd":
            return [pid for pid in self.sshd.descendants() if self.is_sshd(pid)]
        return (self.near if role in ("up", "ssh") else self.far).pids(role)

    def is_sshd(self, pid):
        words = self.far.processes().get(pid, [])
        return bool(words) and words[0].startswith("sshd")


@pytest.fixture(scope="module")
def ground(isthmus):
    with Topology() as topology:
        yield Ground(topology, isthmus)


@pytest.fixture(scope="module", autouse=True)
def public(ground):
    """What the public side sees during all of it, ssh left out; judged at the end."""
    with ground.topology.capture("router", "any", "icmp") as path, marked_ping(ground.topology, interval=0.01):
        yield path
    assert MARKER not in path.read_bytes(), f"seed {SEED}: the marker was seen in the clear"


def seen(ground, role, up, seconds=3):
    """The process ids of a victim that may never come to be."""
    try:
        return wait_until(lambda: ground.victims(role) or up.process.poll() is not None and [0], seconds, every=0.01)
    except Failed:
        return []


def die(ground, up, victim, moment, dice):
    """Brings the join to the moment and kills; how many processes died."""
    if moment == "coming up":
        pids = seen(ground, victim, up)
        time.sleep(dice.uniform(0, 0.5))
        return kill(pid for pid in pids if pid)
    up.wait_joined()
    time.sleep(dice.uniform(0, 0.2))
    pids = ground.victims(victim)
    if moment == "going down":
        kill([up.process.pid], 2)
        time.sleep(dice.uniform(0, 0.12))
    return kill(pids)


def check_status(end):
    """`status` changes nothing, and names the dead if something is left of them."""
    wait_until(lambda: end.own_processes() or not end.tunnels(), 5, what="the end of a dead engine's tunnel")
    if end.own_processes():
        return end.isthmus("status").stdout
    before = end.topology.leftovers(end.host)
    shown = end.isthmus("status").stdout
    after = end.topology.leftovers(end.host)
    if end.own_processes():  # the other end has called again meanwhile
        return shown
    assert not before.diff(after)
    if end.untouched.diff(before):
        assert "DEAD" in shown and "isthmus cleanup" in shown
    return shown


def clean(ground, up, dice):
    """One of the three ways in which a user gets rid of what is left."""
    way = dice.choice(("cleanup", "down", "up"))
    if up.process.poll() is None:
        up.end()
    if way == "up":
        with Up(ground.near, ground.sshd) as again:
            again.wait_joined()
            assert again.end() == 0
    for end in (ground.near, ground.far):
        # The far end holds its half for a while: whoever is in a hurry says down.
        print(end.isthmus("down", "--all", check=False).stdout)
        if way == "cleanup":
            end.isthmus("cleanup")
    return way


@pytest.mark.parametrize("number", range(len(ROUNDS)))
def test_after_kill_9_nothing_leaks_and_exactly_ours_is_removed(ground, number):
    victim, moment = ROUNDS[number]
    dice = random.Random(f"{SEED} {number}")
    print(f"ISTHMUS_SEED={SEED}: kill -9 of {victim} while {moment}")
    with Up(ground.near, ground.sshd) as up:
        died = die(ground, up, victim, moment, dice)
        time.sleep(dice.uniform(0, 0.3))
        for end in (ground.near, ground.far):
            print(check_status(end))
        if died and victim not in ("up", "monitor", "launch") and moment == "standing":
            up.wait_joined(10)
            # It may not have heard of the death yet.
            wait_until(lambda: crosses_both_ways(ground.topology), 10, what="packets both ways")
        print(clean(ground, up, dice), up.text())
    for end in (ground.near, ground.far):
        end.wait_clean()
