"""Reads generators of ESRGAN and Real-ESRGAN, and Real-ESRGAN's discriminator, as their authors' code saved them.

RRDBNet has had three sets of names, `.weight` and `.bias` behind each:

    new                   middle                    2018, and most community files
    conv_first            conv_first                model.0
    body.I.rdbJ.convK     RRDB_trunk.I.RDBJ.convK   model.1.sub.I.RDBJ.convK.0
    conv_body             trunk_conv                model.1.sub.NB
    conv_up1, conv_up2    upconv1, upconv2          model.3, model.6, ... behind each enlargement
    conv_hr, conv_last    HRconv, conv_last         the two behind those

The compact network is one list, `body.0` to `body.L`, of convolutions and the slopes of their PReLU.
A file of a trainer has `params` and, averaged, `params_ema`: the first goes on learning, the second paints.

Shapes follow from the tensors: width = rows of the first convolution, growth = rows of a block's first, blocks = how
many; u = sqrt(columns of the first / rows of the last), scale = 2^enlargements / u.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from ganzoo import DataInfo, Picture
from ganzoo.architecture.foreign_weights import ForeignFamilyError, ForeignWeights, load_states
from ganzoo.errors import CheckpointError, RequestError, first_few, shell_word

USUAL_SIZE = 64
"""Pixels of what is read, where nobody says another."""

_BLOCK = re.compile(r"(?:body|RRDB_trunk)\.(\d+)\.(?:rdb|RDB)([123])\.conv([1-5])\.(weight|bias)")
_OLD_BLOCK = re.compile(r"model\.1\.sub\.(\d+)\.RDB([123])\.conv([1-5])\.0\.(weight|bias)")
_OLD = re.compile(r"model\.(\d+)\.(weight|bias)")
_OLD_BODY = re.compile(r"model\.1\.sub\.(\d+)\.(weight|bias)")
_NAMED = {
    "conv_first": "conv_first", "conv_body": "conv_body", "trunk_conv": "conv_body", "conv_hr": "conv_hr",
    "HRconv": "conv_hr", "conv_last": "conv_last",
}  # fmt: skip
_UP = re.compile(r"(?:conv_up|upconv)(\d)\.(weight|bias)")
_COMPACT = re.compile(r"body\.(\d+)\.(weight|bias)")
_NORMALISED = re.compile(r"(conv[1-8])\.weight_(orig|u|v)")

State = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """What a file holds. kind: rrdb, compact or discriminator. enlarge, unshuffle: of an rrdb."""

    path: Path
    kind: str
    settings: Mapping[str, Any]
    channels: tuple[int, int]
    scale: int
    unshuffle: int
    state: State
    average: State | None = None
    notes: Sequence[str] = field(default_factory=tuple)


def read_esrgan(files: Sequence[Path]) -> ForeignWeights:
    """One generator. Raises ForeignFamilyError for Real-ESRGAN's, RequestError for more files."""
    if len(files) != 1:
        raise RequestError(f"esrgan reads one file, its generator, and {len(files)} are given.")
    network = read_network(files[0])
    if network.kind == "discriminator":
        raise ForeignFamilyError(network.path, "Real-ESRGAN discriminator")
    if network.kind == "compact":
        raise ForeignFamilyError(network.path, "Real-ESRGAN compact")
    if network.unshuffle > 1:
        raise CheckpointError(
            f"{network.path} shrinks first and enlarges {network.scale} times, which is Real-ESRGAN's network.",
            hint=f"ganzoo import {shell_word(network.path)} --as real-esrgan --out RUN",
        )
    return _weights([network])


def read_real_esrgan(files: Sequence[Path]) -> ForeignWeights:
    """A generator, and the discriminator if there is one, in any order.

    Raises RequestError for two of one player, or for no generator, CheckpointError for a network of another shape.
    """
    networks = [read_network(path) for path in files]
    generators = [network for network in networks if network.kind != "discriminator"]
    if len(generators) != 1 or len(networks) > 2:
        named = ", ".join(f"{network.path.name} ({network.kind})" for network in networks)
        raise RequestError(
            f"A run has one generator, and perhaps a discriminator; given are {named}.",
            hint="ganzoo import GENERATOR.pth DISCRIMINATOR.pth --as real-esrgan --out RUN",
        )
    first = generators[0]
    if first.kind == "rrdb" and (first.settings["enlarged"] != 4 or first.scale * first.unshuffle != 4):
        raise CheckpointError(
            f"{first.path} enlarges {first.scale} times without shrinking first, which is ESRGAN's network.",
            hint=f"ganzoo import {shell_word(first.path)} --as esrgan --out RUN",
        )
    return _weights([first, *(network for network in networks if network is not first)])


