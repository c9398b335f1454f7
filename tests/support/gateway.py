"""The program on a gateway of a topology: `isthmus up`, what `status` says, its processes, and what it left."""
import contextlib
import json
import os
import pathlib
import signal
import time

from support.netns import HOST_A, HOST_B, LAN_A, LAN_B, POLANSKI_OUT, Failed, wait_until
from support.sshd import PATH

MARKER = b"isthmus-marker-x"  # sixteen octets: as many as ping's pattern takes
MARKER_HEX = MARKER.hex()


def status_of(task):
    """The fields of /proc/TASK/status."""
    lines = pathlib.Path(f"/proc/{task}/status").read_text().splitlines()
    return dict(line.split(":", 1) for line in lines)


class Gateway:
    """One end: the host and the program that runs there."""

    def __init__(self, topology, host, program):
        self.topology = topology
        self.host = host
        self.program = program
        self.env = {"PATH": f"{program.parent}:{PATH}"}
        self.untouched = topology.leftovers(host)

    def isthmus(self, *words, check=True):
        """Runs the program to its end."""
        return self.topology.run(self.host, [self.program, *words], check=check, env=self.env)

    def sessions(self):
        """What `status` knows, a dictionary each."""
        return json.loads(self.isthmus("status", "--json").stdout)

    def phases(self):
        return [session["phase"] for session in self.sessions()]

    def is_proven(self):
        sessions = self.sessions()
        return (len(sessions) == 1 and sessions[0]["phase"] == "up" and sessions[0]["proof"] == "complete"
                and sessions[0]["stream"] == "up")

    def left(self):
        """What differs from how the host was before; empty when all was undone."""
        return self.untouched.diff(self.topology.leftovers(self.host))

    def tunnels(self):
        return [line for line in self.topology.ip(self.host, "-o", "link", "show", "type", "tun").splitlines() if line]

    def processes(self):
        """Process id and command line of all that lives on the host, those of the program first seen first."""
        found = {}
        for pid in self.topology.pids(self.host):
            with contextlib.suppress(OSError):
                found[pid] = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
        return found

    def pids(self, role):
        """The processes that play a role: `up`, `ssh`, `attach` (started by sshd), `owner` (the far end's session)."""
        plays = {"up": lambda words: words[1:2] == ["up"], "ssh": lambda words: words[0] == "ssh",
                 "attach": lambda words: words[1:2] == ["attach"],
                 "owner": lambda words: words[0] == "isthmus" and words[1:2] not in (["up"], ["attach"], ["status"], ["down"], ["cleanup"])}

        def players():
            return {pid for pid, words in self.processes().items() if words and plays[role](words)}
        # Between fork and execve a child has its parent's words for a moment.
        return sorted(players() & players())

    def part(self, name):
        """Of the processes that play `up` or `owner`, those of this part: `engine` reads the peer's octets, `launch` starts
        engines and ssh, and the `monitor` changes the machine."""
        found = []
        for pid in self.pids("up") + self.pids("owner"):
            with contextlib.suppress(OSError):
                called = status_of(pid)["Name"].strip()
                if called == f"isthmus-{name}" or (name == "monitor" and not called.startswith("isthmus-")):
                    found.append(pid)
        return found

    def engines(self):
        return self.part("engine")

    def wait_clean(self, seconds=10):
        """Waits until nothing differs and no process of the program lives; raises Failed with what is left."""
        def is_clean():
            return not self.own_processes() and not self.left()
        try:
            wait_until(is_clean, seconds, every=0.1)
        except Failed:
            raise Failed(f"left on {self.host}: {self.left()} {self.own_processes()}") from None

    def own_processes(self):
        return {pid: words for pid, words in self.processes().items()
                if words and pathlib.Path(words[0]).name == "isthmus"}


class Up:
    """`isthmus up` in the foreground of a gateway; ends with the block at the latest."""

    def __init__(self, gateway, sshd, *words, destination=f"root@{POLANSKI_OUT}", offer=LAN_A, accept=LAN_B):
        self.gateway = gateway
        self.argv = [gateway.program, "up", *sshd.client_args(), destination, "--offer", offer, "--accept", accept, *words]
        self.log = gateway.topology.directory / f"up-{gateway.host}-{time.monotonic_ns()}.log"
        self.process = None

    def __enter__(self):
        with self.log.open("wb") as log:
            self.process = self.gateway.topology.popen(self.gateway.host, self.argv, env=self.gateway.env, stdout=log, stderr=log,
                                                       start_new_session=True)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def text(self):
        return self.log.read_text(errors="replace")

    def wait_joined(self, seconds=30):
        """Until the proof is given."""
        def is_joined():
            if self.process.poll() is not None:
                raise Failed(f"up ended with {self.process.returncode}:\n{self.text()}")
            return self.gateway.is_proven()
        try:
            wait_until(is_joined, seconds, what="the join and its proof")
        except Failed as failure:
            raise Failed(f"{failure}\n{self.text()}") from None
        return self

    def end(self, number=signal.SIGINT, seconds=15):
        """Asks it to end and gives its exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=seconds)


@contextlib.contextmanager
def marked_ping(topology, interval=0.02, source="hostA", destination=HOST_B):
    """A ping from host to host whose packets hold MARKER, for as long as the block lasts."""
    process = topology.popen(source, ["ping", "-n", "-q", "-s", "64", "-p", MARKER_HEX, "-i", interval, "-W", 1, destination],
                             stdout=-3, stderr=-3)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def reaches(topology, source="hostA", destination=HOST_B):
    """Whether one packet and its answer cross."""
    return topology.ping(source, destination, count=1).ok


def crosses_both_ways(topology):
    return reaches(topology) and reaches(topology, "hostB", HOST_A)


def kill(pids, number=signal.SIGKILL):
    """Sends the signal to processes of a test, and says how many there were."""
    sent = 0
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
            sent += 1
    return sent


def seconds_until(claim, limit, what):
    """How long it takes until claim() is true."""
    started = time.monotonic()
    wait_until(claim, limit, every=0.05, what=what)
    return time.monotonic() - started
