"""Official checkpoints to tensors by the names of our networks: the research pickles of StyleGAN2.

Both repositories that train it are read, stylegan2-ada-pytorch and stylegan3: what a network computes follows from the
arguments that it was made with (`ganzoo_stylegan.arguments`), and the tensors and attributes must not contradict them.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from ganzoo import DataInfo
from ganzoo.architecture.foreign_weights import ForeignWeights
from ganzoo.errors import CheckpointError, RequestError, first_few
from ganzoo_stylegan import arguments
from ganzoo_stylegan.ops import low_pass
from ganzoo_stylegan.pickles import Network, read_networks

_SYNTHESIS = re.compile(r"synthesis\.b(\d+)\.(.+)")
_MAPPING = re.compile(r"mapping\.fc(\d+)\.(.+)")
_DISCRIMINATOR = re.compile(r"b(\d+)\.(.+)")
_FILTER = "resample_filter"  # a constant that every layer repeats
_ADA_PASSES = 2.25  # of the generator in a step of stylegan2-ada-pytorch, each of which moves its mean style
Repository = Literal["stylegan2-ada-pytorch", "stylegan3", "unsaid"]
_CLASSES = {"G": "Generator", "G_ema": "Generator", "D": "Discriminator"}


def read_stylegan2(files: Sequence[Path]) -> ForeignWeights:
    """One pickle with G_ema, and G and D if they are in it.

    Raises RequestError for several files, CheckpointError for networks that are not StyleGAN2's or compute what ours
    do not.
    """
    if len(files) > 1:
        raise RequestError(f"A pickle of StyleGAN2 holds all its networks, and {len(files)} files are given.")
    path = files[0]
    networks = {name: network for name, network in read_networks(path).items() if name in _CLASSES}
    averaged = networks.get("G_ema") or networks.get("G")
    if averaged is None:
        raise CheckpointError(f"{path} has no G_ema and no G; it has {', '.join(networks) or 'other networks'}.")
    live = networks.get("G", averaged)
    for name, network in networks.items():
        if network.class_name != _CLASSES[name]:
            raise CheckpointError(f"{path}: {name} is a {network.class_name!r}; expected a {_CLASSES[name]}.")
    settings, data = _generator(averaged, "G_ema" if "G_ema" in networks else "G", path)
    if _generator(live, "G", path) != (settings, data) or _shapes(live) != _shapes(averaged):
        raise CheckpointError(f"{path}: G and G_ema are different networks.")
    ema = generator_state(averaged.state)
    state = {f"generator.{name}": tensor for name, tensor in generator_state(live.state).items()}
    if "D" in networks:
        settings |= _discriminator(networks["D"], settings, data, averaged, path)
        found = discriminator_state(networks["D"].state, data.size)
        state |= {f"discriminator.{name}": tensor for name, tensor in found.items()}
    if data.classes == 0:
        settings.pop("discriminator_mapping_layers", None)
    return ForeignWeights(settings=settings, data=data, state=state, average={"generator": ema})


def generator_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of an original generator by our names. Raises CheckpointError for two with one place."""
    return _renamed(state, _generator_name)


def discriminator_state(state: Mapping[str, Tensor], size: int) -> dict[str, Tensor]:
    """The tensors of an original discriminator of pictures of `size` by our names, as `generator_state` has them."""
    return _renamed(state, lambda name: _discriminator_name(name, size))


def _renamed(state: Mapping[str, Tensor], rename: Callable[[str], str]) -> dict[str, Tensor]:
    kept = [name for name in state if not name.endswith(_FILTER)]
    found = {rename(name): state[name] for name in kept}
    if len(found) < len(kept):
        twice = [name for name in kept if found[rename(name)] is not state[name]]
        raise CheckpointError(f"There are several tensors for one place: {first_few(twice)}.")
    return found


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


