"""Mistakes that a stranger makes and nobody told them of: each is found, with the sentence that helps."""

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import pytest
import torch
from helpers import assert_clean, ganzoo, make_distribution
from torch import nn
from toy_zoo.networks import Judge, Painter

import ganzoo as gz
from ganzoo import ArchitectureSpec, Preset
from ganzoo.architecture import (
    Batch,
    Direction,
    Ema,
    FromNoise,
    Graph,
    ImageToImage,
    Losses,
    NoiseToImage,
    Optimizer,
    Pair,
)  # fmt: skip
from ganzoo.architecture.declarations import contradictions
from ganzoo.architecture.evaluation import evaluation_copy
from ganzoo.config import Help, NoiseToImageConfig
from ganzoo.data.checked import CheckedSource
from ganzoo.errors import DataError, ExportError, GateError, PluginError, RequestError
from ganzoo.exporting.exporter import Origin, export_graphs
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.settings import resolve_for
from ganzoo.tensors import BATCH, Condition, DataInfo, Dim, Picture, TensorSpec
from ganzoo.testing import ArchitectureConformance
from ganzoo.training.start import start_run

TINY = Preset(
    summary="for tests",
    architecture={"latent_size": 4},
    train={"batch_size": 4, "steps": 2, "sample_count": 4, "score_count": 8},
    data={"size": 8, "channels": 1, "source": "digits"},
)


class Right(NoiseToImage):
    def build_generator(self):
        return Painter(self.config.latent_size, self.data.channels, self.data.size)

    def build_discriminator(self):
        return Judge(self.data.channels)


class After(nn.Module):
    """A network with something done to its output."""

    def __init__(self, network, change):
        super().__init__()
        self.network, self.change = network, change

    def forward(self, *inputs):
        return self.change(self.network(*inputs))


def painted(change):
    class Changed(Right):
        def build_generator(self):
            return After(super().build_generator(), change)

    return Changed


def judged(change):
    class Changed(Right):
        def build_discriminator(self):
            return After(super().build_discriminator(), change)

    return Changed


def declared(change):
    class Changed(Right):
        def graphs(self):
            return [change(graph) for graph in super().graphs()]

    return Changed


class Forgotten(Right):
    """A network that no optimiser has."""

    def build(self):
        super().build()
        self.encoder = nn.Linear(3, 3)
        self.frozen = nn.Linear(3, 3).requires_grad_(False)


def outputs(**changes):
    return lambda graph: replace(graph, outputs=(replace(graph.outputs[0], **changes),))


def extra_output(graph):
    return replace(graph, outputs=(*graph.outputs, replace(graph.outputs[0], name="more")))


MISTAKES = {
    "a shape": (declared(outputs(shape=(BATCH, 1, 16, 16))), r"'image' as 3x1x16x16 float32 and gives 3x1x8x8 float32"),
    "a dtype": (declared(outputs(dtype="float16")), r"declares 'image' as 3x1x8x8 float16 and gives 3x1x8x8 float32"),
    "a count": (declared(extra_output), r"graph 'generator' declares 2 outputs and gives 1"),
    "too large": (painted(lambda x: x.repeat(1, 1, 2, 2)), r"declares .*3x1x8x8.*gives 3x1x16x16"),
    "not finite": (painted(lambda x: x / (x * 0)), r"graph 'generator' gives 'image' with values that are not finite"),
    "no optimiser": (Forgotten, r"No optimiser trains encoder.weight, encoder.bias\.$"),
    "a list of logits": (judged(lambda x: [x, x]), r"the discriminator returns a list"),
    "one logit for all": (judged(lambda x: x.mean()), r"the discriminator gives a scalar for 2 pictures"),
    "a list of pictures": (painted(lambda x: [x]), r"graph 'generator' returns a list; expected a tensor"),
    "no role": (declared(lambda graph: replace(graph, role=None)), r"graph 'generator' does not say its role"),
    "no such role": (declared(lambda graph: replace(graph, role="draw")), r"graph 'generator' has the role 'draw'"),
    "nobody before": (
        declared(lambda graph: replace(graph, role="synthesize", after="mapping")),
        r"says after='mapping', and there is no graph of that name",
    ),
    "an input of another kind": (
        declared(lambda graph: replace(graph, inputs=(replace(graph.inputs[0], shape=(BATCH, 9)),))),
        r"graph 'generator' fails for z \[3, 9\]: RuntimeError",
    ),
    "two of one name": (
        type("Twice", (Right,), {"graphs": lambda self: [*Right.graphs(self)] * 2}),
        r"graphs\(\) gives 'generator', 'generator'",
    ),
    "a name that leaves the folder": (
        declared(lambda graph: replace(graph, name="../generator")),
        r"graphs\(\) gives '\.\./generator'",
    ),
}  # fmt: skip


