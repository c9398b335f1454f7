"""The guest that judges: it boots, is reached over both families, cannot write the machine, and its pppd speaks PPP."""
import os
import pathlib
import subprocess
import time

from support import pcap
from support.netns import wait_until
from support.uml import GUEST, GUEST6, HOST6

# Stock options: LCP Configure-Request 1 of 20 octets, ACCM 0; all control octets escaped. Magic and FCS differ per run.
FIRST_OCTETS = bytes.fromhex("7eff7d23c0217d217d217d207d347d227d267d207d207d207d207d257d26")
FIXED_OPTIONS = ("noccp", "novj", "nopcomp", "noaccomp", "default-asyncmap", "nomagic")
FIXED_OCTETS = bytes.fromhex("7eff7d23c0217d217d217d207d24d1b57e")


def first_octets(guest, *options, wanted):
    """What pppd says first on a stream that does not answer."""
    with guest.popen(["pppd", "nodetach", "notty", "noauth", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        said, end = b"", time.monotonic() + 10
        while len(said) < wanted and time.monotonic() < end:
            said += os.read(process.stdout.fileno(), 4096)
        process.stdin.close()
        process.terminate()
        return said


def test_the_guest_is_reached_over_both_families(caller, guest):
    assert caller.ping("caller", GUEST).ok
    assert caller.ping("caller", GUEST6).ok
    assert "1 received" in guest.run(["ping", "-c", "1", HOST6]).stdout


def test_words_are_kept_apart(guest):
    assert guest.run(["printf", "%s|", "two words", "$HOME", "'"]).stdout == "two words|$HOME|'|"


def test_the_guest_cannot_write_the_machine(guest):
    assert "Read-only" in guest.run(["touch", "/etc/written-by-the-guest"], check=False).stderr
    guest.run(["touch", "/tmp/of-the-guest-alone"])
    assert not pathlib.Path("/tmp/of-the-guest-alone").exists()


def test_pppd_says_what_a_stock_pppd_says_first(guest):
    said = first_octets(guest, wanted=45)
    assert said.startswith(FIRST_OCTETS)
    assert pcap.fcs_is_good(pcap.split_frames(said)[0])


def test_pppd_without_options_says_fixed_octets(guest):
    assert first_octets(guest, *FIXED_OPTIONS, wanted=len(FIXED_OCTETS)).startswith(FIXED_OCTETS)


def test_tshark_reads_what_pppd_says_and_sees_a_flipped_bit(caller, guest):
    said = first_octets(guest, wanted=45)
    packets = pcap.dissect_stream(caller.directory / "said.pcap", said)
    assert pcap.complaints(packets) == []
    assert "lcp" in packets[0]
    broken = bytearray(said)
    broken[len(FIRST_OCTETS)] ^= 0x40
    assert pcap.complaints(pcap.dissect_stream(caller.directory / "broken.pcap", broken))


def test_two_pppds_of_the_guest_agree(guest):
    # The first network protocol that is up lets updetach return; IPv6 usually is, so IPv4 is waited for.
    guest.run(["sh", "-c", "pppd updetach noauth pty 'exec pppd nodetach notty noauth' 192.168.0.1:192.168.0.2 >/tmp/up 2>&1"])

    def addresses():
        shown = guest.run(["ip", "-o", "addr"]).stdout
        return "192.168.0.1 peer 192.168.0.2" in shown and "192.168.0.2 peer 192.168.0.1" in shown

    try:
        wait_until(addresses, every=0.5, what="the addresses that IPCP agreed on")
    finally:
        guest.run(["sh", "-c", "kill $(cat /run/ppp*.pid)"], check=False)
