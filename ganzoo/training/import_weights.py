"""Making a run of weights that other people's code trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from ganzoo.architecture import Architecture
from ganzoo.architecture.build import build_architecture, implementation_class
from ganzoo.architecture.foreign_weights import ForeignFamilyError, ForeignWeights
from ganzoo.architecture.wanted import wanted_by
from ganzoo.config.resolve import Layer, resolve
from ganzoo.datainfo import DataInfo, Domain, Picture, height_and_width, size_text
from ganzoo.errors import CheckpointError, GanzooError, RequestError, first_few, shell_word
from ganzoo.families import family_of
from ganzoo.files import sha256
from ganzoo.plugin.call import call_plugin, expect, load_object
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.settings import config_class
from ganzoo.plugin.specs import ArchitectureSpec
from ganzoo.runs.places import check_free, claim
from ganzoo.runs.run import Run
from ganzoo.runs.weights import CheckpointContents, write_checkpoint
from ganzoo.training.device import machine_facts


def import_weights(
    files: Sequence[Path],
    offer: InstalledSpec[ArchitectureSpec],
    registry: Registry,
    *,
    out: Path,
    size: int | tuple[int, int] | None,
    settings: Mapping[str, Any] | None = None,
    say: Callable[[str], None],
) -> Run:
    """Write a run with one checkpoint, of step 0, that samples, exports and serves --init-from.

    size: of the pictures it was trained at; what the importer takes for usual if not stated. settings: of the
    architecture, over those that the tensors imply: what a file does not say.
    Raises RequestError for an architecture without importer, and CheckpointError for files that do not fit it.
    """
    if not offer.spec.importer:
        able = [other.spec.name for other in registry.architectures if other.spec.importer]
        raise RequestError(
            f"{offer.spec.name} imports no other code's checkpoints.",
            hint=f"These do: {', '.join(able) or 'none that is installed'}.",
        )
    check_free(out)
    try:
        return _import(files, offer, out=out, size=size, settings=settings or {}, say=say)
    except GanzooError as error:
        raise _of_what_it_is(error, files, offer, registry) from None


def _import(
    files: Sequence[Path],
    offer: InstalledSpec[ArchitectureSpec],
    *,
    out: Path,
    size: int | tuple[int, int] | None,
    settings: Mapping[str, Any],
    say: Callable[[str], None],
) -> Run:
    names = ", ".join(path.name for path in files)
    weights = _read(files, offer)
    for line in weights.notes:
        say(line)
    layers = [
        Layer(origin="import", tables={"architecture": weights.settings}),
        Layer(origin="--set", tables={"architecture": settings}),
    ]
    wanted = wanted_by(implementation_class(offer), resolve(offer.spec.name, config_class(offer), layers).architecture)
    data = _scaled(weights.data, wanted.scale)
    data = data if size is None else _of_size(data, size)
    layers.append(Layer(origin="import, sizes", tables={"data": _data_settings(data)}))
    config = resolve(offer.spec.name, config_class(offer), layers)
    try:
        architecture = build_architecture(offer, config.architecture, data, seed=config.train.seed)
    except RequestError as error:
        raise RequestError(f"{error.message} (of {names})", hint="State the size it was trained at: --size N") from None
    anew = _load(architecture, weights, files)
    if anew:
        say(f"not in the files, and begun anew: {first_few(anew)}")
    run = Run(
        path=out,
        offer=offer,
        config=config,
        data=architecture.data,
        data_description=f"imported from {names}",
        trained_by=f"{offer.distribution} {offer.version}",
    )
    given = [{"file": path.name, "sha256": sha256(path)} for path in files]
    lock = claim(out)
    run.create(machine=machine_facts(), origin={"imported": given})
    contents = CheckpointContents(model=architecture.state_dict(), average=weights.average, optimizers={})
    state = {"kimg": 0.0, "seconds": 0.0, "score": None}
    try:
        write_checkpoint(run.checkpoint_folder, contents, step=0, state=state, config=run.to_toml(), keep=1)
    finally:
        lock.release()
    return run


def _scaled(data: DataInfo, scale: int) -> DataInfo:
    """With what is painted so many times as large as what is read."""
    if set(data.pictures) != {"source", "target"}:
        return data
    read, painted = data.pictures["source"], data.pictures["target"]
    painted = Picture(channels=painted.channels, height=scale * read.height, width=scale * read.width)
    return DataInfo({"source": read, "target": painted}, data.condition)


def _of_size(data: DataInfo, size: int | tuple[int, int]) -> DataInfo:
    """With pictures of this size painted; what is read keeps its proportion to that."""
    painted = data.pictures.get("target", next(iter(data.pictures.values())))
    height, width = height_and_width(size)
    pictures: dict[Domain, Picture] = {}
    for domain, picture in data.pictures.items():
        sides = (height * picture.height, width * picture.width)
        if sides[0] % painted.height or sides[1] % painted.width:
            raise RequestError(
                f"--size {size_text(height, width)} is of what is painted, {painted.height // picture.height} times as "
                "large as what is read.",
                hint="State a multiple of that.",
            )
        pictures[domain] = Picture(
            channels=picture.channels, height=sides[0] // painted.height, width=sides[1] // painted.width
        )
    return DataInfo(pictures, data.condition)


def _data_settings(data: DataInfo) -> dict[str, Any]:
    """Of the [data] table. What is read is stated where it differs from what is painted."""
    painted = data.pictures.get("target", next(iter(data.pictures.values())))
    settings: dict[str, Any] = {"size": (painted.height, painted.width), "channels": painted.channels}
    if (read := data.pictures.get("source", painted)) != painted:
        settings |= {"source_size": (read.height, read.width), "source_channels": read.channels}
    return settings


def _of_what_it_is(
    error: GanzooError, files: Sequence[Path], offer: InstalledSpec[ArchitectureSpec], registry: Registry
) -> GanzooError:
    """The error itself; or, of a file of another family, what that is and which architecture reads it."""
    if isinstance(error, ForeignFamilyError):
        told: Sequence[tuple[Path, str | None]] = [(error.path, error.family)]
    else:
        told = [(path, family_of(path)) for path in files]
    own = offer.spec.families
    path, family = next(((path, family) for path, family in told if family and family not in own), (None, None))
    if path is None or family is None:
        return error
    able = [other.spec.name for other in registry.architectures if family in other.spec.families]
    if not own and not able and not isinstance(error, ForeignFamilyError):
        return error  # whoever does not say what it reads may well read this
    reads = f"{offer.spec.name} reads {' and '.join(own)}." if own else f"{offer.spec.name} does not read it."
    if not able:
        return CheckpointError(
            f"{path} is of the family {family}. {reads}",
            hint=f"No architecture that is installed reads {family}. Its own code may export it to ONNX, or to one "
            "of the layouts in docs/importing.md.",
        )
    commands = [f"ganzoo import {' '.join(map(shell_word, files))} --as {shell_word(name)} --out RUN" for name in able]
    return CheckpointError(
        f"{path} is of the family {family}. {reads}",
        hint="This reads it: " + "\nOr this: ".join(commands),
    )


def _read(files: Sequence[Path], offer: InstalledSpec[ArchitectureSpec]) -> ForeignWeights:
    importer = load_object(offer.spec.importer, offer=offer)
    weights: ForeignWeights = call_plugin(importer, files, failed=f"The importer of {offer.maker} failed")
    expect(weights, ForeignWeights, offer.spec.importer, offer)
    return weights


def _load(architecture: Architecture, weights: ForeignWeights, files: Sequence[Path]) -> list[str]:
    """Put the tensors in place; the names of submodules of which nothing was given. Raises CheckpointError."""
    state = architecture.state_dict()
    names = ", ".join(path.name for path in files)
    if unknown := sorted(set(weights.state) - set(state)):
        raise CheckpointError(f"{names} has tensors that this network has not: {first_few(unknown)}.")
    if misfits := [
        f"{name} is {_shape(tensor)} and should be {_shape(state[name])}"
        for name, tensor in weights.state.items()
        if tensor.shape != state[name].shape
    ]:
        raise CheckpointError(f"{names} does not fit: {first_few(misfits)}.")
    if odd := [
        name for name, tensor in weights.state.items() if tensor.is_floating_point() != state[name].is_floating_point()
    ]:
        raise CheckpointError(f"{names} has whole numbers for weights, or the reverse: {first_few(odd)}.")
    shown = {
        id(tensor) for graph in architecture.graphs() for tensor in graph.module.state_dict(keep_vars=True).values()
    }
    live = architecture.state_dict(keep_vars=True)
    if missing := [name for name in state if name not in weights.state and id(live[name]) in shown]:
        raise CheckpointError(f"{names} lacks tensors that the exported networks need: {first_few(missing)}.")
    given = {name.partition(".")[0] for name in weights.state}
    # Half of a network in its first random weights would judge, and train on, without a word.
    if missing := [name for name in state if name not in weights.state and name.partition(".")[0] in given]:
        raise CheckpointError(f"{names} has a part of a network only; it lacks {first_few(missing)}.")
    architecture.load_state_dict({**state, **weights.state})
    learnt = {name.partition(".")[0] for name, tensor in state.items() if tensor.is_floating_point()}
    return sorted(learnt - given)


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a scalar"
