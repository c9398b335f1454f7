"""The program faced with a peer that has the keys (esp_peer.py), at either end: what that sends, what is counted, and where it all goes."""
import collections
import contextlib
import ipaddress
import json
import sys
import time

from support import esp_peer, netns, pcap
from support.esp_peer import Commander
from support.gateway import Gateway
from support.hostile import Attack
from support.hostile_inner import AT_FELLINI, AT_POLANSKI, DELIVERED, TAKEN
from support.hostile_peer import OFFERS
from support.joins import own_processes
from support.netns import LAN_A, LAN_A6, LAN_B, LAN_B6, POLANSKI_OUT, Failed, wait_until

# What the peer offers besides what it may, and would have.
BEYOND = (*OFFERS, "::/0", "::/1", "8000::/1", LAN_A6, LAN_B6, "fe80::/10", "ff00::/8", "::1/128")
ETHERNET, LAN_MTU = 14, 1500
DISCOVERY = range(130, 144)  # ICMPv6 with which neighbours and groups are found, without the peer


def is_within(networks, others):
    """Whether the second cover the first."""
    networks, others = ([ipaddress.ip_network(text) for text in texts] for texts in (networks, others))
    return all(any(network.version == other.version and network.subnet_of(other) for other in others) for network in networks)


class End(Attack):
    """The program with the peer at the other end of its stream and of its datagrams."""

    site = lan_host = wan = None
    offers = accepts = ()  # of the end under test
    beyond = BEYOND
    led_back = 0     # datagrams that came out of the tunnel and were for its port
    probed_back = 0  # probes among them

    def peer_words(self, address):
        return [sys.executable, "-B", esp_peer.__file__, self.socket, address,
                ",".join(dict.fromkeys((*self.accepts, *self.beyond))), ",".join(self.offers)]

    def __enter__(self):
        self.socket = self.path.with_suffix(".socket")
        self.gateway = Gateway(self.topology, self.host, self.near.program)
        self.commander = None
        self.begin()
        try:
            self.wait_ready()
            accepted = self.status()["accepted"]
            assert is_within(accepted, self.accepts) and is_within(self.accepts, accepted), accepted
            self.processes = own_processes(self.topology, self.host)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.commander:
            self.commander.close()
        super().__exit__()

    def status(self):
        (session,) = self.gateway.sessions()
        return session

    def wait_ready(self):
        try:
            wait_until(lambda: self.has_peer() and self.is_by_datagrams(), 40, what="packets by datagrams")
        except Failed as failure:
            raise Failed(f"{failure}\n{self.gateway.sessions()}\n{self.text}") from None

    def has_peer(self):
        """Whether the peer takes commands, which it does when it has joined."""
        if not self.commander and self.socket.exists():
            with contextlib.suppress(ConnectionRefusedError):  # between its bind() and its listen()
                self.commander = Commander(self.socket)
        return self.commander is not None

    def is_by_datagrams(self):
        sessions = self.gateway.sessions()
        return (len(sessions) == 1 and sessions[0]["path"] == "datagram" and sessions[0]["proof"] in ("complete", "incomplete") and
                self.commander.ask("state")["is_done"])

    def link_local(self, identifier):
        return ipaddress.ip_address(b"\xfe\x80" + bytes(6) + identifier)

    @property
    def own_link_local(self):
        return self.link_local(bytes.fromhex(self.commander.ask("state")["their_id"]))

    def counted(self):
        """How many datagrams the peer has ever sent, and what became of them, by name; of a moment when all of that was read."""
        def agreed():
            status, state = self.status(), self.commander.ask("state")
            found = collections.Counter({words.rpartition(" ")[0]: int(words.rpartition(" ")[2]) for words in status["datagram_drops"]})
            found["taken"] = status["packets_received"]
            return found["probe"] == state["dummies"] + self.probed_back and (state["datagrams"] + self.led_back, found)
        return wait_until(agreed, 10, every=0.1, what="every probe of the peer's counted")

    @contextlib.contextmanager
    def accounted(self, wanted=None):
        """Of all that is sent in the block each is counted once, and by its name as `wanted` has it, if that is known."""
        sent, before = self.counted()
        yield
        self.send([])  # what was led back is read, too
        all_sent, counts = self.counted()
        counts -= before
        assert counts.total() == all_sent - sent, f"{all_sent - sent} were sent, and counted were {counts}"
        del counts["probe"]
        assert wanted is None or counts == wanted, f"counted were {counts} instead of {wanted}"

    def seal(self, plain):
        return bytes.fromhex(self.commander.ask("seal", plain=plain.hex())["octets"])

    def send(self, datagrams):
        answer = self.commander.ask("send", datagrams=[each.command for each in datagrams])
        assert answer["is_read"], f"the far end has stopped reading\n{self.text}"

    def answers(self):
        """What has come out of the tunnel at the peer since this was asked last."""
        return [bytes.fromhex(text) for text in self.commander.ask("inner")["inner"]]

    def answers_but_redirects(self, count, seconds=5):
        """So many of them."""
        found, limit = [], time.monotonic() + seconds
        while len(found) < count and time.monotonic() < limit:
            found += [packet for packet in self.answers() if not is_redirect(packet)]
            time.sleep(0.02)
        return found

    def wait_answered(self, datagrams, seconds=5):
        """Until every echo request among them has its answer from a host behind the tunnel."""
        wanted = {payload_of_echo(each.packet) for each in datagrams if each.what.startswith("echo request")}
        assert wanted
        limit = time.monotonic() + seconds
        while wanted and time.monotonic() < limit:
            wanted -= {payload_of_echo(packet) for packet in self.answers()}
            time.sleep(0.02)
        assert not wanted, f"{len(wanted)} of the permitted packets have no answer\n{self.text}"


