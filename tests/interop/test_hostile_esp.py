"""A peer that has the keys and means harm: scapy's packets, sealed by a peer of our own (esp_peer.py), come to `isthmus up` and to
`isthmus attach` as ESP in UDP.

    hostA ── fellini (isthmus up) ═══ router ═══ polanski (esp_peer)              the caller is under test
    hostA    fellini (esp_peer)   ═══ router ═══ polanski (isthmus attach) ── hostB      the called end

Whatever it sends, no host behind the tunnel and nobody outside gets what is not permitted, each datagram is counted once and
under its right name, and packets before and after are answered.
"""
import collections
import dataclasses
import itertools
import random
import time

import pytest
from scapy.layers.inet import UDP
from scapy.packet import Raw

from support.esp_peer import DUMMY, INTERFACE_ID, PROBE, trailed
from support.hostile_esp import AtCalledEnd, AtCaller, FullCalledEnd, FullCaller, Watched, canonical, same
from support.hostile_inner import (ANY, DELIVERED, MARK, TAKEN, Datagram, datagram, echo_request, header, malformed, nested, no_packets,
                                   odd_but_permitted, outside_policy, permitted, stopped_by_kernel, transports)
from support.joins import CalledEnd, Near, acquaint, own_processes, undone
from support.netns import Topology
from support.soak import soaked

SEED = 25
FLOOD = soaked(2000, 100_000)
AT_ONCE = 500  # packets of the flood that are told to the peer at a time
MOST_OF_A_LOOP = 70_000  # octets that may go outside for a packet that leads back
DEPTH = 200
TICKS = 1.1  # s, in which a path that is to move asks twice


@pytest.fixture(scope="module")
def near(isthmus):
    with Topology() as topology, CalledEnd(topology, isthmus) as server:
        acquaint(topology)
        yield Near(topology, isthmus, server)


@pytest.fixture(scope="module", params=[AtCaller, AtCalledEnd], ids=["caller", "called end"])
def end(near, request):
    """One join for all tests of an end; when they are done, it is the same processes that are asked to go, and all is undone."""
    with undone(near.topology), request.param(near, "esp") as joined:
        yield joined
        assert own_processes(joined.topology, joined.host) == joined.processes, joined.text
        joined.wait_ready()


def at(kind):
    """In a join of this kind alone."""
    return pytest.mark.parametrize("end", [kind], indirect=True, ids=[kind.__name__])


def verdicts(datagrams):
    """How many of them go by each name that is counted."""
    found = collections.Counter()
    for each in datagrams:
        found["taken" if each.verdict in TAKEN else each.verdict] += 1
        found["replayed"] += each.times - 1
    return +found


def judged(end, hostile, chance, octets=2048):
    """Sends what means harm between packets that are permitted, and holds the end to what is to become of each."""
    datagrams = [*permitted(end.site, chance, 1), *hostile, *permitted(end.site, chance, 2)]
    with Watched(end, octets) as watched, end.accounted(verdicts(datagrams)):
        end.send(datagrams)
        end.wait_answered(datagrams)
    watched.judge(datagrams)


def test_what_comes_from_or_goes_to_where_the_peer_may_not_is_dropped_and_counted(end):
    chance = random.Random(SEED)
    judged(end, list(outside_policy(end.site, end.own_link_local, chance)), chance)


def test_what_is_no_whole_packet_is_dropped_and_counted(end):
    chance = random.Random(SEED)
    judged(end, list(malformed(end.site, chance)), chance)


def test_what_is_no_packet_or_not_sealed_rightly_is_dropped_and_counted(end):
    chance = random.Random(SEED)
    judged(end, list(no_packets(end.site, chance)), chance)


def test_what_only_the_kernel_can_stop_goes_no_further_than_the_gateway(end):
    chance = random.Random(SEED)
    judged(end, list(stopped_by_kernel(end.site, end.own_link_local, end.link_local(INTERFACE_ID))), chance)


