"""Whoever moves is followed at once and costs no more than a round trip; whoever only says so is not.

    hostA ── fellini (isthmus up) ═══ router ═══ polanski (sshd) ── hostB

Datagrams go by IPv4 alone here. The router is the NAT, and the one who forges.
"""
import contextlib
import random
import time

import pytest

from support.ground import dropped, ground_by_ipv4
from support.netns import FELLINI_OUT, HOST_A, HOST_B, POLANSKI_OUT, wait_until
from support.pings import Pings
from support.resend import captured, forged, octets_between, resend, rewritten
from support.soak import soaked

ALONE = "a move may cost no more than a round trip"

ADDRESSES = (FELLINI_OUT, "193.6.34.77", "193.6.34.78")
FOLLOWED_WITHIN = 1.5  # a second, and what a busy machine adds
LOST_BY_A_MOVE = 10  # pings: those under way, for a round trip of a busy machine
STREAM_WITHIN = 45


FORGER = "198.51.100."  # all of that network
FORGED, OLD = soaked((4000, 1000), (1_000_000, 100_000))


@pytest.fixture
def ground(isthmus):
    with ground_by_ipv4(isthmus, trains=False) as made:
        yield made


def move(topology, old, new):
    """Fellini's public address and default route change at once, as with another access network."""
    batch = f"addr del {old}/24 dev wan0\naddr add {new}/24 dev wan0\nroute add default via 193.6.34.1\n"
    topology.run("fellini", ["ip", "-batch", "-"], input=batch)


def test_a_caller_that_moves_is_followed_at_once(ground):
    dead = ground.near.pids("ssh")
    with Pings(ground.topology, HOST_A, HOST_B) as pings:
        for old, new in zip(ADDRESSES, ADDRESSES[1:]):
            before = ground.remotes()[1]
            assert before.startswith(f"{old}:")
            move(ground.topology, old, new)
            time.sleep(2)
            assert pings.longest_silence() <= FOLLOWED_WITHIN
            assert ground.remotes()[1] == before.replace(old, new) and ground.paths() == ["datagram", "datagram"]
        # ssh's connection, dead since the first move, is given up, and made anew from where the caller is now.
        wait_until(lambda: ground.near.pids("ssh") not in ([], dead) and ground.has_stream(), STREAM_WITHIN, what="a new stream")
        assert pings.longest_silence() <= FOLLOWED_WITHIN
        assert pings.lost() <= len(ADDRESSES) * LOST_BY_A_MOVE
    ground.end()
    move(ground.topology, ADDRESSES[-1], FELLINI_OUT)


class Nat:
    """The router gives a gateway's datagrams another port, and lets in none but those that come to it. It tracks no
    connections: a new port is the rebinding of a NAT under traffic."""

    def __init__(self, topology, host, address, port):
        self.topology = topology
        self.table = f"nat_{host}"
        self.host, self.address, self.port = host, address, port

    def bind(self, outside):
        """From now on `outside` is the port."""
        self.topology.run("router", ["nft", "-f", "-"], input=f"""
          table ip {self.table} {{ }}
          delete table ip {self.table}
          table ip {self.table} {{
            chain inwards {{
              type filter hook prerouting priority raw
              iifname "{self.host}0" return
              ip daddr {self.address} udp dport {outside} udp dport set {self.port} accept
              ip daddr {self.address} meta l4proto udp drop
            }}
            chain outwards {{
              type filter hook postrouting priority raw
              oifname != "{self.host}0" ip saddr {self.address} udp sport {self.port} udp sport set {outside}
            }}
          }}
""")


def nat_of(ground, end, address):
    return Nat(ground.topology, end.host, address, end.sessions()[0]["udp_port"])