def _generator(network: Network, name: str, path: Path) -> tuple[dict[str, Any], DataInfo]:
    """The [architecture] table and what the pictures are like, from the arguments that the network was made with."""
    given, repository = _laid_out(network, name, path)
    synthesis, mapping = given["synthesis_kwargs"], given["mapping_kwargs"]
    arguments.check(given, arguments.GENERATOR, of=name, path=path)
    arguments.check(synthesis, arguments.SYNTHESIS, of=f"{name}'s synthesis", path=path)
    widths = {"width": given["w_dim"]}
    classes = given["c_dim"]
    if not classes:  # there is nothing to embed
        mapping = {key: value for key, value in mapping.items() if key != "embed_features"}
    arguments.check(mapping, arguments.MAPPING, of=f"{name}'s mapping", path=path, facts=widths)
    clamp, multiplier = _clamp(synthesis, network, repository, path), mapping.get("lr_multiplier", 0.01)
    noisy, layers = synthesis.get("use_noise", True), mapping.get("num_layers", 8)
    decay = mapping.get("w_avg_beta", 0.998 if repository == "stylegan3" else 0.995)
    _check_filters(network, name, path)
    _check_attributes(network, _of_generator(clamp, noisy, layers, multiplier), name, path)
    settings = {
        "latent_size": given["z_dim"],
        "style_size": given["w_dim"],
        "mapping_layers": layers,
        "mapping_lr_multiplier": float(multiplier),
        "maps_base": synthesis.get("channel_base", 32768),
        "maps_most": synthesis.get("channel_max", 512),
        "conditional": classes > 0,
        "clamp": float(clamp or 0),
        "noise": noisy,
        # The stylegan3 repository moves the mean once a step, as we do; the other at each pass of the generator.
        "average_decay": decay if repository == "stylegan3" else decay**_ADA_PASSES,
    }
    return settings, DataInfo(channels=given["img_channels"], size=given["img_resolution"], classes=classes)


def _laid_out(network: Network, name: str, path: Path) -> tuple[dict[str, Any], Repository]:
    """A generator's arguments in the layout of stylegan2-ada-pytorch, and whose layout they were in."""
    given = dict(network.arguments)
    for key in ("z_dim", "c_dim", "w_dim", "img_resolution", "img_channels"):
        if key not in given:
            raise CheckpointError(f"{path}: {name} was not made as StyleGAN2's generator is: {key!r} is missing.")
    if "synthesis_kwargs" in given:
        return {"mapping_kwargs": {}, **given}, "stylegan2-ada-pytorch"
    flat = {key: given.pop(key) for key in list(given) if key not in arguments.GENERATOR}
    return {"mapping_kwargs": {}, **given, "synthesis_kwargs": flat}, "stylegan3" if flat else "unsaid"


def _clamp(given: Mapping[str, Any], network: Network, repository: Repository, path: Path) -> Any:
    """As it is stated; else as the layers have it; else as the repository has it. Raises where nothing tells."""
    if "conv_clamp" in given:
        return given["conv_clamp"]
    layers = network.attributes.items()
    told = {layer["conv_clamp"] for name, layer in layers if "conv_clamp" in layer and not name.endswith("skip")}
    if len(told) == 1:
        return told.pop()
    if repository == "unsaid":
        raise CheckpointError(
            f"{path} says neither conv_clamp nor which repository made it, and the two have other defaults.",
            hint="Expected synthesis_kwargs of stylegan2-ada-pytorch, or channel_base of the stylegan3 repository.",
        )
    return 256 if repository == "stylegan3" else None