def test_what_is_odd_but_permitted_arrives_as_it_was(end):
    chance = random.Random(SEED)
    judged(end, list(odd_but_permitted(end.site, chance)), chance, octets=0)


def ends_with_what_is_in_it(end, address):
    """Sealed ones in sealed ones, to the datagrams' own port at this address, which the peer may send to."""
    status = end.status()
    innermost = next(permitted(end.site, random.Random(SEED), 5000))
    outermost = nested(end.site, end.seal, (address, status["udp_port"]), DEPTH, innermost.plain)
    with Watched(end) as watched, end.accounted({"taken": DEPTH + 1}):
        end.send([Datagram("nested", DELIVERED, outermost)])
        end.wait_answered([innermost])
        end.led_back += DEPTH
    assert watched.given().total() == DEPTH + 1
    assert watched.octets_out() < MOST_OF_A_LOOP
    watched.judge_lan(collections.Counter([canonical(innermost.packet)]))
    watched.judge_outside()
    assert (end.status()["udp_remote"], end.status()["path"]) == (status["udp_remote"], "datagram")


def test_a_packet_for_the_end_itself_ends_with_what_is_in_it(end):
    ends_with_what_is_in_it(end, end.site.gateway[0])


def test_a_packet_for_either_end_outside_is_dropped_whatever_is_in_it(end):
    port, chance = end.status()["udp_port"], random.Random(SEED)
    inside = [Raw(end.seal(each.plain)) for each in permitted(end.site, chance)]
    judged(end, [datagram("to an end", "selector", header(4, end.site.there[0], outer) / UDP(sport=1, dport=port) / sealed)
                 for outer in (end.site.outer[0], end.site.peer[0]) for sealed in inside], chance)


def test_a_probe_from_inside_the_tunnel_is_answered_to_nobody_outside(end):
    status, token = end.status(), b"loop" + bytes(4)
    probe = trailed(PROBE + b"\1\0\0\x12" + token + bytes(2), DUMMY)
    to_ourselves = header(4, end.site.there[0], end.site.gateway[0]) / UDP(sport=4500, dport=status["udp_port"])
    with Watched(end) as watched, end.accounted({"taken": 1}):
        end.send([datagram("a probe inside", DELIVERED, to_ourselves / Raw(end.seal(probe)))])
        end.led_back += 1
        end.probed_back += 1
        time.sleep(TICKS)
    watched.judge_lan(collections.Counter())
    watched.judge_outside()
    assert watched.octets_out() < MOST_OF_A_LOOP
    assert (end.status()["udp_remote"], end.status()["path"]) == (status["udp_remote"], "datagram")


def mixture(end, chance):
    """A flood, in which every tenth packet is permitted, and every twentieth comes twice."""
    pools = [[each for each in pool if len(each.command.get("plain", "")) < 4000] for pool in (
        list(outside_policy(end.site, end.own_link_local, chance)), list(malformed(end.site, chance)), list(no_packets(end.site, chance)))]
    for number in range(FLOOD):
        if number % 10 == 0:
            made = next(itertools.islice(permitted(end.site, chance, 10_000 + number), chance.randrange(2), None))
        else:
            made = chance.choice(chance.choice(pools))
        yield dataclasses.replace(made, times=2) if number % 20 == 0 and made.plain else made


def test_a_flood_of_all_of_it_is_counted_to_the_last_packet(end):
    datagrams = list(mixture(end, random.Random(SEED)))
    with Watched(end) as watched, end.accounted(verdicts(datagrams)):
        for at in range(0, len(datagrams), AT_ONCE):
            end.send(datagrams[at:at + AT_ONCE])
        end.wait_answered(datagrams)
    watched.judge(datagrams)


def test_a_datagram_of_no_octet_is_counted_like_any_other(end):
    with end.accounted({"bad-length": 1}):
        end.send([Datagram("nothing", "bad-length", raw=b"")])


# ---- a full tunnel, at the end that sends everything into it, and at the end where everything comes out

