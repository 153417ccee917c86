"""The residual networks of WGAN-GP (arXiv:1704.00028, appendix), for 32 and 64 pixels.

Shapes: B batch, Z latent, C channels, S size of the picture, I and O feature maps.

Deviations from the paper: 256 feature maps in the generator at 32, and at 64 the generator and critic of the
spectral-norm paper's ResNet (arXiv:1802.05957), which is what is usually measured under this name.
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu, tanh

SIZES = (32, 64)


class UpBlock(nn.Module):
    """(B, I, S, S) -> (B, O, 2 S, 2 S)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)
        self.conv1, self.conv2 = nn.Conv2d(inputs, outputs, 3, 1, 1), nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.conv1(interpolate(relu(self.norm1(x)), scale_factor=2.0))
        residue: Tensor = self.conv2(relu(self.norm2(hidden)))
        # A 1x1 convolution and repeating pixels commute; this way round it has a quarter of the work.
        grown: Tensor = interpolate(self.shortcut(x), scale_factor=2.0)
        return residue + grown


class Block(nn.Module):
    """(B, I, S, S) -> (B, O, S, S), or half of S. first: of the picture itself, which no ReLU should see."""

    def __init__(self, inputs: int, outputs: int, *, down: bool, first: bool = False) -> None:
        super().__init__()
        hidden = outputs if first else inputs
        self.conv1, self.conv2 = nn.Conv2d(inputs, hidden, 3, 1, 1), nn.Conv2d(hidden, outputs, 3, 1, 1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if down or inputs != outputs else None
        self.down, self.first = down, first

    def forward(self, x: Tensor) -> Tensor:
        residue: Tensor = self.conv2(relu(self.conv1(x if self.first else relu(x))))
        if not self.down:
            straight: Tensor = x if self.shortcut is None else self.shortcut(x)
            return residue + straight
        assert self.shortcut is not None
        # The mean and a 1x1 convolution commute; pooled first, it has a quarter of the work.
        shortcut: Tensor = self.shortcut(avg_pool2d(x, 2))
        return avg_pool2d(residue, 2) + shortcut


class Generator(nn.Module):
    """z (B, Z) -> picture (B, C, S, S) in [-1, 1]."""

    def __init__(self, *, latent_size: int, size: int, channels: int, width: int) -> None:
        super().__init__()
        maps = [4 * width] * 4 if size == 32 else [16 * width, 8 * width, 4 * width, 2 * width, width]
        self.deepest = maps[0]
        self.start = nn.Linear(latent_size, 16 * maps[0])
        self.blocks = nn.Sequential(*[UpBlock(inputs, outputs) for inputs, outputs in pairwise(maps)])
        self.norm = nn.BatchNorm2d(maps[-1])
        self.paint = nn.Conv2d(maps[-1], channels, 3, 1, 1)
        self.apply(initialize)

    def forward(self, z: Tensor) -> Tensor:
        x = self.blocks(self.start(z).reshape(-1, self.deepest, 4, 4))
        return tanh(self.paint(relu(self.norm(x))))


class Critic(nn.Module):
    """Picture (B, C, S, S) -> scores (B, 1)."""

    def __init__(self, *, size: int, channels: int, width: int) -> None:
        super().__init__()
        if size == 32:
            maps, halvings = [2 * width] * 4, 2
        else:
            maps, halvings = [width, 2 * width, 4 * width, 8 * width, 16 * width], 5
        blocks = [Block(channels, maps[0], down=True, first=True)]
        for number, (inputs, outputs) in enumerate(pairwise(maps), start=1):
            blocks.append(Block(inputs, outputs, down=number < halvings))
        self.blocks = nn.Sequential(*blocks)
        self.judge = nn.Linear(maps[-1], 1)
        self.apply(initialize)

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.judge(relu(self.blocks(images)).mean((2, 3)))
        return scores


def initialize(module: nn.Module) -> None:
    """He's for convolutions in front of a ReLU, Glorot's for shortcuts; biases zero."""
    if isinstance(module, nn.Conv2d):
        if module.kernel_size == (1, 1):
            nn.init.xavier_uniform_(module.weight)
        else:
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
        assert module.bias is not None
        nn.init.zeros_(module.bias)