def offer(implementation, api=2, config=None, preset=TINY):
    from ganzoo.plugin.call import remember

    remember("planted:implementation", implementation)
    if config is not None:
        remember("planted:config", config)
    spec = ArchitectureSpec(
        name="planted", task="noise-to-image", summary="planted", implementation="planted:implementation",
        config="planted:config" if config else "", presets={"tiny": preset},
    )  # fmt: skip
    return InstalledSpec(spec=spec, distribution="planted", version="1.0", api=api)


class Heard:
    def __init__(self):
        self.lines = []

    def update(self, progress):
        pass

    def say(self, text):
        self.lines.append(text)


def begun(implementation, tmp_path, **changes):
    """A trainer of a new run, and what was said."""
    one, heard = offer(implementation, **changes), Heard()
    config = resolve_for(one, [], preset="tiny")
    return start_run(one, config, Registry.load(), out=tmp_path / "run", preset="tiny", progress=heard), heard.lines


@pytest.mark.parametrize("name", MISTAKES)
def test_a_contradiction_ends_a_run_before_it_begins(name, tmp_path):
    implementation, message = MISTAKES[name]
    with pytest.raises(PluginError, match=r"(?m)" + message) as caught:
        begun(implementation, tmp_path)
    assert "'planted' of planted 1.0 contradicts what it declares" in caught.value.message and caught.value.hint
    assert not (tmp_path / "run").exists()


OF_TRAINING = {"no optimiser", "a list of logits", "one logit for all"}


@pytest.mark.parametrize("name", [name for name in MISTAKES if name not in OF_TRAINING])
def test_what_is_wrong_in_a_file_is_not_exported(name, tmp_path):
    implementation, message = MISTAKES[name]
    twin = evaluation_copy(implementation(NoiseToImageConfig(latent_size=4), DataInfo(channels=1, size=8)), None)
    message = "values that are not finite" if name == "not finite" else message
    with pytest.raises((ExportError, GateError), match=message):
        export_graphs(twin, Origin(offer=offer(implementation)), destination=tmp_path / "out")
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize("name", ["a shape", "no optimiser", "no role"])
def test_a_plugin_of_api_1_is_warned_and_goes_on(name, tmp_path):
    implementation, _message = MISTAKES[name]
    trainer, lines = begun(implementation, tmp_path, api=1)
    warned = [line for line in lines if line.startswith("warning: 'planted' of planted 1.0")]
    assert len(warned) == (0 if name == "no role" else 1)
    assert trainer.run.path.exists()


def test_what_is_right_says_nothing(tmp_path):
    _, lines = begun(Right, tmp_path)
    assert lines == []


BATCH_MEAN = painted(lambda images: images - images.mean(0))
RANDOM = painted(lambda images: images + torch.randn_like(images))


@pytest.mark.parametrize(
    ("implementation", "message"),
    [
        (BATCH_MEAN, "a row of 'image' depends on the other rows of the batch"),
        (painted(lambda images: images.sort(0).values), "a row of 'image' depends on the other rows"),
        (painted(lambda images: images.cumsum(0)), "a row of 'image' depends on the other rows"),
        (painted(lambda images: images + 1e-3 * images.roll(1, 0)), "a row of 'image' depends on the other rows"),
    ],
)
def test_rows_that_see_each_other_are_a_warning_in_training_and_an_error_in_a_file(implementation, message, tmp_path):
    _, lines = begun(implementation, tmp_path)
    assert len(lines) == 1 and lines[0].startswith("warning:") and message in lines[0]
    twin = evaluation_copy(implementation(NoiseToImageConfig(latent_size=4), DataInfo(channels=1, size=8)), None)
    with pytest.raises(ExportError, match=message):
        export_graphs(twin, Origin(offer=offer(implementation)), destination=tmp_path / "out")


