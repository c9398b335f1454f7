"""Debian's pppd on its own kernel as the caller: `pppd pty 'ssh … isthmus attach'`, as whoever has no isthmus would call.

    guest: pppd ═══ ssh ═══ caller: sshd, isthmus attach ── lan0, 193.6.37.12
"""
import contextlib
import ipaddress
import re
import shlex
import shutil

import pytest

from support import udp_sweep
from support.netns import LAN_B, POLANSKI_IN, ip, wait_until
from support.program import own_processes, undone
from support.sshd import Sshd
from support.uml import HOST, HOST6

ASSIGNED = "193.6.37.200"
OURS, THEIRS = "192.168.0.2", "192.168.0.1"
# /etc/isthmus for one command: an /etc of its own, over the machine's.
WITH_POLICY = """#!/bin/sh
set -e
mount -t tmpfs tmpfs {upper}
mkdir {upper}/changes {upper}/work
mount -t overlay overlay -o lowerdir=/etc,upperdir={upper}/changes,workdir={upper}/work /etc
mkdir -p /etc/isthmus/peers
cp {policies}/*.toml /etc/isthmus/peers
exec {isthmus} attach --peer "$1"
"""


@pytest.fixture(scope="module")
def gateway(caller, guest, isthmus):
    """The caller namespace as the called gateway: a LAN behind it, sshd with the program, policies of its own."""
    ip("link", "add", "name", "lan0", "netns", caller.name("caller"), "type", "veth", "peer", "name", "lan1", "netns", caller.name("caller"))
    caller.ip("caller", "addr", "add", f"{POLANSKI_IN}/24", "dev", "lan0")
    for end in ("lan0", "lan1"):
        caller.ip("caller", "link", "set", end, "up")
    shutil.copy(udp_sweep.__file__, caller.directory)
    with Sshd(caller, "caller", addresses=(HOST, HOST6), program=isthmus) as server:
        policies, upper = caller.directory / "policies", caller.directory / "upper"
        policies.mkdir()
        upper.mkdir()
        script = caller.directory / "attach"
        script.write_text(WITH_POLICY.format(upper=upper, policies=policies, isthmus=isthmus))
        script.chmod(0o755)
        server.policies, server.attach = policies, script
        yield server


@pytest.fixture(autouse=True)
def nothing_is_left(caller, gateway, guest):
    with undone(caller, "caller", seconds=20):
        yield
    gateway.forget_keys()
    gateway.authorize(gateway.client_key)


def allow(gateway, name, text):
    """The key of the guest is `name` of now on: its peer file holds the text."""
    (gateway.policies / f"{name}.toml").write_text(text)
    gateway.forget_keys()
    gateway.authorize(gateway.client_key, command=f"unshare -m --propagation private {gateway.attach} {name}", options=["restrict"])


class Caller:
    """pppd in the guest; `text` is what it has said."""

    def __init__(self, caller, guest, gateway, *options):
        self.guest = guest
        self.log = caller.directory / f"pppd-{id(self)}.log"
        ssh = shlex.join(["ssh", "-F", str(gateway.client_config), f"root@{HOST}", "isthmus", "attach"])
        self.argv = ["pppd", "nodetach", "noauth", "debug", "pty", ssh, *options]

    @property
    def text(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, pattern, seconds=40):
        wait_until(lambda: re.search(pattern, self.text) or self.process.poll() is not None, seconds, 0.2, pattern)
        assert re.search(pattern, self.text), self.text

    def end(self):
        """SIGTERM for pppd, and its end."""
        self.guest.run(["sh", "-c", "kill $(cat /run/ppp0.pid)"], check=False)
        return self.process.wait(timeout=20)


@pytest.fixture
def call(caller, guest, gateway):
    @contextlib.contextmanager
    def start(*options):
        made = Caller(caller, guest, gateway, *options)
        with made.log.open("wb") as log, guest.popen(made.argv, stdout=log, stderr=log) as made.process:
            try:
                yield made
            finally:
                made.end()
                made.process.kill()
    return start


