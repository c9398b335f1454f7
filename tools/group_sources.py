#!/usr/bin/python3
"""group_sources.py OCTETS FILE...: prints the files in groups that compile as one, a line each, with ; between them."""
import pathlib
import sys

from grouping import Source, grouped

for group in grouped([Source(pathlib.Path(name)) for name in sys.argv[2:]], int(sys.argv[1])):
    print(";".join(str(source.path) for source in group))
