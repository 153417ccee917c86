"""ONNX Runtime. It is imported here and nowhere else, so that its telemetry is off before: `ganzoo.quiet`."""

from ganzoo.errors import missing_package
from ganzoo.quiet import switch_off_telemetry

switch_off_telemetry()

try:
    import onnxruntime
except ModuleNotFoundError as error:
    raise missing_package(error) or error from None

__all__ = ["onnxruntime"]
