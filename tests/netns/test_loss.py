"""A public network that loses packets: the join comes up, is proven, carries a transfer each way, and stays.

    hostA ── fellini (isthmus up) ═══ router, drops 1 % or 5 % ═══ polanski (sshd) ── hostB
"""
import secrets

import pytest

from support.gateway import Gateway, Up, crosses_both_ways
from support.netns import HOST_A, HOST_B, Topology
from support.sshd import Sshd
from support.transfer import transfer

ALONE = "a transfer's speed over a poor line is measured"

OCTETS = 1 << 20


@pytest.fixture(scope="module")
def ground(isthmus):
    with Topology() as topology:
        sshd = Sshd(topology, "polanski", program=isthmus).__enter__()
        yield topology, sshd, Gateway(topology, "fellini", isthmus), Gateway(topology, "polanski", isthmus)


@pytest.mark.parametrize("percent", [1, 5])
def test_a_join_over_a_router_that_drops(ground, percent):
    topology, sshd, near, far = ground
    topology.run("router", ["nft", "-f", "-"], input=f"""
        add table inet loss
        delete table inet loss
        table inet loss {{
          chain forward {{ type filter hook forward priority 0; meta l4proto tcp numgen random mod 100 < {percent} counter drop; }}
        }}\n""")
    with Up(near, sshd, "--path", "stream") as up:
        up.wait_joined(40)
        octets = secrets.token_bytes(OCTETS)
        for sender, receiver, source, destination in (("hostA", "hostB", HOST_A, HOST_B), ("hostB", "hostA", HOST_B, HOST_A)):
            moved = transfer(topology, sender, receiver, source, destination, octets)
            assert moved.arrived_whole, moved.report
        assert crosses_both_ways(topology)
        assert "lost" not in up.text(), up.text()
        assert up.end() == 0
    assert "counter packets 0 " not in topology.run("router", ["nft", "list", "table", "inet", "loss"]).stdout
    for end in (near, far):
        end.wait_clean()
