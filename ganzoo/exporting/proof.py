"""The proof that a file paints the same pictures, and the same proof again elsewhere. Needs no torch.

The measured errors depend on the processor, the bound does not: so the bound is written into the
file and the errors into MODEL.proof.json beside it, together with a sample of the reference pixels
from which any machine and provider can repeat the comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ganzoo.errors import ExportError, GateError, one_line, shell_word
from ganzoo.exporting.proof_file import (
    Case,
    Proof,
    check_bound,
    check_claims,
    proof_dims,
    proof_path,
    read_proof,
)
from ganzoo.files import sha256
from ganzoo.runtime.file import OnnxFile
from ganzoo.runtime.session import draw, open_checked, run_session
from ganzoo.runtime.tolerances import PROOF_UINT8, largest_error, peak
from ganzoo.tensors import BATCH, TensorSpec

if TYPE_CHECKING:
    import onnxruntime

Arrays = list[NDArray[Any]]

_SAMPLED = 512  # reference pixels kept per output and case


class Signed(Protocol):
    """A graph: what its inputs and outputs are like."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]: ...
    @property
    def outputs(self) -> tuple[TensorSpec, ...]: ...


def prove(
    path: Path, graph: Signed, reference: Callable[[Arrays], Arrays], *, precision: str, bound: float, name: str
) -> Proof:
    """Compare a file on the CPU provider with `reference` at several batch sizes and fresh inputs.

    bound: of the largest error, relative to the largest value where that is above 1. name: of the file, in messages.
    Raises GateError that names the worst case when an error is over its bound, ExportError when ONNX
    Runtime cannot load or run the file.
    """
    session = open_checked(path, "cpu").session
    cases = []
    for number, dims in enumerate(proof_dims(graph.inputs)):
        first_seed = 1_000_000 * (number + 1)
        feed = _feed(graph.inputs, dims, first_seed)
        try:
            expected = reference(list(feed.values()))
        except Exception as error:  # of the author's module
            raise ExportError(f"torch itself cannot run {name} at {dims}: {one_line(error)}") from error
        found = run_session(session, feed, path)
        cases.append(_compare(graph.outputs, expected, found, dims, first_seed, precision, bound))
    proof = Proof(
        model_sha256=sha256(path),
        precision=precision,
        provider=session.get_providers()[0],
        onnxruntime=_version(),
        cases=cases,
    )
    _raise_unless_it_holds(proof, name)
    return proof


def verify(path: Path, provider: str = "cpu") -> Proof:
    """Repeat the proof on this machine from MODEL.proof.json alone.

    Raises what `repeat_proof` raises, GateError when an error is over its bound.
    """
    proof = repeat_proof(path, provider)
    _raise_unless_it_holds(proof, path.name)
    return proof


def repeat_proof(path: Path, provider: str = "cpu") -> Proof:
    """The same comparison on this machine, whether it holds or not.

    Raises ExportError when the proof is missing or damaged, GateError when it belongs to another file, RequestError or
    BenchError for a provider that is not there.
    """
    file = OnnxFile(path)
    if not file.ours or file.input_specs is None or file.output_specs is None:
        raise ExportError(
            f"{path} was not exported by ganzoo: it does not say how its inputs are drawn.",
            hint=f"ganzoo inspect {shell_word(path)} and ganzoo bench {shell_word(path)} work on any ONNX file.",
        )
    recorded = read_proof(path)
    check_claims(recorded, file)
    if recorded.model_sha256 != file.sha256():
        raise GateError(
            f"{path} is not the file that was proved: sha256 {file.sha256()[:12]}..., "
            f"proved was {recorded.model_sha256[:12]}...",
            hint="It was changed or damaged after the export; export it again.",
        )
    session = open_checked(path, provider).session
    try:
        cases = [_repeat(case, session, file, path) for case in recorded.cases]
    except (ValueError, KeyError, TypeError, OverflowError, MemoryError) as error:  # it contradicts its model
        raise ExportError(f"{proof_path(path)} is damaged: {one_line(error)}", hint="Export the model again.") from None
    return Proof(
        model_sha256=recorded.model_sha256,
        precision=recorded.precision,
        provider=session.get_providers()[0],
        onnxruntime=_version(),
        cases=cases,
    )


def _repeat(case: Case, session: onnxruntime.InferenceSession, file: OnnxFile, path: Path) -> Case:
    found = run_session(session, _feed(file.input_specs or (), case.dims, case.first_seed), path)
    errors = {}
    for spec, values in zip(file.output_specs or (), found, strict=True):
        expected = np.asarray(case.sampled[spec.name], dtype=np.float64)
        positions = _positions(values.size, case.first_seed)
        if expected.shape != positions.shape:
            raise ValueError(f"it has {expected.size} values of {spec.name!r}; expected {positions.size}")
        check_bound(case.bounds[spec.name], spec, file, peak(values))
        errors[spec.name] = largest_error(expected, values.ravel()[positions])
    return Case(**{**asdict(case), "errors": errors})


def _feed(specs: Sequence[TensorSpec], dims: dict[str, int], first_seed: int) -> dict[str, NDArray[Any]]:
    return draw(specs, range(first_seed, first_seed + dims[BATCH.name]), dims)


def _compare(
    outputs: Sequence[TensorSpec],
    expected: Arrays,
    found: Arrays,
    dims: dict[str, int],
    seed: int,
    precision: str,
    bound: float,
) -> Case:
    errors, bounds, sampled = {}, {}, {}
    for spec, reference, values in zip(outputs, expected, found, strict=True):
        if reference.shape != values.shape:
            raise ExportError(f"{spec.name!r} has shape {values.shape} in ONNX Runtime and {reference.shape} in torch")
        errors[spec.name] = largest_error(reference, values)
        bounds[spec.name] = PROOF_UINT8[precision] if spec.dtype == "uint8" else bound * peak(reference)
        sampled[spec.name] = reference.ravel()[_positions(reference.size, seed)].astype(np.float64).tolist()
    return Case(dims=dims, first_seed=seed, errors=errors, bounds=bounds, sampled=sampled)


def _positions(size: int, seed: int) -> NDArray[np.int64]:
    return np.random.RandomState(seed).randint(size, size=min(size, _SAMPLED))


def _raise_unless_it_holds(proof: Proof, name: str) -> None:
    if proof.holds:
        return
    case, output = max(
        ((case, output) for case in proof.cases for output in case.bounds),
        key=lambda item: np.nan_to_num(item[0].errors[item[1]] / item[0].bounds[item[1]], nan=np.inf),
    )
    infinite = "" if np.isfinite(case.errors[output]) else " It gives values that are not finite."
    raise GateError(
        f"{name} does not paint what torch paints: {output!r} differs by {case.errors[output]:.3g} at "
        f"{case.dims} on {proof.provider}; the bound is {case.bounds[output]:.3g}.{infinite}",
        hint="The module may behave differently in evaluation mode, or depend on the size it was traced with.",
    )


def _version() -> str:
    from ganzoo.runtime.ort import onnxruntime

    return str(onnxruntime.__version__)
