"""SRVGGNetCompact, the small generator of Real-ESRGAN (arXiv:2107.10833, and its released models).

    y = shuffle(conv(act(conv( ... act(conv(x)))))) + nearest(x)

Deviations: none. Shapes: B batch, C channels, F width, H, W, s scale.
"""

from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import interpolate, pixel_shuffle

Activation = Literal["prelu", "relu", "leaky-relu"]


class SRVGGNetCompact(nn.Module):
    """(B, C, H, W) in [0, 1] -> (B, C, s H, s W), about [0, 1]. convolutions: between the first and the last."""

    def __init__(
        self,
        *,
        channels: int = 3,
        scale: int = 4,
        width: int = 64,
        convolutions: int = 16,
        activation: Activation = "prelu",
    ) -> None:
        super().__init__()
        self._scale = scale
        layers: list[nn.Module] = []
        for number in range(convolutions + 1):
            layers += [nn.Conv2d(channels if number == 0 else width, width, 3, padding=1), _act(activation, width)]
        self.body = nn.Sequential(*layers, nn.Conv2d(width, channels * scale**2, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        details = pixel_shuffle(self.body(x), self._scale)
        return details + interpolate(x, scale_factor=self._scale, mode="nearest")  # (B, C, s H, s W)


def _act(activation: Activation, width: int) -> nn.Module:
    if activation == "prelu":
        return nn.PReLU(width)
    return nn.ReLU() if activation == "relu" else nn.LeakyReLU(0.1)


def reach(convolutions: int) -> int:
    """How many pixels of the input away an output pixel sees: one for each convolution."""
    return convolutions + 2
