"""What strangers found when they measured: each was wrong once."""

import json
import zlib

import numpy as np
import onnx
import pytest
from helpers import assert_clean, ganzoo, make_distribution
from onnx import TensorProto, helper
from results import case, medians, result
from test_bench import save

import ganzoo as gz
from ganzoo.errors import RequestError
from ganzoo.runtime.latency.result import BenchResult
from ganzoo.runtime.latency.verdict import invalid_reasons
from ganzoo.testing.models import small_models

QUICK = {"repeats": 1, "least_seconds": 0.2}


@pytest.fixture
def dense(tmp_path):
    return next(path for path in small_models(tmp_path) if path.stem == "dense")


@pytest.mark.parametrize("options", [{}, {"scenario": "offline", "instances": 2}, {"scenario": "multi-stream"}])
def test_inputs_in_turn_do_not_spoil_what_is_compared(dense, options):
    """Bound outputs were the memory of those that were kept for the comparison."""
    (one,) = gz.bench(dense, rotate_mb=0.01, **options, **QUICK).cases
    assert one["state"] == "ok" and one["processes"][0]["feeds"] > 1


def test_a_pool_that_is_smaller_than_asked_for_is_said(dense):
    measured = gz.bench(dense, rotate_mb=64.0, **QUICK)
    assert any("MB are gone through, not 64: 10,000 are the most" in line for line in measured.notes())
    with pytest.raises(RequestError, match="from 0 to 65,536"):
        gz.bench(dense, rotate_mb=1e9, **QUICK)


def test_what_is_random_by_training_mode_is_unchecked(tmp_path):
    weights = [onnx.numpy_helper.from_array(np.array(0.5, np.float32), "ratio"),
               onnx.numpy_helper.from_array(np.array(True), "training")]  # fmt: skip
    nodes = [helper.make_node("Dropout", ["x", "ratio", "training"], ["y"])]
    file = save(tmp_path / "drop.onnx", nodes, [("x", None, [64])], [("y", [64])], weights)
    measured = gz.bench(file.path, **QUICK)
    (one,) = measured.cases
    assert one["state"] == "unchecked" and "two runs of one input differ by" in one["why"]


def test_numbers_that_are_none_are_spoken_of(tmp_path):
    file = save(tmp_path / "nan.onnx", [helper.make_node("Log", ["x"], ["y"])], [("x", None, [8])], [("y", [8])])
    measured = gz.bench(file.path, fills={"x": -1}, **QUICK)
    assert any("100% of the numbers that it gave are NaN or infinite" in line for line in measured.notes())
    for fill in ("nan", "1e400", "inf", "0..inf"):
        with pytest.raises(RequestError, match="is none of zeros"):
            gz.bench(file.path, fills={"x": fill}, **QUICK)


def test_a_failed_case_does_not_leave_the_others_unchecked(tmp_path):
    nodes = [helper.make_node("Reshape", ["x", "to"], ["y"])]
    to = onnx.numpy_helper.from_array(np.array([3, 2], np.int64), "to")
    file = save(tmp_path / "r.onnx", nodes, [("x", None, ["n"])], [("y", [3, 2])], [to])
    cases = gz.bench(file.path, dims={"n": [2, 6]}, repeats=2, least_seconds=0.2, max_seconds=30, within=9.0).cases
    assert [one["state"] for one in cases] == ["failed", "ok"]


def test_shapes_that_no_memory_holds_are_a_sentence(dense):
    for shape in ([10**12, 24], [2**61, 24]):
        (one,) = gz.bench(dense, shapes={"x": shape}, **QUICK).cases
        assert one["state"] == "failed" and ("memory" in one["why"] or "fed" in one["why"]), one["why"]


@pytest.mark.parametrize(
    ("options", "text"),
    [({"provider": ""}, "provider = ''"), ({"optimize": ""}, "optimize = ''"), ({"provider": []}, "provider = \\[\\]")],
)
def test_nothing_is_not_measured(dense, options, text):
    with pytest.raises(RequestError, match=text):
        gz.bench(dense, **options, **QUICK)


