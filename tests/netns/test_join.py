"""Joining two networks and undoing it: what a user of `isthmus up` sees, and what hosts on both LANs get."""
import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import time

import pytest

from support import netns
from support.joins import BOTH, IPV4, shown, undone
from support.netns import (FELLINI_IN, FELLINI_IN6, FELLINI_OUT, HOST_A, HOST_A6, HOST_B, HOST_B6, LAN_A, LAN_A6, LAN_B, LAN_B6,
                           POLANSKI_IN, POLANSKI_IN6, POLANSKI_OUT, POLANSKI_OUT6)
from support.transfer import transfer

ALONE = "a refusal may not keep anybody waiting"

OUTSIDE = {"IPv4 outside": f"root@{POLANSKI_OUT}", "IPv6 outside": f"root@[{POLANSKI_OUT6}]"}


def probes(text):
    """What the proof's lines claim: {(side, source, target, kind)}."""
    return set(re.findall(r"from (here|there)\s+(\S+) → (\S+) (gateway|host)\s+[\d.]+ ms", text))


def runtime_directory(near):
    number = os.stat(f"/run/netns/{near.topology.name('fellini')}").st_ino
    (directory,) = pathlib.Path("/run/isthmus").glob(f"*-{number}")
    return directory


def has_isthmus_link(topology, host):
    return "isth0" in topology.ip(host, "link")


@pytest.mark.parametrize("outside", OUTSIDE)
def test_hosts_of_both_lans_reach_each_other_in_both_families_and_directions(near, outside):
    octets = bytes(range(256)) * 1024
    ways = (("hostA", HOST_A, "hostB", HOST_B), ("hostB", HOST_B, "hostA", HOST_A),
            ("hostA", HOST_A6, "hostB", HOST_B6), ("hostB", HOST_B6, "hostA", HOST_A6))
    with near.joined(*BOTH, to=OUTSIDE[outside]):
        for sender, source, receiver, destination in ways:
            assert near.topology.ping(sender, destination, source=source, count=2, interval=0.05).ok
            moved = transfer(near.topology, sender, receiver, source, destination, octets)
            assert moved.arrived_whole, moved.report
    assert near.topology.ping("hostA", HOST_B, count=1).received == 0


def test_the_proof_shows_both_gateways_both_directions_each_prefix_and_hosts(near):
    with near.joined(*BOTH) as up:
        assert {("here", FELLINI_IN, POLANSKI_IN, "gateway"), ("here", FELLINI_IN6, POLANSKI_IN6, "gateway"),
                ("here", FELLINI_IN, HOST_B, "host"), ("there", POLANSKI_IN, FELLINI_IN, "gateway"),
                ("there", POLANSKI_IN6, FELLINI_IN6, "gateway"), ("there", POLANSKI_IN, HOST_A, "host")} <= probes(up.stdout)
        steps = re.findall(r"^  (ssh|link|addresses|routes|proof) .* \d+\.\d+ s$", up.stdout, re.M)
        assert steps == ["ssh", "link", "addresses", "routes", "proof"]
        assert "joined in" in up.stdout


def test_only_ipv6_inside(near):
    with near.joined("--offer", LAN_A6, "--accept", LAN_B6):
        assert near.topology.ping("hostA", HOST_B6, count=2).ok
        assert near.topology.ping("hostA", HOST_B, count=1).received == 0


def test_plan_names_the_changes_of_both_machines_and_makes_none(near):
    before = {host: near.topology.leftovers(host) for host in ("fellini", "polanski")}
    with undone(near.topology):
        plan = near.call("plan", *BOTH)
    assert plan.returncode == 0, shown(plan)
    here, there = plan.stdout.split("On the far machine")
    assert "On this machine" in here
    for line in (f"address {FELLINI_IN}/32 peer {POLANSKI_IN} dev isth0", f"route {LAN_B} dev isth0 src {FELLINI_IN}",
                 f"route {LAN_B6} dev isth0 src {FELLINI_IN6}", "sysctl net.ipv4.conf.lan0.forwarding=1", "nft table inet isthmus_7200"):
        assert line in here
    for line in (f"address {POLANSKI_IN}/32", f"route {LAN_A} dev isth0 src {POLANSKI_IN}", "sysctl net.ipv6.conf.all.forwarding=1"):
        assert line in there
    assert "0.0.0.0" not in plan.stdout
    assert all(before[host].diff(near.topology.leftovers(host)) == [] for host in before)


def test_plan_leaves_a_session_that_stands_alone(near):
    with near.joined(*BOTH):
        plan = near.call("plan", *IPV4)
        assert plan.returncode == 31, shown(plan)
        assert f"! {LAN_B} is refused: it clashes with {LAN_B}, which another session has on isth0" in plan.stdout
        assert f"route {LAN_A} dev" in plan.stdout
        assert near.topology.ping("hostA", HOST_B6, count=2).ok
        assert json.loads(near.run("status", "--json").stdout)[0]["phase"] == "up"


