"""A PPP peer that means harm, made with scapy, at either end of a stream.

As the called end it stands in for ssh: `isthmus up -e 'hostile_peer.py SCENARIO REPORT'`. As the calling end it runs
what carries the stream: `hostile_peer.py SCENARIO REPORT -- ssh … isthmus attach`.

It is civil as far as its scenario needs, counts what it asked and what it was answered, writes that as JSON to REPORT
once the scenario has been played, and then stays civil until it is hung up on.
"""
import collections
import ipaddress
import json
import os
import pathlib
import random
import select
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from scapy.fields import ByteEnumField, ByteField, FieldLenField, StrLenField, XByteField, XStrFixedLenField  # noqa: E402
from scapy.layers.inet import ICMP, IP, UDP  # noqa: E402
from scapy.layers.ppp import (HDLC, PPP, PPP_IPCP, PPP_IPCP_Option, PPP_IPCP_Option_IPAddress, PPP_LCP, PPP_LCP_ACCM_Option,  # noqa: E402
                              PPP_LCP_Code_Reject, PPP_LCP_Configure, PPP_LCP_Echo, PPP_LCP_Magic_Number_Option,
                              PPP_LCP_MRU_Option, PPP_LCP_Option, PPP_LCP_Terminate)
from scapy.packet import Packet, Raw  # noqa: E402

from support import pcap  # noqa: E402

LCP, IPCP, IPV6CP, VSNCP, VSNP, IPV4 = 0xC021, 0x8021, 0x8057, 0x805B, 0x005B, 0x0021
CONTROL = (LCP, IPCP, IPV6CP, VSNCP)
(REQUEST, ACK, NAK, REJECT, TERMINATE, TERMINATE_ACK, CODE_REJECT, PROTOCOL_REJECT, ECHO, ECHO_REPLY, DISCARD) = range(1, 12)
OUI = b"\x02\x49\x53"
THEIRS = "192.168.0.2"
MAGIC = PPP_LCP_Magic_Number_Option(magic_number=0x1357_9BDF)
MANY = 300


class VendorControl(Packet):
    """VSNCP (RFC 3772), which scapy does not know."""
    fields_desc = [ByteField("code", 1), XByteField("id", 0),
                   FieldLenField("len", None, fmt="H", length_of="data", adjust=lambda _, length: length + 7),
                   XStrFixedLenField("oui", OUI, 3), StrLenField("data", b"", length_from=lambda packet: packet.len - 7)]


class Message(Packet):
    """What VSNP carries; its length counts itself."""
    fields_desc = [ByteField("version", 1), ByteEnumField("type", 1, {1: "Hello", 2: "Answer", 3: "Ready"}),
                   FieldLenField("len", None, fmt="H", length_of="data", adjust=lambda _, length: length + 4),
                   StrLenField("data", b"", length_from=lambda packet: packet.len - 4)]


REQUESTS = {LCP: PPP_LCP_Configure, IPCP: PPP_IPCP}


def framed(octets):
    """RFC 1662: FCS and octet stuffing, of which scapy knows nothing."""
    fcs = 0xFFFF
    for octet in octets:
        fcs ^= octet
        for _ in range(8):
            fcs = (fcs >> 1) ^ 0x8408 if fcs & 1 else fcs >> 1
    whole = octets + struct.pack("<H", fcs ^ 0xFFFF)
    return b"\x7e" + b"".join(bytes([0x7D, o ^ 0x20]) if o in (0x7D, 0x7E) or o < 0x20 else bytes([o]) for o in whole) + b"\x7e"


def lying(kind, length):
    """An LCP option of four octets that says it is of another length."""
    return PPP_LCP_Option(type=kind, len=length, data=b"\1\2\3\4")


def address_option(address):
    return PPP_IPCP_Option_IPAddress(data=address)