def test_what_is_stated_twice_is_measured_once(dense):
    plan = gz.plan_bench(dense, threads="1,1,2,2", spin="on,on", provider="cpu,cpu")
    assert len(plan.cases) == 2
    assert (
        gz.plan_bench(dense, scenario="server", rate="50,50.0,5e1").cases
        == gz.plan_bench(dense, scenario="server", rate="50").cases
    )


def test_a_plan_with_a_provider_that_does_not_work_is_refused(dense):
    with pytest.raises(gz.GanzooError, match="'directml' does not work here"):
        gz.plan_bench(dense, provider="directml")


def test_going_on_with_another_sweep_is_refused(dense, tmp_path):
    out = tmp_path / "r.json"
    gz.bench(dense, dims={"batch": [1, 2]}, out=out, **QUICK)
    before = out.read_bytes()
    with pytest.raises(RequestError, match="has 2 cases that are not asked for, such as dense.onnx x 1x24 on cpu"):
        gz.bench(dense, dims={"batch": 5}, resume=out, **QUICK)
    document = json.loads(before)
    document["machine"]["cpu"] = "Other CPU"
    out.write_text(json.dumps(document))
    with pytest.raises(RequestError, match="was measured with cpu 'Other CPU', and here it is"):
        gz.bench(dense, dims={"batch": [1, 2]}, resume=out, **QUICK)


def test_a_place_that_is_no_file(dense, tmp_path):
    done = ganzoo("bench", dense, "--repeats", 1, "--seconds", 0.2, "-o", "/dev/stdout")
    assert_clean(done, status=2)
    assert "--json prints a result" in done.stderr


def test_an_option_of_a_provider_that_is_not_measured_says_how(dense):
    done = ganzoo("bench", dense, "--option", "openvino.num_streams=2")
    assert_clean(done, status=2)
    assert "--provider cpu,openvino" in done.stderr and "Did you mean" not in done.stderr


def test_an_input_with_a_sign_in_its_name_is_filled(tmp_path):
    file = save(tmp_path / "eq.onnx", [helper.make_node("Relu", ["a=b"], ["y"])], [("a=b", None, [4])], [("y", [4])])
    done = ganzoo("bench", file.path, "--fill", "a=b=ones", "--repeats", 1, "--seconds", 0.2, "--json")
    assert_clean(done, status=0)
    assert json.loads(done.stdout)["cases"][0]["inputs"] == {"a=b": "ones"}


def test_names_with_lines_are_one_line(tmp_path):
    file = save(tmp_path / "a\n::error::b.onnx", [helper.make_node("Relu", ["x\ny"], ["y"])], [("x\ny", None, [4])],
                [("y", [4])])  # fmt: skip
    done = ganzoo("bench", file.path, "--repeats", 1, "--seconds", 0.2)
    assert_clean(done, status=0)
    assert not [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("::error")]


def test_a_server_that_serves_less_than_came_is_overloaded():
    process = case([1.0])["processes"][0]
    one = process["series"]["host_to_host"]
    one["rate"], one["calls"], one["elapsed_ns"] = 5000.0, 4000, 10**9
    (reason,) = invalid_reasons([process], "host_to_host")
    assert "overloaded: 5,000 calls came a second, and 4,000 were served" in reason
    one["calls"] = 4900
    assert invalid_reasons([process], "host_to_host") == []


def test_a_quantile_holds_what_the_processes_differ_by():
    """Pooled samples of processes far apart gave an interval of a percent."""
    (one,) = result(case([1.0, 2.0, 4.0]))["cases"]
    p99 = one["latency_ms"]["host_to_host"]["p99"]
    assert p99["high"] / p99["low"] > 5
    (alone,) = result(case([1.0]))["cases"]
    assert alone["latency_ms"]["host_to_host"]["p99"]["low"] is None
    found = gz.compare(*(BenchResult(result(case([1.0]))) for _ in range(2)), require="p99<20ms")
    assert found.pairs[0].gates[0].kept == "undecided" and "in one process" in found.pairs[0].gates[0].said


# Results of strangers


def damaged(document, *path, value):
    document = json.loads(json.dumps(document))
    place = document
    for key in path[:-1]:
        place = place[key]
    if value is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return document


