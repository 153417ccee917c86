"""Looking out for a training that has stopped to be one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SURE = 0.995
_SAME = 0.1
_LINES, _SCORES = 5, 3  # in a row: every GAN has such moments


class CollapseWatch:
    """Reads the log lines and says, once for each kind until it is over, what looks like a collapse."""

    def __init__(self) -> None:
        self._sure = 0
        self._same = 0
        self._told: set[str] = set()

    def look(self, record: Mapping[str, Any]) -> list[str]:
        """record: a line of the metrics. Returns warnings, mostly none."""
        warnings = []
        accuracies = [value for name, value in record.items() if name.endswith(".accuracy")]
        if accuracies:
            self._sure = self._sure + 1 if min(accuracies) > _SURE else 0
            if self._is_news("accuracy", self._sure >= _LINES):
                warnings.append(
                    f"the discriminator has told reals from samples {100 * min(accuracies):.1f}% of the time for "
                    f"{_LINES} log lines: the generator learns little from it. Try a lower discriminator_lr, a "
                    "penalty (penalty=r1) or, with few pictures, augment=ada."
                )
        diversity = record.get("score.diversity")
        if diversity is not None:
            self._same = self._same + 1 if diversity < _SAME else 0
            if self._is_news("diversity", self._same >= _SCORES):
                warnings.append(
                    f"the samples look alike: their variance has been {100 * diversity:.0f}% of the reals' for "
                    f"{_SCORES} checkpoints. Try lower learning rates, or a penalty."
                )
        return warnings

    def _is_news(self, kind: str, seen: bool) -> bool:
        if not seen:
            self._told.discard(kind)
            return False
        if kind in self._told:
            return False
        self._told.add(kind)
        return True
