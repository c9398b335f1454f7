"""The memory of other processes, looked through: where keys of AES lie, which are known by what is made of them, and where given
octets lie. It takes root with CAP_SYS_PTRACE."""
import dataclasses
import pathlib
import re

# The pages are locked, and no dump has them (proc_pid_smaps(5): VmFlags).
LOCKED, NOT_DUMPED = "lo", "dd"
AREA = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+ *(.*)$")


@dataclasses.dataclass(frozen=True)
class Area:
    """Memory of one process that it can write, from `start` on."""
    start: int
    flags: frozenset
    name: str
    octets: bytes

    def keeps_keys(self):
        return {LOCKED, NOT_DUMPED} <= self.flags


def areas(pid):
    """All that the process can write to, as it is now; what goes meanwhile is left out."""
    found, bounds = [], None
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
            if match := AREA.match(line):
                bounds = (int(match[1], 16), int(match[2], 16), match[3], match[4])
            elif line.startswith("VmFlags:") and "w" in bounds[2]:
                octets = read(memory, bounds[0], bounds[1])
                assert len(octets) == bounds[1] - bounds[0] or bounds[3].startswith(("[v", "/dev/")), f"{pid}: {line} {bounds}"
                found.append(Area(bounds[0], frozenset(line.split()[1:]), bounds[3], octets))
    return found


def read(memory, start, end):
    octets = bytearray()
    try:
        memory.seek(start)
        while start + len(octets) < end and (piece := memory.read(min(1 << 20, end - start - len(octets)))):
            octets += piece
    except OSError:
        pass
    return bytes(octets)


def make_s_box():
    """FIPS 197 section 5.1.1: the inverse in GF(2^8), and an affine map of its bits."""
    box, p, q = [0x63] * 256, 1, 1
    while True:
        p = p ^ (p << 1 & 0xff) ^ (0x1b if p & 0x80 else 0)
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 0xff
        if q & 0x80:
            q ^= 0x09
        rotated = [q << n | q >> (8 - n) for n in range(5)]
        box[p] = (rotated[0] ^ rotated[1] ^ rotated[2] ^ rotated[3] ^ rotated[4]) & 0xff ^ 0x63
        if p == 1:
            return bytes(box)


S_BOX = make_s_box()


def expand(key):
    """FIPS 197 section 5.2: the round keys of AES, the key's own octets first."""
    words = [key[i:i + 4] for i in range(0, len(key), 4)]
    in_key, constant = len(words), 1
    while len(words) < 4 * (in_key + 7):
        word = words[-1]
        if len(words) % in_key == 0:
            word = bytes(S_BOX[octet] for octet in word[1:] + word[:1])
            word = bytes([word[0] ^ constant]) + word[1:]
            constant = constant << 1 ^ (0x11b if constant & 0x80 else 0)
        elif in_key == 8 and len(words) % in_key == 4:
            word = bytes(S_BOX[octet] for octet in word)
        words.append(bytes(a ^ b for a, b in zip(words[-in_key], word)))
    return b"".join(words)


def aes_keys(octets):
    """Offset and key of every schedule of AES-128 and AES-256 in here. In one, three words of each four are the exclusive or of
    the word before and the one a key's length before: where twelve octets say so, the rest is worked out and compared."""
    whole = int.from_bytes(octets, "little")
    of_neighbours = whole ^ whole >> 32
    for size in (16, 32):
        differences = (of_neighbours >> 8 * size ^ whole >> 32).to_bytes(len(octets), "little")
        for run in re.finditer(rb"\0{12,}", differences):
            if run.end() - run.start() > 18:
                continue  # memory that is all zero
            for offset in range(run.start() & ~3, run.end() - 11, 4):
                key = octets[offset:offset + size]
                if len(set(key)) > 4 and octets[offset:offset + 16 * (size // 4 + 7)] == expand(key):
                    yield offset, key


def keys_of(pid):
    """Each key of AES that the process is ready to use, with the area it lies in."""
    return [(key, area) for area in areas(pid) for _, key in aes_keys(area.octets)]

