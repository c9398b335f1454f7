"""A peer of our own that speaks ESP too: it joins over the stream as hostile_peer.py does, makes keys and opens the datagram
path, and then seals and sends whatever it is told to, however wrong that is. Nothing of src is in it: docs/protocol and
docs/design/keying.md were written out once more.

As the called end it stands in for ssh: `isthmus up -e 'esp_peer.py SOCKET ADDRESS OFFER ACCEPT'`. As the calling end it runs
what carries the stream: `esp_peer.py SOCKET ADDRESS OFFER ACCEPT -- ssh … isthmus attach`. Its datagrams leave from ADDRESS;
OFFER and ACCEPT are prefixes with commas between them. At SOCKET it takes commands, a line of JSON each (`Commander`).
"""
import contextlib
import hashlib
import ipaddress
import itertools
import json
import os
import pathlib
import random
import select
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from cryptography.hazmat.primitives import hashes, hmac  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey  # noqa: E402
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305  # noqa: E402
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand  # noqa: E402
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: E402
from scapy.layers.ppp import PPP_LCP_Configure, PPP_LCP_Option  # noqa: E402

from support.hostile_peer import IPV4, IPV6CP, REQUEST, VSNCP, VSNP, Message, Peer, field  # noqa: E402

(HELLO, ANSWER, READY, PROOF_REPORT) = range(1, 5)
DATAGRAM_HELLO, KEY_OFFER, KEY_ANSWER, KEY_DONE = 9, 12, 13, 15
IPV6 = 0x0057
(PORT, OWN_ADDRESS, WORKERS, GENERATION, NONCE, PUBLIC_KEY, CIPHERS, CIPHER, KEY_FLAGS, SPIS) = (16, 17, 19, 24, 25, 26, 27, 28, 29, 30)
VERSION_OPTION, DATAGRAMS_OPTION = b"\1\6\0\0\0\1", b"\2\6\0\0\0\4"
KEY_SIZES = {1: 16, 2: 32, 3: 32}
CHACHA = 3
FROM_CALLER, FROM_CALLED = 0, 1
DUMMY = 59
PROBE, REQUEST_KIND, ECHO_KIND, LEAST_PROBE = b"Isth", 1, 2, 18
OURS = 8           # workers that this peer pretends to have: as many SAs to send by, so that each worker there gets some
CIPHER_OF = {False: 1, True: CHACHA}  # as the called end, as the caller
INTERFACE_ID = bytes.fromhex("0000000000000be5")
SERVED_EVERY = 25  # datagrams, between which is looked at what came
ASKED_EVERY = 200  # datagrams, after which the far end must have read all before more go out


def trailed(text, next_header):
    """The text with padding, pad length and next header (RFC 4303 section 2.4)."""
    padding = -(len(text) + 2) % 4
    return text + bytes(range(1, padding + 1)) + bytes([padding, next_header])


class Sa:
    """One SA, without ESN."""

    def __init__(self, cipher, spi, material):
        size = KEY_SIZES[cipher]
        self.spi, self.salt, self.number = spi, material[size:], 0
        self.aead = (ChaCha20Poly1305 if cipher == CHACHA else AESGCM)(material[:size])

    def seal(self, plain):
        """Around octets that end with a trailer, be it right or wrong."""
        self.number += 1
        head, iv = struct.pack(">II", self.spi, self.number), struct.pack(">Q", self.number)
        return head + iv + self.aead.encrypt(self.salt + iv, plain, head)

    def open(self, packet):
        """(next header, text)."""
        plain = self.aead.decrypt(self.salt + packet[8:16], packet[16:], packet[:8])
        return plain[-1], plain[:len(plain) - 2 - plain[-2]]


