#!/usr/bin/python3
"""The stream beside its peers, in one run: plain routing, isthmus, `ssh -w` and sshuttle carry the same traffic through the
same namespaces, one after the other in interleaved rounds; medians, and ratios to `ssh -w`. The micro-benchmarks come first.

    hostA ── fellini ── router ── polanski ── hostB

    stream.py --quick                    a minute or two: whether it works, not how fast it is
    stream.py --only isthmus ssh-w rtt   these carriers, this part
    stream.py --write                    all of it, into docs/benchmarks.md
"""
import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import measures  # noqa: E402
import micro  # noqa: E402
import report  # noqa: E402
from carriers import CARRIERS, program_beside  # noqa: E402
from support.joins import acquaint  # noqa: E402
from support.netns import DEFAULT_ROUTES, Failed, Topology, wait_until  # noqa: E402
from support.wan import Line, Wan, relay_beside  # noqa: E402

PARTS = ("micro", "setup", "rtt", "tcp", "datagrams", "wan", "loss")
# A narrow line is filled slowly, and four flows need a while to find their shares.
WAN_TIMES = 5
WAN_LEAD = 2.0
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


def lan_tasks(options):
    seconds, flood = options.seconds, program_beside(options.isthmus, "tests/bench/datagram_flood")
    tasks = [Task("rtt", "rtt idle", lambda t: measures.idle(t, seconds), packets=True)]
    tasks += [Task("rtt", f"rtt {way}", lambda t, way=way: measures.loaded(t, way, seconds), packets=True) for way in ("up", "down")]
    for family in (4, 6):
        tasks += [Task("tcp", f"tcp {family} {streams} {way}", lambda t, f=family, s=streams, w=way: measures.tcp(t, w, s, f, seconds))
                  for streams in (1, 4) for way in ("up", "down", "both")]
    tasks.append(Task("datagrams", "datagrams", lambda t: measures.datagrams(t, flood, seconds), packets=True))
    return tasks


def wan_tasks(options):
    seconds = options.seconds * WAN_TIMES
    tasks = [Task("wan", "wan idle", lambda t: measures.idle(t, options.seconds), packets=True)]
    return tasks + [Task("wan", f"wan {way}", lambda t, way=way: measures.loaded(t, way, seconds, WAN_LEAD), packets=True)
                    for way in ("up", "down")]


def loss_tasks(options):
    return [Task("loss", "loss", lambda t: measures.tcp(t, "up", 1, 4, options.seconds * WAN_TIMES))]


# The lines that the parts are measured over: None is the topology as it is.
LINES = ((None, lan_tasks), (Line(delay_ms=20, mbit=20, queue_ms=1000), wan_tasks),
         (Line(delay_ms=20, mbit=20, queue_ms=1000, loss_per_mille=10), loss_tasks))


class Results:
    """Numbers by carrier and name, one a round, and what failed."""

    def __init__(self):
        self.micro = []
        self.numbers = {}
        self.failures = []
        self.remarks = []

    def add(self, carrier, name, values):
        for key, value in values.items():
            self.numbers.setdefault(carrier, {}).setdefault(f"{name} {key}", []).append(value)
        print(f"  {carrier:<9} {name:<14} " + "  ".join(f"{key} {value:.4g}" for key, value in values.items()), flush=True)

    def fail(self, carrier, name, reason):
        self.failures.append((carrier, name, " ".join(str(reason).split())[:500]))
        print(f"  {carrier:<9} {name:<14} FAILED: {self.failures[-1][2]}", flush=True)

    def remark(self, carrier, text):
        self.remarks.append((carrier, text))
        print(f"  {carrier:<9} REMARK: {text}", flush=True)

    def median(self, carrier, name):
        values = self.numbers.get(carrier, {}).get(name)
        return statistics.median(values) if values else None

    def failed(self, carrier, name):
        """Whether the measurement that gives this number failed in any round."""
        return any(c == carrier and name.startswith(f"{n} ") for c, n, _ in self.failures)


@contextlib.contextmanager
def standing(kind, line, options, results, times_setup):
    """A topology with the carrier in place. With `times_setup`, how long that took is a result."""
    with contextlib.ExitStack() as stack:
        topology = stack.enter_context(Topology())
        choose_congestion_control(topology, options.congestion)
        acquaint(topology)
        if line:
            stack.enter_context(Wan(topology, relay_beside(options.isthmus), line))
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


