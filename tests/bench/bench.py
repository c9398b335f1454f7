#!/usr/bin/python3
"""Isthmus beside its peers, between network namespaces, in three suites, each a section of docs/benchmarks.md:

    micro    the micro-benchmarks
    stream   packets on ssh's stream, beside plain routing, `ssh -w` and sshuttle
    esp      ESP in UDP, beside plain routing, a packet a call, fastd, wireguard-go, OpenVPN and `ssh -w`

    hostA ── fellini ── router ── polanski ── hostB

    bench.py --quick                         a few minutes: whether it works, not how fast it is
    bench.py --only esp isthmus fastd tcp    this suite, these carriers, this part
    bench.py --only esp --write              one suite, whole, into its section of the page
"""
import argparse
import copy
import dataclasses
import json
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import esp  # noqa: E402
import harness  # noqa: E402
import micro  # noqa: E402
import report  # noqa: E402
import stream  # noqa: E402

SUITES = {suite.name: suite for suite in (stream.SUITE, esp.SUITE)}
NAMES = ("micro", *SUITES)
CARRIERS = tuple(dict.fromkeys(name for suite in SUITES.values() for name in suite.carriers))
PARTS = tuple(dict.fromkeys(name for suite in SUITES.values() for name in suite.parts))
PAGE = ROOT / "docs/benchmarks.md"


def choose(only):
    """What is to be measured: carriers and parts by suite; the micro-benchmarks are one without either.

    A suite takes those of the named carriers and parts that it has, all of a kind of which none is named, and is left out if it has none
    of those named.
    """
    named = {name for name in only if name in NAMES}
    carriers, parts = ({name for name in only if name in all_} for all_ in (CARRIERS, PARTS))
    chosen = {}
    if "micro" in named or not only:
        chosen["micro"] = ([], [])
    for suite in SUITES.values():
        ours = [name for name in suite.carriers if (name in carriers if carriers else name not in suite.extras)]
        theirs = [name for name in suite.parts if name in parts or not parts]
        if (suite.name in named or not named) and ours and theirs:
            chosen[suite.name] = (ours, theirs)
    return chosen


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--isthmus", type=pathlib.Path, default=ROOT / "build/release/bin/isthmus",
                        help="the program; by default build/release/bin/isthmus")
    parser.add_argument("--quick", action="store_true", help="one round; TCP with four streams over IPv4 alone; each micro-benchmark once")
    parser.add_argument("--only", nargs="+", choices=[*NAMES, *CARRIERS, *PARTS], default=[], metavar="NAME",
                        help=f"of the suites {', '.join(NAMES)}, the carriers {', '.join(CARRIERS)} and the parts {', '.join(PARTS)}; "
                             f"by default all, but {' and '.join(esp.SUITE.extras)}, the data plane alone")
    parser.add_argument("--rounds", type=int, default=3, help="by default %(default)s")
    parser.add_argument("--seconds", type=int, default=1,
                        help=f"a measurement, by default %(default)s; RTT under load twice, over narrow lines {esp.NARROW_TIMES} or "
                             f"{stream.WAN_TIMES} times that")
    parser.add_argument("--congestion", default="cubic", help="the TCP congestion control of all hosts: %(default)s, Linux' default, or bbr, reno")
    parser.add_argument("--reports", action="store_true", help="what the workers of pump1 and pump2 counted")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="every number of every round")
    parser.add_argument("--write", action="store_true", 
                        help="write docs/benchmarks.md: of whole suites, so not with --quick, nor with carriers or parts")
    options = parser.parse_args()
    if options.write and (options.quick or set(options.only) - set(NAMES)):
        parser.error("--write replaces sections of docs/benchmarks.md, which are of whole suites: "
                     "leave out --quick, and carriers and parts after --only")
    if not choose(options.only):
        parser.error(f"--only {' '.join(options.only)}: no suite has these carriers and parts together")
    if options.quick:
        options.rounds = 1
    return options


class Run:
    """One call of the benchmark: what it found so far, by suite."""

    def __init__(self, options):
        self.options = options
        self.machine = report.Machine.here(ROOT)
        self.record = {"machine": dataclasses.asdict(self.machine), "rounds": options.rounds, "seconds": options.seconds,
                       "congestion": options.congestion}
        self.is_whole = True

    def all(self):
        for name, (carriers, parts) in choose(self.options.only).items():
            if name == "micro":
                self.micro()
            elif not self.suite(SUITES[name], carriers, parts):
                return

    def micro(self):
        try:
            found = micro.run(self.options.isthmus, *micro.GLANCE if self.options.quick else micro.WHOLE)
        except harness.EXPECTED as error:
            print(f"micro-benchmarks FAILED: {harness.describe(error)}", flush=True)
            self.is_whole = False
            return
        print("\n" + "\n".join(report.goals_as_text(micro.goals(found))) + "\n", flush=True)
        self.record["micro"] = found
        self.write(micro.HEADING, lambda: micro.section(found, self.machine))

    def suite(self, suite, carriers, parts):
        """Whether it was not interrupted: what is found is shown in any case."""
        options, results, interrupted = copy.copy(self.options), harness.Results(), False
        options.carriers, options.parts = carriers, parts
        try:
            harness.run(suite, options, results)
        except (KeyboardInterrupt, SystemExit):
            interrupted = True
            results.remark("all", "interrupted: the rounds are not complete")
        print("\n" + report.as_text(suite, results, carriers), flush=True)
        self.record[suite.name] = {"numbers": results.numbers, "failures": results.failures, "remarks": results.remarks}
        self.is_whole = self.is_whole and not interrupted and not results.failures
        if not interrupted:
            self.write(suite.shape.heading, lambda: report.section(suite, results, options, self.machine))
        return not interrupted

    def write(self, heading, text):
        if self.options.write:
            PAGE.write_text(report.with_section(PAGE.read_text() if PAGE.exists() else "", heading, text()))
        if self.options.json:
            self.options.json.write_text(json.dumps(self.record, indent=1) + "\n")


def main():
    options = parsed()
    options.isthmus = options.isthmus.resolve()
    if os.geteuid() != 0:
        sys.exit("bench.py makes network namespaces: run it as root")
    if not options.isthmus.exists():
        sys.exit(f"{options.isthmus} is not built: make bench")
    run = Run(options)
    run.all()
    return 0 if run.is_whole else 1


if __name__ == "__main__":
    sys.exit(main())
