"""Features of real pictures, kept for other runs by what the pictures are and what made the features.

FOLDER/reals-KEY/   as `feature_set` lays it out, and contents.json
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import shutil
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


def keep(features: Path, folder: Path, key: str, contents: str) -> str:
    """Keep a copy of the features in a folder under their key; where that cannot be, why. contents: of the pixels.

    Written beside its name and renamed; another process that was first has the same features.
    """
    partial, place = folder / f".partial-{secrets.token_hex(6)}", folder / f"reals-{key}"
    try:
        partial.mkdir(parents=True)
        for file in sorted(features.glob("*.npy")):
            shutil.copyfile(file, partial / file.name)
        write_text(partial / "contents.json", json.dumps({"contents": contents}))
        if place.exists():
            remove_tree(place)  # it was looked for and was damaged
        partial.rename(place)
    except OSError as error:
        with contextlib.suppress(OSError):
            remove_tree(partial)
        return one_line(error)
    return ""
