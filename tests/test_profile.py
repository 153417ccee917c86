"""Where time goes: arithmetic by hand, times of nested nodes, and profiles of real sessions."""

import itertools
import shutil
import subprocess

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from test_bench import save

import ganzoo as gz
from ganzoo.errors import RequestError
from ganzoo.runtime.file import OnnxFile
from ganzoo.runtime.latency.arithmetic import moved, operations
from ganzoo.runtime.latency.content import files_of_data
from ganzoo.runtime.latency.profile import _own_time
from ganzoo.testing.models import small_models

QUICK = {"repeats": 1, "least_seconds": 0.2}


@pytest.mark.parametrize(
    ("operator", "inputs", "outputs", "attributes", "expected"),
    [
        # Each number of the output: 3 channels of 3 by 3, a product and a sum.
        ("Conv", [[2, 3, 8, 8], [5, 3, 3, 3]], [[2, 5, 8, 8]], {}, 2 * 2 * 5 * 8 * 8 * 3 * 3 * 3),
        ("FusedConv", [[1, 4, 8, 8], [4, 1, 3, 3]], [[1, 4, 8, 8]], {}, 2 * 4 * 8 * 8 * 9),  # by groups
        ("ConvTranspose", [[2, 3, 8, 8], [3, 5, 4, 4]], [[2, 5, 16, 16]], {}, 2 * 2 * 3 * 8 * 8 * 5 * 4 * 4),
        ("MatMul", [[2, 7, 11], [11, 13]], [[2, 7, 13]], {}, 2 * 2 * 7 * 13 * 11),
        ("FusedMatMul", [[11, 7], [11, 13]], [[7, 13]], {"transA": 1}, 2 * 7 * 13 * 11),
        ("Gemm", [[7, 11], [11, 13]], [[7, 13]], {}, 2 * 7 * 13 * 11),
        ("Gemm", [[11, 7], [11, 13]], [[7, 13]], {"transA": 1}, 2 * 7 * 13 * 11),
        ("QLinearConv", [[1, 3, 8, 8], [], [], [5, 3, 3, 3]], [[1, 5, 8, 8]], {}, 2 * 5 * 8 * 8 * 27),
        ("Relu", [[2, 3]], [[2, 3]], {}, None),
        ("Conv", [[2, 3, 8, 8]], [[2, 5, 8, 8]], {}, None),
        ("MatMul", [], [[2]], {}, None),
        ("Conv", [None, [5, 3, 3, 3]], [[2, 5, 8, 8]], {}, None),
    ],
)
def test_operations(operator, inputs, outputs, attributes, expected):
    assert operations(operator, inputs, outputs, attributes) == expected


def test_bytes():
    assert moved([("float", [2, 3]), ("float16", [4]), ("int64", []), ("string", [5])]) == 24 + 8 + 8


def event(name, operator, start, length, thread=1):
    return {"name": name, "ts": start, "dur": length, "tid": thread, "args": {"op_name": operator}}


def test_what_runs_inside_a_loop_counts_once():
    events = [
        event("loop", "Loop", 0, 100), event("a", "Add", 10, 20), event("if", "If", 40, 30), event("b", "Mul", 45, 10),
        event("next", "Relu", 100, 5), event("beside", "Conv", 0, 50, thread=2),
    ]  # fmt: skip
    alone = {one["name"]: own for one, own in _own_time(iter(events))}
    assert alone == {"loop": 50, "a": 20, "if": 20, "b": 10, "next": 5, "beside": 50}


def test_a_profile_of_each_model(tmp_path):
    result = gz.bench(list(small_models(tmp_path)), profile=True, **QUICK)
    for case in result.cases:
        found = case["profile"]
        assert case["state"] == "ok" and found["runs"] >= 3 and found["nodes_ms"] <= found["run_ms"]
        for rows in (found["operators"], found["nodes"]):
            assert sum(row["share"] for row in rows) == pytest.approx(1.0)
            assert sum(row["ms"] for row in rows) == pytest.approx(found["nodes_ms"])
            assert [row["ms"] for row in rows] == sorted((row["ms"] for row in rows), reverse=True)
    dense = next(case["profile"] for case in result.cases if case["model"]["file"] == "dense.onnx")
    for row in dense["nodes"]:
        if row["operator"] in ("MatMul", "FusedMatMul", "Gemm", "FusedGemm"):
            assert row["gflops"] * row["ms"] * 1e6 == pytest.approx(row["count"] * 2 * 24 * 24)
            assert row["of_matmul"] == pytest.approx(row["gflops"] / dense["matmul_gflops"])
    shown = result.profiles()
    assert len(shown) == 3 and "GFLOP/s" in shown[0][1]