class Exchange:
    """One end of an exchange of keys; `messages` are the offer and the answer as they crossed the stream."""

    def __init__(self):
        self.private = X25519PrivateKey.generate()
        self.nonce = os.urandom(32)

    @property
    def fields(self):
        public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return field(NONCE, self.nonce) + field(PUBLIC_KEY, public) + field(KEY_FLAGS, b"\0")

    def keys(self, offer, answer):
        """A function that gives the material of the direction's worker."""
        theirs = [fields_of(message) for message in (offer, answer)]
        public = next(each[PUBLIC_KEY][0] for each in theirs if each[NONCE][0] != self.nonce)
        extract = hmac.HMAC(theirs[0][NONCE][0] + theirs[1][NONCE][0], hashes.SHA256())
        extract.update(self.private.exchange(X25519PublicKey.from_public_bytes(public)))
        prk, transcript = extract.finalize(), hashlib.sha256(offer + answer).digest()
        size = KEY_SIZES[theirs[1][CIPHER][0][0]] + 4
        return lambda direction, worker: HKDFExpand(
            hashes.SHA256(), size, b"isthmus esp 1" + bytes([direction, worker]) + transcript).derive(prk)


def fields_of(message):
    """The values of each field of a message, by its number."""
    found, at = {}, 4
    while at < len(message):
        number, length = struct.unpack_from(">BH", message, at)
        found.setdefault(number, []).append(message[at + 3:at + 3 + length])
        at += 3 + length
    return found


def numbers(octets):
    return list(struct.unpack(f">{len(octets) // 4}I", octets))


def spis(count):
    """Each of a worker of ours, and unlike the others."""
    return [random.randrange(1 << 20) * 1024 + 1024 + place for place in range(count)]


