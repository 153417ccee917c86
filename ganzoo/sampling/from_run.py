"""The graphs of a run's checkpoint as functions of arrays, and the pictures that it learnt from. Torch is met here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import GanzooError
from ganzoo.plugin.registry import Registry
from ganzoo.runs.run import Run
from ganzoo.runs.trained import TrainedModel, load_trained
from ganzoo.sampling.graphs import GraphFunction, GraphSet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ganzoo.architecture import Batch, Graph, Pair


def open_run_graphs(
    path: Path,
    registry: Registry,
    *,
    checkpoint: str,
    say: Callable[[str], None],
    device: str = "cpu",
    blend: Mapping[Path, float] | None = None,
) -> tuple[GraphSet, TrainedModel]:
    """checkpoint, say, blend: as for `load_trained`, whose errors it raises. device: on which it paints."""
    from ganzoo.architecture.graphs import graphs_of
    from ganzoo.architecture.hashes import model_sha256

    trained = load_trained(path, registry, say=say, which=checkpoint, blend=blend)
    trained.architecture.to(device)
    graphs = [_function(graph, device) for graph in graphs_of(trained.architecture)]
    declared = graphs_of(trained.architecture)
    source = GraphSet(
        path=path, graphs=graphs, origin=f" of step {trained.step:,}", identity=lambda: model_sha256(declared)
    )
    return source, trained


def first_pictures(
    run: Run, registry: Registry, count: int, *, notify: Callable[[str], None]
) -> tuple[Batch | Pair, bool]:
    """The first pictures of the data of a run, uint8, as its networks see them, and whether they are pairs.

    Raises what opening the data raises.
    """
    import numpy as np

    from ganzoo.architecture.build import implementation_class
    from ganzoo.architecture.wanted import wanted_by
    from ganzoo.data.opening import open_data, seen_by_networks

    wanted = wanted_by(implementation_class(run.offer), run.config.architecture)
    source = open_data(run.config, wanted, registry, notify)
    shown = seen_by_networks(source, run.data)
    indices = np.arange(min(count, *source.lengths))
    return shown.fetch([indices] * len(source.lengths)), wanted.kind == "pairs"


def _function(graph: Graph, device: str) -> GraphFunction:
    import torch

    from ganzoo.nn import is_out_of_memory

    def run(arrays: Sequence[NDArray[Any]]) -> Sequence[NDArray[Any]]:
        try:
            given = [torch.from_numpy(array).to(device) for array in arrays]
            return [tensor.cpu().numpy() for tensor in graph.run(*given)]
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            shapes = ", ".join("x".join(map(str, array.shape)) for array in arrays)
            raise GanzooError(
                f"Out of memory for {graph.name} of {shapes}.",
                hint="A smaller --size, or the exported file, takes less.",
            ) from error

    return GraphFunction(
        name=graph.name,
        inputs=graph.inputs,
        outputs=graph.outputs,
        run=run,
        role=graph.role,
        after=graph.after,
        back=graph.back,
        reads=graph.reads,
        paints=graph.paints,
        reach=graph.reach,
    )