class Peer:
    def __init__(self, reader, writer, calls):
        self.reader, self.writer, self.calls = reader, writer, calls
        self.held = bytearray()
        self.frames_waiting = collections.deque()
        self.asked, self.answered = collections.Counter(), collections.Counter()
        self.sent = self.received = self.identifier = 0
        self.bad_fcs = 0
        self.opened = set()
        self.civil = {LCP, IPCP, VSNCP}  # their requests are acked
        self.replies = {}
        self.told = []                   # the messages that came by VSNP
        self.our_address = None          # what the other end wants to be called

    def write(self, octets):
        self.sent += len(octets)
        while octets:
            octets = octets[os.write(self.writer, octets):]

    def send(self, protocol, information):
        self.write(framed(bytes(HDLC() / PPP(proto=protocol) / Raw(bytes(information)))))

    def ask(self, protocol, packet, name=None):
        """Sends what wants an answer, under a fresh identifier."""
        self.identifier = self.identifier % 255 + 1
        packet.id = self.identifier
        self.asked[name or f"{protocol:04x}"] += 1
        self.send(protocol, packet)

    def request(self, protocol, *options):
        if protocol == VSNCP:
            return self.ask(VSNCP, VendorControl(data=b"".join(options)))
        return self.ask(protocol, REQUESTS[protocol](code=REQUEST, options=list(options)))

    def frames(self, seconds):
        """What arrives within this time, frame by frame."""
        end = time.monotonic() + seconds
        while True:
            while self.frames_waiting:
                yield self.frames_waiting.popleft()
            if not select.select([self.reader], [], [], max(0, end - time.monotonic()))[0]:
                return
            octets = os.read(self.reader, 65536)
            if not octets:
                raise EOFError
            self.received += len(octets)
            self.held += octets
            *whole, self.held = self.held.split(b"\x7e")
            for piece in filter(None, whole):
                self.bad_fcs += not pcap.fcs_is_good(piece)
                body = pcap.unstuffed(piece)[:-2].removeprefix(b"\xff\x03")
                size = 1 if body[0] & 1 else 2
                self.frames_waiting.append((int.from_bytes(body[:size], "big"), body[size:]))

    def react(self, protocol, octets):
        """The civil answer to a frame, and the tally of answers."""
        if protocol == VSNP:
            self.told.append(octets)
        if protocol not in CONTROL or len(octets) < 4:
            return
        packet = PPP_LCP(octets[:4] + octets[4:])
        code, identifier, data = octets[0], octets[1], octets[4:struct.unpack(">H", octets[2:4])[0]]
        self.answered[f"{protocol:04x}:{code}"] += 1
        if code == REQUEST and protocol not in REQUESTS and protocol not in self.civil:
            return self.send(LCP, PPP_LCP(code=PROTOCOL_REJECT, id=77, data=struct.pack(">H", protocol) + octets))
        if code == REQUEST and protocol in self.civil:
            if protocol == IPCP:
                self.our_address = PPP_IPCP(octets).options[0].data
            self.send(protocol, struct.pack(">BBH", ACK, identifier, 4 + len(data)) + data)
        elif code == ACK:
            self.opened.add(protocol)
        elif code == TERMINATE:
            self.send(protocol, PPP_LCP_Terminate(code=TERMINATE_ACK, id=identifier))
        elif code == ECHO:
            self.send(LCP, PPP_LCP_Echo(code=ECHO_REPLY, id=identifier, magic_number=MAGIC.magic_number, data=packet.data[4:]))

    def listen(self, seconds, until=lambda: False):
        end = time.monotonic() + seconds
        while not until() and time.monotonic() < end:
            for protocol, octets in self.frames(min(0.1, max(0, end - time.monotonic()))):
                self.react(protocol, octets)
                if until():
                    break
        return until()

    def open_lcp(self):
        self.opened.discard(LCP)
        self.request(LCP, MAGIC)
        self.listen(5, lambda: LCP in self.opened and self.answered["c021:1"])
        self.listen(0.2)

    def open_ipcp(self):
        self.request(IPCP, address_option(THEIRS))
        self.listen(5, lambda: IPCP in self.opened and self.our_address)

    def open_plain(self):
        self.civil.discard(VSNCP)
        self.open_lcp()
        self.open_ipcp()

    def open_vsncp(self):
        self.open_lcp()
        self.request(VSNCP, b"\1\6\0\0\0\1", b"\2\6\0\0\0\0")
        self.listen(5, lambda: VSNCP in self.opened)
        if not self.calls:
            self.listen(2, lambda: self.told)

    def hello(self, offers, wants=(), name=b"hostile", node=None):
        role = b"\1" if self.calls else b"\0"
        self.send(VSNP, Message(type=1, data=b"".join([
            field(1, node or random.randbytes(16)), field(2, b"h" * 16), field(3, name), field(4, role),
            *[field(5, prefix(text)) for text in offers], *[field(6, prefix(text)) for text in wants]])))

    def accept(self, *texts):
        """The Answer that takes these offers."""
        self.send(VSNP, Message(type=2, data=b"".join(field(7, b"\1" + prefix(text)) for text in texts)))

    def echo_is_answered(self):
        before = self.answered["c021:10"]
        self.ask(LCP, PPP_LCP_Echo(code=ECHO, magic_number=MAGIC.magic_number), "echo")
        return self.listen(10, lambda: self.answered["c021:10"] > before)

    def report(self):
        return {"asked": self.asked, "answered": self.answered, "sent": self.sent, "received": self.received,
                "bad_fcs": self.bad_fcs, "told": [octets[1] for octets in self.told], "replies": self.replies, "our_address": self.our_address}


