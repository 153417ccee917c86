"""What a training would take, from a few of its steps: time, memory, room on the disk."""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass

import torch

from ganzoo.architecture.graphs import graphs_of
from ganzoo.progress import duration_text
from ganzoo.roles import painting_chain
from ganzoo.runs.run import target_steps
from ganzoo.training.previews import paint_batches
from ganzoo.training.reporting import peak_memory_gb
from ganzoo.training.trainer import Trainer

_WARM_STEPS = 3  # the first allocate, choose kernels, compile
_MOST_SECONDS = 60.0  # of timed steps; one is timed in any case
_RECORD_BYTES = 500  # a line of metrics, about
_PNG_SHARE = 0.7  # of the bytes of the pixels, about
_PAINTED = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What a whole training takes. timed_steps: how many were timed. seconds_per_step: their median.

    seconds: of all steps and of the scores of checkpoints, in all. memory_gb: the most so far, None where it cannot be
    known. checkpoint_bytes: of one. disk_bytes: of all that is kept at the end.
    """

    timed_steps: int
    seconds_per_step: float
    images_per_second: float
    seconds: float
    memory_gb: float | None
    checkpoint_bytes: int
    disk_bytes: int

    @property
    def duration(self) -> str:
        """The seconds in words: `3.5 hours`."""
        return duration_text(self.seconds)


def rehearse(trainer: Trainer, *, steps: int = 10) -> Estimate:
    """Train a few steps, which change the networks that `trainer` holds. Raises what training raises."""
    settings, engine = trainer.run.config.train, trainer.engine
    times: list[float] = []
    with trainer.feed() as feed:
        for number in range(_WARM_STEPS + steps):
            began = time.monotonic()
            trainer.step(feed)
            if engine.device.type == "cuda":
                torch.cuda.synchronize()
            if number >= _WARM_STEPS or sum(times) > _MOST_SECONDS:
                times.append(time.monotonic() - began)
            if sum(times) > _MOST_SECONDS:
                break
        trainer.raise_if_diverged(feed)
    mean = statistics.fmean(times)  # lazy phases fall on some of them
    total = target_steps(settings)
    kimg = total * settings.batch_size / 1000
    written = max(1, math.floor(kimg / settings.checkpoint_every_kimg))
    checkpoint = _checkpoint_bytes(trainer)
    kept = min(written, settings.keep_checkpoints) + (written > settings.keep_checkpoints)
    shown = next(iter(trainer.run.data.pictures.values()))
    grid = settings.sample_count * shown.channels * shown.height * shown.width * _PNG_SHARE
    grids = max(1, math.floor(kimg / settings.sample_every_kimg)) + 1
    return Estimate(
        timed_steps=len(times),
        seconds_per_step=statistics.median(times),
        images_per_second=settings.batch_size / mean,
        seconds=total * mean + written * _scoring_seconds(trainer),
        memory_gb=peak_memory_gb(engine.device),
        checkpoint_bytes=checkpoint,
        disk_bytes=int(kept * checkpoint + grids * grid + total / settings.log_every_steps * _RECORD_BYTES),
    )


def _scoring_seconds(trainer: Trainer) -> float:
    """Of the pictures that one checkpoint is scored by, where they are painted from noise."""
    count = trainer.run.config.train.score_count
    painters = painting_chain(graphs_of(trainer.engine.architecture))
    if not painters or count < 2:
        return 0.0
    began = time.monotonic()
    with torch.no_grad():
        for _ in paint_batches(painters, count=_PAINTED, device=trainer.engine.device):
            pass
    return (time.monotonic() - began) * count / _PAINTED


def _checkpoint_bytes(trainer: Trainer) -> int:
    engine = trainer.engine
    tensors = list(engine.architecture.state_dict().values())
    if engine.average is not None:
        tensors += [tensor for state in engine.average.state().values() for tensor in state.values()]
    for optimizer in engine.optimizers.values():
        for state in optimizer.inner.state.values():
            tensors += [value for value in state.values() if isinstance(value, torch.Tensor)]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