def test_random_numbers_in_evaluation_mode(tmp_path):
    _, lines = begun(RANDOM, tmp_path)
    assert len(lines) == 1 and "gives two results 'image' for one input in evaluation mode" in lines[0]
    twin = evaluation_copy(RANDOM(NoiseToImageConfig(latent_size=4), DataInfo(channels=1, size=8)), None)
    with pytest.raises(ExportError, match="draws random numbers inside"):
        export_graphs(twin, Origin(offer=offer(RANDOM)), destination=tmp_path / "out")


def test_looking_moves_no_randomness_and_no_statistics():
    class Norm(Right):
        def build_generator(self):
            return nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5), super().build_generator())

    architecture = Norm(NoiseToImageConfig(latent_size=4), DataInfo(channels=1, size=8))
    before, state = torch.random.get_rng_state(), {k: v.clone() for k, v in architecture.state_dict().items()}
    assert contradictions(evaluation_copy(architecture, None)) == []
    assert torch.equal(before, torch.random.get_rng_state()) and architecture.training
    assert all(torch.equal(value, state[name]) for name, value in architecture.state_dict().items())


def test_graphs_that_come_after_one_another_must_fit():
    class Halves(Right):
        def graphs(self):
            (whole,) = super().graphs()
            style = TensorSpec(name="w", shape=(BATCH, 5))
            first = Graph(name="mapping", role="map", module=nn.Linear(4, 5), inputs=whole.inputs, outputs=(style,))
            return [replace(whole, role="synthesize", after="mapping"), first]

    twin = evaluation_copy(Halves(NoiseToImageConfig(latent_size=4), DataInfo(channels=1, size=8)), None)
    (found,) = contradictions(twin)
    assert "comes after 'mapping', whose first output is 5 float32, and its first input is 4 float32" in str(found)


def test_a_field_without_annotation_is_named(tmp_path):
    @dataclass(frozen=True, kw_only=True, slots=True)
    class Config(NoiseToImageConfig):
        depth: Annotated[int, Help("layers")] = 3
        widht = 64

        def helper(self):
            return self.depth

    _, lines = begun(type("Configured", (Right,), {}), tmp_path, config=Config)
    assert lines == [
        "warning: 'planted' of planted 1.0: widht of its config has no annotation and no user can set it: "
        "NAME: Annotated[float, Help(...)] = VALUE"
    ]
    suite = type("Suite", (ArchitectureConformance,), {"architecture": offer(Right, config=Config)})()
    with pytest.raises(AssertionError, match="no annotation, and so no setting: widht"):
        suite.test_what_is_declared_is_so()


@pytest.mark.parametrize(
    ("change", "warned"),
    [(lambda x: 3 * x + 1, True), (lambda x: (x + 1) * 127.5, True), (lambda x: 1.02 * x, False), (lambda x: x, False)],
)
def test_values_beyond_black_and_white_are_told_at_the_first_score(change, warned, tmp_path):
    trainer, lines = begun(painted(change), tmp_path)
    trainer.train()
    told = [line for line in lines if "outside -1 (black) to 1 (white)" in line]
    assert len(told) == (1 if warned else 0)


class Pictures:
    """A source that gives what it is told to give."""

    description, in_memory, lengths = "planted", True, (5,)

    def __init__(self, info, give, lengths=(5,)):
        self.info, self.give, self.lengths = info, give, lengths

    def fetch(self, indices):
        return self.give(indices[0])


GREY = DataInfo(channels=1, size=8)
LABELLED = DataInfo(channels=1, size=8, classes=3)
VECTORS = DataInfo(GREY.pictures, Condition(kind="vector", size=4))


def pixels(index, size=8, channels=1):
    return torch.zeros(len(index), channels, size, size, dtype=torch.uint8)


def growing(index):
    return Batch(real=torch.stack([torch.zeros(1, 8 + number, 8, dtype=torch.uint8) for number in index.tolist()]))