class AtCaller(End):
    """`isthmus up -e` runs the peer in place of ssh, on polanski."""

    host, site, lan_host, wan = "fellini", AT_FELLINI, "hostA", "fellini0"
    offers, accepts = (LAN_A, LAN_A6), (LAN_B, LAN_B6)

    def begin(self):
        peer = ["ip", "netns", "exec", self.topology.name("polanski"), *self.peer_words(POLANSKI_OUT)]
        self.start("fellini", [self.near.program, "up", "-e", " ".join(map(str, peer)), "--accept", ",".join(self.accepts),
                               "--offer", ",".join(self.offers), "--hold", "1", "--address", "192.168.0.1:192.168.0.2", "hostile"])

    @property
    def text(self):
        return self.log.read_text(errors="replace")


class AtCalledEnd(End):
    """The peer calls by real ssh: sshd runs `isthmus attach` with a peer file."""

    host, site, lan_host, wan = "polanski", AT_POLANSKI, "hostB", "polanski0"
    offers, accepts = (LAN_B, LAN_B6), (LAN_A, LAN_A6)

    def begin(self):
        server = self.near.server
        server.syslog.clear()
        server.peer("hostile", f"accept = {json.dumps(self.accepts)}\noffer = {json.dumps(self.offers)}\nhold = 1\n"
                               'address = "192.168.0.1:192.168.0.2"\n')
        ssh = ["ssh", "-F", server.client_config, f"root@{POLANSKI_OUT}", "isthmus attach --peer hostile"]
        self.start("fellini", [*self.peer_words(netns.FELLINI_OUT), "--", *ssh])

    @property
    def text(self):
        return self.log.read_text(errors="replace") + "\n".join(self.near.server.syslog)


def canonical(packet):
    """The IP packet without what a gateway changes: time to live, marks, checksum."""
    octets = bytearray(packet)
    if octets[0] >> 4 == 4:
        octets[1], octets[8], octets[10:12] = octets[1] & 0xFC, 0, bytes(2)
    else:
        octets[1], octets[7] = octets[1] & 0xCF, 0
    return bytes(octets)


