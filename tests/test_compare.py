"""Verdicts on known truth, pairing by protocol, gates, and what a comparison becomes for people and machines."""

import json
import math
from xml.etree import ElementTree

import jsonschema
import numpy as np
import pytest
from helpers import assert_clean, ganzoo
from results import case, medians, result

import ganzoo as gz
from ganzoo.api.compare import write_report
from ganzoo.errors import RequestError
from ganzoo.runtime.comparison.limits import parse_limit
from ganzoo.runtime.comparison.verdicts import PAIRED_FROM, evidence, judge
from ganzoo.runtime.latency.result import BenchResult
from ganzoo.runtime.latency.stats import across

TRUTHS = (1.0, 1.01, 1.03, 1.05, 1.10)
SPREAD = 0.02
MARGIN = 0.02


def default_run(random, truth):
    """Processes of one side as `bench` repeats them: five, and more until the interval is within 2%."""
    values = [truth * math.exp(SPREAD * random.standard_normal()) for _ in range(5)]
    while across(values).within > 0.02 and len(values) < 50:
        values.append(truth * math.exp(SPREAD * random.standard_normal()))
    return values


def wrong(truth, verdict):
    """A verdict that is not true. A difference within the margin may be called same, or by its direction."""
    if verdict in ("same", "undecided"):
        return verdict == "same" and abs(math.log(truth)) >= math.log1p(MARGIN)
    return truth == 1.0 or verdict == "less"


def test_added_delays_are_found_and_the_error_is_what_it_says():
    """Five pairs with delays of 0, 1, 3, 5 and 10% at a spread of 2%: 400 sweeps. Any wrong verdict in at most 5% of
    them (and three standard errors of that), and the 5% found in at least 90%."""
    random = np.random.Generator(np.random.PCG64(7))
    trials, mistakes, found = 400, 0, dict.fromkeys(TRUTHS, 0)
    for _ in range(trials):
        pairs = [evidence(default_run(random, 1.0), default_run(random, truth)) for truth in TRUTHS]
        verdicts = [one.verdict for one in judge(pairs, MARGIN)]
        mistakes += any(map(wrong, TRUTHS, verdicts))
        for truth, verdict in zip(TRUTHS, verdicts, strict=True):
            found[truth] += verdict == "more"
    print(f"wrong in {mistakes} of {trials}; found {found}")
    assert mistakes / trials <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)
    assert found[1.05] / trials >= 0.90 and found[1.10] / trials >= 0.99


@pytest.mark.parametrize("count", [5, 12, 30])
def test_equal_files_are_seldom_called_different(count):
    """Twenty pairs of equals at once: a wrong verdict among them in at most 5% of 150 sweeps."""
    random = np.random.Generator(np.random.PCG64(count))
    mistakes = 0
    for _ in range(150):
        pairs = [evidence(*np.exp(SPREAD * random.standard_normal((2, count)))) for _ in range(20)]
        mistakes += any(one.verdict in ("more", "less") for one in judge(pairs, MARGIN))
    assert mistakes / 150 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 150)


def test_a_ratio_at_the_margin_is_seldom_called_same():
    random = np.random.Generator(np.random.PCG64(3))
    same = 0
    for _ in range(1000):
        sides = np.exp(0.005 * random.standard_normal((2, 8))) * [[1.0], [1.02]]
        same += judge([evidence(*sides)], MARGIN)[0].verdict == "same"
    assert same / 1000 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1000)


def test_interleaved_runs_are_compared_round_by_round():
    """The machine drifts by 10%, both sides alike: what hides between processes shows between rounds."""
    random = np.random.Generator(np.random.PCG64(5))
    drift = np.exp(0.1 * random.standard_normal(12))
    first, second = (drift * truth * np.exp(0.003 * random.standard_normal(12)) for truth in (1.0, 1.04))
    rounds = [list(range(12)), list(range(12))]
    paired, apart = evidence(first, second, rounds), evidence(first, second)
    assert paired.paired and not apart.paired and paired.error < apart.error / 5
    assert judge([paired], MARGIN)[0].verdict == "more" and judge([apart], MARGIN)[0].verdict == "undecided"
    shuffled = evidence(first, second[::-1], [rounds[0], rounds[1][::-1]])
    assert shuffled.log == pytest.approx(paired.log) and shuffled.error == pytest.approx(paired.error)
    few = [list(range(PAIRED_FROM - 1))] * 2
    assert not evidence(first[: PAIRED_FROM - 1], second[: PAIRED_FROM - 1], few).paired


