"""What the benchmarks found, as a table, and as sections of the page docs/benchmarks.md.

Each suite is a section with a machine, goals and a table of its own: it may have been measured on another day than its neighbours."""
import dataclasses
import datetime
import os
import pathlib
import platform
import re
import subprocess

WORDS = {"up": "A→B", "down": "B→A", "both": "both ways"}
OURS = "isthmus"


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the table: the number it shows."""
    name: str
    label: str
    unit: str
    form: str = "{:.0f}"


@dataclasses.dataclass(frozen=True)
class Shape:
    """How a suite's numbers are to be read: the section's heading and words, its rows, what ours is held against, its goals (a
    function of the results), and the command lines that tell the peers' versions."""
    heading: str
    how: str
    rows: tuple
    references: dict  # a carrier and the head of the column
    goals: callable
    versions: dict


def tcp_names(families, ways, prefix="", streams=(1, 4)):
    """The name of each measurement of TCP and what it is called."""
    return [(f"{prefix}tcp {family} {count} {way}", f"{count} stream{'s' if count > 1 else ''}, {WORDS[way]}, IPv{family}")
            for family in families for count in streams for way in ways]


def rate_rows(names, label="TCP"):
    return tuple(Row(f"{name} rate", f"{label}, {words}", "Mbit/s") for name, words in names)


def cost_rows(names):
    """What the octets cost, each kind by itself."""
    kinds = (("cpu", "CPU", "s/GB", "{:.2f}"), ("machine", "CPU of the whole machine", "s/GB", "{:.2f}"),
             ("retransmits", "TCP segments sent again", "1/GB", "{:.0f}"))
    return tuple(Row(f"{name} {key}", f"{label}, {words}", unit, form) for key, label, unit, form in kinds for name, words in names)


def rtt_rows():
    cases = (("idle", "RTT idle"), *((way, f"RTT under load {WORDS[way]}") for way in ("up", "down")))
    return tuple(Row(f"rtt {case} {key}", label + more, "ms", "{:.2f}")
                 for case, label in cases for key, more in (("median", ""), ("p95", ", 95 %")))


def cell(results, carrier, row):
    value = results.median(carrier, row.name)
    if value is None:
        return "failed" if results.failed(carrier, row.name) else "–"
    return row.form.format(value) + (" (*)" if results.failed(carrier, row.name) else "")


def ratio(results, name, reference):
    """Ours to the reference's."""
    ours, theirs = results.median(OURS, name), results.median(reference, name)
    return ours / theirs if ours is not None and theirs else None


def table(suite, results, carriers):
    shape = suite.shape
    heads = ["", "unit", *[suite.carriers[name].title for name in carriers], *shape.references.values()]
    lines = []
    for row in shape.rows:
        if not any(row.name in results.numbers.get(name, {}) or results.failed(name, row.name) for name in carriers):
            continue
        shares = [ratio(results, row.name, reference) for reference in shape.references]
        lines.append([row.label, row.unit, *[cell(results, name, row) for name in carriers],
                      *["–" if share is None else f"{share:.2f}" for share in shares]])
    return heads, lines


@dataclasses.dataclass
class Goal:
    """A claim of what is to be reached, and what was. `met` is None where it was not measured."""
    claim: str
    found: str = "not measured"
    met: bool | None = None


def bound(claim, value, holds, form="{:.2f}", remark=""):
    if value is None:
        return Goal(claim)
    return Goal(claim, form.format(value) + remark, holds(value))


def worst(rows, choose, value_of, names):
    """The worst of several numbers, and the words that say which it is and how many are missing; (None, "") without any."""
    labels = {row.name: row.label for row in rows}
    found = [(value, name) for name in names if (value := value_of(name)) is not None]
    if not found:
        return None, ""
    value, name = choose(found)
    missing = len(names) - len(found)
    return value, f" at worst ({labels.get(name, name)})" + (f", {missing} of {len(names)} not measured" if missing else "")


def difference(results, name, base, carrier=OURS):
    value, from_ = results.median(carrier, name), results.median(carrier, base)
    return None if value is None or from_ is None else value - from_


def verdict(goal):
    return {None: "–", True: "met", False: "not met"}[goal.met]


def goals_as_text(found):
    return [f"{verdict(goal):<8} {goal.claim}: {goal.found}" for goal in found]


def as_text(suite, results, carriers):
    heads, lines = table(suite, results, carriers)
    widths = [max(len(line[i]) for line in [heads, *lines]) for i in range(len(heads))]
    text = ["  ".join(word.ljust(width) if i < 2 else word.rjust(width) for i, (word, width) in enumerate(zip(line, widths, strict=True)))
            for line in [heads, *lines]]
    return "\n".join([*text, "", *goals_as_text(suite.shape.goals(results)), "", *remarks(suite, results, "")])


