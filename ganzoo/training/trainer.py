"""The training loop: batches in, checkpoints, samples and metrics out."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganzoo.architecture import Architecture
from ganzoo.data.batches import Order, Prefetcher
from ganzoo.data.resident import Resident, fits
from ganzoo.data.source import DataSource
from ganzoo.errors import CheckpointError, DivergedError, GanzooError, one_line
from ganzoo.evaluation.thumbnails import ThumbnailScorer
from ganzoo.loggers.protocol import Factory
from ganzoo.plugins import Offer
from ganzoo.specs import LoggerSpec
from ganzoo.training import checkpoint as checkpoints
from ganzoo.training.device import backends, is_out_of_memory, select_device, use_bf16
from ganzoo.training.ema import averaged_state, evaluation_copy
from ganzoo.training.engine import Engine
from ganzoo.training.previews import paint_batches, write_previews, write_reals
from ganzoo.training.ranks import Ranks
from ganzoo.training.reporting import Observer, Reporter, Silent, peak_memory_gb
from ganzoo.training.run import Run, target_steps
from ganzoo.training.stopping import StopRequest

_WARM_STEPS = 3  # the first allocate, choose kernels, compile
_ESTIMATE_STEPS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a training ended.

    steps, kimg: where it stands. seconds: of this session. interrupted: by Ctrl-C or SIGTERM, and saved.
    best: the checkpoint with the best score, if there are scores.
    """

    steps: int
    kimg: float
    seconds: float
    images_per_second: float
    interrupted: bool
    finished: bool
    checkpoint: Path
    samples: Path
    best: Path | None


