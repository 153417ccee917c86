"""An ONNX file without torch: opened, checked, described, run and measured."""
