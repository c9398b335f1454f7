"""Packets that somebody beside a gateway makes to find out what is behind it: whatever their source says, put on the cable by hand.

Run as a program: `prober.py INTERFACE MAC PORT [SOURCE DESTINATION]...` sends, for each pair, what draws an answer from a
machine that takes it in: an echo, the three beginnings of TCP, and UDP, with PORT as the source.
"""
import sys

from scapy.all import Ether, ICMP, ICMPv6EchoRequest, IP, IPv6, Raw, TCP, UDP, sendp

MARKER = b"isthmus-marker-x"
TO_PORTS = (22, 80, 33434)
FLAGS = ("S", "SA", "A")


def probes(source, destination, port):
    network = IPv6(src=source, dst=destination) if ":" in source else IP(src=source, dst=destination)
    yield network / (ICMPv6EchoRequest(data=MARKER) if ":" in source else ICMP() / Raw(MARKER))
    for number in TO_PORTS:
        yield network / UDP(sport=port, dport=number) / Raw(MARKER)
        for flags in FLAGS:
            yield network / TCP(sport=port, dport=number, flags=flags, seq=1, ack=1)


def main(interface, mac, port, *addresses):
    pairs = zip(addresses[::2], addresses[1::2])
    sendp([Ether(dst=mac) / probe for pair in pairs for probe in probes(*pair, int(port))], iface=interface, verbose=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
