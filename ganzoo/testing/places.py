"""Which line of an author's a mistake is in: the innermost one that is neither torch's nor of this folder."""

from __future__ import annotations

import re
from pathlib import Path
from types import FrameType
from typing import Any

import torch

_TORCH, _HERE = str(Path(torch.__file__).parent), str(Path(__file__).parent)


def where(frame: FrameType | None) -> str:
    """`nn/warp.py:12 in blit`: the innermost line, from `frame` outwards, neither torch's nor of this folder."""
    while frame is not None and not _of_interest(frame):
        frame = frame.f_back
    return _place(frame, frame.f_lineno) if frame is not None else ""


def forward_place(node: Any) -> str:
    """Where the forward pass made what this node of the backward pass differentiates; "" when that was not kept."""
    for text in reversed(node.metadata.get("traceback_", ()) if node is not None else ()):
        found = re.match(r'\s*File "(.+)", line (\d+), in (\S+)', text)
        if found and not found[1].startswith((_TORCH, _HERE, "<")):
            return f"{'/'.join(Path(found[1]).parts[-2:])}:{found[2]} in {found[3]}"
    return ""


def where_raised(error: BaseException) -> str:
    """The same for the innermost such line that an exception passed."""
    place, trace = "", error.__traceback__
    while trace is not None:
        if _of_interest(trace.tb_frame):
            place = _place(trace.tb_frame, trace.tb_lineno)
        trace = trace.tb_next
    return place


def _of_interest(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return not file.startswith((_TORCH, _HERE, "<"))


def _place(frame: FrameType, line: int) -> str:
    return f"{'/'.join(Path(frame.f_code.co_filename).parts[-2:])}:{line} in {frame.f_code.co_name}"
