"""The kernel's own ESP (XFRM) in the guest against ours: the same SAs at both ends, traffic of every size both ways.

    caller: TUN esp0, our ESP ══ UDP 4500 over tap0 ══ guest: XFRM
    10.1.0.5, 2001:db8:1::5                            10.2.0.6, 2001:db8:2::6
"""
import contextlib
import json
import shutil
import subprocess
import sys

import pytest

from support import esp_gateway, udp_sweep
from support.esp import Sa
from support.netns import wait_until
from support.soak import soaked
from support.uml import GUEST, HOST

OURS, OURS6 = "10.1.0.5", "2001:db8:1::5"
THEIRS, THEIRS6 = "10.2.0.6", "2001:db8:2::6"
PORT, MTU = 4500, 1400
ROUNDS = soaked(1, 18)  # 18 are 10^5 packets a variant
MODULES = ("cryptomgr", "aes_generic", "crypto_null", "geniv", "ctr", "gcm", "ghash-generic", "seqiv", "chacha_generic",
           "poly1305_generic", "chacha20poly1305", "xfrm_user", "esp4")
ALGORITHM = {"aes-128-gcm": "rfc4106(gcm(aes))", "aes-256-gcm": "rfc4106(gcm(aes))",
             "chacha20-poly1305": "rfc7539esp(chacha20,poly1305)"}
# Without a socket that says so, the kernel takes ESP in UDP for UDP.
ENCAP = ("use Socket; socket(S, AF_INET, SOCK_DGRAM, 0) or die; setsockopt(S, 17, 100, pack('i', 2)) or die; "
         f"bind(S, sockaddr_in({PORT}, INADDR_ANY)) or die; $| = 1; print qq(ready\\n); sleep 3600")


@pytest.fixture(scope="module")
def site(caller, guest):
    # Some of these are built into the kernel, and modprobe knows nothing of them.
    for module in MODULES:
        guest.run([guest.modprobe, "-q", module], check=False)
    guest.run(["sh", "-c", f"ip addr add {THEIRS}/32 dev lo; ip addr add {THEIRS6}/128 dev lo nodad; "
               f"ip route add 10.1.0.0/16 via {HOST} src {THEIRS} mtu {MTU}; "
               f"ip -6 route add 2001:db8:1::/48 dev vec0 src {THEIRS6} mtu {MTU}"])
    shutil.copy(udp_sweep.__file__, caller.directory)
    with guest.popen(["perl", "-e", ENCAP], stdout=subprocess.PIPE, text=True) as socket:
        assert socket.stdout.readline() == "ready\n"
        yield caller
        socket.terminate()


def state(source, destination, sa, is_outbound):
    """The words of `ip xfrm state add` for one SA of the guest's."""
    low, high = sa.past & 0xFFFFFFFF, sa.past >> 32
    side = "oseq" if is_outbound else "seq"
    past = ["replay-window", "128", f"replay-{side}", low, *(["flag", "esn", f"replay-{side}-hi", high] if sa.is_esn else [])]
    return ["ip", "xfrm", "state", "add", "src", source, "dst", destination, "proto", "esp", "spi", sa.spi, "mode", "tunnel",
            *past, "flag", "af-unspec", "aead", ALGORITHM[sa.cipher], f"0x{sa.key_and_salt.hex()}", 128,
            "encap", "espinudp", PORT, PORT, "0.0.0.0"]


def policies():
    for ours, theirs in (("10.1.0.0/16", "10.2.0.0/16"), ("2001:db8:1::/48", "2001:db8:2::/48")):
        for direction, (inner, outer) in {"out": ((theirs, ours), (GUEST, HOST)), "in": ((ours, theirs), (HOST, GUEST))}.items():
            yield ["ip", "xfrm", "policy", "add", "dir", direction, "src", inner[0], "dst", inner[1], "tmpl", "src", outer[0],
                   "dst", outer[1], "proto", "esp", "mode", "tunnel"]


