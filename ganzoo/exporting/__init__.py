"""From a graph to an ONNX file that is proved to paint the same pictures."""
