"""Ways from one latent or style to another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def eased(share: float) -> float:
    """0 to 1 with no speed at either end, so that a walk does not turn sharply at its seeds."""
    return (1 - math.cos(math.pi * share)) / 2


def straight(first: NDArray[Any], second: NDArray[Any], share: float) -> NDArray[Any]:
    mixed: NDArray[Any] = (first + share * (second - first)).astype(first.dtype)
    return mixed


def great_circle(first: NDArray[Any], second: NDArray[Any], share: float) -> NDArray[Any]:
    """Between two latents without leaving the shell on which a normal distribution lies."""
    import numpy as np

    cosine = float(np.vdot(first, second) / (np.linalg.norm(first) * np.linalg.norm(second)))
    angle = math.acos(max(-1.0, min(1.0, cosine)))
    if math.sin(angle) < 1e-6:
        return straight(first, second, share)
    weights = math.sin((1 - share) * angle) / math.sin(angle), math.sin(share * angle) / math.sin(angle)
    mixed: NDArray[Any] = (weights[0] * first + weights[1] * second).astype(first.dtype)
    return mixed
