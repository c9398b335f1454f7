"""What carries packets between the two sites: nothing but routes, isthmus, `ssh -w`, sshuttle; tunnels.py has what calls no sshd.
Each is set up as its own documentation would have a person do it, and goes with its topology.

A carrier serves (an sshd, the called end: what stands before), starts, and is alive as long as its process is.
"""
import contextlib
import json
import pathlib
import re
import signal
import subprocess

from support.joins import BOTH
from support.netns import HOST_A, HOST_A6, HOST_B, HOST_B6, LAN_A, LAN_A6, LAN_B, LAN_B6, POLANSKI_OUT, Failed, wait_until
from support.sshd import PATH, Sshd

GATEWAYS = ("fellini", "polanski")
CIPHER = "aes128-gcm@openssh.com"
FORWARDING = ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]


class Carrier:
    """What all share: a topology, and a process on fellini whose output is kept."""

    name = ""
    title = ""
    carries_packets = True  # ICMP and UDP as well as TCP

    def __init__(self, topology, program):
        self.topology = topology
        self.program = program
        self.process = None
        self.log = topology.directory / f"{self.name}.log"

    def serve(self, stack):
        """What stands before anyone calls; `stack` ends it, and what `start` begins."""

    def start(self):
        """Gives the commands that make the tunnel; it need not stand when they return."""

    def settle(self):
        """Waits until the carrier itself says that it stands."""

    def log_in(self):
        """The same login with nothing to do, to subtract from the time of setting up; nothing where nobody logs in."""

    def ending(self):
        """Why it is not alive, or None."""
        if self.process is None or self.process.poll() is None:
            return None
        return f"{self.title} ended with {self.process.returncode}: {self.last_words()}"

    def last_words(self):
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return " | ".join(line.strip() for line in lines[-3:])[-400:]

    def misbehaviour(self):
        """What went wrong without ending it, in a line, or None."""

    def reports(self):
        """What it has counted, a line each; it may end by being asked."""
        return []

    def run_on_fellini(self, argv, env=None):
        with self.log.open("wb") as log:
            self.process = self.topology.popen("fellini", argv, env=env, stdout=log, stderr=log, start_new_session=True)


class Plain(Carrier):
    """The router knows the LANs and the gateways forward: what the path itself does."""
    name, title = "plain", "plain routing"

    def start(self):
        for host in GATEWAYS:
            self.topology.run(host, ["sysctl", "-qw", *FORWARDING])
        for lan, gateway in ((LAN_A, "193.6.34.12"), (LAN_B, "193.6.36.12"), (LAN_A6, "2001:db8:34::12"), (LAN_B6, "2001:db8:36::12")):
            self.topology.ip("router", "route", "add", lan, "via", gateway)


class OverSsh(Carrier):
    """What calls an sshd on polanski."""

    config = ()

    def serve(self, stack):
        self.sshd = stack.enter_context(Sshd(self.topology, "polanski", program=self.program, config=self.config))
        stack.callback(self.stop)

    def stop(self):
        if self.process is not None:
            end(self.process)

    def ssh(self, *words):
        return ["ssh", *self.sshd.client_args(), "-o", f"Ciphers={CIPHER}", *words]

    def log_in(self):
        self.topology.run("fellini", self.ssh(f"root@{POLANSKI_OUT}", "true"), timeout=20)


