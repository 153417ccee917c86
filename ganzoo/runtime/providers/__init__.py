"""ONNX Runtime's execution providers: what each needs, how it fails, what its failures mean."""
