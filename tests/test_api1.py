"""Old names of API 1: they work, `replace` and `super()` do what they say, and who uses them is told."""

import dataclasses
import json
import subprocess
import sys

import pytest
from helpers import assert_clean, ganzoo, make_distribution

from ganzoo.architecture import Architecture, Step
from ganzoo.tensors import BATCH, Dim, TensorSpec


def test_modules_have_the_names_that_they_had():
    """Public names of the places that a module moved to, and what was renamed, under its old path."""
    code = """
import importlib
from ganzoo.plugin import api1
for path in sorted({*api1.MOVED_MODULES, *api1.MOVED_NAMES}):
    module, renamed = importlib.import_module(path), api1.MOVED_NAMES.get(path, {})
    for place in api1.MOVED_MODULES.get(path, ()):
        new = importlib.import_module(place)
        for name, value in vars(new).items():
            if not name.startswith("_") and name not in renamed and getattr(value, "__module__", "") == place:
                assert getattr(module, name) is value, (path, name)
    for old, address in renamed.items():
        place, _, name = address.partition(":")
        assert getattr(module, old) is getattr(importlib.import_module(place), name), (path, old)
        exec(f"from {path} import {old}")
    try:
        module.no_such_name
    except AttributeError as error:
        assert str(error) == f"module {path!r} has no attribute 'no_such_name'", error
    else:
        raise AssertionError(path)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_old_fields_of_a_record():
    old = TensorSpec(name="psi", shape=(BATCH, Dim(name="h", usual=8)), draw="uniform", usual=0.7)
    new = TensorSpec(name="psi", shape=(BATCH, Dim(name="h", default=8)), kind="uniform", default=0.7)
    assert old == new and hash(old) == hash(new) and (old.draw, old.usual, old.shape[1].usual) == ("uniform", 0.7, 8)
    assert dataclasses.replace(old, usual=0.5).default == 0.5 and dataclasses.replace(old, default=0.4).usual == 0.4
    assert dataclasses.replace(old, draw="normal") == dataclasses.replace(new, kind="normal")
    assert dataclasses.replace(old, name="x").default == 0.7
    assert (old.stated(0.3, 2, {"h": 8}) == new.full(0.3, 2, {"h": 8})).all()
    plain = TensorSpec(name="psi", shape=(BATCH,), kind="uniform", default=0.7)
    assert (plain.chosen([1, 2]) == plain.default_or_sample([1, 2])).all()
    assert TensorSpec.from_json(old.to_json()) == new and old.to_json()["draw"] == "uniform"
    with pytest.raises(TypeError, match="usaul"):
        TensorSpec(name="x", shape=(BATCH,), usaul=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        old.default = 1


def test_old_fields_in_classes_made_of_a_record():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Extra(TensorSpec):
        extra: int = 0

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Side(Dim):
        pass

    class Named(TensorSpec):
        def __init__(self, *, name, draw="normal", usual=None):
            super().__init__(name=name, shape=(BATCH,), draw=draw, usual=usual)

    old = Extra(name="z", shape=(BATCH, 2), draw="uniform", usual=0.5, extra=3)
    assert (old.kind, old.default, old.extra, old.draw) == ("uniform", 0.5, 3, "uniform")
    assert (
        dataclasses.replace(old, usual=0.1).default == 0.1 and dataclasses.replace(old, kind="normal").draw == "normal"
    )
    assert Side(name="h", usual=3).default == 3 and Side(name="h", default=4).usual == 4
    assert Named(name="z", draw="uniform").kind == Named(name="z", kind="uniform").kind == "uniform"
    made = dataclasses.make_dataclass("Made", [("more", int, 1)], bases=(TensorSpec,), frozen=True, kw_only=True)
    assert made(name="z", shape=(BATCH,), draw="class", classes=3).kind == "class"

    class Halved(TensorSpec):
        def chosen(self, seeds):
            return super().chosen(seeds) / 2

    half = Halved(name="z", shape=(BATCH, 2))
    assert (half.default_or_sample([1]) == TensorSpec(name="z", shape=(BATCH, 2)).sample([1]) / 2).all()


def test_everything_of_a_moved_module_at_once():
    space = {}
    exec("from ganzoo.specs import *", space)
    assert space["TensorSpec"] is TensorSpec and {"Preset", "ArchitectureSpec", "Dim", "Draw"} <= set(space)
    import ganzoo.specs

    assert "TensorSpec" in dir(ganzoo.specs) and not callable(ganzoo.specs)


def test_old_methods_of_a_step():
    import torch

    step = Step(seed=0, number=0, batch_size=2, device=torch.device("cpu"))
    value = step.once("fakes", lambda: step.normal("z", 2, 3))
    assert step.shared("fakes", lambda: 1 / 0) is value
    assert torch.equal(step.mine(value), step.local_rows(value))

    class Counting(Step):
        asked = 0

        def once(self, name, make, detach=False):
            self.asked += 1
            return super().once(name, make, detach)

    class Newer(Step):
        def shared(self, name, make, detach=False):
            return super().once(name, make, detach)

    for kind in (Counting, Newer):
        step = kind(seed=0, number=0, batch_size=2, device=torch.device("cpu"))
        assert torch.equal(step.shared("fakes", lambda: torch.ones(1)), step.once("fakes", lambda: 1 / 0))
    assert Counting.once is Counting.shared


def test_overrides_under_old_names_are_heard_and_super_answers():
    class New(Architecture):
        def can_be_scored(self):
            return False

        def warnings_before(self, kimg):
            return [f"new {kimg}"]

    class Old(New):
        def finished(self):
            return not super().finished()

        def remarks(self, kimg):
            return [*super().remarks(kimg), "old"]

    class Newest(Old):
        def can_be_scored(self):
            return not super().can_be_scored()

    class Plain(Architecture):
        def finished(self):
            return not super().finished()

    class Mixin:
        def finished(self):
            return False

    class Mixed(Mixin, Architecture):
        pass

    class Before(Mixin, Newest):
        pass

    kinds = ((New, False), (Old, True), (Newest, False), (Plain, False), (Mixed, False), (Before, False))
    for kind, scored in kinds:
        kind.__abstractmethods__ = frozenset()
        instance = kind.__new__(kind)
        assert (kind.can_be_scored(instance), kind.finished(instance)) == (scored, scored), kind
    instance = Old.__new__(Old)
    assert instance.warnings_before(2) == instance.remarks(2) == ["new 2", "old"]


@pytest.mark.slow
def test_who_uses_old_names_is_told_by_plugins_and_once_a_training(tmp_path):
    code = """
        from ganzoo import hookimpl
        from ganzoo.specs import ArchitectureSpec, Preset
        GANZOO_API = 1
        @hookimpl
        def ganzoo_architectures():
            return [ArchitectureSpec(name="oldie", task="noise-to-image", summary="", implementation="oldies:Old",
                    presets={"tiny": Preset(summary="", train={"batch_size": 2, "steps": 2, "log_every_steps": 1,
                                            "score_count": 0}, data={"size": 8})})]
    """
    make_distribution(tmp_path, "ganzoo-oldie", code)
    (tmp_path / "oldies.py").write_text("""
