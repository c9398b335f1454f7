"""The micro-benchmarks of the build tree, one program each (tests/bench/*_bench.cc): their medians."""
import json
import subprocess
import tempfile

import report
from carriers import program_beside
from support.netns import Failed

# Repetitions, and seconds of each, at least.
WHOLE, GLANCE = (5, 0.1), (1, 0.01)
HEADING = "Micro-benchmarks"
HOW = f"""\
Medians of {WHOLE[0]}, on a core. Of `framing_bench` an iteration of `transmit` and `receive` is 64 packets of the size that ends the name, in
octets; of the others one call. `clean` is the octet stream that we negotiate, on which only the flag and the escape octet are escaped;
`all_mapped` the ACCM ffffffff, on which all control octets are. `plain_` is a plain version to compare with, octet by octet with a table
for the FCS, as RFC 1662 has it; `portable_` ours without the processor's special instructions. `aead_bench` names cipher and
library; `cipher:1` to `3` of `esp_bench` are AES-128-GCM, AES-256-GCM and ChaCha20-Poly1305.
"""


def run(isthmus, repetitions, seconds):
    """A dictionary each: program, name, nanoseconds, octets a second or None."""
    found = []
    for program in sorted(program_beside(isthmus, "tests/bench").glob("*_bench")):
        print(f"{program.name}", flush=True)
        for entry in results_of(program, repetitions, seconds):
            if entry.get("aggregate_name") == "median" or repetitions == 1:
                found.append(medians(program.name, entry))
                print(f"  {found[-1]['name']:<40} {found[-1]['nanoseconds']:>12.0f} ns  {speed(found[-1])}", flush=True)
    return sorted(found, key=lambda entry: (entry["program"], entry["name"]))


def results_of(program, repetitions, seconds):
    """What the program writes into a file: its standard output is for people."""
    with tempfile.NamedTemporaryFile("r", prefix="isthmus-bench-", suffix=".json") as out:
        argv = [program, f"--benchmark_out={out.name}", "--benchmark_out_format=json", f"--benchmark_repetitions={repetitions}",
                f"--benchmark_min_time={seconds}"]
        result = subprocess.run(argv, capture_output=True, text=True, timeout=600, check=False)
        if result.returncode != 0:
            raise Failed(f"{program}: exit status {result.returncode}: {result.stderr.strip()[-300:]}")
        return json.load(out)["benchmarks"]


def goals(found):
    return [report.bound(f"framing: {way} of random 1400-octet packets at least 10 times a plain version",
                         times_plain(found, f"{way}/clean/1400"), lambda v: v >= 10, "{:.1f} times") for way in ("transmit", "receive")]


def section(found, machine):
    """Its part of the page, without the heading."""
    lines = [[entry["program"], entry["name"], f"{entry['nanoseconds']:.0f}", speed(entry)] for entry in found]
    return "\n".join([HOW, report.markdown(["machine", ""], machine.lines()), "\n### Goals\n", report.goals_as_markdown(goals(found)),
                      "\n### All of it\n", report.markdown(["program", "benchmark", "ns an iteration", ""], lines)]) + "\n"


def times_plain(found, name):
    """How many times the rate of its plain version the benchmark reaches, or None."""
    rates = {entry["name"]: entry["octets_per_second"] for entry in found}
    ours, plain = rates.get(name), rates.get(f"plain_{name}")
    return ours / plain if ours and plain else None


def medians(program, entry):
    scale = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[entry["time_unit"]]
    return {"program": program, "name": entry["run_name"], "nanoseconds": entry["cpu_time"] * scale,
            "octets_per_second": entry.get("bytes_per_second")}


def speed(entry):
    return f"{entry['octets_per_second'] / 1e9:.2f} GB/s" if entry["octets_per_second"] else ""
