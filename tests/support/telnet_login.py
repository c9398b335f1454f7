"""A person at a telnet: `telnet_login.py ADDRESS` logs in as roman, lets the far shell reckon, leaves, and prints what was shown."""
import os
import pty
import select
import sys
import time

CONVERSATION = ((b"login: ", b"roman"), (b"password: ", b"knife"), (b"welcome", b"echo $((6*7))-is-it"), (b"42-", b"exit"))


def read_until(terminal, shown, text, seconds=20):
    """Adds what the terminal shows to `shown` until the text is there, the terminal is gone, or time is over."""
    end = time.monotonic() + seconds
    while text not in shown and time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                shown += os.read(terminal, 4096)
            except OSError:  # telnet has ended
                return


def main(address):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("telnet", ["telnet", "-4", address])
    shown = bytearray()
    for prompt, answer in CONVERSATION:
        read_until(terminal, shown, prompt)
        os.write(terminal, answer + b"\r")
    read_until(terminal, shown, b"closed")
    sys.stdout.buffer.write(shown)


if __name__ == "__main__":
    main(*sys.argv[1:])
