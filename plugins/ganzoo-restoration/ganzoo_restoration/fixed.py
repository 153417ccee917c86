"""Published restoration networks of other families, read by spandrel (MIT): they paint, and do not learn here.

What a network is follows from the names and shapes of its tensors. They are kept with the run's settings, so that the
network can be built again before its weights are loaded.

Shapes: B batch, C channels, H, W, s scale.
"""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from torch import Tensor, nn

from ganzoo import DataInfo, Picture
from ganzoo.architecture import Direction, ImageToImage, Optimizer, Phase
from ganzoo.architecture.foreign_weights import ForeignWeights, load_states
from ganzoo.config import Help, ImageToImageConfig
from ganzoo.errors import CheckpointError, RequestError, one_line
from ganzoo_restoration.importing import USUAL_SIZE

_MOST_BYTES = 2**24  # of the names and shapes of a network


@dataclass(frozen=True, kw_only=True, slots=True)
class FixedConfig(ImageToImageConfig):
    network: Annotated[str, Help("what the importer found the weights to be, e.g. SwinIR")] = ""
    scale: Annotated[int, Help("how many times as large pictures become")] = 1
    tensors: Annotated[str, Help("names and shapes of the network's tensors, packed by the importer")] = ""


class FixedRestoration(ImageToImage):
    config: FixedConfig
    wants = "pairs"

    @property
    def scale(self) -> int:  # type: ignore[override]
        return self.config.scale

    def build(self) -> None:
        if not self.config.tensors:
            raise RequestError(
                "fixed-restoration is made of a file of published weights.",
                hint="ganzoo import SwinIR.pth --as fixed-restoration --out RUN",
            )
        found = _described(_blank(self.config.tensors), "its settings")
        self.generator: nn.Module = found.model
        self.size_multiple = found.size_requirements.multiple_of or 1
        self.least_size = max(1, found.size_requirements.minimum or 1)

    def directions(self) -> Mapping[str, Direction]:
        return {
            "restore": Direction(
                network=self.generator, reads="source", paints="target", scale=self.scale, low=0.0, high=1.0
            )
        }

    def optimizers(self) -> Mapping[str, Optimizer]:
        return {}

    def phases(self) -> Sequence[Phase]:
        return []


def read_fixed(files: Sequence[Path]) -> ForeignWeights:
    """One file of whatever spandrel knows. Raises CheckpointError for what it does not, or what is no restoration."""
    if len(files) != 1:
        raise RequestError(f"fixed-restoration reads one file, and {len(files)} are given.")
    (path,) = files
    states = load_states(path)
    state = states.get("params_ema") or states.get("params") or next(iter(states.values()))
    found = _described(state, str(path))
    own = found.model.state_dict()
    tensors = _packed(own)
    reads, paints = (
        Picture(channels=count, height=side, width=side)
        for count, side in (
            (found.input_channels, USUAL_SIZE), (found.output_channels, USUAL_SIZE * found.scale),
        )
    )  # fmt: skip
    return ForeignWeights(
        settings={
            "network": found.architecture.name,
            "scale": found.scale,
            "tensors": tensors,
        },
        data=DataInfo({"source": reads, "target": paints}),
        state={f"generator.{name}": tensor for name, tensor in own.items()},
        notes=[
            f"{path.name}: {found.architecture.name}, read by spandrel; it paints, and does not learn here",
        ],
    )


def _described(state: Mapping[str, Tensor], where: str) -> Any:
    import spandrel

    try:
        found = spandrel.ModelLoader(device="cpu").load_from_state_dict(dict(state))
    except spandrel.UnsupportedModelError as error:
        raise CheckpointError(
            f"{where} holds no network that spandrel {spandrel.__version__} knows: {one_line(error, limit=160)}",
            hint="spandrel's README lists what it reads.",
        ) from None
    except Exception as error:  # it looks at names first, and fails at shapes in its own ways
        raise CheckpointError(f"spandrel cannot build the network of {where}: {one_line(error, limit=160)}") from None
    if not isinstance(found, spandrel.ImageModelDescriptor) or found.input_channels not in (1, 3):
        raise CheckpointError(
            f"{where} holds {found.architecture.name}, which reads more than one picture of 1 or 3 channels."
        )
    if found.output_channels not in (1, 3):
        raise CheckpointError(
            f"{where} holds {found.architecture.name}, which paints {found.output_channels} channels."
        )
    found.model.eval().requires_grad_(False)
    return found


def _packed(state: Mapping[str, Tensor]) -> str:
    shapes = [[name, str(value.dtype).removeprefix("torch."), *value.shape] for name, value in state.items()]
    return base64.b64encode(zlib.compress(json.dumps(shapes).encode(), 9)).decode()


def _blank(text: str) -> dict[str, Tensor]:
    """Zeros of the shapes that `_packed` wrote. Raises CheckpointError for what it did not write."""
    try:
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(base64.b64decode(text, validate=True), _MOST_BYTES)
        if unpacker.unconsumed_tail:
            raise ValueError("it is far too long")
        return {
            str(name): torch.zeros([int(side) for side in shape], dtype=getattr(torch, str(kind)))
            for name, kind, *shape in json.loads(content)
        }
    except (ValueError, TypeError, AttributeError, RuntimeError, zlib.error) as error:
        raise CheckpointError(f"`tensors` of this run is not what the importer wrote: {one_line(error)}") from None