def field(kind, value):
    return struct.pack(">BH", kind, len(value)) + value


def prefix(text):
    network = ipaddress.ip_network(text)
    return bytes([network.version, network.prefixlen]) + network.network_address.packed[:(network.prefixlen + 7) // 8]


FORBIDDEN = ("0.0.0.0", "127.0.0.1", "255.255.255.255", "224.0.0.1", "169.254.1.1", "193.6.35.12", "193.6.35.77", "193.6.37.12", "193.6.37.77")


def insist(peer, protocol, *options, times=14, pause=0.25):
    """The same request again and again."""
    for _ in range(times):
        peer.request(protocol, *options)
        peer.listen(pause)


def one_address(peer):
    """Would be called by an address that is not for it, for ever."""
    peer.civil.discard(VSNCP)
    peer.open_lcp()
    insist(peer, IPCP, address_option(FORBIDDEN[-1]), times=400, pause=0.02)


def all_addresses(peer):
    """Would be called by one after the other of those that nobody may have."""
    peer.civil.discard(VSNCP)
    peer.open_lcp()
    for address in FORBIDDEN * 40:
        insist(peer, IPCP, address_option(address), times=1, pause=0.02)


ODD = {
    **{f"mru {size}": [PPP_LCP_MRU_Option(max_recv_unit=size)] for size in (0, 1, 65535)},
    **{f"length {length}": [lying(5, length)] for length in (0, 1, 255)},
    "duplicates": [MAGIC, MAGIC, PPP_LCP_ACCM_Option(), PPP_LCP_ACCM_Option(accm=1), *[PPP_LCP_Option(type=7)] * 60],
    "every type": [PPP_LCP_Option(type=kind, data=b"") for kind in range(256)],
    "full": [PPP_LCP_Option(type=99, data=b"o" * 253)] * 5,
}


def odd_options(peer):
    """Odd requests while LCP is Opened, two of each; in `replies`, how many answers they got."""
    peer.open_lcp()
    for name, options in ODD.items():
        before = sum(peer.answered[f"c021:{code}"] for code in (ACK, NAK, REJECT))
        for _ in range(2):
            peer.request(LCP, *options)
        peer.listen(0.15)
        peer.replies[name] = sum(peer.answered[f"c021:{code}"] for code in (ACK, NAK, REJECT)) - before
    peer.open_lcp()


def endless(code, options):
    """Every request of theirs is answered in the same useless way."""
    def play(peer):
        peer.civil = set()
        peer.request(LCP, MAGIC)
        for _ in range(400):
            for protocol, octets in peer.frames(0.5):
                peer.react(protocol, octets)
                if protocol == LCP and octets[0] == REQUEST:
                    peer.send(LCP, PPP_LCP_Configure(code=code, id=octets[1], options=options(octets)))
    return play


def fresh_magic(_octets):
    return [PPP_LCP_Magic_Number_Option(magic_number=random.getrandbits(32))]


def all_of_them(octets):
    return PPP_LCP_Configure(octets).options


def flood(peer, protocol, make):
    """Many at once; answers are read, but not waited for."""
    for number in range(MANY):
        peer.ask(protocol, make(number), "storm")
        if number % 50 == 0:
            peer.listen(0.005)
    peer.listen(0.5)


def storm(protocol, make):
    def play(peer):
        peer.open_plain()
        flood(peer, protocol, make)
    return play


def lcp_storm(peer):
    peer.open_plain()
    for number in range(MANY):
        peer.request(LCP, MAGIC)
        if number % 50 == 0:
            peer.listen(0.005)
    peer.listen(1)
    peer.open_lcp()


def magic_loop(peer):
    """Their own magic number, from their request, comes back as ours."""
    peer.open_plain()
    peer.civil.discard(LCP)
    peer.request(LCP, MAGIC)  # they ask anew
    mine = []

    def asked():
        for protocol, octets in peer.frames(0.2):
            if protocol == LCP and octets[0] == REQUEST:
                mine.extend(o for o in PPP_LCP_Configure(octets).options if o.type == 5)
        return mine
    for _ in range(50):
        if asked():
            break
    for _ in range(6):
        peer.request(LCP, mine[-1])
        asked()


def floods(peer):
    """Echoes, unknown codes and unknown protocols."""
    peer.open_plain()
    flood(peer, LCP, lambda number: PPP_LCP_Echo(code=ECHO, magic_number=MAGIC.magic_number, data=b"e" * (3 * number)))
    flood(peer, LCP, lambda number: PPP_LCP(code=13 + number % 200, data=b"c" * (number % 200)))
    for number in range(MANY):
        peer.send(0x4001 + 2 * (number % 500), random.randbytes(number % 100))
    peer.listen(0.5)


def rejections(peer):
    """They reject what was never said, thousands of times."""
    peer.open_plain()
    for number in range(MANY):
        peer.send(LCP, PPP_LCP(code=PROTOCOL_REJECT, id=number % 256, data=struct.pack(">H", 0x8053 + 2 * (number % 3)) + b"\1\1\0\4"))
        peer.send(LCP, PPP_LCP_Code_Reject(id=number % 256, rejected_packet=PPP_LCP(code=60 + number % 9, id=1)))
        peer.send(IPCP, PPP_IPCP(code=TERMINATE_ACK, id=number % 256))
        if number % 50 == 0:
            peer.listen(0.005)


def deaf(peer):
    """Asks for echoes without end and reads none, until the other end takes no more; then goes away."""
    peer.open_plain()
    echo = framed(bytes(HDLC() / PPP(proto=LCP) / PPP_LCP_Echo(code=ECHO, id=1, magic_number=MAGIC.magic_number, data=b"e" * 1000)))
    os.set_blocking(peer.writer, False)
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < 1 and peer.sent < 64 << 20:
        try:
            peer.sent += os.write(peer.writer, echo)  # half a frame is noise to them, no more
            quiet_since = time.monotonic()
        except BlockingIOError:
            time.sleep(0.01)
    raise EOFError


def noise(peer):
    """Garbage before the first frame and between frames, a frame that never ends, and one that is only too long."""
    for size in (1, 100, 1 << 20):
        peer.write(random.randbytes(size))
    peer.write(b"~}" * 5000 + b"\x1b[2J\x07Last login: never\r\n" * 100)
    peer.open_plain()
    for number in range(300):
        peer.write(b"\x7e" + random.randbytes(number * 7))
    peer.write(b"\x7e" * 100000)
    peer.write(b"\xff\x03\x00\x21" + b"g" * (8 << 20) + b"\x7e")
    peer.send(IPV4, b"E" * 60000)


def far_lan(peer):
    """The network behind the peer."""
    return "193.6.35.0/24" if peer.calls else "193.6.37.0/24"


def vendor(peer):
    """Garbage, messages out of order and of a later version, and among them at last one Hello as it should be."""
    peer.open_vsncp()
    for number in range(MANY):
        head = Message(type=number % 9, len=random.choice((0, 3, 4, 40, 1500, 65535)), data=random.randbytes(number % 300))
        peer.send(VSNP, head if number % 2 else random.randbytes(number % 300))
        peer.send(VSNP, Message(type=2 + number % 4, data=field(12, b"line") if number % 4 == 3 else b""))
        peer.send(VSNP, Message(version=2 + number % 200, type=1, data=random.randbytes(40)))
        peer.send(VSNP, Message(type=100 + number % 100, data=field(200, b"x" * number)))
    peer.hello([far_lan(peer)])
    peer.listen(2, lambda: any(octets[1] == 2 for octets in peer.told))


def hello_storm(peer):
    """Another question each time."""
    peer.open_vsncp()
    for number in range(MANY):
        peer.hello([far_lan(peer), f"10.{number % 200}.{number // 200}.0/24"], node=struct.pack(">I", number) * 4)
        if number % 50 == 0:
            peer.listen(0.005)


OFFERS = ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "193.6.35.0/24", "193.6.35.12/32", "193.6.35.128/25", "193.6.34.0/24", "193.6.34.12/32",
          "193.6.36.0/24", "193.6.36.12/32", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "0.0.0.0/8", "193.6.37.0/24", "193.6.37.12/32",
          "193.6.37.128/25", "10.0.0.0/8", "8.8.8.8/32", "255.255.255.255/32"]