def remarks(suite, results, bullet):
    """What failed, and what else is to be known of a number, a line each."""
    found = [(carrier, f"{name} failed: {reason}") for carrier, name, reason in results.failures] + results.remarks
    return [f"{bullet}{suite.carriers[carrier].title if carrier in suite.carriers else carrier}: {text}" for carrier, text in found]


def markdown(heads, lines, left=2):
    rule = ["---"] * left + ["---:"] * (len(heads) - left)
    return "\n".join("| " + " | ".join(line) + " |" for line in [heads, rule, *lines])


def goals_as_markdown(found):
    return markdown(["goal", "verdict", "found"], [[goal.claim, verdict(goal), goal.found] for goal in found], left=3)


def said_by(argv):
    """The first line a command prints."""
    try:
        result = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=20)
    except OSError:
        return "not there"
    return next(iter((result.stdout + result.stderr).splitlines()), "not there").strip()


@dataclasses.dataclass
class Machine:
    """Where it was measured, and with what."""
    date: str
    processor: str
    cores: int
    kernel: str
    load: float
    isthmus: str

    @classmethod
    def here(cls, root):
        model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
        return cls(datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
                   model[1] if model else platform.machine(), os.cpu_count(), platform.release(), os.getloadavg()[0],
                   said_by(["git", "-c", f"safe.directory={root}", "-C", str(root), "describe", "--always", "--dirty", "--exclude=*"]))

    def lines(self):
        return [["date", self.date], ["processor", f"{self.processor}, {self.cores} cores"], ["kernel", self.kernel],
                ["load before", f"{self.load:.2f}"], ["isthmus", self.isthmus]]


INTRODUCTION = """\
# Benchmarks

What `make bench` found: isthmus beside others that join two networks, one run a section, on one machine.

    hostA ── fellini ── router ── polanski ── hostB

Five network namespaces joined by veth; fellini and polanski are the gateways. All of them, and what makes and takes the traffic,
share the cores of one machine: the **ratios** within a run say something, the absolute numbers little. Each carrier gets fresh
namespaces in each round; rounds are interleaved; a cell is the median of the rounds. A goal is held against the medians, and where
several numbers count, against the worst of them.

TCP is iperf3's, inner and outer with the same congestion control; the rate is of octets received; "both ways" is the sum of the two.
CPU is the user and system time of all processes in both gateways' namespaces per 10⁹ octets received, as /proc/PID/stat tells. So it holds
what the kernel did in their system calls, and the soft interrupts that ran at the end of those: a packet that a gateway sends goes on
through veth, router and the other gateway's queue in the sender's time. It does not hold what ran in ksoftirqd, as it may under
load, or in the time of an iperf3, so nothing of plain routing. "CPU of the whole machine" is all that its cores were busy with, iperf3 included.
RTT is ping every 20 ms, under load during a transfer of four streams; median and 95th percentile. Plain routing answers a ping faster
under load than idle: an idle core sleeps, and to wake it takes longer than to forward the packet. Set-up is from the start of the
command to the first echo that came back, less the time of `ssh host true` where there is a login.
"""
ORDER = ("The stream", "ESP in UDP", "Micro-benchmarks")


def section(suite, results, options, machine):
    """The suite's part of the page, without its heading."""
    heads, lines = table(suite, results, options.carriers)
    about = [*machine.lines(), *[[name, said_by(argv)] for name, argv in suite.shape.versions.items()],
             ["TCP congestion control", options.congestion], ["rounds", f"{options.rounds}, {options.seconds} s a measurement"]]
    parts = [suite.shape.how, markdown(["machine", ""], about), "\n### Goals\n", goals_as_markdown(suite.shape.goals(results)),
             "\n### All of it\n", markdown(heads, lines)]
    if notes := remarks(suite, results, "- "):
        parts += ["\n### Remarks\n", "Where a cell has (*), or failed, the measurement failed in some round, or in all.\n", *notes]
    return "\n".join(parts) + "\n"


def with_section(page, heading, text):
    """The page with this section in its place, and the others as they are."""
    # The words before the first heading, then by turns a heading and what is under it.
    split = re.split(r"(?m)^## (.+)\n\n", page)
    found = {**dict(zip(split[1::2], split[2::2], strict=True)), heading: text}
    return "\n".join([INTRODUCTION, *[f"## {name}\n\n{found[name].rstrip()}\n" for name in ORDER if name in found]])
