"""Our ESP, driven from Python through the program esp_tool, and SAs as every judge can be given them."""
import dataclasses
import pathlib
import random
import struct
import subprocess

from support.soak import soaked

CIPHERS = ("aes-128-gcm", "aes-256-gcm", "chacha20-poly1305")
KEY_SIZE = {"aes-128-gcm": 16, "aes-256-gcm": 32, "chacha20-poly1305": 32}
SALT_SIZE = 4
IPV4, IPV6, NO_NEXT_HEADER = 4, 41, 59

PACKETS = soaked(3_000, 100_000)  # that a variant gets


@dataclasses.dataclass(frozen=True)
class Sa:
    """One SA, by the values that both its ends need."""
    cipher: str = "aes-128-gcm"
    spi: int = 0x1002
    is_esn: bool = False
    past: int = 0  # the number last sent, or the highest received
    seed: int = 1

    @property
    def key_and_salt(self):
        return random.Random(f"{self.cipher} {self.spi} {self.seed}").randbytes(KEY_SIZE[self.cipher] + SALT_SIZE)

    @property
    def words(self):
        return f"{self.cipher} {self.key_and_salt.hex()} {self.spi} {'esn' if self.is_esn else 'plain'} {self.past}"


class EspTool:
    """Our side. What is dropped comes back as the word of its drop."""

    def __init__(self, isthmus, popen=subprocess.Popen):
        path = pathlib.Path(isthmus).resolve().parent.parent / "tests/support/esp_tool"
        assert path.exists(), f"{path} is not built"
        self.process = popen([str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        assert answer not in ("", "what?"), f"esp_tool: {line[:80]}: {answer}"
        return answer

    def outbound(self, sa, name="out"):
        assert self.ask(f"outbound {name} {sa.words}") == "ok"

    def inbound(self, sa, name="in"):
        assert self.ask(f"inbound {name} {sa.words}") == "ok"

    def seal(self, octets, next_header=None, name="out"):
        """The ESP packet around octets."""
        next_header = next_header or (IPV4 if octets[0] >> 4 == 4 else IPV6)
        return bytes.fromhex(self.ask(f"seal {name} {next_header} {octets.hex() or '-'}"))

    def open(self, packet, name="in"):
        """(next header, octets), or the word of a drop."""
        answer = self.ask(f"open {name} {packet.hex() or '-'}").split()
        if len(answer) != 2:
            return answer[0]
        return int(answer[0]), b"" if answer[1] == "-" else bytes.fromhex(answer[1])

    def number(self, name):
        return int(self.ask(f"number {name}"))


def checksum(octets):
    """RFC 1071."""
    total = sum(struct.unpack(f">{(len(octets) + 1) // 2}H", octets + bytes(len(octets) % 2)))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def udp_packet(payload, source, destination, port=9, version=4, traffic_class=0):
    """An IP packet with one UDP datagram, its checksums right. Addresses are packed octets."""
    length = 8 + len(payload)
    header = struct.pack(">HHHH", 40000, port, length, 0)
    pseudo = source + destination + (struct.pack(">BBH", 0, 17, length) if version == 4 else struct.pack(">II", length, 17))
    datagram = header[:6] + struct.pack(">H", checksum(pseudo + header + payload) or 0xFFFF) + payload
    if version == 6:
        return struct.pack(">IHBB", 6 << 28 | traffic_class << 20, length, 17, 64) + source + destination + datagram
    first = struct.pack(">BBHHHBB", 0x45, traffic_class, 20 + length, 1, 0, 64, 17)
    return first + struct.pack(">H", checksum(first + bytes(2) + source + destination)) + source + destination + datagram


INNER = {4: (bytes((10, 1, 0, 5)), bytes((10, 2, 0, 6))),
         6: (bytes.fromhex("20010db8000100000000000000000005"), bytes.fromhex("20010db8000200000000000000000006"))}


def inner_packets(count, seed, largest=9000):
    """Packets of every kind and of sizes from the least to `largest` payload octets."""
    chance = random.Random(seed)
    for number in range(count):
        version = 4 if number % 3 else 6
        # Every small size, and then a spread of them.
        size = number % 300 if number % 2 else chance.randint(1, largest)
        yield udp_packet(chance.randbytes(size), *INNER[version], version=version)
