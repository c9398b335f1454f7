"""What the benchmark found, as a table, and as the page docs/benchmarks.md."""
import dataclasses
import datetime
import os
import pathlib
import platform
import re
import subprocess

import micro
from carriers import CARRIERS

WORDS = {"up": "A→B", "down": "B→A", "both": "both ways"}
REFERENCE, OURS = "ssh-w", "isthmus"


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the table: the number it shows, and whether more of it is better."""
    name: str
    label: str
    unit: str
    form: str = "{:.0f}"
    more_is_better: bool = True


def tcp_names(families=(4, 6)):
    return [(f"tcp {family} {streams} {way}", f"TCP, {streams} stream{'s' if streams > 1 else ''}, {WORDS[way]}, IPv{family}")
            for family in families for streams in (1, 4) for way in ("up", "down", "both")]


def less(name, label, unit, form):
    return Row(name, label, unit, form, more_is_better=False)


def rows():
    table = [Row(f"{name} rate", label, "Mbit/s") for name, label in tcp_names()]
    table += [less(f"{name} cpu", f"CPU, {label[5:]}", "s/GB", "{:.2f}") for name, label in tcp_names()]
    table += [less("rtt idle median", "RTT idle", "ms", "{:.2f}"), less("rtt idle p95", "RTT idle, 95 %", "ms", "{:.2f}")]
    for way in ("up", "down"):
        table += [less(f"rtt {way} median", f"RTT under load {WORDS[way]}", "ms", "{:.2f}"),
                  less(f"rtt {way} p95", f"RTT under load {WORDS[way]}, 95 %", "ms", "{:.2f}")]
    table += [Row("datagrams received", "64-octet packets, A→B, received", "1/s"), less("setup seconds", "set-up beyond the login", "s", "{:.2f}")]
    table += [less("wan idle median", "20 Mbit/s, 40 ms: RTT idle", "ms", "{:.0f}")]
    for way in ("up", "down"):
        table += [less(f"wan {way} median", f"20 Mbit/s: RTT under load {WORDS[way]}", "ms", "{:.0f}"),
                  less(f"wan {way} p95", f"20 Mbit/s: RTT under load {WORDS[way]}, 95 %", "ms", "{:.0f}"),
                  Row(f"wan {way} jain", f"20 Mbit/s: Jain index of four flows {WORDS[way]}", "", "{:.3f}"),
                  Row(f"wan {way} rate", f"20 Mbit/s: four flows {WORDS[way]} together", "Mbit/s", "{:.1f}")]
    return [*table, Row("loss rate", "20 Mbit/s, 1 % lost: one TCP flow A→B", "Mbit/s", "{:.1f}")]


def cell(results, carrier, row):
    value = results.median(carrier, row.name)
    if value is None:
        return "failed" if results.failed(carrier, row.name) else "–"
    return row.form.format(value) + (" (*)" if results.failed(carrier, row.name) else "")


def ratio(results, name):
    """Ours to the reference's."""
    ours, theirs = results.median(OURS, name), results.median(REFERENCE, name)
    return ours / theirs if ours is not None and theirs else None


def table(results, carriers):
    heads = ["", "unit", *[CARRIERS[name].title for name in carriers], "isthmus : ssh -w"]
    lines = []
    for row in rows():
        if not any(row.name in results.numbers.get(name, {}) or results.failed(name, row.name) for name in carriers):
            continue
        share = ratio(results, row.name)
        lines.append([row.label, row.unit, *[cell(results, name, row) for name in carriers], "–" if share is None else f"{share:.2f}"])
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


def extreme(results, names, choose):
    """The worst ratio of these and its name."""
    found = [(ratio(results, name), name) for name in names if ratio(results, name) is not None]
    return choose(found) if found else (None, "")


def difference(results, name, base, carrier=OURS):
    value, from_ = results.median(carrier, name), results.median(carrier, base)
    return None if value is None or from_ is None else value - from_


