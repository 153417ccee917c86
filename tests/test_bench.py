"""The harness: inputs, warm-up, percentiles, placement, checks, the document. No timing decides here."""

import json
import sys

import numpy as np
import onnx
import pytest
from helpers import assert_clean, ganzoo
from onnx import TensorProto, helper

from ganzoo.cli.parse import parse_shape
from ganzoo.errors import BenchError, ExportError, GateError, RequestError
from ganzoo.progress import Silent
from ganzoo.runtime.file import OnnxFile
from ganzoo.runtime.latency import runner
from ganzoo.runtime.latency.inputs import InputRequest, make_feed, sweep_cases
from ganzoo.runtime.latency.measure import Budget, measure
from ganzoo.runtime.latency.request import Request
from ganzoo.runtime.latency.stats import bootstrap_interval, percentiles
from ganzoo.runtime.providers.requirements import what_is_missing
from ganzoo.runtime.session import open_checked

REQUIREMENTS = "ganzoo.runtime.providers.requirements"


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
    request = InputRequest(batches=(1, 4), shapes={"x": [(1, 3, 8, 8), (1, 3, 16, 8)]})
    shapes = [case["x"] for case in sweep_cases(foreign, request)]
    assert shapes == [(1, 3, 8, 8), (4, 3, 8, 8), (1, 3, 16, 8), (4, 3, 16, 8)]
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


@pytest.mark.parametrize("text", ["x", "x=", "=1x2", "x=1x0", "x=ax2", "x=1,2"])
def test_malformed_shapes(text):
    with pytest.raises(RequestError, match="is not of the form"):
        parse_shape(text)


def test_shapes_are_parsed():
    assert parse_shape("x=1x3X256x256") == ("x", (1, 3, 256, 256))
    assert parse_shape("a=b=2") == ("a=b", (2,))


def test_a_percentile_that_the_count_cannot_carry_is_none():
    assert percentiles(list(range(1, 100)))["p90"] is None
    hundred = percentiles(list(range(1, 101)))
    assert hundred["p90"] == pytest.approx(90.1) and hundred["p95"] is None
    assert percentiles(list(range(999)))["p99"] is None
    assert percentiles(list(range(1000)))["p99"] == pytest.approx(989.01)
    assert percentiles([7.0])["p50"] == 7.0 and percentiles([])["p50"] is None


def test_bootstrap_interval_covers_what_it_should():
    random = np.random.RandomState(1)
    inside = 0
    for _ in range(200):
        low, high = bootstrap_interval(np.exp(random.randn(20) * 0.1), rounds=400)
        inside += low <= 1.0 <= high
    assert 170 <= inside <= 199
    assert bootstrap_interval([2.0, 2.0]) == (2.0, 2.0)


def test_warm_up_ends_when_times_settle_and_says_so_when_they_do_not(monkeypatch):
    """On a clock of our own: runs take 10 ms at first and 1 ms from the 50th on."""
    import ganzoo.runtime.latency.measure as module

    class Clock:
        now = 0.0
        runs = 0

        def perf_counter(self):
            return self.now

        def perf_counter_ns(self):
            return round(self.now * 1e9)

    def settling():
        clock.runs += 1
        clock.now += 0.010 if clock.runs < 50 else 0.001

    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    series = measure(settling, Budget(seconds=100.0, samples=30))
    assert series.settled and series.warm_up_runs > 50 and len(series.samples_ms) == 30
    assert series.samples_ms == [1.0] * 30

    def drifting():
        clock.runs += 1
        clock.now += 0.001 * 1.001**clock.runs

    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    series = measure(drifting, Budget(seconds=4.0, samples=10))
    assert not series.settled and len(series.samples_ms) == 10


def test_a_slow_model_still_gives_samples():
    import time

    series = measure(lambda: time.sleep(0.05), Budget(seconds=0.01))
    assert len(series.samples_ms) == 3 and min(series.samples_ms) >= 50


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
    done = ganzoo("bench", foreign.path, "--provider", "rocm")
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

    monkeypatch.setattr(f"{REQUIREMENTS}._load", load("libcuda.so.1"))
    assert what_is_missing("cuda").startswith("the NVIDIA driver is not installed")
    monkeypatch.setattr(f"{REQUIREMENTS}._driver_trouble", lambda driver: "")
    monkeypatch.setattr(f"{REQUIREMENTS}._load", load("providers_cuda"))
    assert what_is_missing("cuda").startswith("a library of the CUDA provider cannot be loaded")
    monkeypatch.setattr(f"{REQUIREMENTS}._load", lambda library: "")
    monkeypatch.setattr(
        "ganzoo.runtime.providers.requirements._driver_trouble", lambda driver: "the NVIDIA driver sees no GPU"
    )
    assert what_is_missing("cuda") == "the NVIDIA driver sees no GPU"
    monkeypatch.setattr(f"{REQUIREMENTS}._driver_trouble", lambda driver: "")
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
    opened = _inspect(shapes, 0.1, "cuda")
    assert opened.nodes == {cuda: 1, cpu: 1} and opened.cpu_shape_nodes == ["s (Shape)"]
    heavy = FakeSession([cuda, cpu], [FakeGroup(cuda, [("c", "Conv")]), FakeGroup(cpu, [("g", "GridSample")])])
    with pytest.raises(BenchError, match=r"1 nodes would run on the CPU, not on cuda: g \(GridSample\)"):
        _inspect(heavy, 0.1, "cuda")
    with pytest.raises(BenchError, match="left CUDAExecutionProvider out"):
        _inspect(FakeSession([cpu], []), 0.1, "cuda")


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
    done = ganzoo("bench", model, "--batch", "1,4", "--repeats", 2, "--max-time", 12, "-o", folder / "r.json", "--json")
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
    for case in result["cases"]:
        latency = case["latency_ms"]["host_to_host"]
        assert latency["count"] == sum(len(samples) for samples in latency["samples_ms"]) >= 1000
        pooled = np.concatenate(latency["samples_ms"])
        assert latency["p99"] == pytest.approx(np.percentile(pooled, 99))
        assert latency["images_per_second"] == pytest.approx(case["batch"] / latency["p50"] * 1000)
        assert case["latency_ms"]["device_resident"] is None and case["latency_ms"]["copies"] is None
        assert len(case["session_seconds"]) == len(case["first_run_ms"]) == 2
        assert case["output_check"]["status"] == "ok" and case["output_check"]["error"] <= 1e-4
        assert set(case["placement"]["nodes"]) == {"CPUExecutionProvider"}
        assert case["model"]["architecture"] == "dcgan"


