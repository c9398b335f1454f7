"""Debian's pppd on its own kernel at the far end, called by `isthmus up` over ssh, as in the article.

    hostA ── lan0 ── caller ═══ ssh ═══ guest: pppd, 193.6.37.12
    193.6.35.20     .12                        2001:db8:37::12
    2001:db8:35::20
"""
import functools
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import udp_sweep
from support.netns import FELLINI_IN, FELLINI_IN6, HOST_A, HOST_A6, LAN_A, LAN_A6, LAN_B, LAN_B6, POLANSKI_IN, POLANSKI_IN6, ip, wait_until
from support.program import Up, undone
from support.uml import GUEST

OURS, THEIRS = "192.168.0.1", "192.168.0.2"
NETWORKS = ("--offer", f"{LAN_A},{LAN_A6}", "--accept", f"{LAN_B},{LAN_B6}", "--address", f"{OURS}:{THEIRS}", "--hosts", POLANSKI_IN6)
PPPD = "pppd nodetach notty noauth"
# The article's return route, set by the far side itself when the link comes up.
RETURN_ROUTES = f"""#!/bin/sh
ip route add {LAN_A} dev $1 src {POLANSKI_IN}
ip -6 route add {LAN_A6} dev $1 src {POLANSKI_IN6}
"""


@pytest.fixture(scope="module")
def site(caller, guest):
    """The guest and the caller with their networks; the caller forwards nothing yet."""
    caller.add_host("hostA")
    ip("link", "add", "name", "lan0", "netns", caller.name("caller"), "type", "veth", "peer", "name", "lan0", "netns", caller.name("hostA"))
    for host, addresses in (("caller", (FELLINI_IN, FELLINI_IN6)), ("hostA", (HOST_A, HOST_A6))):
        for address, bits in zip(addresses, (24, 64)):
            caller.ip(host, "addr", "add", f"{address}/{bits}", "dev", "lan0", *(["nodad"] if bits == 64 else []))
        caller.ip(host, "link", "set", "lan0", "up")
    caller.ip("hostA", "route", "add", "default", "via", FELLINI_IN)
    caller.ip("hostA", "-6", "route", "add", "default", "via", FELLINI_IN6)
    guest.run(["sh", "-c", f"ip addr add {POLANSKI_IN}/32 dev lo && ip addr add {POLANSKI_IN6}/128 dev lo"])
    shutil.copy(udp_sweep.__file__, caller.directory)
    script = caller.directory / "ip-up"
    script.write_text(RETURN_ROUTES)
    script.chmod(0o755)
    assert caller.ping("hostA", FELLINI_IN).ok and caller.ping("hostA", FELLINI_IN6).ok
    return caller


@pytest.fixture(autouse=True)
def nothing_is_left(site, guest):
    with undone(site, "caller"):
        yield
    wait_until(lambda: "ppp0" not in guest.run(["ip", "-o", "link"]).stdout, 20, 0.5, "the guest as it was")


@pytest.fixture
def up(site, guest, isthmus):
    def start(remote_command, *words):
        return Up(site, "caller", isthmus, "-v", "-F", guest.client_config, f"root@{GUEST}", "--remote-command", remote_command,
                  *NETWORKS, *words)
    return start


def host_of(site):
    """Starts a command line on hostA."""
    return functools.partial(site.popen, "hostA")


def check_every_size(site, guest):
    """Every packet size, both families, both ways: almost six thousand packets there, and as many back."""
    host = host_of(site)
    for sender, receiver, address in ((host, guest.popen, POLANSKI_IN), (guest.popen, host, HOST_A),
                                      (host, guest.popen, POLANSKI_IN6), (guest.popen, host, HOST_A6)):
        result = udp_sweep.sweep(sender, receiver, address, script=site.directory / "udp_sweep.py")
        assert result.whole, (address, result)


def test_pppd_as_it_stands_in_the_article(site, guest, up):
    with up(f"{PPPD} ip-up-script {site.directory}/ip-up") as joined:
        joined.wait_for()
        assert "the peer does not speak VSNCP" in joined.text
        assert "PPP with a plain PPP peer: IPv4 IPv6" in joined.text
        assert "packets cross in both directions" in joined.text
        check_every_size(site, guest)
        assert joined.interrupt() == 0


def test_pppd_on_a_terminal_of_the_far_side(site, guest, up):
    with up(f"script -qfc 'pppd nodetach noauth ip-up-script {site.directory}/ip-up' /dev/null") as joined:
        joined.wait_for()
        check_every_size(site, guest)
        assert joined.interrupt() == 0


def test_both_directions_busy_at_once_lose_repeat_and_change_nothing(site, guest, up):
    """Each way as fast as answers come. So few are under way that no queue on the way stands, at whatever speed the machine turns:
    one that stood for long would be told of by dropping (RFC 8289), and pppd's interface holds three packets."""
    with up(f"{PPPD} ip-up-script {site.directory}/ip-up") as joined:
        joined.wait_for()
        guest.run(["ip", "link", "set", "dev", "ppp0", "txqueuelen", "50"])
        ways = ((host_of(site), guest.popen, POLANSKI_IN6), (guest.popen, host_of(site), HOST_A))
        with ThreadPoolExecutor() as pool:
            both = list(pool.map(lambda way: udp_sweep.sweep(*way, rounds=2, in_flight=4, script=site.directory / "udp_sweep.py"), ways))
        assert all(result.perfect for result in both), both
        assert joined.interrupt() == 0


def test_a_missing_return_route_is_named_with_its_command(site, guest, up):
    with up(PPPD) as joined:
        joined.wait_for()
        assert "INCOMPLETE" in joined.text
        remedy = re.search(r"(?m)^.*! the far gateway answers .*no route back.* run: (.*)$", joined.text)
        assert remedy and remedy[1] == f"ip route add {LAN_A} via {OURS}", joined.text
        guest.run(remedy[1].split())
        assert site.ping("hostA", THEIRS).ok
        assert joined.interrupt() == 0


def test_an_address_that_our_policy_forbids_ends_the_call_and_is_named_with_the_flag(site, guest, up):
    with up(f"{PPPD} noipv6 10.9.9.9:") as refused:
        assert refused.process.wait(timeout=30) == 31, refused.text
        assert "10.9.9.9" in refused.text and "--address" in refused.text, refused.text
        assert "isth0" not in site.ip("caller", "-o", "addr")
