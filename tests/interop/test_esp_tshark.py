"""tshark decrypts a capture of ours, given the keys, and verifies every ICV.

Its ICV check knows 32-bit sequence numbers only, and of our ciphers tshark 4.0 has AES-GCM alone: scapy and the guest's
kernel judge the rest.
"""
import pytest

from support import pcap
from support.esp import EspTool, NO_NEXT_HEADER, Sa, inner_packets, udp_packet

RAW_IP = 101  # LINKTYPE_RAW
SOURCE, DESTINATION = "192.0.2.1", "192.0.2.2"
ALGORITHM = "AES-GCM with 16 octet ICV [RFC4106]"
COUNT = 300


def packed(address):
    return bytes(map(int, address.split(".")))


def octets(text):
    return bytes.fromhex(text.replace(":", ""))


def esp_layers(path, sa, packets, port=4500):
    """What tshark says of each packet's ESP."""
    datagrams = [udp_packet(packet, packed(SOURCE), packed(DESTINATION), port=port) for packet in packets]
    entry = f'"IPv4","{SOURCE}","{DESTINATION}","0x{sa.spi:08x}","{ALGORITHM}","0x{sa.key_and_salt.hex()}","NULL",""'
    layers = pcap.dissect(pcap.write(path, datagrams, RAW_IP), "esp.enable_encryption_decode:TRUE",
                          "esp.enable_authentication_check:TRUE", f"uat:esp_sa:{entry}",
                          decode_as=() if port == 4500 else (f"udp.port=={port},udpencap",))
    return [packet["esp"] for packet in layers]


@pytest.fixture
def ours(isthmus):
    with EspTool(isthmus) as tool:
        yield tool


@pytest.mark.parametrize("cipher", ("aes-128-gcm", "aes-256-gcm"))
def test_every_icv_is_good_and_every_packet_is_inside(ours, tmp_path, cipher):
    sa = Sa(cipher)
    ours.outbound(sa)
    inner = list(inner_packets(COUNT, seed=8))
    seen = esp_layers(tmp_path / "ours.pcap", sa, [ours.seal(packet) for packet in inner])
    assert len(seen) == COUNT
    for number, (esp, packet) in enumerate(zip(seen, inner), 1):
        assert int(esp["esp.sequence"]) == number
        assert int.from_bytes(octets(esp["esp.iv"])) == number
        assert esp["esp.icv_tree"] == {"esp.icv_good": "1", "esp.icv_bad": "0"}
        plain = esp["esp.decrypted_data_tree"]
        assert octets(plain["esp.contained_data"]) == packet
        assert int(plain["esp.protocol"], 0) == (4 if packet[0] >> 4 == 4 else 41)
        padding = int(plain["esp.pad_len"])
        assert octets(plain.get("esp.pad", "")) == bytes(range(1, padding + 1)) and padding < 4


def test_a_dummy_is_one_to_tshark_too(ours, tmp_path):
    sa = Sa()
    ours.outbound(sa)
    esp = esp_layers(tmp_path / "dummy.pcap", sa, [ours.seal(bytes(20), NO_NEXT_HEADER)])[0]
    assert esp["esp.icv_tree"]["esp.icv_good"] == "1"
    assert octets(esp["esp.decrypted_data"])[-1] == NO_NEXT_HEADER


def test_a_changed_octet_is_a_bad_icv(ours, tmp_path):
    sa = Sa()
    ours.outbound(sa)
    sealed = bytearray(ours.seal(next(inner_packets(1, seed=4))))
    sealed[30] ^= 1
    assert esp_layers(tmp_path / "bad.pcap", sa, [bytes(sealed)])[0]["esp.icv_tree"]["esp.icv_bad"] == "1"


def test_another_port_is_read_the_same_way(ours, tmp_path):
    sa = Sa()
    ours.outbound(sa)
    esp = esp_layers(tmp_path / "port.pcap", sa, [ours.seal(packet) for packet in inner_packets(5, seed=5)], port=22)
    assert [layer["esp.icv_tree"]["esp.icv_good"] for layer in esp] == ["1"] * 5
