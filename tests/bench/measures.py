"""The measurements: each takes a topology whose hosts reach one another, and gives numbers by name. It raises what tells why it
could not; whatever it started has ended by then."""
import contextlib
import itertools
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import threading
import time

from carriers import DESTINATIONS, GATEWAYS
from support.netns import Failed, wait_until

KNOCK = pathlib.Path(__file__).with_name("knock.py")
PING_INTERVAL = 0.02
# How long the load runs before the pings under it begin, and how much longer than they it lasts.
LEAD = 0.5
# How long a carrier may take to carry a first packet.
PATIENCE = 30
_ports = itertools.count(5201)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def jain(rates):
    """1 when all have the same, 1/n when one has it all."""
    return sum(rates) ** 2 / (len(rates) * sum(rate * rate for rate in rates)) if any(rates) else 0.0


def busy_seconds():
    """What all cores of the machine have been busy with, whoever with."""
    fields = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()
    user, nice, system, _, _, irq, softirq, steal = map(int, fields[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def cpu_seconds(topology):
    """User and system time of all processes on both gateways, those of children that have ended included."""
    ticks = 0
    for pid in [pid for host in GATEWAYS for pid in topology.pids(host)]:
        with contextlib.suppress(OSError):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def running(process):
    """Ends the process with the block, however that ends."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=10)


@contextlib.contextmanager
def iperf_server(topology, address):
    port = next(_ports)
    with running(topology.popen("hostB", ["iperf3", "-s", "-1", "-B", address, "-p", port], stdout=-3, stderr=-3)):
        wait_until(lambda: topology.run("hostB", ["ss", "-Hltn", f"sport = :{port}"]).stdout, 5, every=0.01, what="iperf3's server")
        yield port


def iperf_argv(port, way, streams, family, seconds):
    return ["iperf3", "-c", DESTINATIONS[family][1], "-p", port, "-t", seconds, "-P", streams, "-J", "--connect-timeout", "5000",
            *{"up": [], "down": ["-R"], "both": ["--bidir"]}[way]]


def iperf_result(returncode, text):
    """What iperf3 says in JSON; raises Failed with its error."""
    try:
        said = json.loads(text)
    except ValueError:
        raise Failed(f"iperf3 ended with {returncode}: {text.strip()[-200:] or 'no output'}") from None
    if "error" in said or "sum_received" not in said.get("end", {}):
        raise Failed(f"iperf3: {said.get('error', 'no result')}")
    return said


def silence(said):
    """The share of the seconds reported in which nothing moved, either way."""
    sums = [[interval[name]["bytes"] for name in ("sum", "sum_bidir_reverse") if name in interval] for interval in said["intervals"]]
    return sum(1 for octets in sums if sum(octets) == 0) / max(1, len(sums))


def received(end):
    """Octets that arrived, both ways together if both were sent, and in how many seconds."""
    sums = [end[name] for name in ("sum_received", "sum_received_bidir_reverse") if name in end]
    return sum(s["bytes"] for s in sums), max(s["seconds"] for s in sums)


def retransmits(end):
    """Segments that were sent again, both ways together."""
    return sum(end[name].get("retransmits", 0) for name in ("sum_sent", "sum_sent_bidir_reverse") if name in end)


def tcp(topology, way, streams, family, seconds):
    """Mbit/s of octets received; per 10⁹ of them what the gateways' processes and the whole machine spent, and what was sent again."""
    with iperf_server(topology, DESTINATIONS[family][1]) as port:
        before, busy_before = cpu_seconds(topology), busy_seconds()
        argv = iperf_argv(port, way, streams, family, seconds)
        result = topology.run("hostA", argv, check=False, timeout=seconds + 30)
        spent, busy = cpu_seconds(topology) - before, busy_seconds() - busy_before
    said = iperf_result(result.returncode, result.stdout)
    octets, taken = received(said["end"])
    if octets == 0:
        raise Failed("no octet arrived")
    gigabytes = octets / 1e9
    return {"rate": octets * 8 / 1e6 / taken, "cpu": spent / gigabytes, "machine": busy / gigabytes,
            "retransmits": retransmits(said["end"]) / gigabytes, "silent": silence(said)}


def ping(topology, seconds, family=4):
    """Round-trip times in ms, and the share of pings that were not answered."""
    count = max(5, int(seconds / PING_INTERVAL))
    argv = ["ping", "-n", "-i", PING_INTERVAL, "-c", count, "-W", "5", DESTINATIONS[family][1]]
    said = topology.run("hostA", argv, check=False, timeout=seconds * 3 + 20).stdout
    times = [float(ms) for ms in re.findall(r"time=([\d.]+)", said)]
    if len(times) < count / 2:
        raise Failed(f"{len(times)} of {count} pings were answered")
    return times, 1 - len(times) / count


def idle(topology, seconds):
    times, lost = ping(topology, seconds)
    return {"median": statistics.median(times), "p95": percentile(times, 0.95), "lost": lost}


def loaded(topology, way, seconds, lead=LEAD):
    """Round-trip times while four streams send, and how these share."""
    with iperf_server(topology, DESTINATIONS[4][1]) as port:
        with running(topology.popen("hostA", iperf_argv(port, way, 4, 4, seconds), stdout=subprocess.PIPE, text=True)) as client:
            time.sleep(lead)
            if client.poll() is not None:
                raise Failed(f"the load ended at once: {client.stdout.read()[-200:]}")
            times, lost = ping(topology, max(0.5, seconds - lead - 0.2))
            text = client.communicate(timeout=seconds + 30)[0]
    said = iperf_result(client.returncode, text)
    octets, taken = received(said["end"])
    rates = [stream["receiver"]["bits_per_second"] for stream in said["end"]["streams"]]
    return {"median": statistics.median(times), "p95": percentile(times, 0.95), "max": max(times), "lost": lost, "jain": jain(rates),
            "rate": octets * 8 / 1e6 / taken, "silent": silence(said)}


def datagrams(topology, flood, seconds, how="send", octets=64):
    """Packets of so many octets from hostA that arrive at hostB, a second, and how many were sent: one by one (`send`), or as `trains`."""
    address, port = DESTINATIONS[4][1], next(_ports)
    counter = topology.popen("hostB", [flood, "count", address, port, seconds], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with running(counter):
        if (said := counter.stdout.readline()) != "listening\n":
            raise Failed(f"datagram_flood: {said}")
        sent = topology.run("hostA", [flood, how, address, port, seconds + 0.5, octets], timeout=seconds + 10).stdout.split()
        got = counter.communicate(timeout=20)[0].split()
    if len(got) != 2 or float(got[1]) == 0:
        raise Failed(f"datagram_flood: {' '.join(got)}")
    # The queues run empty before anything else is measured.
    time.sleep(0.5)
    return {"received": int(got[0]) / float(got[1]), "sent": int(sent[0]) / float(sent[1])}


class FirstAnswer:
    """Watches, from before the carrier is started, for the first packet that comes back from hostB."""

    def __init__(self, topology, carries_packets):
        self.topology = topology
        self.carries_packets = carries_packets

    @contextlib.contextmanager
    def watched(self):
        """Gives a function that waits for that answer and returns the wall clock of its arrival."""
        address = DESTINATIONS[4][1]
        if self.carries_packets:
            asking = self.topology.popen("hostA", ["ping", "-D", "-n", "-i", "0.01", address], stdout=subprocess.PIPE, text=True)
            with running(asking):
                yield lambda: self._stamp(asking, r"\[([\d.]+)\] \d+ bytes from")
            return
        port = next(_ports)
        with running(self.topology.popen("hostB", [sys.executable, "-B", KNOCK, "answer", address, port], stdout=subprocess.PIPE, text=True)) as far:
            far.stdout.readline()
            asking = self.topology.popen("hostA", [sys.executable, "-B", KNOCK, "ask", address, port, PATIENCE], stdout=subprocess.PIPE, text=True)
            with running(asking):
                yield lambda: self._stamp(asking, r"([\d.]+)")

    @staticmethod
    def _stamp(process, pattern):
        impatience = threading.Timer(PATIENCE, process.kill)
        impatience.start()
        try:
            for line in process.stdout:
                if match := re.match(pattern, line):
                    return float(match[1])
        finally:
            impatience.cancel()
        raise Failed(f"nothing came back within {PATIENCE} s")
