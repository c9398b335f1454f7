#!/usr/bin/python3
"""Two sites of network namespaces, joined by the real program over a real sshd, proven, and undone without a trace.

    demo.py [--keep] ISTHMUS      the demo with the program at this path
    demo.py --remove              removes what --keep (make demo KEEP=1) left standing

The exit status is 0 when every line said ok.
"""
import argparse
import contextlib
import os
import pathlib
import re
import secrets
import shlex
import signal
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support import netns  # noqa: E402
from support.netns import (FELLINI_IN, HOST_A, HOST_A6, HOST_B, HOST_B6, LAN_A, LAN_A6, LAN_B, LAN_B6,  # noqa: E402
                           POLANSKI_IN, POLANSKI_OUT, Failed, Topology)
from support.sshd import PATH, Sshd  # noqa: E402
from support.transfer import transfer  # noqa: E402

# What `make demo KEEP=1` leaves standing. A test that keeps one takes a name of its own.
KEPT = os.environ.get("ISTHMUS_DEMO_TAG") or netns.DEMO_TAG
OCTETS = 4 << 20
GATEWAYS = ("fellini", "polanski")
JOINED = re.compile(r"^\s*joined\b", re.I | re.M)

PICTURE = """
    hostA ── LAN A ── fellini ═══════ router ═══════ polanski ── LAN B ── hostB
           193.6.35.0/24    193.6.34.12   193.6.36.12    193.6.37.0/24
           2001:db8:35::/64                              2001:db8:37::/64
"""


class Report:
    """What was checked and how it came out: one line each."""

    def __init__(self):
        self.failures = 0
        self.colour = sys.stdout.isatty()

    def heading(self, text):
        print(f"\n{self._paint('1', text)}", flush=True)

    def check(self, claim, true, remark=""):
        verdict = self._paint("32", "ok") if true else self._paint("31;1", "FAILED")
        print(f"  {claim:<66} {verdict}{f'   {remark}' if remark else ''}", flush=True)
        self.failures += not true
        return true

    def detail(self, lines, limit=30):
        for line in lines[:limit]:
            print(f"      {line}", flush=True)
        if len(lines) > limit:
            print(f"      and {len(lines) - limit} lines more", flush=True)

    def _paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.colour else text


class Join:
    """`isthmus up` in the foreground on fellini. Its output goes to a file that is shown as it grows."""

    def __init__(self, topology, program, sshd):
        self.argv = [str(program), "up", *sshd.client_args(), f"root@{POLANSKI_OUT}", "--offer", LAN_A, "--accept", LAN_B,
                     "--offer", LAN_A6, "--accept", LAN_B6]
        self.log = topology.directory / "up.log"
        self.shown = 0
        self.started = time.monotonic()
        with self.log.open("wb") as log:
            # A session of its own, so that a ctrl-C for the demo is not one for the program.
            self.process = topology.popen("fellini", self.argv, env={"PATH": f"{program.parent}:{PATH}"}, stdout=log, stderr=log,
                                          start_new_session=True)

    def show_news(self):
        text = self.log.read_text(errors="replace")
        complete = text[self.shown:text.rfind("\n") + 1]
        for line in complete.splitlines():
            print(f"  │ {line}", flush=True)
        self.shown += len(complete)

    def wait(self, claim, seconds):
        """Shows what the program says until claim() is true, it ends, or the time is over."""
        end = time.monotonic() + seconds
        while not (done := claim()) and self.process.poll() is None and time.monotonic() < end:
            self.show_news()
            time.sleep(0.05)
        self.show_news()
        return bool(done or claim())

    def is_joined(self):
        return JOINED.search(self.log.read_text(errors="replace")) is not None

    def has_ended(self):
        return self.process.poll() is not None


def lay_ground(topology, report):
    report.heading("Two sites, and a public network that does not know them")
    print(PICTURE)
    # The gateways get to know their hosts, as gateways do; and nothing reaches further.
    met = topology.ping("hostA", FELLINI_IN, count=1).ok and topology.ping("hostB", POLANSKI_IN, count=1).ok
    report.check("each host reaches its gateway", met)
    report.check("fellini reaches polanski over the public network", topology.ping("fellini", POLANSKI_OUT, count=2).ok)
    apart = topology.ping("hostA", HOST_B, count=1).received + topology.ping("hostA", HOST_B6, count=1).received == 0
    report.check("hostA does not reach hostB yet", apart)


def join(topology, program, sshd, report):
    shown = f"isthmus up -F … root@{POLANSKI_OUT} --offer {LAN_A} --accept {LAN_B} --offer {LAN_A6} --accept {LAN_B6}"
    report.heading("On fellini")
    print(f"  $ {shown}")
    joined = Join(topology, program, sshd)
    came = joined.wait(joined.is_joined, 60)
    report.check("the join stands and has given its proof", came, f"{time.monotonic() - joined.started:.1f} s")
    return joined