@pytest.mark.parametrize(
    ("info", "give", "message"),
    [
        (
            GREY,
            lambda index: Batch(real=pixels(index).float()),
            r"gives real pixels of float32; expected uint8, 0 to 255",
        ),
        (GREY, lambda index: Batch(real=pixels(index).short()), r"gives real pixels of int16; expected uint8"),
        (
            GREY,
            lambda index: Batch(real=pixels(index, size=9)),
            r"pictures of 1x1x9x9 at index 0, and declares 1x1x8x8",
        ),
        (GREY, growing, r"pictures of 1x1x12x8 at index 4, and declares 1x1x8x8: all pictures .* one size"),
        (GREY, lambda index: Batch(real=[pixels(index)]), r"gives real as a list; expected one tensor"),
        (GREY, pixels, r"gave a Tensor; expected a Batch or a Pair"),
        (GREY, lambda index: Batch(real=pixels(index)[0]), r"pictures of 1x8x8 at index 0"),
        (GREY, lambda index: 1 / 0, r"failed: ZeroDivisionError"),
        (LABELLED, lambda index: Batch(real=pixels(index)), r"declares 3 classes and gives no labels"),
        (
            LABELLED,
            lambda index: Batch(real=pixels(index), label=torch.full((len(index),), 3)),
            r"declares 3 classes, and gives the label 3 at index 0; expected 0 to 2",
        ),
        (
            LABELLED,
            lambda index: Batch(real=pixels(index), label=torch.zeros(len(index))),
            r"gives labels of float32 \[1\]; expected int64 \[1\]",
        ),
        (
            VECTORS,
            lambda index: Batch(real=pixels(index), label=torch.zeros(len(index), 3)),
            r"a vector of 4 numbers, and gives labels of float32 \[1, 3\]; expected float32 \[1, 4\]",
        ),
        (
            VECTORS,
            lambda index: Batch(real=pixels(index), label=torch.full((len(index), 4), np.nan)),
            r"a vector of 4 numbers from -1 to 1, and gives nan as number 0 at index 0",
        ),
        (
            VECTORS,
            lambda index: Batch(real=pixels(index), label=torch.tensor([[0.0, 0.5, 7.0, 0.0]] * len(index))),
            r"a vector of 4 numbers from -1 to 1, and gives 7 as number 2 at index 0",
        ),
        (
            LABELLED,
            lambda index: Batch(real=pixels(index), label=np.zeros(len(index), np.int64)),
            r"gives labels as a ndarray; expected a tensor",
        ),
        (
            GREY,
            lambda index: Pair(source=pixels(index), target=pixels(index, channels=3)),
            r"gives target pictures of 1x3x8x8 at index 0, and declares 1x1x8x8",
        ),
        (
            GREY,
            lambda index: Pair(source=pixels(index, size=4), target=pixels(index)),
            r"gives source pictures of 1x1x4x4 at index 0, and declares 1x1x8x8",
        ),
    ],
)
def test_a_source_that_gives_other_pictures_than_it_says(info, give, message):
    with pytest.raises(DataError, match=r"The data source 'mine' of x 1\.0 .*" + message):
        CheckedSource(Pictures(info, give), "'mine' of x 1.0")


def test_a_source_that_goes_wrong_later_is_told_then():
    source = CheckedSource(
        Pictures(GREY, lambda index: Batch(real=pixels(index, size=8 if 2 not in index else 9))), "'mine' of x 1.0"
    )
    assert source.fetch([np.array([1, 3])]).real.shape == (2, 1, 8, 8)
    with pytest.raises(DataError, match="gives real pictures of 2x1x9x9 at index 2, 3"):
        source.fetch([np.array([2, 3])])


