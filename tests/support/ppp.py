"""`isthmus ppp` as tests run it, and a null-modem cable of two pseudo-terminals that remembers what was said."""
import contextlib
import os
import pty
import re
import selectors
import threading
import tty

from support.netns import wait_until


class Daemon:
    """One `isthmus ppp` on a host, its log in a file. Options are pppd's words."""

    def __init__(self, namespaces, host, program, *options, **more):
        self.namespaces = namespaces
        self.host = host
        self.log_path = namespaces.directory / f"ppp-{host}-{id(self)}.log"
        with self.log_path.open("wb") as log:
            self.process = namespaces.popen(host, [program, "ppp", *options], stderr=log, **more)

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_for(self, *texts, seconds=40):
        wait_until(lambda: all(text in self.log for text in texts) or self.process.poll() is not None, seconds,
                   what=f"{texts} in the log of {self.host}:\n{self.log}")
        assert all(text in self.log for text in texts), self.log

    def wait_up(self, remote="", ipv6=True, seconds=40):
        """`remote` tells this end's line from that of a command's whose log is mixed in."""
        self.wait_for(f"remote IP address {remote}", *(["remote LL address"] if ipv6 else []), seconds=seconds)

    @property
    def interface(self):
        return re.search(r"Using interface (\S+)", self.log)[1]

    @property
    def remote_ipv6(self):
        """The peer's link-local address with its zone, as this end's programs take it."""
        return re.findall(r"remote LL address (\S+)", self.log)[-1] + "%" + self.interface

    @property
    def local_ipv6(self):
        return re.findall(r"local  LL address (\S+)", self.log)[-1] + "%" + self.interface

    def end(self, number, seconds=30):
        """Sends the signal and returns the exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(Exception):
                self.process.wait(timeout=10)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=10)


class Cable:
    """Two terminals, `left` and `right`: what is written to one is read from the other. `said[0]` came from the left."""

    def __init__(self):
        self.masters, slaves = zip(*(pty.openpty() for _ in range(2)))
        self.left, self.right = map(os.ttyname, slaves)
        # Held open, so that a daemon that ends hangs nobody up; raw, so that nothing is echoed before one opens it.
        self._slaves = slaves
        self.said = (bytearray(), bytearray())
        for master, slave in zip(self.masters, slaves):
            tty.setraw(slave)
            os.set_blocking(master, False)
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        os.close(self._stop_write)
        self._thread.join(timeout=5)
        for fd in (*self.masters, *self._slaves, self._stop_read):
            os.close(fd)

    def _carry(self):
        pending = [bytearray(), bytearray()]  # towards each side
        with selectors.DefaultSelector() as selector:
            selector.register(self._stop_read, selectors.EVENT_READ, None)
            for side in (0, 1):
                selector.register(self.masters[side], selectors.EVENT_READ, side)
            while True:
                for key, events in selector.select():
                    side = key.data
                    if side is None:
                        return
                    if events & selectors.EVENT_READ:
                        with contextlib.suppress(OSError):
                            octets = os.read(self.masters[side], 65536)
                            self.said[side].extend(octets)
                            pending[1 - side].extend(octets)
                    self._write(pending)
                for side in (0, 1):
                    room = len(pending[1 - side]) < 65536
                    wanted = (selectors.EVENT_READ if room else 0) | (selectors.EVENT_WRITE if pending[side] else 0)
                    selector.modify(self.masters[side], wanted or selectors.EVENT_READ, side)

    def _write(self, pending):
        for side in (0, 1):
            with contextlib.suppress(BlockingIOError):
                if pending[side]:
                    del pending[side][:os.write(self.masters[side], pending[side])]
