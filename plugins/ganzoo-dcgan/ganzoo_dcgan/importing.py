"""Reads the two networks that the DCGAN of pytorch/examples saves: bare state dicts of one sequence named `main`.

Shapes: Z latent, C channels, G and D the widths of generator and discriminator.

    main.0.weight       generator (Z, 8 G, 4, 4), discriminator (D, C, 4, 4)
    main.12.weight      generator alone, (G, C, 4, 4)
    main.11.weight      discriminator alone, (1, 8 D, 4, 4)

Both paint and judge 64x64 pictures; layers stand in the order of ours. Its discriminator ends in a sigmoid, which has
no weights: ours gives the logit before it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo import DataInfo
from ganzoo.architecture.foreign_weights import ForeignWeights, load_tensors
from ganzoo.errors import CheckpointError, RequestError

_SIZE = 64
_PLAYERS = {"generator": "netG", "discriminator": "netD"}
_WIDER = 8  # times as many feature maps at 4x4 as next to the picture


def read_dcgan(files: Sequence[Path]) -> ForeignWeights:
    """netG, and netD if there is one, in any order.

    Raises CheckpointError for other files, RequestError for two of one player, or for no generator.
    """
    found: dict[str, tuple[Path, dict[str, Tensor]]] = {}
    for path in files:
        tensors = load_tensors(path)
        player = _player(tensors, path)
        for name in [name for name in tensors if name.endswith(".running_mean")]:  # PyTorch before 0.4.1 did not count
            counter = name.replace(".running_mean", ".num_batches_tracked")
            tensors.setdefault(counter, torch.zeros((), dtype=torch.int64))
        if player in found:
            raise RequestError(
                f"{found[player][0].name} and {path.name} are both {_PLAYERS[player]}; a run has one of each."
            )
        found[player] = path, tensors
    if "generator" not in found:
        raise RequestError(
            f"{files[0].name} is netD, a discriminator, and a run without a generator paints nothing.",
            hint="Name the file of netG as well: ganzoo import netG_epoch_24.pth netD_epoch_24.pth --as dcgan "
            "--out RUN",
        )
    settings, channels = _generator(found["generator"][1])
    if channels not in (1, 3):
        raise CheckpointError(
            f"{found['generator'][0]} paints pictures of {channels} channels; expected 1 (grey) or 3 (colour)."
        )
    notes: list[str] = []
    if "discriminator" in found:
        path, tensors = found["discriminator"]
        first = tensors["main.0.weight"]
        if first.shape[1] != channels:
            raise RequestError(
                f"{path.name} judges pictures of {first.shape[1]} channels, and {found['generator'][0].name} paints "
                f"{channels}.",
                hint="Name the two files of one training.",
            )
        settings["discriminator_width"] = first.shape[0]
        notes.append(f"{path.name}: the sigmoid at its end is left out; what a discriminator gives here is the logit")
    state = {
        f"{player}.layers.{name.removeprefix('main.')}": tensor
        for player, (_, tensors) in found.items()
        for name, tensor in tensors.items()
    }
    return ForeignWeights(
        settings=settings,
        data=DataInfo(channels=channels, size=_SIZE),
        state=state,
        average={"generator": _of_the_generator(state)},  # that code keeps no average: what it trained is sampled
        notes=notes,
    )


def _player(tensors: Mapping[str, Tensor], path: Path) -> str:
    """Raises CheckpointError for what is neither."""
    for player, last in (("generator", "main.12.weight"), ("discriminator", "main.11.weight")):
        convolutions = [tensors[name] for name in ("main.0.weight", last) if name in tensors]
        fitting = len(convolutions) == 2 and all(weight.shape[2:] == (4, 4) for weight in convolutions)
        if fitting and all(name.startswith("main.") for name in tensors):
            return player
    raise CheckpointError(
        f"{path} is neither netG nor netD of the DCGAN of pytorch/examples at {_SIZE}x{_SIZE}; its first tensors: "
        f"{', '.join(list(tensors)[:4]) or 'none'}.",
        hint="Expected main.0.weight, and main.12.weight of a generator or main.11.weight of a discriminator, all 4x4.",
    )


def _generator(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Any], int]:
    """The settings, and how many channels it paints. Shapes that contradict them are found when it is built."""
    first, last = tensors["main.0.weight"], tensors["main.12.weight"]
    return {"latent_size": first.shape[0], "width": max(1, first.shape[1] // _WIDER)}, last.shape[1]


def _of_the_generator(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    prefix = "generator."
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
