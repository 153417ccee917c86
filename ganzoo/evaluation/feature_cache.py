"""Features of real pictures, kept for other runs by what the pictures are and what made the features.

FOLDER/reals-KEY/   as `feature_set` lays it out, and contents.json
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganzoo.errors import one_line
from ganzoo.evaluation.feature_set import FeatureSet
from ganzoo.files import parse_json, read_text, remove_tree, write_text

_FORMAT = 1


def key_of(recipe: Mapping[str, Any]) -> str:
    """recipe: JSON values that say what the pictures and the network are."""
    return hashlib.sha256(json.dumps({"format": _FORMAT, **recipe}, sort_keys=True).encode()).hexdigest()[:40]


def find(folder: Path, key: str, count: int) -> tuple[FeatureSet, str] | None:
    """The features and the hash of the pixels; None where there are none, or they are damaged."""
    place = folder / f"reals-{key}"
    try:
        contents = parse_json(read_text(place / "contents.json"))["contents"]
        found = FeatureSet(place)
        sound = found.count == count and isinstance(contents, str) and _is_whole(found)
    except Exception:  # whatever a crash, or a stranger, has left there
        return None
    return (found, contents) if sound else None


def _is_whole(features: FeatureSet) -> bool:
    import numpy as np

    last = features.rows(features.count - 1, features.count)
    return last.dtype == np.float32 and last.shape == (1, features.dimensions) and bool(np.isfinite(last).all())


def new_place(folder: Path) -> Path:
    """A folder beside the entries, to be filled. Raises OSError."""
    place = folder / f".partial-{secrets.token_hex(6)}"
    place.mkdir(parents=True)
    return place


def keep(partial: Path, folder: Path, key: str, contents: str) -> str:
    """Give a filled folder the name of its entry; where that cannot be, why, and the folder stays."""
    place = folder / f"reals-{key}"
    try:
        write_text(partial / "contents.json", json.dumps({"contents": contents}))
        if place.exists():
            remove_tree(place)  # it was looked for and was damaged
        partial.rename(place)
    except OSError as error:
        return one_line(error)
    return ""


def discard(partial: Path) -> None:
    with contextlib.suppress(OSError):
        if partial.exists():
            remove_tree(partial)