def test_a_plugin_that_offers_nothing_says_so(tmp_path):
    code = """
        from ganzoo import ArchitectureSpec, hookimpl
        GANZOO_API = 2
        {mark}
        def {name}():
            return {given}
    """
    spec = 'ArchitectureSpec(name="x", task="noise-to-image", summary="x", implementation="x:X")'
    for number, (mark, name, given, told) in enumerate(
        [
            ("", "ganzoo_architectures", f"[{spec}]", "ganzoo_architectures of p0_plugin lacks @hookimpl"),
            ("", "ganzoo_architecture", f"[{spec}]", "has ganzoo_architecture. Did you mean 'ganzoo_architectures'"),
            ("@hookimpl", "ganzoo_architectures", "[]", "its hooks gave no spec"),
            ("", "architectures", f"[{spec}]", "has no hook, such as @hookimpl def ganzoo_architectures()"),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        site = make_distribution(folder, f"p{number}", code.format(mark=mark, name=name, given=given))
        done = ganzoo("list", path=site)
        assert_clean(done, status=0)
        assert f"plugin p{number} 1.0 offers nothing: " in done.stderr and told in done.stderr
        listed = ganzoo("plugins", "list", "--json", path=site)
        assert told in listed.stdout


class Loop(nn.Module):
    def forward(self, z):
        if z.mean() > 0:  # depends on data
            return z.reshape(-1, 1, 2, 2)
        return -z.reshape(-1, 1, 2, 2)


def test_an_export_error_shows_its_cause(tmp_path):
    class Looping(FromNoise):
        def build_generator(self):
            return Loop()

        def optimizers(self):
            return {"o": Optimizer(trains=("generator",), lr=0.1)}

        def phases(self):
            return []

    twin = evaluation_copy(Looping(NoiseToImageConfig(latent_size=4), DataInfo(channels=1, size=2)), None)
    with pytest.raises(ExportError) as caught:
        export_graphs(twin, Origin(offer=offer(Looping, api=1)), destination=tmp_path)
    assert "data-dependent" in caught.value.message and "test_declarations.py:" in caught.value.message


class Doubling(ImageToImage):
    """Says that it paints as large as it reads, and paints twice as large."""

    wants = "pairs"

    def build(self):
        self.network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Upsample(scale_factor=2))

    def directions(self):
        return {"a2b": Direction(network=self.network, reads="source", paints="target")}

    def optimizers(self):
        return {"o": Optimizer(trains=("network",), lr=0.1)}

    def phases(self):
        return []


def test_a_translator_that_paints_larger_than_it_says():
    from ganzoo.config import ImageToImageConfig

    twin = evaluation_copy(Doubling(ImageToImageConfig(), DataInfo(channels=1, size=8)), None)
    (found,) = contradictions(twin)
    assert "declares 'target' as 3x1x8x8 float32 and gives 3x1x16x16 float32" in str(found)


class Unfitting(ImageToImage):
    """Paints as large as it reads, whatever the domains are."""

    def build(self):
        self.network = nn.Conv2d(1, 1, 1)

    def directions(self):
        return {"a2b": Direction(network=self.network, reads="source", paints="target", scale=self.scale)}

    def optimizers(self):
        return {"o": Optimizer(trains=("network",), lr=0.1)}

    def phases(self):
        return []


@pytest.mark.parametrize("scale", [0, -1, 1.5, True, None])
def test_a_scale_that_is_none(scale):
    from ganzoo.config import ImageToImageConfig

    with pytest.raises(PluginError, match="The direction 'a2b' of Scaled has scale = "):
        type("Scaled", (Unfitting,), {"scale": scale})(ImageToImageConfig(), DataInfo(channels=1, size=8))


class Own(Unfitting):
    """The same, with a graph of its own that nobody has checked."""

    def directions(self):
        return {}

    def graphs(self):
        picture = TensorSpec(name="x", shape=(BATCH, 1, 8, 8), kind="picture")
        inputs, paints = (picture,), (replace(picture, name="y"),)
        return [Graph(name="a2b", role="translate", module=self.network, inputs=inputs, outputs=paints)]


def test_a_graph_that_paints_other_pictures_than_the_domain_has():
    from ganzoo.config import ImageToImageConfig

    sides = {"source": Picture(channels=1, height=8, width=8), "target": Picture(channels=1, height=16, width=16)}
    (found,) = contradictions(evaluation_copy(Own(ImageToImageConfig(), DataInfo(sides)), None))
    assert "graph 'a2b' paints pictures of 1x8x8, and those of target are 1x16x16" in str(found)


ODD = {
    "none": (lambda graphs: None, PluginError, "gives None"),
    "a dict": (lambda graphs: {"g": graphs[0]}, PluginError, "Expected a list of Graph"),
    "no module": (lambda graphs: [replace(graphs[0], module=print)], PluginError, "Expected a text and an nn.Module"),
    "a bare spec": (lambda graphs: [replace(graphs[0], inputs=graphs[0].inputs[0])], PluginError, "tuple of Tensor"),
    "nothing": (lambda graphs: [], PluginError, "graphs\\(\\) gives none"),
    "a circle": (
        lambda graphs: [replace(graphs[0], role="synthesize", after="generator")], PluginError, "a circle",
    ),
    "an embedding that paints": (
        lambda graphs: [replace(graphs[0], role="embed")], PluginError, "reads no pictures and gives pictures",
    ),
    "a dimension of nobody": (
        lambda graphs: [outputs(shape=(BATCH, 1, Dim(name="h"), 8))(graphs[0])],
        PluginError, "with the dimension 'h', which no input has",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_graphs_that_are_none(name, tmp_path):
    change, kind, message = ODD[name]
    odd = type("Odd", (Right,), {"graphs": lambda self: change(Right.graphs(self))})
    with pytest.raises(kind, match=message):
        begun(odd, tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"wants": "pairz"}, "has wants = 'pairz'"),
        ({"wants": "pairs"}, "'digits' gives pictures of one domain, and this architecture learns from pairs"),
        ({"condition": "klass"}, "has condition = 'klass'"),
        ({"condition": None}, "has condition = None"),
        ({"sizes": (8, "x")}, "has sizes = "),
        ({"ema": lambda self: Ema(of=("nope",), half_life_kimg=1.0)}, "'nope' is no submodule"),
        ({"ema": lambda self: Ema(of="generator", half_life_kimg=1.0)}, "in a tuple of names"),
        (
            {"optimizers": lambda self: dict.fromkeys(("generator", "discriminator"), Optimizer(trains="x", lr=1.0))},
            "expected a tuple",
        ),
    ],
)
def test_attributes_that_mean_nothing(changes, message, tmp_path):
    with pytest.raises((PluginError, RequestError), match=message):
        begun(type("Odd", (Right,), changes), tmp_path)