def join(peer):
    """A join that asks for far more than it may have."""
    peer.open_vsncp()
    peer.hello(OFFERS, ["193.6.35.0/24", "193.6.37.0/24"], name=b"\x1b[2Jhostile\n")
    peer.listen(2, lambda: any(octets[1] == 2 for octets in peer.told))
    peer.accept("193.6.35.0/24", "193.6.37.0/24")
    peer.open_ipcp()
    peer.listen(2, lambda: any(octets[1] == 3 for octets in peer.told))


def spoof(peer):
    """A join that asks for too much; then packets through the tunnel, one that may come, and many that may not."""
    join(peer)
    here, there = (("193.6.35.20", "193.6.37.20"), ("193.6.37.20", "193.6.35.20"))[peer.calls]
    sources = ("8.8.8.8", "127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "169.254.1.1", "10.0.0.1", here, "193.6.35.12", "193.6.37.12",
               "193.6.34.12", "193.6.36.12")
    for source in sources:
        if source.rpartition(".")[0] != there.rpartition(".")[0]:
            peer.send(IPV4, IP(src=source, dst=here) / UDP(sport=1, dport=5001) / b"spoofed source")
    for destination in ("8.8.8.8", "127.0.0.1", "224.0.0.1", "255.255.255.255", "193.6.34.12", "193.6.36.12", "193.6.34.1", "193.6.36.1"):
        peer.send(IPV4, IP(src=there, dst=destination) / UDP(sport=1, dport=5001) / b"spoofed destination")
    whole = bytes(IP(src=there, dst=here) / ICMP() / b"cut off")
    for size in range(len(whole)):
        peer.send(IPV4, whole[:size])
    for octet in (0x46, 0x4F, 0x65, 0x05):  # header lengths and versions that lie
        peer.send(IPV4, bytes([octet]) + whole[1:])
    peer.send(IPV4, IP(src=there, dst=here) / UDP(sport=1, dport=5001) / b"permitted")
    peer.listen(1)


