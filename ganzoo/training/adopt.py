"""Making a run of weights that other people's code trained."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from ganzoo.architecture import Architecture
from ganzoo.architecture.build import build_architecture
from ganzoo.architecture.foreign_weights import Imported
from ganzoo.config.resolve import Layer, resolve
from ganzoo.errors import CheckpointError, GanzooError, PluginError, RequestError, one_line
from ganzoo.plugin.registry import Offer, Registry, load_object
from ganzoo.plugin.settings import config_class
from ganzoo.plugin.specs import ArchitectureSpec
from ganzoo.training import checkpoint as checkpoints
from ganzoo.training.run import Run, check_free

_NAMED = 5


def adopt(
    files: Sequence[Path],
    offer: Offer[ArchitectureSpec],
    registry: Registry,
    *,
    out: Path,
    size: int | None,
    say: Callable[[str], None],
) -> Run:
    """Write a run with one checkpoint, of step 0, that samples, exports and serves --init-from.

    size: of the pictures it was trained at; what the importer takes for usual if not stated.
    Raises RequestError for an architecture without importer, and CheckpointError for files that do not fit it.
    """
    if not offer.spec.importer:
        able = [other.spec.name for other in registry.architectures if other.spec.importer]
        raise RequestError(
            f"{offer.spec.name} imports no other code's checkpoints.",
            hint=f"These do: {', '.join(able) or 'none that is installed'}.",
        )
    check_free(out)
    names = ", ".join(path.name for path in files)
    imported = _read(files, offer)
    for line in imported.notes:
        say(line)
    data = imported.data if size is None else dataclasses.replace(imported.data, size=size)
    tables = {"architecture": imported.settings, "data": {"size": data.size, "channels": data.channels}}
    config = resolve(offer.spec.name, config_class(offer), [Layer(origin="import", tables=tables)])
    try:
        architecture = build_architecture(offer, config.architecture, data, seed=config.train.seed)
    except RequestError as error:
        raise RequestError(f"{error.message} (of {names})", hint="State the size it was trained at: --size N") from None
    anew = _load(architecture, imported, files)
    if anew:
        say(f"not in the files, and begun anew: {_first(anew)}")
    run = Run(
        path=out,
        offer=offer,
        config=config,
        data=data,
        data_description=f"imported from {names}",
        trained_by=f"{offer.distribution} {offer.version}",
    )
    run.create({"imported": [{"file": path.name, "sha256": _sha256(path)} for path in files]})
    contents = checkpoints.Contents(model=architecture.state_dict(), average=imported.average, optimizers={})
    state = {"kimg": 0.0, "seconds": 0.0, "score": None}
    checkpoints.write_contents(run.checkpoints, contents, step=0, state=state, config=run.to_toml(), keep=1)
    return run


def _read(files: Sequence[Path], offer: Offer[ArchitectureSpec]) -> Imported:
    importer = load_object(offer.spec.importer, offer=offer)
    try:
        imported: Any = importer(files)
    except GanzooError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"The importer of {offer.spec.name!r} of {offer.distribution} {offer.version} failed: {one_line(error)}"
        ) from error
    if not isinstance(imported, Imported):
        raise PluginError(f"{offer.spec.importer} of {offer.distribution} gave a {type(imported).__name__}.")
    return imported


def _load(architecture: Architecture, imported: Imported, files: Sequence[Path]) -> list[str]:
    """Put the tensors in place; the names of submodules of which nothing was given. Raises CheckpointError."""
    state = architecture.state_dict()
    names = ", ".join(path.name for path in files)
    if unknown := sorted(set(imported.state) - set(state)):
        raise CheckpointError(f"{names} has tensors that this network has not: {_first(unknown)}.")
    if misfits := [
        f"{name} is {_shape(tensor)} and should be {_shape(state[name])}"
        for name, tensor in imported.state.items()
        if tensor.shape != state[name].shape
    ]:
        raise CheckpointError(f"{names} does not fit: {_first(misfits)}.")
    shown = {
        id(tensor) for graph in architecture.graphs() for tensor in graph.module.state_dict(keep_vars=True).values()
    }
    live = architecture.state_dict(keep_vars=True)
    if missing := [name for name in state if name not in imported.state and id(live[name]) in shown]:
        raise CheckpointError(f"{names} lacks tensors that the exported networks need: {_first(missing)}.")
    architecture.load_state_dict({**state, **imported.state})
    given = {name.partition(".")[0] for name in imported.state}
    return sorted({name.partition(".")[0] for name in state} - given)


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a scalar"


def _first(items: Sequence[str]) -> str:
    return ", ".join(items[:_NAMED]) + (f" and {len(items) - _NAMED} more" if len(items) > _NAMED else "")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
