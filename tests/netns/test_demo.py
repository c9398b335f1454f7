"""The demo tells the truth: its exit status is 0 when all of it was true, and not when a program only claims so."""
import os
import pathlib
import subprocess

from support import netns

DEMO = pathlib.Path(__file__).resolve().parent.parent.parent / "tools" / "demo.py"
ENVIRONMENT = {"PATH": os.environ["PATH"], "KEEP": ""}


def demo(*arguments):
    return subprocess.run(["/usr/bin/python3", "-B", DEMO, *map(str, arguments)], capture_output=True, text=True, timeout=200, check=False,
                          env=ENVIRONMENT)


def program(directory, text):
    path = directory / "isthmus"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_the_demo_is_all_true_with_the_real_program(isthmus):
    result = demo(isthmus)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "FAILED" not in result.stdout


def test_a_program_that_only_claims_to_have_joined_is_found_out(tmp_path):
    result = demo(program(tmp_path, "echo joined; exec sleep 1000"))
    assert result.returncode == 1
    assert "ping hostA → hostB, IPv4" in result.stdout and "NOT true" in result.stdout


def test_what_a_program_leaves_is_shown(tmp_path):
    result = demo(program(tmp_path, "ip addr add 192.168.0.1/32 dev lan0; exit 1"))
    assert result.returncode == 1
    assert "192.168.0.1/32" in result.stdout


def test_keep_leaves_it_standing_and_remove_removes_it(tmp_path):
    result = demo("--keep", program(tmp_path, "echo joined; exec sleep 1000"))
    try:
        assert "ip netns exec isthmus-demo-hostA bash" in result.stdout
        assert subprocess.run(["ip", "netns", "exec", "isthmus-demo-fellini", "ip", "addr", "show", "lan0"], check=False,
                              capture_output=True).returncode == 0
    finally:
        assert demo("--remove").stdout == "The demo is removed.\n"
    assert not list(pathlib.Path("/run/netns").glob(f"{netns.DEMO_TAG}-*")) and not list(pathlib.Path("/tmp").glob(f"{netns.DEMO_TAG}-*"))
