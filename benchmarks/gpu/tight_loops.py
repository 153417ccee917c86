"""The tightest loops: `tight_loops.py ort MODEL BATCH PROVIDER SECONDS`, `... torch NAME FORM SMALL SECONDS`.

ONNX Runtime with I/O binding and outputs that stay on the device; torch in inference mode, synchronised after each run.
Prints one JSON object.
"""

import json
import sys
import time

import numpy as np

WARM_SECONDS = 1.0


def timed(run, seconds):
    clock, samples = time.perf_counter_ns, []
    until = time.perf_counter() + min(WARM_SECONDS, seconds)
    while time.perf_counter() < until:
        run()
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(samples) < 5:
        began = clock()
        run()
        samples.append(clock() - began)
    return {"p50_ms": float(np.percentile(samples, 50) / 1e6), "samples": len(samples)}


def ort(model, batch, provider, seconds):
    import contextlib
    import io
    from pathlib import Path

    from ganzoo.runtime.file import OnnxFile
    from ganzoo.runtime.latency.inputs import InputRequest, make_feed, sweep_cases
    from ganzoo.runtime.ort import onnxruntime

    with contextlib.redirect_stdout(io.StringIO()):
        onnxruntime.preload_dlls()
    file = OnnxFile(Path(model))
    (shapes,) = sweep_cases(file, InputRequest(batches=(int(batch),)))
    feed = make_feed(file, shapes, {})
    cuda = ("CUDAExecutionProvider", {"device_id": "0", "use_tf32": "0"})
    tensorrt = ("TensorrtExecutionProvider", {"device_id": "0"})
    providers = {"cpu": ["CPUExecutionProvider"], "cuda": [cuda], "tensorrt": [tensorrt, cuda]}[provider]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    session = onnxruntime.InferenceSession(model, options, providers=providers, enable_fallback=0)
    if provider == "tensorrt" and "TensorrtExecutionProvider" not in session.get_providers():
        raise RuntimeError("the TensorRT provider was left out")
    device = "cpu" if provider == "cpu" else "cuda"
    binding = session.io_binding()
    for name, array in feed.items():
        binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(array, device, 0))
    for output, array in zip(session.get_outputs(), session.run(None, feed), strict=True):
        binding.bind_ortvalue_output(output.name, onnxruntime.OrtValue.ortvalue_from_numpy(array, device, 0))

    def run():
        session.run_with_iobinding(binding)
        if device != "cpu":
            binding.synchronize_outputs()

    return timed(run, float(seconds))


def torch_form(name, form, small, seconds):
    import torch
    from exporting import build

    small, device = small == "1", "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    _, architecture = build(name, small=small)
    graph = architecture.graphs()[0]
    memory = torch.channels_last if architecture.channels_last else torch.contiguous_format
    module = graph.module.to(device).to(memory_format=memory)
    if form in ("compiled", "CUDA graphs"):
        module = torch.compile(module, mode="reduce-overhead" if form == "CUDA graphs" else "default", dynamic=False)
    found = {}
    for batch in (1, 2) if small else (1, 8, 32):
        dims = {dim.name: dim.default or 64 for spec in graph.inputs for dim in spec.shape if hasattr(dim, "multiple")}
        inputs = [
            torch.from_numpy(spec.sample(list(range(batch)), {**dims, "batch": batch})).to(device)
            for spec in graph.inputs
        ]

        def run(inputs=inputs):
            with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled="bf16" in form):
                module(*inputs)
            if device == "cuda":
                torch.cuda.synchronize()

        for _ in range(3):
            run()
        found[f"batch_{batch}_ms"] = timed(run, float(seconds) / 2)["p50_ms"]
    return found


if __name__ == "__main__":
    how, *arguments = sys.argv[1:]
    print(json.dumps(ort(*arguments) if how == "ort" else torch_form(*arguments)))
