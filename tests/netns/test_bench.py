"""The benchmark's page is of whole suites: a glance replaces nothing. What names, goals and sections are worked out from."""
import argparse
import pathlib
import subprocess
import sys

import pytest

BENCH = pathlib.Path(__file__).resolve().parents[1] / "bench"
sys.path.insert(0, str(BENCH))

import bench  # noqa: E402
import harness  # noqa: E402
import measures  # noqa: E402
import micro  # noqa: E402
import report  # noqa: E402

ALONE = "it weighs what a benchmark measures"

STREAM, ESP = bench.SUITES["stream"], bench.SUITES["esp"]


def called(*words):
    return subprocess.run(["/usr/bin/python3", "-B", BENCH / "bench.py", *words], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("words", [["--quick"], ["--only", "rtt"], ["--only", "esp", "isthmus"]])
def test_a_part_of_a_suite_is_not_written_to_the_page(words):
    result = called("--isthmus", "/nowhere", "--write", *words)
    assert result.returncode == 2 and "--write replaces sections" in result.stderr, result.stderr


def test_words_that_leave_nothing_to_measure_are_refused():
    result = called("--isthmus", "/nowhere", "--only", "sshuttle", "narrow")
    assert result.returncode == 2 and "no suite has" in result.stderr, result.stderr


def test_a_whole_suite_may_be_written_to_the_page():
    result = called("--isthmus", "/nowhere", "--write", "--only", "esp")
    assert result.returncode == 1 and "is not built" in result.stderr, result.stderr


def test_help_tells_the_defaults():
    text = " ".join(called("--help").stdout.split())
    for default in ("by default 3", "by default 1", "cubic", "build/release/bin/isthmus", "by default all"):
        assert default in text, text


def test_by_default_all_is_measured_but_what_is_to_be_asked_for():
    chosen = bench.choose([])
    assert list(chosen) == ["micro", "stream", "esp"]
    assert chosen["stream"] == (["plain", "isthmus", "ssh-w", "sshuttle"], list(STREAM.parts))
    assert chosen["esp"] == (["plain", "isthmus", "singly", "fastd", "wireguard-go", "openvpn", "ssh-w"], list(ESP.parts))


@pytest.mark.parametrize("only,expected", [
    (["micro"], {"micro": ([], [])}),
    (["fastd", "tcp"], {"esp": (["fastd"], ["tcp"])}),
    (["isthmus", "rtt", "wan"], {"stream": (["isthmus"], ["rtt", "wan"]), "esp": (["isthmus"], ["rtt"])}),
    (["stream", "isthmus", "rtt"], {"stream": (["isthmus"], ["rtt"])}),
    (["pump1", "narrow"], {"esp": (["pump1"], ["narrow"])}),
    (["sshuttle", "narrow"], {}),
])
def test_of_what_is_named_each_suite_takes_what_it_has(only, expected):
    assert bench.choose(only) == expected


@pytest.mark.parametrize("suite", [STREAM, ESP], ids=lambda suite: suite.name)
def test_each_number_of_the_table_is_one_that_is_measured(suite, isthmus):
    options = argparse.Namespace(isthmus=isthmus, seconds=1, quick=False)
    tasks = [task for leg in suite.legs for task in leg.tasks(options)]
    assert {row.name.rsplit(" ", 1)[0] for row in suite.shape.rows} == {"setup", *(task.name for task in tasks)}
    assert {task.part for task in tasks} | {"setup"} == set(suite.parts)
    assert len({task.name for task in tasks}) == len(tasks)


def results_of(numbers):
    """Results of one round: numbers by carrier and name."""
    results = harness.Results()
    results.numbers = {carrier: {name: [value] for name, value in values.items()} for carrier, values in numbers.items()}
    return results


def esp_results(factor, floods=1.0):
    """Ours just reach every goal of ESP with a factor of 1."""
    ours = {"rtt idle median": 0.2 / factor, "rtt up median": 1.5 / factor, "rtt down median": 1.0,
            "datagrams 64 send received": 3e5 * factor, "datagrams 64 trains received": 1.5e6 * factor * floods}
    plain, fastd = {}, {"datagrams 64 send received": 1e5}
    for family in (4, 6):
        for way in ("up", "down"):
            name = f"tcp {family} 4 {way}"
            ours |= {f"{name} rate": 10000 * factor, f"{name} cpu": 2.8 / factor}
            fastd[f"{name} rate"] = 1000
    for name in [f"off tcp 4 {streams} {way}" for streams in (1, 4) for way in ("up", "down")] + ["narrow tcp 4 1 up", "narrow tcp 4 4 up"]:
        ours[f"{name} rate"], plain[f"{name} rate"] = 900 * factor, 1000
    return results_of({"isthmus": ours, "plain": plain, "fastd": fastd})


def test_the_goals_of_esp_are_met_from_where_they_say():
    assert [goal.met for goal in ESP.shape.goals(esp_results(1))] == [True] * 8
    assert [goal.met for goal in ESP.shape.goals(esp_results(0.99))] == [False] * 8


@pytest.mark.parametrize("suite", [STREAM, ESP], ids=lambda suite: suite.name)
def test_a_goal_that_was_not_measured_is_neither_met_nor_missed(suite):
    assert {(goal.met, goal.found) for goal in suite.shape.goals(harness.Results())} == {(None, "not measured")}


def test_the_worst_number_counts_and_what_is_missing_is_told():
    results = esp_results(1)
    results.numbers["isthmus"]["tcp 6 4 down rate"] = [5000]
    del results.numbers["isthmus"]["tcp 4 4 up rate"]
    first = ESP.shape.goals(results)[0]
    assert not first.met
    assert first.found == "5.00 at worst (TCP, 4 streams, B→A, IPv6), 1 of 4 not measured"


def test_the_micro_benchmarks_are_held_against_their_plain_version():
    found = [{"name": f"{plain}{way}/clean/1400", "octets_per_second": rate} for way, rate_of in (("transmit", 10), ("receive", 9))
             for plain, rate in (("", rate_of), ("plain_", 1))]
    assert [goal.met for goal in micro.goals(found)] == [True, False]


def test_a_table_shows_medians_ratios_and_what_failed():
    results = results_of({"isthmus": {"rtt idle median": 1.0}, "plain": {"rtt idle median": 0.5}, "fastd": {}})
    results.numbers["isthmus"]["rtt idle median"] += [4.0, 2.0]
    results.fail("fastd", "rtt idle", "no answer")
    heads, lines = report.table(ESP, results, ["plain", "isthmus", "fastd"])
    assert heads == ["", "unit", "plain routing", "isthmus", "fastd", "isthmus : plain", "isthmus : fastd"]
    assert lines[0] == ["RTT idle", "ms", "0.50", "2.00", "failed", "4.00", "–"]
    assert report.remarks(ESP, results, "- ") == ["- fastd: rtt idle failed: no answer"]


def test_a_section_takes_its_place_and_leaves_the_others():
    page = report.with_section("", "Micro-benchmarks", "of before\n\n### Goals\n\nnone\n")
    page = report.with_section(page, "The stream", "first\n")
    page = report.with_section(page, "The stream", "second\n")
    assert page == f"{report.INTRODUCTION}\n## The stream\n\nsecond\n\n## Micro-benchmarks\n\nof before\n\n### Goals\n\nnone\n"
    assert [suite.shape.heading for suite in bench.SUITES.values()] + [micro.HEADING] == list(report.ORDER)


def test_the_page_is_as_the_benchmark_writes_it():
    page = bench.PAGE.read_text()
    text = page.split("## Micro-benchmarks\n\n")[1]
    assert report.with_section(page, "Micro-benchmarks", text) == page


def test_octets_and_what_was_sent_again_count_in_both_directions():
    end = {"sum_received": {"bytes": 10, "seconds": 1.0}, "sum_received_bidir_reverse": {"bytes": 5, "seconds": 2.0},
           "sum_sent": {"retransmits": 3}, "sum_sent_bidir_reverse": {"retransmits": 4}}
    assert measures.received(end) == (15, 2.0)
    assert measures.retransmits(end) == 7
    assert measures.retransmits({"sum_sent": {}}) == 0
