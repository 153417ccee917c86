"""No network at all: area averages of 8x8, all channels. What training scores with unless it is told another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import RequestError
from ganzoo.evaluation.network import OWN, FeatureNetwork

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Pixels(FeatureNetwork):
    """`features`: 192 numbers from 0 to 1, which see colour, layout and variety, and no texture."""

    name = "pixels"
    resize = OWN

    def __init__(self, file: Path | None, options: Mapping[str, str], *, device: str = "cpu") -> None:
        if file is not None or options:
            raise RequestError("pixels has no weights and no options.")

    def identity(self) -> Mapping[str, Any]:
        return {"layer": "area averages 8x8 of RGB, 0 to 1"}

    def compute(self, pictures: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
        import torch

        from ganzoo.evaluation.thumbnails import thumbnails

        return {"features": thumbnails(torch.from_numpy(pictures) / 255).astype("float32")}