def test_an_undecided_pair_says_what_would_settle_it():
    random = np.random.Generator(np.random.PCG64(2))
    (one,) = judge([evidence(*np.exp(0.05 * random.standard_normal((2, 5))) * [[1.0], [1.06]])], MARGIN)
    assert one.verdict == "undecided" and 5 < one.repeats < 100
    settled = 0
    for _ in range(200):
        sides = np.exp(0.05 * random.standard_normal((2, one.repeats))) * [[1.0], [one.ratio.value]]
        settled += judge([evidence(*sides)], MARGIN)[0].verdict != "undecided"
    assert settled / 200 > 0.8
    (hopeless,) = judge([evidence([1.0, 1.3, 0.8, 1.1, 0.9], [1.02, 1.3, 0.82, 1.13, 0.9])], MARGIN)
    assert hopeless.repeats is None or hopeless.repeats > 500


def test_values_without_any_spread():
    (equal, unequal) = judge([evidence([2.0, 2.0], [2.0, 2.0]), evidence([2.0, 2.0], [3.0, 3.0])], MARGIN)
    assert equal.verdict == "same" and unequal.verdict == "more"
    with pytest.raises(ValueError, match="two processes on each side"):
        evidence([1.0], [1.0, 2.0])


# Pairing


def loaded(*documents):
    return [BenchResult(document) for document in documents]


def verdicts(found):
    return [one.verdict for one in found.pairs]


def test_cases_pair_by_shape_and_settings_in_any_order():
    first = result(*(case(medians(batch), batch=batch) for batch in (1, 8, 32)))
    second = result(*(case(medians(2 * batch, seed=batch), batch=batch) for batch in (32, 1, 64)))
    found = gz.compare(loaded(first, second))
    assert verdicts(found) == ["slower", "slower"]
    assert [one.ratio.value for one in found.pairs] == pytest.approx([2.0, 2.0], rel=0.05)
    assert found.notes == ["m.onnx, x 64x8: only in result 2", "m.onnx, x 8x8: only in result 1"]


@pytest.mark.parametrize(
    ("first", "second", "text", "hint"),
    [
        ({}, {"scenario": "offline"}, "scenario of the protocol is 'single-stream' in result 1 and 'offline' in", ""),
        ({}, {"rotate_mb": 64.0}, "rotate_mb of the protocol is 0.0 in result 1 and 64.0 in result 2", ""),
        ({}, {"precision": "tf32"}, "precision of the precision is 'file'", "--across precision"),
        ({}, {"machine": {"cpu": "Other"}}, "cpu of the machine is 'Some CPU'", "--across machine"),
    ],
)
def test_another_protocol_is_refused_by_name(first, second, text, hint):
    with pytest.raises(RequestError) as caught:
        gz.compare(loaded(result(case(medians(1.0)), **first), result(case(medians(1.0)), **second)))
    assert text in caught.value.message and hint in caught.value.hint


def test_what_is_asked_about_may_differ():
    base = result(case(medians(2.0)))
    others = {
        "model": result(case(medians(1.0), sha256="d" * 64, file="n.onnx")),
        "provider": result(case(medians(1.0), provider="openvino")),
        "machine": result(case(medians(1.0)), machine={"cpu": "Fast CPU", "usable_cpus": 64}),
        "precision": result(case(medians(1.0)), precision="tf32"),
        "settings": result(case(medians(1.0), settings={"threads": 2})),
    }
    for across_what, other in others.items():
        with pytest.raises(RequestError, match="No two cases can be compared") as caught:
            gz.compare(loaded(base, other))
        assert f"--across {across_what}" in caught.value.hint
        assert verdicts(gz.compare(loaded(base, other), across=across_what)) == ["faster"]
    with pytest.raises(RequestError, match="Did you mean 'model'"):
        gz.compare(loaded(base, base), across="modle")