def _weights(networks: Sequence[Network]) -> ForeignWeights:
    first = networks[0]
    settings = {key: value for key, value in first.settings.items() if key != "enlarged"}
    settings["scale"] = first.scale
    state = {f"generator.{name}": tensor for name, tensor in first.state.items()}
    notes = [*first.notes]
    for other in networks[1:]:
        settings |= other.settings
        state |= {f"discriminator.{name}": tensor for name, tensor in other.state.items()}
        notes += other.notes
    read, painted = (
        Picture(channels=count, height=side, width=side)
        for count, side in zip(first.channels, (USUAL_SIZE, first.scale * USUAL_SIZE), strict=True)
    )
    return ForeignWeights(
        settings=settings,
        data=DataInfo({"source": read, "target": painted}),
        state=state,
        average={"generator": first.average} if first.average is not None else None,
        notes=notes,
    )


def read_network(path: Path) -> Network:
    """Raises CheckpointError for a file that is none of these, or a derivative of one."""
    states, notes = load_states(path), list[str]()
    live, averaged = states.get("params"), states.get("params_ema")
    if live is not None and averaged is not None:
        notes.append(f"{path.name}: params_ema is what paints, params what would go on learning")
    chosen = live or averaged or next(iter(states.values()))
    found = _told(chosen, path)
    average = _told(averaged, path) if live is not None and averaged is not None else None
    if average is not None and (average.kind, dict(average.settings)) != (found.kind, dict(found.settings)):
        raise CheckpointError(f"{path}: its params and params_ema are of different networks.")
    return Network(
        path=path, kind=found.kind, settings=found.settings, channels=found.channels, scale=found.scale,
        unshuffle=found.unshuffle, state=found.state, average=None if average is None else average.state,
        notes=[*notes, *found.notes],
    )  # fmt: skip


def _told(tensors: State, path: Path) -> Network:
    names = set(tensors)
    if any(_NORMALISED.fullmatch(name) for name in names):
        return _discriminator(tensors, path)
    if any(_BLOCK.fullmatch(name) or _OLD_BLOCK.fullmatch(name) for name in names):
        return _rrdb(tensors, path)
    if "body.0.weight" in names and all(_COMPACT.fullmatch(name) for name in names):
        return _compact(tensors, path)
    if strange := [name for name in names if "conv1x1" in name or "srdb" in name]:
        raise CheckpointError(
            f"{path} has {strange[0]!r}: it is a derivative of ESRGAN, and not ESRGAN.",
            hint=_as_fixed(path),
        )
    if any(re.match(r"body\.\d+\.conv1\.", name) for name in names):
        raise CheckpointError(
            f"{path} is the SRResNet of BasicSR, which has no batch norm and is not that of the paper.",
            hint=_as_fixed(path),
        )
    seen = known_to_spandrel(tensors)
    raise CheckpointError(
        f"{path} holds neither RRDBNet nor SRVGGNetCompact nor Real-ESRGAN's discriminator: it has "
        f"{first_few(sorted(names))}." + (f" By these names it is {seen}." if seen else ""),
        hint=f"ganzoo import {shell_word(path)} --as fixed-restoration --out RUN" if seen else "",
    )


def known_to_spandrel(tensors: Mapping[str, Tensor]) -> str:
    """What spandrel, if it is installed, takes the tensors for by their names; "" for nothing."""
    try:
        import spandrel
    except ModuleNotFoundError:
        return ""
    known = spandrel.MAIN_REGISTRY.architectures()
    return next((str(one.architecture.name) for one in known if one.architecture.detect(dict(tensors))), "")


def _as_fixed(path: Path) -> str:
    return f"If spandrel knows it: ganzoo import {shell_word(path)} --as fixed-restoration --out RUN"


