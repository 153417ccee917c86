"""Inception of 2015, as FID, KID and IS are defined with it, by torch-fidelity's network.

torch-fidelity unpickles the file that it is given, without restraint; here the file is loaded as tensors alone, and
what it gets are bytes that were written from those. It resizes by itself, as TensorFlow 1 did (bilinear, no
antialiasing); pictures that another filter has brought to 299 pixels go in behind that, unrounded.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import RequestError, first_few, one_line
from ganzoo.evaluation.network import OWN, FeatureNetwork
from ganzoo.evaluation.networks.weights import FILES, find_weights, how_to_get, load_state
from ganzoo.files import sha256

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

SIDE = 299
_LAYER, _LOGITS = "2048", "logits_unbiased"
_MIDDLE = 128.0  # the network takes (x - 128) / 128


class Inception(FeatureNetwork):
    """`features`: the 2048 numbers of the last pooling. `logits`: 1008 classes, without the bias, as IS has them.

    Raises RequestError where there are no weights, or the file holds others. A file that is not the published one
    makes numbers that carry its name in place of FID's.
    """

    size = (SIDE, SIDE)
    resize = OWN
    classes = 1008

    def __init__(self, file: Path | None, options: Mapping[str, str], *, device: str = "cpu") -> None:
        import torch

        if options:
            raise RequestError(f"inception-2015 has no option {sorted(options)[0]!r}.")
        path = find_weights("inception-2015", file)
        self._hash = sha256(path)
        self.official = self._hash == FILES["inception-2015"].sha256
        self.name = "inception-2015" if self.official else f"inception-{self._hash[:8]}"
        self._device = torch.device(device)
        self._network = _network(path).to(self._device)
        self._given: torch.Tensor | None = None
        self._network.Conv2d_1a_3x3.register_forward_pre_hook(self._replace)

    def identity(self) -> Mapping[str, Any]:
        return {"sha256": self._hash, "layer": _LAYER, "implementation": "torch-fidelity"}

    def compute(self, pictures: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
        import torch

        images = torch.from_numpy(pictures).to(self._device)
        with torch.no_grad():
            if pictures.shape[-2:] == self.size:
                # Behind its own resizing, which takes whole numbers only: see `_replace`.
                self._given = (images - _MIDDLE) / _MIDDLE
                images = torch.zeros(len(images), 3, 1, 1)
            features, logits = self._network(images.round().clamp(0, 255).to(torch.uint8).to(self._device))
        return {"features": features.cpu().numpy(), "logits": logits.cpu().numpy()}

    def _replace(self, module: Any, inputs: Any) -> Any:
        given, self._given = self._given, None
        return None if given is None else (given,)


def _network(path: Path) -> Any:
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    state = load_state(path, "inception-2015")
    content = io.BytesIO()
    torch.save(state, content)
    content.seek(0)
    try:
        return FeatureExtractorInceptionV3(
            "inception-v3-compat", [_LAYER, _LOGITS], feature_extractor_weights_path=content
        )
    except RuntimeError as error:
        raise RequestError(
            f"{path} holds other tensors than Inception of 2015: {first_few(one_line(error).split(': ')[1:3])}",
            hint=how_to_get("inception-2015"),
        ) from None
