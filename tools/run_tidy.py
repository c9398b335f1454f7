#!/usr/bin/python3
"""Runs clang-tidy over src and remembers what was clean.

Nearly all of its time goes into the headers of the system, so files of a module are checked together: as one generated
file that includes them. Findings still name the file they are in. Files that cannot be compiled together (their unnamed
namespaces clash) go into different groups, or, if that was not foreseen, are checked alone.

A file is checked again only when it, a header of ours that it reaches, .clang-tidy or its compile command changed.
"""
import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import re
import shlex
import subprocess
import sys
import time

from grouping import Source, grouped

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
TIDY = "clang-tidy-19"
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


class Unit(Source):
    """A source file: how it is compiled, what it is made of."""

    def __init__(self, entry, clean):
        path = pathlib.Path(entry["file"])
        words = shlex.split(entry["command"])
        # Without the compiler (and its launcher), `-o OBJECT` and `-c SOURCE`.
        self.options = words[next(i for i, word in enumerate(words) if word.startswith("-")):words.index("-o")]
        super().__init__(path, kind=(path.relative_to(SRC).parts[0], self.options))
        self.mark = clean / self._fingerprint()

    def _reached(self, path, seen):
        """The file and all headers of src it includes, directly or not."""
        if path in seen or not path.exists():
            return seen
        seen.add(path)
        for name in INCLUDE.findall(path.read_text()):
            self._reached(SRC / name, seen)
        return seen

    def _fingerprint(self):
        digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes())
        digest.update(" ".join(self.options).replace(str(ROOT), "").encode())
        for path in sorted(self._reached(self.path, set())):
            digest.update(str(path.relative_to(ROOT)).encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()


def tidy(source, options):
    argv = [TIDY, "--quiet", f"--config-file={ROOT / '.clang-tidy'}", str(source), "--", *options]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def check(build, units):
    """What clang-tidy says of the units; empty, and remembered, if they are clean."""
    together = build / "tidy" / f"{units[0].mark.name}.cc"
    together.parent.mkdir(exist_ok=True)
    # The group is no source of ours, so that it includes sources is no finding.
    lines = [f'#include "{u.path.relative_to(SRC)}"  // NOLINT(bugprone-suspicious-include)\n' for u in units]
    together.write_text("".join(lines))
    result = tidy(together, units[0].options)
    if result.returncode == 0:
        for unit in units:
            unit.mark.touch()
        return ""
    if "clang-diagnostic-error" in result.stdout and len(units) > 1:
        print(f"clang-tidy: one by one, as they do not compile together: {', '.join(u.path.name for u in units)}")
        return "".join(check(build, [unit]) for unit in units)
    return result.stdout or result.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="where compile_commands.json is")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--most", type=int, default=60000, help="octets of source checked together")
    args = parser.parse_args()

    build = args.build.resolve()
    clean = ROOT / "build" / "tidy-clean"
    clean.mkdir(parents=True, exist_ok=True)
    entries = json.loads((build / "compile_commands.json").read_text())
    units = [Unit(e, clean) for e in entries
             if pathlib.Path(e["file"]).is_relative_to(SRC) and not e["file"].endswith("_test.cc")]
    todo = [unit for unit in units if not unit.mark.exists()]
    groups = grouped(todo, args.most)

    started = time.monotonic()
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for output in pool.map(lambda group: check(build, group), groups):
            failed += output != ""
            print(output.replace(str(ROOT) + "/", ""), end="", flush=True)
    took = time.monotonic() - started
    print(f"clang-tidy: {len(units)} files, {len(todo)} checked in {len(groups)} groups and {took:.0f} s, "
          f"{failed} groups with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
