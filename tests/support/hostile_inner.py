"""Inner packets that a peer with the right keys may send, each with what is to become of it: most of them mean harm.

What means harm holds MARK wherever there is room for it, what may pass PERMITTED.
"""
import dataclasses
import ipaddress

from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_LSRR, fragment
from scapy.layers.inet6 import (HBHOptUnknown, ICMPv6EchoRequest, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                                IPv6ExtHdrRouting)
from scapy.packet import Raw

from support import netns
from support.esp_peer import DUMMY, trailed

IPV4, IPV6 = 4, 41
MARK, PERMITTED = b"hostile", b"permitted"
# What is to become of a datagram. All other words are those of src/esp/drop.cc.
DELIVERED = "delivered"  # a host behind the tunnel gets it
ANY = "any"              # whatever stops it
KERNEL = "kernel"        # it leaves the tunnel, and the kernel sends it no further
TAKEN = (DELIVERED, KERNEL)
ECT = 2  # so that a busy gateway marks instead of dropping
LARGEST_TEXT = 65504 - 34  # in a datagram of 65,507 octets, of which four make a step


@dataclasses.dataclass(frozen=True)
class Datagram:
    what: str
    verdict: str
    plain: bytes = None  # to be sealed: a text and a trailer
    raw: bytes = None    # to be sent as it is
    times: int = 1

    @property
    def command(self):
        return {"raw": self.raw.hex(), "times": self.times} if self.plain is None else {"plain": self.plain.hex(), "times": self.times}

    @property
    def packet(self):
        """What is inside, without what follows it."""
        text = self.plain[:-2 - self.plain[-2]]
        return text[:int.from_bytes(text[2:4]) if text[0] >> 4 == 4 else 40 + int.from_bytes(text[4:6])]


@dataclasses.dataclass(frozen=True)
class Site:
    """The addresses as the end under test sees them, (IPv4, IPv6) each."""
    here: tuple     # a host behind it
    gateway: tuple  # itself, in its network
    outer: tuple    # itself, outside
    there: tuple    # a host behind the peer
    peer: tuple     # the peer, outside
    networks: tuple  # behind it

    def address(self, name, version):
        return getattr(self, name)[version == 6]


HOSTS_A, HOSTS_B = (netns.HOST_A, netns.HOST_A6), (netns.HOST_B, netns.HOST_B6)
FELLINIS, POLANSKIS = (netns.FELLINI_OUT, netns.FELLINI_OUT6), (netns.POLANSKI_OUT, netns.POLANSKI_OUT6)
AT_FELLINI = Site(HOSTS_A, (netns.FELLINI_IN, netns.FELLINI_IN6), FELLINIS, HOSTS_B, POLANSKIS, (netns.LAN_A, netns.LAN_A6))
AT_POLANSKI = Site(HOSTS_B, (netns.POLANSKI_IN, netns.POLANSKI_IN6), POLANSKIS, HOSTS_A, FELLINIS, (netns.LAN_B, netns.LAN_B6))
OUR_TUNNEL, THEIR_TUNNEL = "192.168.0.1", "192.168.0.2"