def test_one_result_across_what_it_swept():
    swept = result(*(case(medians(1.0 / threads), settings={"threads": threads}) for threads in (1, 2, 4)))
    found = gz.compare(loaded(swept), across="settings")
    assert verdicts(found) == ["faster", "faster"] and "→" in found.pairs[0].title
    with pytest.raises(RequestError, match="One result alone is compared across something that it swept"):
        gz.compare(loaded(swept))
    with pytest.raises(RequestError, match="No two cases of this result differ in model alone"):
        gz.compare(loaded(swept), across="model")


def test_several_models_pair_by_name_across_models():
    first = result(
        case(medians(1.0), file="a.onnx", sha256="1" * 64), case(medians(3.0), file="b.onnx", sha256="2" * 64)
    )
    second = result(
        case(medians(3.0), file="b.onnx", sha256="3" * 64), case(medians(1.0), file="a.onnx", sha256="4" * 64)
    )
    found = gz.compare(loaded(first, second), across="model")
    assert [one.pair.first.case["model"]["file"] for one in found.pairs] == ["b.onnx", "a.onnx"]
    assert all(one.ratio.value == pytest.approx(1.0, rel=0.05) for one in found.pairs)


def test_other_builds_are_named_and_not_refused():
    older = result(case(medians(1.0, seed=1)), machine={"onnxruntime_build": "onnxruntime 1.24.1"})
    found = gz.compare(loaded(result(case(medians(1.0))), older))
    assert "result 1 was measured with onnxruntime 1.31.1, result 2 with onnxruntime 1.24.1" in found.notes


def test_a_machine_that_changed_between_two_sweeps_is_not_taken_for_the_model():
    """Constant work is 4% slower in the second, and so is the model: that says nothing of the model."""

    def at(speed, truth):
        document = result(case(medians(truth * speed, spread=0.001)))
        for number, process in enumerate(document["cases"][0]["processes"]):
            for one in process["series"].values():
                one["calibration_ns"] = [round(600_000 * speed) + number, round(600_000 * speed) + 2 * number]
        return document

    found = gz.compare(loaded(at(1.0, 1.0), at(1.04, 1.0)))
    assert verdicts(found) == ["undecided"]
    assert any("constant work took 4.0% longer beside result 2 than beside result 1" in note for note in found.notes)
    assert verdicts(gz.compare(loaded(at(1.0, 1.0), at(1.0, 1.04)))) == ["slower"]
    assert verdicts(gz.compare(loaded(at(1.0, 1.0), at(1.04, 1.3)))) == ["slower"]
    assert verdicts(gz.compare(loaded(at(1.0, 1.0), at(1.04, 1.0)), across="machine")) == ["slower"]  # as asked


def test_offline_more_is_faster():
    def offline(calls_per_second):
        made = case([1.0] * 5)
        for number, process in enumerate(made["processes"]):
            one = process["series"]["host_to_host"]
            one["elapsed_ns"] = int(one["calls"] / calls_per_second * (1 + 0.001 * number) * 1e9)
        return result(made, scenario="offline")

    found = gz.compare(loaded(offline(100.0), offline(200.0)), fail_over=0.05)
    assert verdicts(found) == ["faster"] and not found.failed
    back = gz.compare(loaded(offline(200.0), offline(100.0)), fail_over=0.05)
    assert verdicts(back) == ["slower"] and back.failed


def test_a_case_that_failed_is_not_compared_and_no_gate_lets_it_pass():
    broken = case([], state="failed", why="no memory", verdict=None, ended=None, repeatable=None)
    found = gz.compare(loaded(result(case(medians(1.0))), result(broken)), fail_over=0.05, require="p99<1s")
    (one,) = found.pairs
    assert one.verdict == "undecided" and "is failed: no memory" in one.why
    assert [gate.kept for gate in one.gates] == ["broken", "broken"] and len(found.failed) == 2
    alone = gz.compare(loaded(result(case([1.0])), result(case([1.0]))))
    assert "has 1 process, and an interval wants two" in alone.pairs[0].why


# Gates


