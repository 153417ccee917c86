"""Whether pictures stay between the values of black and white, looked at where they are scored anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from ganzoo.architecture import Graph

_BEYOND = 0.05  # of the distance from black to white; a translator without a tanh goes over by rounding
_SHARE = 0.01  # of the pixels


class ValueRanges:
    """Warns, once for each graph, of pixels that are darker than black or lighter than white: a file clips them."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, float, float, float, float]] = {}
        self._told: set[str] = set()

    def watch(self, graph: Graph, images: Iterable[Tensor]) -> Iterator[Tensor]:
        """The same pictures, (B, C, H, W) each, looked at on the way."""
        spec, found = graph.outputs[0], []
        margin = _BEYOND * (spec.high - spec.low)
        for batch in images:
            if graph.name not in self._told:
                outside = ((batch < spec.low - margin) | (batch > spec.high + margin)).float().mean()
                found.append(torch.stack([*torch.aminmax(batch.float()), outside]))
            yield batch
        if found:
            low, high, outside = (column.cpu() for column in torch.stack(found).unbind(1))
            self._seen[graph.name] = (float(low.min()), float(high.max()), float(outside.mean()), spec.low, spec.high)

    def warn(self, say: Callable[[str], None]) -> None:
        """A line for each graph whose pictures were outside."""
        for name, (least, most, share, low, high) in self._seen.items():
            if name not in self._told and share > _SHARE:
                say(
                    f"warning: {name} paints values from {least:.3g} to {most:.3g}, {share:.0%} of them outside "
                    f"{low:g} (black) to {high:g} (white), which pictures clip; is a tanh missing, or low and high of "
                    "the output's TensorSpec?"
                )
            self._told.add(name)
        self._seen.clear()
