"""How far what is painted is from a picture: by pixels, or by the features of a network besides.

Shapes: N pictures, C channels, H, W, P all numbers of a picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ganzoo.architecture.perceptual import FeatureExtractor
from ganzoo.tensors import TensorSpec

_PIXELS_BESIDE = 0.1  # weight of the squared difference of pixels beside that of features
_LEAST_SIDE, _MOST_SIDE = 64, 256  # at which features are taken
_TINY = 1e-10


class PictureDistance:
    """Of painted pictures to targets, one each. A picture has 8 bits: beyond black and white there is nothing.

    targets: (N, C, H, W) between the values of black and white that `spec` has.
    """

    def __init__(self, targets: Tensor, spec: TensorSpec, features: FeatureExtractor | None = None) -> None:
        self.targets = targets
        self._low, self._high = spec.low, spec.high
        self._features = features
        with torch.no_grad():
            self._wanted = None if features is None else features(self._shown(targets))

    def of(self, rows: Tensor) -> PictureDistance:
        """To these of the targets, by index."""
        part = object.__new__(PictureDistance)
        part.__dict__.update(self.__dict__)
        part.targets = self.targets[rows]
        part._wanted = None if self._wanted is None else {name: value[rows] for name, value in self._wanted.items()}
        return part

    def residuals(self, painted: Tensor) -> Tensor:
        """(N, P): differences of pixels as shares of the way from black to white; 0 where both are black or white."""
        apart = painted - self.targets
        saturated = ((self.targets >= self._high) & (painted > self._high)) | (
            (self.targets <= self._low) & (painted < self._low)
        )
        return (apart.masked_fill(saturated, 0.0) / (self._high - self._low)).flatten(1)

    def pixels(self, painted: Tensor) -> Tensor:
        """(N,): root of the mean squared difference, of 1 from black to white."""
        return self.residuals(painted).square().mean(1).sqrt()

    def loss(self, painted: Tensor) -> Tensor:
        """(N,), to be made small.

        mean (x - y)^2, or with features sum over layers of mean |f(x) / |f(x)| - f(y) / |f(y)||^2 (as in
        arXiv:1801.03924, without learnt weights), and a tenth of that of the pixels.
        """
        squared = self.residuals(painted).square().mean(1)
        if self._features is None or self._wanted is None:
            return squared
        total = _PIXELS_BESIDE * squared
        for name, found in self._features(self._shown(painted)).items():
            total = total + (_unit(found) - _unit(self._wanted[name])).square().sum(1).flatten(1).mean(1)
        return total

    @property
    def by_pixels(self) -> bool:
        """Whether pixels alone are compared."""
        return self._features is None

    def _shown(self, images: Tensor) -> Tensor:
        """In [0, 1], of a size that feature networks were made for."""
        images = ((images - self._low) / (self._high - self._low)).clamp(0, 1)
        side = max(images.shape[2:])
        if side > _MOST_SIDE:
            return F.interpolate(images, scale_factor=_MOST_SIDE / side, mode="area")
        if side < _LEAST_SIDE:
            return F.interpolate(images, scale_factor=_LEAST_SIDE / side, mode="bilinear", align_corners=False)
        return images


def default_layers(text: str) -> Sequence[str]:
    """Of a feature network where none are stated: VGG's before each pooling, or every third block."""
    if text == "efficientnet-lite0":
        return ("block1", "block3", "block5", "block8", "block11")
    return () if text.endswith(".onnx") else ("relu1_2", "relu2_2", "relu3_3", "relu4_3")


def _unit(features: Tensor) -> Tensor:
    return features / (features.square().sum(1, keepdim=True) + _TINY).sqrt()
