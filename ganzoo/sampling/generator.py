"""What a model does that paints from noise: pictures by seed, walks, tables of styles, files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import SupportsIndex

from ganzoo.errors import RequestError
from ganzoo.progress import ProgressListener, listener
from ganzoo.sampling.captions import captions_of, film_frames
from ganzoo.sampling.directions import SEEDS, Directions, find_directions
from ganzoo.sampling.each import write_each
from ganzoo.sampling.graphs import BATCH, GraphSet
from ganzoo.sampling.latents import Latents
from ganzoo.sampling.names import to_place
from ganzoo.sampling.noise import InputChoices, Label, class_names, drawn_classes, paint
from ganzoo.sampling.pictures import Pictures, PixelValues
from ganzoo.sampling.stated import Numbers, to_choices, to_count, to_frames, to_moves, to_seeds, to_whole_numbers
from ganzoo.sampling.stations import Stations, check_layers, layer_count, stations_of
from ganzoo.sampling.video import FPS, check_film_name, write_film
from ganzoo.sampling.walks import counted, mix, walk_stations, walk_through


class Generator:
    """The half of a `Model` that paints from noise. source: its graphs. say: told what the user should know."""

    def __init__(self, source: GraphSet, *, say: Callable[[str], None]) -> None:
        self.source = source
        self._say = say

    @property
    def path(self) -> Path:
        """What it was loaded from: the run, or the first of the files."""
        return self.source.path

    @property
    def paints(self) -> bool:
        """Whether it paints from noise (`sample`)."""
        return self.source.paints

    @property
    def translates(self) -> bool:
        """Whether it translates pictures (`translate`)."""
        return bool(self.source.translations)

    @property
    def layers(self) -> int:
        """How many styles a picture is painted from; 0 for a generator without."""
        return layer_count(self.source)

    def sample(
        self,
        seeds: Iterable[SupportsIndex] | None = None,
        *,
        label: Label = None,
        values: Mapping[str, Numbers] | None = None,
        cutoff: int | None = None,
        latents: Latents | Path | str | None = None,
        move: Mapping[int, float] | None = None,
        directions: Directions | Path | str | None = None,
        layers: Iterable[SupportsIndex] | None = None,
    ) -> Pictures:
        """One picture for each seed: (N, H, W, C) uint8. A seed and a label give one picture, here and from the file.

        seeds: 0 to 15 if None, or none beside latents. label: a class by index or name, several to take in turn, or
            "all". values: of inputs that are numbers, by name: one, or as many as a vector has; of a truncation `psi`
            will do. cutoff: they change the first so many layers of styles alone.
        latents: of `project` or a file of them, painted before the seeds.
        move: so many deviations along directions by number, {3: 2.0}; directions: those, or a file of them; found anew
            if None. layers: that are moved, all if None.
        Raises RequestError for a model that paints nothing from noise, and for labels, inputs, layers or directions
        that are not there; GanzooError for a picture that is not finite.
        """
        self._refuse_unless_it_paints("sample")
        known = self._latents(latents)
        chosen = [] if seeds is None and known is not None else to_seeds(range(16) if seeds is None else seeds)
        choices = to_choices(label, values)
        if known is None and not move and cutoff is None:
            pictures = Pictures.of([paint(self.source, chosen, choices)])
            pictures.names = class_names(self.source, label, len(pictures))
            pictures.captions = captions_of(self.source, chosen, choices)
            return pictures
        stations = self.stations(chosen, choices, known, cutoff=cutoff, move=move, directions=directions, layers=layers)
        pictures = Pictures.of(stations.painted())
        pictures.captions = stations.names
        return pictures

    def walk(
        self,
        seeds: Iterable[SupportsIndex] = (),
        *,
        frames: int = 24,
        ease: bool = False,
        label: Label = None,
        values: Mapping[str, Numbers] | None = None,
        cutoff: int | None = None,
        latents: Latents | Path | str | None = None,
    ) -> Pictures:
        """A closed way through latents and seeds, `frames` pictures from each to the next: (N * frames, H, W, C) uint8.

        All are held at once: `save_walk` writes a long one to a file as it is painted. ease: come to rest at each seed.
        The rest is as for `sample`. Raises RequestError for a translator or a single seed.
        """
        stations = self._walk_stations(seeds, label, values, cutoff, latents)
        parts = walk_through(stations, to_frames(frames), ease=ease)
        return Pictures.of(part.pictures for part in parts)

    def save_walk(
        self,
        path: Path | str,
        seeds: Iterable[SupportsIndex] = (),
        *,
        frames: int = 24,
        fps: float = FPS,
        codec: str | None = None,
        ease: bool = False,
        captions: bool = False,
        label: Label = None,
        values: Mapping[str, Numbers] | None = None,
        cutoff: int | None = None,
        latents: Latents | Path | str | None = None,
        move: Mapping[int, float] | None = None,
        directions: Directions | Path | str | None = None,
        layers: Iterable[SupportsIndex] | None = None,
        progress: ProgressListener | None = None,
    ) -> int:
        """Write a walk as a film, frame by frame, and say how many frames it has. It closes, to be played endlessly.

        path: .mp4 (AV1), .webm (VP9), .webp, .gif or .png. codec: another that goes with it, such as x264.
        captions: write the seed, and the class where one is stated, on each frame; small pictures are enlarged for it.
        The rest is as for `sample`.
        Raises what `walk` raises, and MissingPackageError where .mp4 or .webm is asked for without ganzoo[video].
        """
        out = to_place(path)
        check_film_name(out, codec)
        count = to_frames(frames)
        stations = self._walk_stations(seeds, label, values, cutoff, latents)
        if move:
            stations = self._moved(stations, move, directions, layers)
        parts = walk_through(stations, count, ease=ease)
        total = len(stations) * count
        told = counted(parts, total, listener(progress))
        return write_film(out, film_frames(told, captions=captions), count=total, fps=fps, codec=codec)

    def save_each(
        self,
        folder: Path | str,
        seeds: Iterable[SupportsIndex] = range(16),
        *,
        kind: str = "png",
        label: Label = None,
        values: Mapping[str, Numbers] | None = None,
        cutoff: int | None = None,
        progress: ProgressListener | None = None,
    ) -> Path:
        """Write a file for each seed, however many, named by seed and class, and a table of them, whose path is given.

        kind: png, webp (lossless) or jpg. The rest is as for `sample`.
        """
        self._refuse_unless_it_paints("save_each")
        chosen, choices = to_seeds(seeds), to_choices(label, values)

        def stations() -> Iterator[PixelValues]:
            classes = [index for index, _ in drawn_classes(self.source, chosen, choices)]
            for start in range(0, len(chosen), BATCH):
                part = slice(start, start + BATCH)
                given = replace(choices, label=classes[part] or None)
                yield from stations_of(self.source, chosen[part], given, cutoff=cutoff).painted()

        return write_each(
            self.source, chosen, to_place(folder), kind=kind, choices=choices,
            painted=None if cutoff is None else stations, progress=listener(progress),
        )  # fmt: skip

    def mix(
        self,
        rows: Iterable[SupportsIndex],
        columns: Iterable[SupportsIndex],
        *,
        layers: Iterable[SupportsIndex] | None = None,
        label: Label = None,
        values: Mapping[str, Numbers] | None = None,
        cutoff: int | None = None,
        latents: Latents | Path | str | None = None,
    ) -> Pictures:
        """A table: latents and seeds `rows` down, `columns` along, and inside the rows with the columns' styles in
        `layers`.

        ((R + 1) * (C + 1), H, W, C) uint8, row by row. layers: the coarse half if None.
        Raises RequestError for a generator without styles, or layers that it has not.
        """
        self._refuse_unless_it_paints("mix")
        known = self._latents(latents)
        down = to_seeds(rows) if known is None or (rows := list(rows)) else []
        along = to_seeds(columns)
        taken = None if layers is None else to_whole_numbers(layers, "layers")
        painted, one, other = mix(
            self.source, down, along, taken, to_choices(label, values), latents=known, cutoff=cutoff
        )
        pictures = Pictures.of([painted], columns=len(along) + 1)
        pictures.edges = (["", *one.names], ["", *other.names])
        return pictures

    def find_directions(self, *, count: int = 16, seeds: int = SEEDS) -> Directions:
        """What the generator varies most: the first principal components of the styles of so many seeds.

        Raises RequestError for a generator without styles.
        """
        number, of = to_count(count, "count"), to_count(seeds, "seeds")
        return find_directions(self.source, count=number, seeds=of, model=self.source.identity())

    def direction_sheet(
        self,
        directions: Directions,
        *,
        seed: int = 0,
        far: float = 3.0,
        columns: int = 7,
        layers: Iterable[SupportsIndex] | None = None,
        latents: Latents | Path | str | None = None,
    ) -> Pictures:
        """A row for each direction: one picture moved along it, from -`far` to +`far` deviations. Save it with edges.

        seed: of the picture; or latents, whose first is moved. layers: that move, all if None.
        """
        if not isinstance(directions, Directions):
            raise RequestError(f"directions is a {type(directions).__name__}: expected what `find_directions` gives.")
        known = self._latents(latents)
        stations = self.stations([] if known is not None else to_seeds([seed]), InputChoices(), known)
        chosen, columns = self._layers(layers), max(2, to_count(columns, "columns"))
        amounts = [far * (2 * place / (columns - 1) - 1) for place in range(columns)]
        first = stations.with_rows(stations.rows[:1])
        rows = [
            part
            for number in range(len(directions))
            for amount in amounts
            for part in directions.moved(first, {number: amount}, layers=chosen).painted()
        ]
        pictures = Pictures.of(rows, columns=columns)
        named = [f"{number}  {100 * float(share):.1f}%" for number, share in enumerate(directions.explained)]
        pictures.edges = (named, [f"{amount:+.3g}" for amount in amounts])
        return pictures

    def stations(
        self,
        seeds: Sequence[int],
        choices: InputChoices,
        latents: Latents | None = None,
        *,
        cutoff: int | None = None,
        move: Mapping[int, float] | None = None,
        directions: Directions | Path | str | None = None,
        layers: Iterable[SupportsIndex] | None = None,
    ) -> Stations:
        """What pictures are painted from: styles, or latents where there are none."""
        stations = stations_of(self.source, seeds, choices, latents=latents, cutoff=cutoff)
        return self._moved(stations, move, directions, layers) if move else stations

    def _moved(
        self,
        stations: Stations,
        move: Mapping[int, float],
        directions: Directions | Path | str | None,
        layers: Iterable[SupportsIndex] | None,
    ) -> Stations:
        numbers = to_moves(move)
        if directions is None:
            size = self.source.styles[-1].inputs[0].shape[-1] if self.source.styles else 1
            known = self.find_directions(count=min(max(numbers) + 1, size if isinstance(size, int) else 1))
        else:
            known = directions if isinstance(directions, Directions) else Directions.load(to_place(directions))
            self._compare(known.model, "the directions were found")
        return known.moved(stations, numbers, layers=self._layers(layers))

    def _layers(self, layers: Iterable[SupportsIndex] | None) -> list[int] | None:
        if layers is None:
            return None
        chosen = to_whole_numbers(layers, "layers")
        check_layers(self.source, chosen)
        return chosen

    def _walk_stations(
        self,
        seeds: Iterable[SupportsIndex],
        label: Label,
        values: Mapping[str, Numbers] | None,
        cutoff: int | None,
        latents: Latents | Path | str | None,
    ) -> Stations:
        self._refuse_unless_it_paints("walk")
        known, given = self._latents(latents), list(seeds)
        chosen = to_seeds(given) if given or known is None else []
        return walk_stations(self.source, chosen, to_choices(label, values), latents=known, cutoff=cutoff)

    def _latents(self, latents: Latents | Path | str | None) -> Latents | None:
        if latents is None:
            return None
        known = latents if isinstance(latents, Latents) else Latents.load(to_place(latents))
        self._compare(known.model, "the latents were found")
        return known

    def _compare(self, model: str, what: str) -> None:
        if model and (own := self.source.identity()) and model != own:
            self._say(f"{what} with another model than {self.path}, and mean other pictures here")

    def _refuse_unless_it_paints(self, verb: str) -> None:
        if not self.paints:
            raise RequestError(
                f"{self.path} {self._does()}, and {verb} paints from noise.",
                hint="model.translate(picture), or `ganzoo sample ... --input PICTURE`" if self.translates else "",
            )

    def _does(self) -> str:
        if self.paints or self.translates:
            return "paints from noise" if self.paints else "translates pictures"
        roles = {"embed": "turns pictures into numbers", "judge": "judges pictures"}
        return roles.get(self.source.graphs[0].role or "", "paints nothing")