def test_status_tells_of_both_ends_to_people_and_to_programs(near):
    with near.joined(*BOTH):
        text = near.run("status", "there").stdout
        for part in ("there: up to root@", "isth0", f"{FELLINI_IN} ↔ {POLANSKI_IN}", LAN_B, LAN_A6, "proof      complete"):
            assert part in text
        (here,) = json.loads(near.run("status", "--json").stdout)
        (there,) = json.loads(near.run("status", "--json", host="polanski").stdout)
    assert (here["role"], here["phase"], here["proof"], here["accepted"]) == ("up", "up", "complete", [LAN_B, LAN_B6])
    assert (there["role"], there["phase"], there["accepted"]) == ("attach", "up", [LAN_A, LAN_A6])
    assert here["local_ipv4"] == there["remote_ipv4"] == FELLINI_IN
    assert here["packets_received"] > 0 and here["octets_sent"] > 0


def test_status_and_down_of_what_is_not_up_say_so_with_3(near):
    assert near.run("status").stdout == "no session is up\n"
    assert near.run("status", "--json").stdout.split() == ["[]"]
    assert near.run("status", "there").returncode == 3
    down = near.run("down", "there")
    assert down.returncode == 3 and "there is not up" in down.stderr


def test_up_of_what_is_up_fails_with_4_and_leaves_it_alone(near):
    with near.joined(*IPV4):
        again = near.call("up", "--name", "there", *IPV4)
        assert again.returncode == 4 and "up already" in again.stderr
        assert near.topology.ping("hostA", HOST_B, count=2).ok


def test_up_may_follow_down_at_once(near):
    with undone(near.topology):
        for _ in range(6):
            up = near.call("up", "--detach", "--name", "there", *IPV4)
            assert up.returncode == 0, shown(up)
            down = near.run("down", "there")
            assert down.returncode == 0, shown(down)
            assert near.run("status").stdout == "no session is up\n"


def test_up_that_is_refused_its_name_leaves_no_journal(near):
    near.run("cleanup")  # makes the directory
    lock = runtime_directory(near) / "there.sock.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # as a process does that is just ending
        up = near.call("up", "--name", "there", *IPV4)
        assert up.returncode == 4 and "just ending: try again" in up.stderr, shown(up)
        assert near.run("status").stdout == "no session is up\n"
    lock.unlink()


def test_a_second_up_to_a_far_end_that_has_one_session_for_both_is_refused(near):
    with near.joined(*IPV4):
        begun = time.monotonic()
        second = near.call("up", "--name", "second", "--offer", LAN_A6, "--accept", LAN_B6)
        assert second.returncode == 4 and "joined as there already: `isthmus down there` first" in second.stdout, shown(second)
        assert time.monotonic() - begun < 5
        (here,) = json.loads(near.run("status", "--json").stdout)
        assert (here["phase"], here["accepted"]) == ("up", [LAN_B])
        assert near.topology.ping("hostA", HOST_B, count=2).ok


def test_down_all_ends_every_session(near):
    with near.joined(*IPV4, down=False):
        down = near.run("down", "--all")
        assert down.returncode == 0, shown(down)
        assert not has_isthmus_link(near.topology, "fellini")


def test_down_says_what_could_not_be_undone_and_not_that_all_was(near):
    with undone(near.topology):
        assert near.call("up", "--detach", "--name", "there", *IPV4).returncode == 0
        ledger = runtime_directory(near) / "sysctls"
        text = ledger.read_text()
        ledger.write_text("spoilt")
        down = near.run("down", "there")
        assert down.returncode == 37 and "is undone" not in down.stdout, shown(down)
        assert "not everything could be undone: " in down.stderr and "sysctls is damaged" in down.stderr, shown(down)
        ledger.write_text(text)
        assert near.run("cleanup").returncode == 0


def test_down_at_the_called_end_ends_the_session_at_both(near):
    with undone(near.topology), near.foreground("--name", "there", *IPV4) as up:
        up.wait_for("^joined")
        (there,) = json.loads(near.run("status", "--json", host="polanski").stdout)
        assert near.run("down", there["session"], host="polanski").returncode == 0
        assert up.process.wait(timeout=10) == 0
        assert "isthmus down" in up.text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_standing_session_with_0_and_undoes_it(near, number):
    with undone(near.topology), near.foreground(*IPV4) as up:
        up.wait_for("^joined")
        assert near.topology.ping("hostA", HOST_B, count=1).ok
        assert up.end(number) == 0, up.text
        assert not has_isthmus_link(near.topology, "fellini")


@pytest.mark.parametrize("words", [["status"], ["down", "--all"], ["cleanup"]])
def test_whoever_is_not_root_is_told_so_with_5(near, words):
    program = near.topology.directory / "isthmus"
    if not program.exists():
        shutil.copy(near.program, program)  # where anybody may run it
    result = near.topology.run("fellini", ["setpriv", "--reuid", "65534", "--clear-groups", program, *words], check=False)
    assert result.returncode == 5 and "root" in result.stderr and "joining" not in result.stderr, shown(result)


