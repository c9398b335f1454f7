"""Packets of a capture once more: as they were, from elsewhere, broken, or back to whoever sent them.

Run as a program it is the sender: `resend.py FILE PER_SECOND TIMES` sends the packets of a raw capture by IP, whatever their
source says, so many times. IPv4 alone; the UDP checksum is left out, as RFC 3948 section 2.1 has it.
"""
import contextlib
import itertools
import pathlib
import random
import socket
import sys
import time

from support import pcap

ETHERNET, RAW = 14, 101
TURN = 20  # packets sent without a pause
PER_SECOND = 4000  # what a socket's buffer and a busy machine take
_serial = itertools.count()


def captured(path):
    """The ESP packets over IPv4 of a capture on an Ethernet interface. The checksum of UDP, which the sender's device may not
    have made yet, is taken away."""
    packets = [frame[ETHERNET:] for frame in pcap.read(path)]
    packets = [rewritten(packet[:int.from_bytes(packet[2:4])]) for packet in packets if packet[:1] == b"\x45"]
    return [packet for packet in packets if int.from_bytes(spi(packet)) > 255]


def payload(packet):
    return packet[28:]


def spi(packet):
    return payload(packet)[:4]


def rewritten(packet, source=None, destination=None, content=None):
    """The UDP packet with other (address, port)s or another payload."""
    def packed(end, address, port):
        if end is None:
            return packet[address:address + 4], packet[port:port + 2]
        return socket.inet_aton(end[0]), end[1].to_bytes(2)
    source, destination = packed(source, 12, 20), packed(destination, 16, 22)
    content = payload(packet) if content is None else content
    length, total = (8 + len(content)).to_bytes(2), (28 + len(content)).to_bytes(2)
    header = packet[:2] + total + packet[4:10] + bytes(2) + source[0] + destination[0]
    return header + source[1] + destination[1] + length + bytes(2) + content


def ends(packet):
    """(address, port) of the source and of the destination."""
    return tuple((socket.inet_ntoa(packet[address:address + 4]), int.from_bytes(packet[port:port + 2]))
                 for address, port in ((12, 20), (16, 22)))


def octets_between(paths, network):
    """How many octets of IP went to addresses of the network in these captures, and how many came from there."""
    to = sent = 0
    for packet in (frame[ETHERNET:] for path in paths for frame in pcap.read(path)):
        source, destination = ends(packet)
        to += len(packet) * destination[0].startswith(network)
        sent += len(packet) * source[0].startswith(network)
    return to, sent


def reflected(packet):
    """Back to whoever sent it, from where it was to go."""
    source, destination = ends(packet)
    return rewritten(packet, destination, source)


def forged(packet, generator):
    """What one can make of the packet without its key: a number that has not been used, so that it is not an old one at first
    sight, and an ICV that does not fit."""
    octets = bytearray(payload(packet))
    octets[4:8] = (int.from_bytes(octets[4:8]) + generator.randint(10_000, 20_000)).to_bytes(4)
    octets[-generator.randint(1, 16)] ^= generator.randint(1, 255)
    return rewritten(packet, content=bytes(octets))


def shuffled(packets, seed=1):
    mixed = list(packets)
    random.Random(seed).shuffle(mixed)
    return mixed


def resend(topology, packets, per_second=PER_SECOND):
    """Sends the packets from the router."""
    with resending(topology, packets, per_second) as sender:
        assert sender.wait(timeout=60 + 2 * len(packets) / per_second) == 0


@contextlib.contextmanager
def resending(topology, packets, per_second=PER_SECOND, times=1):
    """Sends the packets from the router so many times, or as often as the block lets it."""
    path = pcap.write(topology.directory / f"resend-{next(_serial)}.pcap", packets, RAW)
    argv = [sys.executable, "-B", "-m", "support.resend", path, per_second, times]
    with topology.popen("router", argv, cwd=pathlib.Path(__file__).parent.parent) as sender:
        try:
            yield sender
        finally:
            sender.kill()


def send(path, per_second, times):
    packets = [(packet, (socket.inet_ntoa(packet[16:20]), 0)) for packet in pcap.read(path)]
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as out:
        for number, (packet, to) in enumerate(packets * times, 1):
            out.sendto(packet, to)
            if number % TURN == 0:
                time.sleep(TURN / per_second)


if __name__ == "__main__":
    send(*[sys.argv[1], *map(int, sys.argv[2:])])
