"""Pictures from what was trained: a run's graphs or ONNX files, by seed, on walks, with styles mixed, translated.

A graph is a function of arrays, whatever runs it; torch is met in `from_run` and nowhere else.
"""