class Gateway:
    """Our end: the program, and what it counted once it is closed."""

    def __init__(self, caller, isthmus, to_guest, from_guest):
        self.process = caller.popen("caller", [sys.executable, "-B", esp_gateway.__file__, isthmus, "esp0", f"{HOST}:{PORT}",
                                               f"{GUEST}:{PORT}", to_guest.words, from_guest.words],
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        self.counts = None

    def send_dummies(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()

    def close(self):
        self.process.stdin.close()
        self.counts = json.loads(self.process.stdout.read())
        assert self.process.wait(timeout=10) == 0


@contextlib.contextmanager
def joined(caller, guest, isthmus, to_guest, from_guest):
    for words in (state(HOST, GUEST, to_guest, False), state(GUEST, HOST, from_guest, True), *policies()):
        guest.run(words)
    gateway = Gateway(caller, isthmus, to_guest, from_guest)
    try:
        caller.ip("caller", "link", "set", "esp0", "mtu", str(MTU), "up")
        caller.ip("caller", "addr", "add", f"{OURS}/32", "dev", "esp0")
        caller.ip("caller", "addr", "add", f"{OURS6}/128", "dev", "esp0", "nodad")
        caller.ip("caller", "route", "add", "10.2.0.0/16", "dev", "esp0", "src", OURS)
        caller.ip("caller", "-6", "route", "add", "2001:db8:2::/48", "dev", "esp0", "src", OURS6)
        yield gateway
        gateway.close()
    finally:
        gateway.process.kill()
        gateway.process.wait()
        guest.run(["sh", "-c", "ip xfrm policy flush; ip xfrm state flush"])
        wait_until(lambda: "esp0" not in caller.ip("caller", "link"), what="the end of esp0")


def check_every_size(caller, guest):
    def host(argv, **more):
        return caller.popen("caller", argv, **more)

    for sender, receiver, address in ((host, guest.popen, THEIRS), (guest.popen, host, OURS), (host, guest.popen, THEIRS6),
                                      (guest.popen, host, OURS6)):
        result = udp_sweep.sweep(sender, receiver, address, mtu=MTU, rounds=ROUNDS, script=caller.directory / "udp_sweep.py")
        assert result.whole, (address, result)


def check_pings(caller, guest):
    """Of each kind 20 in a row come back; on a machine that is busy the guest may lose one, and is asked again."""
    for address in (THEIRS, THEIRS6):
        wait_until(lambda address=address: caller.ping("caller", address, count=20, size=1300, interval=0.01).ok, 20,
                   what=f"20 answers of {address}")
    for address in (OURS, OURS6):
        argv = ["ping", "-c", "20", "-i", "0.01", "-s", "1300", address]
        wait_until(lambda argv=argv: "20 received" in guest.run(argv, check=False).stdout, 20, what=f"20 answers of {address}")


def errors_of_guest(guest):
    """What the guest's SAs counted as wrong: replays, and failed ICVs."""
    shown = guest.run(["ip", "-s", "xfrm", "state"]).stdout
    return [line.strip() for line in shown.splitlines() if "replay-window" in line and "failed" in line]


VARIANTS = {
    "aes-128-gcm": ("aes-128-gcm", False, 0),
    "aes-256-gcm": ("aes-256-gcm", False, 0),
    "chacha20-poly1305": ("chacha20-poly1305", False, 0),
    "aes-128-gcm-esn-across-2-to-32": ("aes-128-gcm", True, (1 << 32) - 200),
    "aes-256-gcm-esn-across-3-times-2-to-32": ("aes-256-gcm", True, (3 << 32) - 200),
    "chacha20-poly1305-esn-across-2-to-32": ("chacha20-poly1305", True, (1 << 32) - 200),
}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
def test_the_kernels_esp_and_ours_exchange_every_size(site, guest, isthmus, variant):
    cipher, is_esn, past = variant
    to_guest, from_guest = (Sa(cipher, spi, is_esn, past) for spi in (0x3001, 0x3002))
    with joined(site, guest, isthmus, to_guest, from_guest) as gateway:
        check_pings(site, guest)
        check_every_size(site, guest)
        gateway.send_dummies(50)
        check_pings(site, guest)
        errors = errors_of_guest(guest)
    counts = gateway.counts
    assert counts["drops"] == {}, counts
    assert counts["sent"] > 5000 and counts["taken"] > 5000
    assert counts["last_sent"] == past + counts["sent"] + 50
    # A datagram may get lost in a full socket; what is lost is sent again by the sweep.
    assert past + counts["taken"] <= counts["highest_received"] < past + counts["taken"] * 1.01
    assert len(errors) == 2 and all("replay 0 failed 0" in line for line in errors), errors
