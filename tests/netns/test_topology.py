"""The ground itself: the sites are apart, ssh joins the gateways, and what is left behind is seen."""
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from support import netns
from support.netns import FELLINI_IN, HOST_A6, HOST_B, HOST_B6, POLANSKI_OUT, POLANSKI_OUT6, Failed, Topology
from support.sshd import Dropbear, Sshd


def names():
    return {path.name for path in pathlib.Path("/run/netns").iterdir()}


def test_hosts_reach_their_gateways_and_gateways_each_other(topology):
    assert topology.ping("hostA", FELLINI_IN).ok
    assert topology.ping("fellini", POLANSKI_OUT).ok
    assert topology.ping("fellini", POLANSKI_OUT6).ok


@pytest.mark.parametrize("destination", [HOST_B, HOST_B6])
def test_without_a_join_host_a_does_not_reach_host_b(topology, destination):
    assert topology.ping("hostA", destination).received == 0


def test_gateways_start_without_forwarding(topology):
    shown = topology.run("fellini", ["sysctl", "-n", "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"]).stdout
    assert shown.split() == ["0", "0"]


@pytest.mark.parametrize("address", [POLANSKI_OUT, POLANSKI_OUT6])
def test_ssh_works_between_the_gateways(topology, sshd, address):
    printed = topology.run("fellini", ["ssh", *sshd.client_args(), f"root@{address}", "ip -o addr show dev lan0"]).stdout
    assert netns.POLANSKI_IN in printed


def test_the_octets_of_the_stream_come_back_unchanged(topology, sshd):
    octets = bytes(range(256)) * 400
    result = topology.run("fellini", ["ssh", "-T", *sshd.client_args(), f"root@{POLANSKI_OUT}", "cat"], input=octets)
    assert result.stdout == octets


def test_a_wrong_host_key_is_seen(topology, sshd):
    sshd.with_wrong_host_key()
    result = topology.run("fellini", ["ssh", *sshd.client_args(), f"root@{POLANSKI_OUT}", "true"], check=False)
    assert result.returncode == 255 and "HOST IDENTIFICATION HAS CHANGED" in result.stderr


def test_an_unauthorised_key_is_refused(topology, sshd):
    config = sshd.with_unauthorized_key()
    result = topology.run("fellini", ["ssh", "-F", config, f"root@{POLANSKI_OUT}", "true"], check=False)
    assert result.returncode == 255 and "Permission denied" in result.stderr


def test_a_forced_command_replaces_what_was_asked(topology, sshd):
    sshd.forget_keys()
    sshd.authorize(sshd.client_key, command="echo forced", options=["restrict"])
    printed = topology.run("fellini", ["ssh", *sshd.client_args(), f"root@{POLANSKI_OUT}", "echo asked"]).stdout
    assert printed == "forced\n"


def test_slave_has_no_right_but_sudo_of_the_named_programs(topology):
    with Sshd(topology, "polanski", port=2222, program="/usr/bin/isthmus") as server:
        server.authorize(server.client_key, user="slave")
        ssh = ["ssh", *server.client_args(), f"slave@{POLANSKI_OUT}"]
        assert topology.run("fellini", [*ssh, "id -un; sudo -n /usr/sbin/pppd --version"]).stdout.startswith("slave\n")
        assert "password is required" in topology.run("fellini", [*ssh, "sudo -n id"], check=False).stderr
    assert "slave" not in pathlib.Path("/etc/passwd").read_text()


def test_dropbear_serves(topology):
    with Dropbear(topology, "polanski") as server:
        assert topology.run("fellini", ["ssh", *server.client_args(), f"root@{POLANSKI_OUT}", "echo served"]).stdout == "served\n"


CHANGES = {
    "address": (["ip", "addr", "add", "192.168.0.1/32", "dev", "lan0"], ["ip", "addr", "del", "192.168.0.1/32", "dev", "lan0"]),
    "route": (["ip", "route", "add", "unreachable", "193.6.37.0/24", "table", "77"], ["ip", "route", "flush", "table", "77"]),
    "route IPv6": (["ip", "-6", "route", "add", "2001:db8:37::/64", "dev", "lan0"], ["ip", "-6", "route", "del", "2001:db8:37::/64"]),
    "rule": (["ip", "rule", "add", "pref", "99", "table", "77"], ["ip", "rule", "del", "pref", "99"]),
    "firewall": (["nft", "add", "table", "inet", "left"], ["nft", "delete", "table", "inet", "left"]),
    "sysctl": (["sysctl", "-w", "net.ipv4.conf.lan0.rp_filter=2"], ["sysctl", "-w", "net.ipv4.conf.lan0.rp_filter=0"]),
    "proxy neighbour": (["ip", "neigh", "add", "proxy", "193.6.35.99", "dev", "lan0"], ["ip", "neigh", "del", "proxy", "193.6.35.99", "dev", "lan0"]),
    "link": (["ip", "tuntap", "add", "dev", "isthmus0", "mode", "tun"], ["ip", "tuntap", "del", "dev", "isthmus0", "mode", "tun"]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_left_is_seen_and_what_is_undone_is_not(topology, change):
    make, undo = CHANGES[change]
    before = topology.leftovers("fellini")
    topology.run("fellini", make)
    assert before.diff(topology.leftovers("fellini"))
    topology.run("fellini", undo)
    assert before.diff(topology.leftovers("fellini")) == []


def test_traffic_and_time_alone_leave_nothing(topology):
    before = topology.leftovers("fellini")
    assert topology.ping("hostA", FELLINI_IN).ok
    assert topology.ping("fellini", HOST_A6).ok
    assert before.diff(topology.leftovers("fellini")) == []


def test_a_capture_on_the_router_sees_both_sides(topology):
    with topology.capture("router", expression="icmp") as path:
        assert topology.ping("fellini", POLANSKI_OUT, count=2).ok
    shown = topology.run("router", ["tcpdump", "-n", "-r", path]).stdout
    assert shown.count("echo request") == 4 and "193.6.34.12 > 193.6.36.12" in shown


def test_nothing_remains_after_tear_down_even_of_a_failure():
    with pytest.raises(Failed):
        with Topology() as made:
            mine = {made.name(host) for host in netns.HOSTS}
            assert mine <= names()
            sleeper = made.popen("hostA", ["sleep", "1000"])
            made.run("hostA", ["false"])
    assert not mine & names()
    assert sleeper.wait(timeout=5) == -signal.SIGKILL
    assert not made.directory.exists()


PROGRAM = """
import sys, time
sys.path.insert(0, {tests!r})
from support.netns import Topology
with Topology() as made:
    print(made.name("hostA"), flush=True)
    time.sleep(1000)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_is_cleared_at_once_or_by_the_next(number):
    tests = str(pathlib.Path(__file__).resolve().parent.parent)
    run = subprocess.Popen([sys.executable, "-B", "-c", PROGRAM.format(tests=tests)], stdout=subprocess.PIPE, text=True)
    name = run.stdout.readline().strip()
    assert name in names()
    os.kill(run.pid, number)
    run.wait(timeout=20)
    if number == signal.SIGKILL:
        netns.remove_abandoned()
    assert name not in names()