class Isthmus(OverSsh):
    """`isthmus up` as installed, but for the path that is to be measured."""
    name, title = "isthmus", "isthmus"
    path = "stream"

    def start(self):
        argv = [self.program, "up", *self.sshd.client_args(), f"root@{POLANSKI_OUT}", "--path", self.path, *BOTH]
        self.run_on_fellini(argv, env=self.env())

    def env(self):
        return {"PATH": f"{self.program.parent}:{PATH}"}

    def settle(self):
        wait_until(lambda: re.search(r"(?m)^joined\b", self.log.read_text(errors="replace")) or self.ending(), 30, what="the proof of the join")
        if self.ending():
            raise Failed(self.ending())
        wait_until(lambda: self.ways() == [self.path] * 2, 30, what=f"packets by {self.path} in both directions")

    def ways(self):
        """What carries the packets out of each end, as its `status` says."""
        said = [self.topology.run(host, [self.program, "status", "--json"], env=self.env()).stdout for host in GATEWAYS]
        return [session.get("path") for text in said for session in json.loads(text)]

    def misbehaviour(self):
        if self.process and not self.ending() and (ways := self.ways()) != [self.path] * 2:
            return f"isthmus carries packets by {' and '.join(map(str, ways)) or 'nothing'} instead of by {self.path}"
        after = re.split(r"(?m)^joined\b.*$", self.log.read_text(errors="replace"))[1:]
        said = [line.strip() for text in after for line in text.splitlines() if re.search(r"\b(lost|again|reconnect|failed|stall)", line)]
        return f"isthmus said: {' | '.join(said)[:400]}" if said else None


class IsthmusEsp(Isthmus):
    """ESP in UDP alone: nothing crosses before datagrams do, so the first answer tells when they did."""
    path = "datagram"


class SshW(OverSsh):
    """`ssh -w` as people do it by hand: addresses and routes by commands of their own on both sides."""
    name, title = "ssh-w", "ssh -w"
    config = ("PermitTunnel yes",)

    @staticmethod
    def commands(local, remote, local6, remote6, lan, lan6):
        return (f"ip addr add {local} peer {remote} dev tun0 && ip -6 addr add {local6} peer {remote6} dev tun0 nodad && "
                f"ip link set tun0 up && ip route add {lan} dev tun0 && ip -6 route add {lan6} dev tun0 && "
                f"sysctl -qw {' '.join(FORWARDING)}")

    def start(self):
        ours, theirs = ("192.168.255.1", "192.168.255.2"), ("fd00:255::1", "fd00:255::2")
        far = self.commands(ours[1], ours[0], theirs[1], theirs[0], LAN_A, LAN_A6)
        near = self.commands(ours[0], ours[1], theirs[0], theirs[1], LAN_B, LAN_B6)
        options = ["-o", "Tunnel=point-to-point", "-o", "ExitOnForwardFailure=yes", "-w", "0:0"]
        self.run_on_fellini(self.ssh(*options, f"root@{POLANSKI_OUT}", f"{far} && exec sleep infinity"))
        # One shell that polls costs less than a process of ours for each look.
        self.topology.run("fellini", ["/bin/sh", "-ec", f"until [ -e /proc/sys/net/ipv4/conf/tun0 ]; do sleep 0.01; done; {near}"], timeout=20)


class Sshuttle(OverSsh):
    """sshuttle on the gateway, for what is forwarded through it. It carries TCP alone."""
    name, title = "sshuttle", "sshuttle"
    carries_packets = False
    # One port alone: version 1.1.1 fails where both are given.
    LISTEN = "0.0.0.0:12300,[::]"

    def start(self):
        command = " ".join(self.ssh())
        self.run_on_fellini(["sshuttle", "--method", "nft", "-l", self.LISTEN, "-e", command, "-r",
                                   f"root@{POLANSKI_OUT}", LAN_B, LAN_B6])


DESTINATIONS = {4: (HOST_A, HOST_B), 6: (HOST_A6, HOST_B6)}


def end(process):
    """SIGTERM, and SIGKILL for what does not heed it."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
    if process.poll() is None:
        process.kill()
        process.wait(timeout=10)


def program_beside(isthmus, path):
    """A program of the same build tree as isthmus."""
    found = pathlib.Path(isthmus).resolve().parent.parent / path
    if not found.exists():
        raise Failed(f"{found} is not built: cmake -DISTHMUS_TESTS=ON")
    return found
