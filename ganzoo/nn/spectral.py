"""Spectral normalisation (arXiv:1802.05957), one power iteration a step.

torch's own makes an iteration at every forward pass. A discriminator is run two to four times a step, and more
often with micro-batches, so the weights would depend on how a batch is divided; and a gradient penalty would
differentiate another function than the one the loss saw. Here u and v move once, after the step.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import parametrize

_FIRST_ITERATIONS = 15


class Stepwise(nn.Module):
    """A module whose buffers move once a step, however often it was run. The engine calls `advance`."""

    @abstractmethod
    def advance(self) -> None:
        """Called after the updates of a step, without gradients, in the same way on every rank."""


class _SpectralNorm(Stepwise):
    """weight (O, ...) -> weight / sigma, with sigma = u^T W v of the weight as a matrix (O, I)."""

    u: Tensor
    v: Tensor

    def __init__(self, weight: Tensor, dim: int) -> None:
        super().__init__()
        self._dim = dim
        matrix = self._matrix(weight)
        self.register_buffer("u", normalize(torch.randn(len(matrix), dtype=weight.dtype), dim=0))
        self.register_buffer("v", normalize(torch.randn(matrix.shape[1], dtype=weight.dtype), dim=0))
        self._weight = [weight]  # in a list: it is the owner's parameter, not a second one of ours
        for _ in range(_FIRST_ITERATIONS):
            self.advance()

    def forward(self, weight: Tensor) -> Tensor:
        # The same sigma for a loss under bf16 and a penalty outside of it.
        with torch.autocast(weight.device.type, enabled=False):
            return weight / torch.dot(self.u, self._matrix(weight) @ self.v)

    def right_inverse(self, weight: Tensor) -> Tensor:
        return weight

    @torch.no_grad()
    def advance(self) -> None:
        matrix = self._matrix(self._weight[0])
        self.v.copy_(normalize(matrix.T @ self.u, dim=0))
        self.u.copy_(normalize(matrix @ self.v, dim=0))

    def _matrix(self, weight: Tensor) -> Tensor:
        return weight.movedim(self._dim, 0).flatten(1)


def normalize_spectrum(network: nn.Module) -> int:
    """Parametrise the weights of every convolution, linear layer and embedding of `network`, in place; how many."""
    count = 0
    for module in list(network.modules()):
        if isinstance(module, nn.modules.conv._ConvNd | nn.Linear | nn.Embedding | nn.Bilinear):
            dim = 1 if isinstance(module, nn.modules.conv._ConvTransposeNd) else 0
            parametrize.register_parametrization(module, "weight", _SpectralNorm(module.weight, dim))
            count += 1
    return count
