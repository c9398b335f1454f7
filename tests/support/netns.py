"""Two sites and the public network between them, made of network namespaces.

    hostA ── LAN A ── fellini ────── router ────── polanski ── LAN B ── hostB
          193.6.35.0/24  │ 193.6.34.0/24 193.6.36.0/24 │  193.6.37.0/24
    2001:db8:35::/64     │ 2001:db8:34::/64   :36::/64 │  2001:db8:37::/64

Hosts route by their gateway, gateways by the router; the router knows nothing of the LANs, and no gateway forwards.
Names carry the process id, so that runs do not meet; everything is removed on exit, however it comes about.
"""
import contextlib
import dataclasses
import difflib
import itertools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

HOSTS = ("hostA", "fellini", "router", "polanski", "hostB")
PREFIX = "isth"
DEMO_TAG = "isthmus-demo"  # what `make demo KEEP=1` leaves standing

FELLINI_OUT, FELLINI_IN, HOST_A = "193.6.34.12", "193.6.35.12", "193.6.35.20"
POLANSKI_OUT, POLANSKI_IN, HOST_B = "193.6.36.12", "193.6.37.12", "193.6.37.20"
FELLINI_OUT6, FELLINI_IN6, HOST_A6 = "2001:db8:34::12", "2001:db8:35::12", "2001:db8:35::20"
POLANSKI_OUT6, POLANSKI_IN6, HOST_B6 = "2001:db8:36::12", "2001:db8:37::12", "2001:db8:37::20"
LAN_A, LAN_B = "193.6.35.0/24", "193.6.37.0/24"
LAN_A6, LAN_B6 = "2001:db8:35::/64", "2001:db8:37::/64"

# (namespace, interface, addresses) at both ends of each cable.
CABLES = (
    (("hostA", "lan0", (f"{HOST_A}/24", f"{HOST_A6}/64")), ("fellini", "lan0", (f"{FELLINI_IN}/24", f"{FELLINI_IN6}/64"))),
    (("fellini", "wan0", (f"{FELLINI_OUT}/24", f"{FELLINI_OUT6}/64")), ("router", "fellini0", ("193.6.34.1/24", "2001:db8:34::1/64"))),
    (("polanski", "wan0", (f"{POLANSKI_OUT}/24", f"{POLANSKI_OUT6}/64")), ("router", "polanski0", ("193.6.36.1/24", "2001:db8:36::1/64"))),
    (("hostB", "lan0", (f"{HOST_B}/24", f"{HOST_B6}/64")), ("polanski", "lan0", (f"{POLANSKI_IN}/24", f"{POLANSKI_IN6}/64"))),
)
DEFAULT_ROUTES = (
    ("hostA", FELLINI_IN, FELLINI_IN6), ("fellini", "193.6.34.1", "2001:db8:34::1"),
    ("hostB", POLANSKI_IN, POLANSKI_IN6), ("polanski", "193.6.36.1", "2001:db8:36::1"),
)

# Only these are read: `sysctl -a` takes longer than a join.
SYSCTLS = ("net/ipv4/ip_forward", *(f"net/ipv[46]/conf/*/{leaf}" for leaf in (
    "forwarding", "rp_filter", "accept_ra", "proxy_arp", "proxy_ndp", "accept_redirects", "send_redirects", "disable_ipv6")))
# What changes by itself: lifetimes, counters, states of duplicate address detection.
VOLATILE = (
    (re.compile(r"(valid_lft|preferred_lft) \S+"), r"\1 _"), (re.compile(r"expires -?\d+sec"), "expires _"),
    (re.compile(r"packets \d+ bytes \d+"), "packets _ bytes _"), (re.compile(r" (tentative|dadfailed|optimistic)\b"), ""),
)

# How every host begins. A new namespace takes over much of this from the machine, whatever that has. Addresses are usable
# at once: what duplicate address detection would find, the topology rules out.
BEGINNING = ("net.ipv4.ip_forward=0", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",
             "net.ipv6.conf.all.forwarding=0", "net.ipv6.conf.all.disable_ipv6=0", "net.ipv6.conf.default.disable_ipv6=0",
             "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0")

_serial = itertools.count()


class Failed(AssertionError):
    """A command that had to succeed did not; the message holds what it printed."""


@dataclasses.dataclass
class Ping:
    sent: int
    received: int
    output: str

    @property
    def ok(self):
        return self.sent > 0 and self.received == self.sent


def ip(*words):
    """Runs ip(8) with these words in the present namespace."""
    result = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Failed(f"ip {' '.join(words)}: {result.stderr.strip()}")
    return result.stdout


def wait_until(claim, seconds=10.0, every=0.05, what="the condition"):
    """Waits until claim() is true and returns its value; raises Failed after `seconds`."""
    end = time.monotonic() + seconds
    while not (value := claim()):
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds:g} s")
        time.sleep(every)
    return value


