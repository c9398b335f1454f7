"""The demo tells the truth: its exit status is 0 when all of it was true, and not when a program only claims so."""
import os
import pathlib
import re
import subprocess

DEMO = pathlib.Path(__file__).resolve().parent.parent.parent / "tools" / "demo.py"
TAG = f"isth-demo-test-{os.getpid()}"  # a demo that somebody keeps is left alone
ENVIRONMENT = {"PATH": os.environ["PATH"], "KEEP": "", "ISTHMUS_DEMO_TAG": TAG}


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
        assert f"ip netns exec {TAG}-hostA bash" in result.stdout
        assert subprocess.run(["ip", "netns", "exec", f"{TAG}-fellini", "ip", "addr", "show", "lan0"], check=False,
                              capture_output=True).returncode == 0
        again = demo("--keep", program(tmp_path, "exit 1"))
        assert f"(the namespaces {TAG}-…) is removed" in again.stdout
    finally:
        assert demo("--remove").stdout == "The demo is removed.\n"
    assert not list(pathlib.Path("/run/netns").glob(f"{TAG}-*")) and not list(pathlib.Path("/tmp").glob(f"{TAG}-*"))


def test_the_command_that_keep_prints_joins_again(isthmus):
    result = demo("--keep", isthmus)
    try:
        assert result.returncode == 0, result.stdout + result.stderr
        down = re.search(r"to end the join: +sudo (.*)", result.stdout)[1]
        up = re.search(r"to join again: +sudo (.*) \\\n(.*)", result.stdout)
        assert subprocess.run(down, shell=True, check=False, capture_output=True, timeout=60).returncode == 0
        joined = subprocess.run(f"{up[1]} {up[2]} --detach", shell=True, check=False, capture_output=True, text=True, timeout=60)
        assert joined.returncode == 0, joined.stdout + joined.stderr
    finally:
        demo("--remove")