C = ("cases", 0)
H = (*C, "latency_ms", "host_to_host")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*C, "settings"), []), ((*C, "figure"), 1.5), ((*C, "figure", "value"), "x"), ((*C, "model"), None),
        ((*C, "model", "file"), 0), ((*C, "shapes"), []), ((*C, "shapes", "x"), 0), ((*C, "reasons"), [True]),
        ((*C, "peak_bytes"), "x"), ((*C, "first_run_ms"), None), ((*C, "session_seconds"), 0), (("machine",), 1.5),
        (("machine", "devices"), "x"), (("machine", "memory_bytes"), "x"), (("machine", "cpu"), [None]),
        (("protocol", "precision"), [[]]), (("protocol", "cool_to"), []), (("protocol", "rotate_mb"), "x"),
        ((*C, "placement", "nodes"), [[]]), ((*C, "placement", "cpu_shape_nodes"), True),
        ((*C, "provider"), True),
        ((*C, "picture"), "!!!notb64"), ((*C, "settings", "threads"), "$(touch PWN)"), ((*C, "why"), KeyError),
        ((*C, "ended"), KeyError), ((*C, "model", "sha256"), KeyError), (("protocol", "devices"), KeyError),
        ((*H, "median", "value"), 1e-9), ((*H, "p99", "value"), 1e308), ((*H, "mean"), 1e-9), (("date",), 5),
        (("date",), "not a date"), (("cases",), []), ((*C, "processes", 0, "round"), "x"),
        (("machine", "providers"), 3),
        ((*C, "processes", 0, "session_seconds"), "x"),
        ((*C, "processes", 0, "series", "host_to_host", "median_ms"), 9.0),
        ((*C, "repeatable", "runs_differ_by"), "x"), ((*C, "profile"), {"a": 1}),
        ((*C, "settings", "optimize"), "; rm"),
    ],
)  # fmt: skip
def test_a_damaged_result_is_a_sentence_for_every_verb(tmp_path, path, value):
    good = result(case(medians(1.0)))
    place = tmp_path / "r.json"
    place.write_text(json.dumps(damaged(good, *path, value=value)))
    (tmp_path / "good.json").write_text(json.dumps(good))
    for ask in (
        lambda: gz.compare(place, tmp_path / "good.json"),
        lambda: gz.report(place, out=tmp_path / "r.html"),
        lambda: gz.choose(place, least="median"),
    ):
        with pytest.raises(RequestError, match="cannot be read as a result"):
            ask()


def test_samples_that_unpack_to_gigabytes_are_not_unpacked(tmp_path):
    import base64

    good = result(case(medians(1.0)))
    bomb = base64.b64encode(zlib.compress(bytes(8 * 10**8), 9)).decode()
    document = damaged(good, *C, "processes", 0, "series", "host_to_host", "samples", value=bomb)
    place = tmp_path / "bomb.json"
    place.write_text(json.dumps(document))
    from helpers import within

    with within(seconds=10, megabytes=200), pytest.raises(RequestError, match="damaged, or too many"):
        BenchResult.load(place)


def test_a_junit_file_overwrites_nothing_of_others(tmp_path):
    place = tmp_path / "a.json"
    place.write_text(json.dumps(result(case(medians(1.0)))))
    (tmp_path / "notes.txt").write_text("mine")
    for target, text in ((place, "it is not written over"), (tmp_path / "notes.txt", "ganzoo did not write it")):
        done = ganzoo("compare", place, place, "--junit", target)
        assert_clean(done, status=2)
        assert text in done.stderr
    assert (tmp_path / "notes.txt").read_text() == "mine" and BenchResult.load(place)
    for _ in range(2):  # over one of its own
        assert_clean(ganzoo("compare", place, place, "--junit", tmp_path / "j.xml"), status=0)


def test_a_history_takes_no_gates_and_counts_as_people_do(tmp_path):
    done = ganzoo("compare", "--history", tmp_path, "--fail-over", "5%")
    assert_clean(done, status=2)
    assert "--history tells; it has no gates" in done.stderr
    for number in range(1, 13):
        truth = 1.0 if number < 9 else 3.0
        (tmp_path / f"{number}.json").write_text(json.dumps(result(case(medians(truth, seed=number)))))
    (story,) = gz.compare_history(tmp_path)
    (step,) = story.steps
    assert (step.before, step.after) == ("8.json", "9.json")


