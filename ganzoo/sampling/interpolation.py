"""Closed curves through latents or styles.

Shapes: N stations, each a row of any shape. A place on the way is a station and the share of the way to the next.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def eased(share: float) -> float:
    """0 to 1 with no speed at either end."""
    return (1 - math.cos(math.pi * share)) / 2


def closed_curve(rows: NDArray[Any], at: int, share: float, *, ease: bool = False) -> NDArray[Any]:
    """A point of the closed uniform Catmull-Rom spline through all rows: smooth where it passes them.

    p(t) = p1 + t/2 (p2 - p0) + t^2 (p0 - 5/2 p1 + 2 p2 - 1/2 p3) + t^3 (3/2 (p1 - p2) + 1/2 (p3 - p0))
    """
    count, t = len(rows), eased(share) if ease else share
    p0, p1, p2, p3 = (rows[(at + offset) % count] for offset in (-1, 0, 1, 2))
    point: NDArray[Any] = (
        p1 + t / 2 * (p2 - p0) + t**2 * (p0 - 2.5 * p1 + 2 * p2 - 0.5 * p3) + t**3 * (1.5 * (p1 - p2) + 0.5 * (p3 - p0))
    )
    return point


def around_sphere(rows: NDArray[Any], at: int, share: float, *, ease: bool = False) -> NDArray[Any]:
    """The same between latents, without leaving the shell on which a normal distribution lies: a point of the curve,
    made as long as the two stations are that it is between."""
    import numpy as np

    point = closed_curve(rows, at, share, ease=ease)
    lengths = np.linalg.norm(rows[at]), np.linalg.norm(rows[(at + 1) % len(rows)])
    wanted, length = (1 - share) * lengths[0] + share * lengths[1], np.linalg.norm(point)
    scaled: NDArray[Any] = point * (wanted / length) if length > 0 else point
    return scaled
