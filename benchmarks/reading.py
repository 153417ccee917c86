"""How fast pictures are read, beside torchvision's ImageFolder and a DataLoader: `python benchmarks/reading.py`.

Two folders of JPEG files are made: small ones of 64 pixels that stay so, and ones of 1,024 pixels that become 256.
Each is read by both sides in processes of their own, in turn: ImageFolder (Resize, CenterCrop, PILToTensor) with two
workers, and ganzoo's first reading (into memory) and endless one (memory_gb=0, random batches of 64, as a training
asks for them). A figure is the median ratio of the turns. Wants torchvision, which ganzoo does not.
"""

import argparse
import datetime
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from conftest import RESULTS, machine, machine_key
from PIL import Image

BATCH = 64
FOLDERS = {"64": (64, 64, 20_000), "1024": (1024, 256, 600)}
"""By name: pixels of the files, pixels they become, how many."""

_MEASURE = """
import json, resource, sys, time
import numpy as np
path, size, how = sys.argv[1], int(sys.argv[2]), sys.argv[3]
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
if how == "imagefolder":
    import torch
    from torchvision import transforms as T
    from torchvision.datasets import ImageFolder
    torch.set_num_threads(1)
    whole = ImageFolder(path, T.Compose([T.Resize(size), T.CenterCrop(size), T.PILToTensor()]))
    began = time.perf_counter()
    for images, _ in torch.utils.data.DataLoader(whole, batch_size=64, num_workers=2, shuffle=True): pass
    count = len(whole)
else:
    import torch
    from ganzoo.config import DataConfig
    from ganzoo.data.folder import open_folder
    way, decode = how.split("-")
    options = DataConfig(size=size, decode=decode, memory_gb=4.0 if way == "first" else 0.0)
    began = time.perf_counter()
    source = open_folder(path, options, notify=lambda line: None)
    count = source.lengths[0]
    if way == "endless":
        random, began = np.random.RandomState(0), time.perf_counter()
        for _ in range(-(-count // 64)): source.fetch([random.randint(count, size=64)])
        count = -(-count // 64) * 64
print(json.dumps([count / (time.perf_counter() - began), peak()]))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--small", action="store_true", help="a tenth of the pictures, to see that it runs")
    arguments = parser.parse_args()
    figures = {}
    with tempfile.TemporaryDirectory() as place:
        for name, (pixels, size, whole) in FOLDERS.items():
            count = whole // 10 if arguments.small else whole
            folder = Path(place, name)
            make(folder / "all", pixels, count)
            hows = ["first-exact", "endless-exact", "first-fast", "endless-fast"]
            speeds = {how: [] for how in ["imagefolder", *hows]}
            for _ in range(arguments.turns):
                for how, found in speeds.items():
                    found.append(measure(folder, size, how)[0])
            for how in hows:
                ratios = sorted(ours / theirs for ours, theirs in zip(speeds[how], speeds["imagefolder"], strict=True))
                figures[f"{name} to {size}, {how.replace('-', ', ')}"] = {
                    "pictures": count,
                    "ours_per_second": round(statistics.median(speeds[how])),
                    "imagefolder_per_second": round(statistics.median(speeds["imagefolder"])),
                    "ratio": round(statistics.median(ratios), 2),
                    "least": round(ratios[0], 2),
                    "most": round(ratios[-1], 2),
                }
                print(f"{name} {how}: {list(figures.values())[-1]}", flush=True)
        figures["fast against exact"] = difference(Path(place, "1024"))
        figures["memory of endless reading"] = memory(Path(place), 10_000 if arguments.small else 100_000)
        print(figures["fast against exact"], figures["memory of endless reading"])
    if not arguments.small:
        body = {"date": datetime.date.today().isoformat(), "machine": machine(), "figures": figures}
        (RESULTS / f"reading-{machine_key()}.json").write_text(json.dumps(body, indent=1) + "\n")


def measure(folder, size, how):
    command = [sys.executable, "-c", _MEASURE, str(folder), str(size), how]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def make(folder, pixels, count):
    """Smooth colours with some noise, cut from a few large pictures, as JPEG of quality 90."""
    folder.mkdir(parents=True)
    random, side = np.random.RandomState(0), max(1024, 2 * pixels)
    wholes = []
    for _ in range(4):
        coarse = random.randint(256, size=(side // 16, side // 16, 3)).astype(np.uint8)
        smooth = np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)).astype(np.float32)
        wholes.append(Image.fromarray((smooth + random.normal(0, 6, smooth.shape)).clip(0, 255).astype(np.uint8)))
    for number in range(count):
        left, top = random.randint(side - pixels + 1, size=2).tolist()
        wholes[number % 4].crop((left, top, left + pixels, top + pixels)).save(folder / f"{number:06}.jpg", quality=90)


def difference(folder):
    """Levels by which decoding to a smaller scale changes pixels."""
    from ganzoo.config import DataConfig
    from ganzoo.data.folder import open_folder

    exact, fast = (
        open_folder(str(folder), DataConfig(size=256, decode=decode), notify=lambda line: None)
        for decode in ("exact", "fast")
    )
    rows = np.arange(min(100, exact.lengths[0]))
    apart = (exact.fetch([rows]).real.short() - fast.fetch([rows]).real.short()).abs()
    return {"largest_levels": int(apart.max()), "mean_levels": round(float(apart.float().mean()), 2)}


def memory(place, most):
    """Peak memory of endless reading of few files and of many, which are links to few."""
    make(place / "few" / "all", 64, 1000)
    many = place / "many" / "all"
    many.mkdir(parents=True)
    for number in range(most):
        (many / f"{number:06}.jpg").hardlink_to(place / "few" / "all" / f"{number % 1000:06}.jpg")
    few, more = (measure(place / name, 64, "endless-exact")[1] for name in ("few", "many"))
    return {"files": [1000, most], "peak_mb": [round(few), round(more)]}


if __name__ == "__main__":
    main()
