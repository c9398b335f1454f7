"""ESP in UDP beside the stream: taken when it is proven, left when it is shut, taken again; what an outsider sees of it, and
how it survives a lost stream, a move and a NAT that forgets.

    hostA ── fellini (isthmus up) ═══ router ═══ polanski (sshd) ── hostB

One join stands for the whole file; each test waits until packets go by datagrams again.
"""
import contextlib
import pathlib
import signal
import time

import pytest

from support.conversation import Conversation
from support.gateway import MARKER, Gateway, Up, crosses_both_ways, kill, marked_ping, reaches, seconds_until
from support.netns import FELLINI_OUT, HOST_A, HOST_B, POLANSKI_OUT, Topology, wait_until
from support.pings import Pings
from support.sshd import Sshd

TAKEN_WITHIN = 5  # a path that has become usable
LEFT_WITHIN = 3  # one that has become unusable
DATAGRAMS = "udp port 22"


class Ground:
    def __init__(self, topology, program):
        self.topology = topology
        self.sshd = Sshd(topology, "polanski", program=program).__enter__()
        self.near = Gateway(topology, "fellini", program)
        self.far = Gateway(topology, "polanski", program)
        self.up = None

    def paths(self):
        """What carries the packets, as each end says: out of the near one, out of the far one."""
        return [end.sessions()[0].get("path") for end in (self.near, self.far) if end.sessions()]

    def is_by_datagrams(self):
        return self.near.is_proven() and self.far.is_proven() and self.paths() == ["datagram", "datagram"]

    def wait_datagrams(self, seconds=TAKEN_WITHIN):
        wait_until(self.is_by_datagrams, seconds, what="packets by datagrams in both directions")

    @contextlib.contextmanager
    def router(self, rules, hook="forward"):
        """The router has these rules until the block is left."""
        table = f"table inet cut {{ chain here {{ type filter hook {hook} priority 0; {rules}; }}; }}\n"
        self.topology.run("router", ["nft", "-f", "-"], input=table)
        try:
            yield
        finally:
            self.topology.run("router", ["nft", "delete", "table", "inet", "cut"])


@pytest.fixture(scope="module")
def ground(isthmus):
    with Topology() as topology:
        made = Ground(topology, isthmus)
        with Up(made.near, made.sshd) as made.up:
            made.up.wait_joined()
            yield made
            assert made.up.end() == 0
            for end in (made.near, made.far):
                end.wait_clean()


@pytest.fixture(autouse=True)
def stands(ground):
    ground.wait_datagrams(30)


def test_it_is_taken_soon_and_the_public_side_shows_esp_and_ssh_alone(ground):
    with ground.topology.capture("router", "any", "not arp and not icmp6 and not net ff00::/8") as public:
        with marked_ping(ground.topology), marked_ping(ground.topology, source="hostB", destination=HOST_A):
            time.sleep(1)
    shown = ground.topology.run("router", ["tcpdump", "-n", "-r", public, f"not ({DATAGRAMS}) and not tcp port 22"]).stdout
    assert shown == "", shown
    assert len(ground.topology.run("router", ["tcpdump", "-n", "-r", public, DATAGRAMS]).stdout.splitlines()) > 50
    assert MARKER not in public.read_bytes()


def test_no_core_file_holds_the_keys(ground):
    for pid in ground.near.pids("up") + ground.far.pids("owner"):
        (line,) = [line for line in pathlib.Path(f"/proc/{pid}/limits").read_text().splitlines() if "core file" in line]
        assert line.split()[4:6] == ["0", "0"], line


def test_where_udp_is_shut_the_stream_takes_over_and_gives_back(ground):
    with Pings(ground.topology, HOST_A, HOST_B) as pings:
        with ground.router("meta l4proto udp drop"):
            assert pings.longest_silence_until(lambda: ground.paths() == ["stream", "stream"], 10) <= LEFT_WITHIN
            assert crosses_both_ways(ground.topology)
        assert seconds_until(ground.is_by_datagrams, TAKEN_WITHIN + 1, "datagrams again") <= TAKEN_WITHIN


