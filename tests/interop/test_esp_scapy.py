"""scapy's ESP against ours, both ways: every cipher, with and without ESN, payloads of 1 to 9,000 octets."""
import struct

import pytest
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.ipsec import ESP, IPSecIntegrityError, SecurityAssociation

from support.esp import CIPHERS, IPV4, IPV6, PACKETS, EspTool, Sa, inner_packets

ALGORITHM = {"aes-128-gcm": "AES-GCM", "aes-256-gcm": "AES-GCM", "chacha20-poly1305": "CHACHA20-POLY1305"}
# Beyond 32 bits with ESN, so that the upper half counts.
VARIANTS = [Sa(cipher, spi=0x2000 + number, is_esn=is_esn, past=(5 << 32) + 77 if is_esn else 0)
            for number, (cipher, is_esn) in enumerate((cipher, is_esn) for cipher in CIPHERS for is_esn in (False, True))]
NEXT = {IP: IPV4, IPv6: IPV6}
OUTER = IP(src="192.0.2.1", dst="192.0.2.2")


def scapy_sa(sa):
    return SecurityAssociation(ESP, spi=sa.spi, crypt_algo=ALGORITHM[sa.cipher], crypt_key=sa.key_and_salt, tunnel_header=OUTER,
                               esn_en=sa.is_esn, esn=sa.past >> 32)


def around(packet):
    """scapy takes an outer IP packet, and changes what it is given."""
    return IP(bytes(OUTER / ESP(packet)))


@pytest.fixture
def ours(isthmus):
    with EspTool(isthmus) as tool:
        yield tool


@pytest.mark.parametrize("sa", VARIANTS, ids=lambda sa: f"{sa.cipher}{'-esn' if sa.is_esn else ''}")
def test_scapy_opens_ours(ours, sa):
    ours.outbound(sa)
    theirs = scapy_sa(sa)
    for inner in inner_packets(PACKETS, seed=sa.spi):
        assert bytes(theirs.decrypt(around(ours.seal(inner)))) == inner
    assert ours.number("out") == sa.past + PACKETS


@pytest.mark.parametrize("sa", VARIANTS, ids=lambda sa: f"{sa.cipher}{'-esn' if sa.is_esn else ''}")
def test_we_open_scapys(ours, sa):
    ours.inbound(sa)
    theirs = scapy_sa(sa)
    theirs.seq_num = (sa.past + 1) & 0xFFFFFFFF
    for inner in inner_packets(PACKETS, seed=sa.spi + 1):
        layer = IP if inner[0] >> 4 == 4 else IPv6
        sealed = bytes(theirs.encrypt(layer(inner))[ESP])
        assert ours.open(sealed) == (NEXT[layer], inner)
    assert ours.number("in") == sa.past + PACKETS


@pytest.mark.parametrize("cipher", CIPHERS)
def test_both_refuse_what_was_changed(ours, cipher):
    sa = Sa(cipher)
    ours.outbound(sa)
    ours.inbound(sa)
    inner = next(inner_packets(1, seed=3))
    sealed = bytearray(ours.seal(inner))
    for at in range(8, len(sealed), 7):
        sealed[at] ^= 1
        assert ours.open(bytes(sealed)) == "not-authentic"
        with pytest.raises(IPSecIntegrityError):
            scapy_sa(sa).decrypt(around(bytes(sealed)))
        sealed[at] ^= 1
    assert ours.open(bytes(sealed))[1] == inner
    assert ours.open(bytes(sealed)) == "replayed"


def test_the_iv_is_the_counter_and_the_head_is_in_the_clear(ours):
    ours.outbound(Sa(spi=0x1234))
    for number in (1, 2, 3):
        assert ours.seal(next(inner_packets(1, seed=3)))[:16] == struct.pack(">IIQ", 0x1234, number, number)
