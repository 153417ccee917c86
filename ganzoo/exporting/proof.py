"""The proof that a file paints the same pictures, and the same proof again elsewhere. Needs no torch.

The measured errors depend on the processor, the bound does not: so the bound is written into the
file and the errors into MODEL.proof.json beside it, together with a sample of the reference pixels
from which any machine and provider can repeat the comparison.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.errors import ExportError, GateError, one_line
from ganzoo.files import sha256
from ganzoo.runtime.file import OnnxFile
from ganzoo.runtime.session import draw, open_checked, run_session
from ganzoo.runtime.tolerances import PROOF, PROOF_UINT8, largest_error, peak
from ganzoo.tensors import BATCH, Dim, TensorSpec

if TYPE_CHECKING:
    import onnxruntime

Arrays = list[NDArray[Any]]

BATCHES = (1, 3, 16)
_LEAST_PROVED = 32  # pixels
_SAMPLED = 512  # reference pixels kept per output and case


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One comparison. errors: the largest of each output. sampled: reference values at `_positions`."""

    dims: dict[str, int]
    first_seed: int
    errors: dict[str, float]
    bounds: dict[str, float]
    sampled: dict[str, list[float]]


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Proof:
    """What MODEL.proof.json holds."""

    model_sha256: str
    precision: str
    provider: str
    onnxruntime: str
    cases: list[Case]

    def __repr__(self) -> str:
        return f"<proof on {self.provider}: error {self.error:.2g}, {'holds' if self.holds else 'does not hold'}>"

    @property
    def error(self) -> float:
        """The largest error of all cases and outputs."""
        return max(error for case in self.cases for error in case.errors.values())

    @property
    def holds(self) -> bool:
        # `not <=`, so that a NaN fails
        return not any(not case.errors[name] <= bound for case in self.cases for name, bound in case.bounds.items())

    def to_json(self) -> str:
        return json.dumps({"format": 1, "error": self.error, "holds": self.holds, **asdict(self)}, indent=1)


def prove(
    path: Path,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    reference: Callable[[Arrays], Arrays],
    *,
    precision: str,
) -> Proof:
    """Compare a file on the CPU provider with `reference` at several batch sizes and fresh inputs.

    Raises GateError that names the worst case when an error is over its bound, ExportError when ONNX
    Runtime cannot load or run the file.
    """
    session = open_checked(path, "cpu").session
    cases = []
    for number, dims in enumerate(_dims(inputs)):
        first_seed = 1_000_000 * (number + 1)
        feed = _feed(inputs, dims, first_seed)
        try:
            expected = reference(list(feed.values()))
        except Exception as error:  # of the author's module
            raise ExportError(
                f"torch itself cannot run {path.name.lstrip('.')} at {dims}: {one_line(error)}"
            ) from error
        found = run_session(session, feed, path)
        cases.append(_compare(outputs, expected, found, dims, first_seed, precision))
    proof = Proof(
        model_sha256=sha256(path),
        precision=precision,
        provider=session.get_providers()[0],
        onnxruntime=_version(),
        cases=cases,
    )
    _raise_unless_it_holds(proof, path.name)
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
            hint=f"ganzoo inspect {path} and ganzoo bench {path} work on any ONNX file.",
        )
    recorded = _read(path)
    if recorded.model_sha256 != file.sha256():
        raise GateError(
            f"{path} is not the file that was proved: sha256 {file.sha256()[:12]}..., "
            f"proved was {recorded.model_sha256[:12]}...",
            hint="It was changed or damaged after the export; export it again.",
        )
    session = open_checked(path, provider).session
    try:
        cases = [_repeat(case, session, file, path) for case in recorded.cases]
    except (ValueError, KeyError, TypeError, MemoryError) as error:  # of a proof that contradicts its model
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
        expected = np.asarray(case.sampled[spec.name])
        errors[spec.name] = largest_error(expected, values.ravel()[_positions(values.size, case.first_seed)])
    return Case(**{**asdict(case), "errors": errors})


def proof_path(path: Path) -> Path:
    return path.with_suffix(".proof.json")


def _feed(specs: Sequence[TensorSpec], dims: dict[str, int], first_seed: int) -> dict[str, NDArray[Any]]:
    return draw(specs, range(first_seed, first_seed + dims[BATCH.name]), dims)


def _dims(inputs: Sequence[TensorSpec]) -> list[dict[str, int]]:
    """Batch sizes that differ from the traced one; other symbolic dimensions at several sizes too.

    A single row has the sizes that the network was trained at; the more rows, the smaller they are, lest the proof of a
    large network take minutes. Not as small as can be: where a norm sees a handful of pixels, rounding is all it sees.
    """
    others = {dim.name: dim for spec in inputs for dim in spec.shape if isinstance(dim, Dim) and dim != BATCH}
    cases = []
    for number, batch in enumerate(BATCHES):
        sizes = {}
        for position, (name, dim) in enumerate(others.items()):
            usual = dim.default or dim.smallest(_LEAST_PROVED)
            base = dim.smallest(max(usual >> number, min(usual, _LEAST_PROVED)))
            # Then one side is longer, lest height and width be taken for each other.
            sizes[name] = base + dim.multiple * (number > 0 and (number + position) % 2)
        cases.append({BATCH.name: batch, **sizes})
    return cases


def _compare(
    outputs: Sequence[TensorSpec],
    expected: Arrays,
    found: Arrays,
    dims: dict[str, int],
    seed: int,
    precision: str,
) -> Case:
    errors, bounds, sampled = {}, {}, {}
    for spec, reference, values in zip(outputs, expected, found, strict=True):
        if reference.shape != values.shape:
            raise ExportError(f"{spec.name!r} has shape {values.shape} in ONNX Runtime and {reference.shape} in torch")
        errors[spec.name] = largest_error(reference, values)
        bounds[spec.name] = PROOF_UINT8[precision] if spec.dtype == "uint8" else PROOF[precision] * peak(reference)
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


def _read(path: Path) -> Proof:
    beside = proof_path(path)
    try:
        values = json.loads(beside.read_text(encoding="utf-8"))
        cases = [Case(**case) for case in values["cases"]]
        for case in cases:
            if case.dims[BATCH.name] < 1 or not case.bounds or set(case.sampled) != set(case.bounds):
                raise ValueError("a case is incomplete")
        return Proof(
            model_sha256=str(values["model_sha256"]),
            precision=str(values["precision"]),
            provider=str(values["provider"]),
            onnxruntime=str(values["onnxruntime"]),
            cases=cases,
        )
    except FileNotFoundError:
        raise ExportError(
            f"{path} has no proof: {beside.name} is not beside it.", hint="Export it again to make one."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ExportError(f"{beside} is damaged: {one_line(error)}", hint="Export the model again.") from None


def _version() -> str:
    import onnxruntime

    return str(onnxruntime.__version__)
