"""The benchmark's page is of whole runs: a glance does not replace it."""
import pathlib
import subprocess

import pytest

STREAM = pathlib.Path(__file__).resolve().parents[1] / "bench" / "stream.py"


def stream(*words):
    return subprocess.run(["/usr/bin/python3", "-B", STREAM, *words], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("words", [["--quick"], ["--only", "rtt"]])
def test_a_part_of_the_benchmark_is_not_written_to_the_page(words):
    result = stream("--isthmus", "/nowhere", "--write", *words)
    assert result.returncode == 2 and "--write replaces the page" in result.stderr, result.stderr


def test_help_tells_the_defaults():
    text = " ".join(stream("--help").stdout.split())
    for default in ("by default 3", "by default 4", "cubic", "build/release/bin/isthmus", "by default all"):
        assert default in text, text
