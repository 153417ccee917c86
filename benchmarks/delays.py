"""What `ganzoo compare` says of delays that are known: `python benchmarks/delays.py [--sweeps 3]`.

A chain of 100 equal layers, the same file again under another name, and chains of 101, 103, 105 and 110 layers: with
nothing else in them the time is that of the layers. Each sweep measures the six with default repeats, interleaved, and
holds five against the first.
"""

import argparse
import json
import platform
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

import ganzoo as gz
from ganzoo.runtime.latency import machine

LAYERS, WIDTH, BATCH = 100, 192, 16
DELAYS = (0, 1, 3, 5, 10)


def chain(path, layers):
    random = np.random.default_rng(0)
    weight = (random.standard_normal((WIDTH, WIDTH)) / WIDTH**0.5).astype(np.float32)
    nodes = []
    for number in range(layers):
        nodes.append(helper.make_node("MatMul", ["x" if number == 0 else f"t{number}", "w"], [f"m{number}"]))
        nodes.append(helper.make_node("Tanh", [f"m{number}"], ["y" if number == layers - 1 else f"t{number + 1}"]))
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", WIDTH])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", WIDTH])],
        [onnx.numpy_helper.from_array(weight, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def sweep(folder, seed):
    paths = [folder / "first.onnx", *(folder / f"{delay:02}-percent.onnx" for delay in DELAYS)]
    result = gz.bench(paths, dims={"batch": BATCH}, threads=1, max_seconds=200, within=0.01, seed=seed)
    compared = gz.compare(result, across="model")
    found = []
    for one in compared.pairs:
        delay = int(one.pair.second.case["model"]["file"].partition("-")[0])
        right = {"faster": False, "slower": delay > 0, "same": delay <= 2, "undecided": True}[one.verdict]
        found.append(
            {
                "delay": delay,
                "ratio": one.ratio.value,
                "low": one.ratio.low,
                "high": one.ratio.high,
                "verdict": one.verdict,
                "right": right,
            }
        )
    spreads = [
        float(np.std(np.log([process["series"]["host_to_host"]["median_ms"] for process in case["processes"]]), ddof=1))
        for case in result.cases
    ]
    return {"pairs": found, "spread": float(np.median(spreads)), "seconds": result.document["protocol"]["seconds"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sweeps", type=int, default=3)
    sweeps = parser.parse_args().sweeps
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        chain(folder / "first.onnx", LAYERS)
        for delay in DELAYS:
            chain(folder / f"{delay:02}-percent.onnx", LAYERS + delay)
        found = []
        for number in range(sweeps):
            found.append(sweep(folder, number))
            print(json.dumps(found[-1]), flush=True)
            print(written(found))


def written(sweeps):
    facts = {key: machine.record()[key] for key in ("cpu", "usable_cpus", "onnxruntime")}
    out = Path(__file__).parent / "results" / f"delays-{platform.machine()}-{facts['usable_cpus']}cpu.json"
    out.write_text(json.dumps({"layers": LAYERS, "machine": facts, "sweeps": sweeps}, indent=1) + "\n")
    return out


if __name__ == "__main__":
    main()
