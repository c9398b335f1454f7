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
from support.netns import HOST_A, HOST_B, LAN_A, LAN_B, LAN_B6

ALONE = "how soon a filter is back is measured"

ALL = ("fellini", "router", "polanski")
TABLE = "isthmus_7200"
SEND = """
import socket, struct, sys
source, destination = map(socket.inet_aton, sys.argv[1:3])
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
raw.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"isth0")
raw.sendto(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 7, 0, 64, 253, 0, source, destination) + b"inner ip", (sys.argv[2], 0))
"""


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
    join(ground, *IPV4, "--hold", "0", "--path", "stream")
    assert kill(Gateway(ground.topology, "polanski", ground.program).pids("owner")) == 3  # monitor, launcher and engine
    netns.wait_until(lambda: not own_processes(ground.topology, "fellini"), 10)
    assert listing(ground, "polanski")
    join(ground, "--accept", LAN_B, host="router")
    assert len(status(ground, "polanski")) == 1
    whole = listing(ground, "polanski")
    assert "193.6.35.0" not in whole and "chain from_tunnel" in whole
    ground.run("cleanup", host="polanski")
    assert listing(ground, "polanski") == whole
    assert ground.topology.ping("router", HOST_B, count=1).ok


def test_two_callers_without_networks_get_addresses_of_their_own(ground):
    for host in ("fellini", "router"):
        join(ground, "--accept", LAN_B, host=host)
    given = {host: status(ground, host)[0]["local_ipv4"] for host in ("fellini", "router")}
    assert given["fellini"] != given["router"]
    for host, address in given.items():
        assert ground.topology.ping(host, HOST_B, count=1).ok
        assert ground.topology.ping("hostB", address, count=1).ok


def test_a_held_sessions_networks_are_nobody_elses(ground):
    join(ground, *IPV4)
    assert kill(Gateway(ground.topology, "fellini", ground.program).pids("up")) == 3  # monitor, launcher and engine
    netns.wait_until(lambda: status(ground, "polanski")[0]["phase"] == "held", 10)
    refused = join(ground, *IPV4, host="router", code=30)
    assert f"it clashes with {LAN_A}, which another session has on a tunnel that is down" in refused.stderr


def test_a_part_of_what_is_behind_an_inner_router_is_nobody_elses(ground):
    ground.topology.ip("polanski", "route", "add", "10.20.0.0/16", "via", HOST_B)
    try:
        refused = join(ground, "--offer", "10.20.5.0/24", "--accept", LAN_B, code=30)
        assert "it lies inside 10.20.0.0/16, which is ours on lan0" in refused.stderr
    finally:
        ground.topology.ip("polanski", "route", "del", "10.20.0.0/16")


def test_our_own_sources_are_no_peers_inside_an_accepted_supernet(ground):
    wide = "193.6.32.0/20"
    ground.server.force("isthmus attach --peer fellini")
    ground.server.peer("fellini", f'offer = ["{wide}"]\naccept = ["{LAN_A}"]\n')
    join(ground, "--offer", LAN_A, "--accept", wide, code=36)  # the router is in it, too, and has no way back
    before = status(ground, "fellini")[0]["dropped"]
    for source in (HOST_A, "193.6.35.77"):
        ground.topology.run("polanski", ["/usr/bin/python3", "-c", SEND, source, HOST_A])
    netns.wait_until(lambda: status(ground, "fellini")[0]["dropped"] >= before + 2, 3, what="the selector's drops")
    assert ground.topology.ping("hostA", HOST_B, count=1).ok


def test_a_gateway_without_an_address_in_its_offer_is_told_why_nothing_is_proven(ground):
    ground.topology.ip("fellini", "-6", "route", "add", "2001:db8:99::/64", "dev", "lan0")
    try:
        up = join(ground, "--offer", "2001:db8:99::/64", "--accept", LAN_B6, code=36)
        assert "no address of this gateway lies in what it offers, 2001:db8:99::/64; --address" in up.stdout, shown(up)
        assert ground.run("down", "there").returncode == 0
    finally:
        ground.topology.ip("fellini", "-6", "route", "del", "2001:db8:99::/64", "dev", "lan0")


def test_an_interface_may_be_named_with_a_hyphen(ground):
    join(ground, *IPV4, "--interface", "to-b")
    assert 'iifname "to-b"' in listing(ground, "fellini")
    assert ground.topology.ping("hostB", HOST_A, count=1).ok
