"""A gateway of one ESP tunnel in UDP, as a program: a TUN device on one side, a UDP socket on the other, our ESP between.

`esp_gateway.py ISTHMUS DEVICE LOCAL:PORT REMOTE:PORT OUTBOUND-SA INBOUND-SA`, an SA being the words that esp_tool takes. It says
"ready", carries packets until its input is closed, and then prints what it counted, as JSON. A word on its input is a number
of dummies to send.
"""
import fcntl
import json
import os
import pathlib
import select
import socket
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from support.esp import EspTool, NO_NEXT_HEADER  # noqa: E402

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000


def open_tun(name):
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return tun


def endpoint(text):
    address, port = text.rsplit(":", 1)
    return address, int(port)


def main(isthmus, device, local, remote, outbound, inbound):
    counts = {"sent": 0, "taken": 0, "drops": {}}
    tun, remote = open_tun(device), endpoint(remote)
    with EspTool(isthmus) as esp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        assert esp.ask(f"outbound out {outbound}") == esp.ask(f"inbound in {inbound}") == "ok"
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        udp.bind(endpoint(local))
        print("ready", flush=True)
        while True:
            ready, _, _ = select.select([tun, udp, sys.stdin], [], [])
            if tun in ready:
                udp.sendto(esp.seal(os.read(tun, 65536)), remote)
                counts["sent"] += 1
            if udp in ready:
                answer = esp.open(udp.recv(65536))
                if isinstance(answer, str):
                    counts["drops"][answer] = counts["drops"].get(answer, 0) + 1
                else:
                    os.write(tun, answer[1])
                    counts["taken"] += 1
            if sys.stdin in ready:
                word = sys.stdin.readline()
                if not word:
                    break
                for _ in range(int(word)):
                    udp.sendto(esp.seal(os.urandom(40), NO_NEXT_HEADER), remote)
        counts.update(last_sent=esp.number("out"), highest_received=esp.number("in"))
    print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
