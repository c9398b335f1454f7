"""A join that stands while a test does something to it: `isthmus up` on fellini, sshd on polanski."""
import contextlib
import re

from support.gateway import Gateway, Up
from support.netns import Failed, Topology, wait_until
from support.sshd import Sshd

TAKEN_WITHIN = 5  # a path that has become usable


class Ground:
    """Both ends, and the router between them. `up` is the `isthmus up` that has made the join, while it stands."""

    def __init__(self, topology, program):
        self.topology = topology
        self.sshd = Sshd(topology, "polanski", program=program).__enter__()
        self.near = Gateway(topology, "fellini", program)
        self.far = Gateway(topology, "polanski", program)
        self.up = None

    def paths(self):
        """What carries the packets, as each end says: out of the near one, out of the far one."""
        return [end.sessions()[0].get("path") for end in (self.near, self.far) if end.sessions()]

    def remotes(self):
        """Where each end sends its datagrams, the near one first."""
        return [end.sessions()[0].get("udp_remote") for end in (self.near, self.far)]

    def is_by_datagrams(self):
        return self.near.is_proven() and self.far.is_proven() and self.paths() == ["datagram", "datagram"]

    def wait_datagrams(self, seconds=TAKEN_WITHIN):
        try:
            wait_until(self.is_by_datagrams, seconds, what="packets by datagrams in both directions")
        except Failed as failure:
            raise Failed(f"{failure}\n{self.near.sessions()}\n{self.far.sessions()}\n{self.up.text()}") from None

    def has_stream(self):
        """Whether ssh's stream stands at both ends, beside whatever carries the packets."""
        return all(end.sessions()[0]["stream"] == "up" for end in (self.near, self.far))

    @contextlib.contextmanager
    def router(self, rules, hook="forward", table="cut"):
        """The router has these rules until the block is left."""
        text = f"table inet {table} {{ chain here {{ type filter hook {hook} priority 0; {rules}; }}; }}\n"
        self.topology.run("router", ["nft", "-f", "-"], input=text)
        try:
            yield
        finally:
            self.topology.run("router", ["nft", "delete", "table", "inet", table])

    @contextlib.contextmanager
    def joined(self, *words):
        """Joined and proven around a block, by whatever carries the packets; afterwards all is undone."""
        with Up(self.near, self.sshd, *words) as self.up:
            self.up.wait_joined()
            yield self.up
            self.end()
        for end in (self.near, self.far):
            end.wait_clean()

    def end(self):
        """Ends the join, unless that has been done."""
        if self.up.process.poll() is None:
            self.up.end()
        assert self.up.process.returncode == 0, self.up.text()


def dropped(end, why):
    """How many packets one end has dropped for this reason, as it says."""
    counts = [line.rsplit(" ", 1) for line in end.sessions()[0]["datagram_drops"]]
    return sum(int(count) for words, count in counts if words == why)


def newest_generation(end):
    """The number of the newest keys that one end has: so many it ever had."""
    return max(int(re.match(r"generation (\d+):", line)[1]) for line in end.sessions()[0]["keys"])


def without_trains(topology):
    """Each packet on the cables is one datagram, as on a real wire, and not several that a device would cut."""
    for host in ("fellini", "polanski"):
        topology.ip(host, "link", "set", "wan0", "gso_max_segs", "1")


def without_ipv6(ground):
    """No datagram goes by IPv6: what happens to an IPv4 address or packet happens to the path."""
    return ground.router("meta nfproto ipv6 meta l4proto udp drop", table="one_family")


@contextlib.contextmanager
def ground_by_ipv4(isthmus, *words, trains=True):
    """A fresh one that goes by datagrams, and over IPv4."""
    with Topology() as topology:
        if not trains:
            without_trains(topology)
        ground = Ground(topology, isthmus)
        with without_ipv6(ground), ground.joined(*words):
            ground.wait_datagrams(30)
            yield ground
