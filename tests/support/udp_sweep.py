"""Datagrams of every size there and back, compared octet by octet.

`sweep()` runs both ends on two hosts. As a program it is one end: `udp_sweep.py echo ADDRESS PORT` sends back what comes
until its input is closed; `udp_sweep.py send ADDRESS PORT LEAST MOST ROUNDS SEED IN_FLIGHT` prints how many it sent, got back
unchanged, had to send again, and got back though nothing such was missing.
"""
import dataclasses
import random
import select
import socket
import subprocess
import sys
import time

PORT = 9100
IN_FLIGHT = 32
PATIENCE = 5.0  # s without an answer before what is missing is sent again
TRIES = 4
HEADERS = {4: 28, 6: 48}  # IP and UDP


@dataclasses.dataclass
class Sweep:
    sent: int
    answered: int
    repeated: int
    strange: int  # answers that were changed, or came twice

    @property
    def perfect(self):
        return self.whole and self.repeated == self.strange == 0

    @property
    def whole(self):
        return self.sent > 0 and self.answered == self.sent


def sweep(sender, receiver, address, mtu=1500, rounds=1, seed=1, timeout=240, script=__file__, in_flight=IN_FLIGHT):
    """Every packet size up to `mtu`, `rounds` times. `sender` and `receiver` start a command line: popen(argv, **more).

    There are never more than `in_flight` without an answer. `script` is where both ends see this file.
    """
    least, most = 0, mtu - HEADERS[6 if ":" in address else 4]
    program = [sys.executable, "-B", script]
    with receiver([*program, "echo", address, PORT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as far:
        try:
            assert far.stdout.readline().strip() == "listening"
            with sender([*program, "send", address, PORT, least, most, rounds, seed, in_flight], stdout=subprocess.PIPE, text=True) as near:
                try:
                    numbers = near.communicate(timeout=timeout)[0].split()
                finally:
                    near.kill()
        finally:
            far.stdin.close()
            far.terminate()
    return Sweep(*map(int, numbers)) if len(numbers) == 4 else Sweep(0, 0, 0, 0)


def bound_socket(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    return made, socket.getaddrinfo(address, PORT, family, socket.SOCK_DGRAM)[0][4]


def echo(address):
    end, own = bound_socket(address)
    end.bind(own)
    print("listening", flush=True)
    while True:
        ready, _, _ = select.select([end, sys.stdin], [], [], 300)
        if end not in ready:
            return
        octets, peer = end.recvfrom(65536)
        end.sendto(octets, peer)


def send(address, least, most, rounds, seed, in_flight):
    end, peer = bound_socket(address)
    end.connect(peer)
    end.setblocking(False)
    source = random.Random(seed)
    print(f"seed {seed}", file=sys.stderr)
    waiting = [source.randbytes(size) for size in list(range(least, most + 1)) * rounds]
    missing, sent, answered, repeated, strange, tries = [], len(waiting), 0, 0, 0, 0
    waiting.reverse()
    last_answer = time.monotonic()
    while waiting or missing:
        while waiting and len(missing) < in_flight:
            missing.append(waiting.pop())
            end.send(missing[-1])
        if select.select([end], [], [], 0.2)[0]:
            octets = end.recv(65536)
            if octets in missing:
                missing.remove(octets)
                answered, tries, last_answer = answered + 1, 0, time.monotonic()
            else:
                strange += 1
            continue
        if time.monotonic() - last_answer < PATIENCE:
            continue
        tries, last_answer = tries + 1, time.monotonic()
        if tries == TRIES:
            break
        repeated += len(missing)
        for octets in missing:
            end.send(octets)
    print(sent, answered, repeated, strange, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "echo":
        echo(sys.argv[2])
    else:
        send(sys.argv[2], *map(int, sys.argv[4:9]))
