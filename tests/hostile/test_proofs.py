"""A proof that proves: it is a stranger's file, and looser bounds or fewer values would prove anything."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers import run_main, within

import ganzoo as gz
from ganzoo.exporting.rounding import parity_bound
from ganzoo.runtime.tolerances import PROOF


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "m.onnx"
    assert run_main("export", "dcgan", "--untrained", "--preset", "tiny", "-o", path)[0] == 0
    return path


@pytest.fixture
def model(sound, tmp_path):
    shutil.copy(sound.with_suffix(".proof.json"), tmp_path)
    return Path(shutil.copy(sound, tmp_path))


def changed(model, change):
    proof = json.loads(model.with_suffix(".proof.json").read_text())
    change(proof)
    model.with_suffix(".proof.json").write_text(json.dumps(proof))


def every(proof, what, change):
    """Change each value of all cases; without `what` their names."""
    for case in proof["cases"]:
        for key in ("bounds", "sampled", "errors") if not what else ():
            case[key] = {f"{name}x": value for name, value in case[key].items()}
        if not what:
            continue
        case[what] = {name: change(value) for name, value in case[what].items()}


NAN, INFINITE = float("nan"), float("inf")
CHANGES = {
    "no case": lambda proof: proof.update(cases=[]),
    "one size of batch": lambda proof: proof.update(cases=proof["cases"][:1] * 3),
    "looser": lambda proof: every(proof, "bounds", lambda bound: 3 * bound),
    "loose": lambda proof: every(proof, "bounds", lambda bound: 1e9),
    "no bound at all": lambda proof: every(proof, "bounds", lambda bound: INFINITE),
    "a bound of NaN": lambda proof: every(proof, "bounds", lambda bound: NAN),
    "a bound below zero": lambda proof: every(proof, "bounds", lambda bound: -1.0),
    "a bound that is a text": lambda proof: every(proof, "bounds", lambda bound: "1e-5"),
    "a bound that is true": lambda proof: every(proof, "bounds", lambda bound: True),
    "bounds of nothing": lambda proof: [case.update(bounds={}) for case in proof["cases"]],
    "of another output": lambda proof: every(proof, "", str),
    "no values": lambda proof: every(proof, "sampled", lambda values: []),
    "one value": lambda proof: every(proof, "sampled", lambda values: values[:1]),
    "more values": lambda proof: every(proof, "sampled", lambda values: values * 2),
    "values of NaN": lambda proof: every(proof, "sampled", lambda values: [NAN] * len(values)),
    "values that are infinite": lambda proof: every(proof, "sampled", lambda values: [INFINITE] * len(values)),
    "values in values": lambda proof: every(proof, "sampled", lambda values: [values]),
    "errors of NaN": lambda proof: every(proof, "errors", lambda error: NAN),
    "another precision": lambda proof: proof.update(precision="fp16"),
    "no precision": lambda proof: proof.update(precision="int3"),
    "a batch of a million": lambda proof: proof["cases"][0]["dims"].update(batch=1_000_000),
    "a batch of none": lambda proof: proof["cases"][0]["dims"].update(batch=0),
    "a batch that is no number": lambda proof: proof["cases"][0]["dims"].update(batch="3"),
    "a batch that is true": lambda proof: proof["cases"][0]["dims"].update(batch=True),
    "a seed beyond": lambda proof: proof["cases"][0].update(first_seed=2**40),
    "a seed before": lambda proof: proof["cases"][0].update(first_seed=-1),
    "cases that are none": lambda proof: proof.update(cases=[1, None, "x"]),
    "cases that are a text": lambda proof: proof.update(cases="cases"),
    "a case of other things": lambda proof: proof["cases"][0].update(more=1),
    "a hash that is none": lambda proof: proof.update(model_sha256=5),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_proof_that_was_changed_proves_nothing(model, name):
    changed(model, CHANGES[name])
    with within():
        status, out, err = run_main("verify", model)
    assert status in (1, 3) and err.startswith("error: ") and "Traceback" not in err and out == ""
    assert "m.proof.json" in err or "m.onnx" in err


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"1",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"cases": ' + b"9" * 5000 + b"}",
        b'{"model_sha256": 1}',
    ],
)
def test_a_proof_that_is_none(model, content):
    model.with_suffix(".proof.json").write_bytes(content)
    with within():
        status, _, err = run_main("verify", model)
    assert status == 1 and "m.proof.json is damaged" in err


def with_bound(model, text):
    """The model and its proof, whose bounds are as the file then says."""
    found = onnx.load(model)
    for item in found.metadata_props:
        if item.key == "ganzoo.parity_bound":
            item.value = text
    onnx.save(found, model)

    def follow(proof):
        import hashlib

        proof["model_sha256"] = hashlib.sha256(model.read_bytes()).hexdigest()
        every(proof, "bounds", lambda bound: 0.9 if text in ("1", "nan", "inf", "x", "") else float(text))

    changed(model, follow)


@pytest.mark.parametrize("text", ["1", "0.002", "nan", "inf", "x", "", "-1"])
def test_a_file_whose_own_bound_is_not_what_its_precision_allows(model, text):
    with_bound(model, text)
    status, _, err = run_main("verify", model)
    assert status == 3 and "states a parity bound of" in err and "allows up to 0.001" in err


def test_a_file_that_paints_something_else_is_found(model):
    """Noise of a hundredth in one weight of the file; hash and all are as they should be."""
    found = onnx.load(model)
    weight = max(found.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    values = onnx.numpy_helper.to_array(weight) + np.float32(0.01)
    weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    onnx.save(found, model)
    with_bound(model, "1e-05")
    status, _, err = run_main("verify", model)
    assert status == 3 and "does not paint what torch paints" in err


def test_the_bound_follows_the_networks_own_rounding(tmp_path):
    """A ResNet with instance norm rounds by some 4e-6 where a DCGAN does by 1e-8: one bound does not fit both."""
    from ganzoo.architecture.graphs import graphs_of
    from ganzoo.exporting.exporter import on_cpu

    dcgan, cyclegan = gz.build("dcgan"), gz.build("cyclegan", settings={"data.size": 64, "width": 16, "blocks": 9})
    assert parity_bound(on_cpu(graphs_of(dcgan)[0]), "fp32") == PROOF["fp32"]
    graph = on_cpu(graphs_of(cyclegan)[0])
    bound = parity_bound(graph, "fp32")
    assert 1e-5 < bound <= 1e-4
    # A wrong one, which normalises by the statistics of a batch, is three orders of magnitude away.
    import torch

    picture = torch.rand(2, 3, 64, 64) * 2 - 1
    right = graph.run(picture)[0]
    for module in graph.module.modules():
        if isinstance(module, torch.nn.InstanceNorm2d):
            module.forward = lambda x: (x - x.mean()) / x.std()
    wrong = graph.run(picture)[0]
    assert (right - wrong).abs().max() > 1000 * bound


def test_resnets_export_at_full_precision(tmp_path):
    arguments = (
        "--untrained",
        "--set",
        "data.size=64",
        "--set",
        "width=16",
        "--graph",
        "a2b",
        "-o",
        tmp_path / "g.onnx",
    )
    status, out, err = run_main("export", "cyclegan", *arguments)
    assert status == 0, err
    status, out, _ = run_main("verify", tmp_path / "g.onnx", "--json")
    assert status == 0 and json.loads(out)["holds"] is True