def goals(results):
    """The goals of the stream at speed, each with what was found: where there are several numbers, the worst."""
    labels = {row.name: row.label for row in rows()}
    names = [name for name, _ in tcp_names()]
    rate, rate_name = extreme(results, [f"{name} rate" for name in names], min)
    cpu, cpu_name = extreme(results, [f"{name} cpu" for name in names], max)
    rtt, rtt_name = extreme(results, ["rtt up median", "rtt down median"], max)
    found = [bound(f"framing: {way} of random 1400-octet packets at least 10 times a plain version",
                   micro.times_plain(results.micro, f"{way}/clean/1400"), lambda v: v >= 10, "{:.1f} times") for way in ("transmit", "receive")]
    found += [
        bound("TCP throughput at least 4 times ssh -w's", rate, lambda v: v >= 4, remark=f" at worst ({labels.get(rate_name)})"),
        bound("CPU per GB at most a quarter of ssh -w's", cpu, lambda v: v <= 0.25, remark=f" of it at worst ({labels.get(cpu_name)})"),
        bound("RTT under load at most a quarter of ssh -w's", rtt, lambda v: v <= 0.25, remark=f" of it at worst ({labels.get(rtt_name)})"),
        bound("set-up to the first good ping under 0.6 s beyond `ssh host true`", results.median(OURS, "setup seconds"), lambda v: v < 0.6, "{:.2f} s")]
    for way in ("up", "down"):
        theirs = difference(results, f"wan {way} median", "wan idle median", REFERENCE)
        found.append(bound(f"20 Mbit/s, a second of queue, 40 ms: RTT under load {WORDS[way]} within 60 ms of idle",
                           difference(results, f"wan {way} median", "wan idle median"), lambda v: v <= 60, "{:.0f} ms more",
                           "" if theirs is None else f" (ssh -w: {theirs:.0f} ms more)"))
    for way in ("up", "down"):
        found.append(bound(f"four flows there share with a Jain index of 0.9, {WORDS[way]}", results.median(OURS, f"wan {way} jain"),
                           lambda v: v >= 0.9, "{:.3f}"))
    ours, plain = results.median(OURS, "loss rate"), results.median("plain", "loss rate")
    found.append(bound("with 1 % lost, at least 0.75 of what plain TCP gets", ours / plain if ours is not None and plain else None,
                       lambda v: v >= 0.75, "{:.2f}"))
    return found


def verdict(goal):
    return {None: "–", True: "met", False: "not met"}[goal.met]


def as_text(results, carriers):
    heads, lines = table(results, carriers)
    widths = [max(len(line[i]) for line in [heads, *lines]) for i in range(len(heads))]
    text = ["  ".join(word.ljust(width) if i < 2 else word.rjust(width) for i, (word, width) in enumerate(zip(line, widths, strict=True)))
            for line in [heads, *lines]]
    text += ["", *[f"{verdict(goal):<8} {goal.claim}: {goal.found}" for goal in goals(results)]]
    return "\n".join([*text, "", *remarks(results, "")])


def remarks(results, bullet):
    """What failed, and what else is to be known of a number, a line each."""
    found = [(carrier, f"{name} failed: {reason}") for carrier, name, reason in results.failures] + results.remarks
    return [f"{bullet}{CARRIERS[carrier].title if carrier in CARRIERS else carrier}: {text}" for carrier, text in found]


def markdown(heads, lines):
    rule = ["---", "---", *["---:"] * (len(heads) - 2)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [heads, rule, *lines])


def said_by(argv):
    """The first line a command prints."""
    result = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=20)
    return next(iter((result.stdout + result.stderr).splitlines()), "not there").strip()


@dataclasses.dataclass
class Machine:
    """Where it was measured, and with what."""
    date: str
    processor: str
    cores: int
    kernel: str
    load: float
    versions: dict

    @classmethod
    def here(cls, root):
        model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
        versions = {"isthmus": said_by(["git", "-c", f"safe.directory={root}", "-C", str(root), "describe", "--always", "--dirty", "--exclude=*"]),
                    "ssh": said_by(["ssh", "-V"]), "sshuttle": said_by(["sshuttle", "--version"]), "iperf3": said_by(["iperf3", "--version"])}
        return cls(datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
                   model[1] if model else platform.machine(), os.cpu_count(), platform.release(), os.getloadavg()[0], versions)


