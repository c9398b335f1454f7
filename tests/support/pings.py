"""A ping every 20 ms between two hosts, watched while it runs: how many came back, and how long none did."""
import re
import subprocess
import threading
import time

INTERVAL = 0.02
# A traffic class: capable of ECN, and the answer too, which takes it over. Where a gateway's processor is so busy that a queue stands in
# front of it, what is not capable is dropped (docs/design/dataplane.md), and that would be no loss of what a test does.
ECT = 2


class Pings:
    """From the host that has `source` to the address, for as long as the block lasts."""

    def __init__(self, topology, source, destination, host="hostA"):
        self.argv = topology.argv(host, ["ping", "-n", "-Q", ECT, "-i", INTERVAL, "-W", 1, "-I", source, destination])
        self.env = topology.env
        self.answers = {}  # sequence number to the time it was seen

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        stdin=subprocess.DEVNULL)
        self.started = time.monotonic()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        return self

    def _read(self):
        for line in self.process.stdout:
            match = re.search(r"icmp_seq=(\d+) .*time=", line)
            if match:
                self.answers.setdefault(int(match[1]), time.monotonic())

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join()

    def missing(self):
        """The numbers of those that have no answer, though one that was sent later has, and a second is over."""
        newest = max(self.answers, default=0)
        time.sleep(1)
        answers = dict(self.answers)
        return [number for number in range(1, newest) if number not in answers]

    def lost(self):
        return len(self.missing())

    def longest_silence(self):
        """Seconds without an answer, the present silence included."""
        times = [self.started, *sorted(self.answers.values()), time.monotonic()]
        return max(later - earlier for earlier, later in zip(times, times[1:]))

    def longest_silence_until(self, claim, seconds):
        """As longest_silence(), when claim() has become true and a moment more."""
        end = time.monotonic() + seconds
        while not claim():
            assert time.monotonic() < end, f"not within {seconds} s; silent for {self.longest_silence():.1f} s"
            time.sleep(0.05)
        time.sleep(0.5)
        return self.longest_silence()
