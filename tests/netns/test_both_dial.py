"""Both gateways dial each other at the same moment: one session remains, and both `up`s follow it.

    hostA ── fellini (sshd, isthmus up polanski) ═══ router ═══ polanski (sshd, isthmus up fellini) ── hostB

The program knows no peer files here: each end's call reaches the other as an adopted root login, under a name of its
own making beside the `up`'s; only in the first round do the names agree. Seeded; the seed is printed.
"""
import os
import random
import socket
import time

import pytest

from support.gateway import Gateway, Up, crosses_both_ways
from support.netns import FELLINI_OUT, FELLINI_OUT6, LAN_A, LAN_B, POLANSKI_OUT, Topology, wait_until
from support.sshd import Sshd

SEED = int(os.environ.get("ISTHMUS_SEED", random.randrange(1 << 32)))
MACHINE = socket.gethostname().split(".")[0]  # of all the namespaces: what a caller calls itself
ROUNDS = ((0.0, ("--name", MACHINE)), (0.0, ()), (0.05, ()), (0.1, ()), (0.2, ()), (0.3, ()))


class Ground:
    def __init__(self, topology, program):
        self.topology = topology
        self.to_polanski = Sshd(topology, "polanski", program=program).__enter__()
        self.to_fellini = Sshd(topology, "fellini", addresses=(FELLINI_OUT, FELLINI_OUT6), program=program).__enter__()
        self.fellini = Gateway(topology, "fellini", program)
        self.polanski = Gateway(topology, "polanski", program)
        self.ends = (self.fellini, self.polanski)

    def is_one_session(self):
        """Both ends stand on one session, their `up`s', with one interface each."""
        return all(end.is_proven() and end.sessions()[0]["role"] == "up" and len(end.tunnels()) == 1 for end in self.ends)

    def stays_one_session(self, seconds=1.5):
        """The call of the lower node id may come last and take over once more."""
        end = time.monotonic() + seconds
        while self.is_one_session():
            if time.monotonic() > end:
                return True
            time.sleep(0.1)
        return False


@pytest.fixture(scope="module")
def ground(isthmus):
    with Topology() as topology:
        yield Ground(topology, isthmus)


@pytest.mark.parametrize("number", range(len(ROUNDS)))
def test_of_two_simultaneous_calls_one_session_remains_and_both_ups_follow(ground, number):
    spacing, words = ROUNDS[number]
    dice = random.Random(f"{SEED} {number}")
    spacing = dice.uniform(0, spacing)
    print(f"ISTHMUS_SEED={SEED}: {spacing * 1000:.0f} ms apart, {words}")
    one = Up(ground.fellini, ground.to_polanski, *words, destination=f"root@{POLANSKI_OUT}")
    other = Up(ground.polanski, ground.to_fellini, *words, destination=f"root@{FELLINI_OUT}", offer=LAN_B, accept=LAN_A)
    first, second = (one, other) if dice.random() < 0.5 else (other, one)
    with first:
        time.sleep(spacing)
        with second:
            try:
                wait_until(ground.stays_one_session, 20, what="one session that stays")
                assert one.process.poll() is None and other.process.poll() is None
                assert crosses_both_ways(ground.topology)
                for up in (one, other):
                    assert up.text().count("link up with") <= 3, "an end moves at most from its own call to the one that stays, and once more when that changes hands"
                # One of them is ended, and the other with it.
                assert dice.choice((one, other)).end() == 0
                assert one.process.wait(10) == 0 and other.process.wait(10) == 0
                for end in ground.ends:
                    end.wait_clean()
            finally:
                print(one.text(), other.text(), sep="\n----- the other end:\n")
