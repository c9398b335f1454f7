"""The micro-benchmarks of the build tree, one program each (tests/bench/*_bench.cc): their medians."""
import json
import subprocess
import tempfile

from carriers import program_beside
from support.netns import Failed

REPETITIONS = 5


def run(isthmus):
    """A dictionary each: program, name, nanoseconds, octets a second or None."""
    found = []
    for program in sorted(program_beside(isthmus, "tests/bench").glob("*_bench")):
        print(f"{program.name}", flush=True)
        for entry in results_of(program):
            if entry.get("aggregate_name") == "median":
                found.append(medians(program.name, entry))
                print(f"  {found[-1]['name']:<40} {found[-1]['nanoseconds']:>12.0f} ns  {speed(found[-1])}", flush=True)
    return sorted(found, key=lambda entry: (entry["program"], entry["name"]))


def results_of(program):
    """What the program writes into a file: its standard output is for people."""
    with tempfile.NamedTemporaryFile("r", prefix="isthmus-bench-", suffix=".json") as out:
        argv = [program, f"--benchmark_out={out.name}", "--benchmark_out_format=json", f"--benchmark_repetitions={REPETITIONS}"]
        result = subprocess.run(argv, capture_output=True, text=True, timeout=600, check=False)
        if result.returncode != 0:
            raise Failed(f"{program}: exit status {result.returncode}: {result.stderr.strip()[-300:]}")
        return json.load(out)["benchmarks"]


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
