"""Who may join which session: what a peer claims takes nothing from another, and what a user claims nothing from root.

    hostA ── fellini (isthmus up) ═══ router (a third machine, when a test makes it one) ═══ polanski (sshd) ── hostB
"""
import contextlib
import json
import os
import pathlib
import shutil
import socket

import pytest

from support import netns
from support.joins import IPV4, own_processes, shown
from support.netns import HOST_A, HOST_B, LAN_A, LAN_B, POLANSKI_OUT
from support.sshd import Sshd, make_key

MACHINE = socket.gethostname().split(".")[0]  # of all the namespaces: what a caller calls itself
THIRD, THIRD_LAN, THIRD_IN = "193.6.36.1", "10.77.0.0/24", "10.77.0.1"  # the router as a machine with a LAN
SLAVE = f"slave@{POLANSKI_OUT}"
STRANGER = "203.0.113.66"


@pytest.fixture(autouse=True)
def clean_server(near):
    near.server.forget()


@pytest.fixture(scope="module")
def third(near, isthmus):
    near.topology.ip("router", "link", "add", "lan0", "type", "veth", "peer", "name", "lan1")
    near.topology.ip("router", "addr", "add", f"{THIRD_IN}/24", "dev", "lan0")
    for end in ("lan0", "lan1"):
        near.topology.ip("router", "link", "set", end, "up")
    with Sshd(near.topology, "router", addresses=(THIRD,), program=isthmus) as sshd:
        yield sshd


def host_id(near, host):
    """The file that holds what the machine calls itself, made by any session."""
    near.run("plan", "-F", near.server.client_config, f"root@{POLANSKI_OUT}", *IPV4, host=host)
    number = os.stat(f"/run/netns/{near.topology.name(host)}").st_ino
    (path,) = pathlib.Path("/run/isthmus").glob(f"*-{number}/host-id")
    return path


def claim_to_be(near, host, another):
    host_id(near, host).write_bytes(host_id(near, another).read_bytes())


def sessions(near, host):
    return {session["session"]: session for session in json.loads(near.run("status", "--json", host=host).stdout)}


def adopted(near):
    (there,) = [session for session in sessions(near, "polanski").values() if session["adopted"]]
    return there


def cross(near):
    ping = near.topology.ping
    return ping("hostA", HOST_B, count=2, interval=0.05).ok and ping("hostB", HOST_A, count=2, interval=0.05).ok


def restricted(near, name, accept):
    """A key that may only be the peer `name`, and its client configuration."""
    key = make_key(near.server.directory / f"key-{name}-{os.urandom(4).hex()}")
    near.server.authorize(key, command=f"isthmus attach --peer {name}", options=["restrict"])
    near.server.peer(name, f'offer = ["{LAN_B}"]\naccept = ["{accept}"]\n')
    return near.server.write_client_config(f"config-{key.name}", key)


@contextlib.contextmanager
def up_from_polanski(near, third, *words, name):
    """`isthmus up` on polanski, with polanski's peer files, to the third machine."""
    inside = ["nsenter", f"--mount=/proc/{near.server.process.pid}/ns/mnt"]
    up = [near.program, "up", "--detach", *third.client_args(), f"root@{THIRD}", "--offer", LAN_B, "--accept", THIRD_LAN]
    result = near.topology.run("polanski", [*inside, *up, *words], check=False, env=near.env, timeout=60)
    try:
        assert sessions(near, "polanski").get(name, {}).get("phase") == "up", shown(result)
        yield
    finally:
        near.run("down", name, host="polanski")


def test_a_restricted_key_does_not_join_an_adopted_session_of_its_files_name(near):
    with near.joined(*IPV4):
        before = adopted(near)
        assert before["session"] == MACHINE
        config = restricted(near, MACHINE, "10.9.0.0/16")
        claim_to_be(near, "router", "fellini")
        result = near.call("up", "--offer", "0.0.0.0/0", "--accept", LAN_B, config=config, host="router")
        assert result.returncode == 30 and f"under no file: `isthmus down {MACHINE}`" in result.stderr, shown(result)
        after = adopted(near)
        assert (after["pid"], after["accepted"], after["peer_host"]) == (before["pid"], [LAN_A], before["peer_host"])
        assert cross(near)


