"""The stream beside its peers: plain routing, isthmus, `ssh -w` and sshuttle; ratios to `ssh -w`."""
import measures
import report
from carriers import Isthmus, Plain, SshW, Sshuttle
from harness import Leg, Suite, Task, flood_task, rtt_tasks, tcp_tasks
from report import OURS, WORDS, Row, bound, difference, ratio, tcp_names, worst
from support.wan import Line
from ways import LongWay, Way

REFERENCE = "ssh-w"
WAYS = ("up", "down", "both")
# A narrow line is filled slowly, and four flows need a while to find their shares.
WAN_TIMES = 5
WAN_LEAD = 2.0
TCP = tcp_names((4, 6), WAYS)


def lan_tasks(options):
    return [*rtt_tasks(options.seconds), *tcp_tasks("tcp", options, (4, 6), WAYS), flood_task("datagrams", "datagrams", options)]


def wan_tasks(options):
    seconds = options.seconds * WAN_TIMES
    return [Task("wan", "wan idle", lambda t: measures.idle(t, options.seconds), packets=True),
            *[Task("wan", f"wan {way}", lambda t, way=way: measures.loaded(t, way, seconds, WAN_LEAD), packets=True) for way in ("up", "down")]]


def loss_tasks(options):
    return [Task("loss", "loss", lambda t: measures.tcp(t, "up", 1, 4, options.seconds * WAN_TIMES))]


def rows():
    table = [*report.rate_rows(TCP), *report.cost_rows(TCP), *report.rtt_rows(),
             Row("datagrams received", "64-octet packets, A→B, received", "1/s"), Row("setup seconds", "set-up beyond the login", "s", "{:.2f}"),
             Row("wan idle median", "20 Mbit/s, 40 ms: RTT idle", "ms")]
    for way in ("up", "down"):
        table += [Row(f"wan {way} median", f"20 Mbit/s: RTT under load {WORDS[way]}", "ms"),
                  Row(f"wan {way} p95", f"20 Mbit/s: RTT under load {WORDS[way]}, 95 %", "ms"),
                  Row(f"wan {way} jain", f"20 Mbit/s: Jain index of four flows {WORDS[way]}", "", "{:.3f}"),
                  Row(f"wan {way} rate", f"20 Mbit/s: four flows {WORDS[way]} together", "Mbit/s", "{:.1f}")]
    return (*table, Row("loss rate", "20 Mbit/s, 1 % lost: one TCP flow A→B", "Mbit/s", "{:.1f}"))


ROWS = rows()


def goals(results):
    """The goals of the stream at speed, each with what was found."""
    def to_reference(names, choose):
        return worst(ROWS, choose, lambda name: ratio(results, name, REFERENCE), names)

    rate, which_rate = to_reference([f"{name} rate" for name, _ in TCP], min)
    cpu, which_cpu = to_reference([f"{name} cpu" for name, _ in TCP], max)
    rtt, which_rtt = to_reference(["rtt up median", "rtt down median"], max)
    found = [
        bound("TCP throughput at least 4 times ssh -w's", rate, lambda v: v >= 4, remark=which_rate),
        bound("CPU per GB at most a quarter of ssh -w's", cpu, lambda v: v <= 0.25, remark=which_cpu),
        bound("RTT under load at most a quarter of ssh -w's", rtt, lambda v: v <= 0.25, remark=which_rtt),
        bound("set-up to the first good ping under 0.6 s beyond `ssh host true`", results.median(OURS, "setup seconds"),
              lambda v: v < 0.6, "{:.2f} s")]
    for way in ("up", "down"):
        theirs = difference(results, f"wan {way} median", "wan idle median", REFERENCE)
        found.append(bound(f"20 Mbit/s, a second of queue, 40 ms: RTT under load {WORDS[way]} within 60 ms of idle",
                           difference(results, f"wan {way} median", "wan idle median"), lambda v: v <= 60, "{:.0f} ms more",
                           "" if theirs is None else f" (ssh -w: {theirs:.0f} ms more)"))
    for way in ("up", "down"):
        found.append(bound(f"four flows there share with a Jain index of 0.9, {WORDS[way]}", results.median(OURS, f"wan {way} jain"),
                           lambda v: v >= 0.9, "{:.3f}"))
    return [*found, bound("with 1 % lost, at least 0.75 of what plain TCP gets", ratio(results, "loss rate", "plain"), lambda v: v >= 0.75)]


HOW = f"""\
Packets in PPP on ssh's stream, the path while UDP is shut, with the offloads of veth as they are.

- **plain routing**: the router knows both networks. What the path itself does.
- **isthmus**: `isthmus up --path stream` with both families, as installed, nothing tuned.
- **ssh -w**: `Tunnel=point-to-point` with aes128-gcm@openssh.com, addresses and routes by hand.
- **sshuttle**: on fellini with `--method nft`, over the same ssh; it carries TCP alone, hence "–" for ping and datagrams, and its set-up
  is until the first octet over TCP.

64-octet packets are UDP over IPv4 with 36 octets of payload, sent one by one by sendmmsg as fast as a core can.

"20 Mbit/s" is a router with tbf and a second of queue each way, and a relay of 20 ms each way: measured for {WAN_TIMES} times as long as the
others, the pings from the third second on. "1 % lost" drops that share of the packets in both directions there by a seeded generator.
"""
SHAPE = report.Shape("The stream", HOW, ROWS, {REFERENCE: "isthmus : ssh -w"}, goals,
                     {"ssh": ["ssh", "-V"], "sshuttle": ["sshuttle", "--version"], "iperf3": ["iperf3", "--version"]})
LINE = Line(delay_ms=20, mbit=20, queue_ms=1000)
LOSSY = Line(delay_ms=20, mbit=20, queue_ms=1000, loss_per_mille=10)
SUITE = Suite("stream", ("setup", "rtt", "tcp", "datagrams", "wan", "loss"), {kind.name: kind for kind in (Plain, Isthmus, SshW, Sshuttle)},
              (Leg(Way(), lan_tasks, times_setup=True), Leg(LongWay("20 Mbit/s, 40 ms", line=LINE), wan_tasks),
               Leg(LongWay("20 Mbit/s, 40 ms, 1 % lost", line=LOSSY), loss_tasks)), SHAPE)