def test_a_gate_on_being_slower():
    base = result(case(medians(1.0, count=10)))
    for truth, kept in ((1.0, "kept"), (1.2, "broken"), (1.05, "undecided")):
        found = gz.compare(loaded(base, result(case(medians(truth, count=10, seed=4)))), fail_over=0.05)
        assert [gate.kept for gate in found.pairs[0].gates] == [kept], truth
        assert bool(found.failed) == (kept == "broken")
    strict = gz.compare(loaded(base, result(case(medians(1.05, count=10, seed=4)))), fail_over=0.05, undecided="fail")
    assert strict.failed


@pytest.mark.parametrize(
    ("limit", "kept"),
    [
        ("p99<1.5ms", "kept"), ("p99<0.5ms", "broken"), ("p99<500us", "broken"), ("p99.9<1s", "undecided"),
        ("throughput>10", "kept"), ("throughput>5000/s", "broken"), ("memory<1GB", "kept"), ("memory<10MB", "broken"),
        ("device_memory<1GB", "undecided"), ("single-stream:p99<1us", "broken"),
        ("largest<2", "kept"), ("mean>0.5ms", "kept"), ("first<1ms", "broken"), ("file<1MB", "kept"),
    ],
)  # fmt: skip
def test_limits(limit, kept):
    document = result(case(medians(1.0, spread=0.001), count=1500))
    (one,) = gz.compare(loaded(document, document), require=limit).pairs
    assert [gate.kept for gate in one.gates] == [kept]
    with pytest.raises(RequestError, match="of the scenario server, and the results are of single-stream"):
        gz.compare(loaded(document, document), require="server:p99<1us")


def test_a_limit_within_the_interval_is_undecided():
    document = result(case(medians(1.0)))
    figure = document["cases"][0]["latency_ms"]["host_to_host"]["median"]
    (one,) = gz.compare(loaded(document, document), require=f"median<{figure['value']}ms").pairs
    assert one.gates[0].kept == "undecided" and f"{figure['low']:.4g} to" in one.gates[0].said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("p99", "expected NAME<VALUE"), ("p98<20ms", "There is no quantity 'p98'. Did you mean 'p99'"),
        ("p99<20GB", "p99 is in us, ms, s"),
        ("batch:p99<20ms", "There is no scenario 'batch'"), ("p99<-5ms", "expected NAME<VALUE"), ("<5", "expected"),
        ("p99<nan", "expected NAME<VALUE"), ("", "expected"),
    ],
)  # fmt: skip
def test_limits_that_are_none(text, said):
    with pytest.raises(RequestError) as caught:
        parse_limit(text)
    assert said in caught.value.message


# What it becomes


HOSTILE = "<img src=x onerror=alert(1)>|`rm -rf`\n\x1b[2J[a](javascript:b)&\"'\x00\ud800"


@pytest.fixture
def files(tmp_path):
    """Two results on disk; of the second one case is slower, one failed, and one has a hostile name."""
    cases = [case(medians(batch), batch=batch) for batch in (1, 8)] + [
        case(medians(1.0), file=HOSTILE.replace("/", ""))
    ]
    (tmp_path / "before.json").write_text(json.dumps(result(*cases)))
    slow = case(medians(16.0, seed=1), batch=8)
    (tmp_path / "after.json").write_text(json.dumps(result(cases[0], slow, cases[2])))
    return tmp_path / "before.json", tmp_path / "after.json"


def test_the_verb(files):
    done = ganzoo("compare", *files)
    assert_clean(done, status=0)
    assert "slower" in done.stdout and "same" in done.stdout and "\x1b[2J" not in done.stdout
    done = ganzoo("compare", *files, "--fail-over", "5%", "--require", "p99<9ms")
    assert_clean(done, status=3)
    assert "error: 2 gates do not let pass. m.onnx, x 8x8: not slower by more than 5%: broken: it takes" in done.stderr
    found = json.loads(ganzoo("compare", *files, "--json").stdout)
    assert [pair["verdict"] for pair in found["pairs"]] == ["same", "slower", "same"] and found["passed"] is True
    assert found["pairs"][1]["ratio"]["low"] < 2.0 < found["pairs"][1]["ratio"]["high"] * 1.1


