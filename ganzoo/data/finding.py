"""Which files of a folder are pictures. No torch."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ganzoo.data.decoding import suffixes
from ganzoo.errors import DataError, did_you_mean
from ganzoo.files import is_regular


def find_pictures(folder: Path, notify: Callable[[str], None]) -> list[Path]:
    """Files with a suffix that Pillow knows, in order of path, hidden ones left out.

    Raises DataError for a folder that is not there, is a file, or has none.
    """
    if "\0" in str(folder):
        raise DataError(f"{str(folder)!r} is no name of a folder.")
    if not folder.exists():
        beside = [item.name for item in folder.parent.iterdir()] if folder.parent.is_dir() else []
        raise DataError(
            f"There is no folder {folder}.{did_you_mean(folder.name, beside)}",
            hint="--data takes a folder of pictures, or a built-in source such as digits.",
        )
    if not folder.is_dir():
        raise DataError(f"{folder} is a file; expected a folder of pictures.", hint="Unpack archives first.")
    known = suffixes()
    found, others = [], 0
    for base, folders, names in os.walk(folder, onerror=lambda error: notify(f"left out: {error}")):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.startswith("."):
                continue
            if Path(name).suffix.lower() in known and is_regular(Path(base, name)):
                found.append(Path(base, name))
            else:
                others += 1
    if not found:
        raise DataError(
            f"{folder} has no pictures: {others} other file{'' if others == 1 else 's'} and none that ends in "
            f".png, .jpg, .webp, .tif, .bmp or another suffix of a picture.",
            hint="Check the path, and that the pictures have their suffix.",
        )
    return found