def test_a_term_that_is_no_number(tmp_path):
    def loss(self, batch, step):
        return Losses({"adversarial": self.discriminator(batch.real)})

    trainer, _ = begun(type("Odd", (Right,), {"discriminator_loss": loss}), tmp_path)
    with pytest.raises(PluginError, match=r"the term 'adversarial' of phase 'discriminator' has the shape \[4\]"):
        trainer.train()


def test_losses_alone_are_no_reason_to_refuse():
    """An architecture without a discriminator of the base's, whose loss is anything."""

    class Alone(FromNoise):
        def build_generator(self):
            return Painter(4, 1, 8)

        def optimizers(self):
            return {"o": Optimizer(trains=("generator",), lr=0.1)}

        def phases(self):
            return [gz_phase(self.loss)]

        def loss(self, batch, step):
            return Losses({"l": self.fakes(batch, step).square().mean()})

    assert contradictions(evaluation_copy(Alone(NoiseToImageConfig(latent_size=4), GREY), None)) == []


def gz_phase(loss):
    from ganzoo.architecture import Phase

    return Phase(name="p", optimizer="o", loss=loss)


def test_the_conformance_suite_says_each_of_them():
    for name in ("a shape", "no optimiser", "not finite"):
        implementation, message = MISTAKES[name]
        suite = type("Suite", (ArchitectureConformance,), {"architecture": offer(implementation)})()
        with pytest.raises(AssertionError, match=message.rstrip("$")):
            suite.test_what_is_declared_is_so()
    suite = type("Suite", (ArchitectureConformance,), {"architecture": offer(BATCH_MEAN)})()
    with pytest.raises(AssertionError, match="depends on the other rows"):
        suite.test_what_is_declared_is_so()


def test_registered_classes_are_held_to_the_newest_contract():
    found = gz.register(MISTAKES["no role"][0], name="planted-role")
    assert found.api == gz.API_VERSION == 2
