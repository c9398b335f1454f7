"""Runs a command and keeps what passes its input and output: `recorder.py DIRECTORY COMMAND…`, for `isthmus up -e`.

Two files, `sent` and `received`, hold the octets of both directions.
"""
import os
import pathlib
import subprocess
import sys
import threading


def copy(source, target, path):
    with path.open("wb", buffering=0) as record:
        while octets := os.read(source, 65536):
            record.write(octets)
            while octets:
                octets = octets[os.write(target, octets):]
    os.close(target)


def main():
    directory = pathlib.Path(sys.argv[1])
    process = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    threading.Thread(target=copy, args=(0, process.stdin.fileno(), directory / "sent"), daemon=True).start()
    copy(process.stdout.fileno(), 1, directory / "received")
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
