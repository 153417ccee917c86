"""gan and cgan: multilayer perceptrons, and the game is the base class's.

Papers: Generative Adversarial Nets, arXiv:1406.2661; Conditional Generative Adversarial Nets, arXiv:1411.1784.

Shapes: B batch, Z latent, W width, P pixels (C * H * W), N classes.

With x real, z ~ N(0, 1), s the logistic function, and for cgan the label y beside both, y of the real:

    L_D = mean -log s(D(x | y)) - log(1 - s(D(G(z | y) | y)))
    L_G = mean -log s(D(G(z | y) | y))

Deviations from the papers: a tanh where they have a sigmoid, as pictures are in [-1, 1] here.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot, relu

from ganzoo.architecture import NoiseToImage
from ganzoo_classics.config import GANConfig


class Maxout(nn.Module):
    """(B, I) -> (B, units): the largest of several linear functions (arXiv:1302.4389)."""

    def __init__(self, inputs: int, units: int, pieces: int = 5) -> None:
        super().__init__()
        self.units, self.pieces = units, pieces
        self.linear = nn.Linear(inputs, units * pieces)

    def forward(self, x: Tensor) -> Tensor:
        pieces: Tensor = self.linear(x).reshape(-1, self.units, self.pieces)
        return pieces.amax(2)


class GAN(NoiseToImage):
    config: GANConfig

    def build_generator(self) -> nn.Module:
        width, shape = self.config.width, self.data.picture.shape
        return nn.Sequential(
            nn.Linear(self.config.latent_size, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, self.data.picture.pixels),
            nn.Tanh(),
            nn.Unflatten(1, shape),
        )

    def build_discriminator(self) -> nn.Module:
        units = max(1, self.config.width // 5)  # 240
        return nn.Sequential(
            nn.Flatten(),
            Maxout(self.data.picture.pixels, units),
            nn.Dropout(self.config.dropout),
            Maxout(units, units),
            nn.Dropout(self.config.dropout),
            nn.Linear(units, 1),
        )


class ConditionalGenerator(nn.Module):
    """z (B, Z), label (B,) -> picture (B, C, H, W): each has a hidden layer of its own, then one they share."""

    def __init__(self, *, latent_size: int, classes: int, width: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.classes, self.shape = classes, shape
        ours, theirs = max(1, width // 6), max(1, width - width // 6)  # 200 and 1000 of 1200
        self.from_latent = nn.Linear(latent_size, ours)
        self.from_label = nn.Linear(classes, theirs)
        self.joint = nn.Linear(ours + theirs, width)
        self.paint = nn.Linear(width, shape[0] * shape[1] * shape[2])

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        known = one_hot(label, self.classes).to(z.dtype)  # (B, N)
        hidden = torch.cat([relu(self.from_latent(z)), relu(self.from_label(known))], 1)
        return torch.tanh(self.paint(relu(self.joint(hidden)))).reshape(-1, *self.shape)


class ConditionalDiscriminator(nn.Module):
    """Picture (B, C, H, W), label (B,) -> logits (B, 1)."""

    def __init__(self, *, classes: int, width: int, pixels: int, dropout: float) -> None:
        super().__init__()
        self.classes = classes
        units, few = max(1, width // 5), max(1, width // 24)  # 240 and 50
        self.from_picture = Maxout(pixels, units)
        self.from_label = Maxout(classes, few)
        self.joint = Maxout(units + few, units, pieces=4)
        self.judge = nn.Linear(units, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, images: Tensor, label: Tensor) -> Tensor:
        known = one_hot(label, self.classes).to(images.dtype)
        hidden = torch.cat([self.from_picture(images.flatten(1)), self.from_label(known)], 1)
        logits: Tensor = self.judge(self.dropout(self.joint(self.dropout(hidden))))
        return logits


class ConditionalGAN(NoiseToImage):
    config: GANConfig
    condition = "class"

    def build_generator(self) -> nn.Module:
        return ConditionalGenerator(
            latent_size=self.config.latent_size,
            classes=self.data.classes,
            width=self.config.width,
            shape=self.data.picture.shape,
        )

    def build_discriminator(self) -> nn.Module:
        return ConditionalDiscriminator(
            classes=self.data.classes,
            width=self.config.width,
            pixels=self.data.picture.pixels,
            dropout=self.config.dropout,
        )
