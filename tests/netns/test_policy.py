"""Whose word counts: what peer files, policy.toml and the command line permit, and what is never permitted."""
import json
import re
import time

import pytest

from support import netns
from support.joins import BOTH, IPV4, acquaint, shown, undone
from support.netns import (FELLINI_IN, FELLINI_OUT, HOST_A, HOST_B, HOST_B6, LAN_A, LAN_A6, LAN_B, LAN_B6, POLANSKI_IN, POLANSKI_OUT)

INTERNET = "198.51.100.1"  # an address of the router: somebody on the public network
FORCED = "isthmus attach --peer fellini"
SLAVE = f"slave@{POLANSKI_OUT}"


@pytest.fixture(autouse=True)
def clean_server(near):
    near.server.forget()


def peer_file(near, name="fellini", offer=(LAN_B,), accept=(LAN_A,), more=""):
    """Writes the called end's peer file, and lets the key of the caller use it."""
    if name == "fellini":
        near.server.force(FORCED)
    return near.server.peer(name, f"offer = {json.dumps(list(offer))}\naccept = {json.dumps(list(accept))}\n{more}\n")


def refused(near, text, *words, code=30, **more):
    """`isthmus up` ends with this status, says why, and has changed nothing."""
    with undone(near.topology):
        result = near.call("up", *(words or IPV4), **more)
    assert result.returncode == code, shown(result)
    assert text in result.stdout + result.stderr, shown(result)


def reaches(near, host, destination, **more):
    return near.topology.ping(host, destination, count=2, interval=0.05, **more).ok


def interface_towards(near, destination, host="fellini"):
    return re.search(r"dev (\S+)", near.topology.ip(host, "route", "get", destination))[1]


# ---- the called end's own files ----

def test_a_forced_command_chooses_the_peer_file_and_names_the_session(near):
    peer_file(near)
    with near.joined(*IPV4):
        assert reaches(near, "hostA", HOST_B) and reaches(near, "hostB", HOST_A)
        (there,) = json.loads(near.run("status", "--json", host="polanski").stdout)
        assert there["session"] == "fellini" and not there["adopted"]


def test_what_the_peer_file_does_not_accept_is_refused_with_the_line_that_would(near):
    peer_file(near, accept=["10.0.0.0/8"])
    refused(near, f'accept = ["{LAN_A}"] in /etc/isthmus/peers/fellini.toml permits it')


def test_what_the_peer_file_does_not_offer_is_said_with_the_line_that_would(near):
    peer_file(near)
    refused(near, f'offer = ["{LAN_B6}"] in its peer file', *IPV4, "--accept", LAN_B6)


def test_a_far_side_that_offers_nothing_is_refused_at_once(near):
    peer_file(near, offer=[])
    begun = time.monotonic()
    refused(near, f'offer = ["{LAN_B}"] in its peer file')
    assert time.monotonic() - begun < 5


def test_plan_tells_by_its_exit_status_that_up_would_be_refused(near):
    peer_file(near)
    with undone(near.topology):
        plan = near.call("plan", *IPV4, "--accept", LAN_B6)
    assert plan.returncode == 30, shown(plan)
    assert f'offer = ["{LAN_B6}"] in its peer file' in plan.stdout


def test_a_forced_command_needs_its_peer_file(near):
    near.server.force(FORCED)
    refused(near, "there is no /etc/isthmus/peers/fellini.toml")


def test_a_forced_command_without_a_peer_is_no_root_login(near):
    near.server.force("isthmus attach")
    refused(near, "isthmus attach --peer NAME")


def test_a_root_login_is_adopted_less_what_policy_denies(near):
    near.server.policy('deny = ["10.9.0.0/16"]\n')
    with near.joined(*IPV4):
        (there,) = json.loads(near.run("status", "--json", host="polanski").stdout)
        assert there["adopted"]
    near.server.policy('deny = ["193.6.35.128/25"]\n')
    refused(near, 'deny = ["193.6.35.128/25"] in /etc/isthmus/policy.toml')
    near.server.policy(f'deny = ["{LAN_B}"]\n')
    refused(near, f'{LAN_B} is not offered: deny = ["{LAN_B}"] in /etc/isthmus/policy.toml')


