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
    assert "uses old names, which a later version will not have: ganzoo.specs.ArchitectureSpec is" in shown.stdout
    listed = json.loads(ganzoo("plugins", "list", "--json", path=tmp_path).stdout)["plugins"]
    told = {report["distribution"]: report["notice"] for report in listed}
    assert "ganzoo.specs.ArchitectureSpec is ganzoo.ArchitectureSpec now" in told["ganzoo-oldie"]
    assert not any(notice for name, notice in told.items() if name != "ganzoo-oldie")
    done = ganzoo("train", "oldie", "--preset", "tiny", "--data", "digits", "--out", tmp_path / "run", path=tmp_path)
    assert_clean(done, status=0)
    notices = [line for line in done.stderr.splitlines() if line.startswith("notice: ")]
    assert len(notices) == 1 and "old names" in notices[0]
    for name in ("ganzoo.errors.nearest", "Step.once is Step.shared", "Architecture.finished"):
        assert name in notices[0], notices[0]
    for arguments in (("list",), ("sample", tmp_path / "run", "-o", tmp_path / "x.png"), ("export", tmp_path / "run")):
        other = ganzoo(*arguments, path=tmp_path)
        assert_clean(other, status=0)
        assert "old names" not in other.stdout + other.stderr
