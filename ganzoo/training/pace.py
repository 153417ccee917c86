"""How fast a training is: seconds of steps, apart from those of checkpoints, scores and samples."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import torch

from ganzoo.progress import duration_text
from ganzoo.training.reporting import Reporter, peak_memory_gb

_WARM_STEPS = 3  # the first allocate, choose kernels, compile
_ESTIMATE_STEPS = 20


class Pace:
    """The clock of one session. seconds_before: trained in sessions before it."""

    def __init__(self, reporter: Reporter, *, batch_size: int, device: torch.device) -> None:
        self._reporter = reporter
        self._batch_size = batch_size
        self._device = device
        self.seconds_before = 0.0
        self._aside = 0.0
        self._warm = 0.0
        self.begin(0)

    def begin(self, step: int) -> None:
        """The session begins at a step."""
        self.first = self._logged_step = step
        self._began = self._logged = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the session began."""
        return time.monotonic() - self._began

    @property
    def total_seconds(self) -> float:
        """Of all sessions."""
        return self.seconds_before + self.seconds

    @contextlib.contextmanager
    def aside(self, stage: str) -> Iterator[None]:
        """What is done inside is no step."""
        began = time.monotonic()
        self._reporter.stage(stage)
        try:
            yield
        finally:
            self._reporter.stage("")
            self._aside += time.monotonic() - began

    def since_logged(self, step: int) -> float:
        """Pictures a second since this was asked the last time."""
        now = time.monotonic() - self._aside
        speed = (step - self._logged_step) * self._batch_size / max(now - self._logged, 1e-9)
        self._logged, self._logged_step = now, step
        return speed

    def of_session(self, step: int) -> float:
        """Pictures a second of the whole session."""
        return (step - self.first) * self._batch_size / max(self.seconds - self._aside, 1e-9)

    def estimate(self, step: int, target: int) -> None:
        """After the first steps: tell how long the rest will take, and the memory it takes."""
        done = step - self.first
        if done not in (_WARM_STEPS, _WARM_STEPS + _ESTIMATE_STEPS):
            return
        if self._device.type == "cuda":
            torch.cuda.synchronize()  # twice in a training
        now = time.monotonic() - self._aside
        if done == _WARM_STEPS:
            self._warm = now
            return
        speed = _ESTIMATE_STEPS / max(now - self._warm, 1e-9)
        memory = peak_memory_gb(self._device)
        held = f", {memory:.1f} GB of memory" if memory is not None else ""
        left = (target - step) / speed
        self._reporter.status(
            f"estimate: {duration_text(left)} for the {target - step:,} steps that are left, "
            f"{speed * self._batch_size:,.0f} images/s{held}",
            step=step,
            steps=target,
            seconds_left=left,
        )
