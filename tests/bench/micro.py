"""The micro-benchmarks of the build tree, one program each (tests/bench/*_bench.cc): their medians."""
import json
import subprocess

from carriers import program_beside
from support.netns import Failed

REPETITIONS = 3


def run(isthmus):
    """A dictionary each: program, name, nanoseconds, octets a second or None."""
    found = []
    for program in sorted(program_beside(isthmus, "tests/bench").glob("*_bench")):
        print(f"{program.name}", flush=True)
        argv = [program, "--benchmark_format=json", f"--benchmark_repetitions={REPETITIONS}", "--benchmark_report_aggregates_only=true"]
        result = subprocess.run(argv, capture_output=True, text=True, timeout=600, check=False)
        if result.returncode != 0:
            raise Failed(f"{program}: exit status {result.returncode}: {result.stderr.strip()[-300:]}")
        for entry in json.loads(result.stdout)["benchmarks"]:
            if entry.get("aggregate_name") == "median":
                found.append(medians(program.name, entry))
                print(f"  {found[-1]['name']:<40} {found[-1]['nanoseconds']:>12.0f} ns  {speed(found[-1])}", flush=True)
    return found


def medians(program, entry):
    scale = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[entry["time_unit"]]
    return {"program": program, "name": entry["run_name"], "nanoseconds": entry["cpu_time"] * scale,
            "octets_per_second": entry.get("bytes_per_second")}


def speed(entry):
    return f"{entry['octets_per_second'] / 1e9:.2f} GB/s" if entry["octets_per_second"] else ""
