"""Datagrams of strangers as fast as one process can send them: the good ones go on, nobody is answered, and nothing grows.

    hostA ── fellini (isthmus up) ═══ router, flooding polanski ═══ polanski (sshd) ── hostB
"""
import random
import time

from support.gateway import status_of
from support.ground import dropped, ground_by_ipv4
from support.netns import FELLINI_OUT, HOST_A, HOST_B, POLANSKI_OUT
from support.numbered import ECT, Numbered
from support.pings import Pings
from support.resend import captured, forged, octets_between, payload, resending, rewritten

ALONE = "it takes all that the machine has"

FORGER = "198.51.100."
VARIANTS = 5_000
FASTEST = 1_000_000  # asked for; what the sender comes to is told
PER_SECOND, SECONDS = 1_000, 5  # of the good flow
LEAST = 0.5
LEAST_FLOOD = 10_000  # a second, that the far end has read
MOST_GROWTH = 4096  # KiB
LOGIN_WITHIN = 5


def strangers(packets, generator):
    """To the far end: half by SPIs that are nobody's, half by a live one with an ICV that does not fit."""
    def elsewhere():
        return f"{FORGER}{generator.randint(1, 250)}", generator.randint(1024, 65535)
    made = [rewritten(forged(generator.choice(packets), generator), source=elsewhere()) for _ in range(VARIANTS)]
    return [rewritten(packet, content=generator.randbytes(4) + payload(packet)[4:]) for packet in made[::2]] + made[1::2]


def resident(end):
    """KiB that the end's processes hold in memory."""
    return sum(int(status_of(pid)["VmRSS"].split()[0]) for pid in end.pids("owner"))


def log_in(ground):
    argv = ["ssh", *ground.sshd.client_args(), f"root@{POLANSKI_OUT}", "true"]
    started = time.monotonic()
    ground.topology.run("fellini", argv, env=ground.near.env, timeout=30)
    return time.monotonic() - started


def refused(end):
    return dropped(end, "unknown-spi") + dropped(end, "not-authentic")


def test_a_flood_of_strangers_leaves_half_of_the_good_packets_and_gets_no_answer(isthmus):
    with ground_by_ipv4(isthmus, trains=False) as ground, Numbered(ground.topology, ECT) as flow:
        topology, far = ground.topology, ground.far
        with topology.capture("router", "fellini0", f"udp and src {FELLINI_OUT}") as caught, Pings(topology, HOST_A, HOST_B):
            time.sleep(1)
        made = strangers(captured(caught), random.Random(19))
        topology.ip("router", "route", "replace", "blackhole", f"{FORGER}0/24")
        before, held = refused(far), resident(far)
        with topology.capture("router", "polanski0", f"udp and dst net {FORGER}0/24") as heard, resending(topology, made, FASTEST, times=1000):
            started = time.monotonic()
            flow.send(PER_SECOND * SECONDS, PER_SECOND)
            login = log_in(ground)
            rate = (refused(far) - before) / (time.monotonic() - started)
        good = flow.arrived().distinct
        print(f"{rate:.0f} strangers a second read, {good} of {flow.sent} good packets, login in {login:.1f} s")
        assert rate > LEAST_FLOOD
        assert good >= LEAST * flow.sent
        assert octets_between([heard], FORGER)[0] == 0, "somebody was answered"
        assert resident(far) - held < MOST_GROWTH
        assert login <= LOGIN_WITHIN
        ground.wait_datagrams(10)