class Trainer:
    """Trains one run from its newest checkpoint, or from the beginning.

    ranks: the processes that train it together; the first of them writes and talks.
    Raises RequestError for a device that is not there; see `train` for the rest.
    """

    def __init__(
        self,
        run: Run,
        architecture: Architecture,
        source: DataSource,
        observer: Observer,
        *,
        ranks: Ranks | None = None,
        loggers: Sequence[tuple[Offer[LoggerSpec], Factory]] = (),
    ) -> None:
        self.run = run
        self.ranks = ranks or Ranks()
        self._settings = settings = run.config.train
        if settings.deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS wants it before its first use
        device = select_device(settings.device, local_rank=self.ranks.local_rank if self.ranks.count > 1 else None)
        self.engine = Engine(
            architecture,
            seed=settings.seed,
            batch_size=settings.batch_size,
            device=device,
            bf16=use_bf16(settings.precision, device),
            ranks=self.ranks,
            accumulate=settings.accumulate,
            compile=settings.compile,
        )
        held = device.type == "cuda" and fits(source, run.config.data.device_memory_gb)
        self._source = Resident(source, device) if held else source
        self._scorer = ThumbnailScorer(source)
        self.reporter = Reporter(observer if self.ranks.leads else Silent(), loggers if self.ranks.leads else ())
        self._stop = StopRequest()
        self.steps_done = 0
        self._seconds_before = 0.0
        self._began = 0.0
        self._aside = 0.0  # seconds spent on checkpoints, scores and samples, which are no training speed

    def resume(self) -> checkpoints.Checkpoint:
        """Go on from the newest whole checkpoint. Raises CheckpointError when there is none."""
        folder = self.run.checkpoints
        if self.ranks.leads:
            checkpoints.clean(folder)
            checkpoint, damaged = checkpoints.newest(folder)
            for line in damaged:
                self.reporter.say(f"passed over: {line}")
        step = self.ranks.tell(checkpoint.step if self.ranks.leads else 0)
        checkpoint, _ = checkpoints.choose(folder, str(step))
        state = checkpoint.state()
        checkpoint.restore(self.engine)
        self.steps_done = checkpoint.step
        self._seconds_before = float(state.get("seconds", 0.0))
        now = self._conditions()
        if changed := [
            f"{key} {state[key]} to {now[key]}"
            for key in ("device", "bf16", "ranks", "accumulate", "compile")
            if state.get(key, now[key]) != now[key]
        ]:
            self.reporter.say(f"changed since the checkpoint: {', '.join(changed)}; results will agree to rounding")
        if self.engine.device.type == "cpu" and state.get("threads") not in (None, now["threads"]):
            self.reporter.say(
                f"the checkpoint was written with {state['threads']} threads and this process has {now['threads']}: "
                "results will agree to rounding, not bit for bit"
            )
        return checkpoint

    def train(self) -> Outcome:
        """Train to the end, to `max_seconds`, or to Ctrl-C; each ends with a checkpoint.

        Raises DivergedError, DataError or CheckpointError, or GanzooError when another rank is gone; the newest
        checkpoint on disk stays good.
        """
        settings, engine, batch_size = self._settings, self.engine, self._settings.batch_size
        target = target_steps(settings)
        order = Order(seed=settings.seed, batch_size=batch_size, lengths=self._source.lengths)
        first = logged_step = self.steps_done
        self._began = logged = time.monotonic()
        with (
            Prefetcher(self._source, order, rows=self._rows()) as prefetcher,
            backends(engine.device, deterministic=settings.deterministic),
            self._stop.listening(),
            self._reporting(),
        ):
            if self.steps_done == 0:
                reals = self.run.samples / "reals.png"
                self._lead("reals.png", lambda: write_reals(reals, prefetcher.first(), settings.sample_count))
            while self.steps_done < target:
                self._step(prefetcher)
                done = self.steps_done
                late = settings.max_seconds is not None and time.monotonic() - self._began >= settings.max_seconds
                stop, late = self.ranks.any(self._stop.made, late)
                last = done == target or late or stop
                if done - first in (_WARM_STEPS, _WARM_STEPS + _ESTIMATE_STEPS):
                    self._estimate(done - first, target)
                score: dict[str, float] = {}
                if last or self._crosses(settings.checkpoint_every_kimg):
                    if stop:
                        self.reporter.say("stopped; writing a checkpoint")
                    saved, score = self._save(prefetcher)
                if done % settings.log_every_steps == 0 or last or score:
                    self._raise_if_diverged(prefetcher)
                    now = time.monotonic() - self._aside
                    speed = (done - logged_step) * batch_size / max(now - logged, 1e-9)
                    self._log(speed, target, score)
                    logged, logged_step = now, done
                if last or self._crosses(settings.sample_every_kimg):
                    samples = self._write_samples(prefetcher)
                if last:
                    break
            else:  # nothing was left to do
                saved, _ = self._save(prefetcher)
                samples = self._write_samples(prefetcher)
        seconds = time.monotonic() - self._began
        best = checkpoints.best(self.run.checkpoints) if self.ranks.leads else None
        return Outcome(
            steps=self.steps_done,
            kimg=self.steps_done * batch_size / 1000,
            seconds=seconds,
            images_per_second=(self.steps_done - first) * batch_size / max(seconds - self._aside, 1e-9),
            interrupted=self._stop.made and self.steps_done < target,
            finished=self.steps_done >= target,
            checkpoint=saved,
            samples=samples,
            best=best.path if best is not None else None,
        )

    def _rows(self) -> NDArray[np.int64] | None:
        """This rank's rows of a global batch: of each micro-batch a consecutive part."""
        if self.ranks.count == 1:
            return None
        micros = np.arange(self._settings.batch_size).reshape(self._settings.accumulate, self.ranks.count, -1)
        return np.ascontiguousarray(micros[:, self.ranks.rank].ravel())

    def _step(self, prefetcher: Prefetcher) -> None:
        try:
            self.engine.step(self.steps_done, self.engine.prepare(prefetcher.batch(self.steps_done)))
        except (DivergedError, CheckpointError):
            raise
        except Exception as error:
            self._save_if_sound()
            if is_out_of_memory(error):
                raise _out_of_memory(error, self._settings.batch_size) from error
            raise
        self.steps_done += 1

    def _crosses(self, every_kimg: float) -> bool:
        after = self.steps_done * self._settings.batch_size
        before = after - self._settings.batch_size
        return after // (every_kimg * 1000) > before // (every_kimg * 1000)

    def _estimate(self, done: int, target: int) -> None:
        """After the first steps: how long the rest will take, and the memory it takes."""
        if self.engine.device.type == "cuda":
            torch.cuda.synchronize()  # twice in a training
        now = time.monotonic()
        if done == _WARM_STEPS:
            self._warm = now
            return
        speed = _ESTIMATE_STEPS / max(now - self._aside - self._warm, 1e-9)
        memory = peak_memory_gb(self.engine.device)
        held = f", {memory:.1f} GB of memory" if memory is not None else ""
        left = (target - self.steps_done) / speed
        self.reporter.say(
            f"estimate: {_duration(left)} for the {target - self.steps_done:,} steps that are left, "
            f"{speed * self._settings.batch_size:,.0f} images/s{held}"
        )

    def _log(self, speed: float, target: int, score: dict[str, float]) -> None:
        settings, done, seconds = self._settings, self.steps_done, time.monotonic() - self._began
        record = {
            "step": done,
            "kimg": done * settings.batch_size / 1000,
            "seconds": round(self._seconds_before + seconds, 3),
            "images_per_second": round(speed, 2),
            **self.engine.means(),
            **score,
        }
        left = (target - done) * settings.batch_size / max(speed, 1e-9)
        if settings.max_seconds is not None:
            left = min(left, settings.max_seconds - seconds)
        self.reporter.log(record, steps=target, seconds_left=max(0.0, left))

    def _raise_if_diverged(self, prefetcher: Prefetcher) -> None:
        number = self.engine.check()
        if number is not None:
            self.engine.check(self.engine.prepare(prefetcher.batch(number)))

    def _save(self, prefetcher: Prefetcher | None = None) -> tuple[Path, dict[str, float]]:
        """Score and write. Every rank calls it; rank 0 writes. The score, as metrics, is empty where there is none."""
        if prefetcher is not None:
            self._raise_if_diverged(prefetcher)
            if not self.ranks.agree(self.engine.checksum() if self.ranks.count > 1 else 0.0):
                raise GanzooError(
                    f"The ranks' weights differ after step {self.steps_done}; no checkpoint of them is written.",
                    hint="Go on from the last one with --resume. Does the architecture keep state outside its modules, "
                    "or compute differently on different ranks?",
                )
        began = time.monotonic()
        path = checkpoints.path_of(self.run.checkpoints, self.steps_done)
        score: dict[str, float] = {}
        if self.ranks.leads:
            if prefetcher is not None:
                self._lead("the score", lambda: score.update(self._score()))
            checkpoints.write(
                self.run.checkpoints,
                self.engine,
                step=self.steps_done,
                state={
                    "kimg": self.steps_done * self._settings.batch_size / 1000,
                    "seconds": self._seconds_before + time.monotonic() - self._began,
                    "score": score.get("score.frechet"),
                    "torch": torch.__version__,
                    **self._conditions(),
                },
                config=self.run.to_toml(),
                keep=self._settings.keep_checkpoints,
            )
        self._aside += time.monotonic() - began
        return path, score

    def _conditions(self) -> dict[str, Any]:
        """What may change on resume, and changes the last bits."""
        return {
            "threads": torch.get_num_threads(),
            "device": self.engine.device.type,
            "bf16": self.engine.bf16,
            "ranks": self.ranks.count,
            "accumulate": self._settings.accumulate,
            "compile": self._settings.compile,
        }

    def _score(self) -> dict[str, float]:
        """Of the averaged generator; empty when it is switched off or the main graph does not paint from noise."""
        twin = evaluation_copy(self.engine.architecture, averaged_state(self.engine.average))
        graph, count = twin.graphs()[0], self._settings.score_count
        if count < 2 or any(spec.draw == "image" for spec in graph.inputs) or graph.outputs[0].draw != "image":
            return {}
        found = self._scorer.score(paint_batches(graph, count=count, device=self.engine.device))
        return {"score.frechet": found.frechet, "score.diversity": found.diversity}

    def _save_if_sound(self) -> None:
        """Before an error goes up: what was learnt so far, unless the failing step left it half-changed."""
        # A fetch fails between steps, a loss in the middle of one; only the optimisers can tell.
        if self.ranks.leads and self.steps_done and self.engine.between_steps and self.engine.check() is None:
            with contextlib.suppress(CheckpointError):
                self.reporter.say(f"saved {self._save()[0]}")

    def _write_samples(self, prefetcher: Prefetcher) -> Path:
        path, began = self.run.samples / f"step-{self.steps_done:08d}.png", time.monotonic()

        def paint() -> None:
            twin = evaluation_copy(self.engine.architecture, averaged_state(self.engine.average))
            write_previews(
                path,
                twin.graphs(),
                reals=lambda: self.engine.prepare(prefetcher.first()),
                count=self._settings.sample_count,
                device=self.engine.device,
            )
            self.reporter.picture(path, self.steps_done)

        self._lead(f"the samples {path.name}", paint)
        self._aside += time.monotonic() - began
        return path

    def _lead(self, what: str, work: Any) -> None:
        if self.ranks.leads:
            self.reporter.attempt(what, work)

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[None]:
        self.reporter.open(self.run.path, resume_step=self.steps_done)
        try:
            yield
        finally:
            self.reporter.close()


def _duration(seconds: float) -> str:
    """`40 seconds`, `12 minutes`, `3.5 hours`, `2.1 days`."""
    for unit, length in (("days", 86_400), ("hours", 3_600)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"


def _out_of_memory(error: BaseException, batch_size: int) -> GanzooError:
    return GanzooError(
        f"Out of memory at a batch of {batch_size}: {one_line(error, limit=160)}",
        hint="Go on or begin again with --set train.accumulate=2, which keeps the batch and takes it in parts; or "
        "begin with a smaller --batch-size, a smaller --set data.size=..., or narrower networks.",
    )