def test_one_result_alone_is_no_step(tmp_path):
    for number, truth in enumerate((1.0, 1.0, 1.0, 1.0, 0.9)):
        made = result(case(medians(truth, spread=0.0001, seed=number)), date=f"2026-01-{number + 1:02}")
        (tmp_path / f"{number}.json").write_text(json.dumps(made))
    (story,) = gz.compare_history(tmp_path)
    assert story.steps == []


PROVIDERS = """
    from ganzoo import Device, Provider, ProviderSpec, hookimpl
    GANZOO_API = 2

    class Base(Provider):
        ort_name = "CPUExecutionProvider"
        def devices(self): return (Device(name="CPU"),)

    class Trouble(Base):
        name = "trouble"
        def find_trouble(self): return 42

    class Versions(Base):
        name = "versions"
        def versions(self):
            print("NOISE")
            raise OSError("no bus")

    class Paths(Base):
        name = "paths"
        def versions(self): return {"lib": "/root/secret"}

    class Objects(Base):
        name = "objects"
        def versions(self): return {"n": object()}

    class Devices(Base):
        name = "devices"
        def devices(self): return 5

    class Options(Base):
        name = "options"
        options = {"tiles": "none"}

    class Precisions(Base):
        name = "precisions"
        precisions = 5

    @hookimpl
    def ganzoo_providers():
        kinds = (Trouble, Versions, Paths, Objects, Devices, Options, Precisions)
        return [ProviderSpec(name=k.name, summary="x", implementation=f"{__name__}:{k.__name__}") for k in kinds]
"""


@pytest.fixture(scope="module")
def providers(tmp_path_factory):
    return make_distribution(tmp_path_factory.mktemp("providers"), "odd-providers", PROVIDERS)


def test_doctor_outlives_broken_providers(providers):
    done = ganzoo("doctor", "--json", path=providers)
    assert_clean(done, status=1)
    found = json.loads(done.stdout)["onnxruntime"]["providers"]
    names = ("trouble", "versions", "paths", "objects", "devices", "options", "precisions")
    assert {name: found[name]["state"] for name in names} == dict.fromkeys(names, "broken")
    assert found["cpu"]["state"] == "works"


@pytest.mark.parametrize("name", ["versions", "paths", "objects"])
def test_what_a_plugin_says_of_itself_costs_no_measurement(providers, dense, name, tmp_path):
    out = tmp_path / "r.json"
    options = ("--repeats", 1, "--seconds", 0.2, "-o", out, "--json")
    done = ganzoo("bench", dense, "--provider", name, *options, path=providers)
    assert_clean(done, status=0)
    assert json.loads(done.stdout)["cases"][0]["state"] == "ok"
    assert json.loads(out.read_text())["machine"]["providers"] == {name: {}} and "secret" not in out.read_text()


@pytest.mark.parametrize(
    ("name", "more", "text"),
    [
        ("trouble", [], "find_trouble() gave 42"),
        ("options", ["--option", "options.tiles=3"], "its option 'tiles' is no Option"),
        ("precisions", ["--precision", "fp16"], "its precisions are 5; expected a Mapping"),
    ],
)
def test_what_a_plugin_declares_wrongly_is_named(providers, dense, name, more, text):
    done = ganzoo("bench", dense, "--provider", name, *more, path=providers)
    assert_clean(done, status=1)
    assert text in done.stderr


def test_models_without_nodes_or_outputs_are_told(tmp_path):
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])
    relu = helper.make_node("Relu", ["x"], ["y"])
    for nodes, outputs, text in (([], [value], "graph has no nodes"), ([relu], [], "graph has no outputs")):
        path = tmp_path / "m.onnx"
        onnx.save(helper.make_model(helper.make_graph(nodes, "g", [value], outputs)), path)
        with pytest.raises(gz.GanzooError, match=text):
            gz.bench(path, **QUICK)
