"""The program faced with a peer that means harm (hostile_peer.py), at either end, and what that cost it."""
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

from support import hostile_peer
from support.joins import own_processes
from support.netns import LAN_A, LAN_B, POLANSKI_OUT, wait_until

PEER = [sys.executable, "-B", hostile_peer.__file__]
TICK = os.sysconf("SC_CLK_TCK")


def cost_of(pid):
    """Seconds of processor time, its ended children's included, and the largest resident set so far, in MiB."""
    with contextlib.suppress(OSError, IndexError):
        words = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        peak = re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())
        return sum(map(int, words[11:15])) / TICK, int(peak[1]) / 1024 if peak else 0.0
    return 0.0, 0.0


class Attack:
    """One scenario against one end. `host` is where the program runs; leaving the block ends both."""

    host = None

    def __init__(self, near, scenario):
        self.near = near
        self.topology = near.topology
        self.scenario = scenario
        self.path = self.topology.directory / f"{scenario}-{time.monotonic_ns()}.json"
        self.log = self.path.with_suffix(".log")
        self.cpu = self.peak = 0.0
        self.process = None

    def start(self, host, argv):
        with self.log.open("wb") as log:
            self.process = self.topology.popen(host, argv, env=self.near.env, stdout=log, stderr=log, start_new_session=True)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=10)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def sample(self):
        for pid in own_processes(self.topology, self.host):
            cpu, peak = cost_of(pid)
            self.cpu, self.peak = max(self.cpu, cpu), max(self.peak, peak)

    def report(self, seconds=40):
        """What the peer saw, once it has played its scenario."""
        def is_there():
            self.sample()
            return self.path.exists()
        wait_until(is_there, seconds, every=0.1, what=f"the end of {self.scenario}\n{self.text}\n")
        self.sample()
        return json.loads(self.path.read_text())

    def end(self, seconds=30):
        """The exit status of the program, which ends by itself."""
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it goes on:\n{self.text}") from None

    def wait_said(self, pattern, seconds=20):
        wait_until(lambda: re.search(pattern, self.text, re.M), seconds, what=f"{pattern}\n{self.text}\n")


class AtCaller(Attack):
    """`isthmus up -e` runs the peer in place of ssh."""

    host = "fellini"
    lan, lan_host, far_lan, gateway = LAN_A, "hostA", LAN_B, "193.6.35.12"

    def __enter__(self):
        peer = " ".join([*map(str, PEER), self.scenario, str(self.path)])
        self.start("fellini", [self.near.program, "up", "-e", peer, "--accept", LAN_B, "--offer", LAN_A, "--hold", "1",
                               "--address", "192.168.0.1:192.168.0.2", "hostile"])
        return self

    @property
    def text(self):
        return self.log.read_text(errors="replace")


class AtCalledEnd(Attack):
    """The peer calls by real ssh: sshd runs `isthmus attach` with a peer file."""

    host = "polanski"
    lan, lan_host, far_lan, gateway = LAN_B, "hostB", LAN_A, "193.6.37.12"

    def __enter__(self):
        server = self.near.server
        server.syslog.clear()
        server.peer("hostile", f'accept = ["{LAN_A}"]\noffer = ["{LAN_B}"]\nhold = 1\naddress = "192.168.0.1:192.168.0.2"\n')
        ssh = ["ssh", "-F", server.client_config, f"root@{POLANSKI_OUT}", "isthmus attach --peer hostile"]
        self.start("fellini", [*PEER, self.scenario, self.path, "--", *ssh])
        return self

    @property
    def text(self):
        return self.log.read_text(errors="replace") + "\n".join(self.near.server.syslog)


ENDS = {"caller": AtCaller, "called end": AtCalledEnd}
