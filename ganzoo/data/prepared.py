"""Pictures prepared once, in one file that trains fastest: decoded, fitted, with labels and the recipe.

FILE.npz, a zip of stored members that numpy opens too:
  recipe.json    format, shapes, condition, settings, what was read
  real.npy       (N, C, H, W) uint8; of pairs source.npy and target.npy
  label.npy      (N,) int64 of classes, (N, K) float32 of vectors; where there are labels
  prints.npy     hashes of names and contents, so that a run knows the pictures again
Where the pictures do not fit memory they are mapped from the file.
"""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganzoo import files
from ganzoo.config import DataConfig
from ganzoo.config.resolve import as_dict
from ganzoo.data.cache import npy_bytes
from ganzoo.data.facts import PictureFacts, facts_of
from ganzoo.data.report import PictureReport
from ganzoo.data.source import DataSource
from ganzoo.datainfo import DataInfo, size_text
from ganzoo.errors import DataError, RequestError, one_line
from ganzoo.progress import Progress, ProgressListener
from ganzoo.version import __version__

if TYPE_CHECKING:
    from ganzoo.architecture import Batch, Pair

FORMAT = "ganzoo-pictures/1"
_CHUNK = 256
_MOST_NAME = 4096 * 6  # of a path, in JSON
_MOST_JSON = 2**24
_OF_PIXELS = (
    "fit", "resize", "background", "scale", "decode", "split", "labels", "label_columns", "unlabelled"
)  # fmt: skip
_UNSAID = frozenset({"source", "also", "target", "cache", "memory_gb", "device_memory_gb", "flip", "turn", "balance"})
"""Settings that say nothing of the pixels, or name a place."""


def is_prepared(path: Path) -> bool:
    """Whether a file was written by `prepare`, by its first bytes."""
    with contextlib.suppress(OSError, ValueError), files.open_regular(path) as file:
        head = file.read(64)
        return head.startswith(b"PK\x03\x04") and head[30:41] == b"recipe.json"
    return False


def write_prepared(path: Path, source: DataSource, options: DataConfig, progress: ProgressListener) -> None:
    """Every picture of a source, in order. Raises OSError, and what `fetch` raises."""
    facts = facts_of(source)
    settings = {key: value for key, value in as_dict(options).items() if key not in _UNSAID and value not in (None, "")}
    recipe = {
        "format": FORMAT,
        "ganzoo": __version__,
        "description": source.description,
        **source.info.to_table(),
        "settings": settings,
        "whole": facts[0].whole if facts else True,
        "report": facts[0].report.to_json() if facts else None,
    }
    count = source.lengths[0]
    with files.written_beside(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("recipe.json", json.dumps(recipe, indent=1))
        for domain, picture in source.info.pictures.items():
            with archive.open(f"{domain}.npy", "w", force_zip64=True) as member:
                member.write(_header(np.dtype(np.uint8), (count, *picture.shape)))
                for start in range(0, count, _CHUNK):
                    rows = np.arange(start, min(start + _CHUNK, count), dtype=np.int64)
                    batch = source.fetch([rows])
                    member.write(np.ascontiguousarray(getattr(batch, domain).numpy()).tobytes())
                    progress.update(Progress(done=int(rows[-1]) + 1, total=count, unit="pictures"))
        rows_shown = np.arange(count, dtype=np.int64)
        if facts and facts[0].shown is not None:  # of a stream, the next for one that cannot be read
            rows_shown = facts[0].shown(rows_shown)
        if source.info.condition is not None:
            whole = facts[0].labels if facts else None
            archive.writestr("label.npy", npy_bytes(_labels(source) if whole is None else whole[rows_shown]))
        if facts and len(facts[0].prints) == count:
            archive.writestr("prints.npy", npy_bytes(facts[0].prints[rows_shown]))
        if facts and len(facts[0].names) == count:
            names = [facts[0].names[row] for row in rows_shown.tolist()]
            archive.writestr("names.json", json.dumps(names), compress_type=zipfile.ZIP_DEFLATED)


class PreparedSource:
    """What `write_prepared` wrote. Raises DataError for a damaged file, RequestError for settings not its own."""

    def __init__(self, path: Path, options: DataConfig) -> None:
        try:
            with zipfile.ZipFile(path) as archive:
                recipe = _recipe(archive)
                self.info = DataInfo.from_table(recipe)
                arrays = {name: _mapped(archive, path, f"{name}.npy") for name in self.info.pictures}
                labels = _small(archive, "label.npy") if self.info.condition is not None else None
                prints = _small(archive, "prints.npy") if "prints.npy" in archive.namelist() else None
                count = len(next(iter(arrays.values())))
                names = _names(archive, count)
                for name, picture in self.info.pictures.items():
                    _check(path, name, arrays[name], (count, *picture.shape))
                if labels is not None:
                    _check_label(path, labels, self.info, count)
                settings = files.as_object(recipe.get("settings") or {})
            report = PictureReport.from_json(recipe["report"]) if recipe["report"] else PictureReport()
            description, whole = str(recipe["description"]), bool(recipe["whole"])
        except DataError:
            raise
        except Exception as error:  # damaged archives and arrays make their readers raise anything
            raise DataError(
                f"{path} is a damaged file of prepared pictures: {one_line(error)}",
                hint="Copy it anew, or make it anew: ganzoo data prepare SOURCE -o FILE.npz",
            ) from None
        _check_settings(path, self.info, options, settings)
        self._labels = labels if options.labels != "none" else None
        if self._labels is None:
            self.info = DataInfo(self.info.pictures)
        self.in_memory = sum(array.size for array in arrays.values()) <= options.memory_gb * 2**30
        self._arrays = {name: np.array(array) if self.in_memory else array for name, array in arrays.items()}
        self.lengths: tuple[int, ...] = (count,)
        self.description = description
        sound = prints is not None and prints.dtype == np.uint64 and prints.ndim == 2 and prints.shape[1] == 2
        given = {"prints": prints} if sound else {}
        named = names if len(names) == count else []
        self.facts = (PictureFacts(report=report, whole=whole, labels=self._labels, names=named, **given),)  # type: ignore[arg-type]

    def fetch(self, indices: Sequence[NDArray[np.int64]]) -> Batch | Pair:
        import torch

        from ganzoo.architecture import Batch, Pair

        rows = indices[0]
        taken = {name: torch.from_numpy(np.asarray(array[rows])) for name, array in self._arrays.items()}
        if "real" in taken:
            label = None if self._labels is None else torch.from_numpy(self._labels[rows])
            return Batch(real=taken["real"], label=label)
        return Pair(source=taken["source"], target=taken["target"])


def _recipe(archive: zipfile.ZipFile) -> dict[str, Any]:
    if archive.getinfo("recipe.json").file_size > _MOST_JSON:
        raise ValueError("its recipe is too long")
    recipe = files.as_object(files.parse_json(archive.read("recipe.json").decode()))
    if recipe["format"] != FORMAT:
        raise ValueError(f"it is of the format {recipe['format']!r}; this ganzoo reads {FORMAT!r}")
    return recipe


def _names(archive: zipfile.ZipFile, count: int) -> list[str]:
    """Of the files that the pictures were; none where it does not say so, as those of older versions do not."""
    if "names.json" not in archive.namelist():
        return []
    if archive.getinfo("names.json").file_size > 2 + _MOST_NAME * count:
        raise ValueError("its names are too long")
    names = files.parse_json(archive.read("names.json").decode())
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("its names are no texts")
    return names


def _mapped(archive: zipfile.ZipFile, path: Path, name: str) -> NDArray[np.uint8]:
    """A stored array, mapped where it lies in the file."""
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed")
    with path.open("rb") as file:
        file.seek(info.header_offset + 26)
        lengths = file.read(4)
        file.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), io.SEEK_CUR)
        begin = file.tell()
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
        offset = file.tell()
    size = int(np.prod(shape, dtype=object))
    if dtype != np.uint8 or fortran or len(shape) != 4 or not size or offset + size > begin + info.file_size:
        raise ValueError(f"{name} is {dtype} of {shape}, and has {info.file_size:,} bytes")
    if begin + info.file_size > files.size_of(path):
        raise ValueError("it is cut off")
    return np.memmap(path, np.uint8, "r", offset, shape)