def test_policy_can_forbid_that_root_logins_are_adopted(near):
    near.server.policy("adopt_root = false\n")
    refused(near, "adopt_root = false in /etc/isthmus/policy.toml")


@pytest.mark.parametrize("spoil, text", [
    (lambda path: path.chmod(0o666), "chmod go-w"),
    (lambda path: (path.rename(path.with_name("real")), path.symlink_to("real")), "symbolic link"),
    (lambda path: path.write_text('accept = ["193.6.35.0/33"]'), "fellini.toml:1:"),
])
def test_a_peer_file_that_others_could_have_made_or_that_is_wrong_is_refused(near, spoil, text):
    spoil(peer_file(near))
    refused(near, text)


def test_through_sudo_only_a_file_counts(near):
    near.server.authorize(near.server.client_key, user="slave")
    refused(near, "there is no /etc/isthmus/peers/slave.toml", to=SLAVE)
    peer_file(near, "slave")
    with near.joined(*IPV4, to=SLAVE):
        assert reaches(near, "hostA", HOST_B)
        assert any("called by slave" in line for line in near.server.syslog)


def test_through_sudo_the_file_of_another_counts_only_if_it_lists_the_user(near):
    command = f"sudo -n {near.program} attach --peer office"
    near.server.force(command, user="slave")
    peer_file(near, "office")
    refused(near, 'sudo_users = ["slave"]', to=SLAVE)
    peer_file(near, "office", more='sudo_users = ["slave"]')
    with near.joined(*IPV4, to=SLAVE):
        assert reaches(near, "hostA", HOST_B)


# ---- networks that are mistyped, or from which nothing would come back ----

@pytest.mark.parametrize("words, code, text", [
    (["--offer", LAN_A, "--accept", "10.9.0.0/16"], 30, "nothing at the called end leads to 10.9.0.0/16"),
    (["--offer", "10.8.0.0/16", "--accept", LAN_B], 31, "nothing on this machine leads to 10.8.0.0/16"),
    (["--accept", LAN_B6], 31, f"from {LAN_B6} nothing would find its way back"),
])
@pytest.mark.parametrize("command", ["up", "plan"])
def test_a_network_that_cannot_work_is_named_at_once(near, command, words, code, text):
    begun = time.monotonic()
    with undone(near.topology):
        result = near.call(command, *words)
    assert result.returncode == code and text in result.stdout, shown(result)
    assert time.monotonic() - begun < 8


# ---- what is accepted at the near end ----

def test_what_is_offered_beyond_accept_is_neither_taken_nor_routed(near):
    peer_file(near, offer=[LAN_B, LAN_B6, "10.9.0.0/16"])
    with near.joined(*IPV4):
        assert interface_towards(near, HOST_B) == "isth0"
        assert interface_towards(near, "10.9.0.1") == interface_towards(near, HOST_B6) == "wan0"
        (here,) = json.loads(near.run("status", "--json").stdout)
        assert here["accepted"] == [LAN_B]


@pytest.mark.parametrize("prefix", ["127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "fe80::/10", LAN_A, f"{FELLINI_IN}/32",
                                    f"{POLANSKI_OUT}/32", "193.6.35.128/25"])
def test_never_accepted_even_if_written(near, prefix):
    peer_file(near, offer=[LAN_B, prefix])
    refused(near, f"{prefix.removesuffix('/32')}", *IPV4, "--accept", prefix, code=31)


def test_a_default_route_is_taken_only_if_it_is_written(near):
    peer_file(near, offer=["0.0.0.0/0", LAN_B])
    with near.joined(*IPV4) as up:
        assert "--accept 0.0.0.0/0 permits it" in up.stderr
        assert interface_towards(near, INTERNET) == "wan0"
        (here,) = json.loads(near.run("status", "--json").stdout)
        assert here["accepted"] == [LAN_B]


# ---- other ways to join ----