@pytest.mark.parametrize("rule", ["iifname \"fellini0\" meta l4proto udp drop", "iifname \"polanski0\" meta l4proto udp drop"])
def test_udp_that_is_shut_one_way_is_left_that_way(ground, rule):
    with Pings(ground.topology, HOST_A, HOST_B) as pings, ground.router(rule):
        assert pings.longest_silence_until(lambda: "stream" in ground.paths(), 10) <= LEFT_WITHIN


def test_a_lost_stream_costs_no_packet(ground):
    with Conversation(ground.topology) as conversation, Pings(ground.topology, HOST_A, HOST_B) as pings:
        for lose in (lambda: kill(ground.near.pids("ssh")), lambda: kill(ground.sshd.descendants())):
            lose()
            time.sleep(3)
            conversation.wait_answered()
            ground.wait_datagrams(10)
        assert pings.lost() == 0


def test_datagrams_go_on_while_ssh_is_shut(ground):
    with ground.router("tcp dport 22 drop; tcp sport 22 drop"), Pings(ground.topology, HOST_A, HOST_B) as pings:
        time.sleep(20)
        assert pings.lost() == 0
    ground.wait_datagrams(20)


def test_a_caller_that_moves_is_followed_at_once(ground):
    topology = ground.topology
    with Pings(topology, HOST_A, HOST_B) as pings:
        topology.ip("fellini", "addr", "add", "193.6.34.77/24", "dev", "wan0")
        topology.ip("fellini", "route", "replace", "default", "via", "193.6.34.1", "src", "193.6.34.77")
        topology.ip("fellini", "addr", "del", f"{FELLINI_OUT}/24", "dev", "wan0")
        topology.ip("fellini", "route", "replace", "default", "via", "193.6.34.1", "src", "193.6.34.77")
        time.sleep(3)
        try:
            assert pings.longest_silence() <= 1.5
        finally:
            topology.ip("fellini", "addr", "add", f"{FELLINI_OUT}/24", "dev", "wan0")
            topology.ip("fellini", "route", "replace", "default", "via", "193.6.34.1", "src", FELLINI_OUT)
            topology.ip("fellini", "addr", "del", "193.6.34.77/24", "dev", "wan0")
            topology.ip("fellini", "addr", "replace", f"{FELLINI_OUT}/24", "dev", "wan0")
            topology.ip("fellini", "route", "replace", "default", "via", "193.6.34.1")
    ground.wait_datagrams(30)


def test_a_nat_that_forgets_costs_a_round_trip(ground):
    topology = ground.topology
    topology.run("router", ["nft", "-f", "-"], input="""table ip nat {
      chain post { type nat hook postrouting priority 100; oifname "polanski0" meta l4proto udp masquerade to :20000-30000 random; }; }\n""")
    try:
        with Pings(topology, HOST_A, HOST_B) as pings:
            for _ in range(5):
                time.sleep(1)
                topology.run("router", ["nft", "-f", "-"], input="""flush chain ip nat post
                  add rule ip nat post oifname "polanski0" meta l4proto udp masquerade to :20000-30000 random\n""")
                topology.run("router", ["conntrack", "-F"], check=False)
            time.sleep(1)
            assert pings.longest_silence() <= 0.5
            assert pings.lost() <= 5
    finally:
        topology.run("router", ["nft", "delete", "table", "ip", "nat"])


def test_the_stream_alone_opens_no_udp_socket(ground):
    assert ground.up.end() == 0
    for end in (ground.near, ground.far):
        end.wait_clean()
    with Up(ground.near, ground.sshd, "--path", "stream") as up:
        up.wait_joined()
        time.sleep(1)
        assert ground.paths() == ["stream", "stream"]
        for host in ("fellini", "polanski"):
            assert ground.topology.run(host, ["ss", "-Hlun"]).stdout == ""
        assert up.end() == 0
    for end in (ground.near, ground.far):
        end.wait_clean()
    with Up(ground.near, ground.sshd) as ground.up:
        ground.up.wait_joined()
        ground.wait_datagrams()
        ground.up.end()
    ground.up = Up(ground.near, ground.sshd).__enter__()
    ground.up.wait_joined()
