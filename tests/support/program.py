"""`isthmus up` as a process that is watched, wherever it runs, and the claim that it undid all it did."""
import contextlib
import os
import pathlib
import re
import signal
import subprocess

from support.netns import Failed, wait_until

JOINED = r"(?m)^joined\b"


def built_beside(program, name):
    """The path of what tests/support builds as `name`, of the build tree that the program is of."""
    path = pathlib.Path(program).resolve().parent.parent / "tests/support" / name
    if not path.exists():
        raise Failed(f"{path} is missing: build the tests of this tree (HACKING.md)")
    return str(path)


class Up:
    """A running `isthmus up` on a host; `text` is what it has said by now. Leaving the block ends it."""

    def __init__(self, topology, host, isthmus, *words, env=None):
        self.topology = topology
        self.host = host
        self.argv = [isthmus, "up", *words]
        self.env = env
        self.log = pathlib.Path(topology.directory, f"up-{id(self)}.log")
        self.process = None

    def __enter__(self):
        with self.log.open("wb") as log:
            # A session of its own: the ctrl-C of whoever runs the tests is not for it.
            self.process = self.topology.popen(self.host, self.argv, env=self.env, stdout=log, stderr=log, start_new_session=True)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=10)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def text(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, pattern=JOINED, seconds=40):
        """Waits until it has said this, and gives the match; fails with all it said."""
        found = lambda: re.search(pattern, self.text)  # noqa: E731
        with contextlib.suppress(Failed):
            wait_until(lambda: found() or self.process.poll() is not None, seconds)
        assert found(), f"not said: {pattern}\n{self.text}"
        return found()

    def interrupt(self, seconds=20):
        """Ctrl-C; gives the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=seconds)


def own_processes(topology, host):
    """The processes of the program that live on the host. The owner of a session has another name in /proc than on its command line."""
    def found():
        for pid in topology.pids(host):
            with contextlib.suppress(OSError):
                if pathlib.Path(os.readlink(f"/proc/{pid}/exe")).name == "isthmus":
                    yield pid
    # Between fork and execve a child is its parent's program for a moment.
    return sorted(set(found()) & set(found()))


@contextlib.contextmanager
def undone(topology, *hosts, seconds=15):
    """Soon after the block nothing of what it changed on the hosts is left, nor a process of the program."""
    before = {host: topology.leftovers(host) for host in hosts}
    yield

    def left():
        found = [f"{host}: {line}" for host in hosts for line in before[host].diff(topology.leftovers(host))]
        return found + [f"{host}: process {pid}" for host in hosts for pid in own_processes(topology, host)]

    with contextlib.suppress(Failed):
        wait_until(lambda: not left(), seconds, every=0.3)
    assert left() == []
