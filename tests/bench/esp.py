"""ESP in UDP, as `isthmus up` drives it, beside its peers: plain routing, the same ESP moved a packet a call, fastd, wireguard-go,
OpenVPN and `ssh -w`; ratios to plain routing and to fastd. The pump of the product by itself can be asked for."""
import report
from carriers import IsthmusEsp, Plain, SshW
from harness import Leg, Suite, flood_task, rtt_tasks, tcp_tasks
from report import OURS, Row, bound, ratio, tcp_names, worst
from tunnels import Fastd, OpenVpn, Pump, Pump2, Singly, WireguardGo
from ways import QUEUE_MS, Offloads

WAYS = ("up", "down")
FLOODS = tuple((octets, how) for octets in (64, 1372) for how in ("send", "trains"))
HOW_SENT = {"send": "one by one", "trains": "in trains"}
# A flow needs a while to find the rate of a narrow line.
NARROW_TIMES = 3
NARROW_MBIT = 500
TCP, OFF, NARROW = tcp_names((4, 6), WAYS), tcp_names((4,), WAYS, "off "), tcp_names((4,), ("up",), "narrow ")
# Of ways on which every packet is alone, those whose ratios matter.
FEW = ("plain", "isthmus", "singly", "fastd", "pump1", "pump2")


def on_tasks(options):
    return [*rtt_tasks(options.seconds), *tcp_tasks("tcp", options, (4, 6), WAYS),
            *[flood_task("datagrams", f"datagrams {octets} {how}", options, how, octets) for octets, how in FLOODS]]


def off_tasks(options):
    return [*tcp_tasks("off", options, (4,), WAYS, "off "), *[flood_task("off", f"off datagrams 64 {how}", options, how) for how in HOW_SENT]]


def narrow_tasks(options):
    return tcp_tasks("narrow", options, (4,), ("up",), "narrow ", NARROW_TIMES)


def flood_rows():
    cases = [("", "", octets, how) for octets, how in FLOODS] + [("off ", "offloads off: ", 64, how) for how in HOW_SENT]
    return [Row(f"{prefix}datagrams {octets} {how} received", f"{label}{octets}-octet packets {HOW_SENT[how]}, A→B, received", "1/s")
            for prefix, label, octets, how in cases]


ROWS = (*report.rate_rows(TCP), *report.rate_rows(OFF, "offloads off: TCP"), *report.rate_rows(NARROW, f"{NARROW_MBIT} Mbit/s, 1 % lost, BBR: TCP"),
        *report.cost_rows(TCP), *report.rtt_rows(), *flood_rows(), Row("setup seconds", "set-up beyond the login", "s", "{:.2f}"))


def goals(results):
    """The goals of the data plane, each with what was found."""
    def most(names):
        return worst(ROWS, max, lambda name: results.median(OURS, name), names)

    def least(names, reference):
        return worst(ROWS, min, lambda name: ratio(results, name, reference), names)

    four = [name for name, _ in tcp_names((4, 6), WAYS, streams=(4,))]
    rate, which_rate = least([f"{name} rate" for name in four], "fastd")
    cpu, which_cpu = most([f"{name} cpu" for name in four])
    off, which_off = least([f"{name} rate" for name, _ in OFF], "plain")
    narrow, which_narrow = least([f"{name} rate" for name, _ in NARROW], "plain")
    loaded, which_loaded = most(["rtt up median", "rtt down median"])
    return [
        bound("offloads on: TCP, 4 streams, at least 10 times fastd's", rate, lambda v: v >= 10, remark=which_rate),
        bound("offloads on: TCP, 4 streams, at most 2.8 CPU seconds a GB", cpu, lambda v: v <= 2.8, remark=which_cpu),
        bound("offloads off: TCP at least 0.9 of plain routing", off, lambda v: v >= 0.9, remark=which_off),
        bound("RTT idle at most 0.2 ms", results.median(OURS, "rtt idle median"), lambda v: v <= 0.2, "{:.3f} ms"),
        bound("RTT under load at most 1.5 ms", loaded, lambda v: v <= 1.5, "{:.2f} ms", which_loaded),
        bound("64-octet packets one by one at least 3 times fastd's", ratio(results, "datagrams 64 send received", "fastd"), lambda v: v >= 3),
        bound("64-octet packets in trains at least 1.5 million a second", results.median(OURS, "datagrams 64 trains received"),
              lambda v: v >= 1.5e6, "{:.0f}"),
        bound(f"{NARROW_MBIT} Mbit/s, 1 % lost, BBR: TCP at least 0.9 of plain routing", narrow, lambda v: v >= 0.9, remark=which_narrow)]


