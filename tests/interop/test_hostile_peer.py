"""A peer that means harm, made with scapy, at both ends: in place of ssh before `isthmus up`, and over real ssh before
`isthmus attach`. Whatever it does, the work and the words it causes are bounded, nothing outside policy is applied, the
session ends or goes on as it should, and afterwards everything is undone."""
import contextlib
import re

import pytest

from support.hostile import ENDS
from support.hostile_peer import FORBIDDEN, MANY, OFFERS
from support.joins import CalledEnd, Near, acquaint, undone
from support.netns import Namespaces, Topology

ALONE = "floods have to end in time"

# Measured: at most 0.2 s of processor time for the worst of these, and 16.0 MiB, of which 12.5 are there without an attack (what an
# engine's libraries are, and the tables of its ciphers); the frames that answer a frame are never three
# times as long (a Nak's suggestion, and the stuffing of LCP), and our own timers say a few hundred octets more.
MOST_SECONDS, MOST_MEBIBYTES, MOST_TIMES, MOST_OF_OURSELVES = 1.0, 20, 3, 8192


@pytest.fixture(scope="module")
def near(isthmus):
    with Topology() as topology, CalledEnd(topology, isthmus) as server:
        acquaint(topology)
        yield Near(topology, isthmus, server)


@pytest.fixture(scope="module", autouse=True)
def endless_reject(isthmus):
    """Takes ten requests three seconds apart: it goes on beside the other tests, on a machine of its own."""
    with Namespaces(["fellini"]) as alone, ENDS["caller"](Near(alone, isthmus, None), "endless-reject") as attacked:
        yield attacked


@pytest.fixture(params=ENDS)
def attack(near, request):
    """Starts a scenario; when the test is done, what it cost is judged, and that all was undone."""
    made = []
    with undone(near.topology), contextlib.ExitStack() as stack:
        def start(scenario):
            made.append(stack.enter_context(ENDS[request.param](near, scenario)))
            return made[-1]
        yield start
        for one in made:
            judge(one, one.report())


def judge(attack, report):
    assert attack.cpu <= MOST_SECONDS, attack.cpu
    assert attack.peak <= MOST_MEBIBYTES, attack.peak
    assert report["received"] <= MOST_TIMES * report["sent"] + MOST_OF_OURSELVES, report
    assert report["bad_fcs"] == 0
    assert len(attack.text) < 65536, "it fills the log"
    assert "\x1b" not in attack.text


def replies(report, protocol):
    """Acks, Naks and Rejects."""
    return sum(report["answered"].get(f"{protocol}:{code}", 0) for code in (2, 3, 4))


def routes(attack):
    return attack.topology.ip(attack.host, "route", "show", "table", "all")


def main_table(attack):
    return attack.topology.ip(attack.host, "route", "show", "table", "main")


def has_tunnel(attack):
    return "isth0" in attack.topology.ip(attack.host, "-o", "addr", "show")


@pytest.mark.parametrize("scenario", ["address", "addresses"])
def test_an_address_that_the_peer_may_not_have_is_never_taken_and_the_call_ends(attack, scenario):
    attacked = attack(scenario)
    report = attacked.report()
    assert report["ended"] and not has_tunnel(attacked)
    assert report["answered"].get("8021:2", 0) == 0
    assert replies(report, "8021") <= report["asked"]["8021"]
    if scenario == "address":
        attacked.wait_said(re.escape(FORBIDDEN[-1]))
    if attacked.host == "fellini":
        assert attacked.end() == 31, attacked.text


def test_an_odd_lcp_request_gets_one_answer_at_most_and_the_link_lives(attack):
    attacked = attack("odd-options")
    report = attacked.report()
    assert report["echo"], attacked.text
    assert report["replies"] == {**dict.fromkeys(report["replies"], 2), "length 0": 0, "length 1": 0, "length 255": 0}


