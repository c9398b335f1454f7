"""Numbered datagrams from hostA to hostB, each with a checksum of its own over all of it, and what became of them.

Run as a program it is one end: `numbered.py receive ADDRESS PORT` counts until its input is closed, and prints what it has
counted; `numbered.py send ADDRESS PORT SOURCE FIRST COUNT PER_SECOND SIZE TRAFFIC_CLASS` sends.
"""
import contextlib
import dataclasses
import hashlib
import json
import pathlib
import random
import select
import socket
import subprocess
import sys
import time

from support.netns import HOST_A, HOST_B

TESTS = pathlib.Path(__file__).parent.parent
PORT = 9200
DIGEST = 16
SO_RCVBUFFORCE = 33
TURN = 0.005  # s between two bursts
ECT = 2  # a traffic class: capable of ECN, so that a queue of a busy gateway marks instead of dropping


@dataclasses.dataclass
class Arrived:
    distinct: int  # datagrams, each counted once
    repeated: int
    corrupt: int
    late: int  # that came after a higher number


class Numbered:
    """hostB counts what hostA sends, for as long as the block lasts."""

    def __init__(self, topology, traffic_class=0):
        self.topology = topology
        self.traffic_class = traffic_class
        self.sent = 0

    def _argv(self, *words):
        return [sys.executable, "-B", "-m", "support.numbered", *words]

    def __enter__(self):
        self.receiver = self.topology.popen("hostB", self._argv("receive", HOST_B, PORT), cwd=TESTS, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, text=True)
        assert self.receiver.stdout.readline() == "listening\n"
        return self

    def __exit__(self, *_):
        self.receiver.kill()
        self.receiver.communicate()

    def send(self, count, per_second=1000, size=200):
        """Sends so many more; returns when the last has gone out."""
        argv = self._argv("send", HOST_B, PORT, HOST_A, self.sent, count, per_second, size, self.traffic_class)
        self.topology.run("hostA", argv, cwd=TESTS, timeout=60 + 2 * count / per_second)
        self.sent += count

    def arrived(self):
        """What came until now. The receiver ends with it."""
        time.sleep(0.5)
        return Arrived(**json.loads(self.receiver.communicate(timeout=20)[0]))


def datagram(number, size):
    body = number.to_bytes(8) + random.Random(number).randbytes(size - 8 - DIGEST)
    return body + hashlib.sha256(body).digest()[:DIGEST]


class Counter:
    def __init__(self):
        self.seen, self.highest = set(), -1
        self.repeated = self.corrupt = self.late = 0

    def take(self, octets):
        if hashlib.sha256(octets[:-DIGEST]).digest()[:DIGEST] != octets[-DIGEST:]:
            self.corrupt += 1
            return
        number = int.from_bytes(octets[:8])
        self.repeated += number in self.seen
        self.late += number < self.highest
        self.highest = max(self.highest, number)
        self.seen.add(number)

    def arrived(self):
        return Arrived(len(self.seen), self.repeated, self.corrupt, self.late)


def receive(address, port):
    counter = Counter()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 23)
        end.bind((address, port))
        end.setblocking(False)
        print("listening", flush=True)
        while sys.stdin not in select.select([end, sys.stdin], [], [])[0]:
            with contextlib.suppress(BlockingIOError):
                while True:
                    counter.take(end.recv(65536))
    print(json.dumps(dataclasses.asdict(counter.arrived())), flush=True)


def send(address, port, source, *numbers):
    first, total, per_second, size, traffic_class = map(int, numbers)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.bind((source, 0))
        end.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, traffic_class)
        end.connect((address, port))
        started, done = time.monotonic(), 0
        while done < total:
            due = min(total, int((time.monotonic() - started) * per_second) + 1)
            for number in range(done, due):
                end.send(datagram(first + number, size))
            done = due
            time.sleep(TURN)


if __name__ == "__main__":
    if sys.argv[1] == "receive":
        receive(sys.argv[2], int(sys.argv[3]))
    else:
        send(sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
