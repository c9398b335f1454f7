"""The program is built so that a mistake in it is hard to make use of: what its file shows, and, of what leaves no sure trace
there, how each source of it was compiled."""
import json
import pathlib
import re
import subprocess

import pytest


MODULES = {f"isthmus_{module.name}" for module in (pathlib.Path(__file__).parents[2] / "src").iterdir()}


def output(*words):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def segments(isthmus):
    return output("readelf", "-hldW", isthmus)


@pytest.fixture(scope="module")
def imports(isthmus):
    """What it takes from other libraries."""
    return set(re.findall(r" UND (\w+)", output("readelf", "--dyn-syms", "-W", isthmus)))


def compiled_without(isthmus, flag):
    """Sources of the program whose compiler was not given the flag, or was given the contrary behind it."""
    commands = json.loads((isthmus.parents[1] / "compile_commands.json").read_text())
    target = re.compile(r" -o CMakeFiles/(\w+)\.dir/")
    sources = [entry for entry in commands if (of := target.search(entry["command"])) and of[1] in {"isthmus", *MODULES}]
    assert {target.search(entry["command"])[1] for entry in sources} == {"isthmus", *MODULES}
    contrary = {"-fstack-clash-protection": "-fno-stack-clash-protection", "-fstack-protector-strong": "-fno-stack-protector",
                "-fcf-protection": "-fcf-protection=none", "-D_FORTIFY_SOURCE=3": "-D_FORTIFY_SOURCE=0"}[flag]
    return [entry["file"] for entry in sources if flag not in (words := entry["command"].split()) or contrary in words]


def test_the_program_is_position_independent(segments):
    assert re.search(r"Type: +DYN \(Position-Independent Executable", segments)
    assert re.search(r"\(FLAGS_1\).*\bPIE\b", segments)


def test_relocations_are_read_only_before_main_runs(segments):
    assert "GNU_RELRO" in segments
    assert re.search(r"\(FLAGS\).*BIND_NOW|\(FLAGS_1\).*\bNOW\b", segments)


def test_no_stack_is_executable_and_nothing_is_writable_and_executable(segments):
    flags = {name: flags for name, flags in re.findall(r"^ +(\w+) +0x\w+ 0x\w+ 0x\w+ 0x\w+ 0x\w+ ([RWE ]{3})", segments, re.M)}
    assert flags["GNU_STACK"].strip() == "RW"
    assert not re.search(r"^ +LOAD .* RWE ", segments, re.M)


def test_nothing_is_looked_up_where_others_may_write(segments):
    assert not re.search(r"\((RPATH|RUNPATH|TEXTREL)\)", segments)


def test_stacks_are_guarded(isthmus, imports):
    assert "__stack_chk_fail" in imports
    assert not compiled_without(isthmus, "-fstack-protector-strong")


def test_the_c_library_checks_the_sizes_that_the_compiler_knows(isthmus, imports):
    assert "__memcpy_chk" in imports
    assert not compiled_without(isthmus, "-D_FORTIFY_SOURCE=3")


def test_a_large_frame_does_not_jump_over_the_guard_page(isthmus):
    assert not compiled_without(isthmus, "-fstack-clash-protection")


@pytest.mark.skipif(output("uname", "-m").strip() != "x86_64", reason="-fcf-protection is for x86-64")
def test_functions_are_marked_as_targets_of_jumps(isthmus):
    # The property note of the file says nothing: it needs the C library's start files to have it, and Debian's do not.
    main = output("objdump", "-d", "--disassemble=main", "--no-show-raw-insn", isthmus)
    assert re.search(r"<main>:\n +\w+:\s+endbr64", main)
    assert not compiled_without(isthmus, "-fcf-protection")
