"""What travels between torch, ONNX and numpy: what pictures are like, and tensors that can be drawn by seed.

Nothing here imports more than the standard library; numpy is met only when a tensor is drawn. What pictures are like is
in `ganzoo.datainfo`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from ganzoo.datainfo import Condition, ConditionKind, DataInfo, Domain, Picture
from ganzoo.errors import RequestError
from ganzoo.plugin.api1 import Translating, current_value, renamed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "BATCH",
    "Condition",
    "ConditionKind",
    "DType",
    "DataInfo",
    "Dim",
    "Domain",
    "InputKind",
    "Picture",
    "TensorSpec",
]

MOST_NUMBERS = 2**26
"""Drawn at once: 0.8 GB while they are. The noise of sixteen pictures of 1024 pixels is two thirds of it."""

InputKind = Literal["normal", "uniform", "class", "vector", "picture", "number"]
DType = Literal["float32", "float16", "int64", "uint8"]


@renamed
@dataclass(frozen=True, kw_only=True, slots=True)
class Dim(metaclass=Translating):
    """A dimension fixed only at run time.

    name: its symbolic name in the ONNX file. multiple, least: sizes the network accepts.
    default: the size it was trained at, taken where nobody says another; None for none.
    times: of an output that is so many times as large as the input's dimension of this name: `4*height` in the file.
    rounded: of an output, to which multiple it is rounded up: `8*ceil(height/8)`.
    """

    name: str
    multiple: int = 1
    least: int = 1
    default: int | None = None
    times: int = 1
    rounded: int = 1

    def __str__(self) -> str:
        """As the ONNX file has it."""
        if self.rounded > 1:
            return f"{self.times * self.rounded}*ceil({self.name}/{self.rounded})"
        return self.name if self.times == 1 else f"{self.times}*{self.name}"

    def painted(self, size: int) -> int:
        """Of an output, its size where the input's has `size`."""
        return self.times * self.rounded * -(-size // self.rounded)

    def accepts(self, size: int) -> bool:
        """Whether the network takes this size, in pixels or rows."""
        return size >= self.least and size % self.multiple == 0

    def smallest(self, size: int = 1) -> int:
        """The smallest size it accepts that is not below `size`."""
        return self.multiple * -(-max(size, self.least) // self.multiple)


BATCH = Dim(name="batch")


@renamed
@dataclass(frozen=True, kw_only=True, slots=True)
class TensorSpec(metaclass=Translating):
    """One input or output of a graph, and how to draw it by seed without torch.

    name: the tensor's name in the ONNX file.
    shape: integers and `Dim`s; the first is the batch.
    dtype: element type.
    kind: what its rows are: `normal` N(0, 1), `uniform` in [low, high], `class` an index below `classes`, `vector` the
        numbers of a condition, `number` one that users state, such as a strength, or `picture`. The last three are
        drawn uniformly from [low, high] where there are none: where only speed or parity is asked.
    low, high: what `uniform`, `vector` and `number` values lie between; of a picture the values of black and of white,
        which a pixel may go beyond.
    classes: number of labels for `class`. names: of the classes, or of a vector's numbers; empty: none are known.
    default: the value of every number where nobody states one, as for a strength of truncation; None: they are drawn.
        Proofs and benchmarks draw all the same.
    stream: tells the draws of several inputs apart. Stream 0 is `RandomState(seed).randn`, the habit
        of the field, so that a seed gives the latent that other tools give for it.
    """

    name: str
    shape: tuple[int | Dim, ...]
    dtype: DType = "float32"
    kind: InputKind = "normal"
    low: float = -1.0
    high: float = 1.0
    classes: int = 0
    names: tuple[str, ...] = ()
    default: float | None = None
    stream: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(InputKind) or self.dtype not in get_args(DType):
            raise ValueError(
                f"tensor {self.name!r}: kind {self.kind!r} of {self.dtype!r}; expected one of "
                f"{', '.join(get_args(InputKind))}, of {', '.join(get_args(DType))}"
            )
        numbers = [self.low, self.high, *([] if self.default is None else [self.default])]
        if not all(math.isfinite(number) for number in numbers) or not self.low < self.high:
            raise ValueError(
                f"tensor {self.name!r} from {self.low} to {self.high}, default {self.default}: expected finite "
                "numbers, low below high"
            )

    def sizes(self, dims: Mapping[str, int]) -> tuple[int, ...]:
        """The concrete shape. Raises KeyError for a `Dim` that `dims` does not name."""
        return tuple(size if isinstance(size, int) else size.painted(dims[size.name]) for size in self.shape)

    def _counted(self, dims: Mapping[str, int]) -> tuple[int, ...]:
        """`sizes`, which a stranger's file may have stated. Raises RequestError for more numbers than memory has."""
        shape = self.sizes(dims)
        if (numbers := math.prod(shape)) > MOST_NUMBERS:
            raise RequestError(
                f"{self.name!r} would have {numbers:,} numbers at once, {'x'.join(map(str, shape))}; {MOST_NUMBERS:,} "
                "are the most.",
                hint="Fewer, or smaller, at a time.",
            )
        return shape

    def sample(self, seeds: Sequence[int], dims: Mapping[str, int] | None = None) -> NDArray[np.generic]:
        """One row per seed, each from a generator of its own: (len(seeds), *shape[1:]).

        A row depends on its seed alone, not on the batch it is drawn in. `dims` gives the sizes of
        symbolic dimensions other than the batch.
        """
        import numpy as np

        shape = self._counted({**(dims or {}), BATCH.name: len(seeds)})[1:]
        rows: list[NDArray[np.generic]] = []
        for seed in seeds:
            random = np.random.RandomState(seed if self.stream == 0 else [seed, self.stream])
            if self.kind == "normal":
                rows.append(np.asarray(random.randn(*shape)))
            elif self.kind == "class":
                rows.append(np.asarray(random.randint(self.classes, size=shape)))
            else:
                rows.append(np.asarray(random.uniform(self.low, self.high, size=shape)))
        return np.asarray(rows, dtype=self.dtype).reshape(len(seeds), *shape)

    def full(
        self, value: float | Sequence[float], count: int, dims: Mapping[str, int] | None = None
    ) -> NDArray[np.generic]:
        """`count` rows of one value, or of one row of values: (count, *shape[1:])."""
        import numpy as np

        return np.full(self._counted({**(dims or {}), BATCH.name: count}), value, dtype=self.dtype)

    def default_or_sample(self, seeds: Sequence[int], dims: Mapping[str, int] | None = None) -> NDArray[np.generic]:
        """What a picture is painted from: the default value if there is one, else what the seeds draw."""
        return self.sample(seeds, dims) if self.default is None else self.full(self.default, len(seeds), dims)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; `from_json` reads it back. Its keys are those of the files that there are."""
        return {
            "name": self.name,
            "shape": [
                size
                if isinstance(size, int)
                else {
                    "name": size.name,
                    "multiple": size.multiple,
                    "least": size.least,
                    "usual": size.default,
                    "times": size.times,
                    **({"rounded": size.rounded} if size.rounded > 1 else {}),
                }
                for size in self.shape
            ],
            "dtype": self.dtype,
            "draw": self.kind,
            "low": self.low,
            "high": self.high,
            "classes": self.classes,
            "names": list(self.names),
            "usual": self.default,
            "stream": self.stream,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TensorSpec:
        """The inverse of `to_json`. Raises ValueError, KeyError or TypeError for what `to_json` never wrote."""
        kind = current_value("TensorSpec", "kind", value["draw"])
        shape = tuple(size if isinstance(size, int) else _dim(size) for size in value["shape"])
        if not all(1 <= size < 2**31 for size in shape if isinstance(size, int)):
            raise ValueError(f"tensor {value['name']!r} has the shape {value['shape']}")
        dims = [dim for dim in shape if isinstance(dim, Dim)]
        sound = all(
            dim.multiple >= 1
            and dim.least >= 1
            and dim.times >= 1
            and dim.rounded >= 1
            and (dim.default is None or dim.accepts(dim.default))
            for dim in dims
        )
        if not sound or not shape or shape[0] != BATCH:
            raise ValueError(f"tensor {value['name']!r} has the shape {value['shape']}")
        if not 0 <= int(value["stream"]) < 2**32 or (kind == "class") > value["classes"]:
            raise ValueError(f"tensor {value['name']!r} has values out of range")
        names = tuple(str(name) for name in value.get("names", ()))
        if names and len(names) != (value["classes"] if kind == "class" else shape[-1]):
            raise ValueError(f"tensor {value['name']!r} has {len(names)} names")
        return cls(
            name=str(value["name"]),
            shape=shape,
            dtype=value["dtype"],
            kind=kind,
            low=float(value["low"]),
            high=float(value["high"]),
            classes=int(value["classes"]),
            names=names,
            default=None if value.get("usual") is None else float(value["usual"]),
            stream=int(value["stream"]),
        )


def _dim(value: Mapping[str, Any]) -> Dim:
    return Dim(
        name=value["name"],
        multiple=value["multiple"],
        least=value["least"],
        default=value["usual"],
        times=value.get("times", 1),
        rounded=value.get("rounded", 1),
    )
