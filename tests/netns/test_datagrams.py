"""ESP in UDP beside the stream: taken when it is proven, left when it is shut, taken again; what an outsider sees of it, and
how it survives a lost stream.

    hostA ── fellini (isthmus up) ═══ router ═══ polanski (sshd) ── hostB

One join stands for most of the file; each test waits until packets go by datagrams again.
"""
import pathlib
import time

import pytest

from support.conversation import Conversation
from support.gateway import MARKER, crosses_both_ways, kill, marked_ping, seconds_until
from support.ground import TAKEN_WITHIN, Ground
from support.netns import HOST_A, HOST_B, Topology
from support.pings import Pings

# One that has become unusable is left within three seconds.
LEFT_WITHIN = 3
DATAGRAMS = "udp port 22"


@pytest.fixture(scope="module")
def ground(isthmus):
    with Topology() as topology:
        made = Ground(topology, isthmus)
        with made.joined():
            yield made


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
        assert pings.missing() == [], (ground.near.sessions(), ground.far.sessions(), ground.up.text())


def test_datagrams_go_on_while_ssh_is_shut(ground):
    with ground.router("tcp dport 22 drop; tcp sport 22 drop"), Pings(ground.topology, HOST_A, HOST_B) as pings:
        time.sleep(20)
        assert pings.lost() == 0
    ground.wait_datagrams(20)


def test_the_stream_alone_opens_no_udp_socket_at_either_end_and_nothing_goes_by_udp(isthmus):
    with Topology() as topology, topology.capture("router", "any", "udp") as public:
        ground = Ground(topology, isthmus)
        with ground.joined("--path", "stream"):
            time.sleep(2)  # as long as datagrams take to be taken where they are wanted
            assert ground.paths() == ["stream", "stream"]
            for host in "fellini", "polanski":
                assert topology.run(host, ["ss", "-Hlun"]).stdout == "", host
        assert topology.run("router", ["tcpdump", "-n", "-r", public]).stdout == ""
