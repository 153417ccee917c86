"""The latency of ONNX files on the devices of a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.api.arguments import to_choice, to_name, to_optional_path, to_paths
from ganzoo.api.bench import usual
from ganzoo.api.bench_request import request_of
from ganzoo.errors import RequestError, printable
from ganzoo.progress import ProgressListener, listener, say_warning
from ganzoo.version import __version__

if TYPE_CHECKING:
    from ganzoo.api.arguments import Place
    from ganzoo.runtime.fleet.conduct import Tracked
    from ganzoo.runtime.fleet.plan import Each, Node
    from ganzoo.runtime.fleet.result import FleetResult


def bench_fleet(
    models: Place | Iterable[Place],
    *,
    address: str = "auto",
    each: Each = "device-kind",
    out: Path | str | None = None,
    resume: bool = False,
    progress: ProgressListener | None = None,
    **options: Any,
) -> FleetResult:
    """Measure ONNX files on a Ray cluster: the same plan on one device of each kind, one of each node, or every one.

    address: "auto" for the cluster that this machine is a node of, or "HOST:PORT" of its head. each: "device-kind",
    "node" or "gpu". out: a folder, or a name with "{label}" and "{device}"; a result is written for each device while
    it grows. resume: go on with what is there. options: as of `bench`; `device` says which of a node's are meant.

    The files travel once to each node, by content. Devices of one machine are measured one after the other, those of
    several at once. A lost node's task goes to another node of its kind, or is marked lost.

    Raises BenchError where no cluster answers or no node has a provider that works, RequestError for what cannot be
    asked, MissingPackageError without the extra `fleet`.
    """
    from ganzoo.runtime.fleet.conduct import Conductor, Tracked, check_versions, labels_of, places_of
    from ganzoo.runtime.fleet.parcel import pack
    from ganzoo.runtime.fleet.plan import EACH, plan
    from ganzoo.runtime.fleet.ray_cluster import RayCluster
    from ganzoo.runtime.fleet.result import result_of

    to_choice(each, "each", EACH)
    request = request_of(to_paths(models, "models"), usual(), options)
    place = to_optional_path(out, "out")
    if place is not None and place.suffix != ".json" and place.exists() and not place.is_dir():
        raise RequestError(f"{place} is a file; a fleet's results go into a folder.", hint="-o FOLDER")
    if resume and place is None:
        raise RequestError("resume: what there is to go on with is in `out`.", hint="-o FOLDER")
    if resume and place is not None and place.suffix != ".json" and not place.is_dir():
        raise RequestError(f"There is no folder {place} to go on with.", hint="Measure anew: -o instead of --resume")
    parcel, contents = pack(request)
    told = listener(progress)
    with RayCluster(to_name(address, "address"), contents) as cluster:
        nodes, silent = cluster.probe(cluster.nodes(), request.axes.providers)
        for name, why in silent.items():
            say_warning(told)(printable(f"the node {name} is left out: {why}"))
        check_versions(nodes, __version__)
        for node, provider in _gone_without(nodes, request.axes.providers):
            say_warning(told)(printable(f"{node.name} goes without {provider}: {node.troubles[provider]}"))
        tasks = plan(nodes, request.axes.providers, request.devices, each)
        tracked = [Tracked(task, task.places[0]) for task in tasks]
        if place is not None and place.suffix != ".json":
            place.mkdir(parents=True, exist_ok=True)
        label_of = labels_of(tracked, request.label)
        places = None if place is None else places_of(tracked, place, label_of)

        def save(one: Tracked) -> None:
            if places is not None and one.result is not None:
                one.result.written = places(one.where).save(one.result)

        if resume and places is not None:
            for one in tracked:
                _take_up(one, places(one.where).for_device(one.where.kind, one.where.device))
        conductor = Conductor(
            cluster, parcel, tracked, progress=told, save=save, label_of=label_of, max_seconds=request.max_seconds
        )
        try:
            conductor.run()
        finally:
            cluster.tidy(parcel, nodes)
    return result_of(tracked, silent)


def _gone_without(nodes: Iterable[Node], providers: Sequence[str]) -> Iterator[tuple[Node, str]]:
    """Of nodes where some providers work those that do not."""
    yield from ((node, name) for node in nodes if node.providers(providers) for name in node.troubles)


def _take_up(one: Tracked, path: Path) -> None:
    """What an earlier call has measured of it, to go on with: whoever measures looks whether it is the same sweep."""
    from ganzoo.runtime.latency.result import BenchResult

    if path.exists():
        one.result = BenchResult.load(path)
        one.result.written = [path]
