"""Numbers that change as training goes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """A number that goes from `start` to `end` while kimg goes from `from_kimg` to `to_kimg`.

    Constant before and after. It is a pure function of kimg, so making a
    run longer on resume does not rewrite its past. In TOML it is an inline table:

        generator_lr = {start = 2e-4, end = 5e-5, to_kimg = 20000, shape = "cosine"}

    Raises ValueError when `to_kimg` is not above `from_kimg`.
    """

    start: float
    end: float
    to_kimg: float
    from_kimg: float = 0.0
    shape: Literal["linear", "cosine"] = "linear"

    __pydantic_config__: ClassVar[dict[str, object]] = {"extra": "forbid", "allow_inf_nan": False}

    def __post_init__(self) -> None:
        if not 0 <= self.from_kimg < self.to_kimg:
            raise ValueError(
                f"a schedule from {self.from_kimg:g} to {self.to_kimg:g} kimg: to_kimg must be above from_kimg, "
                "and neither below 0"
            )

    def __call__(self, kimg: float) -> float:
        share = min(1.0, max(0.0, (kimg - self.from_kimg) / (self.to_kimg - self.from_kimg)))
        if self.shape == "cosine":
            share = (1 - math.cos(math.pi * share)) / 2
        return self.start + share * (self.end - self.start)
