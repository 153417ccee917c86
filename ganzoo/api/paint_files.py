"""Painting to files, as the command line asks for it: a grid, a table, a film, or a file each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.errors import RequestError, shell_word
from ganzoo.progress import ProgressListener
from ganzoo.sampling.captions import seeds_in_words
from ganzoo.sampling.latents import Latents
from ganzoo.sampling.model import Model
from ganzoo.sampling.names import check_picture_name, ends_like_a_picture
from ganzoo.sampling.pictures import MOST_PIXELS, Pictures
from ganzoo.sampling.stated import Numbers
from ganzoo.sampling.video import FPS, check_film_name, is_film
from ganzoo.scratch import ended_like_interrupted

_GRID, _STATIONS = 64, 4
_FRAMES = 48
_SEED_LIMIT = 2**32


@dataclass(frozen=True, kw_only=True, slots=True)
class PaintRequest:
    """What is to be painted, and where: each as the option of that name of `ganzoo sample` says."""

    out: Path
    count: int | None = None
    seed: int | None = None
    seeds: Sequence[int] | None = None
    each: bool = False
    kind: str | None = None
    columns: int | None = None
    label: str | None = None
    names: bool = False
    edges: bool = False
    values: Mapping[str, Numbers] | None = None
    cutoff: int | None = None
    mix: Sequence[int] | None = None
    layers: Sequence[int] | None = None
    latents: Path | None = None
    move: Mapping[int, float] | None = None
    directions: Path | None = None
    walk: int | None = None
    fps: float | None = None
    codec: str | None = None
    ease: bool = False
    captions: bool = False

    @property
    def is_film(self) -> bool:
        return self.walk is not None or is_film(self.out)

    def check(self) -> None:
        """Raises RequestError for things that do not go together."""
        forms = {"--walk": self.is_film, "--mix": self.mix is not None, "--each": self.each}
        if len(stated := [name for name, value in forms.items() if value]) > 1:
            raise RequestError(f"{' and '.join(stated)} are two things; state one.")
        needs: dict[str, tuple[object, bool, str]] = {
            "--kind": (self.kind, self.each, "--each"),
            "--fps": (self.fps, self.is_film, "--walk"),
            "--codec": (self.codec, self.is_film, "--walk"),
            "--ease": (self.ease, self.is_film, "--walk"),
            "--captions": (self.captions, self.is_film, "--walk"),
            "--layers": (self.layers, self.mix is not None or bool(self.move), "--mix or --move"),
            "--directions": (self.directions, bool(self.move), "--move"),
            "--names": (self.names, self.label is not None, "--label"),
        }
        for name, (value, there, partner) in needs.items():
            if value not in (None, False) and not there:
                raise RequestError(f"{name} goes with {partner}.")
        if self.edges and (self.is_film or self.each):
            raise RequestError("--edges goes with a grid of pictures.")
        if self.move and (self.mix is not None or self.each):
            raise RequestError("--move goes with a grid of pictures, or with --walk.")
        if self.latents is not None and self.each:
            raise RequestError("--each paints seeds; --latents are painted into a grid.")
        if self.seeds is not None and (self.seed is not None or self.count is not None):
            raise RequestError("--seeds names every seed; --seed and --count do not go with it.")
        if self.each:
            if ends_like_a_picture(self.out) or is_film(self.out):
                raise RequestError(f"{self.out} is no folder.", hint="--each writes into one: -o pictures/")
        elif self.is_film:
            check_film_name(self.out, self.codec)
        elif not ends_like_a_picture(self.out):
            check_picture_name(self.out)

    def chosen(self) -> Sequence[int]:
        """The seeds; none beside latents where none are stated."""
        if self.seeds is not None:
            return self.seeds
        stated = self.seed is not None or self.count is not None
        if self.latents is not None and not stated:
            return ()
        first = self.seed or 0
        usual = _STATIONS if self.is_film or self.mix is not None else _GRID
        last = first + (self.count or usual)
        if last > _SEED_LIMIT:
            raise RequestError(f"The seeds {first} to {last - 1}: expected seeds below {_SEED_LIMIT}.")
        return range(first, last)


def paint_files(model: Model, request: PaintRequest, *, progress: ProgressListener) -> tuple[str, dict[str, Any]]:
    """One line about what was written, and the same as JSON values. Raises what `Model.sample` and its like raise.

    SIGTERM and SIGHUP end it as Ctrl-C does: nothing half-written stays.
    """
    request.check()
    with ended_like_interrupted():
        return _paint(model, request, progress)


def _paint(model: Model, request: PaintRequest, progress: ProgressListener) -> tuple[str, dict[str, Any]]:
    seeds, out = request.chosen(), request.out
    choices: dict[str, Any] = {"label": request.label, "values": request.values, "cutoff": request.cutoff}
    latents = None if request.latents is None else Latents.load(request.latents)
    facts: dict[str, Any] = {"seeds": _in_words(seeds), "label": request.label, "values": dict(request.values or {})}
    if request.is_film:
        frames = model.save_walk(
            out, seeds, frames=request.walk or _FRAMES, fps=request.fps or FPS, codec=request.codec,
            ease=request.ease, captions=request.captions, latents=latents, move=request.move,
            directions=request.directions, layers=request.layers, progress=progress, **choices,
        )  # fmt: skip
        through = _through(seeds, latents)
        return f"{frames:,} pictures{model.origin} on a walk through {through}: {out}", {"pictures": frames, **facts}
    if request.each:
        table = model.save_each(out, seeds, kind=request.kind or "png", progress=progress, **choices)
        line = f"{len(seeds):,} pictures{model.origin}, {seeds_in_words(seeds)}: {out}, {table.name} lists them"
        return line, {"pictures": len(seeds), "table": str(table), **facts}
    _check_grid(model, len(seeds) if request.mix is None else (len(seeds) + 1) * (len(request.mix) + 1))
    if request.mix is not None:
        pictures = model.mix(seeds, request.mix, layers=request.layers, latents=latents, **choices)
        pictures.save(out, edges=request.edges)
        line = f"{_through(seeds, latents)}{model.origin} with the styles of {len(request.mix)}: {out}"
        return line, {"pictures": len(pictures), "mix": _in_words(request.mix), **facts}
    if request.edges and request.label is not None:
        pictures = _table(model, seeds, request, choices)
    else:
        moves: dict[str, Any] = {"move": request.move, "directions": request.directions, "layers": request.layers}
        pictures = model.sample(seeds or None, latents=latents, **moves, **choices)
    pictures.save(out, columns=request.columns, named=request.names, edges=request.edges)
    what = seeds_in_words(seeds) if seeds else f"of {shell_word(request.latents)}"
    return f"{len(pictures)} pictures{model.origin}, {what}: {out}", {"pictures": len(pictures), **facts}


def _check_grid(model: Model, count: int) -> None:
    """Raises RequestError for more pictures than one can hold, before any is painted."""
    if not model.paints:
        return  # which is told where it is asked to
    sides = [side for side in model.source.painters()[-1].outputs[0].shape[2:] if isinstance(side, int)]
    if count * math.prod(sides) > MOST_PIXELS:
        raise RequestError(
            f"{count:,} pictures of {'x'.join(map(str, sides))} make a grid that hardly a program opens.",
            hint="One file each: --each",
        )


def _table(model: Model, seeds: Sequence[int], request: PaintRequest, choices: dict[str, Any]) -> Pictures:
    """A row for each class, a column for each seed: the same seeds through all classes."""
    from ganzoo.sampling.noise import drawn_classes, labels_of, stated_classes

    specs = [spec for graph in model.source.painters() for spec in graph.inputs]
    count = stated_classes(request.label, specs, model.source.path)
    labels = labels_of(request.label, specs, count, model.source.path)
    assert labels is not None
    usual = len(seeds) if request.seeds is not None or request.count is not None else 8
    chosen = list(seeds)[:usual]
    indices = [int(label) for label in labels]
    given = {**choices, "label": [index for index in indices for _ in chosen]}
    pictures = model.sample(chosen * len(indices), **given)
    pictures.columns = len(chosen)
    named = [drawn_classes(model.source, [0], _only(index)) for index in indices]
    pictures.edges = ([one[0][1] or str(one[0][0]) for one in named], [f"seed {seed}" for seed in chosen])
    return pictures


def _only(index: int) -> Any:
    from ganzoo.sampling.noise import InputChoices

    return InputChoices(label=index)


def _through(seeds: Sequence[int], latents: Latents | None) -> str:
    parts = [f"{len(latents)} latents"] if latents is not None else []
    return " and ".join([*parts, *([f"{len(seeds)} seeds"] if seeds else [])])


def _in_words(seeds: Sequence[int]) -> Any:
    """A range by its ends, other seeds one by one."""
    if isinstance(seeds, range):
        return {"first": seeds[0], "count": len(seeds)}
    return list(seeds)
