#!/usr/bin/python3
"""The data plane alone, with keys of the benchmark's own, beside plain routing, a pump of one packet a call and fastd, in one
run: the same traffic through the same namespaces in interleaved rounds; medians, and ratios to plain routing and fastd.

    hostA ── fellini ── router ── polanski ── hostB

    dataplane_bench.py --quick                 whether it works
    dataplane_bench.py --only pump1 fastd tcp  these carriers, this part
"""
import argparse
import contextlib
import os
import pathlib
import re
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import measures  # noqa: E402
from carriers import FORWARDING, GATEWAYS, Carrier, Plain, program_beside  # noqa: E402
from support.netns import FELLINI_IN, FELLINI_OUT, LAN_A, LAN_A6, LAN_B, LAN_B6, POLANSKI_IN, POLANSKI_OUT, Failed, Topology, wait_until  # noqa: E402

PORT = 4500
TUN = "pump0"
WAN = (("fellini", "wan0"), ("router", "fellini0"), ("router", "polanski0"), ("polanski", "wan0"))
PARTS = ("tcp", "rtt", "flood")
EXPECTED = (AssertionError, subprocess.SubprocessError, OSError, ValueError)


class Pair(Carrier):
    """A process on each gateway, and routes into the interface that each makes."""

    interface = TUN

    def start(self):
        self.ends = [self.begin(host) for host in GATEWAYS]
        self.process = self.ends[0]
        for host, lans in zip(GATEWAYS, ((LAN_B, LAN_B6), (LAN_A, LAN_A6)), strict=True):
            wait_until(lambda host=host: "UP" in self.topology.run(host, ["ip", "link", "show", self.interface], check=False).stdout,
                       5, what=f"{self.interface} on {host}")
            self.topology.run(host, ["sysctl", "-qw", *FORWARDING])
            for lan in lans:
                self.topology.ip(host, "route", "add", lan, "dev", self.interface)

    def begin(self, host):
        """Starts one end; gives the process."""
        raise NotImplementedError