class Watched:
    """What the kernel was given by the tunnel, what the hosts behind it got and what went outside, for as long as the block lasts."""

    def __init__(self, end, octets=2048):
        self.end, self.octets, self.stack = end, octets, contextlib.ExitStack()

    def __enter__(self):
        start, topology = self.stack.enter_context, self.end.topology
        self.tunnel_path = start(topology.capture(self.end.host, self.end.status()["interface"], "-Q in", self.octets))
        self.lan_path = start(topology.capture(self.end.lan_host, "lan0", "-Q in ip or ip6", self.octets))
        self.wan_path = start(topology.capture("router", self.end.wan, "ip or ip6", self.octets))
        return self

    def __exit__(self, *problem):
        return self.stack.__exit__(*problem)

    def given(self):
        return collections.Counter(canonical(packet) for packet in pcap.read(self.tunnel_path))

    def lan(self):
        packets = [frame[ETHERNET:] for frame in pcap.read(self.lan_path)]
        return collections.Counter(canonical(packet) for packet in packets if not is_discovery(packet))

    def outside(self):
        """Packets on the public side."""
        packets = [frame[ETHERNET:] for frame in pcap.read(self.wan_path)]
        return [packet for packet in packets if not is_discovery(packet)]

    def octets_out(self):
        return sum(int.from_bytes(packet[2:4]) for packet in self.outside() if ends_of(packet)[0] in self.end.site.outer)

    def judge(self, datagrams):
        """The kernel was given what the tunnel may let through, the host what a router sends on, and nothing else went anywhere."""
        def those(*wanted):
            return collections.Counter(canonical(each.packet)[:self.octets or None] for each in datagrams if each.verdict in wanted)
        same(self.given(), those(*TAKEN))
        self.judge_lan(those(DELIVERED))
        self.judge_outside()

    def judge_lan(self, delivered):
        """The gateway cuts in pieces what is too large for the network."""
        large = [packet for packet in delivered if len(packet) > LAN_MTU]
        seen = self.lan()
        for packet in large:
            pieces = [piece for piece in seen if piece[4:6] == packet[4:6] and piece[6:8] != packet[6:8]]
            pieces.sort(key=lambda piece: int.from_bytes(piece[6:8]) & 0x1FFF)
            assert b"".join(piece[20:] for piece in pieces) == packet[20:]
            seen -= collections.Counter(pieces)
        same(seen, delivered - collections.Counter(large))

    def judge_outside(self):
        """Between the two ends nothing but the datagrams and ssh, and nothing to anybody else."""
        state = self.end.commander.ask("state")
        between = {(self.end.site.peer[0], self.end.site.outer[0]), (self.end.site.outer[0], self.end.site.peer[0])}
        ports = {state["port"], self.end.status()["udp_port"]}
        strange = [(ends_of(packet), packet.hex()) for packet in self.outside()
                   if ends_of(packet) not in between or not is_carrier(packet, ports)]
        assert not strange, strange


def payload_of_echo(packet):
    return packet[48 if packet[0] >> 4 == 6 else 28:]


def is_redirect(packet):
    return (packet[9], packet[20]) == (1, 5) if packet[0] >> 4 == 4 else (packet[6], packet[40]) == (58, 137)


def same(found, wanted):
    assert found == wanted, {"too many": [packet.hex() for packet in (found - wanted).elements()],
                             "missing": [packet.hex() for packet in (wanted - found).elements()]}


def ends_of(packet):
    size, at = (4, 12) if packet[0] >> 4 == 4 else (16, 8)
    return tuple(str(ipaddress.ip_address(packet[start:start + size])) for start in (at, at + size))


def is_discovery(packet):
    return packet[0] >> 4 == 6 and (packet[6] == 58 and packet[40] in DISCOVERY or packet[6] == 0 and packet[40] == 58)


def is_carrier(packet, ports):
    """A datagram between the two ports, a piece of one, or ssh's."""
    is_tail = int.from_bytes(packet[6:8]) & 0x1FFF
    if packet[9] == 17:
        return bool(is_tail) or {int.from_bytes(packet[20:22]), int.from_bytes(packet[22:24])} == ports
    return packet[9] == 6 and 22 in (int.from_bytes(packet[20:22]), int.from_bytes(packet[22:24]))


class FullCaller(AtCaller):
    """Everything goes into the tunnel."""

    accepts, beyond = ("0.0.0.0/0", "::/0"), ()


class FullCalledEnd(AtCalledEnd):
    """Everything comes out of it."""

    offers, beyond = (LAN_B, LAN_B6, "0.0.0.0/0", "::/0"), ()
