"""A transfer over TCP between two hosts of a topology, checked octet by octet.

Run as a program it is one end of it: `transfer.py receive ADDRESS PORT` prints the length and SHA-256 of what came in,
`transfer.py send ADDRESS PORT SOURCE < octets` sends its input.
"""
import dataclasses
import hashlib
import socket
import subprocess
import sys
import time

PORT = 9000


@dataclasses.dataclass
class Transfer:
    octets: int
    seconds: float
    arrived_whole: bool
    report: str

    @property
    def megabit_per_second(self):
        return self.octets * 8 / 1e6 / self.seconds


def transfer(topology, sender, receiver, source, destination, octets, timeout=60, port=PORT):
    """Sends `octets` from host `sender` (its address `source`) to `receiver` and says how it went."""
    program = [sys.executable, "-B", __file__]
    started = time.monotonic()
    with topology.popen(receiver, [*program, "receive", destination, port], stdout=subprocess.PIPE, text=True) as far:
        far.stdout.readline()  # it listens
        started = time.monotonic()
        try:
            sent = topology.run(sender, [*program, "send", destination, port, source], input=bytes(octets), check=False, timeout=timeout)
            if sent.returncode != 0:
                far.kill()
            report = far.communicate(timeout=timeout)[0].strip()
        except subprocess.TimeoutExpired:
            far.kill()
            return Transfer(len(octets), time.monotonic() - started, False, f"not within {timeout} s")
    seconds = time.monotonic() - started
    whole = sent.returncode == 0 and report == f"{len(octets)} {hashlib.sha256(octets).hexdigest()}"
    return Transfer(len(octets), seconds, whole, report + last_line(sent.stderr))


def last_line(text):
    return "".join(text.decode(errors="replace").splitlines()[-1:])


def receive(address, port):
    with socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET) as server:
        print("listening", flush=True)
        connection, _ = server.accept()
        digest, length = hashlib.sha256(), 0
        with connection:
            while chunk := connection.recv(1 << 16):
                digest.update(chunk)
                length += len(chunk)
            connection.sendall(b".")
    print(length, digest.hexdigest(), flush=True)


def send(address, port, source):
    octets = sys.stdin.buffer.read()
    with socket.create_connection((address, port), timeout=5, source_address=(source, 0)) as connection:
        connection.settimeout(None)
        connection.sendall(octets)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)


if __name__ == "__main__":
    if sys.argv[1] == "receive":
        receive(sys.argv[2], int(sys.argv[3]))
    else:
        send(sys.argv[2], int(sys.argv[3]), sys.argv[4])
