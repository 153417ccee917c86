"""Recipes: what is done to a good picture to make its partner, step by step, as users write it.

    blur:0.5-2,noise:1-25,jpeg:30-95        each number is drawn anew for each picture; jpeg:75 is always 75
    gray                                    its colours are gone: learn to colour
    holes:0.1-0.3                           boxes of magenta: learn to fill them in
    blur:1-3@0.5                            done to half of the pictures
    second-order                            all of Real-ESRGAN's (arXiv:2107.10833)

Where pictures shall be enlarged, `down` makes the partner so many times smaller. Where it is not said when, that is
behind the blurs that a recipe begins with, as a camera blurs before it counts pixels.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from numpy.random import RandomState
from torch import Tensor

from ganzoo.data.degradation import steps
from ganzoo.data.degradation.second_order import second_order
from ganzoo.errors import RequestError, did_you_mean

_PART = re.compile(r"([a-z-]+)(?::([a-z]+|[0-9.]+(?:-[0-9.]+)?))?(?:@([0-9.]+))?")
_FILTERS = ("bicubic", "bilinear", "nearest", "area")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One step that there is. usual, least, most: of its number; None where it has none. meaning: in a line."""

    run: Callable[[Tensor, float, RandomState], Tensor]
    meaning: str
    usual: tuple[float, float] | None = None
    least: float = 0.0
    most: float = 0.0


KINDS: Mapping[str, Kind] = {
    "blur": Kind(
        run=lambda picture, number, random: steps.blurred(picture, number),
        meaning="Gaussian blur, sigma in pixels",
        usual=(0.2, 3.0),
        most=32,
    ),
    "noise": Kind(
        run=steps.with_noise,
        meaning="Gaussian noise, sigma in levels of 255",
        usual=(1.0, 30.0),
        most=255,
    ),
    "shot": Kind(
        run=steps.with_shot_noise,
        meaning="Poisson noise, how strong; 1 is that of the picture's own levels",
        usual=(0.05, 3.0),
        most=100,
    ),
    "jpeg": Kind(
        run=lambda picture, number, random: steps.as_jpeg(picture, round(number)),
        meaning="JPEG, quality",
        usual=(30.0, 95.0),
        least=1,
        most=100,
    ),
    "gray": Kind(run=lambda picture, number, random: steps.grey(picture), meaning="colours taken away"),
    "holes": Kind(
        run=steps.with_holes,
        meaning="boxes of magenta, share of the area",
        usual=(0.05, 0.25),
        most=0.9,
    ),
}
DOWN, SECOND_ORDER = "down", "second-order"


@dataclass(frozen=True, slots=True)
class Part:
    """One step of a recipe. low, high: its number is drawn between. share: of the pictures it is done to."""

    name: str
    low: float = 0.0
    high: float = 0.0
    share: float = 1.0
    filter: str = "bicubic"