def stopped(end, pairs, verdict=ANY):
    """Packets with these sources and destinations go nowhere, whoever stops them, or for this reason."""
    chance = random.Random(SEED)
    hostile = [datagram(f"{source} > {destination}", verdict, header(6 if ":" in source + destination else 4, source, destination) / transport)
               for source, destination in pairs for transport in transports(6 if ":" in source + destination else 4, MARK, chance)]
    good = [*permitted(end.site, chance, 1), *permitted(end.site, chance, 2)]
    counted = [] if verdict == ANY else [verdicts([*good, *hostile])]
    with Watched(end) as watched, end.accounted(*counted):
        end.send([*good[:2], *hostile, *good[2:]])
        end.wait_answered(good)
    watched.judge_lan(collections.Counter(canonical(each.packet) for each in good))
    watched.judge_outside()


@at(FullCaller)
def test_who_may_send_from_everywhere_may_not_send_from_where_nobody_is(end):
    sources = ("127.0.0.1", "127.255.255.255", "0.0.0.0", "224.0.0.1", "239.255.255.250", "255.255.255.255", "169.254.1.1",
               "::", "::1", "ff02::1", "ff0e::1", "fe80::1")
    stopped(end, [(source, end.site.here[":" in source]) for source in sources])


@at(FullCaller)
def test_who_may_send_from_everywhere_may_not_send_from_the_networks_here(end):
    sources = (*end.site.gateway, *end.site.here, "193.6.35.77", "192.168.0.1", str(end.own_link_local))
    stopped(end, [(source, end.site.here[":" in source]) for source in sources])


@at(FullCaller)
def test_who_may_send_from_everywhere_may_not_send_from_the_gateways_outer_address(end):
    stopped(end, [(source, end.site.here[":" in source]) for source in end.site.outer], "selector")


@at(FullCaller)
def test_who_may_send_from_everywhere_may_not_send_from_what_is_never_routed(end):
    sources = ("0.0.0.1", "240.0.0.1", "::193.6.35.20", "::ffff:8.8.8.8", "::ffff:193.6.35.20")
    stopped(end, [(source, end.site.here[":" in source]) for source in sources], "selector")


@at(FullCalledEnd)
def test_who_may_send_to_everywhere_may_not_send_to_where_nobody_is(end):
    destinations = ("127.0.0.1", "127.255.255.255", "0.0.0.0", "224.0.0.1", "239.255.255.250", "255.255.255.255",
                    "::1", "ff02::1", "ff05::2", "ff0e::1", "fe80::1")
    stopped(end, [(end.site.there[":" in each], each) for each in destinations])


@at(FullCalledEnd)
def test_who_may_send_to_everywhere_may_not_send_to_link_local_addresses(end):
    stopped(end, [(end.site.there[0], destination) for destination in ("169.254.1.1", "169.254.169.254")])


@at(FullCalledEnd)
def test_who_may_send_to_everywhere_may_not_send_to_what_is_never_routed(end):
    destinations = ("0.0.0.1", "240.0.0.1", "::", "::8.8.8.8", "::ffff:8.8.8.8")
    stopped(end, [(end.site.there[":" in each], each) for each in destinations], "selector")


@at(FullCalledEnd)
def test_where_everything_is_offered_a_packet_for_our_outer_address_ends_with_what_is_in_it(end):
    ends_with_what_is_in_it(end, end.site.outer[0])


@at(FullCalledEnd)
def test_where_everything_is_offered_what_leads_back_into_the_tunnel_comes_back_once(end):
    back = [datagram("back", ANY, header(version, end.site.there[version == 6], destination) / echo_request(version, MARK, number))
            for number in range(20) for version, destination in ((4, "193.6.35.99"), (6, "2001:db8:35::99"))]
    end.answers()
    with Watched(end) as watched, end.accounted({"taken": len(back)}):
        end.send(back)
        came = end.answers_but_redirects(len(back))
    same(collections.Counter(map(canonical, came)), collections.Counter(canonical(each.packet) for each in back))
    assert watched.octets_out() < MOST_OF_A_LOOP
    watched.judge_lan(collections.Counter())
    watched.judge_outside()
