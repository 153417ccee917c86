"""Reads generators that the authors' released code saved: state dicts whose keys number the layers.

A file's keys, and what they say:
    model.1.weight                      ResNet: the first convolution, (width, channels, 7, 7)
    model.10.conv_block.1.weight        its first residual block; .5 the block's second convolution, .6 behind a dropout
    model.model.0.weight                U-Net: the first convolution; each level down is another `.model.`
    model.2.weight                      a norm with weights is batch norm
    model.1.bias                        without those, a bias says instance norm, and none that there is no norm
    model.2.running_mean                instance norm of an old PyTorch, whose statistics mean nothing

Whatever else a file has is left in: the architecture that is built from the settings has no place for it, and the
import is refused with its name.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo import DataInfo, Picture
from ganzoo.architecture.foreign_weights import ForeignWeights, load_tensors
from ganzoo.errors import CheckpointError, RequestError, first_few
from ganzoo_cyclegan.networks import ResNetGenerator, UNetGenerator

_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
_RESNET_BLOCK = re.compile(r"model\.\d+\.conv_block\.1\.weight")
_USUAL_SIZE = 256
_DROPPED = 0.5  # the released code knows no other rate
_LEAST_DEPTH_DROPPED = 6  # a U-Net that halves less often has no level for a dropout


@dataclass(frozen=True, kw_only=True, slots=True)
class Generator:
    """One file. state: by the names that `ganzoo_cyclegan.networks` has. dropped: running statistics left out.

    settings: `dropout` is among them only where the tensors say whether there is one.
    channels: of what it reads and of what it paints.
    """

    path: Path
    settings: Mapping[str, Any]
    channels: tuple[int, int]
    size: int
    state: Mapping[str, Tensor]
    dropped: int


def read_cyclegan(files: Sequence[Path]) -> ForeignWeights:
    """One file: source to target. Two: and back. Raises RequestError for more, or for two that do not go together."""
    if len(files) > 2:
        raise RequestError(f"cyclegan has two translators, and {len(files)} files are given.")
    generators = [read_generator(path) for path in files]
    first, last = generators[0], generators[-1]
    if first.settings != last.settings:
        raise RequestError(
            f"{first.path.name} and {last.path.name} are of different networks: {dict(first.settings)} and "
            f"{dict(last.settings)}.",
            hint="Import each into a run of its own.",
        )
    if len(generators) == 2 and first.channels != last.channels[::-1]:
        raise RequestError(
            f"{first.path.name} translates {first.channels[0]} channels into {first.channels[1]}, and "
            f"{last.path.name} {last.channels[0]} into {last.channels[1]}: the second is not the way back.",
            hint="Name the two translators of one run, latest_net_G_A.pth and latest_net_G_B.pth; or one alone.",
        )
    settings: dict[str, Any] = {"directions": "a2b" if len(generators) == 1 else "both"}
    if first.channels[0] != first.channels[1]:
        settings["identity_weight"] = 0.0  # the released code has no identity loss there either
    return _imported(dict(zip(("g_ab", "g_ba"), generators, strict=False)), untold=0.0, settings=settings)


def read_pix2pix(files: Sequence[Path]) -> ForeignWeights:
    """Raises RequestError for more than one file."""
    if len(files) > 1:
        raise RequestError(f"pix2pix has one translator, and {len(files)} files are given.")
    return _imported({"generator": read_generator(files[0])}, untold=_DROPPED, settings={})


def _imported(generators: Mapping[str, Generator], *, untold: float, settings: Mapping[str, Any]) -> ForeignWeights:
    """untold: the dropout of a U-Net, as the released code has it for this game unless told otherwise."""
    first = next(iter(generators.values()))
    read, painted = (Picture(channels=count, height=first.size, width=first.size) for count in first.channels)
    return ForeignWeights(
        settings={"dropout": untold, **first.settings, **settings},
        data=DataInfo({"source": read, "target": painted}),
        state={f"{name}.{key}": value for name, one in generators.items() for key, value in one.state.items()},
        notes=[note for one in generators.values() for note in _notes(one, untold)],
    )


def _notes(generator: Generator, untold: float) -> list[str]:
    name, settings, found = generator.path.name, generator.settings, []
    if generator.dropped:
        found.append(
            f"{name}: {generator.dropped} running statistics of instance norm left out: it normalises by instance"
        )
    if settings.get("dropout"):
        found.append(f"{name}: the rate of its dropout is not in the file; {_DROPPED} is assumed, in training alone")
    elif settings["generator"] == "unet" and settings["depth"] >= _LEAST_DEPTH_DROPPED:
        found.append(
            f"{name}: whether this U-Net drops out is not in the file; dropout = {untold} is assumed, in training alone"
        )
    return found


def read_generator(path: Path) -> Generator:
    """Raises CheckpointError for a file that is not such a generator."""
    tensors = load_tensors(path)
    if any(_RESNET_BLOCK.fullmatch(key) for key in tensors):
        settings, channels, size = _resnet(tensors, path)
        names = {key: _renamed(key) for key in tensors}
    elif "model.model.0.weight" in tensors:
        settings, channels, size = _unet(tensors, path)
        names = {key: _renamed(key.removeprefix("model.")) for key in tensors}
    else:
        raise CheckpointError(f"{path} {_what_else(tensors)}", hint="Import a generator, for example latest_net_G.pth.")
    places = Counter(names.values())
    if twice := [key for key, name in names.items() if places[name] > 1]:
        raise CheckpointError(f"{path} has several tensors for one place: {first_few(twice)}.")
    unused = _statistics_of_instance_norm(settings, *channels)
    state = {names[key]: value for key, value in tensors.items() if names[key] not in unused}
    for key in [key for key in state if key.endswith(".running_mean")]:  # PyTorch before 0.4.1 did not count
        state.setdefault(f"{key.rpartition('.')[0]}.num_batches_tracked", torch.zeros((), dtype=torch.int64))
    return Generator(
        path=path,
        settings=settings,
        channels=channels,
        size=size,
        state=state,
        dropped=len(tensors) - sum(name in state for name in names.values()),
    )


def _renamed(key: str) -> str:
    return ".".join("layers" if part in ("model", "conv_block") else part for part in key.split("."))


def _statistics_of_instance_norm(settings: Mapping[str, Any], reads: int, paints: int) -> set[str]:
    """What an old PyTorch kept for each instance norm of such a network, by our names; elsewhere it would count."""
    if settings["norm"] != "instance":
        return set()
    options = {name: value for name, value in settings.items() if name != "generator"} | {"painted": paints}
    options.setdefault("dropout", 0.0)
    with torch.device("meta"):
        kind = ResNetGenerator if settings["generator"] == "resnet" else UNetGenerator
        network: nn.Module = kind(channels=reads, **options)
    norms = [name for name, module in network.named_modules() if isinstance(module, nn.InstanceNorm2d)]
    return {f"{norm}.{name}" for norm in norms for name in _STATISTICS}


def _resnet(state: Mapping[str, Tensor], path: Path) -> tuple[dict[str, Any], tuple[int, int], int]:
    first = _weight(state, "model.1.weight", path)
    blocks = [key for key in state if _RESNET_BLOCK.fullmatch(key)]
    last = max((key for key in state if key.count(".") == 2 and state[key].ndim == 4), key=_layer)
    stem = blocks[0].removesuffix("1.weight")
    behind = state.get(f"{stem}6.weight")  # of four dimensions, the second convolution; of one, the norm behind it
    settings = {
        "generator": "resnet",
        "blocks": len(blocks),
        "width": first.shape[0],
        "norm": _norm(state, first="model.1"),
        "dropout": _DROPPED if behind is not None and behind.ndim == 4 else 0.0,
    }
    return settings, _channels(first.shape[1], state[last].shape[0], path), _USUAL_SIZE


def _unet(state: Mapping[str, Tensor], path: Path) -> tuple[dict[str, Any], tuple[int, int], int]:
    first, last = _weight(state, "model.model.0.weight", path), _weight(state, "model.model.3.weight", path)
    # Every level but the outermost has its convolution at `.model.1`, inside the level above it.
    depth = 1 + sum(key.endswith(".model.1.weight") and state[key].ndim == 4 for key in state)
    if depth == 1:
        raise CheckpointError(f"{path} is a U-Net that halves once; expected two halvings at least.")
    settings = {
        "generator": "unet",
        "depth": depth,
        "width": first.shape[0],
        "norm": _norm(state, first="model.model.0"),
    }
    return settings, _channels(first.shape[1], last.shape[1], path), max(2**depth, 32)


def _norm(state: Mapping[str, Tensor], *, first: str) -> str:
    """first: the first convolution. Only in front of instance norm, which has no bias, does it have one."""
    if any(value.ndim == 1 and key.endswith(".weight") for key, value in state.items()):
        return "batch"
    return "instance" if f"{first}.bias" in state else "none"


def _weight(state: Mapping[str, Tensor], key: str, path: Path) -> Tensor:
    if key not in state or state[key].ndim != 4:
        raise CheckpointError(f"{path} has no {key} of four dimensions, and is no generator that is known here.")
    return state[key]


def _channels(reads: int, paints: int, path: Path) -> tuple[int, int]:
    if reads not in (1, 3) or paints not in (1, 3):
        raise CheckpointError(
            f"{path} translates pictures of {reads} channels into {paints}; expected 1 (grey) or 3 (colour) of each."
        )
    return reads, paints


def _layer(key: str) -> int:
    number = key.split(".")[1]
    return int(number) if number.isdecimal() else -1


def _what_else(state: Mapping[str, Tensor]) -> str:
    weights = {key: value for key, value in state.items() if value.ndim == 4}
    if weights and set(weights) <= {f"model.{number}.weight" for number in range(40)}:
        return "looks like a discriminator: convolutions one after the other and no residual block."
    return f"is no ResNet or U-Net generator of that code; its first tensors: {', '.join(list(state)[:4]) or 'none'}."