from torch import nn
from ganzoo.architecture import NoiseToImage
from ganzoo.errors import nearest

class Old(NoiseToImage):
    def build_generator(self):
        return nn.Sequential(nn.Linear(self.config.latent_size, 64), nn.Unflatten(1, (1, 8, 8)))
    def build_discriminator(self):
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
    def generator_loss(self, batch, step):
        step.once("again", lambda: step.normal("again", len(batch), 1))
        return super().generator_loss(batch, step)
    def finished(self):
        return True
""")
    shown = ganzoo("plugins", path=tmp_path)
    assert_clean(shown, status=0)
    told = "uses old names, which a later version will not have: ganzoo.specs.ArchitectureSpec is"
    assert told in " ".join(shown.stdout.split())  # the last column is wrapped
    listed = json.loads(ganzoo("plugins", "list", "--json", path=tmp_path).stdout)["plugins"]
    told = {report["distribution"]: report["notice"] for report in listed}
    assert "ganzoo.specs.ArchitectureSpec is ganzoo.ArchitectureSpec now" in told["ganzoo-oldie"]
    assert not any(notice for name, notice in told.items() if name != "ganzoo-oldie")
    done = ganzoo("train", "oldie", "--preset", "tiny", "--data", "digits", "--out", tmp_path / "run", path=tmp_path)
    assert_clean(done, status=0)
    notices = [line for line in done.stderr.splitlines() if line.startswith("notice: ")]
    assert len(notices) == 1 and "old names" in notices[0]
    told = " ".join(done.stderr.split())  # a line of a log is folded
    for name in ("ganzoo.errors.nearest", "Step.once is Step.shared", "Architecture.finished"):
        assert name in told, notices[0]
    for arguments in (("list",), ("sample", tmp_path / "run", "-o", tmp_path / "x.png"), ("export", tmp_path / "run")):
        other = ganzoo(*arguments, path=tmp_path)
        assert_clean(other, status=0)
        assert "old names" not in other.stdout + other.stderr


PLUGIN_OF_API_1 = """
from ganzoo import ArchitectureSpec, Preset, hookimpl
GANZOO_API = 1
TINY = dict(architecture={"latent_size": 4}, train={"batch_size": 4, "steps": 2, "sample_count": 4, "score_count": 8},
            data={"size": 8, "channels": 1})
