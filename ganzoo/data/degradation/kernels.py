"""The blur kernels of Real-ESRGAN's degradation (arXiv:2107.10833, 3.2 and 3.3).

    q = x^T Sigma^-1 x on whole pixels around the middle
    Gaussian exp(-q / 2);   generalised exp(-q^beta / 2);   plateau 1 / (1 + q^beta);   each divided by its sum
    sinc with cut-off w: w J1(w r) / (2 pi r), in the middle w^2 / (4 pi), divided by its sum

Shapes: K side of a kernel, odd.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import RandomState
from torch import Tensor

_SIZES = tuple(range(7, 22, 2))
_KINDS = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)  # Gaussian, generalised, plateau: each isotropic, then not
_SINC_SHARE, _FINAL_SINC_SHARE = 0.1, 0.8
_SMALL = 13  # pixels; a smaller kernel has no room for a lower cut-off


@dataclass(frozen=True, slots=True)
class BlurRange:
    """What a blur is drawn from: sigma in pixels, and the shapes of generalised and plateau kernels."""

    sigma: tuple[float, float]
    generalised: tuple[float, float] = (0.5, 4.0)
    plateau: tuple[float, float] = (1.0, 2.0)


def draw_kernel(random: RandomState, blur: BlurRange) -> Tensor:
    """(K, K) float32, of a size that is drawn too."""
    size = _SIZES[random.randint(len(_SIZES))]
    if random.uniform() < _SINC_SHARE:
        return sinc_kernel(random.uniform(math.pi / (3 if size < _SMALL else 5), math.pi), size)
    kind = int(random.choice(len(_KINDS), p=_KINDS))
    across = random.uniform(*blur.sigma)
    down, angle = (across, 0.0) if kind % 2 == 0 else (random.uniform(*blur.sigma), random.uniform(-math.pi, math.pi))
    family, beta = ("gaussian", "generalised", "plateau")[kind // 2], 1.0
    if family != "gaussian":
        low, high = blur.generalised if family == "generalised" else blur.plateau
        # Half of the time below 1 and half above, as published; so a range from 1 gives 1 half of the time.
        beta = random.uniform(low, 1.0) if random.uniform() < 0.5 else random.uniform(1.0, high)
    return gaussian_kernel(size, across, down, angle, beta, plateau=family == "plateau")


def draw_final_sinc(random: RandomState) -> Tensor | None:
    """(K, K), or None for no filter."""
    if random.uniform() >= _FINAL_SINC_SHARE:
        return None
    size = _SIZES[random.randint(len(_SIZES))]
    return sinc_kernel(random.uniform(math.pi / 3, math.pi), size)


def gaussian_kernel(
    size: int, across: float, down: float, angle: float = 0.0, beta: float = 1.0, *, plateau: bool = False
) -> Tensor:
    """(K, K), sums to 1. across, down: standard deviations along the axes, which are turned by `angle`."""
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    inverse = np.linalg.inv(turn @ np.diag([across**2, down**2]) @ turn.T)
    places = np.arange(size) - size // 2
    grid = np.stack(np.meshgrid(places, places), -1).astype(np.float64)  # (K, K, 2): x, y
    q = np.einsum("hwi,ij,hwj->hw", grid, inverse, grid)
    kernel = 1 / (1 + q**beta) if plateau else np.exp(-(q**beta) / 2)
    return torch.from_numpy((kernel / kernel.sum()).astype(np.float32))


def sinc_kernel(cutoff: float, size: int) -> Tensor:
    """(K, K), sums to 1: an ideal low pass, which rings as sharpened pictures do."""
    places = torch.arange(size, dtype=torch.float64) - size // 2
    radius = torch.hypot(places[:, None], places[None, :])
    kernel = cutoff * torch.special.bessel_j1(cutoff * radius) / (2 * math.pi * radius)
    kernel[size // 2, size // 2] = cutoff**2 / (4 * math.pi)
    whole: Tensor = kernel / kernel.sum()
    return whole.to(torch.float32)
