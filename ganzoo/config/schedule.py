"""Numbers that change as training goes."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """A number that goes from `start` to `end` while kimg goes from `from_kimg` to `to_kimg`.

    Constant before and after. It is a pure function of kimg, so making a
    run longer on resume does not rewrite its past. In TOML it is an inline table:

        generator_lr = {start = 2e-4, end = 5e-5, to_kimg = 20000, shape = "cosine"}

    Papers often count in epochs: `to_epochs` and `from_epochs` become kimg when a run begins and its pictures are
    counted (`in_kimg`); a schedule that still has them cannot be asked for a value.

    Raises ValueError when the end is not above the beginning, or is stated twice or not at all.
    """

    start: float
    end: float
    to_kimg: float | None = None
    from_kimg: float | None = None
    to_epochs: float | None = None
    from_epochs: float | None = None
    shape: Literal["linear", "cosine"] = "linear"

    __pydantic_config__: ClassVar[dict[str, object]] = {"extra": "forbid", "allow_inf_nan": False}

    def __post_init__(self) -> None:
        in_kimg, in_epochs = ((self.from_kimg, self.to_kimg), (self.from_epochs, self.to_epochs))
        stated = [unit for unit, ends in (("kimg", in_kimg), ("epochs", in_epochs)) if any(e is not None for e in ends)]
        if len(stated) != 1:
            raise ValueError(f"a schedule has to_kimg or to_epochs, and this one has {' and '.join(stated) or 'none'}")
        begin, end = in_kimg if stated == ["kimg"] else in_epochs
        if end is None or not 0 <= (begin or 0.0) < end:
            unit, shown = stated[0], "nowhere" if end is None else f"{end:g}"
            raise ValueError(
                f"a schedule from {begin or 0.0:g} to {shown} {unit}: to_{unit} must be above from_{unit}, "
                "and neither below 0"
            )

    def __call__(self, kimg: float) -> float:
        if self.to_kimg is None:
            raise ValueError("a schedule in epochs has no value before it is in_kimg of the pictures there are")
        begin = self.from_kimg or 0.0
        share = min(1.0, max(0.0, (kimg - begin) / (self.to_kimg - begin)))
        if self.shape == "cosine":
            share = (1 - math.cos(math.pi * share)) / 2
        return self.start + share * (self.end - self.start)

    def in_kimg(self, kimg_per_epoch: float) -> Schedule:
        """The same schedule with its ends in kimg."""
        if self.to_epochs is None:
            return self
        return dataclasses.replace(
            self,
            from_kimg=(self.from_epochs or 0.0) * kimg_per_epoch,
            to_kimg=self.to_epochs * kimg_per_epoch,
            from_epochs=None,
            to_epochs=None,
        )
