"""The caller's machine vanishes: the called end refuses the traffic to it meanwhile, and undoes everything when its hold runs out."""
import time

from support.joins import IPV4, shown
from support.netns import HOST_A, LAN_A, LAN_B, wait_until
from support.program import own_processes

HOLD = 4
DEAD_WITHIN = 16  # an idle link; docs/protocol/ppp-over-ssh.md


def is_refused(topology, source, destination):
    """Whether the gateway itself says no at once."""
    return "Unreachable" in topology.run(source, ["ping", "-n", "-c", "1", "-W", "2", destination], check=False).stdout


def phase(near, host):
    said = near.run("status", host=host).stdout
    return said.split()[1] if ":" in said else ""


def test_the_called_end_holds_and_then_undoes_and_the_caller_too(near):
    near.server.peer("fellini", f'accept = ["{LAN_A}"]\noffer = ["{LAN_B}"]\nhold = {HOLD}\n')
    near.server.force("isthmus attach --peer fellini")
    topology = near.topology
    before = {host: topology.leftovers(host) for host in ("fellini", "polanski")}
    up = near.call("up", "--detach", "--name", "there", "--hold", HOLD, *IPV4)
    assert up.returncode == 0, shown(up)
    assert not before["polanski"].diff(topology.leftovers("polanski")) == []
    topology.ip("router", "link", "set", "fellini0", "down")
    try:
        wait_until(lambda: phase(near, "polanski") == "held", DEAD_WITHIN + 1, what="the called end notices")
        held_at = time.monotonic()
        assert is_refused(topology, "hostB", HOST_A)
        for host in ("polanski", "fellini"):
            wait_until(lambda: not own_processes(topology, host), HOLD + DEAD_WITHIN, what=f"the end of the hold on {host}")
            if host == "polanski":
                assert HOLD - 1 <= time.monotonic() - held_at <= HOLD + 2
        assert before["polanski"].diff(topology.leftovers("polanski")) == []
        assert near.run("status").stdout == "no session is up\n"
    finally:
        topology.ip("router", "link", "set", "fellini0", "up")
        topology.ip("router", "-6", "addr", "replace", "2001:db8:34::1/64", "dev", "fellini0", "nodad")
    wait_until(lambda: topology.ping("fellini", "193.6.34.1", count=1).ok)
    wait_until(lambda: before["fellini"].diff(topology.leftovers("fellini")) == [], what="fellini as it was")
    assert any("did not come back in time" in line for line in near.server.syslog), near.server.syslog
