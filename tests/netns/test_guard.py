"""What guards a standing session: its packet filter, which others may flush, and its networks and addresses, which no
second session may take.

    hostA ── fellini (first caller) ── router (second caller) ── polanski (called) ── hostB
"""
import json
import time

import pytest

from support import netns
from support.gateway import Gateway, kill
from support.joins import IPV4, own_processes, shown, undone
from support.netns import HOST_A, HOST_B, LAN_A, LAN_B

ALL = ("fellini", "router", "polanski")
TABLE = "isthmus_7200"


@pytest.fixture(autouse=True)
def clean_server(near):
    near.server.forget()


def listing(near, host, table=TABLE):
    return near.topology.run(host, ["nft", "--stateless", "list", "table", "inet", table], check=False).stdout


def status(near, host):
    return json.loads(near.run("status", "--json", host=host).stdout)


@pytest.fixture
def ground(near):
    """All is undone at the end, at every host that calls or is called."""
    with undone(near.topology, ALL):
        yield near
        for host in ALL:
            near.run("down", "--all", host=host)
            near.run("cleanup", host=host)


def join(near, *words, host="fellini", name="there", code=0):
    result = near.call("up", "--detach", "--name", name, *words, host=host)
    assert result.returncode == code, shown(result)
    return result


def test_the_filter_is_there_again_within_a_second_of_a_flush(ground):
    join(ground, *IPV4)
    whole = {host: listing(ground, host) for host in ("fellini", "polanski")}
    assert all("chain from_tunnel" in text for text in whole.values()), whole
    for command in ("flush ruleset", f"flush table inet {TABLE}"):
        time.sleep(0.6)  # idle: what is put back now is put back for this command
        for host, text in whole.items():
            ground.topology.run(host, ["nft", command])
            netns.wait_until(lambda host=host, text=text: listing(ground, host) == text, 1, every=0.02,
                             what=f"the table on {host} after {command}")
    assert ground.topology.ping("hostA", HOST_B, count=1).ok
    # Our own putting back is no reason to put back.
    time.sleep(0.6)
    assert sum("put back" in line for line in ground.server.syslog) == 2, ground.server.syslog


def test_what_a_dead_owner_left_is_removed_before_the_next_one_and_not_with_it(ground):
    join(ground, *IPV4, "--hold", "0")
    assert kill(Gateway(ground.topology, "polanski", ground.program).pids("owner")) == 1
    netns.wait_until(lambda: not own_processes(ground.topology, "fellini"), 10)
    assert listing(ground, "polanski")
    join(ground, "--accept", LAN_B, host="router")
    assert len(status(ground, "polanski")) == 1
    whole = listing(ground, "polanski")
    assert "193.6.35.0" not in whole and "chain from_tunnel" in whole
    ground.run("cleanup", host="polanski")
    assert listing(ground, "polanski") == whole
    assert ground.topology.ping("router", HOST_B, count=1).ok


def test_an_interface_may_be_named_with_a_hyphen(ground):
    join(ground, *IPV4, "--interface", "to-b")
    assert 'iifname "to-b"' in listing(ground, "fellini")
    assert ground.topology.ping("hostB", HOST_A, count=1).ok
