"""Which case to ship: limits, ties, the front, and a command that measures it again."""

import json
import shlex

import pytest
from helpers import assert_clean, ganzoo
from results import case, medians, result

import ganzoo as gz
from ganzoo.cli.bench import command as bench_command
from ganzoo.errors import RequestError
from ganzoo.runtime.latency.command import command_of
from ganzoo.runtime.latency.result import BenchResult


def tight(truth, **more):
    return case(medians(truth, spread=0.001), **more)


@pytest.fixture
def swept():
    """A batch gives more pictures and more latency; two threads are no better than one."""
    return BenchResult(
        result(
            tight(1.0, batch=1), tight(4.0, batch=8), tight(30.0, batch=64),
            tight(4.0, batch=8, settings={"threads": 2}, peak_bytes=3 * 10**8),
            case([], batch=512, state="failed", why="no memory", verdict=None, ended=None, repeatable=None),
        )
    )  # fmt: skip


def test_the_most_within_a_limit(swept):
    found = gz.choose(swept, most="throughput", where="p99<20ms")
    assert found.best.title == "m.onnx, x 8x8" and found.refused == {"p99<20ms": 1}
    assert [one.title for one in found.near] == ["m.onnx, x 8x8, threads=2"]
    assert {"m.onnx, x 1x8", "m.onnx, x 8x8"} <= {one.title for one in found.front}


def test_the_front_is_what_nothing_beats(swept):
    found = gz.choose(swept, most="throughput", where=["p99<1s", "memory<1GB"])
    titles = [one.title for one in found.front]
    assert titles[0] == "m.onnx, x 64x8" and "m.onnx, x 1x8" in titles
    for one in found.front:
        assert one.kept == "kept"


def test_the_least(swept):
    assert gz.choose(swept, least="median").best.title == "m.onnx, x 1x8"
    assert gz.choose(swept, least="memory").best.value.value == 10**8


def test_what_cannot_be_asked(swept):
    for options, text in (
        ({}, "one of the two"),
        ({"most": "throughput", "least": "p99"}, "one of the two"),
        ({"most": "thoughput"}, "Did you mean 'throughput'"),
        ({"most": "throughput", "where": "p99"}, "expected NAME<VALUE"),
        ({"least": "device_memory"}, "No case that can be relied on has device_memory; 1 are failed"),
    ):
        with pytest.raises(RequestError, match=text):
            gz.choose(swept, **options)


def test_what_may_keep_a_limit_is_not_chosen(swept):
    value = next(one for one in swept.cases if one["batch"] == 8)["latency_ms"]["host_to_host"]["median"]["value"]
    found = gz.choose(swept, most="throughput", where=f"median<{value}ms")
    assert "m.onnx, x 8x8" in [one.title for one in found.undecided] and found.best.title == "m.onnx, x 1x8"


def test_the_verb(tmp_path, swept):
    path = tmp_path / "r.json"
    swept.save(path)
    done = ganzoo("choose", path, "--max", "throughput", "--where", "p99<20ms")
    assert_clean(done, status=0)
    assert (
        "again: ganzoo bench m.onnx --shape x=8x8 --fill x=normal" in done.stdout and "not told from it" in done.stdout
    )
    done = ganzoo("choose", path, "--max", "throughput", "--where", "p99<1us")
    assert_clean(done, status=3)
    assert "No case keeps the limits for sure (p99<1us: 4 do not)" in done.stderr
    found = json.loads(ganzoo("choose", path, "--min", "median", "--json").stdout)
    assert found["best"]["case"] == "m.onnx, x 1x8"


@pytest.mark.parametrize(
    ("changed", "protocol"),
    [
        ({}, {}),
        ({"provider": "openvino", "settings": {"options": {"num_streams": "2"}}}, {}),
        ({"settings": {"threads": 2, "inter_op": 3, "optimize": "basic", "spin": False, "libraries": ["a b.so"]}}, {}),
        ({"file": "my model's.onnx"}, {"precision": "tf32", "cool_to": 50.0, "rotate_mb": 64.0, "pause_ms": 2.5}),
        ({"rate": "80%"}, {"scenario": "server", "rates": ["80%"], "instances": 2}),
        ({"rate": "200/s"}, {"scenario": "server", "rates": ["200/s"]}),
        ({}, {"scenario": "server", "objective": "p99=20ms"}),
        ({}, {"scenario": "multi-stream", "streams": 4}),
    ],
)
def test_a_command_can_be_typed_and_means_the_case(changed, protocol):
    """Parsed by the verb itself."""
    document = result(case(medians(1.0), **changed), **protocol)
    (verb, name, *arguments) = shlex.split(command_of(document["cases"][0], document["protocol"]))
    assert (verb, name) == ("ganzoo", "bench")
    values = bench_command.make_context("bench", arguments).params
    (one,) = document["cases"]
    assert [path.name for path in values["models"]] == [one["model"]["file"]]
    assert values["shapes"] == ("x=1x8",) and values["fills"] == ("x=normal",)
    assert values["provider"] == one["provider"] and values["scenario"] == document["protocol"]["scenario"]
    assert values["threads"] == str(one["settings"]["threads"] or 0) and values["spin"] == (
        "on" if one["settings"]["spin"] else "off"
    )
    assert (
        values["rate"] == (one["rate"] and one["rate"].removesuffix("/s"))
        and values["slo"] == document["protocol"]["objective"]
    )
    assert (
        values["precision"] == document["protocol"]["precision"]
        and values["cool_to"] == document["protocol"]["cool_to"]
    )
