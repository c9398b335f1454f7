"""Who makes ssh's TCP connection, and what the socket carries: the program, unless the user's configuration asks ssh for
something of its own."""
import contextlib
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import socket

import pytest

from support.joins import IPV4, shown, undone
from support.netns import HOST_B, POLANSKI_OUT, POLANSKI_OUT6, wait_until
from support.sshd import SLAVE_UID, PrivateEtc, Sshd, make_key

PIDFD_GETFD = 438
TCP_CONGESTION, TCP_USER_TIMEOUT, TCP_NOTSENT_LOWAT = 13, 18, 25
ECHOES = ("mm_receive_fd", "proxy dialer")


def has_bbr():
    return "bbr" in pathlib.Path("/proc/sys/net/ipv4/tcp_allowed_congestion_control").read_text().split()


def command_lines(near):
    """The words of each process on fellini, by its id."""
    found = {}
    for pid in near.topology.pids("fellini"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            found[pid] = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return found


def ssh_processes(near):
    """The ids of the ssh that the program runs on fellini, the ssh of a jump host left out."""
    return [pid for pid, words in command_lines(near).items() if words[0] == b"ssh" and b"-W" not in words]


@contextlib.contextmanager
def sockets_of(pid):
    """Duplicates of the process' TCP sockets."""
    with contextlib.ExitStack() as stack:
        pidfd = os.pidfd_open(pid)
        stack.callback(os.close, pidfd)
        found = []
        for number in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                if not os.readlink(f"/proc/{pid}/fd/{number}").startswith("socket:"):
                    continue
            copy = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, pidfd, int(number), 0)
            if copy >= 0:
                held = stack.enter_context(socket.socket(fileno=copy))
                if held.family in (socket.AF_INET, socket.AF_INET6):
                    found.append(held)
        yield found


def options_of(near):
    """What the one TCP socket of the one ssh carries, and where it goes; nothing where ssh holds none."""
    (pid,) = ssh_processes(near)
    with sockets_of(pid) as sockets:
        if not sockets:
            return None
        (held,) = sockets
        return {"to": held.getpeername()[:2],
                "nodelay": held.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0,
                "keepalive": held.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) != 0,
                "notsent": held.getsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT),
                "user timeout": held.getsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT),
                "congestion": held.getsockopt(socket.IPPROTO_TCP, TCP_CONGESTION, 16).rstrip(b"\0").decode()}


def ours(port=22, to=POLANSKI_OUT):
    system = pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()
    return {"to": (to, port), "nodelay": True, "keepalive": True, "notsent": 128 * 1024, "user timeout": 20_000,
            "congestion": "bbr" if has_bbr() else system}


@pytest.fixture(autouse=True)
def clean_server(near):
    near.server.forget()
    near.server.write_known_hosts(near.server.host_key)


@contextlib.contextmanager
def dropped(near, port):
    """The router drops what goes to this port until the block is left."""
    rule = f"table inet cut {{ chain f {{ type filter hook forward priority 0; tcp dport {port} drop; }}; }}\n"
    near.topology.run("router", ["nft", "-f", "-"], input=rule)
    try:
        yield
    finally:
        near.topology.run("router", ["nft", "delete", "table", "inet", "cut"])


@pytest.mark.parametrize("to", [POLANSKI_OUT, POLANSKI_OUT6])
def test_the_connection_is_ours_and_carries_our_options(near, to):
    with near.joined(*IPV4, to=f"root@[{to}]" if ":" in to else f"root@{to}"):
        assert options_of(near) == ours(to=to)
        assert near.topology.ping("hostA", HOST_B, count=1).ok


def test_the_host_key_is_looked_up_as_ssh_would_also_at_another_port(near, isthmus):
    with Sshd(near.topology, "polanski", port=2222, program=isthmus) as other:
        with near.joined(*IPV4, "-p", "2222", config=other.client_config):
            assert options_of(near) == ours(2222)


def test_a_dial_again_is_ours_too(near):
    with near.joined(*IPV4):
        (former,) = ssh_processes(near)
        os.kill(former, signal.SIGKILL)
        wait_until(lambda: ssh_processes(near) not in ([], [former]), 10, what="another ssh")
        wait_until(lambda: json.loads(near.run("status", "--json").stdout)[0]["stream"] == "up", 15, what="the link")
        assert options_of(near) == ours()
        wait_until(lambda: near.topology.ping("hostA", HOST_B, count=1).ok, 5, what="a ping")


