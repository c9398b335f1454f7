"""Keys that change every second under load: no packet is lost by it, none comes twice, and no key has a nonce twice.

    hostA ── fellini (isthmus up --rekey-after 1000,1s) ═══ router ═══ polanski (sshd) ── hostB

TCP goes both ways, and all of it is capable of ECN, so that the queues of a busy gateway mark instead of dropping. Nothing else
on this ground loses a packet: what is missing was lost by the change of keys. With ISTHMUS_SOAK=1 it is an hour, and without the capture, which would fill the disk.
"""
import collections
import contextlib
import json
import subprocess
import time

from support import pcap
from support.ground import dropped, ground_by_ipv4, newest_generation
from support.netns import HOST_A, HOST_B, wait_until
from support.numbered import ECT, Numbered
from support.resend import ETHERNET, ends, payload
from support.soak import IS_SOAK, soaked

ALONE = "no packet may be lost, under load"

SECONDS = soaked(20, 3600)
PER_SECOND = 500
TCP_RATE = 40_000_000  # bit/s, each way
TCP_PORT = 5201
LEAST = 3000 / 3600  # generations a second
MOST = 1
ESP = "ip and udp and udp[8:4] > 255"
TO_IV = ETHERNET + 20 + 8 + 16  # octets of a frame, of which SPI, sequence number and IV are the last


@contextlib.contextmanager
def tcp_both_ways(topology):
    """iperf3 between the hosts during the block, and what it says of it afterwards."""
    for host in ("hostA", "hostB"):
        topology.run(host, ["sysctl", "-q", "-w", "net.ipv4.tcp_ecn=1"])
    with topology.popen("hostB", ["iperf3", "-s", "-1", "-B", HOST_B, "-p", TCP_PORT], stdout=-3, stderr=-3) as server:
        wait_until(lambda: topology.run("hostB", ["ss", "-Hltn", f"sport = :{TCP_PORT}"]).stdout, 5, what="iperf3's server")
        argv = ["iperf3", "-c", HOST_B, "-B", HOST_A, "-p", TCP_PORT, "--bidir", "-b", TCP_RATE, "-t", SECONDS, "-J"]
        said = {}
        with topology.popen("hostA", argv, stdout=subprocess.PIPE, text=True) as client:
            try:
                yield said
                said.update(json.loads(client.communicate(timeout=60)[0]))
            finally:
                client.kill()
                server.kill()


def nonces(path):
    """How often each (destination, SPI, sequence number and IV) is in the capture."""
    packets = [frame[ETHERNET:] for frame in pcap.read(path)]
    return collections.Counter((ends(packet)[1], payload(packet)[:16]) for packet in packets)


@contextlib.contextmanager
def keys_changing(ground):
    """That keys change about once a second during the block, and at most so often, and that all goes by them."""
    first, started, ways = newest_generation(ground.near), time.monotonic(), ground.up.text().count("packets go by")
    yield
    made, seconds = newest_generation(ground.near) - first, time.monotonic() - started
    assert LEAST * seconds - 1 <= made <= MOST * seconds + 1, f"{made} generations in {seconds:.1f} s"
    assert ground.up.text().count("packets go by") == ways and ground.paths() == ["datagram", "datagram"], ground.up.text()


def test_keys_that_change_every_second_lose_nothing_and_repeat_no_nonce(isthmus):
    with ground_by_ipv4(isthmus, "--rekey-after", "1000,1s", trains=False) as ground, Numbered(ground.topology, ECT) as flow:
        ends_of_tunnel = (ground.near, ground.far)
        captured = contextlib.nullcontext() if IS_SOAK else ground.topology.capture("router", "fellini0", ESP, octets=TO_IV)
        with captured as path, keys_changing(ground), tcp_both_ways(ground.topology) as tcp:
            flow.send(SECONDS * PER_SECOND, PER_SECOND)
        arrived = flow.arrived()
        assert (arrived.distinct, arrived.repeated, arrived.corrupt) == (flow.sent, 0, 0), \
            [(end.sessions()[0]["dropped"], end.sessions()[0]["datagram_drops"]) for end in ends_of_tunnel]
        assert [dropped(end, why) for end in ends_of_tunnel for why in ("not-authentic", "replayed")] == [0] * 4
        for way in ("sum_received", "sum_received_bidir_reverse"):
            assert tcp["end"][way]["bits_per_second"] > TCP_RATE / 2
        if not IS_SOAK:
            seen = nonces(path)
            assert len(seen) > flow.sent and max(seen.values()) == 1
