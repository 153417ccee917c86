"""What every data source must do, checked by doing it."""

from __future__ import annotations

import threading
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ganzoo.architecture import Batch, Pair
from ganzoo.config import DataConfig
from ganzoo.data.checked import CheckedSource, open_source
from ganzoo.errors import GanzooError, RequestError
from ganzoo.plugin.registry import Registry

_SIZES: tuple[int | tuple[int, int], ...] = (16, (12, 20))
_NONSENSE = "no such argument, surely"


class DataSourceConformance:
    """Subclass it as `Test...`, set `source`, and pytest runs every check.

    source: as users type it after --data: a name, or NAME:ARGUMENT. target: of a source of pairs in two folders.
    """

    source: ClassVar[str]
    target: ClassVar[str] = ""

    def opened(self, **options: object) -> CheckedSource:
        """The source, anew for each check, held to what it declares: shapes, uint8, labels that fit the condition."""
        config = DataConfig(source=self.source, target=self.target, **options)  # type: ignore[arg-type]
        return open_source(config, Registry.load(), notify=lambda line: None)

    def test_every_picture_is_what_is_declared(self) -> None:
        """Every one is fetched: of one size, uint8, with a label where a condition is declared."""
        source = self.opened()
        for start in range(0, max(source.lengths), 64):
            source.fetch([np.arange(start, min(start + 64, max(source.lengths))) % n for n in source.lengths])

    def test_it_says_what_it_is(self) -> None:
        """A description of one line without a path, and whether it is in memory."""
        source = self.opened()
        text = source.description
        _require(
            isinstance(text, str) and bool(text.strip()) and len(text.splitlines()) == 1,
            f"description is {text!r}; expected one line in words",
        )
        _require("/" not in text and "\\" not in text, f"description {text!r} has a path; a run would carry it along")
        _require(isinstance(source.in_memory, bool), f"in_memory is {source.in_memory!r}; expected True or False")

    def test_an_index_means_one_picture(self) -> None:
        """Whatever it is fetched with, how often, and by which opening of the source."""
        first, second = self.opened(), self.opened()
        _require(
            first.lengths == second.lengths,
            f"opened twice, it has {first.lengths} pictures and then {second.lengths}; sort what you list",
        )
        ends = [np.unique([0, length // 2, length - 1]) for length in first.lengths]
        count = min(len(side) for side in ends)
        together = first.fetch([side[:count] for side in ends])
        for place in range(count):
            alone = second.fetch([side[place : place + 1] for side in ends])
            for name, tensor in _tensors(together).items():
                _require(
                    torch.equal(tensor[place], _tensors(alone)[name][0]),
                    f"{name} of index {ends[0][place]} is one picture alone and another among others; what a step sees "
                    "must follow from its indices",
                )
        twice = first.fetch([np.repeat(side[-1:], 3) for side in ends])
        same = all(torch.equal(tensor[0], tensor[2]) for tensor in _tensors(twice).values())
        _require(same, "one index three times gave different pictures; leave flips and crops to [data]")

    def test_fetching_leaves_randomness_and_pictures_alone(self) -> None:
        """torch's and numpy's generators stand where they stood, and what was fetched may be written to."""
        source = self.opened()
        indices = [np.zeros(1, dtype=np.int64)] * len(source.lengths)
        before, numpy_before = torch.random.get_rng_state(), _numpy_state()
        batch = source.fetch(indices)
        moved = not torch.equal(before, torch.random.get_rng_state())
        _require(not moved, "fetching moved torch's default generator; use one of your own, seeded by the index")
        same = numpy_before == _numpy_state()
        _require(same, "fetching moved numpy's global generator; use one of your own, seeded by the index")
        kept = {name: tensor.clone() for name, tensor in _tensors(batch).items()}
        for tensor in _tensors(batch).values():
            tensor.zero_()
        again = _tensors(source.fetch(indices))
        _require(
            all(torch.equal(kept[name], again[name]) for name in kept),
            "what was written to a fetched picture came back with the next; give copies: tensor.index_select(...)",
        )

    def test_it_may_be_asked_from_another_thread(self) -> None:
        """As it is, while a step computes, when it is not in memory."""
        source = self.opened()
        indices = [np.zeros(2, dtype=np.int64)] * len(source.lengths)
        expected, found = _tensors(source.fetch(indices)), list[dict[str, Tensor]]()
        thread = threading.Thread(target=lambda: found.append(_tensors(source.fetch(indices))))
        thread.start()
        thread.join(60)
        _require(
            bool(found) and all(torch.equal(value, found[0][name]) for name, value in expected.items()),
            "from another thread it gave other pictures, or none",
        )

    def test_size_and_channels_are_obeyed_or_refused(self) -> None:
        """What a user states of [data] is what comes, oblong sizes too, or a sentence says why not."""
        for size in _SIZES:
            for channels in (1, 3):
                try:
                    source = self.opened(size=size, channels=channels)
                except RequestError:
                    continue
                wanted = (channels, *((size, size) if isinstance(size, int) else size))
                for domain, picture in source.info.pictures.items():
                    _require(
                        picture.shape == wanted,
                        f"asked for {'x'.join(map(str, wanted))}, {domain} is {picture}; options.picture(default) has "
                        "what was asked for; raise RequestError for what it cannot give",
                    )

    def test_a_wrong_argument_is_an_error_in_words(self) -> None:
        """GanzooError or one of its kinds, and no traceback."""
        name = self.source.partition(":")[0]
        config = DataConfig(source=f"{name}:{_NONSENSE}", target=self.target)
        try:
            open_source(config, Registry.load(), notify=lambda line: None)
        except GanzooError as error:
            _require(
                " failed: " not in error.message.partition("\n")[0],
                f"the argument {_NONSENSE!r} made it fail: {error.message}; raise RequestError or DataError of "
                "ganzoo.errors, with what is expected",
            )


def _tensors(batch: Batch | Pair) -> dict[str, Tensor]:
    if isinstance(batch, Pair):
        return {"source": batch.source, "target": batch.target}
    return {"real": batch.real} if batch.label is None else {"real": batch.real, "label": batch.label}


def _numpy_state() -> str:
    return repr(np.random.get_state(legacy=False)["state"]["pos"])


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)