def remove_namespace(name):
    """Ends every process that lives in the namespace, by id, and removes it, with what isthmus remembers of it.

    The kernel gives the number of a namespace that is gone to a later one, which must not find the journal of a crash.
    """
    number = os.stat(f"/run/netns/{name}").st_ino if os.path.exists(f"/run/netns/{name}") else 0
    for _ in range(50):
        pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False).stdout.split()
        if not pids:
            break
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.02)
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    for state in pathlib.Path("/run/isthmus").glob(f"*-{number}"):
        shutil.rmtree(state, ignore_errors=True)


def remove_abandoned():
    """Removes namespaces and directories whose maker was killed before it could."""
    for directory, remove in (("/run/netns", lambda path: remove_namespace(path.name)),
                              ("/tmp", lambda path: shutil.rmtree(path, ignore_errors=True))):
        for path in pathlib.Path(directory).glob(f"{PREFIX}-*"):
            match = re.match(rf"{PREFIX}-(\d+)-", path.name)
            if match and not os.path.exists(f"/proc/{match[1]}"):
                remove(path)


def remove_tagged(tag):
    """Removes what a run with this tag left standing; says whether there was any."""
    spaces = sorted(pathlib.Path("/run/netns").glob(f"{tag}-*"))
    directories = sorted(pathlib.Path("/tmp").glob(f"{tag}-*"))
    for path in spaces:
        remove_namespace(path.name)
    for path in directories:
        shutil.rmtree(path, ignore_errors=True)
    return bool(spaces or directories)


def unwind_on_sigterm():
    """Turns SIGTERM into SystemExit, so that with-blocks undo what they did."""
    def leave(number, _frame):
        raise SystemExit(128 + number)
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, leave)


class Namespaces:
    """Named namespaces and what runs in them. A host is called by its plain name; names are made unique here."""

    ipv6 = True  # both families; a Topology may leave one out

    def __init__(self, hosts, tag=None):
        self.tag = tag or f"{PREFIX}-{os.getpid()}-{next(_serial)}"
        self.hosts = tuple(hosts)
        self.directory = None
        self.env = {}
        self._stack = None

    def __enter__(self):
        unwind_on_sigterm()
        remove_abandoned()
        with contextlib.ExitStack() as stack:
            self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"{self.tag}-", dir="/tmp"))
            stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
            # Other users (sshd's, a login of the tests) pass through; what is secret has its own mode.
            self.directory.chmod(0o755)
            home = self.directory / "home"
            home.mkdir()
            # Nothing of the environment of whoever runs the tests: no agent, no SUDO_USER, no locale.
            self.env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(home),
                        "LANG": "C.UTF-8", "USER": "root", "LOGNAME": "root", "SHELL": "/bin/sh", "TERM": "dumb"}
            for host in self.hosts:
                self.add_host(host, stack)
            self._stack = stack.pop_all()
        try:
            self.build()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_):
        self._stack.close()

    def leave_standing(self):
        """Nothing is removed on exit. Without a tag of its own the next run would remove it."""
        self._stack.pop_all()

    def build(self):
        """What a subclass lays between its hosts."""

    def add_host(self, host, stack=None):
        """A namespace more; it goes with the others."""
        name = self.name(host)
        (stack or self._stack).callback(remove_namespace, name)
        ip("netns", "add", name)
        self.run(host, ["sysctl", "-qw", *BEGINNING])
        ip("-n", name, "link", "set", "lo", "up")

    def name(self, host):
        """The name by which ip(8) knows the host."""
        return f"{self.tag}-{host}"

    def ip(self, host, *words):
        return ip("-n", self.name(host), *words)

    def pids(self, host):
        """The ids of all processes that live on the host."""
        return [int(pid) for pid in ip("netns", "pids", self.name(host)).split()]

    def argv(self, host, argv):
        """The command line that runs argv on the host, from outside."""
        return ["ip", "netns", "exec", self.name(host), *map(str, argv)]

    def run(self, host, argv, check=True, timeout=60, input=None, env=None, cwd=None):
        """Runs argv on the host to its end. Text in and out; raises Failed if `check` and it failed."""
        result = subprocess.run(self.argv(host, argv), input=input, capture_output=True, text=not isinstance(input, bytes),
                                timeout=timeout, env={**self.env, **(env or {})}, cwd=cwd, check=False,
                                stdin=None if input is not None else subprocess.DEVNULL)
        if check and result.returncode != 0:
            raise Failed(f"on {host}: {' '.join(map(str, argv))}: exit status {result.returncode}\n{result.stdout}{result.stderr}")
        return result

    def popen(self, host, argv, env=None, **more):
        """Starts argv on the host. Its process id is that of argv itself. It ends with the namespace at the latest."""
        more.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(self.argv(host, argv), env={**self.env, **(env or {})}, **more)

    def ping(self, host, destination, source=None, count=3, family=None, size=None, interval=0.2, wait=1):
        """Pings and says how many answers came. `source` is an address or an interface."""
        argv = ["ping", "-n", "-q", "-c", count, "-i", interval, "-W", wait]
        argv += ["-4"] if family == 4 else ["-6"] if family == 6 else []
        argv += ["-I", source] if source else []
        argv += ["-s", size] if size is not None else []
        result = self.run(host, [*argv, destination], check=False, timeout=count * (interval + wait) + 20)
        match = re.search(r"(\d+) packets transmitted, (\d+) received", result.stdout)
        sent, received = (int(match[1]), int(match[2])) if match else (0, 0)
        return Ping(sent, received, result.stdout + result.stderr)

    @contextlib.contextmanager
    def capture(self, host, interface="any", expression="", octets=0):
        """Captures what passes the host to a file, whose path it gives; complete once the block is left. Of each frame so many
        octets, or all."""
        path = self.directory / f"capture-{host}-{next(_serial)}.pcap"
        argv = ["tcpdump", "-i", interface, "-p", "-n", "-U", "--immediate-mode", "-B", "16384", "-s", octets, "-Z", "root",
                "-w", path, *expression.split()]
        process = self.popen(host, argv, stderr=subprocess.PIPE, text=True)
        try:
            first = process.stderr.readline()
            while first and "listening on" not in first:
                first = process.stderr.readline()
            if not first:
                raise Failed(f"tcpdump on {host} did not start")
            yield path
            time.sleep(0.2)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)

    def leftovers(self, host):
        """A Snapshot of all that a join may change on the host."""
        return Snapshot.take(self, host)


