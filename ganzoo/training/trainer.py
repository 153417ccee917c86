"""The training loop: batches in, checkpoints, samples and metrics out."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import torch

from ganzoo.architecture import Architecture
from ganzoo.data.batches import Order, Prefetcher
from ganzoo.data.source import DataSource
from ganzoo.errors import CheckpointError, DivergedError, GanzooError, one_line
from ganzoo.training import checkpoint as checkpoints
from ganzoo.training.device import select_device, use_bf16
from ganzoo.training.ema import averaged_state, evaluation_copy
from ganzoo.training.engine import Engine
from ganzoo.training.previews import write_previews, write_reals
from ganzoo.training.run import MetricsFile, Run, target_steps


class Observer(Protocol):
    """Who is told how training goes."""

    def log(self, record: dict[str, Any], *, steps: int, seconds_left: float) -> None:
        """A line of metrics.jsonl, the length of the run, and an estimate of the time left."""
        ...

    def say(self, text: str) -> None:
        """Something the user should know: a file that was written, a warning."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a training ended.

    steps, kimg: where it stands. seconds: of this session. interrupted: by Ctrl-C or SIGTERM, and saved.
    """

    steps: int
    kimg: float
    seconds: float
    images_per_second: float
    interrupted: bool
    finished: bool
    checkpoint: Path
    samples: Path


class Trainer:
    """Trains one run from its newest checkpoint, or from the beginning.

    Raises RequestError for a device that is not there; see `train` for the rest.
    """

    def __init__(self, run: Run, architecture: Architecture, source: DataSource, observer: Observer) -> None:
        self.run = run
        self.observer = observer
        self._settings = run.config.train
        self._source = source
        if self._settings.deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS wants it before its first use
        device = select_device(self._settings.device)
        self.engine = Engine(
            architecture,
            seed=self._settings.seed,
            batch_size=self._settings.batch_size,
            device=device,
            bf16=use_bf16(self._settings.precision, device),
        )
        self.steps_done = 0
        self._seconds_before = 0.0
        self._stop = False
        self._failed: set[str] = set()

    def resume(self) -> checkpoints.Checkpoint:
        """Go on from the newest whole checkpoint. Raises CheckpointError when there is none."""
        checkpoints.clean(self.run.checkpoints)
        checkpoint, damaged = checkpoints.newest(self.run.checkpoints)
        for line in damaged:
            self.observer.say(f"passed over: {line}")
        state = checkpoint.state()
        checkpoint.restore(self.engine)
        self.steps_done = checkpoint.step
        self._seconds_before = float(state.get("seconds", 0.0))
        now = {"device": self.engine.device.type, "bf16": self.engine.bf16}
        if changed := [
            f"{key} {state[key]} to {value}" for key, value in now.items() if state.get(key, value) != value
        ]:
            self.observer.say(f"changed since the checkpoint: {', '.join(changed)}; results will agree to rounding")
        threads = torch.get_num_threads()
        if self.engine.device.type == "cpu" and state.get("threads") not in (None, threads):
            self.observer.say(
                f"the checkpoint was written with {state['threads']} threads and this process has {threads}: "
                "results will agree to rounding, not bit for bit"
            )
        return checkpoint

    def train(self) -> Outcome:
        """Train to the end, to `max_seconds`, or to Ctrl-C; each ends with a checkpoint.

        Raises DivergedError, DataError or CheckpointError; the newest checkpoint on disk stays good.
        """
        settings, engine, batch_size = self._settings, self.engine, self._settings.batch_size
        target = target_steps(settings)
        order = Order(seed=settings.seed, batch_size=batch_size, lengths=self._source.lengths)
        metrics = MetricsFile(self.run.path / "metrics.jsonl", resume_step=self.steps_done)
        began = logged = time.monotonic()
        first, logged_step = self.steps_done, self.steps_done
        with (
            contextlib.closing(metrics),
            Prefetcher(self._source, order) as prefetcher,
            _backends(engine.device, deterministic=settings.deterministic),
            self._signals(),
        ):
            if self.steps_done == 0:
                reals = self.run.samples / "reals.png"
                self._attempt("reals.png", lambda: write_reals(reals, prefetcher.first(), settings.sample_count))
            while self.steps_done < target and not self._stop:
                try:
                    engine.step(self.steps_done, engine.prepare(prefetcher.batch(self.steps_done)))
                except (DivergedError, CheckpointError):
                    raise
                except Exception as error:
                    self._save_if_sound(began)
                    if is_out_of_memory(error):
                        raise _out_of_memory(error, batch_size) from error
                    raise
                self.steps_done += 1
                done, now = self.steps_done, time.monotonic()
                out_of_time = settings.max_seconds is not None and now - began >= settings.max_seconds
                last = done == target or out_of_time or self._stop
                if done % settings.log_every_steps == 0 or last:
                    self._raise_if_diverged(prefetcher)
                    now = time.monotonic()
                    speed = (done - logged_step) * batch_size / max(now - logged, 1e-9)
                    record = {
                        "step": done,
                        "kimg": done * batch_size / 1000,
                        "seconds": round(self._seconds_before + now - began, 3),
                        "images_per_second": round(speed, 2),
                        **engine.means(),
                    }
                    self._attempt("metrics.jsonl", partial(metrics.write, record))
                    left = (target - done) * batch_size / max(speed, 1e-9)
                    if settings.max_seconds is not None:
                        left = min(left, settings.max_seconds - (now - began))
                    shown = partial(self.observer.log, record, steps=target, seconds_left=max(0.0, left))
                    self._attempt("the display", shown)
                    logged, logged_step = now, done
                if self._crosses(settings.checkpoint_every_kimg) and not last:
                    self._save(began, prefetcher)
                if self._crosses(settings.sample_every_kimg) and not last:
                    self._write_samples(prefetcher)
                if out_of_time:
                    break
            if self._stop:
                self._attempt("the display", lambda: self.observer.say("stopped; writing a checkpoint"))
            saved = self._save(began, prefetcher)  # before the samples: they can be painted again
            samples = self._write_samples(prefetcher)
        seconds = time.monotonic() - began
        return Outcome(
            steps=self.steps_done,
            kimg=self.steps_done * batch_size / 1000,
            seconds=seconds,
            images_per_second=(self.steps_done - first) * batch_size / max(seconds, 1e-9),
            interrupted=self._stop and self.steps_done < target,
            finished=self.steps_done >= target,
            checkpoint=saved.path,
            samples=samples,
        )

    def _crosses(self, every_kimg: float) -> bool:
        after = self.steps_done * self._settings.batch_size
        before = after - self._settings.batch_size
        return after // (every_kimg * 1000) > before // (every_kimg * 1000)

    def _raise_if_diverged(self, prefetcher: Prefetcher) -> None:
        number = self.engine.check()
        if number is not None:
            self.engine.check(self.engine.prepare(prefetcher.batch(number)))

    def _save(self, began: float, prefetcher: Prefetcher | None = None) -> checkpoints.Checkpoint:
        if prefetcher is not None:
            self._raise_if_diverged(prefetcher)
        return checkpoints.write(
            self.run.checkpoints,
            self.engine,
            step=self.steps_done,
            state={
                "kimg": self.steps_done * self._settings.batch_size / 1000,
                "seconds": self._seconds_before + time.monotonic() - began,
                "threads": torch.get_num_threads(),
                "torch": torch.__version__,
                "device": self.engine.device.type,
                "bf16": self.engine.bf16,
            },
            config=self.run.to_toml(),
            keep=self._settings.keep_checkpoints,
        )

    def _save_if_sound(self, began: float) -> None:
        """Before an error goes up: what was learnt so far, unless the failing step left it half-changed."""
        # A fetch fails between steps, a loss in the middle of one; only the optimisers can tell.
        if self.steps_done and self.engine.between_steps and self.engine.check() is None:
            with contextlib.suppress(CheckpointError):
                self.observer.say(f"saved {self._save(began).path}")

    def _write_samples(self, prefetcher: Prefetcher) -> Path:
        path = self.run.samples / f"step-{self.steps_done:08d}.png"

        def paint() -> None:
            twin = evaluation_copy(self.engine.architecture, averaged_state(self.engine.average))
            write_previews(
                path,
                twin.graphs(),
                reals=lambda: self.engine.prepare(prefetcher.first()),
                count=self._settings.sample_count,
                device=self.engine.device,
            )

        self._attempt(f"the samples {path.name}", paint)
        return path

    def _attempt(self, what: str, work: Callable[[], object]) -> None:
        """Do what training can do without: a failure is told once, and training goes on."""
        if what in self._failed:
            return
        try:
            work()
        except Exception as error:
            self._failed.add(what)
            with contextlib.suppress(Exception):
                self.observer.say(f"warning: {what} failed and was left out: {one_line(error)}")

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """The first Ctrl-C or SIGTERM ends the loop after this step; a second one ends the program."""

        def stop(number: int, frame: FrameType | None) -> None:
            if self._stop:
                raise KeyboardInterrupt
            self._stop = True  # nothing is printed here: a handler may interrupt another print

        handled = [signal.SIGINT, signal.SIGTERM]
        try:
            before = {number: signal.signal(number, stop) for number in handled}
        except ValueError:  # not the main thread: whoever runs us there handles signals
            yield
            return
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def is_out_of_memory(error: BaseException) -> bool:
    """Of a GPU, of Python, or of torch's allocator on the CPU, which raises a plain RuntimeError."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "not enough memory" in str(error)


def _out_of_memory(error: BaseException, batch_size: int) -> GanzooError:
    return GanzooError(
        f"Out of memory at a batch of {batch_size}: {one_line(error, limit=160)}",
        hint="Begin again with a smaller --batch-size, a smaller --set data.size=..., or narrower networks.",
    )


@contextlib.contextmanager
def _backends(device: torch.device, *, deterministic: bool) -> Iterator[None]:
    """torch's global switches and generators, as training wants them and back."""
    if device.type == "cpu":
        with torch.random.fork_rng(devices=[]):
            yield
        return
    strict, benchmark = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    try:
        torch.use_deterministic_algorithms(deterministic)
        torch.backends.cudnn.benchmark = not deterministic
        with torch.random.fork_rng(devices=[device.index or 0]), torch.cuda.device(device):
            yield
    finally:
        torch.use_deterministic_algorithms(strict)
        torch.backends.cudnn.benchmark = benchmark