def _discriminator(
    network: Network, settings: Mapping[str, Any], data: DataInfo, generator: Network, path: Path
) -> dict[str, Any]:
    given = {key: {} for key in ("block_kwargs", "mapping_kwargs", "epilogue_kwargs")} | dict(network.arguments)
    base, most = given.get("channel_base", 32768), given.get("channel_max", 512)
    facts = {"width": min(base // 4, most) if isinstance(base, int) and isinstance(most, int) else None}
    conditional = bool(data.classes)
    top = given if conditional else {key: value for key, value in given.items() if key != "cmap_dim"}
    arguments.check(top, arguments.DISCRIMINATOR, of="D", path=path, facts=facts)
    arguments.check(given["block_kwargs"], arguments.BLOCK, of="D's blocks", path=path)
    arguments.check(given["epilogue_kwargs"], arguments.EPILOGUE, of="D's last layers", path=path)
    mapping, table = given["mapping_kwargs"], arguments.DISCRIMINATOR_MAPPING
    if conditional and arguments.is_whole(mapping.get("num_layers", 8), 0, 0):  # only the embedding is there
        free = {key: mapping[key] for key in ("layer_features", "activation", "lr_multiplier") if key in mapping}
        arguments.without_effect(free, table, of="D's mapping", path=path)
        arguments.check(
            {key: value for key, value in mapping.items() if key not in free},
            table,
            of="D's mapping",
            path=path,
            facts=facts,
        )
    elif conditional:
        arguments.check(mapping, table, of="D's mapping", path=path, facts=facts)
    else:
        arguments.without_effect(mapping, table, of="D's mapping", path=path)
    alike = {
        "c_dim": data.classes,
        "img_resolution": data.size,
        "img_channels": data.channels,
        "channel_base": settings["maps_base"],
        "channel_max": settings["maps_most"],
    }
    for key, expected in alike.items():
        found = given.get(key, {"channel_base": 32768, "channel_max": 512}.get(key))
        if found != expected:
            raise CheckpointError(
                f"{path}: D has {key} = {found!r} and G {expected!r}; one for both is expected.",
            )
    clamp = _clamp(given, network, _laid_out(generator, "G", path)[1], path)
    group = given["epilogue_kwargs"].get("mbstd_group_size", 4)
    residual, layers = given.get("architecture", "resnet") == "resnet", mapping.get("num_layers", 8)
    _check_filters(network, "D", path)
    _check_attributes(network, _of_discriminator(clamp, group, layers, residual), "D", path)
    return {
        "residual": residual,
        "group": group or 0,
        "discriminator_mapping_layers": layers,
        "discriminator_clamp": float(clamp or 0),
    }


def _shapes(network: Network) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in network.state.items()}


def _check_filters(network: Network, name: str, path: Path) -> None:
    for key, tensor in network.state.items():
        if key.endswith(_FILTER) and not (
            tensor.shape == low_pass().shape and torch.allclose(tensor.float(), low_pass(), rtol=0, atol=1e-6)
        ):
            raise CheckpointError(
                f"{path}: {name}'s {key} is another low-pass filter than that of [1, 3, 3, 1], which is computed here."
            )


_LEAKY = {"activation": "lrelu", "act_gain": math.sqrt(2)}
_Expected = Iterator[tuple[re.Pattern[str], Mapping[str, Any]]]


def _of_generator(clamp: Any, noisy: bool, layers: int, multiplier: float) -> _Expected:
    """Modules by pattern of their names, and the attributes that the arguments would have given them.

    weight_gain is divided by the root of what one output of the weight reads.
    """
    yield from _of_mapping(layers, multiplier)
    yield re.compile(r"synthesis\.b\d+"), {"architecture": "skip"}
    yield re.compile(r"synthesis\.b\d+\.conv[01]"), {**_LEAKY, "conv_clamp": clamp, "use_noise": noisy}
    yield re.compile(r"synthesis\.b\d+\.conv0"), {"up": 2}
    yield re.compile(r"synthesis\.b\d+\.conv1"), {"up": 1}
    yield re.compile(r"synthesis\.b\d+\.torgb"), {"conv_clamp": clamp, "weight_gain": 1.0}
    yield re.compile(r"synthesis\.b\d+\.\w+\.affine"), {"activation": "linear", "bias_gain": 1.0, "weight_gain": 1.0}


def _of_discriminator(clamp: Any, group: Any, layers: int, residual: bool) -> _Expected:
    yield from _of_mapping(layers, 0.01)
    yield re.compile(r"b\d+"), {"architecture": "resnet" if residual else "orig"}
    yield re.compile(r"b\d+\.(fromrgb|conv[01]|conv)"), {**_LEAKY, "conv_clamp": clamp, "weight_gain": 1.0}
    yield re.compile(r"b\d+\.(conv1|skip)"), {"down": 2}
    yield re.compile(r"b\d+\.(fromrgb|conv0|conv)"), {"down": 1}
    yield re.compile(r"b\d+\.skip"), {"activation": "linear", "act_gain": 1.0, "conv_clamp": None, "weight_gain": 1.0}
    yield re.compile(r"b4\.mbstd"), {"group_size": group, "num_channels": 1}
    yield re.compile(r"b4\.fc"), {"activation": "lrelu", "bias_gain": 1.0, "weight_gain": 1.0}
    yield re.compile(r"b4\.out"), {"activation": "linear", "bias_gain": 1.0, "weight_gain": 1.0}


def _of_mapping(layers: int, multiplier: float) -> _Expected:
    yield re.compile(r"mapping"), {"num_layers": layers}
    yield re.compile(r"mapping\.embed"), {"activation": "linear", "bias_gain": 1.0, "weight_gain": 1.0}
    yield re.compile(r"mapping\.fc\d+"), {"activation": "lrelu", "bias_gain": multiplier, "weight_gain": multiplier}


def _check_attributes(network: Network, expected: _Expected, name: str, path: Path) -> None:
    """What a module is, if the pickle says it, against its arguments: the original runs on the attributes."""
    for pattern, attributes in expected:
        for place, found in network.attributes.items():
            if not pattern.fullmatch(place):
                continue
            wanted, weight = dict(attributes), network.state.get(f"{place}.weight")
            if "weight_gain" in wanted and weight is not None and weight.ndim > 1 and weight.numel():
                wanted["weight_gain"] /= math.sqrt(weight[0].numel())
            for key, value in wanted.items():
                if key in found and not _agree(found[key], value):
                    raise CheckpointError(
                        f"{path}: {name}'s {place} has {key} = {found[key]!r}, where its arguments, and what is "
                        f"computed here, say {value!r}."
                    )


def _agree(found: Any, expected: Any) -> bool:
    if arguments.is_number(found, -math.inf) and arguments.is_number(expected, -math.inf):
        return math.isclose(found, expected, rel_tol=1e-5)
    return found is expected or found == expected