def _small(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed")
    array = np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{name} is no array")
    return array


def _check(path: Path, name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise DataError(f"{path} is a damaged file of prepared pictures: {name} is {array.shape}.")


def _check_label(path: Path, labels: NDArray[Any], info: DataInfo, count: int) -> None:
    condition = info.condition
    assert condition is not None
    if condition.kind == "class":
        sound = labels.shape == (count,) and labels.dtype == np.int64
        sound = sound and bool(((labels >= 0) & (labels < condition.size)).all())
    else:
        sound = labels.shape == (count, condition.size) and labels.dtype == np.float32
    if not sound:
        raise DataError(f"{path} is a damaged file of prepared pictures: its labels are not those of {condition}.")


def _check_settings(path: Path, info: DataInfo, options: DataConfig, settings: Mapping[str, Any]) -> None:
    """Raises RequestError for what is stated and was prepared otherwise; what nobody states is as it was prepared."""
    usual = as_dict(DataConfig())
    for key in _OF_PIXELS:
        stated, made = getattr(options, key), settings.get(key, usual[key])
        unasked = key == "labels" and (stated == "none" or info.condition is None)
        if stated not in (usual[key], made) and not unasked:
            raise RequestError(
                f"{path} was prepared with data.{key} = {made!r}, and {stated!r} is asked for.",
                hint=f"Leave data.{key} out, or prepare the pictures anew.",
            )
    for domain, picture in info.pictures.items():
        wanted = options.picture(picture, domain)
        if wanted != picture:
            raise RequestError(
                f"{path} was prepared with pictures of {picture}, and {wanted} is asked for.",
                hint=f"--set data.size={size_text(picture.height, picture.width)} "
                f"--set data.channels={picture.channels}, or prepare it anew.",
            )
    if options.labels not in ("", "none") and info.condition is None:
        raise RequestError(
            f"{path} was prepared without labels.", hint="Prepare it anew with --set data.labels=folders, or a table."
        )


def _header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        content, {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    )
    return content.getvalue()


def _labels(source: DataSource) -> NDArray[Any]:
    found = []
    for start in range(0, source.lengths[0], _CHUNK):
        batch = source.fetch([np.arange(start, min(start + _CHUNK, source.lengths[0]), dtype=np.int64)])
        found.append(batch.label.numpy())  # type: ignore[union-attr]
    return np.concatenate(found)