def test_the_work_of_a_packed_weight_is_counted(tmp_path):
    """ONNX Runtime packs the kernels of transposed convolutions, and does not list them among a node's inputs."""
    path = next(small_models(tmp_path))
    (case,) = gz.bench(path, profile=True, **QUICK).cases
    (row,) = [row for row in case["profile"]["nodes"] if row["operator"] == "ConvTranspose"]
    assert row["gflops"] * row["ms"] * 1e6 == pytest.approx(2 * 8 * 8 * 8 * 3 * 4 * 4)


def test_a_model_with_a_loop(tmp_path):
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["d"]), helper.make_node("MatMul", ["v", "w"], ["u"], name="inside")],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("c", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", TensorProto.FLOAT, [16, 16]),
        ],
        [
            helper.make_tensor_value_info("d", TensorProto.BOOL, []),
            helper.make_tensor_value_info("u", TensorProto.FLOAT, [16, 16]),
        ],
    )
    graph = helper.make_graph(
        [helper.make_node("Loop", ["n", "", "x"], ["y"], body=body, name="loop")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [16, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [16, 16])],
        [
            onnx.numpy_helper.from_array(np.array(5), "n"),
            onnx.numpy_helper.from_array(np.eye(16, dtype=np.float32), "w"),
        ],
    )
    path = tmp_path / "loop.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    (case,) = gz.bench(path, profile=True, **QUICK).cases
    operators = {row["operator"]: row["ms"] for row in case["profile"]["operators"]}
    assert "Loop" in operators and "MatMul" in operators
    assert case["profile"]["nodes_ms"] <= case["profile"]["run_ms"] * 1.05  # nothing is counted twice


@pytest.fixture
def two_inputs(tmp_path):
    nodes = [helper.make_node("Sub", ["a", "b"], ["y"])]
    return save(tmp_path / "sub.onnx", nodes, [("a", None, ["n", 3]), ("b", None, ["n", 3])], [("y", ["n", 3])])


def test_onnx_test_data_are_fed_by_place(two_inputs, tmp_path):
    arrays = [np.full((4, 3), value, np.float32) for value in (5.0, 2.0)]
    folder = tmp_path / "test_data_set_0"
    folder.mkdir()
    for place, array in enumerate(arrays):
        (folder / f"input_{place}.pb").write_bytes(onnx.numpy_helper.from_array(array).SerializeToString())
    (folder / "output_0.pb").write_bytes(b"")
    for given in (folder, tmp_path):
        (case,) = gz.bench(two_inputs.path, data=given, **QUICK).cases
        assert case["state"] == "ok" and case["shapes"] == {"a": [4, 3], "b": [4, 3]}
        assert case["inputs"] == {"a": "file", "b": "file"}
    assert [path.name for path in files_of_data(two_inputs, folder).values()] == ["input_0.pb", "input_1.pb"]


def test_onnx_test_data_that_do_not_fit(two_inputs, tmp_path):
    with pytest.raises(RequestError, match=r"there is no input_0.pb in it, nor in a test_data_set_0 inside"):
        gz.bench(two_inputs.path, data=tmp_path, **QUICK)
    tensor = onnx.numpy_helper.from_array(np.zeros((4, 3), np.float32)).SerializeToString()
    (tmp_path / "input_0.pb").write_bytes(tensor)
    with pytest.raises(RequestError, match="has 1 inputs, and sub.onnx has 2: a, b"):
        gz.bench(two_inputs.path, data=tmp_path, **QUICK)
    for damaged in (b"", b"\xff" * 40, tensor[:9]):
        (tmp_path / "input_1.pb").write_bytes(damaged)
        with pytest.raises(RequestError, match="cannot be read as a tensor of ONNX"):
            gz.bench(two_inputs.path, data=tmp_path, **QUICK)


