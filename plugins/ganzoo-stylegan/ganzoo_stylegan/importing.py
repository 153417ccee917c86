"""Official checkpoints to tensors by the names of our networks: the research pickles of StyleGAN2-ADA."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from ganzoo import DataInfo
from ganzoo.architecture.foreign_weights import ForeignWeights
from ganzoo.errors import CheckpointError, RequestError
from ganzoo_stylegan.pickles import Network, read_networks

_SYNTHESIS = re.compile(r"synthesis\.b(\d+)\.(.+)")
_MAPPING = re.compile(r"mapping\.fc(\d+)\.(.+)")
_DISCRIMINATOR = re.compile(r"b(\d+)\.(.+)")
_FILTER = "resample_filter"  # a constant that every layer repeats


def read_stylegan2(files: Sequence[Path]) -> ForeignWeights:
    """One pickle with G_ema, and G and D if they are in it.

    Raises RequestError for several files, CheckpointError for networks that are not StyleGAN2's.
    """
    if len(files) > 1:
        raise RequestError(f"A pickle of StyleGAN2 holds all its networks, and {len(files)} files are given.")
    networks = read_networks(files[0])
    averaged = networks.get("G_ema") or networks.get("G")
    if averaged is None:
        raise CheckpointError(f"{files[0]} has no G_ema and no G; it has {', '.join(networks)}.")
    settings, data = _settings(averaged, networks.get("D"), files[0])
    ema = generator_state(averaged.state)
    state = {f"generator.{name}": tensor for name, tensor in generator_state(networks.get("G", averaged).state).items()}
    if "D" in networks:
        found = discriminator_state(networks["D"].state, data.size)
        state |= {f"discriminator.{name}": tensor for name, tensor in found.items()}
    return ForeignWeights(settings=settings, data=data, state=state, average={"generator": ema})


def generator_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of an original generator by our names."""
    return {_generator_name(name): tensor for name, tensor in state.items() if not name.endswith(_FILTER)}


def discriminator_state(state: Mapping[str, Tensor], size: int) -> dict[str, Tensor]:
    """The tensors of an original discriminator of pictures of `size` by our names."""
    return {_discriminator_name(name, size): tensor for name, tensor in state.items() if not name.endswith(_FILTER)}


def _generator_name(name: str) -> str:
    if name == "mapping.w_avg":
        return "average"
    if match := _MAPPING.fullmatch(name):
        return f"mapping.layers.{match[1]}.{match[2]}"
    if match := _SYNTHESIS.fullmatch(name):
        if match[2] == "const":
            return "synthesis.const"
        rest = match[2].replace("affine", "style").replace("torgb", "picture").replace("noise_const", "noise")
        return f"synthesis.blocks.{int(match[1]).bit_length() - 3}.{rest}"
    return name


def _discriminator_name(name: str, size: int) -> str:
    if match := _MAPPING.fullmatch(name):
        return f"mapping.layers.{match[1]}.{match[2]}"
    match = _DISCRIMINATOR.fullmatch(name)
    if match is None:
        return name
    if match[2].startswith("fromrgb."):
        return match[2].replace("fromrgb", "picture")
    if match[1] == "4":
        return match[2].replace("fc.", "dense.")
    return f"blocks.{size.bit_length() - int(match[1]).bit_length()}.{match[2]}"


def _settings(generator: Network, judge: Network | None, path: Path) -> tuple[dict[str, Any], DataInfo]:
    """The [architecture] table and what the pictures are like, from the arguments that the networks were made with."""
    given = generator.arguments
    synthesis, mapping = (_table(given, f"{part}_kwargs", path) for part in ("synthesis", "mapping"))
    try:
        size, channels, classes = int(given["img_resolution"]), int(given["img_channels"]), int(given["c_dim"])
        settings: dict[str, Any] = {
            "latent_size": int(given["z_dim"]),
            "style_size": int(given["w_dim"]),
            "mapping_layers": int(mapping.get("num_layers", 8)),
            "maps_base": int(synthesis.get("channel_base", 32768)),
            "maps_most": int(synthesis.get("channel_max", 512)),
            "conditional": classes > 0,
        }
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path}: {generator.class_name} was not made as StyleGAN2's generator is: {error}"
        ) from None
    if judge is not None:
        settings["residual"] = judge.arguments.get("architecture", "resnet") == "resnet"
        group = _table(judge.arguments, "epilogue_kwargs", path).get("mbstd_group_size", 4)
        settings["group"] = int(group) if isinstance(group, int) else 4
    clamp = synthesis.get("conv_clamp")
    if clamp is not None:
        settings["clamp"] = float(clamp)
    return settings, DataInfo(channels=channels, size=size, classes=classes)


def _table(arguments: Mapping[str, Any], name: str, path: Path) -> Mapping[str, Any]:
    value = arguments.get(name, {})
    if not isinstance(value, Mapping):
        raise CheckpointError(f"{path}: {name} is a {type(value).__name__}; expected a dictionary")
    return value
