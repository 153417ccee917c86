"""What a training leaves on disk besides metrics: scored checkpoints, and grids of samples."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ganzoo.architecture import Architecture, Batch, Graph, Pair
from ganzoo.architecture.evaluation import evaluation_copy
from ganzoo.architecture.graphs import graphs_of
from ganzoo.data.source import DataSource
from ganzoo.errors import GanzooError
from ganzoo.evaluation.thumbnails import Score, ThumbnailScorer, evenly_spaced
from ganzoo.plugin.kinds import ARCHITECTURES
from ganzoo.plugin.published import publisher
from ganzoo.plugin.registry import Registry
from ganzoo.roles import painting_chain, translations
from ganzoo.runs import checkpoint as checkpoints
from ganzoo.runs.lock import RunLock
from ganzoo.runs.run import Run
from ganzoo.training.ema import averaged_state
from ganzoo.training.engine import Engine
from ganzoo.training.engine_state import save_engine
from ganzoo.training.previews import (
    as_prepared,
    classes_of,
    paint_batches,
    takes_vectors,
    translate,
    vectors_of,
    write_previews,
    write_reals,
)
from ganzoo.training.ranges import ValueRanges
from ganzoo.training.reporting import Reporter
from ganzoo.training.scoring import eight_bits, open_scorer

_SCORED_AT_ONCE = 16
_MOST_CLASSES = 20  # whose scores are worth a number each
_LEAST_ERROR = 1e-4  # of squared grey levels: equal pictures have 88 dB and not infinitely many


class RunWriter:
    """Writes for one run. Every rank calls it; the first one writes."""

    def __init__(
        self,
        run: Run,
        engine: Engine,
        source: DataSource,
        reporter: Reporter,
        registry: Registry | None = None,
    ) -> None:
        self._run = run
        self._settings = run.config.train
        self._engine = engine
        self._ranks = engine.ranks
        self._reporter = reporter
        self._source = source
        self._thumbnails = ThumbnailScorer(source)
        self._scorer = open_scorer(self._settings, registry, engine.device) if self._ranks.leads else None
        self._ranges = ValueRanges()
        self.lock: RunLock | None = None

    def check_place(self) -> None:
        """Raises CheckpointError when the run is no longer where it was."""
        if self.lock is not None:
            self.lock.check()

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """The run is ours inside, if it has been locked, and nobody's afterwards."""
        try:
            yield
        finally:
            if self.lock is not None:
                self.lock.release()

    def score(self, step: int) -> dict[str, float]:
        """What the average paints now, scored, as metrics; empty where there is no score, and on other ranks."""
        score: dict[str, float] = {}
        self._attempt(f"the score of step {step}", lambda: score.update(self._score()))
        return score

    def save(self, step: int, *, seconds: float, score: Mapping[str, float]) -> Path:
        """Write a checkpoint. seconds: trained so far. score: of `score`. Raises CheckpointError."""
        self.check_place()
        if self._ranks.leads:
            save_engine(
                self._run.checkpoint_folder,
                self._engine,
                step=step,
                state={
                    "kimg": step * self._settings.batch_size / 1000,
                    "seconds": seconds,
                    **self._decides(score),
                    "torch": torch.__version__,
                    **self.conditions(),
                },
                config=self._run.to_toml(),
                keep=self._settings.keep_checkpoints,
            )
        return checkpoints.path_of(self._run.checkpoint_folder, step)

    def _decides(self, score: Mapping[str, float]) -> dict[str, Any]:
        """The score by which the best checkpoint is chosen, as a checkpoint keeps it."""
        if self._scorer is None and "score.psnr" in score:
            return {"score": score["score.psnr"], "score_of": "score.psnr", "score_better": "higher"}
        if self._scorer is None:
            return {"score": score.get("score.frechet")}
        return {
            "score": score.get(self._scorer.first),
            "score_of": self._scorer.first,
            "score_better": self._scorer.better,
        }

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
        """A grid of reals, to hold the fakes against, if there is none."""
        path = self._run.samples / "reals.png"
        if path.exists():
            return
        condition = self._source.info.condition
        names = condition.names if condition is not None and condition.kind == "class" else ()
        self._attempt("reals.png", lambda: write_reals(path, self._shown(), within=self._run.path, names=names))

    def samples(self, step: int) -> Path:
        """Grids of samples of the average."""
        path = self._run.samples / f"step-{step:08d}.png"

        def paint() -> None:
            write_previews(
                path,
                graphs_of(self._twin()),
                within=self._run.path,
                reals=lambda: self._engine.prepare(self._shown()),
                paired=self._engine.architecture.wants == "pairs",
                count=self._settings.sample_count,
                device=self._engine.device,
            )
            if path.exists():  # of an architecture that paints
                self._reporter.picture(path, step)

        self._attempt(f"the samples {path.name}", paint)
        return path

    def _shown(self) -> Batch | Pair:
        """The reals of the grids, the same each time, whatever the batch and the ranks."""
        longest = "target" if self._source.lengths[-1] > self._source.lengths[0] else "source"
        count = self._settings.sample_count
        return next(evenly_spaced(self._source, count, of=longest, chunk=count))

    def _score(self) -> dict[str, float]:
        """Of what is painted from noise, or the mean over all translations; empty when it is off."""
        twin, count = self._twin(), self._settings.score_count
        if not twin.can_be_scored() or count < 2 or min(self._source.lengths) < 2:
            return {}
        graphs = graphs_of(twin)
        if painters := painting_chain(graphs):
            condition = self._source.info.condition
            vectors = condition is not None and condition.kind == "vector" and takes_vectors(painters)
            labels = self._vectors(count) if vectors else None
            painted = paint_batches(painters, count=count, device=self._engine.device, labels=labels)
            seen = _prepared(painters[-1], self._ranges.watch(painters[-1], painted))
            classes = classes_of(painters, count)
            scores = [self._thumbnails.score(seen, against=painters[-1].paints or "real", labels=classes)]
        else:
            scores = []
            ways = [graph for graph in translations(graphs) if not graph.on_request]
            if twin.judged_by == "truth" and ways:
                truth = {"score.psnr": sum(self._psnr(graph, count) for graph in ways) / len(ways)}
                return {**truth, **self._by_metrics(graphs)}
            if twin.judged_by == "none" and ways:
                return self._by_metrics(graphs)
            scores = [
                self._thumbnails.score(
                    _prepared(graph, self._ranges.watch(graph, self._translated(graph, count))),
                    against=graph.paints or "target",
                )
                for graph in ways
            ]
        if publisher(ARCHITECTURES.name, self._run.offer.name) != self._run.offer.distribution:
            self._ranges.warn(self._reporter.say)  # for an author; ours without a tanh have none on purpose
        condition = self._source.info.condition
        names = condition.names if condition is not None else ()
        return {**_as_metrics(scores, names), **self._by_metrics(graphs)} if scores else {}

    def _by_metrics(self, graphs: Sequence[Graph]) -> dict[str, float]:
        """By the metrics of `train.score`, which are slower: in a pass of their own; of the first translation."""
        scorer, count = self._scorer, self._settings.score_count
        if scorer is None:
            return {}
        if painters := painting_chain(graphs):
            painted = paint_batches(painters, count=count, device=self._engine.device)
            return scorer.score(
                _prepared(painters[-1], painted), self._source, count=count, against=painters[-1].paints or "real",
                labels=classes_of(painters, count), partners=None,
            )  # fmt: skip
        graph = next(graph for graph in translations(graphs) if not graph.on_request)
        paints = graph.paints or "target"
        count = min(count, self._source.lengths[-1 if graph.reads == "target" else 0])

        def beside() -> Iterator[tuple[Any, Any]]:
            for batch in evenly_spaced(self._source, count, of=graph.reads or "source", chunk=_SCORED_AT_ONCE):
                made = as_prepared(_of_batch(graph, self._engine.prepare(batch)), graph.outputs[0])
                yield eight_bits(made), getattr(batch, paints).numpy()

        paired = self._engine.architecture.wants == "pairs"
        return scorer.score(
            _prepared(graph, self._translated(graph, count)), self._source, count=count, against=paints, labels=None,
            partners=beside if paired else None,
        )  # fmt: skip

    def _translated(self, graph: Graph, count: int) -> Iterator[torch.Tensor]:
        reads = graph.reads or "source"
        for batch in evenly_spaced(self._source, count, of=reads, chunk=_SCORED_AT_ONCE):
            yield _of_batch(graph, self._engine.prepare(batch))

    def _psnr(self, graph: Graph, count: int) -> float:
        """Of translations and their truths, in dB: the mean over pictures, as they would be saved."""
        values: list[float] = []
        for batch in evenly_spaced(self._source, count, of=graph.reads or "source", chunk=_SCORED_AT_ONCE):
            made = _of_batch(graph, self._engine.prepare(batch))
            painted = torch.from_numpy(eight_bits(as_prepared(made, graph.outputs[0]))).float()
            error = (painted - getattr(batch, graph.paints or "target").cpu().float()).square().mean((1, 2, 3))
            values += (10 * torch.log10(255**2 / error.clamp_min(_LEAST_ERROR))).tolist()
        return sum(values) / len(values)

    def _vectors(self, count: int) -> Iterator[torch.Tensor]:
        """Of `count` real pictures, evenly spaced, again from the first if there are fewer."""
        while True:
            for batch in evenly_spaced(self._source, count, of="real", chunk=_SCORED_AT_ONCE):
                vectors = vectors_of(self._engine.prepare(batch))
                assert vectors is not None
                yield from vectors

    def _twin(self) -> Architecture:
        return evaluation_copy(self._engine.architecture, averaged_state(self._engine.average))

    def _attempt(self, what: str, work: Callable[[], object]) -> None:
        if self._ranks.leads:
            self._reporter.attempt(what, work)


def _of_batch(graph: Graph, batch: Batch | Pair) -> torch.Tensor:
    """What a translation makes of prepared pictures, with the further ones that it takes."""
    others = {name: getattr(batch, domain) for name, domain in graph.beside.items()}
    return translate(graph, getattr(batch, graph.reads or "source"), others)


def _prepared(graph: Graph, images: Iterator[torch.Tensor]) -> Iterator[torch.Tensor]:
    return (as_prepared(batch, graph.outputs[0]) for batch in images)


def _as_metrics(scores: Sequence[Score], names: Sequence[str]) -> dict[str, float]:
    """names: of classes, where they have some."""
    classes = scores[0].classes if len(scores[0].classes) <= _MOST_CLASSES else {}
    return {
        "score.frechet": sum(score.frechet for score in scores) / len(scores),
        "score.diversity": sum(score.diversity for score in scores) / len(scores),
        **{f"score.frechet.{names[label] if names else label}": value for label, value in classes.items()},
    }
