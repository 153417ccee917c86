"""Measuring ONNX Runtime. Nothing here imports torch, so it works where torch is not installed."""
