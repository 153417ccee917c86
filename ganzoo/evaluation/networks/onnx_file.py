"""A feature network of one's own: one ONNX file, by ONNX Runtime. Needs no torch.

What its input wants is declared, in the file (a graph of role `embed` or `judge` that ganzoo exported) or beside it by
options; it is not guessed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import RequestError, did_you_mean, first_few, printable, shell_word
from ganzoo.evaluation.network import FeatureNetwork
from ganzoo.files import sha256
from ganzoo.runtime.file import OnnxFile
from ganzoo.runtime.session import open_checked, run_session

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LARGEST = 1e6  # of a mean or deviation

OPTIONS = {
    "range": "LOW:HIGH of black and white, as 0:255, 0:1 or -1:1",
    "mean": "three numbers, taken off in that range",
    "std": "three numbers, divided by in that range",
    "size": "N or HxW, where the file leaves it open",
    "layer": "the output with the features, where there are several",
    "logits": "the output with classes, if there is one",
    "channels": "rgb or bgr",
}


class OnnxFeatures(FeatureNetwork):
    """`features`: the output flattened, averaged over places where it is (N, D, H, W). Its numbers carry the file's
    name and hash.

    Raises ExportError for a file that cannot be read or run, RequestError for what is not declared.
    """

    def __init__(self, file: Path | None, options: Mapping[str, str], *, device: str = "cpu") -> None:
        if file is None:
            raise RequestError("A feature network of one's own is an ONNX file.", hint="--features FILE.onnx")
        for key in options:
            if key not in OPTIONS:
                raise RequestError(f"A feature file has no option {key!r}.{did_you_mean(key, OPTIONS)}", hint=_usage())
        if options.get("channels", "rgb") not in ("rgb", "bgr"):
            raise RequestError(f"channels={options['channels']!r}: expected rgb or bgr.")
        self._path, self._file, self._options = file, OnnxFile(file), dict(options)
        self._hash = sha256(file)
        self.name = f"{printable(file.stem)}-{self._hash[:8]}"
        if len(self._file.inputs) != 1:
            named = first_few([printable(one.name) for one in self._file.inputs])
            raise RequestError(f"{file} has the inputs {named}; a feature network takes pictures alone.")
        self._input = self._file.inputs[0]
        shape = list(self._input.shape)
        if len(shape) != 4 or (isinstance(shape[1], int) and shape[1] not in (1, 3)):
            raise RequestError(f"{file} takes {shape}; expected pictures (N, 3, H, W).")
        if isinstance(shape[0], int) and shape[0] != 1:
            raise RequestError(f"{file} takes {shape[0]} pictures at once; expected any number, or one.")
        self._grey, self._one = shape[1] == 1, shape[0] == 1
        self.size = self._size(shape[2:])
        self._low, self._high = self._range()
        self._mean, self._std = self._three("mean", 0.0), self._three("std", 1.0)
        self._session = open_checked(file, "cuda" if device.startswith("cuda") else "cpu").session
        outputs = [one.name for one in self._file.outputs]
        self._layer = self._output("layer", outputs)
        self._logits = self._output("logits", outputs) if "logits" in options else ""
        if self._logits:
            last = next(one for one in self._file.outputs if one.name == self._logits).shape[-1]
            self.classes = last if isinstance(last, int) else 1
        self._outputs = outputs

    def identity(self) -> Mapping[str, Any]:
        return {"sha256": self._hash, "layer": self._layer, **{f"option.{k}": v for k, v in self._options.items()}}

    def compute(self, pictures: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
        import numpy as np

        images = pictures[:, ::-1] if self._options.get("channels") == "bgr" else pictures
        if self._grey:
            images = images.mean(1, keepdims=True)
        if self._input.dtype == "uint8":
            fed: NDArray[Any] = images.round().clip(0, 255).astype(np.uint8)
        else:
            scaled = images * np.float32((self._high - self._low) / 255) + np.float32(self._low)
            fed = np.ascontiguousarray(((scaled - self._mean) / self._std).astype(self._input.dtype))
        values = self._run(fed)
        found = {"features": _rows(values[self._layer])}
        if self._logits:
            found["logits"] = _rows(values[self._logits])
        return found

    def _run(self, fed: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        """Each output; one picture after the other where the file takes no more."""
        import numpy as np

        parts = np.split(fed, len(fed)) if self._one else [fed]
        made = [run_session(self._session, {self._input.name: part}, self._path) for part in parts]
        return {name: np.concatenate(rows) for name, rows in zip(self._outputs, zip(*made, strict=True), strict=True)}

    def _size(self, sides: Sequence[object]) -> tuple[int, int] | None:
        fixed = tuple(side for side in sides if isinstance(side, int))
        if len(fixed) == 2:
            return fixed[0], fixed[1]
        stated = self._options.get("size")
        if stated is None:
            return None
        from ganzoo.config.fields import PictureSize
        from ganzoo.datainfo import height_and_width

        try:
            found = PictureSize(1, 4096).read(stated)
        except ValueError:
            found = None
        if found is None:
            raise RequestError(f"size={stated!r}: expected pixels, as 224 or 224x320.")
        return height_and_width(found)

    def _range(self) -> tuple[float, float]:
        if self._input.dtype == "uint8":
            return 0.0, 255.0
        if stated := self._options.get("range"):
            try:
                low, high = (float(part) for part in stated.split(":"))
            except ValueError:
                raise RequestError(f"range={stated!r}: expected LOW:HIGH, as 0:1.") from None
            if not (math.isfinite(low) and math.isfinite(high)) or low == high:
                raise RequestError(f"range={stated!r}: black and white are the same, or are no numbers.")
            return low, high
        specs = self._file.input_specs
        if specs is not None and specs[0].kind == "picture":
            return specs[0].low, specs[0].high
        raise RequestError(f"{self._path} does not say what black and white are to it.", hint=_usage(self._path))

    def _three(self, key: str, default: float) -> NDArray[np.float32]:
        import numpy as np

        stated = self._options.get(key)
        try:
            numbers = [default] if stated is None else [float(part) for part in stated.split(",")]
        except ValueError:
            numbers = []
        sound = all(abs(number) < _LARGEST and (key == "mean" or abs(number) > 1 / _LARGEST) for number in numbers)
        if len(numbers) not in (1, 3) or not sound:
            raise RequestError(f"{key}={stated!r}: expected three numbers, as 0.485,0.456,0.406.")
        return np.array(numbers, dtype=np.float32).reshape(1, -1, 1, 1)

    def _output(self, key: str, outputs: Sequence[str]) -> str:
        stated = self._options.get(key)
        if stated is None and len(outputs) == 1:
            return outputs[0]
        if stated in outputs:
            return str(stated)
        given = f" {stated!r}" if stated else ""
        raise RequestError(
            f"{self._path} has the outputs {first_few([*map(printable, outputs)])}; which has the {key}{given}?",
            hint=f"--features {shell_word(self._path)} --feature {key}={shell_word(outputs[0]) if outputs else 'NAME'}",
        )


def _rows(values: NDArray[Any]) -> NDArray[np.float32]:
    import numpy as np

    values = values.mean((2, 3)) if values.ndim == 4 else values
    rows: NDArray[np.float32] = np.ascontiguousarray(values.reshape(len(values), -1), dtype=np.float32)
    return rows


def _usage(path: Path | None = None) -> str:
    name = shell_word(path) if path is not None else "FILE.onnx"
    options = "; ".join(f"{key}: {text}" for key, text in OPTIONS.items())
    return f"--features {name} --feature range=0:1 --feature mean=0.485,0.456,0.406 ... ({options})"
