"""Pictures as a Python user gives them: paths, PIL images, arrays, lists of such."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganzoo.errors import RequestError
from ganzoo.sampling.graphs import GraphFunction
from ganzoo.sampling.pictures import Pictures
from ganzoo.sampling.translation import image_pixels, read_pixels
from ganzoo.tensors import TensorSpec


def _no_picture(array: Any) -> RequestError:
    return RequestError(
        f"A picture of {array.dtype} {list(array.shape)}: expected uint8 (H, W) or (H, W, C) with 1, 3 or 4 channels, "
        "0 to 255."
    )


def listed(picture: Any) -> list[Any]:
    """Each of several pictures, or the only one."""
    import numpy as np

    if isinstance(picture, Pictures):
        return list(picture.pixels)
    if isinstance(picture, np.ndarray) and picture.ndim == 4:
        return list(picture)
    return list(picture) if isinstance(picture, list | tuple) else [picture]


def pixels_given(
    picture: Any, graph: GraphFunction, size: tuple[int, int] | None, spec: TensorSpec | None = None
) -> Any:
    """(1, C, H, W) of what may be a path, a PIL image or an array. spec: of the input it is for; the first if None.

    Raises RequestError for what is no picture, DataError for a file that cannot be read.
    """
    import numpy as np
    from PIL import Image

    if isinstance(picture, str | Path):
        return read_pixels(Path(picture), graph, size, spec=spec)
    if isinstance(picture, np.ndarray):
        if picture.dtype != np.uint8 or picture.ndim not in (2, 3):
            raise _no_picture(picture)
        if 0 in picture.shape or (picture.ndim == 3 and picture.shape[2] not in (1, 3, 4)):
            raise _no_picture(picture)
        picture = Image.fromarray(picture[:, :, 0] if picture.shape[2:] == (1,) else picture)
    if not isinstance(picture, Image.Image):
        raise RequestError(f"A {type(picture).__name__} is no picture: expected a path, a PIL image or an array.")
    return image_pixels(picture, graph, size, spec=spec)
