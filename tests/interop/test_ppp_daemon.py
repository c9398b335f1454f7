"""`isthmus ppp` where pppd was used: two of them on terminals and on pipes, and slirp as a peer no one here wrote.

    left ──ppp── right      two namespaces without any other cable
"""
import json
import os
import pathlib
import signal
import subprocess
import termios
import time

import pytest

from support import pcap
from support.netns import Namespaces, wait_until
from support.ppp import Cable, Daemon
from support.udp_sweep import sweep

LEFT, RIGHT = "192.168.0.1", "192.168.0.2"
SLIRP, SLIRPS_GUEST = "10.0.2.2", "10.0.2.15"

# pppd's exit statuses.
OPTION_ERROR, NOT_ROOT, USER_REQUEST, LOCK_FAILED, NO_COMMAND, NEGOTIATION_FAILED, HANGUP, LOOPBACK = 2, 3, 5, 6, 9, 10, 16, 17


@pytest.fixture(scope="module")
def ends():
    with Namespaces(["left", "right"]) as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_is_left(ends):
    """Every test ends as it began, on both hosts."""
    before = {host: ends.leftovers(host) for host in ends.hosts}
    yield
    for host in ends.hosts:
        wait_until(lambda host=host: before[host].diff(ends.leftovers(host)) == [], 10, 0.5,
                   f"{host} as it was: {before[host].diff(ends.leftovers(host))}")


@pytest.fixture
def pair(ends, isthmus):
    """Two daemons on the two ends of a cable, up."""
    with Cable() as cable, \
            Daemon(ends, "left", isthmus, cable.left, "nodetach", "debug", "local", f"{LEFT}:{RIGHT}") as left, \
            Daemon(ends, "right", isthmus, cable.right, "nodetach", "debug", "local") as right:
        left.wait_up()
        right.wait_up()
        yield cable, left, right


def popen_on(ends, host):
    return lambda argv, **more: ends.popen(host, argv, **more)


def right_end(ends, isthmus, *words):
    """The command that is a daemon on the right, on standard input and output."""
    return " ".join(map(str, ends.argv("right", [isthmus, "ppp", "nodetach", "notty", *words])))


def test_every_size_crosses_both_ways_in_both_families(ends, pair):
    _, left, right = pair
    from_left, from_right = popen_on(ends, "left"), popen_on(ends, "right")
    assert sweep(from_left, from_right, RIGHT).whole
    assert sweep(from_right, from_left, LEFT, seed=2).whole
    # The far end binds the address that the near end sends to, each with the zone of its own interface.
    assert left.remote_ipv6 == right.local_ipv6
    assert sweep(from_left, from_right, left.remote_ipv6, seed=3).whole
    assert sweep(from_right, from_left, right.remote_ipv6, seed=4).whole


def test_pings_answer_and_the_kernel_knows_the_way(ends, pair):
    _, left, _ = pair
    assert ends.ping("left", RIGHT).ok
    assert ends.ping("right", LEFT).ok
    assert ends.ping("left", left.remote_ipv6).ok
    assert f"{LEFT} peer {RIGHT}/32" in ends.ip("left", "addr", "show", "dev", left.interface)
    assert f"src {LEFT}" in ends.ip("left", "route", "get", RIGHT)


def test_tshark_finds_every_fcs_good_and_knows_every_option(ends, pair):
    cable, left, right = pair
    assert ends.ping("left", RIGHT).ok
    assert ends.ping("right", right.remote_ipv6).ok
    assert left.end(signal.SIGTERM) == USER_REQUEST
    assert right.process.wait(timeout=30) == HANGUP
    for number, said in enumerate(cable.said):
        packets = pcap.dissect_stream(ends.directory / f"said-{number}.pcap", said)
        assert pcap.complaints(packets) == []
        assert {"lcp", "ipcp", "ipv6cp"} <= {layer for layers in packets for layer in layers}
        shown = json.dumps([layers.get(name) for layers in packets for name in ("lcp", "ipcp", "ipv6cp")])
        for option in ("Magic Number", "Protocol Field Compression", "Address and Control Field Compression",
                       "Async Control Character Map", "IP Address", "Interface Identifier"):
            assert option in shown
        assert "Unknown" not in shown


