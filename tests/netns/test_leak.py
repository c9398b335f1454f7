"""Routes on the public side that lead to the far network more exactly than ours, as a hostile DHCP server or router sets them
(TunnelVision): nothing of the far network's goes out unsealed, while the tunnel stands or after a crash.

    hostA ── fellini (isthmus up; routes into the public side) ═══ router ═══ polanski (sshd) ── hostB
"""
import contextlib
import time

from support.gateway import MARKER, Up, kill, marked_ping, reaches
from support.ground import Ground
from support.netns import FELLINI_OUT, HOST_B, HOST_B6, LAN_A6, LAN_B6, Topology

ROUTES = (("193.6.37.0/25", "193.6.34.1"), ("193.6.37.128/25", "193.6.34.1"), (f"{HOST_B}/32", "193.6.34.1"),
          ("2001:db8:37::/65", "2001:db8:34::1"), (f"{HOST_B6}/128", "2001:db8:34::1"))
BOTH = ("--offer", LAN_A6, "--accept", LAN_B6)


def lure(topology):
    """The routes, in the table that everybody's routes are in; and a router that would take the bait."""
    for prefix, gateway in ROUTES:
        topology.ip("fellini", "route", "replace", prefix, "via", gateway)
    for prefix, gateway in (("193.6.37.0/24", "193.6.36.12"), ("2001:db8:37::/64", "2001:db8:36::12")):
        topology.ip("router", "route", "replace", prefix, "via", gateway)


def test_more_exact_routes_on_the_public_side_draw_nothing_out(isthmus):
    with Topology() as topology:
        ground = Ground(topology, isthmus)
        topology.run("fellini", ["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"])
        lure(topology)
        with topology.capture("router", "any", "ip or ip6") as unguarded, marked_ping(topology), marked_ping(topology, destination=HOST_B6):
            time.sleep(1)
        assert MARKER in unguarded.read_bytes(), "where nothing guards the bait is taken"
        with topology.capture("router", "any", "ip or ip6") as public, Up(ground.near, ground.sshd, *BOTH) as ground.up:
            ground.up.wait_joined()
            with marked_ping(topology), marked_ping(topology, destination=HOST_B6):
                ground.wait_datagrams(30)
                lure(topology)
                assert reaches(topology) and reaches(topology, destination=HOST_B6)
                kill(ground.near.pids("ssh"))
                time.sleep(2)
                # All of it at once, and nobody to start it again.
                kill([*ground.near.pids("up"), *ground.near.pids("ssh")])
                ground.up.process.wait()
                lure(topology)
                time.sleep(2)
                assert not reaches(topology) and not reaches(topology, destination=HOST_B6)
        assert MARKER not in public.read_bytes()


LEASE = """
start {address}
end {address}
interface fellini0
lease_file {directory}/leases
pidfile {directory}/udhcpd.pid
opt subnet 255.255.255.0
opt router {gateway}
opt staticroutes {routes}
"""
# What a client of DHCP does with option 121 (RFC 3442): a more exact route wins over any other of the table.
TAKE = """#!/bin/sh
test "$1" = bound || exit 0
ip addr replace $ip/24 dev $interface
set -- $staticroutes
while test $# -ge 2; do ip route replace $1 via $2 dev wan0; shift 2; done
"""


@contextlib.contextmanager
def hostile_dhcp(topology):
    """A server on the router, whose leases lead the far network to it; gives the client's command line."""
    routes = ", ".join(f"{prefix} {gateway}" for prefix, gateway in ROUTES if ":" not in prefix)
    settings, script = topology.directory / "udhcpd.conf", topology.directory / "take-lease"
    settings.write_text(LEASE.format(address=FELLINI_OUT, directory=topology.directory, gateway=ROUTES[0][1], routes=routes))
    (topology.directory / "leases").touch()
    script.write_text(TAKE)
    script.chmod(0o755)
    server = topology.popen("router", ["busybox", "udhcpd", "-f", settings], stderr=-3)
    try:
        yield ["busybox", "udhcpc", "-i", "wan0", "-f", "-q", "-n", "-O", "staticroutes", "-s", script]
    finally:
        server.kill()
        server.wait()


def test_a_lease_with_routes_to_the_far_network_draws_nothing_out(isthmus):
    with Topology() as topology, hostile_dhcp(topology) as take_lease:
        ground = Ground(topology, isthmus)
        topology.ip("router", "route", "replace", "193.6.37.0/24", "via", "193.6.36.12")
        with topology.capture("router", "any", "ip or ip6") as public, Up(ground.near, ground.sshd) as ground.up:
            ground.up.wait_joined()
            with marked_ping(topology):
                ground.wait_datagrams(30)
                topology.run("fellini", take_lease)
                assert "193.6.37.0/25 via 193.6.34.1" in topology.ip("fellini", "route"), "the client takes the bait"
                assert reaches(topology)
                ground.wait_datagrams(10)
                kill([*ground.near.pids("up"), *ground.near.pids("ssh")])
                ground.up.process.wait()
                time.sleep(2)
                assert not reaches(topology)
        assert MARKER not in public.read_bytes()
