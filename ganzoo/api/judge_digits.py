"""Painted digits held against the built-in real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.sampling.pictures import Pictures

if TYPE_CHECKING:
    from ganzoo.evaluation.digits import DigitsReport


def judge_digits(pictures: Pictures) -> DigitsReport:
    """Needs no downloaded network; see `ganzoo.evaluation.digits` for the protocol.

    Raises ValueError for pictures whose sides are no multiples of 8.
    """
    from ganzoo.evaluation.digits import judge

    return judge(pictures.pixels.transpose(0, 3, 1, 2), low=0.0, high=255.0)
