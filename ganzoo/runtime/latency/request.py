"""What a sweep is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ganzoo.runtime.latency.inputs import InputRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A sweep.

    provider: `cpu` or `cuda`. device: index of the GPU. threads: of one operator, 0 for ONNX Runtime's
    own choice. precision: `file` for what the file holds, or `tf32`. repeats: processes per case.
    max_seconds: for the whole sweep; the minimum a case needs may exceed it.
    """

    models: Sequence[Path]
    provider: str = "cpu"
    device: int = 0
    threads: int = 0
    precision: str = "file"
    inputs: InputRequest = field(default_factory=InputRequest)
    repeats: int = 3
    max_seconds: float = 120.0
