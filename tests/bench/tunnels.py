"""Tunnels with a process on each gateway and keys of the benchmark's own: fastd, wireguard-go, OpenVPN, and our pump alone.

polanski's end stands before fellini's starts, as an sshd does; fellini calls.
"""
import contextlib
import os
import pathlib
import re
import subprocess

from carriers import FORWARDING, GATEWAYS, Carrier, end, program_beside
from support.netns import FELLINI_OUT, LAN_A, LAN_A6, LAN_B, LAN_B6, POLANSKI_OUT, Failed, wait_until

PORT = 4500
OUTER = {"fellini": FELLINI_OUT, "polanski": POLANSKI_OUT}
FAR_LANS = {"fellini": (LAN_B, LAN_B6), "polanski": (LAN_A, LAN_A6)}
PEER = dict(zip(GATEWAYS, reversed(GATEWAYS), strict=True))


def said(argv, text=None):
    """What a command prints; its errors go where ours do."""
    return subprocess.run(argv, input=text, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


class Pair(Carrier):
    """A process on each gateway, and routes into the interface that each makes."""

    def __init__(self, topology, program):
        super().__init__(topology, program)
        self.ends = {}

    def serve(self, stack):
        self.prepare()
        stack.callback(self.stop)
        self.raise_end("polanski")

    def start(self):
        self.raise_end("fellini")
        self.process = self.ends["fellini"]

    def stop(self):
        for process in self.ends.values():
            end(process)

    def ending(self):
        ended = [f"{host}'s with {process.poll()}" for host, process in self.ends.items() if process.poll() is not None]
        return f"{self.title} ended, {' and '.join(ended)}: {self.last_words()}" if ended else None

    def raise_end(self, host):
        self.topology.run(host, ["sysctl", "-qw", *FORWARDING])
        with self.log.open("ab") as log:
            self.ends[host] = self.begin(host, log)
        self.configure(host)
        wait_until(lambda: "UP" in self.shown(host) or self.ending(), 10, every=0.01, what=f"{self.interface(host)} on {host}")
        if self.ending():
            raise Failed(self.ending())
        for lan in FAR_LANS[host]:
            self.topology.ip(host, "route", "add", lan, "dev", self.interface(host))

    def shown(self, host):
        return self.topology.run(host, ["ip", "link", "show", self.interface(host)], check=False).stdout

    def prepare(self):
        """Keys, before either end starts."""

    def begin(self, host, log):
        """Starts one end; gives the process."""
        raise NotImplementedError

    def configure(self, host):
        """What is to be done to the end once it runs."""

    def interface(self, _host):
        return f"{self.name}0"

    def file(self, host, name, text=""):
        """The path of a file of this end that only root reads."""
        path = self.topology.directory / f"{self.name}-{host}-{name}"
        path.touch(mode=0o600)
        path.write_text(text)
        return path


class Pump(Pair):
    """The product's data plane alone."""
    mode, workers = "workers", 1
    name, title = "pump1", "pump, 1 worker"

    def begin(self, host, log):
        argv = [program_beside(self.program, "tests/bench/esp_pump"), self.mode, "a" if host == "fellini" else "b", PORT, OUTER[PEER[host]],
                PORT, self.interface(host), self.workers]
        process = self.topology.popen(host, argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if (said := process.stdout.readline()) != "ready\n":
            end(process)
            raise Failed(f"esp_pump: {said}")
        return process

    def reports(self):
        """Of the workers; they end with their standard input."""
        return [line for process in self.ends.values() for line in process.communicate(timeout=10)[0].splitlines()]


class Pump2(Pump):
    name, title, workers = "pump2", "pump, 2 workers", 2


class Singly(Pump):
    name, title, mode = "singly", "a packet a call", "singly"


class Fastd(Pair):
    name, title = "fastd", "fastd"

    def prepare(self):
        self.keys = {host: self.key() for host in GATEWAYS}

    @staticmethod
    def key():
        return dict(re.findall(r"(Secret|Public): (\w+)", said(["fastd", "--generate-key"])))

    def begin(self, host, log):
        # Two ends that dial each other at once need 18 s to settle it.
        remote = f"remote {OUTER[PEER[host]]}:{PORT};" if host == "fellini" else ""
        path = self.file(host, "conf", f'mode tun; interface "{self.interface(host)}"; method "aes128-gcm"; mtu 1400; bind 0.0.0.0:{PORT};\n'
                         f'secret "{self.keys[host]["Secret"]}"; on up "ip link set up dev $INTERFACE";\n'
                         f'peer "{PEER[host]}" {{ key "{self.keys[PEER[host]]["Public"]}"; {remote} }}\n')
        return self.topology.popen(host, ["fastd", "--config", path], stdout=log, stderr=log)


class WireguardGo(Pair):
    """Its socket for `wg` is the machine's, not the namespace's, and is named after the interface: so that name is the run's."""
    name, title = "wireguard-go", "wireguard-go"
    SOCKETS = pathlib.Path("/var/run/wireguard")

    def interface(self, host):
        return f"wg{os.getpid()}{host[0]}"

    def prepare(self):
        self.private = {host: said(["wg", "genkey"]) for host in GATEWAYS}
        self.public = {host: said(["wg", "pubkey"], self.private[host]) for host in GATEWAYS}
        self.had_directory = self.SOCKETS.exists()

    def begin(self, host, log):
        # Without this it advises, in a box, to use the kernel's.
        return self.topology.popen(host, ["wireguard-go", "-f", self.interface(host)], stdout=log, stderr=log,
                                   env={"WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD": "1", "LOG_LEVEL": "error"})

    def configure(self, host):
        wait_until(lambda: self.socket(host).exists() or self.ending(), 10, every=0.01, what=f"wireguard-go's socket on {host}")
        if self.ending():
            raise Failed(self.ending())
        calls = ["endpoint", f"{OUTER[PEER[host]]}:{PORT}"] if host == "fellini" else []
        self.topology.run(host, ["wg", "set", self.interface(host), "listen-port", PORT, "private-key", self.file(host, "key", self.private[host]),
                                 "peer", self.public[PEER[host]], "allowed-ips", "0.0.0.0/0,::/0", *calls])
        self.topology.ip(host, "link", "set", self.interface(host), "up")

    def socket(self, host):
        return self.SOCKETS / f"{self.interface(host)}.sock"

    def stop(self):
        super().stop()
        for host in GATEWAYS:
            self.socket(host).unlink(missing_ok=True)
        if not self.had_directory:
            with contextlib.suppress(OSError):
                self.SOCKETS.rmdir()


class OpenVpn(Pair):
    """Peer to peer over UDP with AES-128-GCM, each end knowing the other's certificate by its fingerprint."""
    name, title = "openvpn", "OpenVPN"
    ADDRESSES = {"fellini": ("192.168.255.1", "192.168.255.2"), "polanski": ("192.168.255.2", "192.168.255.1")}

    def prepare(self):
        self.files = {host: (self.file(host, "key"), self.file(host, "cert")) for host in GATEWAYS}
        self.prints = {host: self.certify(host, *self.files[host]) for host in GATEWAYS}

    @staticmethod
    def certify(host, key, certificate):
        """A key, a certificate for it signed by itself, and the fingerprint of that."""
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", f"/CN={host}", "-keyout", key, "-out", certificate], capture_output=True, check=True)
        return said(["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", certificate]).split("=")[1]

    def begin(self, host, log):
        key, certificate = self.files[host]
        side = ["--tls-client", "--remote", OUTER[PEER[host]], PORT] if host == "fellini" else ["--tls-server", "--dh", "none"]
        return self.topology.popen(host, ["openvpn", "--dev", self.interface(host), "--dev-type", "tun", "--proto", "udp4", "--lport", PORT,
                                          "--ifconfig", *self.ADDRESSES[host], *side, "--key", key, "--cert", certificate,
                                          "--peer-fingerprint", self.prints[PEER[host]], "--data-ciphers", "AES-128-GCM", "--disable-dco",
                                          "--verb", "1"], stdout=log, stderr=log)