LIBRARY = """
#include <stdio.h>
#include <stdlib.h>
void *RegisterCustomOps(void *options, const void *api) {
    FILE *mark = fopen(getenv("GANZOO_TEST_MARK"), "a");
    fputs("ran\\n", mark); fclose(mark);
    return 0;
}
"""


def test_a_library_runs_its_code_and_is_said(two_inputs, tmp_path, monkeypatch):
    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler, "this test compiles a library of four lines: install a C compiler"
    (tmp_path / "lib.c").write_text(LIBRARY)
    library = tmp_path / "lib.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, tmp_path / "lib.c"], check=True)
    monkeypatch.setenv("GANZOO_TEST_MARK", str(tmp_path / "mark"))
    with pytest.warns(gz.GanzooWarning, match=r"the code of .*lib.so runs"):
        result = gz.bench(two_inputs.path, shapes={"a": [4, 3]}, libraries=library, **QUICK)
    (case,) = result.cases
    assert case["state"] == "ok" and case["settings"]["libraries"] == ["lib.so"]
    assert result.document["protocol"]["libraries"] == ["lib.so"]
    assert (tmp_path / "mark").read_text().startswith("ran\nran\n")  # the worker's, and the reference's
    (tmp_path / "no.so").write_bytes(b"no library")
    with pytest.warns(gz.GanzooWarning):
        (case,) = gz.bench(two_inputs.path, shapes={"a": [4, 3]}, libraries=tmp_path / "no.so", **QUICK).cases
    assert case["state"] == "failed" and "no.so' cannot be loaded" in case["why"]


def test_operators_that_nobody_knows_point_to_the_library(tmp_path):
    node = helper.make_node("Upper", ["x"], ["y"], domain="own.domain")
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own.domain", 1)]
    path = tmp_path / "own.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    (case,) = gz.bench(path, **QUICK).cases
    assert case["state"] == "failed" and "--library FILE" in case["hint"]


def test_texts_can_be_stated(tmp_path):
    value, same = (helper.make_tensor_value_info(name, TensorProto.STRING, ["n"]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [value], [same])
    path = tmp_path / "t.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    (case,) = gz.bench(path, shapes={"x": [2]}, fills={"x": "a cat, asleep"}, **QUICK).cases
    assert case["state"] == "ok" and case["inputs"] == {"x": "a cat, asleep"}


def test_runs_that_differ_are_said(tmp_path):
    from ganzoo.runtime.latency import worker

    path = next(small_models(tmp_path))
    outputs = itertools.cycle([[np.zeros(3)], [np.array([0.0, 0.25, np.nan])]])
    found = worker._said_twice(lambda: next(outputs), OnnxFile(path), [np.array([0.0, 0.0, 0.0])])
    assert found["runs_differ_by"] == 0.0
    found = worker._said_twice(lambda: next(outputs), OnnxFile(path), [np.array([0.0, 0.0, np.nan])])
    assert found["runs_differ_by"] == 0.25
    found = worker._said_twice(lambda: next(outputs), OnnxFile(path), [np.array([np.inf, 0.0, 0.0])])
    assert found["runs_differ_by"] == 1e300


def test_what_differs_is_a_note(tmp_path):
    result = gz.bench(next(small_models(tmp_path)), **QUICK)
    (case,) = result.cases
    assert case["repeatable"] == {"runs_differ_by": 0.0, "results": 1}
    assert not any("more than one result" in line for line in result.notes())
    case["repeatable"] = {"runs_differ_by": 0.5, "results": 2}
    assert any("two runs of one input differ by 0.5" in line for line in result.notes())
    case["repeatable"] = {"runs_differ_by": 0.0, "results": 2}
    assert any("one input gave 2 results in 1 processes" in line for line in result.notes())


def test_no_folder_is_in_a_result(tmp_path):
    """Not even in why a case failed."""
    (tmp_path / "broken.onnx").write_bytes(b"\x08\x08\x3a\x02\x0a\x00 nothing")
    shutil.copy(next(small_models(tmp_path)), tmp_path / "sound.onnx")
    result = gz.bench([tmp_path / "broken.onnx", tmp_path / "sound.onnx", tmp_path / "gone.onnx"], **QUICK)
    assert [case["state"] for case in result.cases] == ["failed", "ok", "failed"]
    assert str(tmp_path) not in result.save(tmp_path / "r.json").read_text()
    assert "gone.onnx" in result.cases[2]["why"]
