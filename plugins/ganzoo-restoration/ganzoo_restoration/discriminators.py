"""The discriminators of SRGAN (arXiv:1609.04802), ESRGAN (arXiv:1809.00219) and Real-ESRGAN (arXiv:2107.10833).

Deviations: SRGAN's gives the logit before the sigmoid. ESRGAN's halves pictures until they have four to seven pixels,
which is five times for the 128 of the paper. Real-ESRGAN's normalises its spectrum once a step and not at each pass, as
`ganzoo.nn.spectral` says.

Shapes: B batch, C channels, F width, H, W.
"""

from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu

from ganzoo.nn import normalize_spectrum

SLOPE = 0.2


class SRGANDiscriminator(nn.Module):
    """(B, C, H, W) of one size, multiples of 16 -> (B, 1) logits.

    bias: of convolutions before a batch norm.
    """

    size_multiple = 16

    def __init__(self, *, channels: int, height: int, width: int, features: int = 64, bias: bool = True) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, features, 3, padding=1), nn.LeakyReLU(SLOPE)]
        given = features
        for times, stride in ((1, 2), (2, 1), (2, 2), (4, 1), (4, 2), (8, 1), (8, 2)):
            layers += _normalised(nn.Conv2d(given, times * features, 3, stride, 1, bias=bias))
            given = times * features
        self.features = nn.Sequential(*layers)
        self.logits = nn.Sequential(
            nn.Flatten(),
            nn.Linear(given * (height // 16) * (width // 16), 16 * features),
            nn.LeakyReLU(SLOPE),
            nn.Linear(16 * features, 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.logits(self.features(images))
        return logits


class VGGDiscriminator(nn.Module):
    """(B, C, H, W) of one size -> (B, 1) logits."""

    def __init__(self, *, channels: int, height: int, width: int, features: int = 64) -> None:
        super().__init__()
        times = halvings(height, width)
        layers: list[nn.Module] = []
        given = channels
        for stage in range(times):
            wide = features * min(8, 2**stage)
            if stage == 0:
                layers += [nn.Conv2d(given, wide, 3, padding=1), nn.LeakyReLU(SLOPE)]
            else:
                layers += _normalised(nn.Conv2d(given, wide, 3, padding=1, bias=False))
            layers += _normalised(nn.Conv2d(wide, wide, 4, 2, 1, bias=False))
            given = wide
        self.features = nn.Sequential(*layers)
        self.logits = nn.Sequential(
            nn.Flatten(),
            nn.Linear(given * (height >> times) * (width >> times), 100),
            nn.LeakyReLU(SLOPE),
            nn.Linear(100, 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.logits(self.features(images))
        return logits


def halvings(height: int, width: int) -> int:
    """How often the shorter side is halved until it has four to seven pixels."""
    times = 1
    while min(height, width) >> (times + 1) >= 4:
        times += 1
    return times


class UNetDiscriminator(nn.Module):
    """(B, C, H, W), multiples of 8 -> a logit for each pixel, (B, 1, H, W)."""

    size_multiple = 8

    def __init__(self, *, channels: int = 3, features: int = 64) -> None:
        super().__init__()
        f = features
        self.conv0 = nn.Conv2d(channels, f, 3, padding=1)
        for number, (given, made) in enumerate(((f, 2 * f), (2 * f, 4 * f), (4 * f, 8 * f)), 1):
            setattr(self, f"conv{number}", nn.Conv2d(given, made, 4, 2, 1, bias=False))
        for number, (given, made) in enumerate(((8 * f, 4 * f), (4 * f, 2 * f), (2 * f, f), (f, f), (f, f)), 4):
            setattr(self, f"conv{number}", nn.Conv2d(given, made, 3, padding=1, bias=False))
        self.conv9 = nn.Conv2d(f, 1, 3, padding=1)
        for number in range(1, 9):
            normalize_spectrum(getattr(self, f"conv{number}"))

    def forward(self, images: Tensor) -> Tensor:
        down = [leaky_relu(self.conv0(images), SLOPE)]
        for number in (1, 2, 3):
            down.append(leaky_relu(getattr(self, f"conv{number}")(down[-1]), SLOPE))
        features = down.pop()  # (B, 8F, H/8, W/8)
        for number in (4, 5, 6):
            doubled = interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)
            features = leaky_relu(getattr(self, f"conv{number}")(doubled), SLOPE) + down.pop()
        for number in (7, 8):
            features = leaky_relu(getattr(self, f"conv{number}")(features), SLOPE)
        logits: Tensor = self.conv9(features)
        return logits  # (B, 1, H, W)


def _normalised(convolution: nn.Conv2d) -> list[nn.Module]:
    return [convolution, nn.BatchNorm2d(convolution.out_channels), nn.LeakyReLU(SLOPE)]
