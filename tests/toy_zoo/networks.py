"""Networks small enough that a step takes milliseconds.

Shapes: B batch, Z latent, C channels, S size.
"""

from torch import Tensor, nn


class Painter(nn.Module):
    """(B, inputs) -> (B, C, S, S) in [-1, 1]."""

    def __init__(self, inputs: int, channels: int, size: int, width: int = 16) -> None:
        super().__init__()
        self.shape = (channels, size, size)
        self.layers = nn.Sequential(
            nn.Linear(inputs, width), nn.LeakyReLU(0.2), nn.Linear(width, channels * size * size), nn.Tanh()
        )

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z).unflatten(1, self.shape)


class Judge(nn.Module):
    """(B, C, S, S) -> logits (B,). Smooth, so that penalties have second derivatives."""

    def __init__(self, channels: int, width: int = 8) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 3, 2, 1), nn.SiLU(), nn.Conv2d(width, 1, 3, 2, 1), nn.Flatten()
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images).mean(1)
