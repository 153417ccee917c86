"""What a run was trained on: recorded when it begins, compared when it goes on."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo import files
from ganzoo.config import DataConfig
from ganzoo.data.crops import pictures_of
from ganzoo.data.facts import Difference, PictureFacts, difference, facts_of
from ganzoo.data.source import DataSource
from ganzoo.datainfo import DataInfo
from ganzoo.errors import CheckpointError, first_few, one_line, printable, shell_word
from ganzoo.runs.run import Run

_NAME = "pictures.bin"
_MOST_BYTES = 2**31
_OF_PIXELS = 2**32  # marks the row that is of pixels
_COMPARED = 8


def pictures_record(source: DataSource) -> dict[str, Any]:
    """For record.json: of each side count, sizes, kinds, hashes of names and contents; empty where nobody knows."""
    facts = facts_of(source)
    return {"pictures": [one.to_record() for one in facts]} if facts else {}


def write_pictures(run: Run, source: DataSource) -> None:
    """Hashes of each picture, to say later which are new. Raises CheckpointError where they cannot be written."""
    facts = facts_of(source)
    if not any(len(one.prints) for one in facts):
        return
    sides = np.concatenate([np.full(len(one.prints), 2 * side + one.whole) for side, one in enumerate(facts)])
    rows = np.column_stack([np.concatenate([one.prints for one in facts]), sides.astype(np.uint64)])
    rows = np.concatenate([rows, np.array([[_pixels(source), 0, _OF_PIXELS]], dtype=np.uint64)])
    try:
        files.write_bytes(run.path / _NAME, rows.astype("<u8").tobytes(), within=run.path)
    except OSError as error:
        raise CheckpointError(f"The run directory {run.path} cannot be written: {one_line(error)}") from None


def compare_pictures(run: Run, source: DataSource, *, changed_data: bool) -> str | None:
    """What is different from when the run was trained last, in words; "" for nothing, None where nobody knows.

    Raises CheckpointError for pictures that are not those of before, unless `changed_data` allows them.
    """
    before, facts = _read(run), facts_of(source)
    if before is None or not any(len(one.prints) for one in facts):
        return None
    found = [_difference(before, side, one) for side, one in enumerate(facts)]
    others = before[before[:, 2] == _OF_PIXELS, 0]
    remade = not any(found) and len(others) > 0 and int(others[0]) != _pixels(source)
    if not any(found) and not remade:
        return ""
    data = run.config.data
    places = _places(data)
    where = [" and ".join(places), data.target.removeprefix("folder:") or " and ".join(places)]
    told = "; ".join(f"{one} in {where[side]}" for side, one in enumerate(found) if one)
    if remade:
        told = "the same files give other pixels: other settings made them, or another version of a library"
    if not changed_data:
        raise CheckpointError(
            f"The pictures are not those that {run.path} was trained on: {told}.",
            hint="Put them back, or name where they are now with --data; to go on with these: "
            f"ganzoo train --resume {shell_word(run.path)} {typed_places(data)} --changed-data",
        )
    return told


def _places(data: DataConfig) -> list[str]:
    return [text.removeprefix("folder:").removeprefix("pairs:") for text in (data.source, *data.also)]


def typed_places(data: DataConfig) -> str:
    """Where pictures are, as options of a command."""
    typed = " ".join(f"--data {shell_word(place)}" for place in _places(data))
    return typed + (f" --target {shell_word(data.target.removeprefix('folder:'))}" if data.target else "")


def _pixels(source: DataSource) -> int:
    """A hash of some of the pictures as they are shown, and not as they lie in files."""
    digest = hashlib.blake2b(digest_size=8)
    for row in range(_COMPARED):
        places = [np.array([row * (length - 1) // max(1, _COMPARED - 1)]) for length in source.lengths]
        for tensor in pictures_of(source.fetch(places)).values():
            digest.update(np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
    return int.from_bytes(digest.digest(), "little")


def renamed_classes(before: DataInfo, now: DataInfo) -> str:
    """Where nothing but the names of classes is other than before: which are gone, which are new; "" elsewhere."""
    one, other = before.condition, now.condition
    if one is None or other is None or before.matches(now) or not (one.names and other.names):
        return ""
    if one.size != other.size:
        return ""
    if not DataInfo(before.pictures, dataclasses.replace(one, names=other.names)).matches(now):
        return ""
    gone, new = ([name for name in a if name not in b] for a, b in ((one.names, other.names), (other.names, one.names)))
    if not gone:
        return "the same in another order"
    return f"{first_few([*map(printable, gone)])} gone, {first_few([*map(printable, new)])} new"


def _difference(before: NDArray[np.uint64], side: int, now: PictureFacts) -> Difference:
    whole = 2 * side + 1 in before[:, 2]
    rows = before[before[:, 2] // 2 == side]
    return difference(rows[:, :2], now.prints, contents=whole == now.whole)


def _read(run: Run) -> NDArray[np.uint64] | None:
    """None for a run of before there was the file, or one that is damaged."""
    try:
        path = files.check_inside(run.path / _NAME, run.path, reading=True)
        return np.frombuffer(files.read_bytes(path, most=_MOST_BYTES), dtype="<u8").reshape(-1, 3)
    except (OSError, ValueError):
        return None