def check_every_size(caller, guest, ours, theirs):
    """Every packet size both ways, over IPv4 and between the link-local addresses."""
    def here(argv, **more):
        return caller.popen("caller", argv, **more)

    wait_until(lambda: caller.ping("caller", theirs, count=1).ok, 20)
    shown = {"caller": caller.ip("caller", "-o", "-6", "addr", "show", "dev", "isth0"),
             "guest": guest.run(["ip", "-o", "-6", "addr", "show", "dev", "ppp0"]).stdout}
    local = {host: re.search(r"inet6 (fe80::[0-9a-f:]+)", text)[1] for host, text in shown.items()}
    assert f"peer {local['caller']}" in shown["guest"]
    assert "3 received" in guest.run(["ping", "-c", "3", "-i", "0.2", f"{local['caller']}%ppp0"]).stdout
    assert caller.ping("caller", f"{local['guest']}%isth0").ok
    for sender, receiver, address in ((here, guest.popen, theirs), (guest.popen, here, ours)):
        result = udp_sweep.sweep(sender, receiver, address, script=caller.directory / "udp_sweep.py")
        assert result.whole, (address, result)


def test_the_peer_file_assigns_an_address_and_leads_into_the_lan(caller, guest, gateway, call):
    allow(gateway, "guest", f'offer = ["{LAN_B}"]\nassign = "{ASSIGNED}"\n')
    with call("usepeerdns", "noipdefault") as pppd:
        pppd.wait_for(rf"local +IP address {re.escape(ASSIGNED)}")
        pppd.wait_for(rf"remote IP address {re.escape(POLANSKI_IN)}")
        wait_until(lambda: "isth0" in caller.ip("caller", "-o", "link"))
        check_every_size(caller, guest, POLANSKI_IN, ASSIGNED)
        assert pppd.end() == 5
        assert "LCP terminated by peer" not in pppd.text


def test_the_peer_file_says_both_addresses(caller, guest, gateway, call):
    allow(gateway, "guest", f'address = "{OURS}:{THEIRS}"\noffer = ["{LAN_B}"]\n')
    with call() as pppd:
        pppd.wait_for(rf"remote IP address {re.escape(OURS)}")
        pppd.wait_for(rf"local +IP address {re.escape(THEIRS)}")
        assert "3 received" in guest.run(["ping", "-c", "3", "-i", "0.2", OURS], check=False).stdout
        assert pppd.end() == 5


def test_when_ssh_is_cut_off_the_gateway_waits_and_then_undoes(caller, guest, gateway, call):
    allow(gateway, "guest", f'address = "{OURS}:{THEIRS}"\noffer = ["{LAN_B}"]\nhold = 2\n')
    with call() as pppd:
        pppd.wait_for(rf"remote IP address {re.escape(OURS)}")
        guest.run(["sh", "-c", "kill -9 $(cat /run/ppp0.pid)"])
        wait_until(lambda: not own_processes(caller, "caller"), 30, what="the end of the held session")


def test_a_login_as_root_without_a_file_carries_ipv6_between_the_link_local_addresses(caller, guest, gateway, call):
    gateway.forget_keys()
    gateway.authorize(gateway.client_key)  # no forced command: the request is adopted
    with call(f"{THEIRS}:{OURS}") as pppd:
        pppd.wait_for(r"remote LL address fe80::\S+")
        # pppd writes each group with its leading zeros.
        theirs = str(ipaddress.ip_address(re.search(r"remote LL address (fe80::\S+)", pppd.text)[1]))
        ours = str(ipaddress.ip_address(re.search(r"local +LL address (fe80::\S+)", pppd.text)[1]))
        wait_until(lambda: theirs in caller.ip("caller", "-o", "-6", "addr", "show"), 10, what=theirs)
        assert "3 received" in guest.run(["ping", "-c", "3", "-i", "0.2", f"{theirs}%ppp0"], check=False).stdout
        assert caller.ping("caller", f"{ours}%isth0").ok
        assert pppd.end() == 5