@pytest.mark.parametrize("words", [["-o", "BindAddress=193.6.34.12"], ["-o", "CheckHostIP=yes"], ["-e", "env ssh"]])
def test_ssh_connects_where_it_is_asked_for_more_than_a_connection(near, words):
    with near.joined(*IPV4, *words):
        assert options_of(near)["user timeout"] == 0
        assert near.topology.ping("hostA", HOST_B, count=1).ok


@pytest.mark.parametrize("words", [["-J", f"root@[{POLANSKI_OUT6}]"],
                                   ["-o", "ProxyCommand=socat - TCP:%h:%p"]], ids=["a jump host", "a ProxyCommand"])
def test_a_proxy_of_the_users_own_is_taken(near, words):
    with near.joined(*IPV4, *words):
        assert options_of(near) is None
        assert near.topology.ping("hostA", HOST_B, count=1).ok


def test_failures_are_said_once_in_sshs_own_words(near):
    for port, text in ((2299, "Connection refused"), (2298, "Connection timed out")):
        with dropped(near, 2298):
            result = near.call("up", *IPV4, "-p", port, "-o", "ConnectTimeout=2")
        said = result.stdout + result.stderr
        assert f"ssh: connect to host {POLANSKI_OUT} port {port}: {text}" in said, shown(result)
        assert not any(echo in said for echo in ECHOES), shown(result)
    result = near.call("up", *IPV4, to="root@nowhere.invalid")
    assert "ssh: Could not resolve hostname nowhere.invalid: " in result.stdout + result.stderr, shown(result)
    assert not any(echo in result.stdout + result.stderr for echo in ECHOES), shown(result)


def test_nobody_goes_on_connecting_after_ctrl_c(near):
    def is_connecting():
        return any(b"connect-for-ssh" in word for words in command_lines(near).values() for word in words)
    with dropped(near, 2298), undone(near.topology):
        with near.foreground(*IPV4, "-p", "2298", "-o", "ConnectTimeout=60") as up:
            wait_until(is_connecting, 10, what="the connector")
            assert up.end(signal.SIGINT) == 130, up.text
        wait_until(lambda: not is_connecting(), 2, what="the connector's end")


@pytest.fixture(scope="module")
def person(near, isthmus):
    """`slave` on fellini, who calls sudo: an account of a mount namespace, a key, and a copy of the program."""
    etc = PrivateEtc(near.topology.directory / "fellini-etc")
    key = make_key(etc.homes["slave"] / "key")
    os.chown(key, SLAVE_UID, SLAVE_UID)
    (etc.directory / "bin").mkdir()
    program = pathlib.Path(shutil.copy2(isthmus, etc.directory / "bin"))
    config = near.server.write_client_config("slave_config", key)

    def up(*words):
        near.server.authorize(key)
        argv = etc.argv([program, "up", "--detach", "--name", "there", "-F", config, f"root@{POLANSKI_OUT}", *IPV4, *words])
        return near.topology.run("fellini", argv, check=False, env={**near.env, "SUDO_UID": str(SLAVE_UID), "SUDO_USER": "slave"})
    return program, up


@pytest.mark.parametrize("mode, timeout", [(0o755, 20_000), (0o700, 0)], ids=["may run it", "may not run it"])
def test_behind_sudo_the_connection_is_ours_if_the_person_may_run_the_program(near, person, mode, timeout):
    program, up = person
    program.parent.chmod(mode)
    with undone(near.topology):
        result = up()
        try:
            assert result.returncode == 0, shown(result)
            assert [os.stat(f"/proc/{pid}").st_uid for pid in ssh_processes(near)] == [SLAVE_UID]
            assert options_of(near)["user timeout"] == timeout
            assert near.topology.ping("hostA", HOST_B, count=1).ok
        finally:
            near.run("down", "there")


@pytest.mark.skipif(not re.search(r"^flags.*\baes\b.*", pathlib.Path("/proc/cpuinfo").read_text(), re.M), reason="this processor has no AES instructions")
@pytest.mark.parametrize("chosen, cipher", [(None, "aes128-gcm@openssh.com"), ("aes256-ctr,aes128-gcm@openssh.com", "aes256-ctr")])
def test_the_cipher_is_the_fast_one_unless_an_order_was_chosen(near, chosen, cipher):
    config = near.server.write_client_config("ciphers", near.server.client_key, *([f"Ciphers {chosen}"] if chosen else []))
    with near.joined(*IPV4, "-o", "LogLevel=DEBUG", config=config) as up:
        assert f"client->server cipher: {cipher}" in up.stdout + up.stderr, shown(up)
