"""Judging translations of the built-in tasks: is it still the digit that it was, and does the way back return?

Protocol: the held-out digits are translated. A classifier that has seen nothing but real training pictures of the
target domain (8x8 area averages of each channel, three nearest neighbours) names the digit of each translation; the
share that is right is the accuracy. The same classifier on the real held-out pictures of that domain is the control.

Shapes: N pictures, C channels, S x S.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganzoo.data.digit_tasks import Task, held_out_pictures, training_pictures
from ganzoo.evaluation.neighbours import nearest_class
from ganzoo.evaluation.thumbnails import thumbnails

Translate = Callable[[Tensor], Tensor]
"""(N, C, S, S) in [-1, 1] -> (N, C, S, S) in [-1, 1]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TranslationReport:
    """accuracy, control: see the protocol. l1: to the real target of the same digit, on [-1, 1].

    cycle_l1: of source and way back, on [-1, 1]; None without a way back.
    """

    accuracy: float
    control: float
    l1: float
    cycle_l1: float | None


@torch.no_grad()
def judge_translation(
    task: Task, there: Translate, back: Translate | None = None, *, size: int, reverse: bool = False
) -> TranslationReport:
    """reverse: judge target to source in place of source to target; `there` is then that translator."""
    known, fresh = training_pictures(task, size=size), held_out_pictures(task, size=size)
    given, wanted = (fresh.target, fresh.source) if reverse else (fresh.source, fresh.target)
    examples, labels = (known.source, known.source_labels) if reverse else (known.target, known.target_labels)
    seen, real, learnt = (torch.from_numpy(side).float() / 127.5 - 1 for side in (given, wanted, examples))
    translated = there(seen)
    named = nearest_class(thumbnails(translated), thumbnails(learnt), labels)[1]
    control = nearest_class(thumbnails(real), thumbnails(learnt), labels)[1]
    return TranslationReport(
        accuracy=float(np.mean(named == fresh.source_labels)),
        control=float(np.mean(control == fresh.target_labels)),
        l1=float((translated - real).abs().mean()),
        cycle_l1=None if back is None else float((back(translated) - seen).abs().mean()),
    )