class Pump(Pair):
    mode, workers = "workers", 1
    name, title = "pump1", "pump, 1 worker"

    def begin(self, host):
        end, peer = ("a", POLANSKI_OUT) if host == "fellini" else ("b", FELLINI_OUT)
        argv = [program_beside(self.program, "tests/bench/esp_pump"), self.mode, end, PORT, peer, PORT, TUN, self.workers]
        process = self.topology.popen(host, argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if (said := process.stdout.readline()) != "ready\n":
            raise Failed(f"esp_pump: {said}")
        return process

    def reports(self):
        """What the workers have counted; they end by it."""
        return [" | ".join(process.communicate(timeout=10)[0].splitlines()) for process in self.ends]


class Pump2(Pump):
    name, title, workers = "pump2", "pump, 2 workers", 2


class Singly(Pump):
    name, title, mode = "singly", "a packet a call", "singly"


class Fastd(Pair):
    name, title, interface = "fastd", "fastd", "fastd0"

    def start(self):
        self.keys = {host: self.key() for host in GATEWAYS}
        super().start()

    @staticmethod
    def key():
        said = subprocess.run(["fastd", "--generate-key"], capture_output=True, text=True, check=True)
        return dict(re.findall(r"(Secret|Public): (\w+)", said.stdout + said.stderr))

    def begin(self, host):
        other, peer = ("polanski", POLANSKI_OUT) if host == "fellini" else ("fellini", FELLINI_OUT)
        # Two ends that dial each other at once need 18 s to settle it.
        remote = f"remote {peer}:{PORT};" if host == "fellini" else ""
        path = self.topology.directory / f"fastd-{host}.conf"
        path.write_text(f'mode tun; interface "{self.interface}"; method "aes128-gcm"; mtu 1400; bind 0.0.0.0:{PORT};\n'
                        f'secret "{self.keys[host]["Secret"]}"; on up "ip link set up dev $INTERFACE";\n'
                        f'peer "{other}" {{ key "{self.keys[other]["Public"]}"; {remote} }}\n')
        path.chmod(0o600)
        with self.log.open("ab") as log:
            return self.topology.popen(host, ["fastd", "--config", path], stdout=log, stderr=log)


CARRIERS = {carrier.name: carrier for carrier in (Plain, Pump, Pump2, Singly, Fastd)}


def offload(topology, on):
    word = "on" if on else "off"
    for host, interface in WAN:
        topology.run(host, ["ethtool", "-K", interface, *[w for name in ("tso", "gso", "gro", "tx-udp-segmentation") for w in (name, word)]])


def choose_congestion_control(topology, name):
    """Of the hosts. A namespace may not set every algorithm as its default, a route may."""
    for host, gateway in (("hostA", FELLINI_IN), ("hostB", POLANSKI_IN)):
        topology.ip(host, "route", "replace", "default", "via", gateway, "congctl", name)


def tasks(options):
    flood = program_beside(options.program, "tests/bench/datagram_flood")
    seconds = options.seconds
    found = []
    if "tcp" in options.parts:
        found += [(f"tcp{streams} {way}", lambda t, s=streams, w=way: measures.tcp(t, w, s, 4, seconds))
                  for streams in (4, 1) for way in ("up", "down")]
    if "rtt" in options.parts:
        found += [("rtt idle", lambda t: measures.idle(t, seconds)), ("rtt loaded", lambda t: measures.loaded(t, "up", seconds))]
    if "flood" in options.parts:
        found += [(f"{octets} {how}", lambda t, h=how, o=octets: measures.datagrams(t, flood, seconds, h, o))
                  for octets in options.octets for how in ("send", "trains")]
    return found


def measure(carrier, label, name, run, numbers):
    try:
        values = run(carrier.topology)
    except EXPECTED as error:
        print(f"  {label:<12} {name:<12} FAILED: {error}", flush=True)
        return
    if carrier.process is None:
        values.pop("cpu", None)
    for key, value in values.items():
        numbers.setdefault((label, f"{name} {key}"), []).append(value)
    print(f"  {label:<12} {name:<12} " + "  ".join(f"{key} {value:.4g}" for key, value in values.items()), flush=True)


def run_carrier(kind, on, options, numbers):
    with Topology() as topology:
        offload(topology, on)
        choose_congestion_control(topology, options.congestion)
        carrier = kind(topology, options.program)
        with contextlib.ExitStack() as stack:
            carrier.serve(stack)
            carrier.start()
            wait_until(lambda: topology.ping("hostA", measures.DESTINATIONS[4][1], count=1).ok, 15, what=f"a ping through {carrier.title}")
            label = f"{carrier.name} {'on' if on else 'off'}"
            for name, run in tasks(options):
                measure(carrier, label, name, run, numbers)
            if isinstance(carrier, Pump) and options.reports:
                print("\n".join(f"    {report}" for report in carrier.reports()), flush=True)


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/release/bin/isthmus", help="one of the build tree")
    parser.add_argument("--quick", action="store_true", help="one round of a second each")
    parser.add_argument("--only", nargs="+", choices=[*CARRIERS, *PARTS, "on", "off"], default=[], metavar="NAME",
                        help=f"of {', '.join([*CARRIERS, *PARTS])}, and of the WAN's offloads on and off")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--congestion", default="cubic", help="the TCP congestion control of the hosts: cubic, Linux's default, or bbr")
    parser.add_argument("--octets", type=int, nargs="+", default=[64, 1372], help="of the packets of a flood")
    parser.add_argument("--reports", action="store_true", help="what the workers counted")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 1.0
    options.carriers = [name for name in CARRIERS if name in options.only] or list(CARRIERS)
    options.parts = [name for name in PARTS if name in options.only] or list(PARTS)
    options.offloads = [word for word in ("on", "off") if word in options.only] or ["on", "off"]
    return options


def show(numbers, options):
    medians = {key: statistics.median(values) for key, values in numbers.items()}
    labels = [f"{name} {word}" for word in options.offloads for name in options.carriers]
    rows = list(dict.fromkeys(name for _, name in numbers))
    print("\n" + " " * 20 + "".join(f"{label:>12}" for label in labels))
    for row in rows:
        cells = [f"{medians[label, row]:>12.4g}" if (label, row) in medians else f"{'–':>12}" for label in labels]
        print(f"{row:<20}" + "".join(cells))


def main():
    options = parsed()
    if os.geteuid() != 0:
        sys.exit("dataplane_bench.py makes network namespaces: run it as root")
    numbers = {}
    for number in range(options.rounds):
        for word in options.offloads:
            for name in options.carriers:
                print(f"round {number + 1} of {options.rounds}: {name}, offloads {word}", flush=True)
                run_carrier(CARRIERS[name], word == "on", options, numbers)
    show(numbers, options)


if __name__ == "__main__":
    main()
