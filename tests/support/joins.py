"""What the end-to-end tests of joining share: a called end with a policy and a syslog of its own, `isthmus up` as a
process that is watched, and the claim that all was undone."""
import contextlib
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

from support import netns
from support.netns import LAN_A, LAN_A6, LAN_B, LAN_B6, POLANSKI_OUT, Failed
from support.program import own_processes
from support.sshd import PATH, Sshd

GATEWAYS = ("fellini", "polanski")
BOTH = ["--offer", LAN_A, "--accept", LAN_B, "--offer", LAN_A6, "--accept", LAN_B6]
IPV4 = ["--offer", LAN_A, "--accept", LAN_B]
# Device nodes that ssh, sudo and the program use, beside a /dev/log of our own.
DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "ptmx")


class CalledEnd(Sshd):
    """sshd on polanski in a machine of its own: /etc/isthmus is `policies`, what goes to syslog is collected."""

    def __init__(self, topology, program, **more):
        config = ["ExposeAuthInfo yes", *more.pop("config", ())]
        super().__init__(topology, "polanski", program=program, config=config, **more)
        self.syslog = []

    def start(self):
        self.policies = self.directory / "isthmus"
        (self.policies / "peers").mkdir(parents=True)
        self._listen()
        self.etc.prelude = self._prelude()
        super().start()

    def stop(self, sessions=True):
        super().stop(sessions)
        self.log_socket.close()

    def _listen(self):
        path = self.directory / "syslog"
        self.log_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.log_socket.bind(str(path))
        path.chmod(0o666)
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self):
        with contextlib.suppress(OSError):
            while datagram := self.log_socket.recv(65536):
                self.syslog.append(datagram.decode(errors="replace"))

    def _prelude(self):
        """Shell commands that lay the private /etc/isthmus and /dev, in a mount namespace."""
        upper, dev = self.directory / "etc_upper", self.directory / "dev"
        for path in (upper, dev):
            path.mkdir()
        nodes = " ".join(DEVICES)
        return [f"mount -t tmpfs tmpfs {upper}", f"mkdir {upper}/u {upper}/w",
                f"mount -t overlay overlay -o lowerdir=/etc,upperdir={upper}/u,workdir={upper}/w /etc",
                f"mkdir -p /etc/isthmus && mount --bind {self.policies} /etc/isthmus",
                f"for n in {nodes}; do touch {dev}/$n && mount --bind /dev/$n {dev}/$n; done",
                f"for n in net pts shm; do mkdir {dev}/$n && mount --rbind /dev/$n {dev}/$n; done",
                f"ln -s /proc/self/fd {dev}/fd", f"ln -s {self.directory}/syslog {dev}/log", f"mount --rbind {dev} /dev"]

    def peer(self, name, text):
        """Writes the peer file NAME.toml and gives its path."""
        path = self.policies / "peers" / f"{name}.toml"
        path.write_text(text)
        return path

    def policy(self, text):
        """Writes policy.toml, or with an empty text removes it."""
        path = self.policies / "policy.toml"
        path.write_text(text) if text else path.unlink(missing_ok=True)

    def forget(self):
        """No peer file, no policy, no log, and the client's key logs in as root without a forced command."""
        for path in [*self.policies.glob("*.toml"), *self.policies.glob("peers/*")]:
            path.unlink()
        for user in ("root", "slave"):
            self.forget_keys(user)
        self.authorize(self.client_key)
        self.syslog.clear()

    def force(self, command, user="root"):
        """The client's key may run this command only."""
        self.forget_keys(user)
        self.authorize(self.client_key, user=user, command=command, options=["restrict"])


class Near:
    """The program on fellini."""

    def __init__(self, topology, program, server):
        self.topology = topology
        self.program = program
        self.server = server
        self.env = {"PATH": f"{program.parent}:{PATH}"}

    def run(self, *words, host="fellini", env=None, timeout=60):
        return self.topology.run(host, [self.program, *words], check=False, env={**self.env, **(env or {})}, timeout=timeout)

    def call(self, command, *words, to=f"root@{POLANSKI_OUT}", config=None, **more):
        """`isthmus up` or `plan` to its end."""
        return self.run(command, "-F", config or self.server.client_config, to, *words, **more)

    @contextlib.contextmanager
    def joined(self, *words, code=0, name="there", down=True, **more):
        """`isthmus up --detach` around a block; gives what it printed. Afterwards all must be undone."""
        with undone(self.topology):
            result = self.call("up", "--detach", "--name", name, *words, **more)
            try:
                assert result.returncode == code, shown(result)
                yield result
            finally:
                ended = self.run("down", name)
            assert ended.returncode == 0 or not down, shown(ended)

    @contextlib.contextmanager
    def foreground(self, *words, to=f"root@{POLANSKI_OUT}", argv=()):
        """`isthmus up` in the foreground around a block; it is killed if it outlives it."""
        up = Up(self.topology, [*argv, self.program, "up", "-F", self.server.client_config, to, *words], self.env)
        try:
            yield up
        finally:
            up.kill()


class Up:
    """A running `isthmus up`; `text` is what it has printed by now."""

    def __init__(self, topology, argv, env):
        self.log = topology.directory / f"up-{time.monotonic_ns()}.log"
        with self.log.open("wb") as log:
            self.process = topology.popen("fellini", argv, env=env, stdout=log, stderr=log, start_new_session=True)

    @property
    def text(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, pattern, seconds=15):
        netns.wait_until(lambda: re.search(pattern, self.text, re.M) or self.process.poll() is not None, seconds,
                         what=f"'{pattern}' in {self.log}")
        assert re.search(pattern, self.text, re.M), self.text

    def end(self, number, seconds=10):
        """Sends the signal and gives the exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=seconds)

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=5)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=5)


def shown(result):
    return f"exit status {result.returncode}\n{result.stdout}\n{result.stderr}"


@contextlib.contextmanager
def undone(topology, hosts=GATEWAYS):
    """Whatever the block does to the hosts' network is gone soon after it, and so is every process of the program."""
    before = {host: topology.leftovers(host) for host in hosts}
    yield
    with contextlib.suppress(Failed):
        netns.wait_until(lambda: not any(own_processes(topology, host) for host in hosts), 10)
    left = {host: before[host].diff(topology.leftovers(host)) for host in hosts}
    left = {host: lines for host, lines in left.items() if lines}
    assert not left, left
    assert not any(own_processes(topology, host) for host in hosts)


def acquaint(topology):
    """The gateways get to know their hosts, as gateways do: so the proof finds them."""
    for host, gateways in (("hostA", (netns.FELLINI_IN, netns.FELLINI_IN6)), ("hostB", (netns.POLANSKI_IN, netns.POLANSKI_IN6))):
        for gateway in gateways:
            assert topology.ping(host, gateway, count=1).ok

