"""Reads AdaIN's two files, and the networks of pytorch/examples' fast neural style.

vgg_normalised.pth   0.weight (3, 3, 1, 1), 2.weight (64, 3, 3, 3), ... 29.weight, and further layers, left out
decoder.pth          1.weight (256, 512, 3, 3), 5, 8, 11, 14, 18, 21, 25, 28.weight (3, 64, 3, 3)
MODEL.pth            conv1.conv2d.weight, in1.weight, res1.conv1.conv2d.weight, ... deconv3.conv2d.bias; of an old
                     torch also running statistics of its instance norms, which mean nothing
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ganzoo import DataInfo, Picture
from ganzoo.architecture.foreign_weights import ForeignWeights, load_tensors
from ganzoo.architecture.perceptual import MEAN, STD
from ganzoo.errors import CheckpointError, RequestError, first_few, shell_word

_CONVOLUTIONS = (0, 2, 5, 9, 12, 16, 19, 22, 25, 29)
"""Of the encoder, up to relu4_1."""

_TORCHVISION = (0, 2, 5, 7, 10, 12, 14, 16, 19)
"""The same but for the first in torchvision's VGG19."""

_DECODER = (1, 5, 8, 11, 14, 18, 21, 25, 28)
_SIZE = 256
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def read_adain(files: Sequence[Path]) -> ForeignWeights:
    """Encoder and decoder, in any order. Raises RequestError for one alone, CheckpointError for other files."""
    found: dict[str, tuple[Path, dict[str, Tensor]]] = {}
    for path in files:
        tensors = load_tensors(path)
        kind = "decoder" if _is_decoder(tensors) else "encoder" if "29.weight" in tensors else ""
        if not kind:
            raise CheckpointError(
                f"{path} is neither AdaIN's encoder nor its decoder: it has {first_few(sorted(tensors))}."
            )
        if kind in found:
            raise RequestError(f"{found[kind][0].name} and {path.name} are both the {kind}.")
        found[kind] = path, tensors
    if len(found) != 2:
        raise RequestError(
            f"AdaIN paints with an encoder and a decoder, and {', '.join(found) or 'nothing'} is given.",
            hint="ganzoo import vgg_normalised.pth decoder.pth --as adain --out RUN",
        )
    path, decoder = found["decoder"]
    widths = tuple(decoder[f"{place}.weight"].shape[1] for place in (28, 18, 5, 1))
    encoder = _encoder(found["encoder"][1], found["encoder"][0], widths)
    return ForeignWeights(
        settings={"widths": widths, "encoder": ""},
        data=_coloured("source", "target"),
        state={
            **{f"decoder.{name}": tensor for name, tensor in decoder.items()},
            **{f"encoder.{name}": tensor for name, tensor in encoder.items()},
            "encoder_known": torch.ones((), dtype=torch.bool),
        },
        notes=[f"{found['encoder'][0].name}: what lies behind relu4_1 is left out, as it paints nothing"],
    )


def _is_decoder(tensors: Mapping[str, Tensor]) -> bool:
    return {f"{n}.weight" for n in _DECODER} | {f"{n}.bias" for n in _DECODER} == set(tensors)


def read_encoder(path: Path, widths: Sequence[int]) -> dict[str, Tensor]:
    """The state of `networks.Encoder` of AdaIN's file, or of torchvision's VGG19.

    Raises CheckpointError for another file, or other widths.
    """
    return _encoder(load_tensors(path), path, widths)


def _encoder(tensors: Mapping[str, Tensor], path: Path, widths: Sequence[int]) -> dict[str, Tensor]:
    if "features.0.weight" in tensors or ("0.weight" in tensors and tensors["0.weight"].shape[2:] == (3, 3)):
        plain = {name.removeprefix("features."): tensor for name, tensor in tensors.items()}
        if "34.weight" not in plain or "1.running_mean" in plain:
            raise CheckpointError(f"{path} is a VGG, and not VGG19 without batch norm.")
        state = {
            "0.weight": torch.diag(1 / torch.tensor(STD))[:, :, None, None],
            "0.bias": -torch.tensor(MEAN) / torch.tensor(STD),
        }  # ImageNet's normalisation, as a convolution
        for ours, theirs in zip(_CONVOLUTIONS[1:], _TORCHVISION, strict=True):
            state |= {f"{ours}.{key}": plain[f"{theirs}.{key}"] for key in ("weight", "bias")}
    else:
        wanted = [f"{place}.{key}" for place in _CONVOLUTIONS for key in ("weight", "bias")]
        if missing := [name for name in wanted if name not in tensors]:
            raise CheckpointError(f"{path} lacks {first_few(missing)}, which AdaIN's encoder has.")
        state = {name: tensors[name] for name in wanted}
    found = [state[f"{place}.weight"].shape[0] for place in (2, 9, 16, 29)]
    if found != list(widths):
        raise CheckpointError(
            f"{path} has {found} feature maps, and {list(widths)} are wanted.",
            hint=f"--set {shell_word(f'widths={found}')}",
        )
    return state


def read_fast_style(files: Sequence[Path]) -> ForeignWeights:
    """One TransformerNet. Raises RequestError for more files, CheckpointError for another."""
    if len(files) != 1:
        raise RequestError(f"fast-style reads one file, and {len(files)} are given.")
    (path,) = files
    tensors = load_tensors(path)
    state = {name: tensor for name, tensor in tensors.items() if not name.endswith(_STATISTICS)}
    wanted = [f"{name}.conv2d.weight" for name in ("conv1", "conv2", "conv3", "deconv1", "deconv2", "deconv3")]
    if missing := [name for name in wanted if name not in state]:
        raise CheckpointError(f"{path} is no TransformerNet: it lacks {first_few(missing)}.")
    blocks = max((int(name.split(".")[0][3:]) for name in state if name.startswith("res")), default=0)
    widths = [state[f"conv{number}.conv2d.weight"].shape[0] for number in (1, 2, 3)]
    dropped = len(tensors) - len(state)
    return ForeignWeights(
        settings={"widths": tuple(widths), "blocks": blocks},
        data=_coloured("real"),
        state={f"transformer.{name}": tensor for name, tensor in state.items()},
        notes=[f"{path.name}: {dropped} running statistics of instance norm left out: it normalises by instance"]
        if dropped
        else [],
    )


def _coloured(*domains: str) -> DataInfo:
    picture = Picture(channels=3, height=_SIZE, width=_SIZE)
    return DataInfo(dict.fromkeys(domains, picture))  # type: ignore[misc]
