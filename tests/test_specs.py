import json

import numpy as np
import pytest

from ganzoo import ArchitectureSpec, Dim, Preset, TensorSpec
from ganzoo.tensors import BATCH

Z = TensorSpec(name="z", shape=(BATCH, 5))


def test_a_latent_is_what_other_tools_draw_for_the_seed():
    rows = Z.sample([3, 4])
    assert rows.dtype == np.float32 and rows.shape == (2, 5)
    for row, seed in zip(rows, (3, 4), strict=True):
        np.testing.assert_array_equal(row, np.random.RandomState(seed).randn(5).astype(np.float32))


def test_a_row_does_not_depend_on_its_batch():
    np.testing.assert_array_equal(Z.sample(range(8))[5], Z.sample([5])[0])


def test_streams_and_kinds_of_draw():
    label = TensorSpec(name="label", shape=(BATCH,), dtype="int64", kind="class", classes=3, stream=1)
    drawn = label.sample(range(200))
    assert drawn.dtype == np.int64 and drawn.shape == (200,)
    assert set(drawn.tolist()) == {0, 1, 2}
    psi = TensorSpec(name="psi", shape=(BATCH,), kind="uniform", low=0.5, high=0.75)
    assert psi.sample(range(100)).min() >= 0.5 and psi.sample(range(100)).max() <= 0.75
    other = TensorSpec(name="noise", shape=(BATCH, 5), stream=1)
    assert not np.array_equal(other.sample([0]), Z.sample([0]))


def test_symbolic_dimensions():
    spec = TensorSpec(name="x", shape=(BATCH, 3, Dim(name="height", multiple=4), 8), kind="picture")
    assert spec.sample([0, 1], {"height": 12}).shape == (2, 3, 12, 8)
    with pytest.raises(KeyError):
        spec.sample([0])
    height = Dim(name="height", multiple=4, least=8)
    assert [height.accepts(size) for size in (4, 8, 10, 12)] == [False, True, False, True]


def test_json_round_trip():
    spec = TensorSpec(name="x", shape=(BATCH, 3, Dim(name="h", multiple=4, least=8)), kind="picture", low=0, high=255)
    assert TensorSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
    with pytest.raises(ValueError, match="kind 'dice'"):
        TensorSpec.from_json({**spec.to_json(), "draw": "dice"})


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "My GAN", "lower-case letters"),
        ("name", None, "lower-case letters"),
        ("task", "text-to-image", "noise-to-image, image-to-image"),
        ("implementation", "mygan.model", "expected an import string"),
        ("config", "mygan config", "expected an import string"),
        ("presets", {"tiny": {"width": 4}}, "not Preset"),
        ("presets", {"Tiny!": Preset(summary="")}, "lower-case letters"),
        ("summary", 3, "must be strings"),
    ],
)
def test_a_malformed_spec_is_refused_where_it_is_made(field, value, message):
    good = {"name": "mygan", "task": "noise-to-image", "summary": "", "implementation": "mygan.model:MyGAN"}
    with pytest.raises(ValueError, match=message):
        ArchitectureSpec(**{**good, field: value})
