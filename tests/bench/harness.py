"""Runs a suite: its carriers take turns in interleaved rounds, each on fresh namespaces, and what one measurement or one carrier
fails in costs no other."""
import contextlib
import dataclasses
import pathlib
import statistics
import subprocess
import time
import traceback

import measures
from carriers import program_beside
from support.joins import acquaint
from support.netns import DEFAULT_ROUTES, Failed, Topology, wait_until
from ways import Way

# The share of silent seconds or of lost pings that is worth a remark.
NOTABLE = 0.1
# In a row, for a carrier that does not come up.
MOST_ATTEMPTS = 2
# What a failing measurement may raise; anything else is a fault of the benchmark and shown with its place.
EXPECTED = (AssertionError, subprocess.SubprocessError, OSError, ValueError)


@dataclasses.dataclass(frozen=True)
class Task:
    """One measurement: its part, the names its numbers get, and how it is done on a topology."""
    part: str
    name: str
    run: callable
    packets: bool = False  # needs a carrier of more than TCP


@dataclasses.dataclass(frozen=True)
class Leg:
    """What is measured over one way, and by whom if not by all."""
    way: Way
    tasks: callable  # of the options
    carriers: tuple = ()
    times_setup: bool = False


@dataclasses.dataclass(frozen=True)
class Suite:
    """A section of the page: what is compared with what over which ways, and how that is to be read (a report.Shape)."""
    name: str
    parts: tuple
    carriers: dict
    legs: tuple
    shape: object
    extras: tuple = ()  # carriers that are measured only if asked for


class Results:
    """Numbers by carrier and name, one a round, and what failed."""

    def __init__(self):
        self.numbers = {}
        self.failures = []
        self.remarks = []

    def add(self, carrier, name, values):
        for key, value in values.items():
            self.numbers.setdefault(carrier, {}).setdefault(f"{name} {key}", []).append(value)
        print(f"  {carrier:<12} {name:<14} " + "  ".join(f"{key} {value:.4g}" for key, value in values.items()), flush=True)

    def fail(self, carrier, name, reason):
        self.failures.append((carrier, name, " ".join(str(reason).split())[:500]))
        print(f"  {carrier:<12} {name:<14} FAILED: {self.failures[-1][2]}", flush=True)

    def remark(self, carrier, text):
        self.remarks.append((carrier, text))
        print(f"  {carrier:<12} REMARK: {text}", flush=True)

    def median(self, carrier, name):
        values = self.numbers.get(carrier, {}).get(name)
        return statistics.median(values) if values else None

    def failed(self, carrier, name):
        """Whether the measurement that gives this number failed in any round."""
        return any(c == carrier and name.startswith(f"{n} ") for c, n, _ in self.failures)


def rtt_tasks(seconds):
    """A second holds few pings, of which half a second goes before the load is there."""
    tasks = [Task("rtt", "rtt idle", lambda t: measures.idle(t, seconds), packets=True)]
    return tasks + [Task("rtt", f"rtt {way}", lambda t, way=way: measures.loaded(t, way, 2 * seconds), packets=True) for way in ("up", "down")]


def tcp_tasks(part, options, families, ways, prefix="", times=1):
    """A glance has but IPv4 and four streams."""
    families, counts = ((4,), (4,)) if options.quick else (families, (1, 4))
    return [Task(part, f"{prefix}tcp {family} {streams} {way}",
                 lambda t, f=family, s=streams, w=way: measures.tcp(t, w, s, f, options.seconds * times))
            for family in families for streams in counts for way in ways]


def flood_task(part, name, options, how="send", octets=64):
    flood = program_beside(options.isthmus, "tests/bench/datagram_flood")
    return Task(part, name, lambda t: measures.datagrams(t, flood, options.seconds, how, octets), packets=True)