def test_signals_end_it_with_pppds_exit_statuses(pair):
    _, left, right = pair
    assert left.end(signal.SIGINT) == USER_REQUEST
    # The peer heard the Terminate-Request: it does not wait until it takes us for dead.
    assert right.process.wait(timeout=10) == HANGUP
    assert "the peer ended the link" in right.log


def test_the_terminal_is_given_back_as_it_was(ends, isthmus):
    with Cable() as cable:
        fd = os.open(cable.left, os.O_RDWR | os.O_NOCTTY)
        settings = termios.tcgetattr(fd)
        settings[3] |= termios.ICANON
        termios.tcsetattr(fd, termios.TCSANOW, settings)
        settings = termios.tcgetattr(fd)
        with Daemon(ends, "left", isthmus, cable.left, "nodetach", "local") as daemon:
            daemon.wait_for("Connect:")
            assert termios.tcgetattr(fd) != settings
            assert daemon.end(signal.SIGTERM) == USER_REQUEST
        assert termios.tcgetattr(fd) == settings
        os.close(fd)


def test_a_terminal_is_silent_until_its_patience_ends(ends, isthmus):
    with Cable() as cable, Daemon(ends, "left", isthmus, cable.left, "nodetach", "local") as daemon:
        daemon.wait_for("Connect:")
        connected = time.monotonic()
        wait_until(lambda: cable.said[0], seconds=10)
        assert time.monotonic() - connected > 2


def test_a_login_prompt_is_not_taken_for_a_peer(ends, isthmus):
    with Cable() as cable, Daemon(ends, "left", isthmus, cable.left, "nodetach", "local") as daemon:
        daemon.wait_for("Connect:")
        os.write(cable.masters[0], b"slave@polanski:~$ ")
        time.sleep(1)
        assert not cable.said[0]


def test_round_a_command_it_detaches_when_up_and_leaves_its_pid(ends, isthmus):
    name = f"test-{os.getpid()}"
    pid_file = pathlib.Path(f"/run/ppp-{name}.pid")
    command = right_end(ends, isthmus)
    ends.run("left", [isthmus, "ppp", "updetach", "linkname", name, "pty", command, f"{LEFT}:{RIGHT}"])
    pid = int(pid_file.read_text().split()[0])
    try:
        assert ends.ping("left", RIGHT).ok
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), 20)
    assert not pid_file.exists()


def test_a_failure_before_detaching_is_the_callers_exit_status(ends, isthmus):
    result = ends.run("left", [isthmus, "ppp", "updetach", "pty", "sleep 30", "lcp-restart", "1", "lcp-max-configure", "1", "noipv6"],
                      check=False)
    assert result.returncode == NEGOTIATION_FAILED


