"""Export with proof: parity, repeatability, self-description, refusal."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from helpers import assert_clean, ganzoo, ganzoo_here
from torch import nn
from toy_zoo import OFFERS

from ganzoo.architecture import Graph
from ganzoo.architecture.evaluation import evaluation_copy
from ganzoo.errors import ExportError, GateError, RequestError
from ganzoo.exporting.exporter import Origin, export_graphs
from ganzoo.exporting.proof import verify
from ganzoo.exporting.proof_file import BATCHES, proof_path
from ganzoo.exporting.trace import OPSET
from ganzoo.runtime.file import OnnxFile, summarize
from ganzoo.runtime.session import open_checked
from ganzoo.tensors import BATCH, TensorSpec
from ganzoo.testing import Subject
from ganzoo.training.ema import averaged_state

Z = TensorSpec(name="z", shape=(BATCH, 4))
OUT = TensorSpec(name="image", shape=(BATCH, 1, 2, 2), kind="picture")


@pytest.fixture(scope="module")
def trained(registry):
    """A network that has seen pictures: batch norm has statistics of its own."""
    subject = Subject(registry.architecture("dcgan"))
    engine = subject.engine()
    subject.train(engine, range(30))
    return evaluation_copy(engine.architecture, averaged_state(engine.average)), Origin(
        offer=subject.offer, training_data="random pictures", kimg=0.24
    )


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    (item,) = export_graphs(*trained, destination=tmp_path_factory.mktemp("export") / "generator.onnx")
    return item


@pytest.fixture
def copied(exported, tmp_path):
    """The exported file and its proof, to be damaged."""
    for path in (exported.path, proof_path(exported.path)):
        shutil.copy(path, tmp_path)
    return tmp_path / "generator.onnx"


def test_the_file_paints_what_torch_paints_at_sizes_never_traced(trained, exported):
    graph = trained[0].graphs()[0]
    session = open_checked(exported.path, "cpu").session
    for batch in (1, 2, 3, 7, 16):
        z = graph.inputs[0].sample(range(500, 500 + batch))
        (found,) = session.run(None, {"z": z})
        (expected,) = graph.run(torch.from_numpy(z))
        assert np.abs(found - expected.numpy()).max() <= 1e-5
    assert BATCHES == (1, 3, 16)
    assert exported.proof.holds and exported.proof.error <= 1e-5


def test_openvino_paints_it_too(trained, exported):
    openvino = pytest.importorskip("openvino")
    model = openvino.Core().compile_model(str(exported.path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    graph = trained[0].graphs()[0]
    for batch in (1, 3, 16):
        z = graph.inputs[0].sample(range(batch))
        assert np.abs(model(z)[0] - graph.run(torch.from_numpy(z))[0].numpy()).max() <= 1e-5


def test_one_file_with_a_symbolic_batch_opset_18_and_no_paths(exported):
    assert {item.name for item in exported.path.parent.iterdir()} == {"generator.onnx", "generator.proof.json"}
    file = OnnxFile(exported.path)
    onnx.checker.check_model(file.model, full_check=True)
    assert file.opset == OPSET == 18
    assert file.inputs[0].shape == ("batch", 8) and file.outputs[0].shape == ("batch", 1, 16, 16)
    content = exported.path.read_bytes()
    for text in ("site-packages", str(Path.home()), str(Path(__file__).parents[1]), ".py", str(exported.path.parent)):
        assert text.encode() not in content, text
    assert not {"Shape", "Expand", "RandomNormal", "BatchNormalization"} & set(file.operators())


def test_the_same_weights_give_the_same_file(trained, exported, tmp_path):
    (again,) = export_graphs(*trained, destination=tmp_path / "other-name.onnx")
    assert again.proof.model_sha256 == exported.proof.model_sha256
    assert again.path.read_bytes() == exported.path.read_bytes()


def test_the_file_describes_itself(exported):
    metadata = OnnxFile(exported.path).metadata
    assert metadata["ganzoo.architecture"] == "dcgan"
    assert metadata["ganzoo.plugin"].startswith("ganzoo-dcgan ")
    assert metadata["ganzoo.kimg"] == "0.24" and metadata["ganzoo.training_data"] == "random pictures"
    assert metadata["ganzoo.parity_bound"] == "1e-05" and metadata["ganzoo.latent"] == "z: 8 normal"
    assert metadata["Image.BitmapPixelFormat"] == "Gray8"
    assert metadata["Image.NominalPixelRange"] == "Normalized_1_1"
    assert len(metadata["ganzoo.weights_sha256"]) == 64
    (spec,) = OnnxFile(exported.path).input_specs
    assert spec == TensorSpec(name="z", shape=(BATCH, 8))


def test_structure_and_weights_have_hashes_of_their_own(registry, tmp_path):
    subject = Subject(registry.architecture("dcgan"))
    origin = Origin(offer=subject.offer)
    one, two = (
        OnnxFile(export_graphs(subject.build(seed=seed).eval(), origin, destination=tmp_path / f"{seed}.onnx")[0].path)
        for seed in (0, 1)
    )
    assert one.structure_sha256() == two.structure_sha256()
    assert one.weights_sha256() != two.weights_sha256()


def test_fp16_and_uint8(trained, exported, tmp_path):
    (half,) = export_graphs(*trained, destination=tmp_path, precision="fp16")
    assert half.path.name == "generator_fp16.onnx"
    assert half.bytes < exported.bytes and half.proof.holds
    file = OnnxFile(half.path)
    assert file.inputs[0].dtype == file.outputs[0].dtype == "float32"
    (bytes_,) = export_graphs(*trained, destination=tmp_path, output="uint8")
    file = OnnxFile(bytes_.path)
    assert file.outputs[0].dtype == "uint8" and file.metadata["Image.NominalPixelRange"] == "NominalRange_0_255"
    z = file.input_specs[0].sample([0, 1])
    (pixels,) = open_checked(bytes_.path, "cpu").session.run(None, {"z": z})
    (floats,) = open_checked(exported.path, "cpu").session.run(None, {"z": z})
    assert np.abs(pixels - (floats + 1) * 127.5).max() <= 0.501
    assert trained[0].generator.layers[0].weight.dtype == torch.float32


def test_several_graphs_go_to_a_directory(tmp_path):
    subject = Subject(OFFERS[1])
    architecture, origin = subject.build().eval(), Origin(offer=subject.offer)
    with pytest.raises(RequestError, match=r"exports 2 graphs \(generator, synthesis\) and all.onnx is one file"):
        export_graphs(architecture, origin, destination=tmp_path / "all.onnx")
    with pytest.raises(RequestError, match="has no graph 'sinthesis'. Did you mean 'synthesis'"):
        export_graphs(architecture, origin, destination=tmp_path, graph="sinthesis")
    items = export_graphs(architecture, origin, destination=tmp_path / "graphs")
    assert [item.path.name for item in items] == ["generator.onnx", "synthesis.onnx"]
    (one,) = export_graphs(architecture, origin, destination=tmp_path / "s.onnx", graph="synthesis")
    assert one.proof.holds


class Wrong(nn.Module):
    """Behaves in ways that an export gets silently wrong or cannot do."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.linear = nn.Linear(4, 4)

    def forward(self, z):
        y = self.linear(z).reshape(-1, 1, 2, 2)
        if self.kind == "random":
            return y + torch.randn_like(y)
        if self.kind == "size":
            return y * 2 if z.shape[0] == 2 else y
        if self.kind == "branch":
            return y * 2 if y.sum() > 0 else y
        if self.kind == "tracing":
            return y + 0.1 if torch.compiler.is_exporting() else y
        return y * float("nan")


