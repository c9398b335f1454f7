"""A second SSH at either end: Dropbear's dbclient calling OpenSSH's sshd, and OpenSSH's ssh calling Dropbear."""
import pytest

from support.joins import IPV4, CalledEnd, Near, acquaint, shown, undone
from support.netns import HOST_A, HOST_B, POLANSKI_OUT, Topology
from support.sshd import Dropbear, PrivateEtc, dropbear_client
from support.transfer import transfer

OCTETS = bytes(range(256)) * 4096


@pytest.fixture
def ground(isthmus):
    with Topology() as topology:
        acquaint(topology)
        yield topology


def check_both_ways(topology):
    for sender, source, receiver, destination in (("hostA", HOST_A, "hostB", HOST_B), ("hostB", HOST_B, "hostA", HOST_A)):
        assert topology.ping(sender, destination, source=source, count=2, interval=0.05).ok
        moved = transfer(topology, sender, receiver, source, destination, OCTETS)
        assert moved.arrived_whole, moved.report


def joined(near, *words, etc=None):
    """`isthmus up`, in the mount namespace of `etc` if there is one: ssh runs with the home of /etc/passwd, not of the environment."""
    argv = [near.program, "up", "--detach", "--name", "there", *words, f"root@{POLANSKI_OUT}", *IPV4]
    result = near.topology.run("fellini", etc.argv(argv) if etc else argv, env=near.env, check=False)
    assert result.returncode == 0, shown(result)
    assert "packets cross in both directions" in result.stdout


@pytest.mark.parametrize("port, is_split", [(22, False), (2222, True)], ids=["-e with its words", "options of ours"])
def test_dbclient_calls_openssh(ground, isthmus, port, is_split):
    with CalledEnd(ground, isthmus, port=port) as server:
        near, etc = Near(ground, isthmus, server), PrivateEtc(ground.directory / "caller")
        words = dropbear_client(server, etc)
        with undone(ground):
            joined(near, "-e", *([words[0], *words[1:]] if is_split else [" ".join(words)]), etc=etc)
            check_both_ways(ground)
            assert near.run("down", "there").returncode == 0


def test_openssh_calls_dropbear(ground, isthmus):
    with Dropbear(ground, "polanski", program=isthmus) as server:
        near = Near(ground, isthmus, server)
        with undone(ground):
            # Dropbear gives a login no PATH but its own: the program is named in full.
            joined(near, "-F", server.client_config, "--remote-command", f"{isthmus} attach")
            check_both_ways(ground)
            assert near.run("down", "there").returncode == 0
