"""What a run was trained on: recorded when it begins, compared when it goes on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo import files
from ganzoo.data.facts import Difference, PictureFacts, difference, facts_of
from ganzoo.data.source import DataSource
from ganzoo.errors import CheckpointError, one_line, shell_word
from ganzoo.runs.run import Run

_NAME = "pictures.bin"
_MOST_BYTES = 2**31


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
    if not any(found):
        return ""
    where = [run.config.data.source, run.config.data.target or run.config.data.source]
    told = "; ".join(f"{one} in {where[side]}" for side, one in enumerate(found) if one)
    if not changed_data:
        raise CheckpointError(
            f"The pictures are not those that {run.path} was trained on: {told}.",
            hint="Put them back, or name where they are now with --data; to go on with these: "
            f"ganzoo train --resume {shell_word(run.path)} --changed-data",
        )
    return told


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
