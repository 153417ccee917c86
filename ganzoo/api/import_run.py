"""A run of weights that the original authors' code saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ganzoo.api.arguments import to_name, to_path, to_paths, to_size
from ganzoo.api.registry import installed
from ganzoo.api.settings import Settings, as_layers
from ganzoo.config.resolve import merged
from ganzoo.errors import RequestError
from ganzoo.progress import ProgressListener, listener, say_warning
from ganzoo.runs.run import Run


def import_run(
    files: Path | str | Sequence[Path | str],
    *,
    architecture: str,
    out: Path | str,
    size: int | tuple[int, int] | str | None = None,
    settings: Settings = None,
    progress: ProgressListener | None = None,
) -> Run:
    """Make a run in `out` that samples, exports and serves `init_from`. Nothing that is in the files is run.

    files: what the architecture says they are, in order. size: pixels it was trained at, if not the usual: a number,
        or height and width. settings: what the files do not say, e.g. {"activation": "leaky-relu"}.

    Raises RequestError for an architecture that imports none, CheckpointError for files that do not fit or would run
    code, PluginError for a broken importer.
    """
    from ganzoo.training.import_weights import import_weights

    told = listener(progress)
    registry = installed(told)
    paths = to_paths(files, "files")
    if not paths:
        raise RequestError("No file is named to import.", hint='ganzoo.import_run("latest_net_G.pth", ...)')
    pixels = to_size(size, "size", least=4, most=4096)
    offer = registry.architecture(to_name(architecture, "architecture"))
    layer = merged("settings", *as_layers(settings)).tables
    if odd := sorted(set(layer) - {"architecture"}):
        raise RequestError(f"Settings of [{odd[0]}] are stated, and an import has those of [architecture] alone.")
    return import_weights(
        paths, offer, registry, out=to_path(out, "out"), size=pixels, settings=layer.get("architecture"),
        say=say_warning(told),
    )  # fmt: skip
