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
    ("StyleGAN2 of rosinality", _like(r"(.*\.)?to_rgbs\.\d+\.|(.*\.)?to_rgb1\.")),
    ("StyleGAN2 of lucidrains", _like(r"(GAN\.)?GE?\.blocks\.\d+\.(to_style1|to_rgb)\.|GE?\.initial_block$")),
    ("lightweight GAN of lucidrains", _like(r"(GAN\.)?GE?\.(initial_conv|layers)\.\d+.*\.(weight|bias)$")),
    ("PaddlePaddle", _any("StructuredToParameterName@@")),
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

_BEGINNINGS = (
    (b"\x89HDF\r\n\x1a\n", "TensorFlow and Keras (HDF5)"),
    (b"\x08\x01\x12", "TensorFlow (SavedModel)"),
)
_TABLE_END = bytes.fromhex("57fb808b247547db")  # of a table of LevelDB's kind, as TensorFlow's index is
_TENSORFLOW = re.compile(r"(.*\.data-\d{5}-of-\d{5}|.*\.meta|saved_model\.pb|checkpoint)")


def family_of(path: Path) -> str | None:
    """The family of what a file, or a folder of TensorFlow's, holds; None for what cannot be read, or says nothing."""
    with contextlib.suppress(OSError):
        if form := _by_form(path):
            return form
    found: set[str] = set()
    with contextlib.suppress(Exception):  # whatever is damaged: the names before that are what there is
        for name in _names(path):
            found.add(name.removeprefix("module."))  # of DataParallel
            if len(found) >= _MOST_NAMES:
                break
    names = frozenset(found)
    return next((family for family, test in FAMILIES if test(names)), None)


def _by_form(path: Path) -> str | None:
    """Of files that are neither pickles nor safetensors."""
    if path.is_dir():
        names = [item.name for item in itertools.islice(path.iterdir(), 100)]
        return "TensorFlow" if any(_TENSORFLOW.fullmatch(name) or name.endswith(".index") for name in names) else None
    with open_regular(path) as file:
        first = file.read(16)
        file.seek(-min(8, file.seek(0, io.SEEK_END)), io.SEEK_END)
        last = file.read(8)
    if last == _TABLE_END or _TENSORFLOW.fullmatch(path.name):
        return "TensorFlow"
    if first[4:8] == b"TFL3":
        return "TensorFlow Lite"
    return next((family for start, family in _BEGINNINGS if first.startswith(start)), None)


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
