"""An ssh server that strangers keep busy: a tunnel that stands loses nothing, also when its own stream is lost meanwhile, and
comes back to a stream when the strangers' time to log in is over.

    hostA ── fellini (isthmus up) ═══ router, knocking at polanski's port 22 ═══ polanski (sshd) ── hostB
"""
import contextlib
import pathlib
import re
import subprocess
import sys
import time

from support.gateway import Gateway, kill, seconds_until
from support.ground import Ground
from support.netns import HOST_A, HOST_B, POLANSKI_OUT, Topology, wait_until
from support.pings import Pings
from support.soak import soaked
from support.sshd import Sshd

ALONE = "it takes what the machine has"

GRACE = 8  # s that sshd gives a login
CONNECTIONS = soaked(300, 1000)
SECONDS = soaked(15, 300)
KEYS_AT_ONCE = 2
MOST_DESCRIPTORS, MOST_GROWTH = 10, 4096  # of one process more than before; KiB
REDIAL = 3  # s between two calls, and what one takes on a busy machine


class KnockedGround(Ground):
    """As a Ground, with an sshd that gives up a login soon."""

    def __init__(self, topology, program):
        self.topology, self.up = topology, None
        self.sshd = Sshd(topology, "polanski", program=program, config=[f"LoginGraceTime {GRACE}"]).__enter__()
        self.near, self.far = (Gateway(topology, host, program) for host in ("fellini", "polanski"))

    def held(self):
        """Descriptors and KiB of each process of the program, of both ends."""
        found = {}
        for pid in [*self.near.pids("up"), *self.far.pids("owner")]:
            with contextlib.suppress(OSError):
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
                found[pid] = len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir())), int(re.search(r"VmRSS:\s+(\d+)", status)[1])
        return found

    @contextlib.contextmanager
    def knocking(self):
        """From the router: connections that never log in, and strangers' keys, one after another."""
        stranger = ["ssh", "-F", str(self.sshd.with_unauthorized_key()), f"root@{POLANSKI_OUT}", "true"]
        loop = ["timeout", SECONDS, "sh", "-c", f"while :; do {' '.join(stranger)}; done"]
        flood = [sys.executable, "-B", "-m", "support.ssh_flood", POLANSKI_OUT, CONNECTIONS, SECONDS]
        with contextlib.ExitStack() as started:
            for argv in (flood, *[loop] * KEYS_AT_ONCE):
                process = self.topology.popen("router", argv, cwd=pathlib.Path(__file__).parent.parent, stdout=subprocess.DEVNULL,
                                              stderr=subprocess.DEVNULL)
                started.callback(process.wait)
                started.callback(process.terminate)
            yield

    def is_full(self):
        """Whether sshd turned connections away."""
        return "MaxStartups" in self.sshd.log.read_text(errors="replace")

    def can_log_in(self):
        argv = ["ssh", *self.sshd.client_args(), "-o", "ConnectTimeout=2", f"root@{POLANSKI_OUT}", "true"]
        return self.topology.run("fellini", argv, env=self.near.env, timeout=30, check=False).returncode == 0


def watch(ground, seconds):
    """The most descriptors and KiB more than at first that any process had meanwhile."""
    first, end = ground.held(), time.monotonic() + seconds
    descriptors = grown = 0
    while time.monotonic() < end:
        time.sleep(0.5)
        now = ground.held()
        for pid in first.keys() & now.keys():
            count, resident = now[pid]
            descriptors, grown = max(descriptors, count - first[pid][0]), max(grown, resident - first[pid][1])
    return descriptors, grown


def test_strangers_that_fill_the_ssh_server_cost_a_tunnel_nothing(isthmus):
    with Topology() as topology:
        ground = KnockedGround(topology, isthmus)
        with ground.joined(), contextlib.ExitStack() as vanished:
            ground.wait_datagrams(30)
            (before,) = ground.near.pids("ssh")
            with Pings(topology, HOST_A, HOST_B) as pings:
                with ground.knocking():
                    wait_until(ground.is_full, 20, what="sshd turns connections away")
                    descriptors, grown = watch(ground, SECONDS / 3)
                    assert ground.near.pids("ssh") == [before] and ground.has_stream()
                    kill([before])
                    more, resident = watch(ground, SECONDS / 3)
                    # They go without a word, so that sshd waits for them.
                    vanished.enter_context(ground.router("oifname polanski0 tcp dport 22 drop", hook="output"))
                back = seconds_until(ground.has_stream, GRACE + REDIAL, "a stream after the flood")
                login = seconds_until(ground.can_log_in, GRACE, "a login after the flood")
                assert pings.missing() == []
            print(f"{max(descriptors, more)} descriptors and {max(grown, resident)} KiB more at most; a stream {back:.1f} s after the flood, "
                  f"a login {login:.1f} s after that")
            assert max(descriptors, more) <= MOST_DESCRIPTORS and max(grown, resident) <= MOST_GROWTH
