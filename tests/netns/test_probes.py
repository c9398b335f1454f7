"""Somebody beside a gateway, on its public cable, who asks for what is in the tunnel, and somebody behind the same NAT who
takes the ports of those who speak through it.

    hostA ── fellini (isthmus up) ═══ router, who asks ═══ polanski (sshd) ── hostB
                                        └ third
"""
import contextlib
import json
import pathlib

import pytest

from support import pcap
from support.gateway import reaches
from support.ground import Ground, without_ipv6
from support.netns import (FELLINI_IN, FELLINI_IN6, FELLINI_OUT, FELLINI_OUT6, HOST_A, HOST_A6, HOST_B, HOST_B6, LAN_A6, LAN_B6, POLANSKI_IN,
                           POLANSKI_IN6, POLANSKI_OUT, POLANSKI_OUT6, Topology, ip)
from support.pings import Pings

BOTH = ("--offer", LAN_A6, "--accept", LAN_B6)
TESTS = pathlib.Path(__file__).parent.parent
PORT = 40404  # of whoever asks
# An echo, an error, or what the ports of the probes are in.
ANSWERS = f"( icmp or ( icmp6 and ip6[40] < 130 ) or port {PORT} )"
ROUTER = {"fellini": ("193.6.34.1", "2001:db8:34::1"), "polanski": ("193.6.36.1", "2001:db8:36::1")}
INNER = {"fellini": (FELLINI_IN, FELLINI_IN6), "polanski": (POLANSKI_IN, POLANSKI_IN6)}
OUTER = {"fellini": (FELLINI_OUT, FELLINI_OUT6), "polanski": (POLANSKI_OUT, POLANSKI_OUT6)}
BEHIND = {"fellini": (HOST_A, HOST_A6), "polanski": (HOST_B, HOST_B6)}
THIRD = "198.18.0.2"

SEND = """import socket, sys, time
address, port, sources = sys.argv[1], int(sys.argv[2]), [int(word) for word in sys.argv[3:]]
ends = []
for source in sources:
    end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    end.bind(("", source))
    ends.append(end)
print("sending", flush=True)
while True:
    for end in ends:
        end.sendto(b"x" * 100, (address, port))
    time.sleep(0.01)
"""


@pytest.fixture(scope="module")
def ground(isthmus):
    with Topology() as topology:
        yield Ground(topology, isthmus)


def asked(topology, host, pairs):
    """Sends the probes of these (source, destination) pairs to a gateway; what came of it: packets on the public cable from
    there, and packets that the hosts of either site saw."""
    (link,) = json.loads(topology.ip(host, "-j", "link", "show", "wan0"))
    argv = ["/usr/bin/python3", "-B", "-m", "support.prober", f"{host}0", link["address"], PORT, *(word for pair in pairs for word in pair)]
    with contextlib.ExitStack() as captures:
        seen = [captures.enter_context(topology.capture("router", f"{host}0", f"ether src {link['address']} and {ANSWERS}"))]
        seen += [captures.enter_context(topology.capture(end, "lan0", ANSWERS)) for end in ("hostA", "hostB")]
        topology.run("router", argv, cwd=TESTS)
    public, *behind = (pcap.read(path) for path in seen)
    return public, [packet for packets in behind for packet in packets]


@pytest.mark.parametrize("host, far", [("fellini", "polanski"), ("polanski", "fellini")])
def test_who_asks_from_outside_learns_nothing_of_the_inside(ground, host, far):
    strangers = [*zip(ROUTER[host], INNER[host])]
    spoofed = [pair for sources in (INNER[far], BEHIND[far]) for targets in (INNER[host], OUTER[host], BEHIND[host]) for pair in zip(sources, targets)]
    public, _ = asked(ground.topology, host, strangers)
    assert len(public) > 2, "without a join a gateway answers for all its addresses"
    with ground.joined(*BOTH):
        assert reaches(ground.topology) and reaches(ground.topology, destination=HOST_B6)
        assert asked(ground.topology, host, strangers) == ([], [])
        assert asked(ground.topology, host, spoofed) == ([], [])


@contextlib.contextmanager
def third_behind_the_nat(topology):
    """One more host, which like fellini speaks to polanski through the router's address."""
    topology.add_host("third")
    ip("link", "add", "name", "lan0", "netns", topology.name("third"), "type", "veth", "peer", "name", "third0", "netns", topology.name("router"))
    for host, interface, address in (("third", "lan0", f"{THIRD}/30"), ("router", "third0", "198.18.0.1/30")):
        topology.ip(host, "addr", "add", address, "dev", interface)
        topology.ip(host, "link", "set", interface, "up")
    topology.ip("third", "route", "add", "default", "via", "198.18.0.1")
    topology.run("router", ["nft", "-f", "-"], input="""
      table ip front {
        chain out {
          type nat hook postrouting priority srcnat
          oifname "polanski0" masquerade
        }
        chain in {
          type filter hook forward priority 0
          iifname "polanski0" ct state new drop
        }
      }
""")
    yield
    topology.run("router", ["nft", "delete", "table", "ip", "front"])
    topology.ip("router", "link", "del", "third0")


@contextlib.contextmanager
def shadowing(topology, to, *sources):
    """The third host sends to polanski's port from these ports, without a pause."""
    with topology.popen("third", ["/usr/bin/python3", "-c", SEND, POLANSKI_OUT, to, *sources], stdout=-1, text=True) as process:
        assert process.stdout.readline() == "sending\n"
        try:
            yield
        finally:
            process.kill()


def test_a_third_who_takes_their_ports_behind_one_nat_takes_nothing_else(ground):
    near_port, far_port = 20500, 22
    with third_behind_the_nat(ground.topology), without_ipv6(ground), contextlib.ExitStack() as third:
        third.enter_context(shadowing(ground.topology, far_port, near_port, far_port))
        with ground.joined("--udp-port", near_port):
            ground.wait_datagrams(20)
            assert [end.sessions()[0]["udp_port"] for end in (ground.near, ground.far)] == [near_port, far_port]
            assert not ground.far.sessions()[0]["udp_remote"].endswith(f":{near_port}"), "the third had the port first"
            with Pings(ground.topology, HOST_A, HOST_B) as pings:
                third.enter_context(shadowing(ground.topology, far_port, *range(20501, 20700)))
                ground.wait_datagrams(10)
                assert pings.missing() == []
            ground.wait_datagrams(10)