@dataclasses.dataclass
class Snapshot:
    """The network configuration of a host, part by part, without what changes by itself."""
    parts: dict

    COMMANDS = {
        "addresses": ["ip", "-d", "addr"], "links": ["ip", "-d", "link"],
        "routes": ["ip", "route", "show", "table", "all"], "routes IPv6": ["ip", "-6", "route", "show", "table", "all"],
        "rules": ["ip", "rule"], "rules IPv6": ["ip", "-6", "rule"],
        "proxy neighbours": ["ip", "neigh", "show", "proxy"], "proxy neighbours IPv6": ["ip", "-6", "neigh", "show", "proxy"],
        "firewall": ["nft", "list", "ruleset"],
    }
    UNORDERED = ("routes", "routes IPv6", "sysctls")

    @classmethod
    def take(cls, namespaces, host):
        # One shell a host, whose commands are parted by NUL.
        script = [f"{' '.join(argv)}; printf '\\0'" for argv in cls.COMMANDS.values()]
        script.append(f"cd /proc/sys; grep -s . {' '.join(SYSCTLS)} || true")
        texts = namespaces.run(host, ["/bin/sh", "-ec", "\n".join(script)]).stdout.split("\0")
        parts = dict(zip((*cls.COMMANDS, "sysctls"), texts, strict=True))
        return cls({name: cls.normalised(name, text) for name, text in parts.items()})

    @classmethod
    def normalised(cls, name, text):
        for pattern, replacement in VOLATILE:
            text = pattern.sub(replacement, text)
        lines = [line.rstrip() for line in text.splitlines() if " cache " not in line]
        return sorted(lines) if name in cls.UNORDERED else lines

    def diff(self, after):
        """The lines that differ, each with + or - and its part; empty when nothing was left."""
        found = []
        for name, before in self.parts.items():
            lines = difflib.unified_diff(before, after.parts[name], lineterm="", n=0)
            found += [f"{name}: {line}" for line in lines if not line.startswith(("---", "+++", "@@"))]
        return found


class Topology(Namespaces):
    """The two sites of the article. `ipv6=False` leaves the second family out."""

    def __init__(self, ipv6=True, tag=None):
        super().__init__(HOSTS, tag)
        self.ipv6 = ipv6

    def build(self):
        for (host, interface, addresses), (peer, far, far_addresses) in CABLES:
            ip("link", "add", "name", interface, "netns", self.name(host), "type", "veth", "peer", "name", far, "netns", self.name(peer))
            for end, name, list_ in ((host, interface, addresses), (peer, far, far_addresses)):
                for address in list_[:2 if self.ipv6 else 1]:
                    self.ip(end, "addr", "add", address, "dev", name, *(["nodad"] if ":" in address else []))
                self.ip(end, "link", "set", name, "up")
        for host, gateway, gateway6 in DEFAULT_ROUTES:
            self.ip(host, "route", "add", "default", "via", gateway)
            if self.ipv6:
                self.ip(host, "-6", "route", "add", "default", "via", gateway6)
        self.run("router", ["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"])
        wait_until(self.settled, what="link-local addresses")

    def settled(self):
        """Whether the kernel has done what it does by itself after a link comes up."""
        return all(":" in self.ip(host, "-6", "addr", "show", "dev", interface, "scope", "link")
                   for cable in CABLES for host, interface, _ in cable)
