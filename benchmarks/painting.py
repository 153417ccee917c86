"""Painting many: `python benchmarks/painting.py [--count 50000]`. Twelve minutes on two cores.

- a file a seed: the largest resident memory of the process at 5,000 files and at `--count`, through ONNX Runtime and
  through torch. A DCGAN of the digits at 32 pixels; files are PNG.
- a film of 20 seconds of 512 pixels at 30 frames a second from an ONNX file, in a process that has no torch.
- frames a second of each kind of film at 1,024 pixels: encoding alone, of 120 frames (24 of WebP) that move over a
  smooth ground with grain.
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

import numpy as np
from conftest import RESULTS, machine, machine_key

import ganzoo as gz

FEW = 5000
_EACH = """
import json, sys, threading, time, resource
import ganzoo as gz
class Quiet:
    def update(self, progress): pass
    def say(self, text): pass
began = time.monotonic()
model = gz.load(sys.argv[1])
marks = {}
class Marks(Quiet):
    def update(self, progress):
        rss = int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
        marks.setdefault("first", rss) if progress.done >= int(sys.argv[4]) else None
        marks["most"] = max(marks.get("most", 0), rss)
model.save_each(sys.argv[2], range(int(sys.argv[3])), progress=Marks())
print(json.dumps({**marks, "seconds": time.monotonic() - began, "torch": "torch" in sys.modules}))
"""
_FILM = """
import sys; sys.modules["torch"] = None
import json, time, resource
import ganzoo as gz
class Quiet:
    def update(self, progress): pass
    def say(self, text): pass
began = time.monotonic()
count = gz.load(sys.argv[1]).save_walk(sys.argv[2], range(10), frames=60, fps=30, progress=Quiet())
most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"frames": count, "seconds": time.monotonic() - began, "bytes_of_memory": most}))
"""


def in_process(code: str, *arguments: object) -> dict[str, object]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def moving(count: int, side: int = 1024) -> list[np.ndarray]:
    """Frames of a smooth ground with grain that moves by some pixels a frame."""
    from PIL import Image

    random = np.random.RandomState(0)
    wide = side + 3 * count
    ground = Image.fromarray(random.randint(0, 255, (24, 24, 3), dtype=np.uint8)).resize(
        (wide, wide), Image.Resampling.BICUBIC
    )
    grain = random.randint(-6, 7, (wide, wide, 1))
    whole = np.clip(np.asarray(ground).astype(np.int16) + grain, 0, 255).astype(np.uint8)
    return [np.ascontiguousarray(whole[2 * n : 2 * n + side, 3 * n : 3 * n + side]) for n in range(count)]


def encoding(folder: Path, repeats: int) -> list[dict[str, object]]:
    from ganzoo.sampling.video import write_film

    frames, rows = moving(120), []
    for name, codec, count in (("mp4", "av1", 120), ("webm", "vp9", 120), ("mp4", "x264", 120), ("webp", None, 24)):
        speeds = []
        for _ in range(repeats):
            began = time.monotonic()
            write_film(folder / f"x.{name}", frames[:count], count=count, fps=60, codec=codec)
            speeds.append(count / (time.monotonic() - began))
        size = (folder / f"x.{name}").stat().st_size
        rows.append({"kind": name, "codec": codec, "frames_per_second": statistics.median(speeds), "speeds": speeds,
                     "bytes_a_frame": size / count})  # fmt: skip
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", choices=["each", "film", "encoding"], action="append")
    stated = parser.parse_args()
    parts = stated.only or ["each", "film", "encoding"]
    place = RESULTS / f"painting-{machine_key()}.json"
    body = json.loads(place.read_text()) if place.exists() else {}
    body["machine"] = machine()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "each" in parts:
            run = gz.train("dcgan", preset="digits", out=folder / "run", steps=100)
            model = gz.export(run)[0].path
            body["each"] = {"count": stated.count, "marked_at": FEW}
            for way, source in (("onnx", model), ("run", run.path)):
                found = in_process(_EACH, source, folder / way, stated.count, FEW)
                body["each"][way] = {**found, "growth": found["most"] / found["first"] - 1}
                print(way, body["each"][way], flush=True)
        if "film" in parts:
            settings = {"maps_base": 2048, "maps_most": 32, "latent_size": 64, "style_size": 64, "mapping_layers": 2,
                        "data.size": 512, "data.channels": 3}  # fmt: skip
            from ganzoo.api.export import export_untrained

            halves = export_untrained("stylegan2", out=folder / "large", settings=settings)
            whole = next(item.path for item in halves if item.graph == "generator")
            body["film"] = in_process(_FILM, whole, folder / "walk.mp4")
            body["film"]["megabytes"] = (folder / "walk.mp4").stat().st_size / 1e6
            print(body["film"], flush=True)
        if "encoding" in parts:
            body["encoding"] = encoding(folder, stated.repeats)
    place.write_text(json.dumps(body, indent=1) + "\n")


if __name__ == "__main__":
    main()
