"""The half of `ganzoo sample` that paints from noise: by seed, on a walk from seed to seed, with styles mixed.

Shapes: B pictures, Z latent, L layers, N numbers of a style, C channels, H, W.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.cli.pictures import Painted
from ganzoo.errors import RequestError, nearest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ganzoo.cli.models import Model, Painter

_LARGEST_SEED = 2**32 - 1
_MOST_SEEDS = 10_000


def parse_seeds(text: str) -> list[int]:
    """`0-15,20`. Raises RequestError."""
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        ends = (first, last) if dash else (first, first)
        if not all(end.isdecimal() and int(end) <= _LARGEST_SEED for end in ends) or int(ends[1]) < int(ends[0]):
            raise RequestError(f"--seeds {text!r} is not of the form 0-15,20: whole numbers up to {_LARGEST_SEED}.")
        if len(seeds) + int(ends[1]) - int(ends[0]) >= _MOST_SEEDS:
            raise RequestError(f"--seeds {text!r} are more than {_MOST_SEEDS:,}.")
        seeds += range(int(ends[0]), int(ends[1]) + 1)
    return seeds


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """What the user states of the inputs. label: classes in turn, or None. values: numbers by input."""

    label: str | None = None
    values: Sequence[str] = ()


def paint(model: Model, seeds: Sequence[int], chosen: Chosen | None = None) -> Painted:
    """One picture for each seed, label by label in turn.

    Raises RequestError for labels or inputs that are not there.
    """
    import numpy as np

    painters = _ways(model)[0]
    batches = [_through(painters, arrays) for arrays in _inputs(painters[0], seeds, chosen or Chosen(), model.path)]
    spec = painters[-1].outputs[0]
    return Painted(pixels=np.concatenate(batches), low=spec.low, high=spec.high)


def walk(model: Model, seeds: Sequence[int], frames: int, chosen: Chosen) -> Iterator[Painted]:
    """Batches of `frames` pictures for each seed, on a closed way through all of them.

    Between styles where the generator has two halves, else on the sphere between latents.
    Raises RequestError for a single seed, or inputs that cannot be gone between.
    """
    import numpy as np

    if len(seeds) < 2:
        raise RequestError("A walk goes from seed to seed: state two or more.", hint="For example --seeds 0-4")
    whole, halves = _ways(model)
    count = len(seeds) * frames
    if halves is not None:
        mapping, synthesis = halves
        parts = [mapping.run(arrays)[0] for arrays in _inputs(mapping, seeds, chosen, model.path)]
        stations, painter, fixed, between = np.concatenate(parts), synthesis, [], _straight
    else:
        (painter,) = whole
        stations, *fixed = [
            np.concatenate(column) for column in zip(*_inputs(painter, seeds, chosen, model.path), strict=True)
        ]
        if painter.inputs[0].draw != "normal" or any((array != array[:1]).any() for array in fixed):
            names = ", ".join(spec.name for spec in painter.inputs)
            raise RequestError(
                f"{model.path} takes {names}, and a walk goes between latents.",
                hint="State the others: one --label, one --value each.",
            )
        between = _great_circle
    from ganzoo.cli.models import BATCH

    spec = painter.outputs[0]
    for start in range(0, count, BATCH):
        places = [divmod(number, frames) for number in range(start, min(start + BATCH, count))]
        rows = [between(stations[at], stations[(at + 1) % len(stations)], _eased(step / frames)) for at, step in places]
        others = [np.repeat(array[:1], len(rows), 0) for array in fixed]
        yield Painted(pixels=painter.run([np.stack(rows), *others])[0], low=spec.low, high=spec.high)


def mix(model: Model, rows: Sequence[int], columns: Sequence[int], layers: Sequence[int], chosen: Chosen) -> Painted:
    """A grid: pictures of `rows` down the side, of `columns` along the top, and inside, rows with the columns' styles.

    layers: which take the column's style. Raises RequestError for a generator without styles, or layers it has not.
    """
    import numpy as np

    _, halves = _ways(model)
    if halves is None:
        raise RequestError(
            f"{model.path} has no styles to mix.",
            hint="Styles are what one graph gives and another paints: a run of such an architecture, or "
            "`ganzoo sample mapping.onnx synthesis.onnx`.",
        )
    mapping, synthesis = halves
    if any(layer >= layer_count(model) for layer in layers):
        raise RequestError(f"--layers: {model.path} has the layers 0 to {layer_count(model) - 1}.")
    sides = [
        np.concatenate([mapping.run(arrays)[0] for arrays in _inputs(mapping, side, chosen, model.path)])
        for side in (rows, columns)
    ]
    down, along = sides
    spec = synthesis.outputs[0]

    def painted(styles: NDArray[Any]) -> NDArray[Any]:
        from ganzoo.cli.models import BATCH

        parts = [synthesis.run([styles[start : start + BATCH]])[0] for start in range(0, len(styles), BATCH)]
        return np.concatenate(parts)

    top = painted(along)
    blank = np.full_like(top[:1], spec.high)
    lines = [np.concatenate([blank, top])]
    for one in down:
        mixed = np.repeat(one[None], len(along), 0)
        mixed[:, list(layers)] = along[:, list(layers)]
        lines.append(painted(np.concatenate([one[None], mixed])))
    return Painted(pixels=np.concatenate(lines), low=spec.low, high=spec.high)


def layer_count(model: Model) -> int:
    """How many styles a picture is painted from; 0 for a generator without."""
    _, halves = _ways(model)
    layers = halves[1].inputs[0].shape[1] if halves is not None else 0
    return layers if isinstance(layers, int) else 0


def _ways(model: Model) -> tuple[tuple[Painter, ...], tuple[Painter, Painter] | None]:
    """What paints pictures from noise, in order; and the two halves, noise to styles to pictures, if there are such."""
    pictures = [painter for painter in model.painters if painter.outputs[0].draw == "image"]
    halves = next(
        (
            (first, second)
            for second in pictures
            for first in model.painters
            if len(second.inputs) == 1
            and first.outputs[0].name == second.inputs[0].name
            and len(second.inputs[0].shape) == 3
        ),
        None,
    )
    if pictures and (halves is None or pictures[0] is not halves[1]):
        return (pictures[0],), halves
    if halves is not None:
        return halves, halves
    raise RequestError(
        f"{model.path} paints no pictures: it gives {', '.join(spec.name for spec in model.painters[0].outputs)}.",
        hint="Name the file that paints them beside it: ganzoo sample mapping.onnx synthesis.onnx -o grid.png",
    )


def _through(painters: Sequence[Painter], arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The first output of the last painter, each given what the one before it made."""
    for painter in painters:
        arrays = painter.run(arrays)[:1]
    return arrays[0]