def _rrdb(tensors: State, path: Path) -> Network:
    if strange := [name for name in tensors if "conv1x1" in name]:
        raise CheckpointError(
            f"{path} has {strange[0]!r}: it is ESRGAN+, a derivative of ESRGAN.",
            hint=_as_fixed(path),
        )
    state, notes = (_renamed_old if "model.0.weight" in tensors else _renamed)(tensors, path)
    first, last = _convolution(state, "conv_first", path), _convolution(state, "conv_last", path)
    blocks = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("body."))
    ups = len({name.split(".")[1] for name in state if name.startswith("conv_up.")})
    painted = last.shape[0]
    unshuffle = math.isqrt(max(1, first.shape[1] // painted))
    channels, enlarged = first.shape[1] // unshuffle**2, 2**ups
    sound = channels * unshuffle**2 == first.shape[1] and unshuffle in (1, 2, 4) and enlarged % unshuffle == 0
    if not sound or channels not in (1, 3) or painted not in (1, 3) or enlarged // unshuffle not in (1, 2, 4, 8):
        raise CheckpointError(
            f"{path} reads {first.shape[1]} channels, enlarges {ups} times by 2 and paints {painted}; expected 1 or 3, "
            "or 4 or 16 times as many behind a pixel unshuffle."
        )
    growth = _convolution(state, "body.0.rdb1.conv1", path).shape[0]
    settings = {"width": first.shape[0], "growth": growth, "blocks": blocks, "enlarged": enlarged}
    return Network(
        path=path, kind="rrdb", settings=settings, channels=(channels, painted), scale=enlarged // unshuffle,
        unshuffle=unshuffle, state=state, notes=notes,
    )  # fmt: skip


def _convolution(state: State, name: str, path: Path) -> Tensor:
    tensor = state.get(f"{name}.weight")
    if tensor is None or tensor.ndim != 4 or tensor.shape[2:] != (3, 3):
        raise CheckpointError(f"{path} has no 3x3 convolution {name}, which every RRDBNet has.")
    return tensor


def _renamed(tensors: State, path: Path) -> tuple[State, list[str]]:
    state: State = {}
    for name, tensor in tensors.items():
        owner, _, kind = name.rpartition(".")
        if block := _BLOCK.fullmatch(name):
            state[f"body.{block[1]}.rdb{block[2]}.conv{block[3]}.{block[4]}"] = tensor
        elif up := _UP.fullmatch(name):
            state[f"conv_up.{int(up[1]) - 1}.{up[2]}"] = tensor
        elif owner in _NAMED and kind in ("weight", "bias"):
            state[f"{_NAMED[owner]}.{kind}"] = tensor
        else:
            raise _unknown(name, path)
    return state, []


def _renamed_old(tensors: State, path: Path) -> tuple[State, list[str]]:
    numbers = sorted({int(found[1]) for name in tensors if (found := _OLD.fullmatch(name))} - {0})
    ups = len(numbers) - 2
    if ups < 0 or (ups and numbers != [*(3 * up for up in range(1, ups + 1)), 3 * ups + 2, 3 * ups + 4]):
        raise CheckpointError(f"{path} has convolutions at {numbers} of `model`, and ESRGAN's are elsewhere.")
    owners = {0: "conv_first", **{3 * (up + 1): f"conv_up.{up}" for up in range(ups)}}
    owners |= {numbers[-2]: "conv_hr", numbers[-1]: "conv_last"}
    state: State = {}
    for name, tensor in tensors.items():
        if block := _OLD_BLOCK.fullmatch(name):
            state[f"body.{block[1]}.rdb{block[2]}.conv{block[3]}.{block[4]}"] = tensor
        elif found := _OLD_BODY.fullmatch(name):
            state[f"conv_body.{found[2]}"] = tensor
        elif found := _OLD.fullmatch(name):
            state[f"{owners[int(found[1])]}.{found[2]}"] = tensor
        else:
            raise _unknown(name, path)
    if ups == 1:
        return state, [f"{path.name}: taken for x2; an old file of x3 has the same names; if it is one: --set scale=3"]
    return state, []


def _unknown(name: str, path: Path) -> CheckpointError:
    return CheckpointError(f"{path} has {name!r}, which RRDBNet has not: it is a derivative.", hint=_as_fixed(path))


def _compact(tensors: State, path: Path) -> Network:
    last = max(int(name.split(".")[1]) for name in tensors)
    convolutions = last // 2 - 1
    first, final = tensors["body.0.weight"], tensors[f"body.{last}.weight"]
    if last % 2 or convolutions < 1 or first.ndim != 4 or final.ndim != 4:
        raise CheckpointError(f"{path} ends in body.{last}, and the compact network in an even number from 4.")
    slopes, notes = "body.1.weight" in tensors, list[str]()
    if not slopes:
        notes.append(f"{path.name}: its activation is not in the file: relu, or --set activation=leaky-relu")
    width, channels = first.shape[:2]
    scale = math.isqrt(final.shape[0] // channels)
    if scale**2 * channels != final.shape[0] or scale not in (1, 2, 3, 4, 8) or channels not in (1, 3):
        raise CheckpointError(f"{path} reads {channels} channels and ends in {final.shape[0]}: no scale fits.")
    settings = {
        "generator": "compact", "width": width, "convolutions": convolutions,
        "activation": "prelu" if slopes else "relu",
    }  # fmt: skip
    return Network(
        path=path, kind="compact", settings=settings, channels=(channels, channels), scale=scale, unshuffle=1,
        state=dict(tensors), notes=notes,
    )  # fmt: skip


def _discriminator(tensors: State, path: Path) -> Network:
    """torch's old spectral norm by the names of `ganzoo.nn.spectral`."""
    state: State = {}
    kinds = {"orig": "original", "u": "0.u", "v": "0.v"}
    for name, tensor in tensors.items():
        if found := _NORMALISED.fullmatch(name):
            state[f"{found[1]}.parametrizations.weight.{kinds[found[2]]}"] = tensor
        elif re.fullmatch(r"conv[09]\.(weight|bias)", name):
            state[name] = tensor
        else:
            raise CheckpointError(f"{path} has {name!r}, which Real-ESRGAN's discriminator has not.")
    if "conv0.weight" not in state:
        raise CheckpointError(f"{path} has no conv0, which Real-ESRGAN's discriminator begins with.")
    width, channels = state["conv0.weight"].shape[:2]
    return Network(
        path=path, kind="discriminator", settings={"discriminator_width": width}, channels=(channels, 1), scale=1,
        unshuffle=1, state=state,
    )  # fmt: skip
