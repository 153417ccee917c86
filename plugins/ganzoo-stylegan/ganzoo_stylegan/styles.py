"""What maps latents to styles, and the generator around it: shared by the family.

Papers: StyleGAN (arXiv:1812.04948), StyleGAN2 (arXiv:1912.04958).

Shapes: B batch, C channels of the picture, R resolution, Z latent, N width of w, L layers (w vectors).
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo_stylegan.ops import EqualizedLinear, second_moment_normalized


class MappingNetwork(nn.Module):
    """z (B, Z)[, label (B,) class indices] -> w (B, N). latent_size 0: only the label is mapped."""

    def __init__(self, *, latent_size: int, classes: int, width: int, layers: int, multiplier: float = 0.01) -> None:
        super().__init__()
        self._latent_size, self._classes = latent_size, classes
        if classes:
            self.embed = EqualizedLinear(classes, width)
        inputs = latent_size + (width if classes else 0)
        self.layers = nn.ModuleList(
            EqualizedLinear(inputs if layer == 0 else width, width, multiplier=multiplier, active=True)
            for layer in range(layers)
        )

    def forward(self, z: Tensor | None, label: Tensor | None = None) -> Tensor:
        parts = []
        if self._latent_size:
            assert z is not None
            parts.append(second_moment_normalized(z))
        if self._classes:
            assert label is not None
            # A one-hot vector times the weights picks a column of them.
            embedded = F.embedding(label, self.embed.weight.t()) * self.embed.scale + self.embed.bias
            parts.append(second_moment_normalized(embedded))
        x = torch.cat(parts, 1) if len(parts) > 1 else parts[0]
        for layer in self.layers:
            x = layer(x)
        return x


class SynthesisNetwork(nn.Module, ABC):
    """What paints from styles: forward(ws (B, L, N), noise (B, pixels) or None for the constant one) -> (B, C, R, R).

    layers: L. pixels: of all its noise inputs together, for one picture.
    """

    layers: int
    pixels: int

    @abstractmethod
    def forward(self, ws: Tensor, noise: Tensor | None = None) -> Tensor: ...

    def for_each_layer(self, w: Tensor) -> Tensor:
        """One w (B, N) for every layer, (B, L, N)."""
        return w[:, None] * torch.ones(self.layers, 1, dtype=w.dtype, device=w.device)


class Generator(nn.Module):
    """z (B, Z), [label (B,),] truncation_psi (B,) -> picture (B, C, R, R).

    average: the mean of w over training, (N,), which truncation pulls towards.
    truncated: the first layers whose styles it pulls; 0: all.
    """

    def __init__(self, mapping: MappingNetwork, synthesis: SynthesisNetwork, width: int, *, truncated: int = 0) -> None:
        super().__init__()
        self.mapping, self.synthesis = mapping, synthesis
        self._truncated = truncated if truncated < synthesis.layers else 0
        self.average: Tensor
        self.register_buffer("average", torch.zeros(width))

    def forward(self, z: Tensor, *rest: Tensor) -> Tensor:
        picture: Tensor = self.synthesis(self.styles(z, *rest))
        return picture

    def styles(self, z: Tensor, *rest: Tensor) -> Tensor:
        """The same inputs -> w for each layer, truncated: (B, L, N)."""
        *label, psi = rest
        w: Tensor = self.mapping(z, *label)
        pulled = self.synthesis.for_each_layer(self.average + psi[:, None] * (w - self.average))
        if not self._truncated:
            return pulled
        return torch.cat([pulled[:, : self._truncated], self.synthesis.for_each_layer(w)[:, self._truncated :]], 1)


class Styles(nn.Module):
    """The mapping of a generator as a module of its own: z (B, Z), [label (B,),] truncation_psi (B,) -> (B, L, N)."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, z: Tensor, *rest: Tensor) -> Tensor:
        return self.generator.styles(z, *rest)