def _inputs(painter: Painter, seeds: Sequence[int], chosen: Chosen, path: Path) -> Iterator[list[NDArray[Any]]]:
    """The inputs of a painter, batch by batch: stated, usual or drawn."""
    from ganzoo.cli.models import BATCH

    labels, stated = _labels(chosen.label, painter, len(seeds), path), _values(chosen.values, painter, path)
    for start in range(0, len(seeds), BATCH):
        part = seeds[start : start + BATCH]
        yield [
            labels[start : start + len(part)]
            if labels is not None and spec.draw == "class"
            else spec.stated(stated[spec.name], len(part))
            if spec.name in stated
            else spec.chosen(part)
            for spec in painter.inputs
        ]


def _eased(share: float) -> float:
    """0 to 1 with no speed at either end, so that a walk does not turn sharply at its seeds."""
    return (1 - math.cos(math.pi * share)) / 2


def _straight(first: NDArray[Any], second: NDArray[Any], share: float) -> NDArray[Any]:
    mixed: NDArray[Any] = (first + share * (second - first)).astype(first.dtype)
    return mixed


def _great_circle(first: NDArray[Any], second: NDArray[Any], share: float) -> NDArray[Any]:
    """Between two latents without leaving the shell on which a normal distribution lies."""
    import numpy as np

    cosine = float(np.vdot(first, second) / (np.linalg.norm(first) * np.linalg.norm(second)))
    angle = math.acos(max(-1.0, min(1.0, cosine)))
    if math.sin(angle) < 1e-6:
        return _straight(first, second, share)
    weights = math.sin((1 - share) * angle) / math.sin(angle), math.sin(share * angle) / math.sin(angle)
    mixed: NDArray[Any] = (weights[0] * first + weights[1] * second).astype(first.dtype)
    return mixed


def _values(texts: Sequence[str], painter: Painter, path: Path) -> dict[str, float]:
    """Numbers by input. Raises RequestError for an input that is not there, or is no single number."""
    able = [spec.name for spec in painter.inputs if len(spec.shape) == 1 and spec.draw != "class"]
    values: dict[str, float] = {}
    for text in texts:
        name, equals, number = text.partition("=")
        try:
            values[name] = float(number)
        except ValueError:
            equals = ""
        if not equals:
            raise RequestError(f"--value {text!r} is not of the form NAME=NUMBER.")
        if name not in able:
            raise RequestError(
                f"{path} has no input {name!r} that is a number.{nearest(name, able)} "
                f"It has: {', '.join(able) or 'none'}."
            )
    return values


def _labels(text: str | None, painter: Painter, count: int, path: Path) -> NDArray[np.int64] | None:
    """One class index per picture, (count,), in turn. Raises RequestError for classes that are not there."""
    import numpy as np

    if text is None:
        return None
    classes = next((spec.classes for spec in painter.inputs if spec.draw == "class"), 0)
    if not classes:
        raise RequestError(f"{path} takes no labels: its generator is not class-conditional.")
    parts = [str(number) for number in range(classes)] if text == "all" else text.split(",")
    if not all(part.strip().isdecimal() and int(part) < classes for part in parts):
        raise RequestError(
            f"--label {text!r}: expected class indices from 0 to {classes - 1}, separated by commas, or all."
        )
    return np.resize(np.array([int(part) for part in parts], dtype=np.int64), count)
