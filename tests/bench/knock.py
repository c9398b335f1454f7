"""The time until a TCP connection goes through, for a carrier that answers no ping.

`knock.py answer ADDRESS PORT` sends one octet to whoever connects; `knock.py ask ADDRESS PORT SECONDS` tries until it has got
that octet and prints the wall clock.
"""
import socket
import sys
import time


def answer(address, port):
    with socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET) as server:
        print("listening", flush=True)
        while True:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b".")


def ask(address, port, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            # A first packet that was lost would be sent again only after a second.
            with socket.create_connection((address, port), timeout=0.2) as connection:
                if connection.recv(1):
                    print(time.time(), flush=True)
                    return 0
        except OSError:
            time.sleep(0.01)
    return 1


if __name__ == "__main__":
    sys.exit(answer(sys.argv[2], int(sys.argv[3])) if sys.argv[1] == "answer" else ask(sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
