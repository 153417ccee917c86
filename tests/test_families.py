"""A file of another family says what it is and who reads it, whoever is given it; nothing of it is run."""

import collections
import os
import pickle
import sys
import types

import pytest
import torch
from safetensors.torch import save_file

from ganzoo import ArchitectureSpec
from ganzoo.architecture.foreign_weights import ForeignFamilyError
from ganzoo.errors import GanzooError
from ganzoo.families import FAMILIES, family_of
from ganzoo.plugin.registry import Registry
from ganzoo.training import import_weights as importing
from ganzoo.training.import_weights import import_weights


@pytest.fixture(autouse=True)
def strangers(monkeypatch):
    """So that pickle can write names of modules that are not installed; they are gone when we read."""
    made = {}

    def stranger(path, function=False):
        module, name = path.rsplit(".", 1)
        if hasattr(made.get(module), name):
            return getattr(made[module], name)
        for part in [module.rsplit(".", count)[0] for count in range(module.count("."), -1, -1)]:
            if part not in made:
                made[part] = types.ModuleType(part)
                monkeypatch.setitem(sys.modules, part, made[part])
        if function:

            def member(*_):
                raise AssertionError("the pickle was rebuilt")
        else:
            member = type(name, (), {})
        member.__module__, member.__qualname__, member.__name__ = module, name, name
        setattr(made[module], name, member)
        return member

    return stranger


class Call:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def persistent(stranger, class_name, arguments, modules=(), tensors=()):
    rebuild = stranger("torch_utils.persistence._reconstruct_persistent_obj", function=True)
    state = {
        "_parameters": collections.OrderedDict((name, torch.ones(1)) for name in tensors),
        "_buffers": {},
        "_modules": collections.OrderedDict(modules),
        "_init_args": (),
        "_init_kwargs": arguments,
    }
    return Call(rebuild, {"class_name": class_name, "module_src": "raise SystemExit", "state": state})


SHARED = {"z_dim": 8, "c_dim": 0, "w_dim": 8, "img_resolution": 32, "img_channels": 3}


def stylegan3(stranger, **arguments):
    layer = persistent(stranger, "SynthesisLayer", {}, tensors=("weight", "magnitude_ema"))
    synthesis = persistent(stranger, "SynthesisNetwork", {}, {"input": layer, "L0_36_512": layer})
    return {"G_ema": persistent(stranger, "Generator", {**SHARED, **arguments}, {"synthesis": synthesis})}


def stylegan2(stranger):
    block = persistent(stranger, "SynthesisBlock", {}, {"torgb": persistent(stranger, "ToRGBLayer", {})}, ("const",))
    return {"G_ema": persistent(stranger, "Generator", {**SHARED, "synthesis_kwargs": {}}, {"synthesis": block})}


def instance(stranger, path):
    return stranger(path)()


PICKLES = {
    "StyleGAN3": [
        stylegan3,
        lambda s: stylegan3(s, magnitude_ema_beta=0.999, channel_base=512),
        lambda s: stylegan3(s, conv_kernel=1, use_radial_filters=True),
        lambda s: {"G": instance(s, "training.networks_stylegan3.Generator")},
    ],
    "StyleGAN-XL": [
        lambda s: stylegan3(s, head_layer_names=["L0"]),
        lambda s: {**stylegan3(s), "D": instance(s, "pg_modules.discriminator.ProjectedDiscriminator")},
        lambda s: {**stylegan3(s), "D": instance(s, "timm.models.efficientnet.EfficientNet")},
        lambda s: {"G": persistent(s, "SuperresGenerator", SHARED)},
    ],
    "R3GAN": [
        lambda s: {"G_ema": instance(s, "R3GAN.Networks.Generator")},
        lambda s: {"G_ema": instance(s, "BaselineGAN.Networks.Generator"), "cur_nimg": 3},
    ],
    "StyleGAN2": [stylegan2],
    "StyleGAN of TensorFlow": [lambda s: (instance(s, "dnnlib.tflib.network.Network"),)],
    "Projected GAN": [lambda s: {"D": instance(s, "pg_modules.discriminator.ProjectedDiscriminator")}],
}
STATES = {
    "R3GAN": ["Model.MainLayers.0.Layers.0.Basis"],
    "StyleGAN3": ["mapping.fc0.weight", "synthesis.L0_36_512.weight"],
    "StyleGAN2": ["mapping.fc0.weight", "synthesis.b4.torgb.weight"],
    "StyleGAN2 of rosinality": ["style.1.weight", "to_rgb1.bias", "to_rgbs.0.bias"],
    "DCGAN of pytorch/examples": ["main.0.weight", "main.12.weight"],
    "pix2pix and CycleGAN": ["model.1.weight", "model.10.conv_block.1.weight"],
    "contrastive-unpaired-translation": ["model.1.weight", "model.7.filt", "model.10.conv_block.1.weight"],
    "PatchGAN discriminator": ["model.0.weight", "model.2.weight", "model.5.weight", "model.8.weight"],
    "ESRGAN": ["conv_first.weight", "body.0.rdb1.conv1.weight"],
    "fast neural style": ["in1.weight", "res1.conv1.conv2d.weight"],
}
FILES = [(family, make) for family, makers in PICKLES.items() for make in makers] + [
    (family, {name: torch.ones(1, 1, 3, 3) for name in names}) for family, names in STATES.items()
]


