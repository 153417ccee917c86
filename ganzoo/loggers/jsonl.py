"""metrics.jsonl: one line of JSON per record."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ganzoo import files


class JsonLines:
    """RUN/metrics.jsonl, cut back on a resume to the step it resumes from."""

    def __init__(self, run: Path, *, resume_step: int) -> None:
        path = run / "metrics.jsonl"
        with files.written_beside(path, within=run) as partial, partial.open("w", encoding="utf-8") as kept:
            kept.writelines(f"{line}\n" for line in _until(path, resume_step))
        self._file = files.open_to_append(path, within=run)

    def log(self, record: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()

    def picture(self, path: Path, step: int) -> None:
        """The picture is a file already."""

    def close(self) -> None:
        self._file.close()


def _until(path: Path, step: int) -> Iterator[str]:
    """Whole lines of steps up to this one."""
    with contextlib.suppress(FileNotFoundError):
        for line in files.lines_of(path):
            with contextlib.suppress(ValueError, KeyError, TypeError):
                if files.as_object(files.parse_json(line))["step"] <= step:
                    yield line