def test_a_caller_without_a_network_gets_an_address_of_the_called_lan(near):
    with near.joined("--accept", LAN_B):
        (here,) = json.loads(near.run("status", "--json").stdout)
        assert re.fullmatch(r"193\.6\.37\.\d+", here["local_ipv4"])
        assert reaches(near, "fellini", HOST_B)
        # By proxy ARP: for hostB it is a neighbour like any other.
        assert reaches(near, "hostB", here["local_ipv4"])
        assert not reaches(near, "hostA", HOST_B)


def test_a_caller_without_a_network_gets_the_address_its_file_assigns(near):
    peer_file(near, accept=[], more='assign = ["193.6.37.200"]')
    with near.joined("--accept", LAN_B):
        (here,) = json.loads(near.run("status", "--json").stdout)
        assert here["local_ipv4"] == "193.6.37.200"
        assert reaches(near, "hostB", "193.6.37.200")


@pytest.fixture
def internet(near):
    near.topology.ip("router", "addr", "add", f"{INTERNET}/32", "dev", "lo")
    yield INTERNET
    near.topology.ip("router", "addr", "del", f"{INTERNET}/32", "dev", "lo")


def test_a_full_tunnel_leaves_at_the_far_gateway_and_ssh_and_the_lan_stay_outside(near, internet):
    peer_file(near, offer=["0.0.0.0/0"], more="masquerade = true")
    with near.joined("--offer", LAN_A, "--accept", "0.0.0.0/0"):
        with near.topology.capture("router", expression=f"icmp and host {internet}") as path:
            assert reaches(near, "hostA", internet) and reaches(near, "fellini", internet)
        seen = near.topology.run("router", ["tcpdump", "-nr", path]).stdout
        assert f"{POLANSKI_OUT} > {internet}" in seen and "193.6.34.12 >" not in seen and "193.6.35." not in seen
        assert reaches(near, "fellini", HOST_A) and reaches(near, "hostA", FELLINI_IN)
        assert interface_towards(near, internet) == "isth0"
        (ssh,) = near.topology.run("fellini", ["ss", "-Htn", "dport = :22"]).stdout.splitlines()
        assert "193.6.34.12:" in ssh
    assert interface_towards(near, internet) == "wan0"


def test_a_full_tunnel_of_a_caller_without_a_network_stands_with_an_inner_address(near):
    with near.joined("--accept", "0.0.0.0/0"):
        (here,) = json.loads(near.run("status", "--json").stdout)
        assert re.fullmatch(r"193\.6\.37\.\d+", here["local_ipv4"])
        assert reaches(near, "fellini", HOST_B) and reaches(near, "hostB", here["local_ipv4"])
        (ssh,) = near.topology.run("fellini", ["ss", "-Htn", "dport = :22"]).stdout.splitlines()
        assert f"{FELLINI_OUT}:" in ssh


@pytest.fixture
def no_inner_network(near):
    near.topology.ip("polanski", "addr", "del", f"{POLANSKI_IN}/24", "dev", "lan0")
    yield
    near.topology.ip("polanski", "addr", "add", f"{POLANSKI_IN}/24", "dev", "lan0")
    acquaint(near.topology)


def test_a_far_end_that_has_no_address_to_give_names_what_would(near, no_inner_network):
    refused(near, 'assign = ["ADDRESS"]', "--accept", "0.0.0.0/0")


@pytest.fixture
def split_lan(near):
    """hostB has an address inside LAN A's prefix, and polanski knows the way to it: the article's case."""
    near.topology.ip("hostB", "addr", "add", "193.6.35.200/32", "dev", "lan0")
    near.topology.ip("polanski", "route", "add", "193.6.35.200/32", "dev", "lan0")
    yield "193.6.35.200"
    near.topology.ip("hostB", "addr", "del", "193.6.35.200/32", "dev", "lan0")
    near.topology.ip("polanski", "route", "del", "193.6.35.200/32", "dev", "lan0")


def test_proxy_arp_lets_far_addresses_live_inside_the_lan(near, split_lan):
    words = [*IPV4, "--accept", f"{split_lan}/32"]
    refused(near, "--proxy-arp", *words, code=31)
    with near.joined(*words, "--proxy-arp"):
        assert reaches(near, "hostA", split_lan)
        assert reaches(near, "hostB", HOST_A, source=split_lan)