# That are nobody's behind either end, whatever the topology.
STRANGERS = {4: ("8.8.8.8", "10.0.0.1", "0.0.0.0", "0.0.0.1", "127.0.0.1", "127.255.255.255", "169.254.1.1", "169.254.169.254",
                 "192.168.0.3", "193.6.34.1", "193.6.34.0", "193.6.34.255", "193.6.36.1", "193.6.36.0", "193.6.36.255", "193.6.38.0",
                 "224.0.0.1", "224.0.0.251", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
             6: ("::", "::1", "::193.6.35.20", "::193.6.37.20", "::ffff:193.6.35.20", "::ffff:193.6.37.20", "64:ff9b::c106:2514",
                 "100::1", "2001:db8:34::1", "2001:db8:36::1", "2001:db8:35:1::", "2001:db8:36:ffff:ffff:ffff:ffff:ffff",
                 "2001:db8:37:1::", "2001:db8:38::", "2002:c106:2514::1", "fc00::1", "fe80::1", "fec0::1",
                 "ff02::1", "ff02::2", "ff05::2", "ff0e::1")}


def header(version, source, destination, **more):
    return IP(src=source, dst=destination, tos=ECT, **more) if version == 4 else IPv6(src=source, dst=destination, tc=ECT, **more)


def echo_request(version, payload, number=1):
    return (ICMP if version == 4 else ICMPv6EchoRequest)(id=77, seq=number & 0xFFFF) / Raw(payload)


def datagram(what, verdict, packet, next_header=None, padding=b""):
    """Of a packet of scapy's, or of octets; `padding` is traffic flow confidentiality's."""
    octets = bytes(packet)
    next_header = next_header if next_header is not None else IPV6 if octets[:1] and octets[0] >> 4 == 6 else IPV4
    return Datagram(what, verdict, trailed(octets + padding, next_header))


def transports(version, payload, chance):
    """One of each kind."""
    return (UDP(sport=chance.randrange(1024, 65536), dport=5001) / Raw(payload), echo_request(version, payload),
            TCP(sport=chance.randrange(1024, 65536), dport=22, flags="S") / Raw(payload))


def pairs_outside_policy(site, version, their_link_local):
    """(source, destination) of which one or the other is outside."""
    here, there = site.address("here", version), site.address("there", version)
    ours = {4: (OUR_TUNNEL,), 6: (str(their_link_local),)}[version]
    own = (*ours, site.address("gateway", version), site.address("outer", version), here)
    network = ipaddress.ip_network(site.networks[version == 6])
    sources = (*STRANGERS[version], *own, str(network[0]), str(network[-1]), site.address("peer", version))
    destinations = (*STRANGERS[version], there, site.address("outer", version), site.address("peer", version),
                    *((THEIR_TUNNEL,) if version == 4 else ()))
    return [*((source, here) for source in sources), *((there, destination) for destination in destinations),
            *((stranger, stranger) for stranger in STRANGERS[version])]


def outside_policy(site, their_link_local, chance):
    """From or to where the peer may not, whole and as a fragment's tail."""
    for version in (4, 6):
        for source, destination in pairs_outside_policy(site, version, their_link_local):
            for transport in transports(version, MARK + b" address", chance):
                yield datagram(f"{source} > {destination}", "selector", header(version, source, destination) / transport)
            tail = header(4, source, destination, frag=100, proto=17) if version == 4 else (
                header(6, source, destination) / IPv6ExtHdrFragment(nh=17, offset=100, id=7))
            yield datagram(f"fragment {source} > {destination}", "selector", tail / Raw(MARK * 3))


def changed(octets, at, value):
    return octets[:at] + value + octets[at + len(value):]


def malformed(site, chance):
    """From and to where the peer may, but no whole packet of the version that is stated."""
    whole = {version: bytes(header(version, site.address("there", version), site.address("here", version)) /
                            echo_request(version, MARK + b" malformed")) for version in (4, 6)}
    four, six = whole[4], whole[6]
    for version in (0, 1, 2, 3, 5, 7, 8, 15):
        for next_header in (IPV4, IPV6):
            yield datagram(f"version {version} as {next_header}", "no-whole-packet", bytes([version << 4 | 5]) + four[1:], next_header)
    yield datagram("IPv4 as IPv6", "no-whole-packet", four, IPV6)
    yield datagram("IPv6 as IPv4", "no-whole-packet", six, IPV4)
    for words in range(5):
        yield datagram(f"header of {words} words", "no-whole-packet", bytes([0x40 | words]) + four[1:])
    yield datagram("header longer than the packet", "no-whole-packet", bytes([0x4F]) + four[1:])
    for length in (0, 1, 19, len(four) + 1, len(four) + 2000, 0xFFFF):
        yield datagram(f"length {length}", "no-whole-packet", changed(four, 2, length.to_bytes(2)))
    for length in (len(six) - 39, len(six) + 2000, 0xFFFF):
        yield datagram(f"payload length {length}", "no-whole-packet", changed(six, 4, length.to_bytes(2)))
    for octets, next_header in ((four, IPV4), (six, IPV6)):
        for size in range(len(octets)):
            yield datagram(f"the first {size} octets as {next_header}", "no-whole-packet", octets[:size], next_header)
    yield datagram("noise of the largest size", "no-whole-packet", b"\x30" + chance.randbytes(LARGEST_TEXT - 1))
    yield datagram("the largest that says it is larger", "no-whole-packet", changed(four, 2, b"\xff\xff") + bytes(LARGEST_TEXT - len(four)))


def no_packets(site, chance):
    """No packet at all, though sealed; and what is not sealed, or not right."""
    good = bytes(header(4, site.address("there", 4), site.address("here", 4)) / echo_request(4, MARK + b" payload"))
    for number in (0, 1, 2, 6, 17, 43, 44, 47, 50, 51, 58, 60, 89, 97, 99, 143, 255):
        yield datagram(f"next header {number}", "next-header", good, number)
    for text in (b"", good, b"Isth", b"Isth\1\0\0\x11" + bytes(9), b"Isth\1\0\0\x13" + bytes(10), b"Isth\0\0\0\x12" + bytes(10),
                 b"Isth\3\0\0\x12" + bytes(10), b"isth\1\0\0\x12" + bytes(10), chance.randbytes(1400),
                 b"Isth\1\0\xff\xff" + bytes(LARGEST_TEXT - 8)):
        yield datagram(f"dummy {text[:8].hex()}", "dummy", text, DUMMY)
    least = -(len(good) + 2) % 4 or 4
    for size in (least, least + 4, least + 200):
        wrong = {"of zeros": bytes(size), "from 0": bytes(range(size)), "the last wrong": bytes(range(1, size)) + b"\0"}
        for what, padding in wrong.items():
            yield Datagram(f"padding {size} {what}", "bad-trailer", good + padding + bytes([size, IPV4]))
    yield Datagram("more padding than there is", "bad-trailer", bytes(2) + b"\3\4")
    yield Datagram("no text, and more padding", "bad-trailer", bytes([1, 2, 3, 4, 5, 6, 255, IPV4]))
    yield Datagram("keepalive", "keepalive", raw=b"\xff")
    yield Datagram("not ESP", "non-esp", raw=bytes(4) + MARK)
    for size in (1, 2, 3, 4, 20, 35, 37, 38, 39, 1401):
        yield Datagram(f"{size} octets", "bad-length", raw=(b"\x7f" + chance.randbytes(1500))[:size])
    for size in (36, 40, 1400, 65504):
        yield Datagram(f"{size} octets of nobody", "unknown-spi", raw=b"\xff" + chance.randbytes(size - 1))


def stopped_by_kernel(site, their_link_local, our_link_local):
    """From and to where the peer may, so that the tunnel lets it through, but a router sends it no further."""
    there, here, gateway = (site.address(name, 4) for name in ("there", "here", "gateway"))
    there6, here6, gateway6 = (site.address(name, 6) for name in ("there", "here", "gateway"))
    probe = UDP(sport=7, dport=5001) / Raw(MARK + b" of the kernel")
    broadcast = str(ipaddress.ip_network(site.networks[0]).broadcast_address)
    outside, outside6 = "193.6.34.1" if site is AT_POLANSKI else "193.6.36.1", site.address("peer", 6)
    packets = {
        "time to live 0": header(4, there, here, ttl=0) / probe, "time to live 1": header(4, there, here, ttl=1) / probe,
        "hop limit 0": header(6, there6, here6, hlim=0) / probe, "hop limit 1": header(6, there6, here6, hlim=1) / probe,
        "broadcast": header(4, there, broadcast) / probe, "broadcast echo": header(4, there, broadcast) / echo_request(4, MARK),
        "wrong checksum": header(4, there, here, chksum=0x1234) / probe,
        "source route": header(4, there, gateway, options=[IPOption_LSRR(routers=[outside])]) / probe,
        "source route to a host": header(4, there, gateway, options=[IPOption_LSRR(routers=[here])]) / probe,
        "option that is too long": header(4, there, here, options=[Raw(b"\x83\x27\4\0")]) / probe,
        "routing header": header(6, there6, gateway6) / IPv6ExtHdrRouting(type=0, addresses=[outside6]) / probe,
        "routing header to a host": header(6, there6, gateway6) / IPv6ExtHdrRouting(type=0, addresses=[here6]) / probe,
        "option to be dropped for": (header(6, there6, here6) /
                                     IPv6ExtHdrHopByHop(options=[HBHOptUnknown(otype=0x7E, optdata=b"??")]) / probe),
        "jumbo": changed(bytes(header(6, there6, here6, nh=0) / Raw(b"\x11\0\xc2\4" + bytes(4) + MARK)), 4, bytes(2)),
        "link-local source": header(6, str(our_link_local), here6) / probe,
        "link-local to its neighbour": header(6, str(our_link_local), str(their_link_local)) / probe,
    }
    for what, packet in packets.items():
        yield datagram(what, KERNEL, packet)


def permitted(site, chance, number=0):
    """A few that a host behind the tunnel gets and answers."""
    for version in (4, 6):
        payload = PERMITTED + number.to_bytes(4) + chance.randbytes(chance.randrange(1, 1200))
        base = header(version, site.address("there", version), site.address("here", version))
        yield datagram(f"echo request {number}", DELIVERED, base / echo_request(version, payload, number))


def odd_but_permitted(site, chance):
    """What a router passes on, whatever a host thinks of it."""
    for version in (4, 6):
        base = header(version, site.address("there", version), site.address("here", version))
        whole = base / UDP(sport=9, dport=9) / Raw(PERMITTED + chance.randbytes(3000))
        if version == 4:
            yield from (datagram("fragment", DELIVERED, piece) for piece in fragment(whole, fragsize=1200))
            tail = header(4, base.src, base.dst, frag=8100, proto=17)
            yield datagram("fragment beyond 65,535", DELIVERED, tail / Raw(PERMITTED + bytes(1200)))
            yield datagram("no payload", DELIVERED, header(4, base.src, base.dst, proto=253))
        else:
            udp = UDP(bytes(whole)[40:])
            for number, offset in enumerate(range(0, 3000, 1200)):
                yield datagram("fragment", DELIVERED, base / IPv6ExtHdrFragment(nh=17, offset=offset // 8, id=9, m=offset < 2400) /
                               Raw(bytes(udp)[offset:offset + 1200]))
            yield datagram("atomic fragment", DELIVERED, base / IPv6ExtHdrFragment(nh=17, id=10) / UDP(sport=1, dport=9) / Raw(PERMITTED))
            yield datagram("destination options thrice", DELIVERED, base / IPv6ExtHdrDestOpt() / IPv6ExtHdrDestOpt() / IPv6ExtHdrDestOpt() /
                           UDP(sport=2, dport=9) / Raw(PERMITTED))
            yield datagram("routing header at a host", DELIVERED, base / IPv6ExtHdrRouting(type=0, addresses=[site.address("peer", 6)]) /
                           UDP(sport=3, dport=9) / Raw(PERMITTED))
            yield datagram("no payload", DELIVERED, header(6, base.src, base.dst, nh=59))
            yield datagram("extension header cut off", DELIVERED, header(6, base.src, base.dst, nh=60) / Raw(b"\x11\xff"))
        yield datagram("padded for confidentiality", DELIVERED, base / UDP(sport=5, dport=9) / Raw(PERMITTED), padding=MARK * 40)
        yield datagram("unknown protocol", DELIVERED, header(version, base.src, base.dst, **{"proto" if version == 4 else "nh": 253}) /
                       Raw(PERMITTED + bytes(range(256))))
    octets = bytes(header(4, site.address("there", 4), site.address("here", 4)) / UDP(sport=8, dport=9) / Raw(PERMITTED))
    most = 255 - (255 + 2 + len(octets)) % 4
    yield Datagram("the most padding", DELIVERED, octets + bytes(range(1, most + 1)) + bytes([most, IPV4]))
    large = header(4, site.address("there", 4), site.address("here", 4), id=4711) / UDP(sport=6, dport=9)
    yield datagram("the largest", DELIVERED, large / Raw(PERMITTED + chance.randbytes(LARGEST_TEXT - 28 - len(PERMITTED))))


def nested(site, seal, endpoint, depth, inner):
    """A packet for the endpoint of our own datagrams, in which there is another sealed one, and so on to `inner`."""
    for layer_number in range(depth):
        to_ourselves = header(4, site.address("there", 4), endpoint[0]) / UDP(sport=1024 + layer_number, dport=endpoint[1])
        inner = trailed(bytes(to_ourselves / Raw(seal(inner))), IPV4)
    return inner
