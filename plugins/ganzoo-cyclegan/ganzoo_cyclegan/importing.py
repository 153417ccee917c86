"""Reads generators that the authors' released code saved: state dicts whose keys number the layers.

A file's keys, and what they say:
    model.1.weight                      ResNet: the first convolution, (width, channels, 7, 7)
    model.10.conv_block.1.weight        its first residual block; .5 the block's second convolution, .6 behind a dropout
    model.model.0.weight                U-Net: the first convolution; each level down is another `.model.`
    model.2.weight                      a norm with weights is batch norm
    model.2.running_mean                without weights: instance norm of an old PyTorch, whose statistics mean nothing
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo import DataInfo
from ganzoo.architecture.foreign_weights import ForeignWeights, load_tensors
from ganzoo.errors import CheckpointError, RequestError

_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
_RESNET_BLOCK = re.compile(r"model\.\d+\.conv_block\.1\.weight")
_USUAL_SIZE = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Generator:
    """One file. state: by the names that `ganzoo_cyclegan.networks` has. dropped: running statistics left out."""

    path: Path
    settings: Mapping[str, Any]
    channels: int
    size: int
    state: Mapping[str, Tensor]
    dropped: int


def read_cyclegan(files: Sequence[Path]) -> ForeignWeights:
    """One file: source to target. Two: and back. Raises RequestError for more, or for two that differ in settings."""
    if len(files) > 2:
        raise RequestError(f"cyclegan has two translators, and {len(files)} files are given.")
    generators = [read_generator(path) for path in files]
    first, last = generators[0], generators[-1]
    if (first.settings, first.channels) != (last.settings, last.channels):
        raise RequestError(
            f"{first.path.name} and {last.path.name} are of different networks: {dict(first.settings)} and "
            f"{dict(last.settings)}.",
            hint="Import each into a run of its own.",
        )
    directions = "a2b" if len(generators) == 1 else "both"
    return _imported(dict(zip(("g_ab", "g_ba"), generators, strict=False)), directions=directions)


def read_pix2pix(files: Sequence[Path]) -> ForeignWeights:
    """Raises RequestError for more than one file."""
    if len(files) > 1:
        raise RequestError(f"pix2pix has one translator, and {len(files)} files are given.")
    return _imported({"generator": read_generator(files[0])})


def _imported(generators: Mapping[str, Generator], **settings: Any) -> ForeignWeights:
    first = next(iter(generators.values()))
    return ForeignWeights(
        settings={**first.settings, **settings},
        data=DataInfo(channels=first.channels, size=first.size),
        state={f"{name}.{key}": value for name, one in generators.items() for key, value in one.state.items()},
        notes=[
            f"{one.path.name}: {one.dropped} running statistics of instance norm left out: it normalises by instance"
            for one in generators.values()
            if one.dropped
        ],
    )


def read_generator(path: Path) -> Generator:
    """Raises CheckpointError for a file that is not such a generator."""
    tensors = load_tensors(path)
    norms = {key.rpartition(".")[0] for key in tensors if key.endswith(".running_mean")}
    instance = {norm for norm in norms if f"{norm}.weight" not in tensors}
    state = {
        key: value
        for key, value in tensors.items()
        if not (key.rpartition(".")[0] in instance and key.endswith(_STATISTICS))
    }
    for norm in norms - instance:  # PyTorch before 0.4.1 did not count
        state.setdefault(f"{norm}.num_batches_tracked", torch.zeros((), dtype=torch.int64))
    if any(_RESNET_BLOCK.fullmatch(key) for key in state):
        settings, channels, size = _resnet(state, path)
        renamed = {_renamed(key): value for key, value in state.items()}
    elif "model.model.0.weight" in state:
        settings, channels, size = _unet(state, path)
        renamed = {_renamed(key.removeprefix("model.")): value for key, value in state.items()}
    else:
        raise CheckpointError(f"{path} {_what_else(state)}", hint="Import a generator, for example latest_net_G.pth.")
    dropped = len(set(tensors) - set(state))
    return Generator(path=path, settings=settings, channels=channels, size=size, state=renamed, dropped=dropped)


def _renamed(key: str) -> str:
    return ".".join("layers" if part in ("model", "conv_block") else part for part in key.split("."))


def _resnet(state: Mapping[str, Tensor], path: Path) -> tuple[dict[str, Any], int, int]:
    first = _weight(state, "model.1.weight", path)
    blocks = [key for key in state if _RESNET_BLOCK.fullmatch(key)]
    last = max((key for key in state if key.count(".") == 2 and state[key].ndim == 4), key=_layer)
    stem = blocks[0].removesuffix("1.weight")
    settings = {
        "generator": "resnet",
        "blocks": len(blocks),
        "width": first.shape[0],
        "norm": "batch" if "model.2.weight" in state else "instance",
        "dropout": 0.5 if f"{stem}6.weight" in state else 0.0,
    }
    return settings, _channels(first.shape[1], state[last].shape[0], path), _USUAL_SIZE


def _unet(state: Mapping[str, Tensor], path: Path) -> tuple[dict[str, Any], int, int]:
    first, last = _weight(state, "model.model.0.weight", path), _weight(state, "model.model.3.weight", path)
    # Every level but the outermost has its convolution at `.model.1`, inside the level above it.
    depth = 1 + sum(key.endswith(".model.1.weight") and state[key].ndim == 4 for key in state)
    normed = any(value.ndim == 1 and key.endswith(".weight") for key, value in state.items())
    settings = {
        "generator": "unet",
        "depth": depth,
        "width": first.shape[0],
        "norm": "batch" if normed else "instance",
    }
    return settings, _channels(first.shape[1], last.shape[1], path), max(2**depth, 32)


def _weight(state: Mapping[str, Tensor], key: str, path: Path) -> Tensor:
    if key not in state or state[key].ndim != 4:
        raise CheckpointError(f"{path} has no {key} of four dimensions, and is no generator that is known here.")
    return state[key]


def _channels(reads: int, paints: int, path: Path) -> int:
    if reads != paints or reads not in (1, 3):
        raise CheckpointError(
            f"{path} translates pictures of {reads} channels into {paints}; expected 1 into 1, or 3 into 3."
        )
    return reads


def _layer(key: str) -> int:
    number = key.split(".")[1]
    return int(number) if number.isdecimal() else -1


def _what_else(state: Mapping[str, Tensor]) -> str:
    weights = {key: value for key, value in state.items() if value.ndim == 4}
    if weights and set(weights) <= {f"model.{number}.weight" for number in range(40)}:
        return "looks like a discriminator: convolutions one after the other and no residual block."
    return f"is no ResNet or U-Net generator of that code; its first tensors: {', '.join(list(state)[:4]) or 'none'}."