class _Fake:
    def __init__(self, module):
        self.module = module

    def graphs(self):
        return [Graph(name="generator", module=self.module, inputs=(Z,), outputs=(OUT,))]


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("random", ExportError, "draws random numbers inside"),
        ("size", (ExportError, GateError), "generator"),
        ("branch", ExportError, "cannot export the graph 'generator'"),
        ("tracing", GateError, r"does not paint what torch paints: 'image' differs by 0\.1 at"),
        ("nan", GateError, "differs by nan"),
    ],
)
def test_a_file_that_would_paint_something_else_is_never_left(trained, tmp_path, kind, error, message):
    path = tmp_path / "generator.onnx"
    path.write_bytes(b"what was here before")
    with pytest.raises(error, match=message):
        export_graphs(_Fake(Wrong(kind).eval()), trained[1], destination=path)
    assert [item.name for item in tmp_path.iterdir()] == ["generator.onnx"]
    assert path.read_bytes() == b"what was here before"


def test_verify_repeats_the_proof_without_the_network(copied):
    proof = verify(copied)
    assert proof.holds and proof.error <= 1e-5 and [case.dims["batch"] for case in proof.cases] == [1, 3, 16]
    with pytest.raises(RequestError, match="There is no provider 'gpu'"):
        verify(copied, "gpu")


