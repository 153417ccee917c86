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
from ganzoo.files import parse_json, read_text, remove_tree, sha256, write_text

_FORMAT = 1


def key_of(recipe: Mapping[str, Any]) -> str:
    """recipe: JSON values that say what the pictures and the network are."""
    return hashlib.sha256(json.dumps({"format": _FORMAT, **recipe}, sort_keys=True).encode()).hexdigest()[:40]


def find(folder: Path, key: str, count: int) -> tuple[FeatureSet, str] | None:
    """The features and the hash of the pixels; None where there are none, or they are damaged."""
    place = folder / f"reals-{key}"
    try:
        written = parse_json(read_text(place / "contents.json"))
        contents, hashes = written["contents"], written["files"]
        found = FeatureSet(place)
        sound = found.count == count and isinstance(contents, str)
        sound = sound and hashes == {file.name: sha256(file) for file in sorted(place.glob("*.npy"))}
    except Exception:  # whatever a crash, or a stranger, has left there
        return None
    return (found, contents) if sound else None


def keep(features: Path, folder: Path, key: str, contents: str) -> str:
    """Keep a copy of the features in a folder under their key; where that cannot be, why. contents: of the pixels.

    Written beside its name and renamed; another process that was first has the same features.
    """
    partial, place = folder / f".partial-{secrets.token_hex(6)}", folder / f"reals-{key}"
    try:
        partial.mkdir(parents=True)
        for file in sorted(features.glob("*.npy")):
            shutil.copyfile(file, partial / file.name)
        hashes = {file.name: sha256(file) for file in sorted(partial.glob("*.npy"))}
        write_text(partial / "contents.json", json.dumps({"contents": contents, "files": hashes}))
        if place.exists():
            remove_tree(place)  # it was looked for and was damaged
        partial.rename(place)
    except OSError as error:
        return one_line(error)
    finally:
        with contextlib.suppress(OSError):
            if partial.exists():
                remove_tree(partial)
    return ""
