"""Pictures brought to a feature network's size, by a filter that has a name: FID moves by points with it.

    own               as they are; the network resizes by itself
    pil-bicubic       Pillow, antialiased, each channel in float, not rounded, as clean-fid does; also -lanczos,
                      -bilinear, -box
    torch-bilinear    torch's interpolate without antialiasing, as many scripts do

Shapes: N pictures, C channels, H, W.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.errors import RequestError, did_you_mean
from ganzoo.evaluation.network import OWN, FeatureNetwork

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PILLOW = {"pil-bicubic": "BICUBIC", "pil-lanczos": "LANCZOS", "pil-bilinear": "BILINEAR", "pil-box": "BOX"}
FILTERS = (*_PILLOW, "torch-bilinear")


def check_filter(name: str, network: FeatureNetwork) -> str:
    """The filter to use; the network's own default for "". Raises RequestError for one that there is not."""
    chosen = name or network.resize
    if chosen == OWN and network.resize != OWN and network.size is not None:
        raise RequestError(
            f"{network.name} does not resize by itself.", hint=f"--resize takes {', '.join(FILTERS)} with it."
        )
    if chosen != OWN and chosen not in FILTERS:
        known = (OWN, *FILTERS)
        raise RequestError(f"There is no resize filter {chosen!r}.{did_you_mean(chosen, known)}", hint=", ".join(known))
    if chosen != OWN and network.size is None:
        return OWN  # it takes any size
    return chosen


def library_of(name: str) -> str:
    """What resizes, with its version."""
    if name in _PILLOW:
        import PIL

        return f"Pillow {PIL.__version__}"
    if name == OWN:
        return "the network"
    import torch

    return f"torch {torch.__version__}"


def as_input(pixels: NDArray[np.uint8], network: FeatureNetwork, name: str) -> NDArray[np.float32]:
    """(N, 1 or 3, H, W) uint8 -> (N, 3, h, w) float32, 0 to 255, of the network's size unless it resizes itself."""
    import numpy as np

    if pixels.shape[1] == 1:
        pixels = np.repeat(pixels, 3, 1)
    if name == OWN or network.size is None or pixels.shape[-2:] == network.size:
        return pixels.astype(np.float32)
    height, width = network.size
    if name == "torch-bilinear":
        import torch

        images = torch.from_numpy(pixels.astype(np.float32))
        resized: NDArray[np.float32] = torch.nn.functional.interpolate(
            images, (height, width), mode="bilinear", align_corners=False
        ).numpy()
        return resized
    from PIL import Image

    how = Image.Resampling[_PILLOW[name]]
    result = np.empty((len(pixels), 3, height, width), dtype=np.float32)
    grey = (pixels[:, 0] == pixels[:, 1]).all() and (pixels[:, 0] == pixels[:, 2]).all()
    for row, picture in enumerate(pixels):
        for channel in range(1 if grey else 3):
            plane = Image.fromarray(picture[channel].astype(np.float32))
            result[row, channel] = np.asarray(plane.resize((width, height), how))
        if grey:
            result[row, 1:] = result[row, 0]
    return result
