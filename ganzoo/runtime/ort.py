"""ONNX Runtime. It is imported here and nowhere else, so that its telemetry is off before: `ganzoo.quiet`."""

from ganzoo.quiet import switch_off_telemetry

switch_off_telemetry()

import onnxruntime  # noqa: E402  # after its switch

__all__ = ["onnxruntime"]
