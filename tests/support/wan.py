"""The public network of a topology made long, narrow and lossy, in both directions alike.

    fellini ── fellini0 │ router │ polanski0 ── polanski
                        east ─→          packets from fellini pass a delay_relay behind the TUN device `east`,
                        ←─ west          those from polanski one behind `west`; then the router forwards them

The rate is limited where packets leave the router (tbf), behind the delay: the queue is the router's.
"""
import contextlib
import dataclasses
import pathlib
import subprocess

from support.netns import Failed, ip

# Where packets arrive, and the device that delays them.
WAYS = (("fellini0", "east"), ("polanski0", "west"))
TABLE = 100


@dataclasses.dataclass(frozen=True)
class Line:
    """What the way is like, each way."""
    delay_ms: int = 0
    loss_per_mille: int = 0
    mbit: float | None = None
    queue_ms: int = 1000
    seed: int = 1
    duplicated_per_mille: int = 0
    reordered_per_mille: int = 0  # that come sooner than their turn, by up to `delay_ms`
    corrupted_per_mille: int = 0  # with one octet changed, wherever it lies


def relay_beside(isthmus):
    """The relay program of the same build tree as the program."""
    path = pathlib.Path(isthmus).resolve().parent.parent / "tests/support/delay_relay"
    if not path.exists():
        raise Failed(f"{path} is not built: cmake -DISTHMUS_TESTS=ON")
    return path


class Wan:
    """The router of a topology with this line, for as long as the block lasts."""

    def __init__(self, topology, relay, line):
        self.topology = topology
        self.relay = relay
        self.line = line
        self._stack = None

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            for number, (arrives, device) in enumerate(WAYS):
                self._delay(stack, number, arrives, device)
                if self.line.mbit:
                    self._limit(stack, arrives)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _delay(self, stack, number, arrives, device):
        line = self.line
        argv = [self.relay, device, line.delay_ms, line.loss_per_mille, line.seed + number,
                line.duplicated_per_mille, line.reordered_per_mille, line.corrupted_per_mille]
        process = self.topology.popen("router", argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        stack.callback(end, process)
        if (said := process.stdout.readline()) != "ready\n":
            raise Failed(f"delay_relay {device}: {said}")
        # The relay takes in what has arrived a turn at a time, and a burst can be longer than the usual 500 packets.
        self.topology.ip("router", "link", "set", device, "txqueuelen", "10000", "up")
        for family in ("-4", "-6"):
            rule = ["iif", arrives, "lookup", str(TABLE + number)]
            self.topology.ip("router", family, "route", "add", "default", "dev", device, "table", str(TABLE + number))
            self.topology.ip("router", family, "rule", "add", *rule)
            stack.callback(remove, self.topology, family, rule)

    def _limit(self, stack, interface):
        discipline = ["tbf", "rate", f"{self.line.mbit}mbit", "burst", "5k", "latency", f"{self.line.queue_ms}ms"]
        self.topology.run("router", ["tc", "qdisc", "add", "dev", interface, "root", *discipline])
        stack.callback(self.topology.run, "router", ["tc", "qdisc", "del", "dev", interface, "root"], check=False)


def remove(topology, family, rule):
    with contextlib.suppress(Failed):
        ip("-n", topology.name("router"), family, "rule", "del", *rule)


def end(process):
    """The device and the routes over it go with the relay."""
    process.terminate()
    process.communicate(timeout=10)
