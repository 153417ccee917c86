"""Exported files on the CUDA provider: errors in fp32 and fp16, placement, copies, CUDA graphs.

Every architecture with its `tiny` settings after some steps on the device, and three of real size.
"""

import tempfile
from pathlib import Path

import numpy as np
import surroundings
import torch

from ganzoo.architecture.build import build_architecture
from ganzoo.architecture.evaluation import evaluation_copy
from ganzoo.config.resolve import set_layer
from ganzoo.exporting.exporter import Origin, export_graphs
from ganzoo.exporting.proof import repeat_proof
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.settings import resolve_for
from ganzoo.runtime.file import OnnxFile
from ganzoo.runtime.providers.requirements import find_trouble
from ganzoo.runtime.providers.table import find_provider
from ganzoo.runtime.session import draw, open_checked
from ganzoo.tensors import BATCH, DataInfo, Dim
from ganzoo.testing import Subject
from ganzoo.training.ema import averaged_state

REAL = {"dcgan": ("paper", 64), "stylegan2": ("auto", 256), "cyclegan": ("paper", 256)}
GRAPHED_BATCH = 4
GRAPH_WITHIN = 1e-3
NEEDS = "the CUDA provider"


def main(report, *, small):
    trouble = find_trouble("cuda")
    provider = "cpu" if trouble else "cuda"
    if trouble:
        report.figure("provider", cuda=trouble.reason[:300])
        if not small:
            for claim in ("onnx fp32", "onnx fp16", "placement", "onnx cuda graphs"):
                report.claim(claim, False, trouble.reason, seen=False, needs=NEEDS)
            raise ModuleNotFoundError(f"the CUDA provider does not work here: {trouble.reason}")
    worst, placed, graphed = {"fp32": {}, "fp16": {}}, {}, {}
    device = torch.device(surroundings.device_name())
    with tempfile.TemporaryDirectory() as scratch:
        for label, architecture, origin in models(report, device, small):
            for precision in ("fp32", "fp16"):
                folder = Path(scratch, label, precision)
                files = report.attempt(
                    f"export of {label}, {precision}",
                    lambda a=architecture, o=origin, f=folder, p=precision: export_graphs(
                        a, o, destination=f, precision=p
                    ),
                )
                for file in files or ():
                    name = f"{label} {file.graph}"
                    proof = report.attempt(f"{name}, {precision}", repeat_proof, file.path, provider)
                    worst[precision][name] = proof
                    if precision == "fp32":
                        placed[name] = report.attempt(f"placement of {name}", placement, file.path, provider)
                        graphed[name] = report.attempt(f"CUDA graph of {name}", graph_error, file.path, provider)
            say(report, provider, worst, placed, graphed)  # after each: this may be where the time ends


def models(report, device, small):
    """(label, architecture in evaluation mode, origin)."""
    for offer in (one for one in Registry.load().architectures if one.spec.trains):
        subject = Subject(offer)
        engine = subject.engine(device)
        subject.train(engine, range(2))
        yield offer.spec.name, evaluation_copy(engine.architecture, averaged_state(engine.average)), Origin(offer=offer)
        if small and offer.spec.name == "dcgan":
            return
    for name, (_, size) in REAL.items():
        offer, built = build(name)
        yield f"{name}-{size}", built.to(device), Origin(offer=offer)


def build(name, *, small=False):
    """(offer, untrained architecture of real size in evaluation mode)."""
    offer = Registry.load().architecture(name)
    preset, size = ("tiny", 16) if small else REAL[name]
    config = resolve_for(offer, [set_layer([f"data.size={size}"])], preset=preset)
    data = DataInfo(channels=config.data.channels or 3, size=size)
    return offer, evaluation_copy(build_architecture(offer, config.architecture, data, seed=0), None)


def placement(path, provider):
    """(nodes elsewhere, shape nodes on the CPU, copies)."""
    opened = open_checked(path, provider)
    elsewhere = sum(count for name, count in opened.nodes.items() if name != find_provider(provider).ort_name)
    return elsewhere, len(opened.cpu_shape_nodes), opened.copies


def graph_error(path, provider):
    """How far the second replay of a CUDA graph, with other inputs, is from a session without; None without CUDA."""
    if provider != "cuda":
        return None
    from ganzoo.runtime.ort import onnxruntime

    file = OnnxFile(path)
    dims = {
        dim.name: dim.default or dim.smallest(32)
        for spec in file.input_specs
        for dim in spec.shape
        if isinstance(dim, Dim)
    }
    feeds = [
        draw(file.input_specs, range(first, first + GRAPHED_BATCH), {**dims, BATCH.name: GRAPHED_BATCH})
        for first in (0, 100)
    ]
    expected = open_checked(path, provider).session.run(None, feeds[1])
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    settings = {"device_id": "0", "use_tf32": "0", "enable_cuda_graph": "1"}
    session = onnxruntime.InferenceSession(
        str(path), options, providers=[("CUDAExecutionProvider", settings)], enable_fallback=0
    )
    binding = session.io_binding()
    given = {name: onnxruntime.OrtValue.ortvalue_from_numpy(array, "cuda", 0) for name, array in feeds[0].items()}
    for name, value in given.items():
        binding.bind_ortvalue_input(name, value)
    results = [onnxruntime.OrtValue.ortvalue_from_numpy(array, "cuda", 0) for array in expected]
    for output, value in zip(session.get_outputs(), results, strict=True):
        binding.bind_ortvalue_output(output.name, value)
    session.run_with_iobinding(binding)  # captures
    for name, value in given.items():
        value.update_inplace(feeds[1][name])
    session.run_with_iobinding(binding)
    binding.synchronize_outputs()
    return max(float(np.abs(a.astype(np.float64) - b.numpy()).max()) for a, b in zip(expected, results, strict=True))


def say(report, provider, worst, placed, graphed):
    here = {"seen": provider == "cuda", "needs": NEEDS}
    for precision, proofs in worst.items():
        errors = {name: proof.error if proof is not None else None for name, proof in proofs.items()}
        failed = [name for name, proof in proofs.items() if proof is None or not proof.holds]
        largest = max((name for name in errors if errors[name] is not None), key=errors.get, default=None)
        report.figure(f"largest error, {precision}", **errors)
        note = f"{len(errors)} graphs" + (f", largest error {errors[largest]:.1e} ({largest})" if largest else "")
        report.claim(f"onnx {precision}", not failed and bool(errors), note + _listed("over the bound", failed), **here)
    wrong = [name for name, found in placed.items() if found is None or any(found)]
    report.figure(
        "nodes elsewhere, shape nodes on the CPU, copies",
        **{name: list(found) if found else None for name, found in placed.items()},
    )
    report.claim("placement", not wrong, f"{len(placed)} graphs{_listed('not', wrong)}", **here)
    failed = [name for name, error in graphed.items() if error is None or not error < GRAPH_WITHIN]
    if provider == "cuda":
        report.figure("error of a replayed CUDA graph", **graphed)
    note = f"{len(graphed)} graphs{_listed('not', failed)}" if provider == "cuda" else ""
    report.claim("onnx cuda graphs", not failed, note, **here)


def _listed(what, names):
    return f"; {what}: {', '.join(names)}" if names else ""