def test_markdown_and_junit_hold_hostile_names(files, tmp_path):
    done = ganzoo("compare", *files, "--markdown", "--junit", tmp_path / "j.xml", "--fail-over", "5%")
    assert_clean(done, status=3)
    lines = done.stdout.splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1, "a name broke the table"
    assert "<img" not in done.stdout.replace("\\<img", "") and "\x1b" not in done.stdout
    suite = ElementTree.fromstring((tmp_path / "j.xml").read_text())
    assert suite.get("tests") == "3" and suite.get("failures") == "1"
    failures = [one.get("name") for one in suite if one.find("failure") is not None]
    assert failures == ["m.onnx, x 8x8"]


def test_what_cannot_be_asked(files, tmp_path):
    for arguments, text in (
        ([], "No result is named to compare"),
        ([tmp_path / "no.json", files[0]], "There is no file"),
        ([*files, "--margin", "two"], "--margin 'two': expected a share such as 2%"),
        ([*files, "--fail-over", "105%"], "--fail-over '105%': expected a share"),
        ([*files, "--history", tmp_path], "--history takes the results of its folder"),
        (["--history", tmp_path / "nowhere"], "There is no folder"),
        ([*files, "--junit", tmp_path], "is a directory; expected a file"),
    ):
        done = ganzoo("compare", *arguments)
        assert_clean(done, status=2)
        assert text in done.stderr


def test_a_result_of_a_real_run_compares_with_itself(tmp_path):
    """The whole way: two models in one sweep, interleaved; equal files are not called different."""
    from ganzoo.testing.models import small_models

    path = next(small_models(tmp_path))
    (tmp_path / "again.onnx").write_bytes(path.read_bytes())
    out = tmp_path / "r.json"
    gz.bench([path, tmp_path / "again.onnx"], repeats=2, least_seconds=0.2, within=0.5, out=out)
    for one in json.loads(out.read_text())["cases"]:
        rounds = [process["round"] for process in one["processes"]]
        assert rounds == list(range(len(rounds)))
    found = gz.compare(out, out)
    assert set(verdicts(found)) <= {"same", "undecided"} and json.dumps(found.to_json())


# History


def test_a_step_in_a_history_is_found(tmp_path):
    for day in range(1, 11):
        truth = 1.0 if day < 6 else 1.1
        name = "onnxruntime 1.31.1" if day < 6 else "onnxruntime 1.32.0"
        made = result(
            case(medians(truth * math.exp(0.01 * math.sin(7 * day)), seed=day)),
            date=f"2026-01-{day:02}",
            machine={"onnxruntime_build": name},
        )
        (tmp_path / f"day{day:02}.json").write_text(json.dumps(made))
    (tmp_path / "other.json").write_text("{}")
    (story,) = gz.compare_history(tmp_path)
    assert len(story.points) == 10
    (step,) = story.steps
    assert (step.before, step.after) == ("day05.json", "day06.json")
    assert step.ratio.low < 1.1 < step.ratio.high and "ONNX Runtime: onnxruntime 1.31.1, then" in step.changed[0]
    done = ganzoo("compare", "--history", tmp_path)
    assert_clean(done, status=0)
    assert "from day05.json to day06.json: 1.0" in done.stdout and "there changed ONNX Runtime" in done.stdout


def test_a_history_without_a_step_has_none():
    """Of 300 histories without one, a step is seen in at most 5%."""
    from ganzoo.runtime.comparison.history import Point, _steps

    random = np.random.Generator(np.random.PCG64(11))
    points = [Point(result=f"{n}", date="", value=1.0, processes=5, build="", sha256=None) for n in range(12)]
    seen = sum(bool(_steps(points, list(0.03 * random.standard_normal(12)), 0, 0.02)) for _ in range(300))
    assert seen / 300 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)


def test_made_up_results_are_as_real_ones():
    schema = json.loads(
        (__import__("pathlib").Path(gz.__file__).parent / "runtime/latency/result.schema.json").read_text()
    )
    jsonschema.validate(result(case(medians(1.0))), schema)
    assert write_report(gz.compare(loaded(result(case(medians(1.0))), result(case(medians(1.0))))), markdown=True)