def run_tasks(kind, options, line, tasks, results):
    """All the tasks on one topology; after one that failed the rest get a fresh one."""
    left = [task for task in tasks if kind.carries_packets or not task.packets]
    times_setup = line is None and "setup" in options.parts
    attempts = 0
    while (left or times_setup) and attempts < MOST_ATTEMPTS:
        try:
            with standing(kind, line, options, results, times_setup) as carrier:
                times_setup, attempts = False, 0
                while left and measure(carrier, left.pop(0), results):
                    pass
        except Exception as error:  # noqa: BLE001  (the other carriers are to be measured all the same)
            attempts += 1
            reason = describe(error)
            results.fail(kind.name, "setup", reason)
    for task in left:
        results.fail(kind.name, task.name, f"not tried: {reason}")


def measure_micro(options, results):
    try:
        results.micro = micro.run(options.isthmus)
    except Exception as error:  # noqa: BLE001
        results.fail("isthmus", "micro-benchmarks", describe(error))


def run(options, results):
    for number in range(options.rounds):
        for line, make in LINES:
            # The same packets are lost for each carrier of a round, and others in the next.
            line = line and dataclasses.replace(line, seed=1 + 10 * number)
            tasks = [task for task in make(options) if task.part in options.parts]
            for name in options.carriers:
                if has_work(CARRIERS[name], line, tasks, options):
                    print(f"round {number + 1} of {options.rounds}: {name}{f', {describe_line(line)}' if line else ''}", flush=True)
                    run_tasks(CARRIERS[name], options, line, tasks, results)


def has_work(kind, line, tasks, options):
    return any(kind.carries_packets or not task.packets for task in tasks) or (line is None and "setup" in options.parts)


def describe_line(line):
    return f"{line.mbit} Mbit/s, {2 * line.delay_ms} ms" + (f", {line.loss_per_mille / 10:g} % lost" if line.loss_per_mille else "")


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--isthmus", type=pathlib.Path, default=ROOT / "build/release/bin/isthmus",
                        help="the program; by default build/release/bin/isthmus")
    parser.add_argument("--quick", action="store_true", help="one round of a second each")
    parser.add_argument("--only", nargs="+", choices=[*CARRIERS, *PARTS], default=[], metavar="NAME",
                        help=f"of the carriers {', '.join(CARRIERS)} and the parts {', '.join(PARTS)}; by default all")
    parser.add_argument("--rounds", type=int, default=3, help="by default %(default)s")
    parser.add_argument("--seconds", type=float, default=4.0,
                        help=f"a measurement, by default %(default)g; those over a narrow line take {WAN_TIMES} times as long")
    parser.add_argument("--congestion", default="cubic", help="the TCP congestion control of all hosts: %(default)s, Linux' default, or bbr, reno")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="every number of every round")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md: not with --quick or --only, for the page is of whole runs")
    options = parser.parse_args()
    if options.write and (options.quick or options.only):
        parser.error("--write replaces the page docs/benchmarks.md, which is of whole runs: leave out --quick and --only")
    if options.quick:
        options.rounds, options.seconds = 1, 1.0
    options.carriers = [name for name in CARRIERS if name in options.only] or list(CARRIERS)
    options.wan_times = WAN_TIMES
    options.parts = [name for name in PARTS if name in options.only] or list(PARTS)
    return options


def main():
    options = parsed()
    options.isthmus = options.isthmus.resolve()
    if os.geteuid() != 0:
        sys.exit("stream.py makes network namespaces: run it as root")
    if not options.isthmus.exists():
        sys.exit(f"{options.isthmus} is not built: make bench")
    machine, results, interrupted = report.Machine.here(ROOT), Results(), False
    try:
        if "micro" in options.parts:
            measure_micro(options, results)
        run(options, results)
    except (KeyboardInterrupt, SystemExit):
        interrupted = True
        results.remark("all", "interrupted: the rounds are not complete")
    options.write = options.write and not interrupted
    show(results, options, machine)
    return 1 if results.failures or interrupted else 0


def show(results, options, machine):
    print("\n" + report.as_text(results, options.carriers))
    if options.json:
        options.json.write_text(json.dumps({"machine": dataclasses.asdict(machine), "rounds": options.rounds, "seconds": options.seconds,
                                            "congestion": options.congestion, "micro": results.micro, "numbers": results.numbers,
                                            "failures": results.failures, "remarks": results.remarks}, indent=1) + "\n")
    if options.write:
        (ROOT / "docs/benchmarks.md").write_text(report.as_page(results, options, machine))


if __name__ == "__main__":
    sys.exit(main())