def test_the_record_names_the_machine_and_nobody(result):
    machine = result["machine"]
    assert machine["onnxruntime"] and machine["logical_cpus"] >= 1 and machine["gpu"] is None
    import getpass
    import socket

    text = json.dumps(result)
    assert socket.gethostname() not in text and "/tmp" not in text
    assert f'"{getpass.getuser()}"' not in text


def test_outputs_that_differ_from_the_reference_stop_the_measurement(foreign, monkeypatch, tmp_path):
    genuine = runner._work

    def tampered(request, case, mode, **options):
        measured, outputs = genuine(request, case, mode, **options)
        return measured, [np.full((1, 3, 8, 8), 9.0, dtype=np.float32)] if mode == "reference" else outputs

    monkeypatch.setattr(runner, "_work", tampered)
    request = Request(
        models=[foreign.path], inputs=InputRequest(shapes={"x": [(1, 3, 8, 8)]}), repeats=1, max_seconds=3
    )
    with pytest.raises(GateError, match="outputs on cpu differ from the reference by"):
        runner.run(request, progress=Silent())


def test_random_operators_are_measured_and_said_to_be_unchecked(tmp_path):
    node = helper.make_node("RandomNormalLike", ["x"], ["y"])
    file = save(tmp_path / "random.onnx", [node], [("x", None, [4])], [("y", [4])])
    request = Request(models=[file.path], repeats=1, max_seconds=3)
    result = runner.run(request, progress=Silent()).document
    assert result["cases"][0]["output_check"]["status"] == "unchecked"


def test_a_worker_that_dies_is_reported(foreign, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    request = Request(
        models=[foreign.path], inputs=InputRequest(shapes={"x": [(1, 3, 8, 8)]}), repeats=1, max_seconds=3
    )
    with pytest.raises(BenchError, match=r"died \(exit status 1\)"):
        runner.run(request, progress=Silent())


def test_shapes_the_model_refuses_at_run_time(tmp_path):
    reshape = helper.make_node("Reshape", ["x", "shape"], ["y"])
    shape = onnx.numpy_helper.from_array(np.array([2, 2], dtype=np.int64), "shape")
    file = save(tmp_path / "r.onnx", [reshape], [("x", None, ["n"])], [("y", [2, 2])], [shape])
    request = Request(models=[file.path], inputs=InputRequest(batches=(3,)), repeats=1, max_seconds=3)
    with pytest.raises(ExportError, match=r"cannot run r\.onnx with \{'x': \[3\]\}"):
        runner.run(request, progress=Silent())


def test_bench_inspect_and_verify_work_where_torch_is_not_installed(tmp_path):
    model = tmp_path / "m.onnx"
    assert_clean(ganzoo("export", "dcgan", "--untrained", "--preset", "tiny", "-o", model), status=0)
    blocker = tmp_path / "blocked"
    blocker.mkdir()
    (blocker / "torch.py").write_text("raise ImportError('torch is not installed here')")
    for arguments in (
        ("bench", model, "--repeats", 1, "--max-time", 2),
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


@pytest.mark.parametrize("knows", ["both", "old", "neither"])
def test_the_gpus_record_with_drivers_that_know_other_names(tmp_path, monkeypatch, knows):
    """An nvidia-smi that refuses a whole query for one field that it does not know, as the real one does."""
    from ganzoo.runtime.latency import machine

    refused = {"both": (), "old": ("clocks_event_reasons.active",),
               "neither": ("clocks_event_reasons.active", "clocks_throttle_reasons.active")}[knows]  # fmt: skip
    script = tmp_path / "nvidia-smi"
    script.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "fields = next((a.split('=')[1].split(',') for a in sys.argv if a.startswith('--query-gpu=')), None)\n"
        f"if fields and set(fields) & {set(refused)!r}: sys.exit(6)\n"
        "print(', '.join(f'{field} value' for field in fields) if fields else '123')\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    facts, state = machine.gpu_record(0), machine.gpu_state(0)
    assert facts["name"] == "name value" and "uuid" not in facts and len(facts["uuid_sha256"]) == 16
    assert state["clocks.sm"] == "clocks.sm value" and state["processes"] == 1
    expected = {
        "both": "clocks_event_reasons.active value",
        "old": "clocks_throttle_reasons.active value",
        "neither": None,
    }
    assert state["clocks_event_reasons.active"] == expected[knows]
    script.unlink()
    assert machine.gpu_record(0) is None and machine.gpu_state(0) is None