@contextlib.contextmanager
def standing(kind, leg, options, results, number, times_setup):
    """A topology with the carrier in place. With `times_setup`, how long that took is a result."""
    with contextlib.ExitStack() as stack:
        topology = stack.enter_context(Topology())
        choose_congestion_control(topology, leg.way.congestion or options.congestion)
        acquaint(topology)
        leg.way.lay(stack, topology, options.isthmus, number)
        carrier = kind(topology, options.isthmus)
        carrier.serve(stack)
        login = login_seconds(carrier)
        with measures.FirstAnswer(topology, carrier.carries_packets).watched() as answered:
            started = time.time()
            try:
                carrier.start()
                took = answered() - started
            except AssertionError as failure:
                raise Failed("; ".join(filter(None, [str(failure), carrier.ending() or carrier.last_words()]))) from None
        carrier.settle()
        if carrier.carries_packets:
            wait_until(lambda: topology.ping("hostA", measures.DESTINATIONS[6][1], count=1).ok, 10, what="IPv6 through the tunnel")
        if times_setup and carrier.process:
            results.add(carrier.name, "setup", {"seconds": took - login, "login": login})
        yield carrier
        if said := carrier.misbehaviour():
            results.remark(carrier.name, said)
        if options.reports:
            print("".join(f"    {line}\n" for line in carrier.reports()), end="", flush=True)


def choose_congestion_control(topology, name):
    """All TCP of hosts and gateways, inner and outer. A namespace may not set every algorithm as its default, a route may."""
    for host, gateway, gateway6 in DEFAULT_ROUTES:
        for family, via in (("-4", gateway), ("-6", gateway6)):
            topology.ip(host, family, "route", "replace", "default", "via", via, "congctl", name)


def login_seconds(carrier):
    """How long the login takes that the set-up contains; the median of three."""
    taken = []
    for _ in range(3):
        started = time.monotonic()
        carrier.log_in()
        taken.append(time.monotonic() - started)
    return statistics.median(taken)


def describe(error):
    if isinstance(error, subprocess.TimeoutExpired):
        return f"not within {error.timeout:g} s: {' '.join(map(str, error.cmd)).split(' exec ')[-1]}"
    if isinstance(error, EXPECTED):
        return f"{error}"
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({pathlib.Path(place.filename).name}:{place.lineno})"


def measure(carrier, task, results):
    """Whether it went well; a failure is recorded with why the carrier ended, if it did."""
    try:
        numbers = task.run(carrier.topology)
        if carrier.process is None:
            numbers.pop("cpu", None)  # the kernel forwards by itself, which no process's time shows
        if numbers.pop("silent", 0) > NOTABLE:
            results.remark(carrier.name, f"{task.name}: in more than {NOTABLE:.0%} of its seconds no octet moved")
        if numbers.get("lost", 0) > NOTABLE:
            results.remark(carrier.name, f"{task.name}: {numbers['lost']:.0%} of the pings were not answered")
        results.add(carrier.name, task.name, numbers)
    except Exception as error:  # noqa: BLE001  (one failed cell must not lose the others)
        results.fail(carrier.name, task.name, "; ".join(filter(None, [describe(error), carrier.ending(), carrier.misbehaviour()])))
        return False
    if reason := carrier.ending():
        results.fail(carrier.name, task.name, reason)
    return not reason


def run_tasks(kind, leg, options, tasks, results, number):
    """All the tasks on one topology; after one that failed the rest get a fresh one."""
    left = tasks_for(kind, tasks)
    times_setup = times_setup_of(leg, options)
    attempts = 0
    while (left or times_setup) and attempts < MOST_ATTEMPTS:
        try:
            with standing(kind, leg, options, results, number, times_setup) as carrier:
                times_setup, attempts = False, 0
                while left and measure(carrier, left.pop(0), results):
                    pass
        except Exception as error:  # noqa: BLE001  (the other carriers are to be measured all the same)
            attempts += 1
            reason = describe(error)
            results.fail(kind.name, "setup", reason)
    for task in left:
        results.fail(kind.name, task.name, f"not tried: {reason}")


def tasks_for(kind, tasks):
    return [task for task in tasks if kind.carries_packets or not task.packets]


def times_setup_of(leg, options):
    return leg.times_setup and "setup" in options.parts


def run(suite, options, results):
    """All rounds of the suite's `options.carriers` and `options.parts`."""
    for number in range(options.rounds):
        for leg in suite.legs:
            tasks = [task for task in leg.tasks(options) if task.part in options.parts]
            for name in options.carriers:
                kind = suite.carriers[name]
                if leg.carriers and name not in leg.carriers:
                    continue
                if tasks_for(kind, tasks) or times_setup_of(leg, options):
                    what = ", ".join(filter(None, [name, leg.way.title]))
                    print(f"{suite.name}, round {number + 1} of {options.rounds}: {what}", flush=True)
                    run_tasks(kind, leg, options, tasks, results, number)
