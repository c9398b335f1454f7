"""What the path between the gateways is like in a part of the measurements: as the topology makes it, long and narrow, or of
interfaces that cut no trains. Each is laid on a topology and taken off with a stack."""
import dataclasses

from support.wan import Line, Wan, relay_beside

WAN = (("fellini", "wan0"), ("router", "fellini0"), ("router", "polanski0"), ("polanski", "wan0"))
OFFLOADS = ("tso", "gso", "gro", "tx-udp-segmentation")
QUEUE_MS = 20


@dataclasses.dataclass(frozen=True)
class Way:
    """The topology as it is."""
    title: str = ""
    congestion: str | None = None  # instead of what the run has as TCP's congestion control

    def lay(self, stack, topology, program, number):
        """`number` is that of the round."""


@dataclasses.dataclass(frozen=True)
class LongWay(Way):
    """A delay and a rate, by a relay and tbf (support/wan.py). The same packets are lost for each carrier of a round, and others
    in the next."""
    line: Line = Line()

    def lay(self, stack, topology, program, number):
        stack.enter_context(Wan(topology, relay_beside(program), dataclasses.replace(self.line, seed=1 + 10 * number)))


@dataclasses.dataclass(frozen=True)
class Offloads(Way):
    """The WAN's interfaces take and make super-packets, of TCP and of UDP, or do not."""
    on: bool = True
    mbit: int | None = None  # of the router, each way
    loss_per_cent: int = 0  # by chance, each way

    def lay(self, stack, topology, program, number):
        words = [word for name in OFFLOADS for word in (name, "on" if self.on else "off")]
        for host, interface in WAN:
            topology.run(host, ["ethtool", "-K", interface, *words])
        if self.mbit:
            for interface in ("fellini0", "polanski0"):
                topology.run("router", ["tc", "qdisc", "add", "dev", interface, "root", "tbf", "rate", f"{self.mbit}mbit", "burst", "32k",
                                        "latency", f"{QUEUE_MS}ms"])
        if self.loss_per_cent:
            topology.run("router", ["nft", "-f", "-"], input=loss_rules(self.loss_per_cent))


def loss_rules(per_cent):
    return f"table inet loss {{ chain here {{ type filter hook forward priority 0; numgen random mod 100 < {per_cent} drop; }}; }}\n"