SCENARIOS = {
    "address": one_address,
    "addresses": all_addresses,
    "odd-options": odd_options,
    "endless-nak": endless(NAK, fresh_magic),
    "endless-reject": endless(REJECT, all_of_them),
    "storm-lcp": lcp_storm,
    "storm-ipcp": storm(IPCP, lambda number: PPP_IPCP(code=REQUEST, options=[address_option(THEIRS)])),
    "storm-ipcp-options": storm(IPCP, lambda number: PPP_IPCP(code=REQUEST, options=[PPP_IPCP_Option(type=number % 256, data=b"\0" * (number % 99))] * 2)),
    "floods": floods,
    "rejections": rejections,
    "magic-loop": magic_loop,
    "deaf": deaf,
    "noise": noise,
    "vendor": vendor,
    "storm-hello": hello_storm,
    "spoof": spoof,
}


def play(scenario, peer, path):
    report = {"ended": False, "echo": False}
    try:
        SCENARIOS[scenario](peer)
        report["echo"] = peer.echo_is_answered()
    except (EOFError, BrokenPipeError, ConnectionResetError):
        report["ended"] = True
    path.with_suffix(".part").write_text(json.dumps({**report, **peer.report()}))
    path.with_suffix(".part").rename(path)
    try:
        while not report["ended"]:
            peer.listen(60)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass


def main(scenario, path, *rest):
    random.seed(1)
    calling = rest[rest.index("--") + 1:] if "--" in rest[:1] else ()
    if not calling:
        return play(scenario, Peer(0, 1, calls=False), pathlib.Path(path))
    with subprocess.Popen(calling, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as carrier:
        play(scenario, Peer(carrier.stdout.fileno(), carrier.stdin.fileno(), calls=True), pathlib.Path(path))
        carrier.stdin.close()
        sys.exit(carrier.wait())


if __name__ == "__main__":
    main(*sys.argv[1:])
