"""What the networks will see: the pictures of the first steps, cut, mirrored, with their labels, and augmented."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from ganzoo.architecture import Batch, Pair
from ganzoo.data.pictures import to_uint8
from ganzoo.data.sheets import by_class, named_rows
from ganzoo.datainfo import size_text
from ganzoo.keys import derive_key
from ganzoo.nn.adaptive import AdaptiveAugment
from ganzoo.nn.augmentation import Augmentation
from ganzoo.training.trainer import Trainer

_PICTURES = 64
_IN_A_ROW = 8
_MOST_STEPS = 64
_PROBABILITY = 0.5  # of ADA, which begins with 0 and finds its own


def preview(trainer: Trainer) -> Image.Image:
    """A sheet whose rows are named: classes, or source and target; and what an augmentation makes of the first."""
    batches = list(_batches(trainer))
    if isinstance(batches[0], Pair):
        return named_rows([(name, _together(batches, name)[:_IN_A_ROW]) for name in ("source", "target")])
    pictures = _together(batches, "real")
    condition = trainer.run.data.condition
    if condition is not None and condition.kind == "class":
        labels = _together(batches, "label")
        rows = by_class(pictures, labels, condition.names)
    else:
        options, shown = trainer.run.config.data, trainer.run.data.picture
        name = f"{options.fit} to {size_text(shown.height, shown.width)}"
        rows = [
            (name if not start else "", pictures[start : start + _IN_A_ROW])
            for start in range(0, min(len(pictures), 4 * _IN_A_ROW), _IN_A_ROW)
        ]
    return named_rows([*rows, *_augmented(trainer, pictures[:_IN_A_ROW])])


def _batches(trainer: Trainer) -> Iterator[Batch | Pair]:
    """Of the first steps, until there are enough."""
    count = 0
    with trainer.feed() as feed:
        for step in range(_MOST_STEPS):
            batch = feed.reals(step).shared
            yield batch
            count += len(batch.real) if isinstance(batch, Batch) else len(batch.target)
            if count >= _PICTURES:
                return


def _together(batches: list[Any], name: str) -> NDArray[Any]:
    return np.concatenate([getattr(batch, name).cpu().numpy() for batch in batches])


def _augmented(trainer: Trainer, pictures: NDArray[np.uint8]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    augment = getattr(trainer.engine.architecture, "augmentation", None)
    if not isinstance(augment, Augmentation):
        return
    key = derive_key(trainer.run.config.train.seed, "preview")
    draws = np.random.RandomState(key & 0xFFFFFFFF).random_sample((2 * len(pictures), augment.columns))
    device = trainer.engine.device
    images = torch.from_numpy(np.concatenate([pictures, pictures])).to(device).float() / 127.5 - 1
    name = "augmented"
    if isinstance(augment, AdaptiveAugment):
        kept = augment.probability.clone()
        augment.probability.fill_(_PROBABILITY)
        name = f"ada, p = {_PROBABILITY:g}"
    try:
        with torch.no_grad():
            shown = to_uint8(augment(images, torch.from_numpy(draws).float().to(device)).cpu().numpy())
    finally:
        if isinstance(augment, AdaptiveAugment):
            augment.probability.copy_(kept)
    yield name, shown[: len(pictures)]
    yield "", shown[len(pictures) :]
