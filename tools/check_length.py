#!/usr/bin/python3
"""Files of src stay short: 400 lines, headers 150. Tests are exempt, and so are the tables named here."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE_LIMIT = 400
HEADER_LIMIT = 150
# Files that are mostly a table of constants, and what only tests include.
EXEMPT = frozenset({"src/ppp/link_pair.h"})


def main():
    too_long = 0
    for path in sorted((ROOT / "src").rglob("*")):
        name = str(path.relative_to(ROOT))
        if path.suffix not in (".cc", ".h") or name.endswith("_test.cc") or name in EXEMPT:
            continue
        lines = len(path.read_text().splitlines())
        limit = HEADER_LIMIT if path.suffix == ".h" else SOURCE_LIMIT
        if lines > limit:
            print(f"{name}:{limit + 1}: {lines} lines, the limit is {limit}")
            too_long += 1
    print(f"length: {too_long} files too long")
    return 1 if too_long else 0


if __name__ == "__main__":
    sys.exit(main())
