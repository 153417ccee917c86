"""The training loop: batches in, checkpoints, samples and metrics out."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ganzoo.architecture import Architecture
from ganzoo.data.batches import RealsFeed
from ganzoo.data.opening import seen_by_networks
from ganzoo.data.resident import Resident, fits
from ganzoo.data.source import DataSource
from ganzoo.errors import CheckpointError, DivergedError, GanzooError, PluginError, one_line
from ganzoo.loggers.protocol import Factory
from ganzoo.nn import is_out_of_memory
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.specs import LoggerSpec
from ganzoo.progress import ProgressListener, Silent
from ganzoo.runs import checkpoint as checkpoints
from ganzoo.runs.lock import RunLock
from ganzoo.runs.run import Run, TrainingOutcome, target_steps
from ganzoo.training.device import backends, lacks_deterministic_kernel, select_device, use_bf16
from ganzoo.training.engine import Engine
from ganzoo.training.engine_state import restore_engine
from ganzoo.training.memory import out_of_memory
from ganzoo.training.pace import Pace
from ganzoo.training.ranks import Ranks
from ganzoo.training.reporting import Reporter
from ganzoo.training.run_writer import RunWriter
from ganzoo.training.stopping import StopRequest


class Trainer:
    """Trains one run from its newest checkpoint, or from the beginning.

    source: its pictures may be larger than the run's; then random parts of them are shown.
    ranks: the processes that train it together; the first of them writes and talks. registry: where metrics of
    `train.score` are found.
    Raises RequestError for a device that is not there; see `train` for the rest.
    """

    def __init__(
        self,
        run: Run,
        architecture: Architecture,
        source: DataSource,
        progress: ProgressListener,
        *,
        ranks: Ranks | None = None,
        loggers: Sequence[tuple[InstalledSpec[LoggerSpec], Factory]] = (),
        registry: Registry | None = None,
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
        self.reporter = Reporter(progress if self.ranks.leads else Silent(), loggers if self.ranks.leads else ())
        self._writer = RunWriter(run, self.engine, seen_by_networks(source, run.data), self.reporter, registry)
        self.source = source
        if device.type == "cuda" and fits(source, run.config.data.device_memory_gb):
            try:
                self.source = Resident(source, device)
            except torch.OutOfMemoryError:
                self.reporter.say("the pictures do not fit the GPU beside the networks; they are copied at each step")
        self._stop = StopRequest()
        self.steps_done = 0
        self._pace = Pace(self.reporter, batch_size=settings.batch_size, device=device)

    def hold(self, lock: RunLock) -> RunLock:
        """Take the lock of the run, which is released when training ends."""
        self._writer.lock = lock
        return lock

    def resume(self) -> checkpoints.Checkpoint:
        """Go on from the newest whole checkpoint. Raises CheckpointError when there is none."""
        folder = self.run.checkpoint_folder
        if self.ranks.leads:
            checkpoint, damaged = checkpoints.newest(folder)
            for line in damaged:
                self.reporter.say(f"passed over: {line}")
        step = self.ranks.broadcast_object(checkpoint.step if self.ranks.leads else 0)
        checkpoint, _ = checkpoints.choose(folder, str(step))
        self.restore(checkpoint)
        return checkpoint

    def restore(self, checkpoint: checkpoints.Checkpoint) -> None:
        """Go on from a checkpoint, of whichever run. Raises CheckpointError when it does not fit."""
        state = checkpoint.state()
        restore_engine(self.engine, checkpoint)
        self.steps_done = checkpoint.step
        self._pace.seconds_before = float(state.get("seconds", 0.0))
        now = self._writer.conditions()
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

    def train(self) -> TrainingOutcome:
        """Train to the end, to `max_seconds`, or to Ctrl-C; each ends with a checkpoint.

        Raises DivergedError, DataError or CheckpointError, or GanzooError when another rank is gone; the newest
        checkpoint on disk stays good.
        """
        settings, engine = self._settings, self.engine
        target = target_steps(settings)
        first, stop, pace = self.steps_done, False, self._pace
        pace.begin(first)
        with (
            self.feed() as feed,
            backends(engine.device, deterministic=settings.deterministic),
            self._stop.listening(),
            self._writer.holding(),
            self._reporting(),
        ):
            with self._pace.aside("the first pictures"):
                self._writer.reals()
            self.reporter.stage("the first steps" if settings.compile == "off" else "compiling the networks")
            while self.steps_done < target:
                late = settings.max_seconds is not None and pace.seconds >= settings.max_seconds
                stop, late = self.step(feed, (self._stop.made, late))
                done = self.steps_done
                if done == first + 1:
                    self.reporter.stage("")
                last = done == target or late or stop
                pace.estimate(done, target)
                saving = last or self._crosses(settings.checkpoint_every_kimg)
                # Who asked to stop waits for the checkpoint.
                score = self._score() if saving and not stop else {}
                if done % settings.log_every_steps == 0 or last or score:
                    self._writer.check_place()
                    self.raise_if_diverged(feed)
                    self._log(pace.since_logged(done), target, score)
                if saving:  # after its log line, which a kill in between would lose for good
                    if stop:
                        self.reporter.say("stopped; writing a checkpoint")
                    saved = self._save(feed, score)
                if last or self._crosses(settings.sample_every_kimg):
                    samples = self._write_samples()
                if last:
                    break
            else:  # nothing was left to do
                saved = self._save(feed, {})
                samples = self._write_samples()
            self.ranks.broadcast_object(None)  # a rank that ends while rank 0 writes would be taken for a failure
        best = checkpoints.best(self.run.checkpoint_folder) if self.ranks.leads else None
        return TrainingOutcome(
            steps=self.steps_done,
            new_steps=self.steps_done - first,
            kimg=self.steps_done * settings.batch_size / 1000,
            seconds=pace.seconds,
            images_per_second=pace.of_session(self.steps_done),
            interrupted=stop and self.steps_done < target,
            finished=self.steps_done >= target,
            checkpoint=saved,
            samples=samples,
            best=best.path if best is not None else None,
            leads=self.ranks.leads,
        )

    def feed(self) -> RealsFeed:
        """The real pictures of each step, as the networks are shown them."""
        settings = self._settings
        return RealsFeed(
            self.source,
            self.engine.phases,
            seed=settings.seed,
            batch_size=settings.batch_size,
            shown=self.run.data,
            rows=self._rows(),
        )

    def _rows(self) -> NDArray[np.int64] | None:
        """This rank's rows of a global batch: of each micro-batch a consecutive part."""
        if self.ranks.count == 1:
            return None
        micros = np.arange(self._settings.batch_size).reshape(self._settings.accumulate, self.ranks.count, -1)
        return np.ascontiguousarray(micros[:, self.ranks.rank].ravel())

    def step(self, feed: RealsFeed, votes: tuple[bool, bool] = (False, False)) -> list[bool]:
        """One step. votes: of this process, answered by those of all: stop, and time is up. Raises what it meets."""
        batch = None
        try:
            batch = self.engine.prepare(feed.reals(self.steps_done))
            answers = self.engine.step(self.steps_done, batch, votes)
        except (DivergedError, CheckpointError):
            raise
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            if self._stop.made and isinstance(error, KeyboardInterrupt):  # a second Ctrl-C
                raise
            self._save_if_sound()
            if not isinstance(error, Exception):
                raise PluginError(f"In a step of {self.run.offer.maker}: {one_line(error)}") from error
            if is_out_of_memory(error):
                raise out_of_memory(error, self.engine, batch, self.steps_done) from error
            if lacks_deterministic_kernel(error):
                raise GanzooError(
                    f"torch {torch.__version__} has no deterministic kernel for this: {one_line(error, limit=160)}",
                    hint="Train without --deterministic. Authors: ganzoo.nn.ReflectionPad2d has one.",
                ) from error
            raise
        self.steps_done += 1
        return answers

    def _crosses(self, every_kimg: float) -> bool:
        after = self.steps_done * self._settings.batch_size
        before = after - self._settings.batch_size
        return after // (every_kimg * 1000) > before // (every_kimg * 1000)

    def _log(self, speed: float, target: int, score: dict[str, float]) -> None:
        settings, done = self._settings, self.steps_done
        record = {
            "step": done,
            "kimg": done * settings.batch_size / 1000,
            "seconds": round(self._pace.total_seconds, 3),
            "images_per_second": round(speed, 2),
            **self.engine.means(),
            **score,
        }
        left = (target - done) * settings.batch_size / max(speed, 1e-9)
        if settings.max_seconds is not None:
            left = min(left, settings.max_seconds - self._pace.seconds)
        self.reporter.log(record, steps=target, seconds_left=max(0.0, left))

    def raise_if_diverged(self, feed: RealsFeed) -> None:
        number = self.engine.check()
        if number is not None:
            self.engine.check(self.engine.prepare(feed.reals(number)))

    def _score(self) -> dict[str, float]:
        with self._pace.aside(f"scoring {self._settings.score_count:,} pictures"):
            return self._writer.score(self.steps_done)

    def _save(self, feed: RealsFeed, score: dict[str, float]) -> Path:
        self.raise_if_diverged(feed)
        self._writer.check_agreement(self.steps_done)
        with self._pace.aside("writing a checkpoint"):
            return self._writer.save(self.steps_done, seconds=self._pace.total_seconds, score=score)

    def _save_if_sound(self) -> None:
        """Before an error goes up: what was learnt so far, unless the failing step left it half-changed."""
        # A fetch fails between steps, a loss in the middle of one; only the optimisers can tell.
        # Without the lock nothing was begun: a rehearsal.
        if (
            self._writer.lock is not None
            and self.steps_done
            and self.engine.between_steps
            and self.engine.check() is None
        ):
            with contextlib.suppress(CheckpointError):
                path = self._writer.save(self.steps_done, seconds=self._pace.total_seconds, score={})
                self.reporter.say(f"saved {path}")

    def _write_samples(self) -> Path:
        with self._pace.aside("painting samples"):
            return self._writer.samples(self.steps_done)

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[None]:
        self.reporter.open(self.run.path, resume_step=self.steps_done)
        try:
            yield
        finally:
            self.reporter.close()
