"""What training costs: `python benchmarks/seconds_per_kimg.py stylegan2 --size 256 [--preset auto] [--batch-size N]`.

Seconds for a thousand real pictures, the unit in which the StyleGAN repositories publish theirs (12.5 for StyleGAN2 at
256x256 on an A100, with their CUDA operators). Whole steps of the engine on one device with pictures in its memory,
lazy phases in their turns; fp32, bf16, and bf16 compiled. Keeps the figures in results/.
"""

import argparse
import datetime
import json
import math
import statistics
import time

import torch
from conftest import RESULTS, machine, machine_key

from ganzoo.architecture import Batch
from ganzoo.architecture.build import build_architecture
from ganzoo.config.resolve import set_layer
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.settings import resolve_for
from ganzoo.tensors import DataInfo
from ganzoo.training.engine import Engine

FORMS = {"fp32": (False, "off"), "bf16": (True, "off"), "bf16, compiled": (True, "on")}
BLOCKS = 3


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("architecture")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--preset", default="auto")
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--set", dest="assignments", action="append", default=[])
    parser.add_argument("--forms", nargs="*", default=list(FORMS), choices=list(FORMS))
    arguments = parser.parse_args()
    offer = Registry.load().architecture(arguments.architecture)
    stated = [f"data.size={arguments.size}", *arguments.assignments]
    stated += [f"train.batch_size={arguments.batch_size}"] if arguments.batch_size else []
    config = resolve_for(offer, [set_layer(stated)], preset=arguments.preset)
    data = DataInfo(channels=config.data.channels or 3, size=arguments.size, classes=0)
    path = RESULTS / f"seconds_per_kimg-{machine_key()}.json"
    figures = json.loads(path.read_text())["figures"] if path.exists() else {}
    for form in arguments.forms:
        name = f"{arguments.architecture} {arguments.size}, {arguments.preset}, {form}"
        figures[name] = measure(offer, config, data, *FORMS[form])
        print(f"{name}: {figures[name]}", flush=True)
        body = {"date": datetime.date.today().isoformat(), "machine": machine(), "figures": figures}
        path.write_text(json.dumps(body, indent=1) + "\n")


def measure(offer, config, data, bf16, compiled):
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    batch = config.train.batch_size
    architecture = build_architecture(offer, config.architecture, data, seed=0)
    engine = Engine(architecture, seed=0, batch_size=batch, device=device, bf16=bf16, compile=compiled)
    real = torch.randint(256, (batch, data.channels, data.size, data.size), dtype=torch.uint8).to(device)
    steps = math.lcm(*(phase.every for phase in engine.phases))
    began, number, seconds = time.perf_counter(), 0, []
    for block in range(1 + BLOCKS):  # the first compiles and tunes
        start = time.perf_counter()
        for number in range(block * steps, (block + 1) * steps):
            engine.step(number, engine.prepare(Batch(real=real)))
        engine.means()  # waits for the device
        seconds.append(time.perf_counter() - start)
    return {
        "seconds_per_kimg": round(statistics.median(seconds[1:]) / (steps * batch) * 1000, 3),
        "batch_size": batch,
        "steps_in_a_block": steps,
        "first_block_seconds": round(seconds[0], 1),
        "seconds": round(time.perf_counter() - began, 1),
        "peak_memory_gb": round(torch.cuda.max_memory_allocated() / 1e9, 2) if device.type == "cuda" else None,
    }


if __name__ == "__main__":
    main()