@dataclass(frozen=True, slots=True)
class Recipe:
    """parts: in order, one `down` or `second-order` among them. scale: how many times smaller the partner is."""

    text: str
    parts: tuple[Part, ...]
    scale: int

    def partner(self, picture: Tensor, random: RandomState) -> Tensor:
        """(C, s H, s W) uint8 -> (C, H, W) uint8. What is drawn depends on the generator alone."""
        height, width = (side // self.scale for side in picture.shape[1:])
        made = picture.to(torch.float32) / 255
        for part in self.parts:
            # Drawn whether it is used or not, so that one step's luck does not move the others'.
            number, lucky = random.uniform(part.low, part.high), random.uniform() < part.share
            own = RandomState(random.randint(2**31))
            if part.name == DOWN:
                made = steps.resized(made, (height, width), part.filter)
            elif part.name == SECOND_ORDER:
                made = second_order(made, (height, width), own)
            elif lucky:
                made = KINDS[part.name].run(made, number, own)
        return (made.clamp(0, 1) * 255).round().to(torch.uint8)


def parse_recipe(text: str, scale: int) -> Recipe:
    """Raises RequestError for a step that there is not, or a number that it does not take."""
    parts = [_part(item) for item in re.split(r"[,\s]+", text.strip()) if item]
    names = [part.name for part in parts]
    if not parts:
        raise RequestError("data.degrade is empty.", hint=f"For example {_example(scale)}")
    if SECOND_ORDER in names and len(names) > 1:
        raise RequestError(
            f"data.degrade = {text!r}: second-order is a whole recipe, and stands alone.",
            hint="--set data.degrade=second-order",
        )
    if names.count(DOWN) > 1:
        raise RequestError(
            f"data.degrade = {text!r}: down stands in it twice; a partner has one size.",
            hint=f"For example {_example(scale)}",
        )
    if SECOND_ORDER not in names and DOWN not in names and scale > 1:
        place = next((place for place, name in enumerate(names) if name != "blur"), len(names))
        parts.insert(place, Part(DOWN))
    if scale == 1 and names == [DOWN]:
        raise RequestError(
            f"data.degrade = {text!r} and scale = 1: a picture's partner would be the picture.",
            hint=f"--set scale=4 enlarges; at scale 1, for example {_example(1)}",
        )
    return Recipe(text, tuple(parts), scale)


def _part(item: str) -> Part:
    found = _PART.fullmatch(item)
    name = found[1] if found else item.partition(":")[0].partition("@")[0]
    every = [*KINDS, DOWN, SECOND_ORDER]
    if name not in every:
        raise RequestError(
            f"data.degrade has a step {name!r}.{did_you_mean(name, every)} There are: {', '.join(every)}.",
            hint="docs/restoration.md says what each does.",
        )
    if found is None:
        raise RequestError(f"data.degrade has {item!r}.", hint=_how(name))
    share = _number(found[3], item, name) if found[3] else 1.0
    if not 0 < share <= 1 or (share < 1 and name in (DOWN, SECOND_ORDER)):
        raise RequestError(f"data.degrade has {item!r}: expected a share above 0, up to 1.", hint=_how(name))
    if name in (DOWN, SECOND_ORDER):
        chosen = found[2] or "bicubic"
        if (name == SECOND_ORDER and found[2]) or chosen not in _FILTERS:
            raise RequestError(f"data.degrade has {item!r}.", hint=_how(name))
        return Part(name, filter=chosen)
    kind = KINDS[name]
    if kind.usual is None:
        if found[2]:
            raise RequestError(f"data.degrade has {item!r}, and {name} takes no number.", hint=_how(name))
        return Part(name, share=share)
    low, high = kind.usual
    if found[2]:
        ends = [_number(end, item, name) for end in found[2].split("-")]
        low, high = ends[0], ends[-1]
    if not kind.least <= low <= high <= kind.most:
        raise RequestError(
            f"data.degrade has {item!r}: expected {kind.least:g} to {kind.most:g}, the lower first.", hint=_how(name)
        )
    return Part(name, low, high, share)


def _number(text: str, item: str, name: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise RequestError(f"data.degrade has {item!r}: {text!r} is no number.", hint=_how(name))
    return number


def _how(name: str) -> str:
    if name == SECOND_ORDER:
        return "second-order stands alone and takes nothing."
    if name == DOWN:
        return f"down, or down:{'|'.join(_FILTERS)}"
    kind = KINDS[name]
    if kind.usual is None:
        return f"{name} ({kind.meaning}), or {name}@0.5 for half of the pictures"
    low, high = kind.usual
    return f"{name}:{low:g}-{high:g} ({kind.meaning}), one number, or {name}@0.5 for half of the pictures"


def _example(scale: int) -> str:
    recipe = "blur:0.5-2,noise:1-10,jpeg:60-95" if scale > 1 else "noise:5-30"
    return f"--set data.degrade={recipe}"
