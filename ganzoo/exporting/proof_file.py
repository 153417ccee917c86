"""MODEL.proof.json: what it holds, and what of it is believed. Needs no torch.

A proof is a stranger's file like any other: one with looser bounds, fewer values or no case at all would prove whatever
it stands beside.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ganzoo import files
from ganzoo.errors import ExportError, GateError, one_line
from ganzoo.runtime.file import PREFIX, OnnxFile
from ganzoo.runtime.tolerances import PROOF, PROOF_MOST, PROOF_UINT8
from ganzoo.tensors import BATCH, Dim, TensorSpec

BATCHES = (1, 3, 16)
_LEAST_PROVED = 32  # pixels
_MOST_BATCH = 64
_MOST_NUMBERS = 2**25  # drawn for the inputs of one case
_ROUNDING = 1.01  # of a bound that was multiplied by the largest value on another machine


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


def proof_dims(inputs: Sequence[TensorSpec]) -> list[dict[str, int]]:
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
            # Then one side is longer, lest height and width be taken for each other; and a second picture is larger.
            sizes[name] = base + dim.multiple * (number > 0 and (number + position) % 2 + 5 * (position // 2))
        cases.append({BATCH.name: batch, **sizes})
    return cases


def proof_path(path: Path) -> Path:
    return path.with_suffix(".proof.json")


def read_proof(path: Path) -> Proof:
    """The proof beside a model. Raises ExportError for one that is missing, or is none."""
    beside = proof_path(path)
    try:
        values = files.read_json(beside)
        cases = [_case(case) for case in values["cases"]]
        texts = {key: values[key] for key in ("model_sha256", "precision", "provider", "onnxruntime")}
        if not all(isinstance(text, str) for text in texts.values()):
            raise ValueError("what should be a text is none")
        return Proof(**texts, cases=cases)
    except FileNotFoundError:
        raise ExportError(
            f"{path} has no proof: {beside.name} is not beside it.", hint="Export it again to make one."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ExportError(f"{beside} is damaged: {one_line(error)}", hint="Export the model again.") from None


def _case(values: Any) -> Case:
    """Raises ValueError, KeyError, TypeError, AttributeError."""
    case = Case(**values)
    names = set(case.bounds)
    if not names or names != set(case.sampled) or names != set(case.errors):
        raise ValueError("a case is incomplete")
    if not all(type(size) is int and size >= 1 for size in (*case.dims.values(), case.dims[BATCH.name])):
        raise ValueError(f"a case has sizes that are none: {case.dims}")
    if type(case.first_seed) is not int or not 0 <= case.first_seed < 2**31:
        raise ValueError(f"a case begins at seed {case.first_seed!r}")
    numbers = [*case.bounds.values(), *case.errors.values(), *(item for one in case.sampled.values() for item in one)]
    if not all(type(number) in (int, float) and math.isfinite(number) for number in numbers):
        raise ValueError("it has numbers that are not finite")
    return case


def check_claims(proof: Proof, file: OnnxFile) -> None:
    """Raises GateError for a proof that proves nothing, ExportError for one that does not fit its model."""
    beside = proof_path(file.path)
    if len({case.dims[BATCH.name] for case in proof.cases}) < 2:
        raise GateError(
            f"{beside} proves nothing: it has {len(proof.cases)} cases, and two sizes of batch are the least.",
            hint="Export the model again.",
        )
    precision = file.metadata.get(f"{PREFIX}precision", "")
    if proof.precision != precision or precision not in PROOF:
        raise GateError(f"{beside} is of precision {proof.precision!r}, and the model says {precision!r}.")
    specs = file.input_specs or ()
    most = min(_MOST_NUMBERS, 2 * max(_numbers(specs, dims) for dims in proof_dims(specs)))
    for case in proof.cases:
        numbers = _numbers(specs, case.dims)
        if case.dims[BATCH.name] > _MOST_BATCH or numbers > most:
            raise ExportError(
                f"{beside} is refused: it asks for {numbers:,} input numbers at {case.dims}; for this model {most:,} "
                f"and a batch of {_MOST_BATCH} are the most."
            )


def _numbers(specs: Sequence[TensorSpec], dims: Mapping[str, int]) -> int:
    """In all inputs together. Raises ExportError for a dimension that is not stated."""
    try:
        return sum(
            math.prod(dims[size.name] if isinstance(size, Dim) else size for size in spec.shape) for spec in specs
        )
    except KeyError as error:
        raise ExportError(f"The proof does not say how large {error} is in {dims}.") from None


def check_bound(bound: float, spec: TensorSpec, file: OnnxFile, largest: float) -> None:
    """Raises GateError for a bound that is looser than the file's own, or than its precision allows.

    largest: of the output's values, at least 1; what the bound was multiplied by.
    """
    precision = file.metadata[f"{PREFIX}precision"]
    own = own_bound(file)
    allowed = PROOF_UINT8[precision] if spec.dtype == "uint8" else own * largest * _ROUNDING
    if not 0 < bound <= allowed:
        raise GateError(
            f"{proof_path(file.path)} proves nothing: its bound for {spec.name!r} is {bound:.3g}, and the model's own "
            f"allows {allowed:.3g}.",
            hint="It was not written by ganzoo, or changed; export the model again.",
        )


def own_bound(file: OnnxFile) -> float:
    """The parity bound that a file states. Raises GateError for none, or one that its precision does not allow."""
    text = file.metadata.get(f"{PREFIX}parity_bound", "")
    most = PROOF_MOST[file.metadata[f"{PREFIX}precision"]]
    try:
        bound = float(text)
    except ValueError:
        bound = math.nan
    if not 0 < bound <= most:
        raise GateError(
            f"{file.path} states a parity bound of {text!r}; its precision allows up to {most:g}.",
            hint="It was not exported by ganzoo, or changed; export it again.",
        )
    return bound