@hookimpl
def ganzoo_architectures():
    return [ArchitectureSpec(name=f"before-{name.lower()}", task="noise-to-image", summary="of before",
                             implementation=f"before_models:{name}",
                             presets={"tiny": Preset(summary="x", **TINY),
                                      "auto": Preset(summary="x", **TINY, computed="before_plugin:computed")})
            for name in ("Sized", "Late", "Halves")]
def computed(*, size, devices, batch_size):
    return {"architecture": {"generator_lr": size / 1e4}, "train": {"batch_size": batch_size or 4}}
"""
MODELS_OF_API_1 = '''
import torch
from torch import nn
from ganzoo.architecture import Graph, NoiseToImage
from ganzoo.tensors import BATCH, TensorSpec

def painter(inputs, data):
    shape = (data.channels, data.size, data.size)
    return nn.Sequential(nn.Linear(inputs, data.channels * data.size ** 2), nn.Tanh(), nn.Unflatten(1, shape))

class Sized(NoiseToImage):
    def build_generator(self):
        return painter(self.config.latent_size, self.data)
    def build_discriminator(self):
        return nn.Sequential(nn.Flatten(), nn.Linear(self.data.channels * self.data.size ** 2, 1))

class Beside(nn.Module):
    def __init__(self, network, classes, width):
        super().__init__()
        self.network, self.embed = network, nn.Embedding(classes, width)
    def forward(self, x, label):
        return self.network(torch.cat([x.flatten(1), self.embed(label)], 1))

class Late(Sized):
    """Conditional by a setting, as our own StyleGAN had it."""
    def build(self):
        self.conditional = True
        super().build()
    def build_generator(self):
        return Beside(painter(self.config.latent_size + 2, self.data), self.data.classes, 2)
    def build_discriminator(self):
        pixels = self.data.channels * self.data.size ** 2
        return Beside(nn.Linear(pixels + 2, 1), self.data.classes, 2)
    def fakes(self, batch, step, *, detach=False):
        def paint():
            z = step.normal("latent", len(batch), self.config.latent_size)
            return self.generator(z, *self._labels(batch))
        return step.once("fakes", paint, detach=detach)

class Halves(Sized):
    """Graphs that say nothing of what they are for."""
    def build_generator(self):
        return nn.ModuleDict({"mapping": nn.Sequential(nn.Linear(4, 6), nn.Unflatten(1, (2, 3))),
                              "synthesis": nn.Sequential(nn.Flatten(), painter(6, self.data))})
    def fakes(self, batch, step, *, detach=False):
        halves = self.generator
        z = lambda: halves["synthesis"](halves["mapping"](step.normal("latent", len(batch), 4)))
        return step.shared("fakes", z, detach=detach)
    def graphs(self):
        z, w = TensorSpec(name="z", shape=(BATCH, 4)), TensorSpec(name="w", shape=(BATCH, 2, 3), stream=1)
        size = self.data.size
        image = TensorSpec(name="image", shape=(BATCH, self.data.channels, size, size), draw="image")
        assert image.draw == "image"
        halves = self.generator
        whole = nn.Sequential(halves["mapping"], halves["synthesis"])
        return [Graph(name="whole", module=whole, inputs=(z,), outputs=(image,)),
                Graph(name="mapping", module=halves["mapping"], inputs=(z,), outputs=(w,)),
                Graph(name="synthesis", module=halves["synthesis"], inputs=(w,), outputs=(image,))]
'''


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    site = tmp_path_factory.mktemp("before")
    (site / "before_models.py").write_text(MODELS_OF_API_1)
    return make_distribution(site, "before", PLUGIN_OF_API_1)


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("sized", "late")]


@pytest.mark.parametrize("name", [*SLOW, "halves"])
def test_what_api_1_left_unsaid_is_worked_out(before, tmp_path, name):
    """Labels by a setting, graphs without roles, images, the preset that is given `size`."""
    run, out = tmp_path / "run", tmp_path / "out.png"
    options = ("--preset", "auto", "--data", "digits", "--out", run)
    assert_clean(ganzoo("train", f"before-{name}", *options, path=before), status=0)
    assert "generator_lr = 0.0008" in (run / "config.toml").read_text()
    assert_clean(ganzoo("export", run, path=before), status=0)
    exports = run / "exports"
    sources = {
        "sized": [[run], [exports / "generator.onnx"]],
        "late": [[run, "--label", "3"], [exports / "generator.onnx", "--label", "3"]],
        "halves": [[run, "--mix", "1,2"], [exports / "mapping.onnx", exports / "synthesis.onnx", "--mix", "1,2"]],
    }[name]
    for source in sources:
        assert_clean(ganzoo("sample", *source, "-o", out, "--seeds", "0-3", path=before), status=0)
    done = ganzoo("train", f"before-{name}", *options[:-1], tmp_path / "wide", "--set", "data.size=8x12", path=before)
    assert_clean(done, status=2)
    assert "follows from the size of square pictures, not of 8x12" in done.stderr


def test_attributes_of_api_1_by_names_that_the_base_has_now():
    """An overridden `_labels` is heard, and `labels` or `condition` of a plugin's own are in nobody's way."""
    import torch

    from ganzoo.architecture import Batch, NoiseToImage
    from ganzoo.config import NoiseToImageConfig
    from ganzoo.tensors import DataInfo

    class Named(NoiseToImage):
        conditional = True

        def build(self):
            self.labels, self.latents, self.condition = 3, 64, True
            super().build()

        def build_generator(self):
            self.conditional = True
            return torch.nn.Linear(1, 1)

        build_discriminator = build_generator

        def _labels(self, batch):
            return (torch.full_like(batch.label, 2),)

    one = Named(NoiseToImageConfig(), DataInfo(channels=1, size=8, classes=3))
    batch = Batch(real=torch.zeros(2, 1, 8, 8), label=torch.tensor([0, 1]))
    assert one.labels_of(batch)[0].tolist() == [2, 2] and one.painted_from() == "class"
    assert [spec.name for spec in one.graphs()[0].inputs] == ["z", "label"]


def test_a_computed_preset_of_api_2_is_given_both_sides(tmp_path):
    code = PLUGIN_OF_API_1.replace("GANZOO_API = 1", "GANZOO_API = 2").replace("*, size,", "*, height, width,")
    (tmp_path / "before_models.py").write_text(MODELS_OF_API_1)
    site = make_distribution(tmp_path, "before", code.replace("size / 1e4", "height * width / 1e6"))
    done = ganzoo(
        "train", "before-sized", "--preset", "auto", "--data", "digits", "--out", tmp_path / "x", "--dry-run",
        "--set", "data.size=8", path=site,
    )  # fmt: skip
    assert_clean(done, status=0)
    assert "generator_lr = 6.4e-05" in done.stdout
