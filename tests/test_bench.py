"""The harness: inputs, warm-up, percentiles, placement, checks, the document. No timing decides here."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers import assert_clean, ganzoo, ganzoo_here
from onnx import TensorProto, helper

import ganzoo as gz
from ganzoo.cli.parse import parse_shape
from ganzoo.errors import BenchError, RequestError
from ganzoo.progress import Silent
from ganzoo.runtime.file import OnnxFile, Tensor
from ganzoo.runtime.latency import asking, runner
from ganzoo.runtime.latency.fills import check_fill, made_up
from ganzoo.runtime.latency.inputs import InputRequest, make_feed, sweep_cases
from ganzoo.runtime.latency.measure import warm_up
from ganzoo.runtime.latency.plan import cases_of
from ganzoo.runtime.latency.request import Axes, Load, Rate, Request
from ganzoo.runtime.latency.result import BenchResult
from ganzoo.runtime.latency.samples import decode
from ganzoo.runtime.providers.requirements import what_is_missing
from ganzoo.runtime.providers.table import find_provider
from ganzoo.runtime.session import open_checked, run_session

DATA = Path(__file__).parent / "data"


def save(path, nodes, inputs, outputs=(("y", None),), initializers=()):
    def values(tensors, default):
        return [
            helper.make_tensor_value_info(name, dtype if dtype is not None else default, shape)
            for name, dtype, shape in tensors
        ]

    graph = helper.make_graph(
        nodes, "g", values(inputs, TensorProto.FLOAT), values([(n, TensorProto.FLOAT, s) for n, s in outputs], 1),
        initializer=list(initializers),
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, path)
    return OnnxFile(path)


@pytest.fixture
def foreign(tmp_path):
    """y = relu(x), of no fixed size."""
    return save(
        tmp_path / "foreign.onnx",
        [helper.make_node("Relu", ["x"], ["y"])],
        [("x", None, ["n", 3, "height", "width"])],
        [("y", ["n", 3, "height", "width"])],
    )


def test_a_dimension_nobody_fixed_is_named(foreign):
    with pytest.raises(RequestError) as caught:
        sweep_cases(foreign, InputRequest())
    assert "Dimension 2 (height) of input 'x' of foreign.onnx is not fixed." in str(caught.value)
    assert "--shape x=nx3xheightxwidth" in str(caught.value)


def test_shapes_and_batches_are_swept(foreign):
    request = InputRequest(batches=(1, 4), dims={"height": [8, 16], "width": [8]})
    shapes = [case["x"] for case in sweep_cases(foreign, request)]
    assert sorted(shapes) == [(1, 3, 8, 8), (1, 3, 16, 8), (4, 3, 8, 8), (4, 3, 16, 8)]
    assert [case["x"] for case in sweep_cases(foreign, InputRequest(shapes={"x": [(2, 3, 8, 8)]}))] == [(2, 3, 8, 8)]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (InputRequest(shapes={"X": [(1, 3, 8, 8)]}), "no input of that name. Did you mean|Inputs: x"),
        (InputRequest(shapes={"x": [(1, 3, 8)]}), "has 4 dimensions .* and 1x3x8 has 3"),
        (InputRequest(shapes={"x": [(1, 4, 8, 8)]}), "is fixed at 3 in dimension 1"),
    ],
)
def test_shapes_that_do_not_fit(foreign, request_, message):
    with pytest.raises(RequestError, match=message):
        sweep_cases(foreign, request_)


def test_a_batch_never_overrides_what_is_stated(tmp_path, foreign):
    with pytest.raises(RequestError, match="the shapes of all inputs are stated, and it does not change them"):
        sweep_cases(foreign, InputRequest(batches=(4,), shapes={"x": [(2, 3, 8, 8)]}))
    add = helper.make_node("Concat", ["a", "b"], ["y"], axis=1)
    two = save(tmp_path / "two.onnx", [add], [("a", None, ["n", 2]), ("b", None, ["m", 2])], [("y", ["k", 4])])
    assert sweep_cases(two, InputRequest(batches=(4,), shapes={"a": [(3, 2)]})) == [{"a": (3, 2), "b": (4, 2)}]
    shared = save(tmp_path / "shared.onnx", [add], [("a", None, ["n", 2]), ("b", None, ["n", 2])], [("y", ["n", 4])])
    with pytest.raises(RequestError, match="--batch 4: the first dimension of 'b' of shared.onnx is 3 already"):
        sweep_cases(shared, InputRequest(batches=(4,), shapes={"a": [(3, 2)]}))
    with pytest.raises(RequestError, match="--batch and --dim n both size the first dimension"):
        sweep_cases(shared, InputRequest(batches=(4,), dims={"n": [3]}))


def test_what_is_said_of_inputs_goes_to_the_models_that_have_them(tmp_path, foreign):
    """One sweep of models with different inputs, as for comparing; what none has is an error."""
    relu = [helper.make_node("Relu", ["z"], ["y"])]
    other = save(tmp_path / "other.onnx", relu, [("z", None, ["n", "seq"])], [("y", ["n", "seq"])])
    fixed = save(tmp_path / "fixed.onnx", relu, [("z", None, [4, 2])], [("y", [4, 2])])
    inputs = InputRequest(dims={"height": [8], "width": [8], "seq": [5]}, fills={"z": "ones"}, batches=(2,))
    models = [foreign.path, other.path, fixed.path]
    cases = cases_of(Request(models=models, inputs=inputs))
    assert [case.shapes for case in cases] == [{"x": (2, 3, 8, 8)}, {"z": (2, 5)}, {}]
    assert [case.inputs for case in cases[:2]] == [{"x": "normal"}, {"z": "ones"}]
    assert "is fixed at 4" in cases[2].error.message
    with pytest.raises(RequestError, match="--dim 'depth': no model has it"):
        cases_of(Request(models=models, inputs=InputRequest(dims={"depth": [3]})))
    with pytest.raises(RequestError, match="is not fixed"):  # of all of them
        cases_of(Request(models=models[:2], inputs=InputRequest()))


def test_a_fixed_batch_and_shared_dimensions(tmp_path):
    add = helper.make_node("Add", ["a", "b"], ["y"])
    fixed = save(tmp_path / "fixed.onnx", [add], [("a", None, [1, 2]), ("b", None, [1, 2])], [("y", [1, 2])])
    assert sweep_cases(fixed, InputRequest()) == [{"a": (1, 2), "b": (1, 2)}]
    with pytest.raises(RequestError, match="is fixed at 1 in dimension 0"):
        sweep_cases(fixed, InputRequest(batches=(8,)))
    shared = save(tmp_path / "shared.onnx", [add], [("a", None, ["n", "k"]), ("b", None, ["n", "k"])], [("y", None)])
    assert sweep_cases(shared, InputRequest(shapes={"b": [(3, 5)]})) == [{"a": (3, 5), "b": (3, 5)}]
    with pytest.raises(RequestError, match="Dimension 'k' of shared.onnx is 5 in one input and 6 in 'b'"):
        sweep_cases(shared, InputRequest(shapes={"a": [(3, 5)], "b": [(3, 6)]}))


def test_content_of_an_input(foreign, tmp_path):
    array = np.full((2, 3, 4, 4), -2, dtype=np.float32)
    np.save(tmp_path / "x.npy", array)
    files = {"x": tmp_path / "x.npy"}
    (shapes,) = sweep_cases(foreign, InputRequest(files=files))
    np.testing.assert_array_equal(make_feed(foreign, shapes, files)["x"], array)
    np.save(tmp_path / "x.npy", array.astype(np.float64))
    with pytest.raises(BenchError, match="holds float64"):
        make_feed(foreign, shapes, files)
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(RequestError, match="cannot be read as a .npy file"):
        sweep_cases(foreign, InputRequest(files=files))


def test_made_up_inputs_are_the_same_every_time(tmp_path):
    gather = helper.make_node("Gather", ["table", "i"], ["y"])
    file = save(
        tmp_path / "f.onnx", [gather], [("table", None, [4, 2]), ("i", TensorProto.INT64, ["n"])], [("y", ["n", 2])]
    )
    feed = make_feed(file, {"table": (4, 2), "i": (3,)}, {})
    assert feed["i"].dtype == np.int64 and feed["i"].tolist() == [0, 0, 0]  # whatever it indexes, 0 is there
    np.testing.assert_array_equal(feed["table"], make_feed(file, {"table": (4, 2), "i": (3,)}, {})["table"])


@pytest.mark.parametrize(
    ("text", "dtype", "expected"),
    [
        ("zeros", np.float32, {0.0}),
        ("ones", np.int8, {1}),
        ("7", np.float16, {7.0}),
        ("3..5", np.int64, {3, 4, 5}),
        ("uniform", np.bool_, {False, True}),
        ("ones", np.bool_, {True}),
        ("-2..-2", np.int32, {-2}),
    ],
)
def test_rules_of_content(text, dtype, expected):
    check_fill(Tensor(name="x", dtype="float32", shape=()), text)
    array = made_up(text, (50, 4), np.dtype(dtype), seed=3)
    assert array.dtype == dtype and array.shape == (50, 4) and set(array.ravel().tolist()) == expected
    np.testing.assert_array_equal(array, made_up(text, (50, 4), np.dtype(dtype), seed=3))


def test_ranges_of_floats_and_normal_numbers():
    uniform = made_up("-1..3", (1000,), np.dtype(np.float32), seed=0)
    assert -1 <= uniform.min() < -0.9 and 2.9 < uniform.max() <= 3
    normal = made_up("normal", (), np.dtype(np.float32), seed=0)
    assert normal.shape == () and normal.dtype == np.float32
    assert made_up("normal", (0, 4), np.dtype(np.float32), seed=0).shape == (0, 4)


@pytest.mark.parametrize("text", ["most", "5..3", "..", "1..", ""])
def test_rules_that_are_none(foreign, text):
    with pytest.raises(RequestError, match="is none of zeros, ones, normal, uniform"):
        gz.plan_bench(foreign.path, shapes={"x": [1, 3, 8, 8]}, fills={"x": text})
    with pytest.raises(RequestError, match=r"--fill X: .* no input of that name"):
        gz.plan_bench(foreign.path, shapes={"x": [1, 3, 8, 8]}, fills={"X": "zeros"})


def test_ids_stay_within_the_table_that_they_are_looked_up_in(tmp_path):
    table = onnx.numpy_helper.from_array(np.eye(11, dtype=np.float32), "table")
    nodes = [
        helper.make_node("Cast", ["ids"], ["cast"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "cast"], ["y"]),
    ]
    file = save(tmp_path / "f.onnx", nodes, [("ids", TensorProto.INT32, ["n"])], [("y", ["n", 11])], [table])
    feed = make_feed(file, {"ids": (500,)}, {})
    assert feed["ids"].dtype == np.int32 and set(feed["ids"].tolist()) == set(range(11))
    (case,) = measured(file.path, inputs=InputRequest(batches=(4,))).cases
    assert case["state"] == "ok" and case["inputs"] == {"ids": "0..10"}
    assert "inputs are made up: ids 0..10" in "".join(
        BenchResult({"cases": [case], "protocol": {"objective": None, "rotate_mb": 0.0, "scenario": ""}}).notes()
    )


def test_outputs_that_cannot_be_bound_are_measured_unbound(tmp_path):
    node = helper.make_node("StringConcat", ["a", "a"], ["y"])
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("a", TensorProto.STRING, [2])],
        [helper.make_tensor_value_info("y", TensorProto.STRING, [2])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), tmp_path / "t.onnx")
    (case,) = measured(tmp_path / "t.onnx", inputs=InputRequest()).cases
    assert case["state"] == "ok" and case["placement"]["bound"] is False, case["why"]
    sound = save(tmp_path / "s.onnx", [helper.make_node("Relu", ["x"], ["y"])], [("x", None, [4])], [("y", [4])])
    assert measured(sound.path, inputs=InputRequest()).cases[0]["placement"]["bound"] is True


@pytest.mark.parametrize("kind", ["BFLOAT16", "FLOAT8E4M3FN", "FLOAT8E5M2"])
def test_types_that_numpy_does_not_have(kind, tmp_path):
    number = getattr(TensorProto, kind)
    nodes = [
        helper.make_node("Cast", ["x"], ["a"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["a", "a"], ["b"]),
        helper.make_node("Cast", ["b"], ["y"], to=number),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", number, [3, 5])],
        [helper.make_tensor_value_info("y", number, [3, 5])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), tmp_path / "t.onnx")
    session = open_checked(tmp_path / "t.onnx", "cpu").session
    x = np.arange(15).reshape(3, 5).astype(helper.tensor_dtype_to_np_dtype(number))
    (y,) = run_session(session, {"x": x}, tmp_path / "t.onnx")
    np.testing.assert_array_equal(y.astype(np.float32), (2 * x.astype(np.float32)).astype(y.dtype).astype(np.float32))
    (case,) = measured(tmp_path / "t.onnx", inputs=InputRequest()).cases
    assert case["state"] == "ok" and case["placement"]["bound"] is False, case["why"]
    assert case["inputs"] == {"x": "normal"}


@pytest.mark.parametrize("kind", [TensorProto.INT4, TensorProto.UINT4])
@pytest.mark.parametrize("count", [1, 4, 5])
def test_several_numbers_to_a_byte(tmp_path, kind, count):
    """Into a model and out of it, whole bytes or not."""
    from ganzoo.runtime.session import run_session

    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind)
    nodes = [
        helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["y"], ["z"], to=kind),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", kind, ["n"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"]), helper.make_tensor_value_info("z", kind, ["n"])],
    )
    path = tmp_path / "t.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    given = np.array([-8, 7, -1, 3, 5] if kind == TensorProto.INT4 else [15, 0, 9, 3, 5]).astype(dtype)[:count]
    plain, same = run_session(open_checked(path, "cpu").session, {"x": given}, path)
    assert plain.tolist() == given.astype(int).tolist() and same.dtype == dtype and np.array_equal(same, given)
    (case,) = measured(path, inputs=InputRequest(shapes={"x": [(count,)]}, fills={"x": "0..7"})).cases
    assert case["state"] == "ok"


def test_what_is_no_tensor_is_refused_by_name(tmp_path):
    value = helper.make_tensor_sequence_value_info("s", TensorProto.FLOAT, None)
    graph = helper.make_graph(
        [helper.make_node("SequenceLength", ["s"], ["y"])],
        "g",
        [value],
        [helper.make_tensor_value_info("y", TensorProto.INT64, [])],
    )
    path = tmp_path / "s.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)
    with pytest.raises(BenchError, match="Input 's' of s.onnx is of kind sequence, and ganzoo feeds tensors alone"):
        measured(path, inputs=InputRequest())


def test_scalars_empty_tensors_and_unknown_ranks(tmp_path):
    file = save(tmp_path / "s.onnx", [helper.make_node("Relu", ["x"], ["y"])], [("x", None, [])], [("y", [])])
    (case,) = measured(file.path, inputs=InputRequest()).cases
    assert case["state"] == "ok" and case["shapes"] == {"x": []} and case["batch"] == 1
    file = save(tmp_path / "u.onnx", [helper.make_node("Relu", ["x"], ["y"])], [("x", None, None)], [("y", None)])
    with pytest.raises(RequestError, match="does not say how many dimensions it has"):
        sweep_cases(file, InputRequest())
    assert parse_shape("x=scalar") == ("x", ()) and parse_shape("x=0x4") == ("x", (0, 4))
    inputs = InputRequest(shapes={"x": [(), (2, 3), (0, 4)]})
    assert [case["state"] for case in measured(file.path, inputs=inputs).cases] == ["ok", "ok", "ok"]


@pytest.mark.parametrize("text", ["x", "x=", "=1x2", "x=1x-1", "x=ax2", "x=1,2"])
def test_malformed_shapes(text):
    with pytest.raises(RequestError, match="is not of the form"):
        parse_shape(text)


def test_shapes_are_parsed():
    assert parse_shape("x=1x3X256x256") == ("x", (1, 3, 256, 256))
    assert parse_shape("a=b=2") == ("a=b", (2,))


def test_warm_up_ends_when_times_settle_and_says_so_when_they_do_not():
    """On a clock of our own: runs take 10 ms at first and 1 ms from the 50th on."""

    class Clock:
        time, runs = 0, 0

        def now(self):
            return self.time

    def settling():
        clock.runs += 1
        clock.time += 10_000_000 if clock.runs < 50 else 1_000_000

    clock = Clock()
    calls, seconds, settled = warm_up(settling, clock, 100.0)
    assert settled and calls > 50 and seconds == clock.time / 1e9

    def drifting():
        clock.runs += 1
        clock.time += int(1_000_000 * 1.001**clock.runs)

    clock = Clock()
    calls, seconds, settled = warm_up(drifting, clock, 4.0)
    assert not settled and 4.0 <= seconds < 4.5


def test_nodes_are_where_they_were_asked_to_be(foreign):
    opened = open_checked(foreign.path, "cpu")
    assert opened.nodes == {"CPUExecutionProvider": 1} and opened.copies == 0
    with pytest.raises(RequestError, match="There is no provider 'cdua'. Did you mean 'cuda'"):
        open_checked(foreign.path, "cdua")


def test_cuda_without_a_driver_names_what_is_missing(foreign, tmp_path):
    missing = what_is_missing("cuda")
    if not missing:
        pytest.skip("this machine has a working CUDA provider")
    done = ganzoo("bench", foreign.path, "--shape", "x=1x3x8x8", "--provider", "cuda")
    assert_clean(done, status=1)
    assert missing in done.stderr and done.stdout == ""
    done = ganzoo_here("bench", foreign.path, "--provider", "rocm")
    assert_clean(done, status=2)


def test_every_missing_piece_of_cuda_has_its_own_sentence(monkeypatch):
    from ganzoo.runtime.ort import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    assert "is a build without CUDAExecutionProvider" in what_is_missing("cuda")
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )

    def load(absent):
        return lambda library: f"{absent}: cannot open shared object file" if absent in library else ""

    monkeypatch.setattr("ganzoo.runtime.providers.nvidia.load", load("libcuda.so.1"))
    assert what_is_missing("cuda").startswith("the NVIDIA driver is not installed")
    monkeypatch.setattr("ganzoo.runtime.providers.nvidia.driver_trouble", lambda driver: "")
    monkeypatch.setattr("ganzoo.runtime.providers.nvidia.load", load("providers_cuda"))
    assert what_is_missing("cuda").startswith("a library of the cuda provider cannot be loaded")
    monkeypatch.setattr("ganzoo.runtime.providers.nvidia.load", lambda library: "")
    monkeypatch.setattr(
        "ganzoo.runtime.providers.nvidia.driver_trouble", lambda driver: "the NVIDIA driver sees no GPU"
    )
    assert what_is_missing("cuda") == "the NVIDIA driver sees no GPU"
    monkeypatch.setattr("ganzoo.runtime.providers.nvidia.driver_trouble", lambda driver: "")
    assert what_is_missing("cuda") == "" and what_is_missing("cpu") == ""


class FakeGroup:
    def __init__(self, ep_name, nodes):
        self.ep_name = ep_name
        self._nodes = nodes

    def get_nodes(self):
        return [type("Node", (), {"name": name, "op_type": kind}) for name, kind in self._nodes]


class FakeSession:
    def __init__(self, providers, groups):
        self._providers = providers
        self._groups = groups

    def get_providers(self):
        return self._providers

    def get_provider_graph_assignment_info(self):
        return self._groups


def test_a_real_operator_on_the_cpu_is_an_error_and_a_shape_node_is_listed():
    from ganzoo.runtime.session import _inspect

    cuda, cpu = "CUDAExecutionProvider", "CPUExecutionProvider"
    shapes = FakeSession([cuda, cpu], [FakeGroup(cuda, [("c", "Conv")]), FakeGroup(cpu, [("s", "Shape")])])
    opened = _inspect(shapes, 0.1, find_provider("cuda"))
    assert opened.nodes == {cuda: 1, cpu: 1} and opened.cpu_shape_nodes == ["s (Shape)"]
    heavy = FakeSession([cuda, cpu], [FakeGroup(cuda, [("c", "Conv")]), FakeGroup(cpu, [("g", "GridSample")])])
    with pytest.raises(BenchError, match=r"1 nodes would run on the CPU, not on cuda: g \(GridSample\)"):
        _inspect(heavy, 0.1, find_provider("cuda"))


def test_copies_are_counted_in_the_optimised_graph(tmp_path):
    from ganzoo.runtime.session import count_copies

    nodes = [helper.make_node("MemcpyFromHost", ["x"], ["a"]), helper.make_node("Relu", ["a"], ["b"])]
    nodes.append(helper.make_node("MemcpyToHost", ["b"], ["y"]))
    file = save(tmp_path / "optimized.onnx", nodes, [("x", None, [1])], [("y", [1])])
    assert count_copies(file.path) == 2


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    model = folder / "m.onnx"
    assert_clean(ganzoo("export", "dcgan", "--untrained", "--preset", "tiny", "-o", model), status=0)
    done = ganzoo(
        "bench", model, "--batch", "1,4", "--repeats", 2, "--seconds", 0.7, "--within", 9,
        "-o", folder / "r.json", "--json",
    )  # fmt: skip
    assert_clean(done, status=0)
    document = json.loads(done.stdout)
    assert document == json.loads((folder / "r.json").read_text())
    return document


def test_the_document_follows_its_published_schema(result):
    jsonschema = pytest.importorskip("jsonschema")
    from importlib import resources

    schema = json.loads(resources.files("ganzoo.runtime.latency").joinpath("result.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(result, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**result, "cases": [{}]}, schema)


def test_every_case_has_samples_checks_and_placement(result):
    assert [case["batch"] for case in result["cases"]] == [1, 4]
    assert result["protocol"]["scenario"] == "single-stream" and result["protocol"]["repeats"] == 2
    for case in result["cases"]:
        latency = case["latency_ms"]["host_to_host"]
        series = [process["series"]["host_to_host"] for process in case["processes"]]
        samples = [decode(one["samples"]) for one in series]
        assert len(series) == 2 and latency["count"] == sum(map(len, samples)) >= 1000
        pooled = np.concatenate(samples) / 1e6
        assert latency["p99"]["value"] == pytest.approx(np.percentile(pooled, 99))
        assert latency["p99"]["low"] <= latency["p99"]["value"] <= latency["p99"]["high"]
        medians = [np.median(one) / 1e6 for one in samples]
        assert latency["median"]["value"] == pytest.approx(np.exp(np.mean(np.log(medians))))
        assert case["figure"] == latency["median"]
        rates = [case["batch"] * len(one) / one.sum() * 1e9 for one in samples]
        assert latency["pictures_per_second"]["value"] == pytest.approx(np.exp(np.mean(np.log(rates))))
        assert latency["largest"] == pytest.approx(pooled.max()) and latency["mean"] == pytest.approx(pooled.mean())
        assert case["latency_ms"]["device_resident"] is None and case["latency_ms"]["copies"] is None
        assert len(case["session_seconds"]) == len(case["first_run_ms"]) == 2
        assert case["state"] == "ok" and case["output_check"]["error"] <= 1e-4
        assert case["ended"] == "converged"  # 9 is wide
        assert set(case["placement"]["nodes"]) == {"CPUExecutionProvider"}
        assert case["model"]["architecture"] == "dcgan"
        assert len(series[0]["calibration_ns"]) == 2 and series[0]["disturbance"]["seconds"] > 0


def test_the_record_names_the_machine_and_nobody(result):
    result = json.loads(json.dumps(result))
    machine = result["machine"]
    assert machine["onnxruntime"] and machine["logical_cpus"] >= 1 and machine["devices"] == []
    import getpass
    import socket

    for case in result["cases"]:
        for process in case["processes"]:
            process["series"] = {}  # base64 has any two letters
    text = json.dumps(result)
    assert socket.gethostname() not in text and "/tmp" not in text
    assert f'"{getpass.getuser()}"' not in text


ONE = InputRequest(shapes={"x": [(1, 3, 8, 8)]})


def measured(*models, seconds=30, **more):
    options = {"repeats": 1, "least_seconds": 0.2, "max_seconds": seconds, "inputs": ONE, **more}
    return runner.run(Request(models=models, **options), progress=Silent())


def test_outputs_that_differ_from_the_reference_make_a_case_invalid(foreign, monkeypatch):
    genuine = asking.ask_all

    def tampered(asked, **options):
        answers = genuine(asked, **options)
        if asked[0][0]["mode"] == "reference":
            answers[0].arrays["output0000"][:] = 9.0
        return answers

    monkeypatch.setattr(asking, "ask_all", tampered)
    (case,) = measured(foreign.path).failed
    assert case["state"] == "invalid" and "outputs differ from the reference by" in case["why"]
    assert case["latency_ms"]["host_to_host"]["count"] > 0  # it is there to be looked at
    (case,) = measured(foreign.path, check="off").cases
    assert case["state"] == "unchecked" and case["why"] == "it was switched off"


def test_random_operators_are_measured_and_said_to_be_unchecked(tmp_path):
    node = helper.make_node("RandomNormalLike", ["x"], ["y"])
    file = save(tmp_path / "random.onnx", [node], [("x", None, [4])], [("y", [4])])
    (case,) = measured(file.path, inputs=InputRequest()).cases
    assert case["state"] == "unchecked" and "RandomNormalLike" in case["why"]


def test_what_is_not_a_number_on_both_sides_is_equal(tmp_path):
    node = helper.make_node("Log", ["x"], ["y"])  # of negative numbers
    file = save(tmp_path / "log.onnx", [node], [("x", None, [64])], [("y", [64])])
    (case,) = measured(file.path, inputs=InputRequest()).cases
    assert case["state"] == "ok" and case["output_check"]["error"] <= case["output_check"]["bound"]


def test_a_worker_that_dies_is_reported(foreign, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    (case,) = measured(foreign.path).failed
    assert case["state"] == "failed" and "died (exit status 1)" in case["why"]


def test_shapes_the_model_refuses_at_run_time(tmp_path):
    reshape = helper.make_node("Reshape", ["x", "shape"], ["y"])
    shape = onnx.numpy_helper.from_array(np.array([2, 2], dtype=np.int64), "shape")
    file = save(tmp_path / "r.onnx", [reshape], [("x", None, ["n"])], [("y", [2, 2])], [shape])
    (case,) = measured(file.path, inputs=InputRequest(batches=(3,))).failed
    assert "cannot run r.onnx with {'x': [3]}" in case["why"]


def test_one_failure_spoils_one_case(foreign, tmp_path):
    """A broken file, a model that no memory holds and a sound one: three states, the sound one's numbers, status 1."""
    (tmp_path / "broken.onnx").write_bytes(foreign.path.read_bytes()[:-20])
    shape = onnx.numpy_helper.from_array(np.array([10**13], dtype=np.int64), "shape")
    nodes = [helper.make_node("Expand", ["x", "shape"], ["y"])]
    large = save(tmp_path / "large.onnx", nodes, [("x", None, [1])], [("y", [10**13])], [shape])
    node = helper.make_node("RandomNormalLike", ["x"], ["y"])
    random = save(tmp_path / "random.onnx", [node], [("x", None, [1, 3, 8, 8])], [("y", [1, 3, 8, 8])])
    sound = save(tmp_path / "sound.onnx", [helper.make_node("Relu", ["x"], ["y"])], [("x", None, [4])], [("y", [4])])
    out = tmp_path / "r.json"
    done = ganzoo(
        "bench", tmp_path / "broken.onnx", large.path, random.path, sound.path, "--repeats", 2, "--seconds", 0.2,
        "--within", 9, "--max-time", 60, "-o", out,
    )  # fmt: skip
    assert_clean(done, status=1)
    cases = BenchResult.load(out).cases
    assert [case["state"] for case in cases] == ["failed", "failed", "unchecked", "ok"]
    assert "cannot be read as an ONNX model" in cases[0]["why"] and "large.onnx" in cases[1]["why"]
    assert cases[3]["latency_ms"]["host_to_host"]["count"] > 100
    assert "2 of 4 cases failed" in done.stderr and "sound.onnx" in done.stdout
    assert "failed" in done.stdout and "large.onnx x 1: failed:" in done.stdout


