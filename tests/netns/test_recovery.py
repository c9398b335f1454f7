"""kill -9 of what carries a join that stands: how long it takes until traffic is back, and what stays where nobody starts anything again.

    hostA ── fellini (isthmus up, ssh) ═══ router ═══ polanski (sshd, attach, owner) ── hostB

`isthmus up` is the caller's to start again: the test does it at once, as a supervisor would. All else comes back by itself.
Seeded; the seed is printed, and ISTHMUS_SEED repeats it.
"""
import contextlib
import os
import random
import statistics
import time

import pytest

from support.gateway import MARKER, Up, kill, marked_ping, reaches
from support.ground import Ground
from support.netns import HOST_A, HOST_A6, HOST_B, HOST_B6, LAN_A, LAN_A6, LAN_B, LAN_B6, Topology, wait_until
from support.pings import Pings
from support.soak import soaked

ALONE = "how long traffic is away is measured"

SEED = int(os.environ.get("ISTHMUS_SEED", random.randrange(1 << 32)))
ROLES = ("up", "ssh", "sshd", "attach", "owner")
DEATHS = soaked(10, 100)
MEDIAN, MOST = 3, 10  # seconds
BOTH = ("--offer", LAN_A6, "--accept", LAN_B6)


class MortalGround(Ground):
    """One in which the processes of a role can be killed, and `up` is started again."""

    def those(self, role):
        if role == "sshd":
            return [pid for pid in self.sshd.descendants() if (self.far.processes().get(pid) or [""])[0].startswith("sshd")]
        return (self.near if role in ("up", "ssh") else self.far).pids(role)

    def kill(self, *roles):
        """Kills them all at once, and gives their ids."""
        killed = [pid for role in roles for pid in self.those(role)]
        assert killed
        kill(killed)
        return set(killed)

    def is_back(self, role, killed):
        """Whether others play the role now, and both ends say that the join stands."""
        others = set(self.those(role))
        return others and not others & killed and self.near.is_proven() and self.far.is_proven()

    def lead_astray(self):
        """The public network would carry the sites' packets in the clear, if anybody sent it any."""
        for host in ("fellini", "polanski"):
            self.topology.run(host, ["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"])
        for prefix, gateway in ((LAN_B, "193.6.36.12"), (LAN_B6, "2001:db8:36::12"), (LAN_A, "193.6.34.12"), (LAN_A6, "2001:db8:34::12")):
            self.topology.ip("router", "route", "replace", prefix, "via", gateway)

    def wait_untouched(self):
        """Until all is undone, but for what lead_astray() did to the gateways."""
        for end in (self.near, self.far):
            self.topology.run(end.host, ["sysctl", "-qw", "net.ipv4.ip_forward=0", "net.ipv6.conf.all.forwarding=0"])
            end.wait_clean()


@pytest.fixture
def ground(isthmus):
    with Topology() as topology:
        yield MortalGround(topology, isthmus)


@contextlib.contextmanager
def nothing_in_the_clear(topology):
    """Both families, both ways, all the time."""
    with topology.capture("router", "any", "icmp or icmp6") as public, contextlib.ExitStack() as pings:
        for source, destinations in (("hostA", (HOST_B, HOST_B6)), ("hostB", (HOST_A, HOST_A6))):
            for destination in destinations:
                pings.enter_context(marked_ping(topology, source=source, destination=destination))
        yield
    assert MARKER not in public.read_bytes(), f"seed {SEED}: the marker was seen in the clear"


def outage(ground, role, dice, supervised):
    """Kills those who play the role; for how long no ping came back."""
    with Pings(ground.topology, HOST_A, HOST_B) as pings:
        wait_until(lambda: pings.answers, what="a first answer")
        time.sleep(dice.uniform(0, 1))
        killed = ground.kill(role)
        if role == "up":
            supervised.close()
            ground.up = supervised.enter_context(Up(ground.near, ground.sshd, *BOTH))
        wait_until(lambda: ground.is_back(role, killed), 3 * MOST, what=f"another {role}")
        answered = len(pings.answers)
        wait_until(lambda: len(pings.answers) > answered, MOST, what="an answer")
        return pings.longest_silence()


def test_traffic_is_back_soon_after_any_process_was_killed(ground):
    dice = random.Random(SEED)
    outages = {role: [] for role in ROLES}
    with contextlib.ExitStack() as supervised:
        ground.up = supervised.enter_context(Up(ground.near, ground.sshd, *BOTH))
        ground.up.wait_joined()
        ground.lead_astray()
        with nothing_in_the_clear(ground.topology):
            for number in range(DEATHS):
                role = ROLES[number % len(ROLES)]
                outages[role].append(outage(ground, role, dice, supervised))
        ground.end()
    ground.wait_untouched()
    print(f"ISTHMUS_SEED={SEED}:", {role: f"median {statistics.median(times):.2f}, most {max(times):.2f} s" for role, times in outages.items()})
    every = [seconds for times in outages.values() for seconds in times]
    assert statistics.median(every) <= MEDIAN and max(every) <= MOST


def test_a_launcher_that_is_killed_takes_its_session_along_and_what_it_accepted_is_refused(ground):
    with nothing_in_the_clear(ground.topology), Up(ground.near, ground.sshd, *BOTH) as ground.up:
        ground.up.wait_joined()
        ground.lead_astray()
        stood = kept(ground.near.left())
        kill(ground.near.part("launch"))
        assert ground.up.process.wait(timeout=MOST) not in (0, -9)
        assert "until `isthmus cleanup`" in ground.up.text(), ground.up.text()
        wait_until(lambda: not ground.near.pids("ssh"), 5, what="the end of ssh, which goes along")
        assert stood and stood <= kept(ground.near.left())
        assert not reaches(ground.topology) and not reaches(ground.topology, "hostA", HOST_B6)
        with Up(ground.near, ground.sshd, *BOTH) as ground.up:
            ground.up.wait_joined()
            killed = set(ground.far.pids("owner"))
            kill(ground.far.part("launch"))
            wait_until(lambda: ground.is_back("owner", killed), 3 * MOST, what="the far end's session by another owner")
            assert reaches(ground.topology)
            ground.end()
    ground.wait_untouched()


def kept(lines):
    """Of what differs from an untouched host: the guard, and the routes that refuse."""
    return {line for line in lines if line.startswith("firewall") or "unreachable" in line}


def clean(ground, way):
    if way == "up":
        with Up(ground.near, ground.sshd, *BOTH) as ground.up:
            ground.up.wait_joined()
            ground.end()
        return
    for end in (ground.near, ground.far):
        end.isthmus(*way.split(), check=False)


@pytest.mark.parametrize("way", ["cleanup", "down --all", "up"])
def test_where_all_processes_of_both_ends_are_killed_traffic_is_refused_until_one_cleans_up(ground, way):
    with nothing_in_the_clear(ground.topology), Up(ground.near, ground.sshd, *BOTH) as ground.up:
        ground.up.wait_joined()
        ground.lead_astray()
        ends = (ground.near, ground.far)
        before = [kept(end.left()) for end in ends]
        ground.kill(*ROLES)
        time.sleep(soaked(2, 30))
        for end, stood in zip(ends, before):
            assert not end.own_processes()
            assert stood and stood <= kept(end.left())
            assert "DEAD" in end.isthmus("status", check=False).stdout
        assert not reaches(ground.topology) and not reaches(ground.topology, "hostB", HOST_A)
        assert not reaches(ground.topology, "hostA", HOST_B6) and not reaches(ground.topology, "hostB", HOST_A6)
    clean(ground, way)
    ground.wait_untouched()