def written(folder, strangers, what):
    path = folder / "given.bin"
    if isinstance(what, dict):
        torch.save(what, path)
    else:
        content = what(strangers)
        path.write_bytes(pickle.dumps(content, protocol=2))
    return path


@pytest.mark.parametrize(("family", "what"), FILES)
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_family_is_told_by_names_alone(tmp_path, strangers, family, what, wrapped):
    if wrapped and isinstance(what, dict):
        what = {"state_dict": {f"module.{name}": value for name, value in what.items()}}
    path = written(tmp_path, strangers, what)
    if wrapped and not isinstance(what, dict):
        path.write_bytes(pickle.dumps(what(strangers), protocol=4))  # names in another kind of instruction
    assert family_of(path) == family
    if isinstance(what, dict) and not wrapped:
        torch.save(what, path, _use_new_zipfile_serialization=False)
        assert family_of(path) == family
        save_file(what, tmp_path / "x.safetensors")
        assert family_of(tmp_path / "x.safetensors") == family


IMPORTERS = [offer.spec for offer in Registry.load().architectures if offer.spec.families]


@pytest.mark.parametrize("spec", IMPORTERS, ids=lambda spec: spec.name)
@pytest.mark.parametrize(("family", "what"), FILES)
def test_every_importer_says_what_it_was_given_and_who_reads_it(tmp_path, strangers, spec, family, what):
    registry, path = Registry.load(), written(tmp_path, strangers, what)
    with pytest.raises(GanzooError) as caught:  # as small as these are, none can be read whole
        import_weights([path], registry.architecture(spec.name), registry, out=tmp_path / "run", size=None, say=print)
    if family in spec.families:
        assert "is of the family" not in caught.value.message
        return
    assert f"is of the family {family}. {spec.name} reads {spec.families[0]}" in caught.value.message
    able = [other.name for other in IMPORTERS if family in other.families]
    for name in able:
        assert f"--as {name}" in caught.value.hint
    if not able:
        assert f"No architecture that is installed reads {family}" in caught.value.hint


def test_names_of_families_in_specs_are_checked_and_ours_are_known():
    known = {name for name, _ in FAMILIES}
    for spec in IMPORTERS:
        assert set(spec.families) <= known
    common = {"name": "x", "task": "noise-to-image", "summary": "", "implementation": "a.b:C"}
    for families, importer in (("StyleGAN2", "a.b:c"), ((1,), "a.b:c"), (("",), "a.b:c"), (("StyleGAN2",), "")):
        with pytest.raises(ValueError, match="families of 'x'"):
            ArchitectureSpec(**common, families=families, importer=importer)
    assert ArchitectureSpec(**common, families=("Own",), importer="a.b:c").families == ("Own",)


def test_an_importer_that_knows_better_is_believed(tmp_path, monkeypatch):
    registry = Registry.load()
    (tmp_path / "x.pth").write_bytes(b"no pickle")

    def read(files, offer):
        raise ForeignFamilyError(files[0], "StyleGAN2")

    monkeypatch.setattr(importing, "_read", read)
    with pytest.raises(GanzooError, match="is of the family StyleGAN2. dcgan reads .*\n.*--as stylegan2"):
        import_weights(
            [tmp_path / "x.pth"], registry.architecture("dcgan"), registry, out=tmp_path / "run", size=None, say=print
        )


@pytest.mark.parametrize("content", [b"", b"hello", b"\x80\x04", b"PK\x03\x04", b"\xff" * 100, b"\x00" * 50])
def test_what_is_damaged_is_of_no_family(tmp_path, content):
    for name in ("x.pkl", "x.safetensors"):
        (tmp_path / name).write_bytes(content)
        assert family_of(tmp_path / name) is None
    assert family_of(tmp_path / "none") is None


def test_nothing_is_run(tmp_path):
    marker = tmp_path / "ran"
    (tmp_path / "x.pkl").write_bytes(pickle.dumps({"magnitude_ema": Call(os.system, f"touch {marker}")}))
    assert family_of(tmp_path / "x.pkl") == "StyleGAN3"
    assert not marker.exists()