def test_verify_finds_changed_weights_even_with_a_matching_hash(copied):
    model = onnx.load(copied)
    weight = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    array = onnx.numpy_helper.to_array(weight).copy()
    array *= 1.01
    weight.CopyFrom(onnx.numpy_helper.from_array(array, weight.name))
    onnx.save(model, copied)
    with pytest.raises(GateError, match="is not the file that was proved"):
        verify(copied)
    proof = json.loads(proof_path(copied).read_text())
    proof["model_sha256"] = OnnxFile(copied).sha256()
    proof_path(copied).write_text(json.dumps(proof))
    with pytest.raises(GateError, match="does not paint what torch paints"):
        verify(copied)


def test_a_missing_or_damaged_proof_is_named(copied):
    content = proof_path(copied).read_bytes()
    for damage in (b"", b"{}", b"[1]", content[: len(content) // 2], content.replace(b'"cases"', b'"casts"'), b"\xff"):
        proof_path(copied).write_bytes(damage)
        with pytest.raises(ExportError, match=r"generator\.proof\.json is damaged"):
            verify(copied)
    proof_path(copied).unlink()
    with pytest.raises(ExportError, match="has no proof"):
        verify(copied)


def test_inspect_reads_files_that_are_not_ours(tmp_path):
    node = onnx.helper.make_node("RandomNormal", [], ["y"], shape=[2, 2])
    output = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [2, 2])
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", [], [output]))
    onnx.save(model, tmp_path / "foreign.onnx")
    facts = summarize(OnnxFile(tmp_path / "foreign.onnx"))
    assert facts["random_operators"] == ["RandomNormal"] and facts["metadata"] == {}
    with pytest.raises(ExportError, match="was not exported by ganzoo"):
        verify(tmp_path / "foreign.onnx")


def test_the_command_line(tmp_path):
    model = tmp_path / "m.onnx"
    done = ganzoo("export", "dcgan", "--untrained", "--preset", "tiny", "-o", model, "--json")
    assert_clean(done, status=0)
    (item,) = json.loads(done.stdout)
    assert item["batches"] == [1, 3, 16] and item["error"] <= 1e-5
    assert_clean(ganzoo("verify", model), status=0)
    one, two = tmp_path / "one.png", tmp_path / "two.png"
    assert_clean(ganzoo_here("sample", model, "-o", one, "-n", 20, "--seed", 5), status=0)
    assert_clean(ganzoo_here("sample", model, "-o", two, "-n", 20, "--seed", 5), status=0)
    assert one.read_bytes() == two.read_bytes()
    for arguments, status, message in [
        (("export", "dcgan", "-o", model), 2, "dcgan is an architecture, not a run"),
        (("export", "dcgan", "--untrained"), 2, "Add -o dcgan.onnx"),
        (("export", tmp_path, "-o", model), 1, "is not a run"),
        (("export", tmp_path, "--preset", "tiny"), 2, "go with --untrained"),
        (("sample", model, "-o", tmp_path / "x.txt"), 2, "does not end like a picture"),
        (("verify", tmp_path / "n.onnx"), 1, "There is no file"),
    ]:
        done = ganzoo(*arguments)
        assert_clean(done, status=status)
        assert message in done.stderr
    model.write_bytes(model.read_bytes()[:-1])
    assert ganzoo("verify", model).returncode in (1, 3)


def test_a_run_and_its_file_give_the_same_picture_for_a_seed(tmp_path):
    run = tmp_path / "run"
    assert_clean(ganzoo("train", "dcgan", "--preset", "tiny", "--data", "digits", "--out", run), status=0)
    assert_clean(ganzoo("export", run), status=0)
    one, two = tmp_path / "one.png", tmp_path / "two.png"
    assert_clean(ganzoo_here("sample", run, "-o", one, "-n", 9), status=0)
    assert_clean(ganzoo_here("sample", run / "exports" / "generator.onnx", "-o", two, "-n", 9), status=0)
    from PIL import Image

    pixels = [np.asarray(Image.open(path)).astype(int) for path in (one, two)]
    assert np.abs(pixels[0] - pixels[1]).max() <= 1
