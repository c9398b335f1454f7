"""Where the keys of the datagrams are while a tunnel stands: in the engine's locked memory, and nowhere else; and that they go
with the packets they were for. Keys are found by their schedules, in the processes' memory.

    hostA ── fellini (isthmus up -vv) ═══ router ═══ polanski (sshd, session owner) ── hostB
"""
import contextlib
import os
import pathlib
import re
import subprocess
import time

import pytest

from support.gateway import crosses_both_ways
from support.ground import Ground
from support.memory import areas, keys_of
from support.netns import Topology, wait_until

ENDS = ("near", "far")
GONE_WITHIN = 1  # s after a generation is no more


@pytest.fixture(scope="module")
def ground(isthmus):
    with Topology() as topology:
        ground = Ground(topology, isthmus)
        with ground.joined("-vv", "--cipher", "aes256-gcm", "--rekey-after", "1000000,6s"):
            ground.wait_datagrams(20)
            assert crosses_both_ways(topology)
            yield ground


def generations(end):
    return {int(re.match(r"generation (\d+):", line)[1]) for line in end.sessions()[0]["keys"]}


def live_keys(end):
    """Keys with their areas, and the generations that there were before and after the look."""
    (engine,) = end.engines()
    before = generations(end)
    found = keys_of(engine)
    return found, before | generations(end)


def halves_of(found):
    halves = {key[at:at + 16] for key, _ in found for at in (0, 16)}
    assert len(halves) >= 4, "a key a direction"
    return halves


def files_of(topology):
    """What lies in the runtime directories of both ends; those of others come and go."""
    for host in ("fellini", "polanski"):
        number = os.stat(f"/run/netns/{topology.name(host)}").st_ino
        for path in pathlib.Path("/run/isthmus").glob(f"*-{number}/*"):
            with contextlib.suppress(OSError):
                yield path.read_bytes()


def holders(end, halves):
    """Areas with these octets, of all processes that may have seen a key: the program's, and ssh."""
    return [(pid, area) for pid in sorted({*end.own_processes(), *end.pids("ssh")}) for area in areas(pid)
            if any(half in area.octets for half in halves)]


@pytest.mark.parametrize("end", ENDS)
def test_keys_lie_in_locked_memory_that_no_dump_has(ground, end):
    found, _ = live_keys(getattr(ground, end))
    keys = {key for key, _ in found}
    assert len(keys) >= 2, "one a direction"
    assert all(area.keeps_keys() for _, area in found), [area.name for _, area in found if not area.keeps_keys()]


@pytest.mark.parametrize("end", ENDS)
def test_no_octets_of_a_key_are_elsewhere(ground, end):
    end = getattr(ground, end)
    found = holders(end, halves_of(live_keys(end)[0]))
    assert found
    assert not [(pid, hex(area.start), area.name) for pid, area in found if not area.keeps_keys()]


def test_no_key_is_written_anywhere(ground):
    keys = {key for end in ENDS for key, _ in live_keys(getattr(ground, end))[0]}
    assert len(keys) >= 2
    written = [ground.up.text().encode(), *files_of(ground.topology)]
    assert len(written) > 1 and "rcvd " in written[0].decode(errors="replace"), "frames are written down at -vv"
    for key in keys:
        for half in (key[:16], key[16:]):
            assert not [text for text in written if half in text or half.hex().encode() in text.lower()]


@pytest.mark.parametrize("end", ENDS)
def test_a_core_that_a_debugger_takes_has_no_key(ground, end, tmp_path):
    end = getattr(ground, end)
    (engine,) = end.engines()
    halves = halves_of(live_keys(end)[0])
    plain, whole = tmp_path / "core", tmp_path / "whole"
    commands = [f"gcore {plain}", "set dump-excluded-mappings on", f"gcore {whole}"]
    subprocess.run(["gdb", "-nx", "-batch", "-p", str(engine), *(word for command in commands for word in ("-ex", command))],
                   check=True, capture_output=True, timeout=60)
    newer = halves_of(live_keys(end)[0])
    assert halves & newer, "the keys of then are in use still"
    assert any(half in whole.read_bytes() for half in halves), "where the kernel's word is ignored, they are there"
    core = plain.read_bytes()
    assert b"isth0" in core, "what else the engine remembers is in it"
    assert not [half for half in halves | newer if half in core]


@pytest.mark.parametrize("end", ENDS)
def test_keys_are_gone_a_second_after_their_generation(ground, end):
    end = getattr(ground, end)
    found, old = live_keys(end)
    halves = halves_of(found)
    wait_until(lambda: min(generations(end)) > max(old), 60, what="none of these keys in use")
    time.sleep(GONE_WITHIN)
    assert crosses_both_ways(ground.topology), "by newer keys"
    assert not [(pid, hex(area.start), area.name) for pid, area in holders(end, halves)]


@pytest.mark.parametrize("end", ENDS)
def test_its_own_user_may_not_look_into_an_engine(ground, end):
    (engine,) = getattr(ground, end).engines()
    status = pathlib.Path(f"/proc/{engine}/status").read_text()
    user = re.search(r"^Uid:\s+(\d+)", status, re.MULTILINE)[1]
    group = re.search(r"^Gid:\s+(\d+)", status, re.MULTILINE)[1]
    assert user != "0"
    argv = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "head", "-c", "1", f"/proc/{engine}/mem"]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode != 0 and "Permission denied" in done.stderr, done