HOW = """\
# Benchmarks

What `make bench` found: isthmus beside `ssh -w`, sshuttle and plain routing, in one run on one machine.

    hostA ── fellini ── router ── polanski ── hostB

Five network namespaces joined by veth with its offloads on; fellini and polanski are the gateways. All of them, and what makes
and takes the traffic, share the cores of one machine: the **ratios** within a run say something, the absolute numbers little.
Each carrier gets fresh namespaces in each round; rounds are interleaved; a cell is the median of the rounds.

- **plain routing**: the router knows both networks. What the path itself does.
- **isthmus**: `isthmus up` with both families, as installed, nothing tuned.
- **ssh -w**: `Tunnel=point-to-point` with aes128-gcm@openssh.com, addresses and routes by hand.
- **sshuttle**: on fellini with `--method nft`, over the same ssh; it carries TCP alone, hence "–" for ping and datagrams.

TCP is iperf3's with {congestion} as congestion control, inner and outer; octets received; "both ways" is the sum of the two.
CPU is the user and system time of all processes in both gateways' namespaces (isthmus, ssh, sshd, sshuttle, python) per 10⁹
octets received; what the kernel forwards without a process is not in it. RTT is ping every 20 ms, under load during a transfer
of four streams; median and 95th percentile. 64-octet packets are UDP over IPv4 with 36 octets of payload, sent one by one by
sendmmsg as fast as a core can. Set-up is from the start of the command to the first echo that came back (for sshuttle: the
first octet over TCP), less the time of `ssh host true`.

"20 Mbit/s" is a router with tbf and a second of queue each way, and a relay of 20 ms each way: measured for {wan:g} s, the pings
from the third second on. "1 % lost" drops that share of the packets in both directions there by a seeded generator.
A goal is held against the medians, and where several numbers count, against the worst of them.

Plain routing answers a ping faster under load than idle: an idle core sleeps, and to wake it takes longer than to forward the packet.

In the micro-benchmarks an iteration of `transmit` and `receive` is 64 packets of the size that ends the name, in octets; of the
others one call. `clean` is the octet stream that we negotiate, on which only the flag and the escape octet are escaped;
`all_mapped` the ACCM ffffffff, on which all control octets are. `plain_` is a plain version to compare with, octet by octet
with a table for the FCS, as RFC 1662 has it; `portable_` ours without the processor's special instructions.
"""


def as_page(results, options, machine):
    heads, lines = table(results, options.carriers)
    how = [["date", machine.date], ["processor", f"{machine.processor}, {machine.cores} cores"], ["kernel", machine.kernel],
           ["TCP congestion control", f"{options.congestion}, inner and outer"], ["load before", f"{machine.load:.2f}"], *map(list, machine.versions.items()),
           ["rounds", f"{options.rounds}, {options.seconds:g} s a measurement"]]
    found = goals(results)
    parts = [HOW.format(congestion=options.congestion, wan=options.seconds * options.wan_times), markdown(["machine", ""], how), "\n## Goals\n",
             markdown(["goal", "verdict", "found"], [[goal.claim, verdict(goal), goal.found] for goal in found]).replace("---:", "---"),
             "\n## All of it\n", markdown(heads, lines)]
    if results.micro:
        lines = [[entry["program"], entry["name"], f"{entry['nanoseconds']:.0f}", micro.speed(entry)] for entry in results.micro]
        parts += ["\n## Micro-benchmarks\n", markdown(["program", "benchmark", "ns an iteration", ""], lines)]
    if notes := remarks(results, "- "):
        parts += ["\n## Remarks\n", "Where a cell has (*), or failed, the measurement failed in some round, or in all.\n", *notes]
    return "\n".join(parts) + "\n"
