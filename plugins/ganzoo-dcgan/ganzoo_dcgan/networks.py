"""The networks of DCGAN (arXiv:1511.06434), for any power-of-two size from 16 to 256.

Shapes: B batch, Z latent, C channels, S size of the picture, W width.

Deviations from the paper: at sizes other than 64 the number of layers follows the size, and feature
maps are capped at 8 W, the paper's largest.
"""

from torch import Tensor, nn

SIZES = (16, 32, 64, 128, 256)


def feature_maps(size: int, width: int) -> list[int]:
    """Feature maps at S/2, S/4, ..., 4: [W, 2W, 4W, 8W] for 64."""
    return [width * min(2**level, 8) for level in range(size.bit_length() - 3)]


class Generator(nn.Module):
    """z (B, Z) -> picture (B, C, S, S) in [-1, 1]."""

    def __init__(self, *, latent_size: int, size: int, channels: int, width: int) -> None:
        super().__init__()
        deepest, *wider = reversed(feature_maps(size, width))
        layers: list[nn.Module] = [nn.ConvTranspose2d(latent_size, deepest, 4, 1, 0, bias=False)]  # (B, 8W, 4, 4)
        maps = deepest
        for narrower in wider:
            layers += [nn.BatchNorm2d(maps), nn.ReLU(inplace=True)]
            layers.append(nn.ConvTranspose2d(maps, narrower, 4, 2, 1, bias=False))
            maps = narrower
        layers += [nn.BatchNorm2d(maps), nn.ReLU(inplace=True)]
        layers += [nn.ConvTranspose2d(maps, channels, 4, 2, 1, bias=False), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        self.apply(initialize)

    def forward(self, z: Tensor) -> Tensor:
        images: Tensor = self.layers(z[:, :, None, None])
        return images


class Discriminator(nn.Module):
    """Picture (B, C, S, S) -> logits (B,)."""

    def __init__(self, *, size: int, channels: int, width: int) -> None:
        super().__init__()
        first, *deeper = feature_maps(size, width)
        # No batch norm on the picture itself (section 3).
        layers: list[nn.Module] = [
            nn.Conv2d(channels, first, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        maps = first
        for wider in deeper:
            layers += [nn.Conv2d(maps, wider, 4, 2, 1, bias=False), nn.BatchNorm2d(wider)]
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            maps = wider
        layers.append(nn.Conv2d(maps, 1, 4, 1, 0, bias=False))  # (B, 1, 1, 1)
        self.layers = nn.Sequential(*layers)
        self.apply(initialize)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.layers(images)
        return logits.flatten()


def initialize(module: nn.Module) -> None:
    """Weights N(0, 0.02), batch-norm scales N(1, 0.02) (section 4 and the authors' code)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
