"""What a training leaves on disk besides metrics: scored checkpoints, and grids of samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ganzoo.architecture import Architecture, Batch, Graph, ImageToImage, Pair
from ganzoo.architecture.evaluation import evaluation_copy
from ganzoo.data.source import DataSource
from ganzoo.errors import GanzooError
from ganzoo.evaluation.thumbnails import Score, ThumbnailScorer, evenly_spaced
from ganzoo.runs import checkpoint as checkpoints
from ganzoo.runs.run import Run
from ganzoo.training.ema import averaged_state
from ganzoo.training.engine import Engine
from ganzoo.training.engine_state import save_engine
from ganzoo.training.previews import paint_batches, reads_pictures, write_previews, write_reals
from ganzoo.training.reporting import Reporter

_SCORED_AT_ONCE = 16


class RunWriter:
    """Writes for one run. Every rank calls it; the first one writes."""

    def __init__(self, run: Run, engine: Engine, source: DataSource, reporter: Reporter) -> None:
        self._run = run
        self._settings = run.config.train
        self._engine = engine
        self._ranks = engine.ranks
        self._reporter = reporter
        self._source = source
        self._scorer = ThumbnailScorer(source)

    def score(self, step: int) -> dict[str, float]:
        """What the average paints now, scored, as metrics; empty where there is no score, and on other ranks."""
        score: dict[str, float] = {}
        self._attempt(f"the score of step {step}", lambda: score.update(self._score()))
        return score

    def save(self, step: int, *, seconds: float, score: Mapping[str, float]) -> Path:
        """Write a checkpoint. seconds: trained so far. score: of `score`. Raises CheckpointError."""
        if self._ranks.leads:
            save_engine(
                self._run.checkpoint_folder,
                self._engine,
                step=step,
                state={
                    "kimg": step * self._settings.batch_size / 1000,
                    "seconds": seconds,
                    "score": score.get("score.frechet"),
                    "torch": torch.__version__,
                    **self.conditions(),
                },
                config=self._run.to_toml(),
                keep=self._settings.keep_checkpoints,
            )
        return checkpoints.path_of(self._run.checkpoint_folder, step)

    def check_agreement(self, step: int) -> None:
        """Raises GanzooError when the ranks' weights have drifted apart."""
        if self._ranks.count > 1 and not self._ranks.all_equal(self._engine.checksum()):
            raise GanzooError(
                f"The ranks' weights differ after step {step}; no checkpoint of them is written.",
                hint="Go on from the last one with --resume. Does the architecture keep state outside its modules, "
                "or compute differently on different ranks?",
            )

    def conditions(self) -> dict[str, Any]:
        """What may change on resume, and changes the last bits."""
        return {
            "threads": torch.get_num_threads(),
            "device": self._engine.device.type,
            "bf16": self._engine.bf16,
            "ranks": self._ranks.count,
            "accumulate": self._settings.accumulate,
            "compile": self._settings.compile,
        }

    def reals(self) -> None:
        """A grid of reals, to hold the fakes against."""
        path = self._run.samples / "reals.png"
        self._attempt("reals.png", lambda: write_reals(path, self._shown()))

    def samples(self, step: int) -> Path:
        """Grids of samples of the average."""
        path = self._run.samples / f"step-{step:08d}.png"

        def paint() -> None:
            twin = self._twin()
            write_previews(
                path,
                twin.graphs(),
                reals=lambda: self._engine.prepare(self._shown()),
                paired=isinstance(twin, ImageToImage) and twin.paired,
                count=self._settings.sample_count,
                device=self._engine.device,
            )
            self._reporter.picture(path, step)

        self._attempt(f"the samples {path.name}", paint)
        return path

    def _shown(self) -> Batch | Pair:
        """The reals of the grids, the same each time, whatever the batch and the ranks."""
        longest = "target" if self._source.lengths[-1] > self._source.lengths[0] else "source"
        count = self._settings.sample_count
        return next(evenly_spaced(self._source, count, of=longest, chunk=count))

    def _score(self) -> dict[str, float]:
        """Of the main graph, or the mean over all translations. Empty when it is off or no picture is painted."""
        twin, count = self._twin(), self._settings.score_count
        graphs = twin.graphs()
        if not twin.can_be_scored() or count < 2 or graphs[0].outputs[0].kind != "image":
            return {}
        if not reads_pictures(graphs[0]):
            painted = paint_batches(graphs[0], count=count, device=self._engine.device)
            return _as_metrics([self._scorer.score(painted)])
        if min(self._source.lengths) < 2:
            return {}
        translations = [graph for graph in graphs if reads_pictures(graph)]
        return _as_metrics(
            [
                self._scorer.score(self._translated(graph, count), against=graph.outputs[0].name)
                for graph in translations
            ]
        )

    def _translated(self, graph: Graph, count: int) -> Iterator[torch.Tensor]:
        reads = graph.inputs[0].name
        for batch in evenly_spaced(self._source, count, of=reads, chunk=_SCORED_AT_ONCE):
            yield graph.run(getattr(self._engine.prepare(batch), reads))[0]

    def _twin(self) -> Architecture:
        return evaluation_copy(self._engine.architecture, averaged_state(self._engine.average))

    def _attempt(self, what: str, work: Callable[[], object]) -> None:
        if self._ranks.leads:
            self._reporter.attempt(what, work)


def _as_metrics(scores: Sequence[Score]) -> dict[str, float]:
    return {
        "score.frechet": sum(score.frechet for score in scores) / len(scores),
        "score.diversity": sum(score.diversity for score in scores) / len(scores),
    }
