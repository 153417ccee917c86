"""Published restoration networks in ONNX Runtime against torch's eager mode and ncnn: `python restoration_speed.py`.

Batch 1 on the CPU, random weights, files as `ganzoo export` writes them. Each measurement is a process of its own, as
spinning threads of one backend slow the other; the two take turns. Of torch the faster of its two memory formats.
ncnn is measured where `--ncnn` names a virtual environment with the packages ncnn and pnnx, which converts the file;
in float32, and once held against what ONNX Runtime paints. `tables.py` makes the table of docs/restoration.md. Twenty
minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from conftest import RESULTS, machine, machine_key

NETWORKS = {
    "RRDBNet x4, 23 blocks": {"blocks": 23},
    "RRDBNet x4, 6 blocks": {"blocks": 6},
    "compact x4, 16 convolutions": {"generator": "compact", "convolutions": 16},
    "compact x4, 32 convolutions": {"generator": "compact", "convolutions": 32},
}
SIZES = ((64, 64), (256, 256), (480, 720))
LONG = 10.0  # seconds
FORMATS = ("contiguous", "channels_last")


def settings(name):
    return {**NETWORKS[name], "adversarial_weight": 0.0, "data.size": 256}


def samples(paint, seconds):
    """The median in milliseconds of the runs after the first, which allocates; or the first, where that takes long."""
    began = time.perf_counter()
    paint()
    if (first := time.perf_counter() - began) > LONG:
        return 1000 * first
    found, deadline = [], time.perf_counter() + seconds
    while time.perf_counter() < deadline or len(found) < 2:
        began = time.perf_counter()
        paint()
        found.append(1000 * (time.perf_counter() - began))
    return statistics.median(found)


def in_torch(name, height, width, form, seconds):
    import torch

    import ganzoo as gz

    layout = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}[form]
    network = gz.build("real-esrgan", settings=settings(name)).generator.eval().to(memory_format=layout)
    picture = torch.rand(1, 3, height, width).to(memory_format=layout)
    with torch.inference_mode():
        return samples(lambda: network(picture), seconds)


def in_onnxruntime(path, height, width, seconds):
    import numpy as np

    import ganzoo as gz

    graph = gz.load(path).graphs[0]
    picture = np.random.RandomState(0).rand(1, 3, height, width).astype(np.float32)
    return samples(lambda: graph.run([picture]), seconds)


def converted(environment, path):
    """The two files of ncnn that pnnx makes of an ONNX file."""
    (pnnx,) = Path(environment).glob("lib/python*/site-packages/pnnx/pnnx")
    sizes = ["inputshape=[1,3,64,64]f32", "inputshape2=[1,3,96,80]f32"]
    subprocess.run([pnnx, path, *sizes], check=True, capture_output=True, cwd=Path(path).parent)
    return [str(Path(path).with_suffix(f".ncnn.{kind}")) for kind in ("param", "bin")]


NCNN = """
import sys, time, statistics, numpy, ncnn
param, weights, height, width, seconds, out = sys.argv[1:]
net = ncnn.Net()
for half in ("use_fp16_storage", "use_fp16_arithmetic", "use_fp16_packed", "use_bf16_storage"):
    setattr(net.opt, half, False)
net.load_param(param), net.load_model(weights)
picture = numpy.random.RandomState(0).rand(3, int(height), int(width)).astype(numpy.float32)

def paint():
    extractor = net.create_extractor()
    extractor.input("in0", ncnn.Mat(picture))
    return numpy.array(extractor.extract("out0")[1])

began = time.perf_counter()
numpy.save(out, paint())
if (first := time.perf_counter() - began) > 10:
    print(1000 * first)
    sys.exit()
found, deadline = [], time.perf_counter() + float(seconds)
while time.perf_counter() < deadline or len(found) < 2:
    began = time.perf_counter()
    paint()
    found.append(1000 * (time.perf_counter() - began))
print(statistics.median(found))
"""


def in_ncnn(environment, files, height, width, seconds, out):
    """In the environment's own Python."""
    command = [Path(environment, "bin/python"), "-c", NCNN, *files, str(height), str(width), str(seconds), str(out)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def check(path, out, height, width):
    """Whether both paint the same."""
    import numpy as np

    import ganzoo as gz

    picture = np.random.RandomState(0).rand(3, height, width).astype(np.float32)
    apart = np.abs(gz.load(path).graphs[0].run([picture[None]])[0][0] - np.load(out)).max()
    assert apart < 1e-3, apart


def apart(*arguments):
    done = subprocess.run(
        [sys.executable, __file__, "--one", json.dumps(arguments)], check=True, capture_output=True, text=True
    )
    return float(done.stdout.split()[-1])


def main(repeats, seconds, ncnn):
    from ganzoo.api.export import export_untrained

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(NETWORKS):
            path = str(Path(folder, f"{number}.onnx"))
            export_untrained("real-esrgan", out=path, settings=settings(name))
            files, out = (converted(ncnn, path) if ncnn else []), Path(folder, "out.npy")
            for height, width in SIZES:
                times = {"torch": [], "onnxruntime": [], **({"ncnn": []} if ncnn else {})}
                for _ in range(repeats):
                    times["onnxruntime"].append(apart("onnxruntime", path, height, width, seconds))
                    times["torch"].append(min(apart("torch", name, height, width, form, seconds) for form in FORMATS))
                    if ncnn:
                        times["ncnn"].append(in_ncnn(ncnn, files, height, width, seconds, out))
                if ncnn and height == 64:
                    check(path, out, height, width)
                ratios = [a / b for a, b in zip(times["torch"], times["onnxruntime"], strict=True)]
                row = {
                    "network": name, "height": height, "width": width,
                    **{f"{backend}_ms": statistics.median(found) for backend, found in times.items()},
                    "ratio": statistics.median(ratios), "ratios": ratios,
                }  # fmt: skip
                rows.append(row)
                print(json.dumps(row), flush=True)
    result = {"machine": machine(), "repeats": repeats, "rows": rows}
    (RESULTS / f"restoration_speed-{machine_key()}.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--one")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--ncnn", metavar="ENVIRONMENT")
    stated = parser.parse_args()
    if stated.one:
        kind, *rest = json.loads(stated.one)
        print((in_torch if kind == "torch" else in_onnxruntime)(*rest))
    else:
        main(stated.repeats, stated.seconds, stated.ncnn)