def test_persist_dials_again_when_the_peer_is_gone(ends, isthmus):
    with Daemon(ends, "left", isthmus, "nodetach", "persist", "holdoff", "1", "pty", right_end(ends, isthmus), f"{LEFT}:{RIGHT}") as daemon:
        daemon.wait_up(RIGHT)
        children = pathlib.Path(f"/proc/{daemon.process.pid}/task/{daemon.process.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
        wait_until(lambda: daemon.log.count(f"remote IP address {RIGHT}") >= 2, 40, what=daemon.log)
        assert ends.ping("left", RIGHT).ok


def test_after_kill_9_cleanup_takes_away_what_was_left(ends, isthmus):
    ends.ip("left", "link", "add", "lan0", "type", "veth", "peer", "name", "lan1")
    ends.ip("left", "addr", "add", "193.6.35.12/24", "dev", "lan0")
    ends.ip("left", "link", "set", "lan0", "up")
    try:
        before = ends.leftovers("left")
        with Daemon(ends, "left", isthmus, "nodetach", "proxyarp", "pty", right_end(ends, isthmus), "193.6.35.12:193.6.35.77") as daemon:
            daemon.wait_up("193.6.35.77")
            wait_until(lambda: ends.ip("left", "neigh", "show", "proxy"), 5)
            assert "193.6.35.77 dev lan0" in ends.ip("left", "neigh", "show", "proxy")
            assert daemon.end(signal.SIGKILL) == -signal.SIGKILL
        ends.run("left", [isthmus, "cleanup"])
        assert before.diff(ends.leftovers("left")) == []
    finally:
        ends.ip("left", "link", "del", "lan0")


def test_a_default_route_is_added_where_there_is_none_and_goes_with_the_link(ends, isthmus):
    with Daemon(ends, "left", isthmus, "nodetach", "defaultroute", "pty", right_end(ends, isthmus), f"{LEFT}:{RIGHT}") as daemon:
        daemon.wait_up(RIGHT)
        assert f"dev {daemon.interface}" in ends.ip("left", "route", "get", "203.0.113.1")


def test_a_peer_may_not_take_an_address_of_ours(ends, isthmus):
    ends.ip("left", "addr", "add", "193.6.35.12/32", "dev", "lo")
    try:
        command = right_end(ends, isthmus, "193.6.35.12:")
        with Daemon(ends, "left", isthmus, "nodetach", "pty", command, f"{LEFT}:") as daemon:
            daemon.wait_for("IPv4 is not to be had")
            assert "193.6.35.12" not in ends.ip("left", "route")
    finally:
        ends.ip("left", "addr", "del", "193.6.35.12/32", "dev", "lo")


@pytest.mark.parametrize("options, status", [
    (["no-such-option"], OPTION_ERROR),
    (["nodetach", "pty", "/nonexistent/program"], NO_COMMAND),
    (["nodetach", "pty", "cat", "lcp-restart", "1"], LOOPBACK),
    (["nodetach", "pty", "false"], HANGUP),
])
def test_what_goes_wrong_has_pppds_exit_status(ends, isthmus, options, status):
    result = ends.run("left", [isthmus, "ppp", *options], check=False)
    assert result.returncode == status, result.stderr


def test_only_root_may(ends, isthmus):
    result = ends.run("left", ["setpriv", "--reuid", "65534", "--clear-groups", isthmus, "ppp", "notty"], check=False)
    assert result.returncode == NOT_ROOT


def test_a_locked_terminal_is_left_alone(ends, isthmus):
    with Cable() as cable:
        lock = pathlib.Path("/run/lock") / ("LCK.." + cable.left.removeprefix("/dev/").replace("/", "_"))
        lock.write_text(f"{os.getpid():10d}\n")
        try:
            result = ends.run("left", [isthmus, "ppp", cable.left, "lock", "nodetach"], check=False)
            assert result.returncode == LOCK_FAILED, result.stderr
        finally:
            lock.unlink(missing_ok=True)


def test_slirp_on_a_pseudo_terminal_is_a_peer(ends, isthmus):
    # slirp ends at once on a modern kernel; its variant without the throttle by baud rate works. It waits for our first word.
    with Daemon(ends, "left", isthmus, "nodetach", "debug", "pty", "slirp-fullbolt ppp", f"{SLIRPS_GUEST}:{SLIRP}") as daemon:
        daemon.wait_up(ipv6=False)
        assert ends.ping("left", SLIRP, count=10, interval=0.1).ok
        assert ends.ping("left", SLIRP, size=1472).ok
        assert daemon.end(signal.SIGTERM) == USER_REQUEST


def test_standard_error_that_is_the_stream_stays_silent(ends, isthmus):
    command = ["timeout", "3", isthmus, "ppp", "nodetach", "notty"]
    result = subprocess.run(ends.argv("left", command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, env=ends.env, check=False, timeout=30)
    assert b"Using interface" not in result.stdout
