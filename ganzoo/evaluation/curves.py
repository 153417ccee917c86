"""A curve as a drawing inside a page. Needs nothing but numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

_WIDTH, _HEIGHT, _LEFT, _LOWER = 420, 200, 58, 28
_UPPER, _RIGHT = 10, 12


def curve(points: Sequence[tuple[object, object]], *, across: str, up: str) -> str:
    """An SVG of numbers over numbers; empty for fewer than two that are finite."""
    known = [
        (float(x), float(y))
        for x, y in points
        if isinstance(x, int | float) and isinstance(y, int | float) and math.isfinite(x) and math.isfinite(y)
    ]
    if len(known) < 2:
        return ""
    xs, ys = [x for x, _ in known], [y for _, y in known]
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _LOWER - _UPPER

    def place(x: float, y: float) -> str:
        right = _LEFT + width * (x - min(xs)) / ((max(xs) - min(xs)) or 1)
        down = _UPPER + height * (max(ys) - y) / ((max(ys) - min(ys)) or 1)
        return f"{right:.1f},{down:.1f}"

    line = " ".join(place(x, y) for x, y in known)
    label = f"{up} over {across}, from {ys[0]:.4g} to {ys[-1]:.4g}"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">'
        f'<path d="M{_LEFT},{_UPPER}V{_HEIGHT - _LOWER}H{_WIDTH - _RIGHT}" fill="none" stroke="currentColor" '
        'stroke-opacity=".4"/>'
        f'<polyline points="{line}" fill="none" stroke="var(--mark)" stroke-width="2"/>'
        f'<g font-size="11" fill="currentColor">'
        f'<text x="{_LEFT - 6}" y="{_UPPER + 8}" text-anchor="end">{max(ys):.3g}</text>'
        f'<text x="{_LEFT - 6}" y="{_HEIGHT - _LOWER}" text-anchor="end">{min(ys):.3g}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 10}">{min(xs):.4g}</text>'
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 10}" text-anchor="end">{max(xs):.4g} {escape(across)}</text>'
        "</g></svg>"
    )
