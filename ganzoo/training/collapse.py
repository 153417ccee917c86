"""Looking out for a training that has stopped to be one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SURE = 0.995
_SAME = 0.1
_HALF = 0.5  # of the best so far
_LONG = 10  # checkpoints
_DISTANCES = ("fid", "frechet", "kid", "kernel_distance")
_LINES, _SCORES = 5, 3  # in a row: every GAN has such moments


class CollapseWatch:
    """Reads the log lines and says, once for each kind until it is over, what looks like a collapse."""

    def __init__(self) -> None:
        self._sure = 0
        self._same = 0
        self._told: set[str] = set()
        self._best: dict[str, float] = {}
        self._fallen: dict[str, int] = {}
        self._best_kimg, self._since = 0.0, 0

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
        return [*warnings, *self._falls(record), *self._stalls(record)]

    def _stalls(self, record: Mapping[str, Any]) -> list[str]:
        """The distance that is scored has found no better value for a long while."""
        distances = [name for name in record if name.startswith("score.") and name.rpartition(".")[2] in _DISTANCES]
        name = max(distances, key=lambda each: each != "score.frechet", default="")  # the field's, where there is one
        if not name:
            return []
        value, best = record[name], self._best.get(name, float("inf"))
        if value < best:
            self._best[name], self._best_kimg, self._since = value, record.get("kimg", 0.0), 0
        else:
            self._since += 1
        if not self._is_news("stall", self._since >= _LONG):
            return []
        return [
            f"{name.removeprefix('score.')} has found nothing better than {best:.4g} (at {self._best_kimg:g} kimg) for "
            f"{_LONG} checkpoints. The best checkpoint is kept; more training may be no use with these settings."
        ]

    def _falls(self, record: Mapping[str, Any]) -> list[str]:
        """Precision or recall, where they are scored: a mode that is gone, or pictures that are, at any loss."""
        warnings = []
        for name, value in record.items():
            what = name.rpartition(".")[2]
            if not name.startswith("score.") or what not in ("precision", "recall"):
                continue
            best = self._best[name] = max(value, self._best.get(name, 0.0))
            self._fallen[name] = self._fallen.get(name, 0) + 1 if value < _HALF * best else 0
            if self._is_news(name, self._fallen[name] >= _SCORES):
                lost = "variety: modes are left out" if what == "recall" else "looks: pictures lie off the real ones"
                warnings.append(
                    f"{what} has fallen to {value:.2f} from {best:.2f} for {_SCORES} checkpoints, whatever the losses "
                    f"say. The generator loses {lost}. The best checkpoint is kept; try a penalty or lower rates."
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