def prove(topology, marker, report):
    report.heading("From host to host")
    ways = (("hostA", HOST_A, "hostB", HOST_B, "IPv4"), ("hostB", HOST_B, "hostA", HOST_A, "IPv4"),
            ("hostA", HOST_A6, "hostB", HOST_B6, "IPv6"), ("hostB", HOST_B6, "hostA", HOST_A6, "IPv6"))
    reached = set()
    for sender, source, receiver, destination, family in ways:
        ping = topology.ping(sender, destination, source=source, count=5)
        if report.check(f"ping {sender} → {receiver}, {family}", ping.ok, f"{ping.received} of 5"):
            reached.add((sender, family))
    octets = (marker * (OCTETS // len(marker) + 1))[:OCTETS]
    for sender, source, receiver, destination, family in ways:
        claim = f"{OCTETS >> 20} MiB over TCP {sender} → {receiver}, {family}"
        if (sender, family) not in reached:
            report.check(claim, False, "not tried")
            continue
        moved = transfer(topology, sender, receiver, source, destination, octets)
        remark = f"SHA-256 agrees, {moved.megabit_per_second:.0f} Mbit/s" if moved.arrived_whole else moved.report
        report.check(claim, moved.arrived_whole, remark)


def packets(topology, path, expression=""):
    """How many packets of the capture match."""
    return len(topology.run("router", ["tcpdump", "-n", "-r", path, *expression.split()]).stdout.splitlines())


# ESP in UDP, at the number of ssh's port.
ESP = "udp port 22"
# What may be seen on the public side beside ssh and ESP: how IPv4 and IPv6 neighbours find each other.
NEIGHBOURLY = "arp or net ff00::/8 or (icmp6 and ip6[40] >= 133 and ip6[40] <= 137)"


def judge_public_side(topology, public, private, marker, report):
    report.heading("What the public side saw")
    ssh = packets(topology, public, "tcp port 22")
    esp = packets(topology, public, ESP)
    others = packets(topology, public, f"not tcp port 22 and not ({ESP}) and not ({NEIGHBOURLY})")
    inside = packets(topology, public, f"net {LAN_A} or net {LAN_B} or net {LAN_A6} or net {LAN_B6}")
    report.check("the marker that was transferred is seen on LAN A", marker in private.read_bytes())
    report.check("it is not seen on the public side", marker not in public.read_bytes(), f"{public.stat().st_size >> 20} MiB captured")
    report.check("nothing but ssh and ESP in UDP crossed", ssh > 0 and esp > 0 and others == 0,
                 f"{ssh} packets of ssh, {esp} of ESP, {others} others")
    report.check("no address of either LAN was seen there", inside == 0)


def tear_down(topology, joined, before, report):
    report.heading("Ctrl-C for isthmus up")
    joined.process.send_signal(signal.SIGINT)
    joined.wait(joined.has_ended, 20)
    report.check("it ends, having undone everything", joined.process.poll() == 0, f"exit status {joined.process.poll()}")
    for host in GATEWAYS:
        # The far end undoes its part after it heard that the near end is gone.
        settle(lambda host=host: not before[host].diff(topology.leftovers(host)) and not own_processes(topology, host))
        left = before[host].diff(topology.leftovers(host))
        report.check(f"{host}: links, addresses, routes, rules, nft, sysctls as before", not left)
        report.detail(left)
        report.check(f"{host}: no process of it is left", not own_processes(topology, host))
    apart = topology.ping("hostA", HOST_B, count=1).received + topology.ping("hostA", HOST_B6, count=1).received == 0
    report.check("hostA does not reach hostB any more", apart)


def settle(claim, seconds=10):
    with contextlib.suppress(Failed):
        netns.wait_until(claim, seconds, every=0.2)


def own_processes(topology, host):
    """The processes of the program that live on the host."""
    found = []
    for pid in topology.pids(host):
        with contextlib.suppress(OSError):
            if pathlib.Path(f"/proc/{pid}/comm").read_text().startswith("isthmus"):
                found.append(pid)
    return found


def keep(topology, program, joined, report):
    report.heading("Left standing, as asked")
    for host in netns.HOSTS:
        print(f"  to enter {host + ':':<10} sudo ip netns exec {topology.name(host)} bash")
    print(f"\n  what isthmus says: {topology.directory / 'up.log'}")
    here = f"sudo ip netns exec {topology.name('fellini')} env PATH={program.parent}:{PATH}"
    print(f"  to look at it:     {here} isthmus status")
    print(f"  to end the join:   {here} isthmus down {POLANSKI_OUT}")
    print(f"  to join again:     {here} \\\n    isthmus {shlex.join(joined.argv[1:])}")
    print(f"  to remove it all:  sudo {pathlib.Path(__file__).resolve()} --remove")
    print("  A later demo with KEEP=1 takes its place, and says so.")
    topology.leave_standing()


def run(program, keeps):
    report = Report()
    marker = b"plaintext of the demo " + secrets.token_hex(16).encode() + b"\n"
    with Topology(tag=KEPT if keeps else None) as topology:
        lay_ground(topology, report)
        server = Sshd(topology, "polanski", program=program)
        server.__enter__()  # It goes with the topology, or stays with it.
        before = {host: topology.leftovers(host) for host in GATEWAYS}
        with topology.capture("router") as public, topology.capture("fellini", "lan0", "tcp") as private:
            joined = join(topology, program, server, report)
            if joined.is_joined():
                prove(topology, marker, report)
        if joined.is_joined():
            judge_public_side(topology, public, private, marker, report)
        if keeps:
            keep(topology, program, joined, report)
        else:
            tear_down(topology, joined, before, report)
    report.heading("All of it true." if not report.failures else f"{report.failures} of these are NOT true.")
    return 1 if report.failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("isthmus", nargs="?", type=pathlib.Path, default=ROOT / "build/release/bin/isthmus")
    parser.add_argument("--keep", action="store_true", default=os.environ.get("KEEP", "") not in ("", "0"))
    parser.add_argument("--remove", action="store_true")
    args = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("demo.py makes network namespaces: run it as root")
    # A demo left standing by an earlier run makes room for one that is to stand itself.
    if (args.keep or args.remove) and netns.remove_tagged(KEPT):
        print("The demo is removed." if args.remove else f"The demo that KEEP=1 left standing (the namespaces {KEPT}-…) is removed.", flush=True)
    if args.remove:
        return 0
    program = args.isthmus.resolve()
    if not program.exists():
        sys.exit(f"{program} is not built: make build")
    try:
        return run(program, args.keep)
    except Failed as failure:
        print(f"\nThe demo could not go on: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; all is removed.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
