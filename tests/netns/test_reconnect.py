"""A stream that is lost: noticed in time, refused meanwhile and not leaked, and called again by itself.

    hostA ── fellini (isthmus up) ═══ router ═══ polanski (sshd) ── hostB

One join stands for the whole file; each test takes the stream away in another manner and waits until it is back.
"""
import re
import signal
import time

import pytest

from support.conversation import Conversation
from support.gateway import MARKER, Up, crosses_both_ways, kill, marked_ping, reaches, seconds_until
from support.ground import Ground
from support.netns import HOST_A, HOST_B, LAN_A, LAN_B, Topology, wait_until

ALONE = "how soon a loss is noticed is measured"

BACK_WITHIN = 4  # a second until the call, and what ssh and PPP take on a loaded machine


class StreamGround(Ground):
    def is_back(self):
        return self.near.is_proven() and self.far.is_proven()

    def wait_back(self, seconds=BACK_WITHIN):
        wait_until(self.is_back, seconds, what="the link")
        assert crosses_both_ways(self.topology)

    def stream_port(self):
        """The port of the near end's ssh connection."""
        shown = self.topology.run("fellini", ["ss", "-Htn", "state", "established", "dport", "=", ":22"]).stdout
        return int(re.search(r":(\d+)\s", shown)[1])


@pytest.fixture(scope="module")
def ground(isthmus):
    with Topology() as topology:
        made = StreamGround(topology, isthmus)
        with Up(made.near, made.sshd, "--path", "stream") as made.up:
            made.up.wait_joined()
            yield made


@pytest.fixture(autouse=True)
def stands(ground):
    ground.wait_back(30)


def test_a_killed_ssh_is_replaced(ground):
    assert kill(ground.near.pids("ssh")) == 1
    wait_until(lambda: ground.near.phases() == ["held"], 2, every=0.02, what="the loss is noticed")
    ground.wait_back()


def test_a_killed_sshd_session_is_replaced(ground):
    assert kill(ground.sshd.descendants()) >= 1
    wait_until(lambda: ground.near.phases() == ["held"], 2, every=0.02, what="the loss is noticed")
    ground.wait_back()
    assert "the stream has ended" in ground.up.text()


# The TUN, its addresses and the routes' fallbacks stay; to a TCP connection inside the change of streams is a loss.
def test_a_connection_inside_lives_on_over_one_stream_after_another(ground):
    with Conversation(ground.topology) as conversation:
        tunnels = [ground.near.tunnels(), ground.far.tunnels()]
        for lose in (lambda: kill(ground.near.pids("ssh")), lambda: kill(ground.sshd.descendants())):
            lose()
            wait_until(lambda: ground.near.phases() == ["held"], 2, every=0.02, what="the loss is noticed")
            ground.wait_back()
            conversation.wait_answered()
        assert [ground.near.tunnels(), ground.far.tunnels()] == tunnels


# In a full tunnel that is down no name server answers.
def test_it_is_found_again_where_its_name_means_nothing_any_more(ground):
    config = ground.sshd.client_config
    kept = config.read_text()
    config.write_text("Host *\n  HostName nowhere.invalid\n" + kept)
    try:
        kill(ground.near.pids("ssh"))
        wait_until(lambda: ground.near.phases() == ["held"], 2, every=0.02, what="the loss is noticed")
        ground.wait_back()
    finally:
        config.write_text(kept)


def unreachable_at_once(topology, source, destination):
    """Whether the gateway itself refuses, instead of letting packets vanish."""
    answer = topology.run(source, ["ping", "-n", "-c", 1, "-W", 2, destination], check=False)
    return "Unreachable" in answer.stdout


def test_under_traffic_a_dead_stream_is_noticed_within_5_s(ground):
    port = ground.stream_port()
    with marked_ping(ground.topology), ground.router(f"tcp sport {port} drop; tcp dport {port} drop"):
        assert seconds_until(lambda: ground.near.phases() == ["held"], 8, "the loss is noticed") <= 5.4
        ground.wait_back()


def test_without_traffic_within_15_s_and_meanwhile_traffic_is_refused_and_not_leaked(ground):
    with ground.topology.capture("router", "any", "not ether proto 0x0806") as public:
        with ground.router("tcp dport 22 drop; tcp sport 22 drop"):
            started = time.monotonic()
            # The far end answers nothing either, and both must find out by themselves.
            wait_until(lambda: ground.near.phases() == ["held"] == ground.far.phases(), 18, what="the loss is noticed")
            assert time.monotonic() - started <= 15.6
            assert unreachable_at_once(ground.topology, "hostA", HOST_B)
            assert unreachable_at_once(ground.topology, "hostB", HOST_A)
            with marked_ping(ground.topology), marked_ping(ground.topology, source="hostB", destination=HOST_A):
                time.sleep(0.5)
            for host, prefix in (("fellini", LAN_B), ("polanski", LAN_A)):
                shown = ground.topology.ip(host, "route", "show", "table", "7200", "root", prefix)
                assert shown.split()[:2] == ["unreachable", prefix] and len(shown.splitlines()) == 1
        ground.wait_back(20)
    assert MARKER not in public.read_bytes()


def test_when_the_network_comes_back_it_is_dialled_at_once(ground):
    with marked_ping(ground.topology):
        ground.topology.ip("fellini", "link", "set", "wan0", "down")
        time.sleep(8)
        assert ground.near.phases() == ["held"]
        ground.topology.ip("fellini", "link", "set", "wan0", "up")
        ground.topology.ip("fellini", "route", "add", "default", "via", "193.6.34.1")
        assert seconds_until(ground.near.is_proven, 5, "the link is back") <= 2.0 + 0.3
    ground.topology.ip("fellini", "-6", "addr", "add", "2001:db8:34::12/64", "dev", "wan0", "nodad")
    ground.topology.ip("fellini", "-6", "route", "add", "default", "via", "2001:db8:34::1")


def test_a_far_end_that_stops_is_noticed_and_one_that_goes_on_is_found_again(ground):
    owner = ground.far.pids("owner")
    with marked_ping(ground.topology):
        kill(owner, signal.SIGSTOP)
        try:
            wait_until(lambda: ground.near.phases() == ["held"], 5.5, what="the near end notices")
            time.sleep(2)
        finally:
            kill(owner, signal.SIGCONT)
    ground.wait_back(6)
    assert ground.far.pids("owner") == owner and len(ground.far.tunnels()) == 1


def test_a_hold_that_expires_undoes_both_ends(ground):
    assert ground.up.end() == 0
    for end in (ground.near, ground.far):
        end.wait_clean()
    with Up(ground.near, ground.sshd, "--path", "stream", "--hold", "2") as up:
        up.wait_joined()
        with ground.router("tcp dport 22 reject with tcp reset; tcp sport 22 reject with tcp reset"), marked_ping(ground.topology):
            assert up.process.wait(12) == 33, up.text()
            assert not ground.near.left()
    ground.far.isthmus("down", "--all")
    ground.far.wait_clean()
    with Up(ground.near, ground.sshd, "--path", "stream") as ground.up:
        ground.up.wait_joined()
        assert reaches(ground.topology)
        ground.up.end()
    for end in (ground.near, ground.far):
        end.wait_clean()