def test_a_peer_that_naks_for_ever_is_left(attack):
    attacked = attack("endless-nak")
    report = attacked.report()
    assert report["ended"] and report["answered"]["c021:1"] <= 12
    attacked.wait_said("no agreement on LCP")
    if attacked.host == "fellini":
        assert attacked.end() == 32, attacked.text


@pytest.mark.parametrize("scenario", ["storm-lcp", "storm-ipcp", "storm-ipcp-options"])
def test_a_storm_of_requests_gets_one_answer_each_and_turns_the_machine_over_a_few_times_at_most(attack, scenario):
    attacked = attack(scenario)
    report = attacked.report()
    asked = {"c021": report["asked"]["c021"], "8021": report["asked"]["8021"] + report["asked"].get("storm", 0)}
    assert all(replies(report, protocol) <= asked[protocol] for protocol in asked)
    # Each renegotiation is a request of ours at most, and one of each protocol above.
    assert report["answered"]["c021:1"] <= asked["c021"] + 10
    assert report["answered"]["8021:1"] <= asked["c021"] + asked["8021"] + 10
    assert attacked.text.count("added route") <= 50, "routes come and go as the peer likes"


def test_floods_get_one_answer_each_and_the_link_lives(attack):
    attacked = attack("floods")
    report = attacked.report()
    assert report["echo"], attacked.text
    assert [report["answered"][f"c021:{code}"] for code in (10, 7, 8)] == [MANY + 1, MANY, MANY]


def test_rejections_of_what_was_never_said_do_no_harm(attack):
    attacked = attack("rejections")
    report = attacked.report()
    assert report["received"] < 4096, report


def test_our_own_magic_number_ends_the_call_as_looped_back(attack):
    attacked = attack("magic-loop")
    assert attacked.report()["ended"]
    attacked.wait_said("looped")


def test_a_peer_that_asks_and_never_reads_is_not_read_for_ever(attack):
    attacked = attack("deaf")
    assert attacked.report()["sent"] <= 8 << 20


def test_the_link_comes_up_and_lives_through_noise_and_giant_frames(attack):
    attacked = attack("noise")
    report = attacked.report()
    assert report["echo"] and report["received"] < 4096, report
    assert has_tunnel(attacked)


def test_garbage_disorder_and_the_future_in_vsnp_are_skipped_and_a_hello_among_them_is_understood(attack):
    attacked = attack("vendor")
    report = attacked.report()
    assert report["echo"] and report["received"] < 2048, report
    assert sorted(set(report["told"])) == [1, 2]
    assert not has_tunnel(attacked)


def test_a_storm_of_new_hellos_is_hung_up_on(attack):
    attacked = attack("storm-hello")
    assert attacked.report()["ended"]
    attacked.wait_said("without end")


def test_nothing_is_routed_and_no_packet_let_out_that_was_not_accepted(attack, near):
    with near.topology.capture("hostA", "lan0", "ip") as a, near.topology.capture("hostB", "lan0", "ip") as b:
        attacked = attack("spoof")
        before = main_table(attacked)
        assert attacked.report()["echo"], attacked.text
        ours = [line for line in routes(attacked).splitlines() if "isth0" in line and "table local" not in line]
        assert main_table(attacked) == before
    far = attacked.far_lan.rpartition(".")[0] + "."
    assert ours and all(line.startswith((far, "192.168.0.2 ")) for line in ours), ours
    said = re.findall(r"\s(\S+) refused:", attacked.text)
    assert sorted(said) == sorted(offer for offer in OFFERS if not offer.startswith(far))
    seen = (a if attacked.lan_host == "hostA" else b).read_bytes()
    assert b"permitted" in seen
    assert b"spoofed" not in seen and b"cut off" not in seen


def test_a_peer_that_rejects_for_ever_is_left(endless_reject):
    assert endless_reject.end(60) == 32, endless_reject.text
    report = endless_reject.report()
    assert report["ended"] and report["answered"]["c021:1"] <= 12
