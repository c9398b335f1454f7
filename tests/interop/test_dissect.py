"""tshark reads a real join octet by octet, both directions: every FCS, every option, every packet inside."""
import json
import re
import sys

import pytest

from support import pcap, recorder
from support.netns import HOST_A, HOST_A6, HOST_B, HOST_B6, LAN_A, LAN_A6, LAN_B, LAN_B6, POLANSKI_OUT, Topology
from support.program import Up, undone
from support.sshd import PATH, Sshd

PINGS = 5


@pytest.fixture(scope="module")
def recorded(isthmus):
    """The frames of a join with traffic in both families, from its first octet to its Terminate: sent and received."""
    with Topology() as topology, Sshd(topology, "polanski", program=isthmus) as sshd:
        wrapped = f"{sys.executable} -B {recorder.__file__} {topology.directory} ssh"
        with undone(topology, "fellini", "polanski"), Up(
                topology, "fellini", isthmus, "-e", wrapped, *sshd.client_args(), f"root@{POLANSKI_OUT}", "--offer", f"{LAN_A},{LAN_A6}",
                "--accept", f"{LAN_B},{LAN_B6}", "--path", "stream", env={"PATH": f"{isthmus.parent}:{PATH}"}) as up:
            up.wait_for()
            for sender, source, target in (("hostA", HOST_A, HOST_B), ("hostA", HOST_A6, HOST_B6), ("hostB", HOST_B, HOST_A),
                                           ("hostB", HOST_B6, HOST_A6)):
                for size in (0, 1400):
                    assert topology.ping(sender, target, source=source, count=PINGS, size=size).ok
            assert up.interrupt() == 0
        directions = [(topology.directory / name).read_bytes() for name in ("sent", "received")]
        yield [pcap.dissect_stream(topology.directory / f"{number}.pcap", octets) for number, octets in enumerate(directions)]


def frames(recorded):
    return [packet for direction in recorded for packet in direction]


def test_every_frame_is_ppp_with_a_good_fcs(recorded):
    for direction in recorded:
        assert len(direction) > 20
        assert all(packet["ppp"]["ppp.fcs.status"] == "1" for packet in direction)


def test_every_control_packet_is_dissected_to_its_last_option(recorded):
    control = [packet for packet in frames(recorded) if {"lcp", "ipcp", "ipv6cp"} & packet.keys()]
    assert pcap.complaints(control) == []
    text = json.dumps(control)
    assert not re.search(r"(?i)unknown|malformed|invalid|truncated", text), text
    for layer in ("lcp", "ipcp", "ipv6cp"):
        assert sum(layer in packet for packet in control) >= 4  # a request and its answer, each way


def test_the_vendors_protocol_is_known_by_its_numbers(recorded):
    protocols = {packet["ppp"].get("ppp.protocol") for packet in frames(recorded)}
    assert {"0x805b", "0x005b"} <= {f"0x{int(number, 16):04x}" for number in protocols if number}


def test_the_packets_inside_are_dissected(recorded):
    for layer, reply in (("icmp", "icmp.type"), ("icmpv6", "icmpv6.type")):
        inside = [packet for packet in frames(recorded) if layer in packet]
        assert len(inside) >= 8 * PINGS
        assert pcap.complaints(inside) == []
        assert all(packet[layer].get(f"{layer}.checksum.status", "1") == "1" for packet in inside), reply
