"""What OpenSSH does with the terminal's ctrl-C, on which undo depends: io/child_process.h starts ssh with SIGINT,
SIGQUIT and SIGHUP ignored, in our own process group, so that it may prompt and yet outlives ctrl-C."""
import os
import pty
import select
import signal
import sys
import time

import pytest

from support.netns import POLANSKI_OUT, POLANSKI_OUT6

ALONE = "how soon ssh ends is measured"

# Stands for isthmus under a terminal: starts ssh, has a line echoed through it, waits for ctrl-C, and tries again.
PARENT = r"""
import signal, subprocess, sys
ignores, ssh = sys.argv[1] == "ignored", sys.argv[2:]
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
def prepare():
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN if ignores else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
child = subprocess.Popen([*ssh, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, preexec_fn=prepare)
def echoes():
    try:
        child.stdin.write(b"frame\n")
        return child.stdout.readline() == b"frame\n"
    except BrokenPipeError:
        return False
print("stream", "up" if echoes() else "down", flush=True)
signal.sigtimedwait([signal.SIGINT], 10)
try:
    child.wait(0.5)
except subprocess.TimeoutExpired:
    pass
print("ssh", "alive" if child.poll() is None and echoes() else "gone", flush=True)
child.terminate()
child.wait(5)
"""


class Terminal:
    """A pseudo-terminal whose foreground process is argv on fellini."""

    def __init__(self, topology, argv):
        self.screen = ""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            full = topology.argv("fellini", argv)
            os.execvpe(full[0], full, topology.env)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.master)
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(self.pid, 0)

    def shows(self, *texts, seconds=15):
        """Reads until one of the texts has been shown since the last call, and returns it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for text in texts:
                if text in self.screen:
                    self.screen = self.screen.split(text, 1)[1]
                    return text
            if not select.select([self.master], [], [], 0.1)[0]:
                continue
            try:
                self.screen += os.read(self.master, 4096).decode(errors="replace")
            except OSError:  # its last process has ended
                break
        raise AssertionError(f"none of {texts} within {seconds} s; the terminal shows: {self.screen!r}")

    def press_ctrl_c(self):
        os.write(self.master, b"\x03")


def terminal_with_ssh(topology, dispositions, ssh):
    return Terminal(topology, [sys.executable, "-c", PARENT, dispositions, "ssh", *ssh, "-T", f"root@{POLANSKI_OUT}"])


@pytest.mark.parametrize("dispositions, fate", [("ignored", "ssh alive"), ("default", "ssh gone")])
def test_ssh_outlives_ctrl_c_only_if_it_inherits_ignored_signals(topology, sshd, dispositions, fate):
    with terminal_with_ssh(topology, dispositions, sshd.client_args()) as terminal:
        terminal.shows("stream up")
        terminal.press_ctrl_c()
        assert terminal.shows("ssh alive", "ssh gone") == fate


def test_the_ssh_of_a_jump_host_outlives_ctrl_c_too(topology, sshd):
    ssh = [*sshd.client_args(), "-J", f"root@[{POLANSKI_OUT6}]"]
    with terminal_with_ssh(topology, "ignored", ssh) as terminal:
        terminal.shows("stream up")
        terminal.press_ctrl_c()
        assert terminal.shows("ssh alive", "ssh gone") == "ssh alive"


def test_ctrl_c_at_a_prompt_ends_ssh_although_the_signal_is_ignored(topology, sshd):
    sshd.known_hosts.write_text("")
    ssh = ["-o", "StrictHostKeyChecking=ask", *sshd.client_args()]
    with terminal_with_ssh(topology, "ignored", ssh) as terminal:
        terminal.shows("fingerprint])?")
        terminal.press_ctrl_c()
        terminal.shows("stream down")
        assert terminal.shows("ssh alive", "ssh gone") == "ssh gone"
