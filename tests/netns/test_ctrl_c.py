"""ctrl-C on a real terminal reaches the whole foreground group, ssh too, and still both ends are undone at once.

    hostA ── fellini (isthmus up, on a pty) ═══ router ═══ polanski (sshd) ── hostB
"""
import os
import pty
import select
import time

from support.gateway import Gateway
from support.netns import LAN_A, LAN_B, POLANSKI_OUT, Topology, wait_until
from support.sshd import Sshd


def on_terminal(argv, env):
    """Starts argv as the foreground group of a terminal of its own; its process id and our side of the terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(argv[0], argv, env)
    return pid, terminal


def ended(pid, terminal, shown):
    """The exit status, in a list, once it has ended; `shown` gets what was printed until then. A terminal that nobody reads
    would stop who writes to it."""
    done, status = os.waitpid(pid, os.WNOHANG)
    while select.select([terminal], [], [], 0.05)[0]:
        try:
            shown.append(os.read(terminal, 65536).decode(errors="replace"))
        except OSError:
            break
    return done and [os.waitstatus_to_exitcode(status)]


def test_ctrl_c_on_a_terminal_undoes_both_ends(isthmus):
    with Topology() as topology, Sshd(topology, "polanski", program=isthmus) as sshd:
        near, far = Gateway(topology, "fellini", isthmus), Gateway(topology, "polanski", isthmus)
        argv = [str(isthmus), "up", *sshd.client_args(), f"root@{POLANSKI_OUT}", "--offer", LAN_A, "--accept", LAN_B]
        pid, terminal = on_terminal(topology.argv("fellini", argv), {**topology.env, **near.env, "TERM": "xterm"})
        shown = []
        joined = "ctrl-C undoes everything"
        assert wait_until(lambda: ended(pid, terminal, shown) or joined in "".join(shown), 30, what="up stands") is True, shown
        wait_until(lambda: near.is_proven() and far.is_proven(), 5, what="the proof at both ends")
        assert len(near.pids("ssh")) == 1
        os.write(terminal, b"\x03")
        pressed = time.monotonic()
        assert wait_until(lambda: ended(pid, terminal, shown), 8, what="up ends") == [0]
        near.wait_clean(2)
        # A Terminate-Request came through: the far end does not hold the session for its minute.
        far.wait_clean(5)
        assert time.monotonic() - pressed < 8


def test_a_failure_is_told_once_on_a_terminal(isthmus):
    with Topology() as topology, Sshd(topology, "polanski", program=isthmus) as sshd:
        near = Gateway(topology, "fellini", isthmus)
        argv = [str(isthmus), "up", *sshd.client_args(), f"root@{POLANSKI_OUT}", "--offer", "10.8.0.0/16", "--accept", LAN_B]
        pid, terminal = on_terminal(topology.argv("fellini", argv), {**topology.env, **near.env, "TERM": "xterm"})
        shown = []
        assert wait_until(lambda: ended(pid, terminal, shown), 20, what="up ends") == [31]
        text = "".join(shown)
        assert text.count("leads to 10.8.0.0/16") == 1 and "\\x0a" not in text and "has ended" not in text, text
