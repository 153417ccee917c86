"""Calls that a provider captures once and replays: addresses are fixed, so that what is fed is copied into its place.

A run with arrays of the caller's would be replayed on the addresses of the first, and give what the first gave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ganzoo.runtime.latency.scenarios import Run

Feed = Mapping[str, "NDArray[Any]"]
_GRAPH_ID = "gpu_graph_id"  # a graph of its own for each set of addresses (onnxruntime_run_options_config_keys.h)


class Replay:
    """Inputs and outputs of one captured graph, in the memory of a device.

    outputs: of a session that captures nothing, for their shapes. number: of the graph, one for each set of addresses.
    """

    def __init__(
        self, session: Any, feed: Feed, outputs: Sequence[NDArray[Any]], memory: str, device: int, number: int = 0
    ) -> None:
        from ganzoo.runtime.ort import onnxruntime

        self._session, self._binding = session, session.io_binding()
        self._options = onnxruntime.RunOptions()
        self._options.add_run_config_entry(_GRAPH_ID, str(number))
        place = onnxruntime.OrtValue.ortvalue_from_numpy
        self._inputs = {name: place(array, memory, device) for name, array in feed.items()}
        self._outputs = [place(np.zeros_like(array), memory, device) for array in outputs]
        for name, value in self._inputs.items():
            self._binding.bind_ortvalue_input(name, value)
        for output, value in zip(session.get_outputs(), self._outputs, strict=True):
            self._binding.bind_ortvalue_output(output.name, value)

    def run(self) -> None:
        """On the device alone; the first call captures."""
        self._session.run_with_iobinding(self._binding, self._options)
        self._binding.synchronize_outputs()

    def run_with(self, feed: Feed) -> list[NDArray[Any]]:
        """From host arrays to host arrays."""
        for name, value in self._inputs.items():
            value.update_inplace(feed[name])
        self.run()
        return self.outputs()

    def outputs(self) -> list[NDArray[Any]]:
        """What is in their places now."""
        return [value.numpy() for value in self._outputs]

    def host_loop(self, feed: Feed) -> Run:
        """The same as a call to time."""
        return lambda: self.run_with(feed)


def is_replayed(session: Any, feed: Feed, outputs: Sequence[NDArray[Any]], memory: str, device: int) -> bool:
    """Whether a second call is a replay of the first: one that is bound to other places then leaves them as they were.

    An output that is zero throughout says nothing, and counts as replayed only where another one says so.
    """
    first = Replay(session, feed, outputs, memory, device)
    first.run()
    first.run()
    elsewhere = Replay(session, feed, outputs, memory, device)
    elsewhere.run()
    untouched = [not array.any() for array in elsewhere.outputs()]
    telling = [bool(np.any(array)) for array in outputs]
    return any(telling) and all(quiet for quiet, tells in zip(untouched, telling, strict=True) if tells)
