"""Routes on the public side that lead to the far network more exactly than ours, as a hostile DHCP server or router sets them
(TunnelVision): nothing of the far network's goes out unsealed, while the tunnel stands or after a crash.

    hostA ── fellini (isthmus up; routes into the public side) ═══ router ═══ polanski (sshd) ── hostB
"""
import time

from support.gateway import MARKER, Up, kill, marked_ping, reaches
from support.ground import Ground
from support.netns import HOST_B, HOST_B6, LAN_A6, LAN_B6, Topology

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