@pytest.fixture
def no_way_back(near):
    """hostB does not route by polanski."""
    near.topology.ip("hostB", "route", "del", "default")
    yield
    near.topology.ip("hostB", "route", "add", "default", "via", POLANSKI_IN)


def test_a_missing_return_route_is_named_with_the_command_that_mends_it(near, no_way_back):
    command = f"ip route add {LAN_A} via {POLANSKI_IN}"
    with near.joined(*IPV4, code=36) as up:
        assert command in up.stdout, shown(up)
        near.topology.run("hostB", command.split())
        assert reaches(near, "hostA", HOST_B)
        near.topology.ip("hostB", "route", "del", LAN_A)


def test_masquerade_does_without_return_routes(near, no_way_back):
    peer_file(near, more="masquerade = true")
    with near.joined(*IPV4):
        assert reaches(near, "hostA", HOST_B)


def test_masquerade_at_the_near_end(near):
    near.topology.ip("hostA", "route", "del", "default")
    try:
        with near.joined(*IPV4, "--masquerade"):
            assert reaches(near, "hostB", HOST_A)
    finally:
        near.topology.ip("hostA", "route", "add", "default", "via", FELLINI_IN)


def test_a_firewall_that_drops_what_is_forwarded_is_named(near):
    near.topology.run("polanski", ["nft", "add table inet wall; add chain inet wall forward "
                                   "{ type filter hook forward priority 0; policy drop; }"])
    try:
        with near.joined(*IPV4, code=36) as up:
            assert re.search(r"! .*\bwall\b.*forward", up.stdout), shown(up)
    finally:
        near.topology.run("polanski", ["nft", "delete", "table", "inet", "wall"])


# ---- the peer's packets ----

SEND = """
import socket, struct, sys
source, destination = map(socket.inet_aton, sys.argv[1:3])
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
raw.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"isth0")
raw.sendto(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 7, 0, 64, 253, 0, source, destination) + b"inner ip", (sys.argv[2], 0))
"""


def test_inner_addresses_outside_accept_and_offer_are_not_delivered(near):
    packets = {"as agreed": (HOST_B, HOST_A), "a stranger's source": ("198.51.100.9", HOST_A), "our own source": (FELLINI_IN, HOST_A),
               "a neighbour's source": ("193.6.35.77", HOST_A), "beyond the offer": (HOST_B, "198.51.100.77"),
               "our outer address": (HOST_B, FELLINI_OUT), "loopback": (HOST_B, "127.0.0.1")}
    with near.joined(*IPV4):
        dropped = json.loads(near.run("status", "--json").stdout)[0]["dropped"]
        with near.topology.capture("fellini", expression="ip proto 253") as path:
            for source, destination in [*packets.values(), packets["as agreed"]]:
                near.topology.run("polanski", ["/usr/bin/python3", "-c", SEND, source, destination])
            netns.wait_until(lambda: json.loads(near.run("status", "--json").stdout)[0]["dropped"] >= dropped + len(packets) - 1)
        seen = near.topology.run("fellini", ["tcpdump", "-nr", path]).stdout
        assert set(re.findall(r"IP (\S+) > (\S+):", seen)) == {packets["as agreed"]}, seen


def test_the_guard_keeps_strangers_from_speaking_for_the_far_network(near):
    with near.joined(*BOTH):
        with near.topology.capture("hostA", "lan0", "ip proto 253") as path:
            near.topology.run("router", ["/usr/bin/python3", "-c", SEND.replace("isth0", "fellini0"), HOST_B, FELLINI_OUT])
            near.topology.run("polanski", ["/usr/bin/python3", "-c", SEND, HOST_B, HOST_A])
        assert near.topology.run("hostA", ["tcpdump", "-nr", path]).stdout.count("193.6.37.20 >") == 1
        counted = near.topology.run("fellini", ["nft", "list", "table", "inet", "isthmus_7200"]).stdout
        assert LAN_A6 in counted and re.search(r"ip saddr 193\.6\.37\.0/24 counter packets [1-9]\d* .*drop", counted), counted
