"""What a checkpoint is of, told by the names in it and without running anything of it.

A pickle is a list of instructions; `pickletools` reads them and carries out none. The names that it would import, and
the keys of its dictionaries, are texts among them, and say which code wrote the file. A safetensors file has its names
in a header.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import pickletools
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from ganzoo.files import as_object, open_regular, parse_json
from ganzoo.pickles import MOST_OPERATIONS

_LONGEST_NAME = 200  # of characters; source text and paths are longer
_MOST_NAMES = 200_000
_MOST_BYTES = 2**26  # of a header, or of the pickle inside a zip file: names of tensors, not their numbers
_MOST_PICKLES = 8  # one behind the other in a file of an old torch

_Test = Callable[[frozenset[str]], bool]


def _any(*names: str) -> _Test:
    return lambda found: any(name in found for name in names)


def _all(*names: str) -> _Test:
    return lambda found: all(name in found for name in names)


def _like(pattern: str) -> _Test:
    compiled = re.compile(pattern)
    return lambda found: any(compiled.match(name) for name in found)


def _both(one: _Test, two: _Test) -> _Test:
    return lambda found: one(found) and two(found)


_PERSISTENT = _any("torch_utils.persistence")
_ALIAS_FREE = _any("magnitude_ema", "magnitude_ema_beta", "SynthesisInput")

FAMILIES: tuple[tuple[str, _Test], ...] = (
    ("StyleGAN of TensorFlow", _like(r"dnnlib\.tflib")),
    ("StyleGAN-XL", _any("head_layer_names", "cls_embedding", "SuperresGenerator")),
    ("StyleGAN-XL", _both(_ALIAS_FREE, _like(r"timm\b|pg_modules\b|ProjectedDiscriminator$|feature_networks?$"))),
    ("Projected GAN", _like(r"pg_modules\b|ProjectedDiscriminator$")),
    ("StyleGAN-XL", _both(_PERSISTENT, _like(r"timm\b"))),
    ("StyleGAN3", _ALIAS_FREE),
    ("StyleGAN3", _like(r"(.*\.)?synthesis\.L\d+_\d+_\d+\.|training\.networks_stylegan3\b")),
    ("R3GAN", _like(r"(R3GAN|BaselineGAN)\.|(.*\.)?Model\.MainLayers\.|WidthPerStage$")),
    ("StyleGAN2", _both(_PERSISTENT, _any("noise_strength", "torgb", "fromrgb", "use_noise"))),
    ("StyleGAN2", _like(r"(.*\.)?synthesis\.b\d+\.torgb\.|training\.networks_stylegan2\b")),
    ("StyleGAN2 of rosinality", _like(r"(.*\.)?to_rgbs?\d?\.")),
    ("contrastive-unpaired-translation", _like(r"model\.\d+\.filt$")),
    ("pix2pix and CycleGAN", _like(r"model\.\d+\.conv_block\.1\.weight$")),
    ("pix2pix and CycleGAN", _like(r"model\.model\.1\.model\.1\.weight$")),
    ("DCGAN of pytorch/examples", _both(_any("main.0.weight"), _any("main.12.weight", "main.11.weight"))),
    ("ESRGAN+", _like(r".*\.conv1x1\.weight$")),
    ("ATD", _any("relative_position_index_SA")),
    ("PLKSR", _like(r"(.*\.)?feats\.\d+\.channe_mixer\.")),
    ("HAT", _like(r"(.*\.)?residual_group\.blocks\.\d+\.conv_block\.cab\.")),
    ("DAT", _like(r"(.*\.)?layers\.\d+\.blocks\.\d+\.attn\.attns\.0\.pos\.")),
    ("SwinIR", _like(r"(.*\.)?layers\.\d+\.residual_group\.blocks\.\d+\.attn\.relative_position_bias_table$")),
    ("OmniSR", _like(r"(.*\.)?residual_layer\.0\.residual_layer\.0\.layer\.0\.fn\.0\.weight$")),
    ("SPAN", _like(r"(.*\.)?block_1\.c1_r\.sk\.weight$")),
    ("Restormer", _like(r"(.*\.)?encoder_level1\.\d+\.attn\.temperature$")),
    ("NAFNet", _like(r"(.*\.)?middle_blks\.0\.beta$")),
    ("SCUNet", _like(r"(.*\.)?m_down1\.0\.trans_block\.ln1\.weight$")),
    ("Real-ESRGAN discriminator", _both(_any("conv0.weight"), _any("conv1.weight_orig"))),
    ("ESRGAN", _like(r"(.*\.)?(rdb|RDB)1\.conv1\.")),
    ("Real-ESRGAN compact", _both(_any("body.0.weight"), _any("body.1.weight", "body.2.weight"))),
    ("AdaIN", _both(_any("0.weight"), _all("2.weight", "5.weight", "9.weight", "29.weight"))),
    ("AdaIN", _both(_any("1.weight"), _all("5.weight", "8.weight", "14.weight", "28.weight"))),
    ("fast neural style", _all("in1.weight", "res1.conv1.conv2d.weight")),
    (
        "PatchGAN discriminator",
        _both(_all("model.0.weight", "model.2.weight"), _any("model.5.weight", "model.8.weight")),
    ),
)
"""Families and how each is told, the more special first. Names of a family are what `ArchitectureSpec.families` has."""


def family_of(path: Path) -> str | None:
    """The family of what a file holds; None for a file that cannot be read, or whose names say nothing."""
    found: set[str] = set()
    with contextlib.suppress(Exception):  # whatever is damaged: the names before that are what there is
        for name in _names(path):
            found.add(name.removeprefix("module."))  # of DataParallel
            if len(found) >= _MOST_NAMES:
                break
    names = frozenset(found)
    return next((family for family, test in FAMILIES if test(names)), None)


def _names(path: Path) -> Iterator[str]:
    with open_regular(path) as file:
        if path.suffix == ".safetensors":
            size = int.from_bytes(file.read(8), "little")
            if size <= _MOST_BYTES:
                yield from as_object(parse_json(file.read(size).decode()))
        elif zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                for item in archive.infolist():
                    stored = item.compress_type == zipfile.ZIP_STORED and item.file_size <= _MOST_BYTES
                    if stored and item.filename.endswith("data.pkl"):
                        yield from _names_of_pickles(io.BytesIO(archive.read(item)))
        else:
            file.seek(0)
            yield from _names_of_pickles(file)


def _names_of_pickles(file: BinaryIO) -> Iterator[str]:
    for _ in range(_MOST_PICKLES):
        for opcode, argument, _ in itertools.islice(pickletools.genops(file), MOST_OPERATIONS):
            if isinstance(argument, str) and len(argument) <= _LONGEST_NAME:
                # GLOBAL has the module and the name of one thing, with a space between.
                yield from argument.split(" ") if opcode.name == "GLOBAL" else (argument,)