def test_the_time_is_a_bound(foreign, tmp_path):
    """With a model whose single run takes longer: its process is ended, its case says why, the others are there."""
    from time import monotonic

    loop = save_slow(tmp_path / "slow.onnx")
    began = monotonic()
    result = measured(foreign.path, loop.path, seconds=6, inputs=InputRequest(shapes={"x": [(1, 3, 8, 8)]}))
    assert monotonic() - began < 11
    states = {case["model"]["file"]: case for case in result.cases}
    assert states["slow.onnx"]["state"] == "failed" and "in time" in states["slow.onnx"]["why"]


def save_slow(path):
    """A loop of 10**12 turns."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Relu", ["value"], ["next"])],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value", TensorProto.FLOAT, [1, 3, 8, 8]),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, [1, 3, 8, 8]),
        ],
    )
    turns = onnx.numpy_helper.from_array(np.array(10**12, dtype=np.int64), "turns")
    always = onnx.numpy_helper.from_array(np.array(True), "always")
    node = helper.make_node("Loop", ["turns", "always", "x"], ["y"], body=body)
    return save(path, [node], [("x", None, [1, 3, 8, 8])], [("y", [1, 3, 8, 8])], [turns, always])


def test_a_sweep_goes_on_from_what_is_on_disk(foreign, tmp_path):
    shapes = InputRequest(shapes={"x": [(1, 3, 8, 8), (2, 3, 8, 8)]})
    first = measured(foreign.path, inputs=shapes, repeats=2, within=9.0)
    cut = json.loads(json.dumps(first.document))
    cut["cases"][1]["processes"] = cut["cases"][1]["processes"][:1]
    began = [process["series"]["host_to_host"]["samples"] for case in cut["cases"] for process in case["processes"]]
    counted = []

    class Counting(Silent):
        def update(self, progress):
            counted.extend(progress.values[key] for key in progress.values if key == "case")

    request = Request(models=[foreign.path], inputs=shapes, repeats=2, within=9.0, least_seconds=0.2, max_seconds=30)
    result = runner.run(request, progress=Counting(), before=BenchResult(cut))
    assert counted == ["foreign.onnx x 2x3x8x8"]
    after = [process["series"]["host_to_host"]["samples"] for case in result.cases for process in case["processes"]]
    assert len(after) == 4 and set(began) < set(after) and all(case["state"] == "ok" for case in result.cases)
    other = Request(models=[foreign.path], inputs=shapes, load=Load(scenario="offline"), least_seconds=0.2)
    with pytest.raises(RequestError, match="was measured with scenario 'single-stream', and 'offline' is asked for"):
        runner.run(other, progress=Silent(), before=BenchResult(cut))


@pytest.mark.parametrize(
    "load",
    [
        Load(scenario="multi-stream", streams=3, instances=2),
        Load(scenario="offline", instances=2),
        Load(scenario="server", rates=(Rate(value=200.0),)),
        Load(scenario="server", rates=(Rate(value=0.2, of_capacity=True),), instances=2),
        Load(scenario="single-stream", pause_ms=1.0, rotate=0.1),
    ],
    ids=["multi-stream", "offline", "server", "share", "rotate"],
)
def test_scenarios(foreign, load):
    (case,) = measured(foreign.path, load=load, axes=Axes(threads=(1,)), least_seconds=0.5).cases
    assert case["state"] in ("ok", "invalid") and case["latency_ms"]["host_to_host"]["count"] > 10, case["why"]
    series = case["processes"][0]["series"]["host_to_host"]
    assert (case["capacity_per_second"] is not None) == (load.rates != () and load.rates[0].of_capacity)
    if load.scenario == "multi-stream":
        assert series["calls"] == 3 * case["latency_ms"]["host_to_host"]["count"]
    if load.rates and not load.rates[0].of_capacity:
        assert series["calls"] == pytest.approx(100, abs=50) and series["late_p99_ms"] is not None
    assert case["processes"][0]["feeds"] == (137 if load.rotate else 1)


def test_the_largest_rate_that_keeps_an_objective_is_found():
    """On a simulated server of 1 ms: p90 of M/D/1 passes 3 ms at a load that a longer simulation gives."""
    from test_scenarios import Clock

    from ganzoo.runtime.latency.job import Job
    from ganzoo.runtime.latency.loads import largest_rate
    from ganzoo.runtime.latency.request import Objective
    from ganzoo.runtime.latency.scenarios import arrivals, server

    def serve(rate, seconds, seed):
        clock = Clock()
        return server([clock.taking(1_000_000)], clock, arrivals(rate, 20 * seconds, seed))

    def tail(rate):
        return np.quantile(serve(rate, 50, 77).samples_ns, 0.9) / 1e6

    job = Job(
        mode="measure", model="", shapes={}, provider="cpu", scenario="server", rate=1000.0,
        objective=Objective(quantile=0.9, limit_ms=3.0),
    )  # fmt: skip
    series, rate = largest_rate(serve, job, seconds=10)
    assert tail(0.93 * rate) < 3.0 < tail(1.07 * rate) and series.unserved == 0
    job = Job(
        mode="measure", model="", shapes={}, provider="cpu", scenario="server", rate=1000.0,
        objective=Objective(quantile=0.9, limit_ms=0.5),
    )  # fmt: skip
    assert largest_rate(serve, job, seconds=1)[1] == 0.0  # not even one call alone keeps it


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scenario": "server"}, "wants to know how fast calls arrive"),
        ({"rate": 200}, "are of the scenario server"),
        ({"scenario": "server", "rate": 200, "slo": "p99=20ms"}, "one of them"),
        ({"scenario": "server", "rate": "fast"}, "expected calls a second"),
        ({"scenario": "server", "slo": "p99<20"}, "expected a quantile and its limit"),
        ({"instances": 2}, "one call at a time"),
        ({"scenario": "offline", "idle_ms": 3}, "of closed loops"),
        ({"optimize": "most"}, "expected off, basic, extended, all"),
        ({"options": {"cpu": "1"}}, "expected PROVIDER.KEY=VALUE"),
        ({"options": {"cuda.use_tf32": "1"}}, "expected PROVIDER.KEY=VALUE of cpu"),
        ({"cuda_graph": True}, "none of the providers captures graphs"),
        ({"precision": "tf32"}, "The provider cpu has no precision 'tf32': expected file"),
        ({"cool_to": "warm"}, "cool_to"),
        ({"libraries": "nowhere.so"}, "there is no file nowhere.so"),
        ({"data": "nowhere"}, "there is no input_0.pb in it"),
        ({"tempo": 3}, "There is no option 'tempo'"),
    ],
)
def test_what_cannot_be_asked(foreign, options, message):
    with pytest.raises(RequestError, match=message):
        gz.plan_bench(foreign.path, shapes={"x": [1, 3, 8, 8]}, **options)


def test_the_plan_is_what_will_be_measured(foreign):
    done = ganzoo(
        "bench", foreign.path, "--shape", "x=1x3x8x8", "--shape", "x=2x3x8x8", "--threads", "1,2", "--spin", "on,off",
        "--optimize", "off,all", "--dry-run", "--max-time", 1000,
    )  # fmt: skip
    assert_clean(done, status=0)
    assert len([line for line in done.stdout.splitlines() if line.startswith("foreign.onnx x ")]) == 16
    assert "16 cases, 5 processes of each or more: about 6:4" in done.stdout
    assert "foreign.onnx x 2x3x8x8 threads=2 optimize=off spin=off" in done.stdout


def test_results_of_the_first_format_are_read(tmp_path):
    old = DATA / "bench-format-1.json"
    document = json.loads(old.read_text())
    result = BenchResult.load(old)
    assert [case["state"] for case in result.cases] == ["ok", "ok"]
    for case, before in zip(result.cases, document["cases"], strict=True):
        latency = case["latency_ms"]["host_to_host"]
        assert latency["count"] == before["latency_ms"]["host_to_host"]["count"]
        medians = before["latency_ms"]["host_to_host"]["p50_by_repeat"]
        assert latency["median"]["value"] == pytest.approx(np.exp(np.mean(np.log(medians))), rel=1e-3)
    result.save(tmp_path / "new.json")
    assert BenchResult.load(tmp_path / "new.json").cases == result.cases
    assert "dcgan" in repr(result) or "m.onnx" in repr(result)


def test_nonsense_is_refused(result, tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    from importlib import resources

    schema = json.loads(resources.files("ganzoo.runtime.latency").joinpath("result.schema.json").read_text())

    def changed(*path, value):
        document = json.loads(json.dumps(result))
        place = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        (tmp_path / "r.json").write_text(json.dumps(document))
        return document

    latency = ("cases", 0, "latency_ms", "host_to_host")
    p99 = result["cases"][0]["latency_ms"]["host_to_host"]["p99"]
    by_schema = [
        changed(*latency, "mean", value=-1.0),
        changed(*latency, "median", "value", value=-0.1),
        changed("protocol", "rates", value=["200/s"]),
        changed("protocol", "scenario", value="server"),
        changed("cases", 0, "state", value="fine"),
        changed("cases", 0, "session_seconds", value=[-1]),
        changed("cases", 0, "model", "file", value="/home/me/m.onnx"),
    ]
    for document in by_schema:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document, schema)
    for path, value, message in [
        ((*latency, "mean"), -1.0, "mean is -1.0"),
        ((*latency, "p90"), {**p99, "value": 1e9, "low": None, "high": None}, "out of order"),
        ((*latency, "median", "low"), 1e9, "does not hold it"),
        ((*latency, "mean"), 1e9, "beyond its least or largest"),
        ((*latency, "count"), 7, "says 7"),
        (("protocol", "rates"), ["200/s"], "its scenario is single-stream"),
        (("protocol", "scenario"), "burst", "no scenario 'burst'"),
        (("cases", 0, "processes"), [], "nothing was measured"),
        (
            ("cases", 0, "processes", 0, "series", "host_to_host", "samples"),
            "no base64",
            "cannot be read as a result of a measurement",
        ),
        (("format",), 3, "its format is 3"),
        (("cases",), None, "cannot be read as a result of a measurement"),
    ]:
        changed(*path, value=value)
        with pytest.raises(RequestError, match=message):
            BenchResult.load(tmp_path / "r.json")


def test_bench_inspect_and_verify_work_where_torch_is_not_installed(tmp_path):
    model = tmp_path / "m.onnx"
    assert_clean(ganzoo("export", "dcgan", "--untrained", "--preset", "tiny", "-o", model), status=0)
    blocker = tmp_path / "blocked"
    blocker.mkdir()
    (blocker / "torch.py").write_text("raise ImportError('torch is not installed here')")
    for arguments in (
        ("bench", model, "--repeats", 1, "--seconds", 0.3, "--max-time", 30),
        ("inspect", model),
        ("verify", model),
        ("sample", model, "-o", tmp_path / "x.png", "-n", 4),
        ("list",),
        ("info", "dcgan"),
    ):
        assert_clean(ganzoo(*arguments, path=blocker), status=0)
    doctor = ganzoo("doctor", "--json", path=blocker)
    assert_clean(doctor, status=1)
    assert "torch is not installed here" in json.loads(doctor.stdout)["problems"][0]


def test_what_loses_a_ctrl_c_is_imported_before_anything_is_measured():
    """numpy.random is loaded at its first use, and an interrupt in the middle of that is dropped."""
    code = "import sys, ganzoo.runtime.latency.runner; assert 'numpy.random.mtrand' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
