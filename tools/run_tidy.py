#!/usr/bin/python3
"""Runs clang-tidy over src, two files at a time, and remembers what was clean.

A file is checked again only when it, a header of ours that it reaches, .clang-tidy or its compile command changed.
"""
import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
TIDY = "clang-tidy-19"
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def reached(path, seen):
    """The file and all headers of src it includes, directly or not."""
    if path in seen or not path.exists():
        return seen
    seen.add(path)
    for name in INCLUDE.findall(path.read_text()):
        reached(SRC / name, seen)
    return seen


def fingerprint(entry):
    digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes())
    digest.update(entry["command"].replace(str(ROOT), "").encode())
    for path in sorted(reached(pathlib.Path(entry["file"]), set())):
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def check(build, entry, mark):
    """What clang-tidy says of the file; empty, and remembered, if it is clean."""
    result = subprocess.run([TIDY, "-p", str(build), "--quiet", entry["file"]], capture_output=True, text=True, check=False)
    if result.returncode == 0:
        mark.touch()
        return ""
    return result.stdout or result.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="where compile_commands.json is")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()

    build = args.build.resolve()
    clean = ROOT / "build" / "tidy-clean"
    clean.mkdir(parents=True, exist_ok=True)
    entries = [e for e in json.loads((build / "compile_commands.json").read_text())
               if pathlib.Path(e["file"]).is_relative_to(SRC) and not e["file"].endswith("_test.cc")]
    todo = [(e, clean / mark) for e in entries if not (clean / (mark := fingerprint(e))).exists()]

    started = time.monotonic()
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for output in pool.map(lambda item: check(build, *item), todo):
            failed += output != ""
            print(output.replace(str(ROOT) + "/", ""), end="", flush=True)
    print(f"clang-tidy: {len(entries)} files, {len(todo)} checked in {time.monotonic() - started:.0f} s, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
