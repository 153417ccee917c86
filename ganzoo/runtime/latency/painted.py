"""What a measured session painted, small enough for a result: a strip of its first pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ganzoo.errors import ExportError
from ganzoo.runtime.file import OnnxFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_PICTURES = 4
_SIDE = 96  # pixels, at most


def painted(file: OnnxFile, outputs: Sequence[NDArray[Any]]) -> str | None:
    """A PNG file in base64; None for a model that does not say that it paints. outputs: in order, of one run."""
    import numpy as np
    from PIL import Image

    try:
        specs = file.output_specs or ()
    except ExportError:
        return None
    for spec, array in zip(specs, outputs, strict=False):
        if spec.kind != "picture" or array.ndim != 4 or array.shape[1] not in (1, 3) or not array.size:
            continue
        shown = array[:_MOST_PICTURES].astype(np.float32)
        if spec.dtype != "uint8":
            shown = (np.nan_to_num(shown) + 1) * 127.5
        pixels = np.clip(np.round(shown), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
        strip = np.concatenate(list(pixels), axis=1)
        picture = Image.fromarray(strip[..., 0] if strip.shape[-1] == 1 else strip)
        scale = _SIDE / max(pixels.shape[1:3])
        if scale < 1:
            size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
            picture = picture.resize(size, Image.Resampling.BOX)
        content = io.BytesIO()
        picture.save(content, "PNG", optimize=True)
        return base64.b64encode(content.getvalue()).decode()
    return None