def test_a_nat_that_binds_anew_costs_little(ground):
    near = nat_of(ground, ground.near, FELLINI_OUT)
    far = nat_of(ground, ground.far, POLANSKI_OUT)
    topology, remotes = ground.topology, {near: "", far: f"{POLANSKI_OUT}:22"}

    def bind(nat, outside):
        nat.bind(outside)
        remotes[nat] = f"{nat.address}:{outside}"
        wait_until(lambda: ground.remotes() == [remotes[far], remotes[near]], 3, what=f"{remotes[nat]} in use")
        time.sleep(0.5)
        assert ground.paths() == ["datagram", "datagram"]

    # Whoever is behind the NAT has something to send; that is what makes the new binding known.
    with Pings(topology, HOST_A, HOST_B) as pings, Pings(topology, HOST_B, HOST_A, host="hostB") as from_far:
        for outside in (20001, 20002, 20003):
            bind(near, outside)
        # The caller is followed at the price of a round trip.
        assert max(pings.lost(), from_far.lost()) <= 3 * LOST_BY_A_MOVE
        # It follows more slowly itself: the old address may still show that it answers.
        for outside, nat in ((20004, far), (20005, far), (20006, near), (20007, far)):
            bind(nat, outside)
        assert max(pings.longest_silence(), from_far.longest_silence()) <= FOLLOWED_WITHIN


@contextlib.contextmanager
def forger_hears(ground):
    """What goes to and from the forger's network during the block, as captures; nothing answers there."""
    topology, what = ground.topology, f"udp and net {FORGER}0/24"
    topology.ip("router", "route", "replace", "blackhole", f"{FORGER}0/24")
    with topology.capture("router", "fellini0", what) as near, topology.capture("router", "polanski0", what) as far:
        yield near, far


def elsewhere(generator):
    return f"{FORGER}{generator.randint(1, 250)}", generator.randint(1024, 65535)


def test_who_forges_or_repeats_is_neither_followed_nor_answered(ground):
    topology, generator, both = ground.topology, random.Random(14), (ground.near, ground.far)
    with Pings(topology, HOST_A, HOST_B) as pings, forger_hears(ground) as heard:
        with topology.capture("router", "fellini0", "udp port 22") as caught:
            time.sleep(1)
        packets, remotes = captured(caught), ground.remotes()
        made = [forged(generator.choice(packets), generator) for _ in range(FORGED)]
        old = [generator.choice(packets) for _ in range(OLD)]
        # Half of the forged ones from where the true ones come.
        resend(topology, made[::2] + [rewritten(packet, source=elsewhere(generator)) for packet in made[1::2] + old])
        # About half of them at each end; a busy one may lose some in its socket.
        for end in both:
            wait_until(lambda: dropped(end, "not-authentic") > FORGED // 3 and dropped(end, "replayed") > OLD // 3, 5,
                       what=f"what was forged and what was old, at {end.host}")
        assert ground.remotes() == remotes and ground.paths() == ["datagram", "datagram"]
        assert pings.lost() <= LOST_BY_A_MOVE
    to, sent = octets_between(heard, FORGER)
    assert sent > (FORGED // 2 + OLD) * 100 and to == 0


def test_who_is_first_with_a_true_packet_gets_no_more_than_three_times_its_octets(ground):
    """The packet is authentic and the newest, since the true sender's was stopped; only its source is not."""
    topology, generator = ground.topology, random.Random(14)
    for host in ("fellini", "polanski"):
        rules = f'iifname "{host}0" meta l4proto udp drop'
        address = FELLINI_OUT if host == "fellini" else POLANSKI_OUT
        with Pings(topology, HOST_A, HOST_B), forger_hears(ground) as heard:
            remotes = ground.remotes()
            with topology.capture("router", f"{host}0", f"udp and src {address}") as caught:
                time.sleep(0.5)
                with ground.router(rules):
                    time.sleep(0.2)
                    resend(topology, [rewritten(captured(caught)[-1], source=elsewhere(generator))])
                time.sleep(2.5)  # until the move is forgotten
            assert ground.remotes() == remotes and ground.paths() == ["datagram", "datagram"]
        to, sent = octets_between(heard, FORGER)
        assert 0 < to <= 3 * sent, (to, sent)