def test_an_adopted_session_takes_no_peers_name(near):
    restricted(near, MACHINE, "10.9.0.0/16")
    with near.joined(*IPV4):
        assert adopted(near)["session"].startswith(f"{MACHINE}-")


def test_a_file_peer_joins_no_up_that_has_its_name_by_chance(near, third):
    config = restricted(near, THIRD, LAN_A)
    with up_from_polanski(near, third, name=THIRD):
        result = near.call("up", *IPV4, config=config)
        assert result.returncode == 30 and f"isthmus up --name {THIRD}" in result.stderr, shown(result)


def test_a_file_peer_joins_the_up_of_its_name_for_no_more_than_its_file(near, third):
    config = restricted(near, "office", LAN_A)
    with up_from_polanski(near, third, "--name", "office", name="office"):
        result = near.call("up", *IPV4, config=config)
        text = f"--accept {THIRD_LAN}` permits more than /etc/isthmus/peers/office.toml"
        assert result.returncode == 30 and text in result.stderr, shown(result)


def test_a_far_end_that_claims_anothers_host_id_takes_nothing_of_its(near, third):
    claim_to_be(near, "router", "fellini")
    with near.joined(*IPV4):
        before = adopted(near)
        with up_from_polanski(near, third, name=THIRD):
            assert sessions(near, "polanski")[THIRD]["peer_host"] == before["peer_host"]
            assert adopted(near)["pid"] == before["pid"] and adopted(near)["accepted"] == [LAN_A]
            assert cross(near)
            # Nor does the next login of its machine go there.
            near.run("down", "there")
            netns.wait_until(lambda: list(sessions(near, "polanski")) == [THIRD] and not own_processes(near.topology, "fellini"))
            again = near.call("up", "--detach", "--name", "there", *IPV4)
            assert again.returncode == 0, shown(again)
            assert adopted(near)["accepted"] == [LAN_A] and cross(near)


def test_who_became_root_by_a_set_uid_program_is_not_adopted(near):
    python = near.server.directory / "python-set-uid"
    shutil.copy("/usr/bin/python3", python)
    python.chmod(0o4755)
    script = near.server.directory / "become-root"
    script.write_text(f"#!{python} -I\nimport os\nos.setuid(0)\nos.environ.pop('SSH_ORIGINAL_COMMAND')\nos.execl('{near.program}', 'isthmus', 'attach')\n")
    script.chmod(0o755)
    near.server.authorize(near.server.client_key, user="slave", command=str(script), options=["restrict"])
    result = near.call("up", *IPV4, to=SLAVE)
    assert result.returncode == 30 and "there is no /etc/isthmus/peers/slave.toml" in result.stderr, shown(result)


def test_a_root_shell_without_ssh_is_not_adopted(near):
    result = near.topology.run("polanski", ["sh", "-c", f"{near.program} attach </dev/null >/dev/null"], check=False, env=near.env)
    assert result.returncode == 31 and "isthmus attach --peer NAME permits it" in result.stderr, shown(result)


def test_a_forged_ssh_connection_opens_no_guard_through_sudo(near):
    near.server.peer("slave", f'offer = ["{LAN_B}"]\naccept = ["{LAN_A}", "203.0.113.0/24"]\n')
    near.server.force(f"SSH_CONNECTION='{STRANGER} 1 {POLANSKI_OUT} 22' sudo -n {near.program} attach", user="slave")
    near.topology.ip("fellini", "route", "add", "203.0.113.0/24", "dev", "lan0")
    with near.joined(*IPV4, "--offer", "203.0.113.0/24", to=SLAVE):
        changed = near.topology.ip("polanski", "rule") + near.topology.run("polanski", ["nft", "list", "ruleset"]).stdout
        assert "203.0.113.0/24" in changed and STRANGER not in changed, changed
    near.topology.ip("fellini", "route", "del", "203.0.113.0/24", "dev", "lan0")
