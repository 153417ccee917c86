"""metrics.jsonl: one line of JSON per record."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganzoo.files import write_text


class JsonLines:
    """RUN/metrics.jsonl, cut back on a resume to the step it resumes from."""

    def __init__(self, run: Path, *, resume_step: int) -> None:
        path = run / "metrics.jsonl"
        kept = []
        with contextlib.suppress(FileNotFoundError):
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    if json.loads(line)["step"] <= resume_step and line.endswith("\n"):
                        kept.append(line)
        write_text(path, "".join(kept))
        self._file = path.open("a", encoding="utf-8")

    def log(self, record: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()

    def picture(self, path: Path, step: int) -> None:
        """The picture is a file already."""

    def close(self) -> None:
        self._file.close()
