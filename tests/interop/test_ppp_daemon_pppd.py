"""`isthmus ppp` and Debian's pppd on its own kernel: by a serial line, through ssh from here, through ssh from there.

    caller ──serial line── guest        isthmus ppp on the caller, pppd in the guest
       └──────ethernet───────┘          for ssh
"""
import contextlib
import json
import re
import shlex
import shutil
import signal
import subprocess

import pytest

from support import pcap, udp_sweep
from support.netns import wait_until
from support.ppp import Cable, Daemon
from support.sshd import Sshd
from support.uml import HOST, Guest

OURS, THEIRS = "192.168.0.1", "192.168.0.2"
USER_REQUEST, HANGUP = 5, 16


@pytest.fixture(scope="module")
def cable():
    with Cable() as made:
        yield made


@pytest.fixture(scope="module")
def guest(caller, cable):
    """A guest whose first serial line is the other end of the cable."""
    with Guest(caller, "caller", arguments=f"ssl0=tty:{cable.right}") as booted:
        shutil.copy(udp_sweep.__file__, caller.directory)
        yield booted


@pytest.fixture(autouse=True)
def nothing_is_left(caller, guest):
    before = caller.leftovers("caller")
    yield
    wait_until(lambda: before.diff(caller.leftovers("caller")) == [], 10, 0.5, "the caller as it was")
    wait_until(lambda: "ppp0" not in guest.run(["ip", "-o", "link"]).stdout, 20, 0.5, "the guest as it was")


@contextlib.contextmanager
def pppd(guest, *options, log):
    """pppd in the guest, in the foreground; gives the process of the ssh that started it."""
    with log.open("wb") as out, guest.popen(["pppd", "nodetach", "noauth", "debug", *options], stdout=out, stderr=out,
                                            stdin=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            guest.run(["sh", "-c", "kill $(cat /run/ppp*.pid)"], check=False)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=15)
            process.kill()


def check_traffic(caller, guest, ours, rounds=1):
    """Every packet size, both ways, both families; `ours` is our link-local address."""
    script = caller.directory / "udp_sweep.py"

    def from_here(argv, **more):
        return caller.popen("caller", argv, **more)

    # The guest's first packet after IPCP opened is often lost in its kernel: it gets one to lose.
    wait_until(lambda: caller.ping("caller", THEIRS, count=1).ok, 20)
    theirs = re.search(r"inet6 (fe80::\S+)( peer \S+)? scope link", guest.run(["ip", "-o", "-6", "addr", "show", "dev", "ppp0"]).stdout)[1]
    theirs = theirs.split("/")[0]
    # The far end binds what the near end sends to: each with the zone of its own ppp0.
    for sender, receiver, address in ((from_here, guest.popen, THEIRS), (guest.popen, from_here, OURS),
                                      (from_here, guest.popen, f"{theirs}%ppp0"), (guest.popen, from_here, f"{ours}%ppp0")):
        result = udp_sweep.sweep(sender, receiver, address, script=script, rounds=rounds)
        assert result.whole, (address, result)


def addresses_of(daemon):
    daemon.wait_up(seconds=60)
    return daemon.local_ipv6.split("%")[0]


def test_pppd_on_a_serial_line_with_its_addresses(caller, guest, isthmus, cable):
    log = caller.directory / "pppd-serial.log"
    start = [len(said) for said in cable.said]
    with Daemon(caller, "caller", isthmus, cable.left, "nodetach", "local", "debug") as daemon, \
            pppd(guest, "/dev/ttyS0", "115200", "local", "nocrtscts", f"{THEIRS}:{OURS}", log=log) as process:
        ours = addresses_of(daemon)
        check_traffic(caller, guest, ours)
        assert daemon.end(signal.SIGTERM) == USER_REQUEST
        process.wait(timeout=30)
    assert "LCP terminated by peer" in log.read_text()
    for number, said in enumerate(cable.said):
        path = pcap.write(caller.directory / f"serial-{number}.pcap", pcap.split_frames(said[start[number]:]))
        assert pcap.dissect(path, display_filter="ppp.fcs.status != 1") == []
        control = pcap.dissect(path, display_filter="lcp or ipcp or ipv6cp")
        assert pcap.complaints(control) == []
        assert "Unknown" not in json.dumps(control)


def test_pppd_ends_the_link_and_we_hang_up(caller, guest, isthmus, cable):
    log = caller.directory / "pppd-ends.log"
    with Daemon(caller, "caller", isthmus, cable.left, "nodetach", "local", f"{OURS}:{THEIRS}") as daemon, \
            pppd(guest, "/dev/ttyS0", "115200", "local", "nocrtscts", log=log):
        addresses_of(daemon)
        guest.run(["sh", "-c", "kill $(cat /run/ppp0.pid)"])
        assert daemon.process.wait(timeout=30) == HANGUP


@pytest.mark.parametrize("words, ssh", [
    (["pppd", "nodetach", "notty", "noauth"], []),
    (["pppd", "nodetach", "noauth"], ["-tt", "-e", "none"]),
], ids=["notty", "tty"])
def test_our_command_is_an_ssh_to_the_guests_pppd(caller, guest, isthmus, words, ssh):
    command = shlex.join(guest.argv(words, *ssh))
    with Daemon(caller, "caller", isthmus, "nodetach", "debug", "pty", command, f"{OURS}:{THEIRS}") as daemon:
        check_traffic(caller, guest, addresses_of(daemon))
        assert daemon.end(signal.SIGINT) == USER_REQUEST


def test_pppds_command_is_an_ssh_to_us(caller, guest, isthmus):
    log = caller.directory / "pppd-pty.log"
    with Sshd(caller, "caller", addresses=(HOST,), program=isthmus) as server:
        command = shlex.join(["ssh", *server.client_args(), f"root@{HOST}", f"{isthmus} ppp nodetach notty debug"])
        with pppd(guest, "pty", command, f"{THEIRS}:{OURS}", log=log):
            # Our own log comes by ssh's standard error into the same file; its lines begin with the time.
            wait_until(lambda: len(re.findall(r"^remote (?:LL|IP) +address", log.read_text(), re.MULTILINE)) == 2, 60, 0.5, "the link")
            ours = re.search(r"^remote LL address (\S+)", log.read_text(), re.MULTILINE)[1]
            check_traffic(caller, guest, ours)
        wait_until(lambda: "Exit." in log.read_text(), 20)
