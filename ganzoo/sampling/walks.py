"""Closed ways through stations, picture by picture."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import RequestError
from ganzoo.progress import Progress, ProgressListener
from ganzoo.sampling.graphs import BATCH, GraphSet
from ganzoo.sampling.interpolation import around_sphere, closed_curve
from ganzoo.sampling.noise import InputChoices
from ganzoo.sampling.pictures import PixelValues
from ganzoo.sampling.stations import Stations, check_layers, layer_count, stations_of
from ganzoo.sampling.values import how_to_state

if TYPE_CHECKING:
    from ganzoo.sampling.latents import Latents


@dataclass(frozen=True, kw_only=True, slots=True)
class Frames:
    """A part of a walk. names: of each frame, the station that it is at or comes from."""

    pictures: PixelValues
    names: Sequence[str]


def walk(source: GraphSet, seeds: Sequence[int], frames: int, choices: InputChoices) -> Iterator[PixelValues]:
    """Batches of `frames` pictures for each seed, on a closed way through all of them; see `walk_through`."""
    return (part.pictures for part in walk_through(walk_stations(source, seeds, choices), frames))


def walk_stations(
    source: GraphSet,
    seeds: Sequence[int],
    choices: InputChoices,
    *,
    latents: Latents | None = None,
    cutoff: int | None = None,
) -> Stations:
    """What a walk goes through. Raises RequestError for a single one, or inputs that cannot be gone between."""
    if len(seeds) + (len(latents) if latents is not None else 0) < 2:
        raise RequestError("A walk goes from seed to seed: state two or more.", hint="For example the seeds 0 to 4.")
    graphs = source.styles or source.painters()
    first = graphs[0].inputs[0]
    if first.kind != "normal":
        raise RequestError(
            f"{source.path} takes {first.name!r}, of kind {first.kind}, and a walk goes between latents."
        )
    stations = stations_of(source, seeds, choices, latents=latents, cutoff=cutoff)
    _check_steady(stations, source.path)
    return stations


def walk_through(stations: Stations, frames: int, *, ease: bool = False) -> Iterator[Frames]:
    """`frames` pictures from each station to the next, and from the last to the first, batch by batch.

    The way is a closed curve that does not turn sharply at its stations: between styles a Catmull-Rom spline, between
    latents one whose points keep the length that latents have. ease: come to rest at each station.
    """
    import numpy as np

    between = closed_curve if stations.has_styles else around_sphere
    count = len(stations) * frames
    for start in range(0, count, BATCH):
        places = [divmod(number, frames) for number in range(start, min(start + BATCH, count))]
        rows = np.stack([between(stations.rows, at, step / frames, ease=ease) for at, step in places])
        (pictures,) = stations.with_rows(rows.astype(stations.rows.dtype)).painted()
        yield Frames(pictures=pictures, names=[stations.names[at] for at, _ in places])


def counted(parts: Iterable[Frames], total: int, progress: ProgressListener) -> Iterator[Frames]:
    """The same, and the listener is told how far it is."""
    began, done = time.monotonic(), 0
    for part in parts:
        yield part
        done += len(part.names)
        left = (time.monotonic() - began) / done * (total - done)
        values = {"status": "painting"}
        progress.update(Progress(done=done, total=total, unit="frames", seconds_left=left, values=values))


def _check_steady(stations: Stations, path: Path) -> None:
    """Raises RequestError where inputs besides the rows change from station to station: those would jump."""
    changing = [
        spec
        for spec, array in zip(stations.graph.inputs[1:], stations.others, strict=True)
        if (array != array[:1]).any()
    ]
    if changing:
        raise RequestError(
            f"{path} takes {' and '.join(f'{spec.name!r}' for spec in changing)} besides, which would jump from seed "
            "to seed, and a walk goes between latents.",
            hint=f"State one for all pictures: {' '.join(how_to_state(spec) for spec in changing)}",
        )


def mix(
    source: GraphSet,
    rows: Sequence[int],
    columns: Sequence[int],
    layers: Sequence[int] | None,
    choices: InputChoices,
    *,
    latents: Latents | None = None,
    cutoff: int | None = None,
) -> tuple[PixelValues, Stations, Stations]:
    """A table: pictures of `rows` down the side, of `columns` along the top, and inside, rows with the columns' styles.

    latents: further rows, before those of seeds. layers: which take the column's style; the coarse half if None. Gives
    the stations of both too. Raises RequestError for a generator without styles, or layers that it has not.
    """
    import numpy as np

    known = layer_count(source)
    if not known:
        raise RequestError(
            f"{source.path} has no styles to mix.",
            hint="Styles are what one graph gives and another paints: a run of such an architecture, or "
            "`ganzoo sample mapping.onnx synthesis.onnx -o grid.png`.",
        )
    taken = list(range(known // 2)) if layers is None else list(layers)
    check_layers(source, taken)
    down = stations_of(source, rows, choices, latents=latents, cutoff=cutoff)
    along = stations_of(source, columns, choices, cutoff=cutoff)

    def painted(styles: Any) -> Any:
        return np.concatenate([part.pixels for part in down.with_rows(styles).painted()])

    top = painted(along.rows)
    spec = down.graph.outputs[0]
    lines = [np.concatenate([np.full_like(top[:1], spec.high), top])]
    for one in down.rows:
        mixed = np.repeat(one[None], len(along), 0)
        mixed[:, taken] = along.rows[:, taken]
        lines.append(painted(np.concatenate([one[None], mixed])))
    return PixelValues(pixels=np.concatenate(lines), low=spec.low, high=spec.high), down, along