HOW = f"""\
The path that packets take where UDP gets through. "Offloads" are those of the WAN's interfaces: on, they pass super-packets of TCP and
trains of UDP whole; off, each packet by itself. They are on unless the row says otherwise.

- **plain routing**: the router knows both networks. What the path itself does.
- **isthmus**: `isthmus up --path datagram` with both families, as installed, nothing tuned: AES-128-GCM. Nothing crosses before datagrams
  do, so its set-up is the time until they carry packets both ways.
- **a packet a call**: isthmus' own ESP and ciphers in a loop that reads, seals and sends one packet at a time, keys by hand.
- **fastd**: `mode tun`, method aes128-gcm. **wireguard-go**: Debian's, configured by `wg`; ChaCha20-Poly1305.
- **OpenVPN**: peer to peer, UDP, AES-128-GCM, in user space (no DCO).
- **ssh -w**: `Tunnel=point-to-point` with aes128-gcm@openssh.com.

In all these tunnels packets pass processes, and no kernel thread of their own; polanski's end stands before the time of the set-up
begins. Packets of 64 and of 1372 octets are UDP over IPv4, sent as fast as a core can: one by one, 64 in a call of sendmmsg, or
as trains of up to 64 in one (UDP_SEGMENT), which plain routing may carry whole to the receiver. "{NARROW_MBIT} Mbit/s" is a router with tbf
and {QUEUE_MS} ms of queue each way that drops one of a hundred packets by chance, each way, with offloads off and BBR as TCP's congestion
control, measured for {NARROW_TIMES} times as long as the others. Neither that nor offloads off is measured with wireguard-go, OpenVPN and ssh -w.
"""
WHERE = """\
### Where the time goes

By perf (cpu-clock on all processors, TCP with 4 streams A→B over IPv4, Intel Xeon with VAES, Linux 6.18), in shares of what the processors were busy with:

|  | offloads on | offloads off |
| --- | ---: | ---: |
| the way of outer packets through router and IP into the other gateway's socket | 4 % | 25 % |
| sending and receiving UDP, cutting trains up | 14 % | 24 % |
| TUN and forwarding of inner packets, the hosts' TCP in it | 23 % | 15 % |
| iperf3 and the hosts' TCP | 17 % | 10 % |
| our own code | 16 % | 12 % |
| ciphers | 15 % | 6 % |
| checksums of inner packets | 9 % | 4 % |
| epoll and sched_yield | 2 % | 2 % |

**Offloads off** the outer packets go one by one, each as far as a packet of plain routing goes, and into a socket and out of it besides;
without ciphers, checksums and any code of ours, a fifth of the whole, the rate would be a quarter higher, and still less than plain
routing's in every row: on two cores that carry both gateways and both hosts the goal leaves little for the work of a tunnel.
**RTT idle** is four wake-ups of processes (TUN and socket, there and back), of which each takes 20 to 100 µs of a processor that has
gone to sleep, and behind each the code of kernel and worker, which no cache holds any more after 20 ms of rest. "A packet a call" has the
same wake-ups and less code, and takes about 0.2 ms; pinged every 2 ms instead of 20, they take 0.14 and 0.06 ms. **RTT under load** was
7 to 10 ms while workers ran until the scheduler's tick (4 ms) and queues of megabytes stood before them: docs/design/dataplane.md.
**io_uring** could save entries into the kernel: with a super-packet a call, those, epoll and looking descriptors up are 2 % of the time,
and no second back end could win the 10 % that would justify one.
"""
SHAPE = report.Shape("ESP in UDP", HOW + WHERE, ROWS, {"plain": "isthmus : plain", "fastd": "isthmus : fastd"}, goals,
                     {"fastd": ["fastd", "--version"], "wireguard-go": ["wireguard-go", "--version"], "OpenVPN": ["openvpn", "--version"],
                      "ssh": ["ssh", "-V"], "iperf3": ["iperf3", "--version"]})
KINDS = (Plain, IsthmusEsp, Singly, Fastd, WireguardGo, OpenVpn, SshW, Pump, Pump2)
SUITE = Suite("esp", ("setup", "rtt", "tcp", "datagrams", "off", "narrow"), {kind.name: kind for kind in KINDS},
              (Leg(Offloads(), on_tasks, times_setup=True), Leg(Offloads("offloads off", on=False), off_tasks, FEW),
               Leg(Offloads(f"{NARROW_MBIT} Mbit/s, 1 % lost", "bbr", on=False, mbit=NARROW_MBIT, loss_per_cent=1), narrow_tasks, FEW)),
              SHAPE, extras=("pump1", "pump2"))
