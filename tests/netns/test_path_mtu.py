"""A way that swallows long packets without a word, and words about it that are not to be believed.

    hostA ── fellini (isthmus up) ═══ router ═══ polanski (sshd) ── hostB
"""
import random
import socket
import time

import pytest

from support.esp import checksum
from support.ground import Ground, ground_by_ipv4, without_ipv6, without_trains
from support.netns import HOST_A, HOST_B, Topology, wait_until
from support.pings import Pings
from support.resend import captured, payload, resend
from support.transfer import transfer

ALONE = "how soon a transfer gets through is measured"

HOLE = 1400
ROUTER = "193.6.34.1"
SWALLOWS = f"meta l4proto udp meta length > {HOLE} drop"
MEGABYTE = random.Random(28).randbytes(1_000_000)
DONE_WITHIN = 5
FOUND_WITHIN = 20


def sizes(ground):
    return [end.sessions()[0]["path_mtu"] for end in (ground.near, ground.far)]


def crosses_whole(ground, seconds):
    moved = transfer(ground.topology, "hostA", "hostB", HOST_A, HOST_B, MEGABYTE, timeout=60)
    assert moved.arrived_whole and moved.seconds <= seconds, (moved, sizes(ground), ground.paths())


def wait_size_of_hole(ground):
    """Until both ends know what the hole lets through, to within a step of the search."""
    def is_known():
        return ground.is_by_datagrams() and all(HOLE - 16 <= size <= HOLE for size in sizes(ground))
    wait_until(is_known, FOUND_WITHIN, what="the size of the hole at both ends")


def test_a_hole_that_is_there_from_the_start_costs_nothing(isthmus):
    with Topology() as topology:
        without_trains(topology)
        ground = Ground(topology, isthmus)
        with ground.router(SWALLOWS), without_ipv6(ground), ground.joined():
            crosses_whole(ground, DONE_WITHIN)
            ground.wait_datagrams(30)
            crosses_whole(ground, DONE_WITHIN)
            wait_size_of_hole(ground)
            crosses_whole(ground, DONE_WITHIN)


@pytest.fixture
def ground(isthmus):
    with ground_by_ipv4(isthmus, trains=False) as made:
        yield made


def too_big(quoted, size, router):
    """ICMP's word about the packet that it quotes, to whoever has sent that."""
    message = b"\x03\x04\x00\x00\x00\x00" + size.to_bytes(2) + quoted[:20 + 8 + 8]
    message = message[:2] + checksum(message).to_bytes(2) + message[4:]
    header = b"\x45\x00" + (20 + len(message)).to_bytes(2) + b"\0\0\0\0\x40\x01\0\0" + socket.inet_aton(router) + quoted[12:16]
    return header + message


def with_other_spi(packet):
    return packet[:28] + bytes(octet ^ 0x55 for octet in payload(packet)[:4]) + packet[32:]


def to_another(packet):
    return packet[:16] + socket.inet_aton("198.51.100.77") + packet[20:]


def heard_of(topology, host):
    """How many of ICMP's words of an unreachable destination the host's kernel has taken."""
    names, values = [line.split() for line in topology.run(host, ["grep", "^Icmp:", "/proc/net/snmp"]).stdout.splitlines()]
    return int(values[names.index("InDestUnreachs")])


def test_no_word_takes_the_size_below_the_base_nor_one_about_another_packet(ground):
    wait_until(lambda: sizes(ground) == [1500, 1500], 20, what="packets of 1500 octets")
    with Pings(ground.topology, HOST_A, HOST_B) as pings:
        with ground.topology.capture("router", "fellini0", "udp port 22") as caught:
            time.sleep(0.5)
        packets = captured(caught)
        words = [too_big(packet, 68, ROUTER) for packet in packets]
        words += [too_big(with_other_spi(packet), size, ROUTER) for packet in packets for size in (576, 1280, HOLE)]
        words += [too_big(to_another(packet), HOLE, ROUTER) for packet in packets]
        before = [heard_of(ground.topology, host) for host in ("fellini", "polanski")]
        resend(ground.topology, words, per_second=1000)
        time.sleep(0.5)
        for host, already in zip(("fellini", "polanski"), before):
            assert heard_of(ground.topology, host) - already >= len(words) // 3
        assert sizes(ground) == [1500, 1500] and ground.paths() == ["datagram", "datagram"]
        assert pings.lost() == 0
    crosses_whole(ground, DONE_WITHIN)
    # The same words about the same packets, and credible.
    resend(ground.topology, [too_big(packet, HOLE, ROUTER) for packet in packets[-4:]])
    wait_until(lambda: max(sizes(ground)) <= HOLE, 5, what="the belief in a credible word")
    assert min(sizes(ground)) >= 1280


def test_a_hole_that_opens_under_a_connection_is_found(ground):
    wait_until(lambda: sizes(ground) == [1500, 1500], 20, what="packets of 1500 octets")
    with ground.router(SWALLOWS):
        crosses_whole(ground, DONE_WITHIN)
        wait_size_of_hole(ground)