def test_an_address_without_a_length_is_told_to_be_one(near):
    result = near.call("plan", "--offer", LAN_A, "--accept", "193.6.37.0")
    assert "193.6.37.0/32 is one address" in result.stdout and "193.6.37.0/24" in result.stdout, shown(result)


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_before_the_session_stands_is_told_by_the_exit_status(near, number, code):
    with undone(near.topology), near.foreground(*IPV4, "--remote-command", "sleep 60") as up:
        up.wait_for("^joining")
        netns.wait_until(lambda: near.run("status").stdout.startswith(POLANSKI_OUT))
        assert up.end(number) == code, up.text
        assert "at the other end" not in up.text


def test_ctrl_c_reaches_the_whole_group_and_the_far_end_hears_goodbye(near):
    near.server.syslog.clear()
    with undone(near.topology), near.foreground(*IPV4) as up:
        up.wait_for("^joined")
        os.killpg(up.process.pid, signal.SIGINT)  # ssh is in the group, as in a terminal's, and must outlive it
        assert up.process.wait(timeout=10) == 0
    assert any("has ended: ended at the other end" in line for line in near.server.syslog), near.server.syslog


def test_name_interface_and_mtu_are_as_asked(near):
    with near.joined(*BOTH, "--interface", "tofar", "--mtu", "1300", name="the-far.end"):
        assert "mtu 1300" in near.topology.ip("fellini", "link", "show", "tofar")
        # What the caller takes at most, the called end sends at most.
        assert "mtu 1300" in near.topology.ip("polanski", "link", "show", "isth0")
        assert near.run("status", "the-far.end").returncode == 0
        assert near.topology.ping("hostA", HOST_B, size=1272, count=2).ok


@pytest.mark.parametrize("source, destination, size", [(HOST_A, HOST_B, 1260), (HOST_A6, HOST_B6, 1240)])
def test_the_mss_of_tcp_is_clamped_to_what_the_tunnel_carries(near, source, destination, size):
    with near.joined(*BOTH, "--mtu", "1300"):
        with near.topology.capture("hostB", "lan0", "tcp") as far, near.topology.capture("hostA", "lan0", "tcp") as close:
            assert transfer(near.topology, "hostA", "hostB", source, destination, b"x" * 5000).arrived_whole
        for host, path, sender in (("hostB", far, source), ("hostA", close, destination)):
            seen = near.topology.run(host, ["tcpdump", "-n", "-r", path]).stdout
            (first,) = [line for line in seen.splitlines() if "Flags [S" in line and f" {sender}." in line.split(">")[0]]
            assert f"mss {size}" in first


def test_hosts_that_are_named_are_proven_too(near):
    with near.joined(*BOTH, "--hosts", f"{HOST_B6},{HOST_A6}") as up:
        found = probes(up.stdout)
        assert ("here", FELLINI_IN6, HOST_B6, "host") in found
        assert ("there", POLANSKI_IN6, HOST_A6, "host") in found


def test_a_host_that_does_not_answer_makes_the_proof_incomplete_and_is_named(near):
    with near.joined(*IPV4, "--hosts", "193.6.37.77", code=36) as up:
        assert "INCOMPLETE" in up.stdout
        assert re.search(r"! .*193\.6\.37\.77", up.stdout), up.stdout
        assert near.topology.ping("hostA", HOST_B, count=1).ok
        (here,) = json.loads(near.run("status", "--json").stdout)
        assert here["proof"] == "incomplete" and here["remedies"]


def test_both_ends_log_who_connected_addresses_routes_and_the_end(near):
    near.server.syslog.clear()
    with undone(near.topology), near.foreground(*IPV4) as up:
        up.wait_for("^joined")
        assert up.end(signal.SIGINT) == 0
    there = "\n".join(near.server.syslog)
    assert re.search(rf"root from {FELLINI_OUT}:\d+ with key ssh-ed25519 SHA256:\S+ has connected", there), there
    assert re.search(r"link up with \S+: 193.6.37.12 ↔ 193.6.35.12", there)
    for text in (up.text, there):
        assert "added route" in text and "removed route" in text
        assert "added sysctl" in text and "removed sysctl" in text
        assert re.search(r"session \S+ has ended", text)
    assert "link up with" in up.text and f"{FELLINI_IN} ↔ {POLANSKI_IN}" in up.text
    assert "proof complete" in up.text and "signal 2" in up.text


def test_v_shows_options_and_vv_shows_frames(near):
    with undone(near.topology), near.foreground(*IPV4, "-v") as options:
        options.wait_for("^joined")
        options.end(signal.SIGINT)
    assert "sent [" not in options.text
    assert re.search(r"MRU|magic", options.text, re.I), options.text
    with undone(near.topology), near.foreground(*IPV4, "-vv") as frames:
        frames.wait_for("^joined")
        frames.end(signal.SIGINT)
    assert re.search(r"sent .*LCP.*Configure-Request|sent \[LCP ConfReq", frames.text), frames.text
