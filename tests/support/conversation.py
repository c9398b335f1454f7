"""One TCP connection between two hosts of a topology that is used without a pause, and must live through whatever happens.

Run as a program it is one end of it: `conversation.py answer ADDRESS PORT` sends back what comes, `conversation.py ask
ADDRESS PORT SOURCE` sends block after block, compares each with what comes back, and prints the number of those that did.
"""
import contextlib
import pathlib
import random
import socket
import subprocess
import sys
import time

from support.netns import HOST_A, HOST_B, wait_until

PORT = 9001
BLOCK = 64 * 1024


class Conversation:
    """Between hostA, who asks, and hostB, for as long as the block lasts."""

    def __init__(self, topology):
        self.topology = topology
        self.log = topology.directory / f"conversation-{time.monotonic_ns()}.log"
        self.processes = contextlib.ExitStack()

    def _start(self, host, *words, **more):
        process = self.topology.popen(host, [sys.executable, "-B", "-m", "support.conversation", *words], text=True,
                                      cwd=pathlib.Path(__file__).parent.parent, **more)
        self.processes.callback(lambda: (process.kill(), process.wait()))
        return process

    def __enter__(self):
        self._start("hostB", "answer", HOST_B, PORT, stdout=subprocess.PIPE).stdout.readline()  # it listens
        with self.log.open("w") as log:
            self.asker = self._start("hostA", "ask", HOST_B, PORT, HOST_A, stdout=log, stderr=log)
        self.wait_answered()
        return self

    def __exit__(self, *_):
        self.processes.close()

    def answered(self):
        """How many blocks have come back by now; fails if the connection has ended, or another block came back."""
        text = self.log.read_text()
        assert self.asker.poll() is None, text
        return len(text.splitlines())

    def wait_answered(self, seconds=10):
        """Until blocks come back that are sent from now on."""
        before = self.answered()
        wait_until(lambda: self.answered() >= before + 3, seconds, every=0.02, what="an answer on the connection")


def answer(address, port):
    with socket.create_server((address, port)) as server:
        print("listening", flush=True)
        connection, _ = server.accept()
        with connection:
            while chunk := connection.recv(1 << 16):
                connection.sendall(chunk)


def ask(address, port, source):
    generator = random.Random(1)
    with socket.create_connection((address, port), timeout=5, source_address=(source, 0)) as connection:
        connection.settimeout(None)
        while True:
            block = generator.randbytes(BLOCK)
            connection.sendall(block)
            if connection.recv(BLOCK, socket.MSG_WAITALL) != block:
                sys.exit("what came back is not what was sent")
            print("answered", flush=True)
            time.sleep(0.002)


if __name__ == "__main__":
    if sys.argv[1] == "answer":
        answer(sys.argv[2], int(sys.argv[3]))
    else:
        ask(sys.argv[2], int(sys.argv[3]), sys.argv[4])