class EspPeer(Peer):
    def __init__(self, reader, writer, calls, address):
        super().__init__(reader, writer, calls)
        self.civil.add(IPV6CP)
        self.their_id = b""
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, 0))
        self.udp.setblocking(False)
        self.remote = self.exchange = self.offered = None
        self.outward, self.inward = [], {}
        self.is_heard = calls  # the called end's first probe may be there before its keys are
        self.is_proven = self.is_done = False
        self.datagrams = self.dummies = 0  # sent; the second are among the first
        self.echoes, self.inner = set(), []
        self.turns = itertools.count()

    # ---- over the stream

    def join(self, offers, accepts):
        self.open_lcp()
        self.request(VSNCP, VERSION_OPTION, DATAGRAMS_OPTION)
        self.listen(5, lambda: VSNCP in self.opened)
        if not self.calls:
            self.listen(5, lambda: self.has_heard(HELLO))
        self.hello(offers, accepts, name=b"esp")
        self.listen(5, lambda: self.has_heard(ANSWER) and self.has_heard(HELLO))
        self.accept(*accepts)
        self.open_ipcp()
        self.ask(IPV6CP, PPP_LCP_Configure(code=REQUEST, options=[PPP_LCP_Option(type=1, len=10, data=INTERFACE_ID)]))
        self.listen(10, lambda: self.has_heard(READY))
        self.tell(READY)
        self.tell(PROOF_REPORT)
        own = b"\4" + socket.inet_aton(self.udp.getsockname()[0])
        self.tell(DATAGRAM_HELLO, field(PORT, struct.pack(">H", self.udp.getsockname()[1])), field(OWN_ADDRESS, own),
                  field(CIPHERS, bytes(KEY_SIZES)), field(WORKERS, bytes([OURS])), field(GENERATION, bytes(4)))
        if self.calls and self.listen(5, lambda: self.remote):
            self.offer_keys()

    def has_heard(self, kind):
        return any(octets[1] == kind for octets in self.told)

    def tell(self, kind, *fields):
        message = bytes(Message(type=kind, data=b"".join(fields)))
        self.send(VSNP, message)
        return message

    def react(self, protocol, octets):
        super().react(protocol, octets)
        if protocol == IPV6CP and octets[0] == REQUEST:
            self.their_id = octets[6:14]
        if protocol in (IPV4, IPV6):
            self.inner.append(octets)
        if protocol == VSNP:
            self.hear(octets[:int.from_bytes(octets[2:4])])

    def hear(self, message):
        kind, fields = message[1], fields_of(message) if message[1] in (DATAGRAM_HELLO, KEY_OFFER, KEY_ANSWER) else {}
        if kind == DATAGRAM_HELLO and self.remote is None:
            address = next(value[1:] for value in fields[OWN_ADDRESS] if value[0] == 4)
            self.remote = (socket.inet_ntoa(address), int.from_bytes(fields[PORT][0]))
            self.workers = fields[WORKERS][0][0]
        if kind == KEY_OFFER:
            self.answer_keys(message, fields)
        if kind == KEY_ANSWER:
            self.install(self.offered, message)
        if kind == KEY_DONE:
            self.is_done = True

    def offer_keys(self):
        self.exchange = Exchange()
        self.offered = self.tell(KEY_OFFER, field(GENERATION, struct.pack(">I", 1)), self.exchange.fields,
                                 field(CIPHERS, bytes([CIPHER_OF[True]])), spis_field(self.workers))

    def answer_keys(self, offer, fields):
        self.exchange = Exchange()
        answer = self.tell(KEY_ANSWER, field(GENERATION, fields[GENERATION][0]), self.exchange.fields,
                           field(CIPHER, bytes([CIPHER_OF[False]])), spis_field(self.workers))
        self.install(offer, answer)

    def install(self, offer, answer):
        keys, cipher = self.exchange.keys(offer, answer), fields_of(answer)[CIPHER][0][0]
        of_called, of_caller = (numbers(fields_of(message)[SPIS][0]) for message in (offer, answer))
        # The offer says by which numbers the called end's workers send, the answer those of the caller's.
        to_caller = [Sa(cipher, spi, keys(FROM_CALLED, worker)) for worker, spi in enumerate(of_called)]
        to_called = [Sa(cipher, spi, keys(FROM_CALLER, worker)) for worker, spi in enumerate(of_caller)]
        self.outward, inward = (to_called, to_caller) if self.calls else (to_caller, to_called)
        self.inward = {sa.spi: sa for sa in inward}

    # ---- by datagrams

    def emit(self, datagram, to=None):
        """Sends it, whatever it is."""
        while True:
            with contextlib.suppress(BlockingIOError):
                self.datagrams += 1
                return self.udp.sendto(datagram, to or self.remote)
            self.datagrams -= 1
            select.select([], [self.udp], [], 1)

    def emit_dummy(self, sa, kind, token, size, to=None):
        text = PROBE + struct.pack(">BBH", kind, 0, size) + token
        self.dummies += 1
        self.emit(sa.seal(trailed(text + bytes(size - len(text)), DUMMY)), to)

    def next_sa(self):
        return self.outward[next(self.turns) % len(self.outward)]

    def take_datagrams(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                datagram, source = self.udp.recvfrom(65536)
                sa = self.inward.get(int.from_bytes(datagram[:4]))
                next_header, text = sa.open(datagram) if sa else (DUMMY, b"")
                self.is_heard = True
                if next_header != DUMMY:
                    self.inner.append(text)
                elif text[:4] == PROBE and text[4] == REQUEST_KIND:
                    self.emit_dummy(self.next_sa(), ECHO_KIND, text[8:16], len(text), source)
                elif text[:4] == PROBE and text[4] == ECHO_KIND:
                    self.echoes.add(text[8:16])

    def attend(self, seconds, more=()):
        """Whatever comes within this time or until something of it has; says whether one of `more` has something to read."""
        ready = select.select([self.reader, self.udp, *more], [], [], 0 if self.frames_waiting else seconds)[0]
        for protocol, octets in self.frames(0):
            self.react(protocol, octets)
        self.take_datagrams()
        return [each for each in more if each in ready]

    def wait_read(self, seconds=5):
        """Until the far end has read all that was sent: each of its workers answers a probe behind it. Says whether it has."""
        tokens = {os.urandom(8): sa for sa in self.outward}
        end = time.monotonic() + seconds
        for token, sa in tokens.items():
            self.emit_dummy(sa, REQUEST_KIND, token, LEAST_PROBE)
        while not tokens.keys() <= self.echoes and time.monotonic() < end:
            self.attend(0.05)
        return tokens.keys() <= self.echoes

    # ---- commands

    def obey(self, command):
        return {"state": self.tell_state, "send": self.send_all, "seal": self.seal, "inner": self.tell_inner}[command["do"]](command)

    def tell_state(self, _command):
        return {"is_keyed": bool(self.outward), "is_done": self.is_done, "datagrams": self.datagrams, "dummies": self.dummies,
                "port": self.udp.getsockname()[1], "remote": self.remote, "their_id": self.their_id.hex()}

    def send_all(self, command):
        """Each of `datagrams` is to be sealed ("plain") or goes out as it is ("raw"), `times` with the same number."""
        for count, each in enumerate(command["datagrams"], 1):
            datagram = bytes.fromhex(each["raw"]) if "raw" in each else self.next_sa().seal(bytes.fromhex(each["plain"]))
            for _ in range(each.get("times", 1)):
                self.emit(datagram)
            if count % SERVED_EVERY == 0 or len(datagram) > 9000:
                self.attend(0.002)
            if count % ASKED_EVERY == 0 and not self.wait_read():
                break
        return {"is_read": self.wait_read()}

    def seal(self, command):
        return {"octets": self.next_sa().seal(bytes.fromhex(command["plain"])).hex()}

    def tell_inner(self, _command):
        inner, self.inner = self.inner, []
        return {"inner": [text.hex() for text in inner]}

    def serve(self, listener):
        connections = []
        while True:
            for ready in self.attend(1, [listener, *connections]):
                if ready is listener:
                    connections.append(listener.accept()[0])
                elif octets := ready.recv(1 << 20):
                    while not octets.endswith(b"\n"):
                        octets += ready.recv(1 << 20)
                    ready.sendall(json.dumps(self.obey(json.loads(octets))).encode() + b"\n")
                else:
                    connections.remove(ready)
            if self.outward and self.is_heard and not self.is_proven:
                self.prove()

    def prove(self):
        """The keys work in both directions, and so this end is done with the exchange."""
        self.is_proven = self.wait_read(0.5)
        if self.is_proven:
            self.tell(KEY_DONE, field(GENERATION, struct.pack(">I", 1)))


def spis_field(count):
    return field(SPIS, struct.pack(f">{count}I", *spis(count)))


class Commander:
    """The test's side: connects to the peer at its socket, and asks."""

    def __init__(self, path):
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.settimeout(60)
        try:
            self.connection.connect(str(path))
        except OSError:
            self.connection.close()
            raise
        self.answers = self.connection.makefile("rb")

    def close(self):
        self.answers.close()
        self.connection.close()

    def ask(self, do, **words):
        self.connection.sendall(json.dumps({"do": do, **words}).encode() + b"\n")
        return json.loads(self.answers.readline())


def main(path, address, offers, accepts, *rest):
    random.seed(1)
    calling = rest[rest.index("--") + 1:] if "--" in rest[:1] else ()
    with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as stack:
        reader, writer, carrier = 0, 1, None
        if calling:
            carrier = stack.enter_context(subprocess.Popen(calling, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0))
            reader, writer = carrier.stdout.fileno(), carrier.stdin.fileno()
        with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
            peer = EspPeer(reader, writer, bool(calling), address)
            peer.join(*[list(map(str, map(ipaddress.ip_network, words.split(",")))) for words in (offers, accepts)])
            listener.bind(path)
            listener.listen()
            peer.serve(listener)
        if carrier:
            carrier.stdin.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
