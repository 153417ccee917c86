"""Trains what docs/restoration.md shows, and measures it on pictures it has not seen: `restoration.py ARCHIVE`.

Noto emoji (Apache-2.0), 64x64 on white, distinct ones, a tenth held out. 4x on pixels alone; from that with a
discriminator and features of EfficientNet-Lite0; denoising, colouring and filling in. Each training has ten minutes on
two cores. PSNR of held-out pictures, RGB and luma, against bicubic or against what was given; sharpness is the mean
gradient as a share of that of the true pictures. Sheets go to docs/img.

The archive: npm pack emoji-datasource-google@16.0.0
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from conftest import RESULTS, machine, machine_key
from numpy.random import RandomState
from PIL import Image

import ganzoo as gz
from ganzoo.data.degradation.recipe import parse_recipe

IMAGES = Path(__file__).parents[1] / "docs/img"
SECONDS = 600
_LUMA = np.array([65.481, 128.553, 24.966])
TASKS = {
    "4x": ("quick", {"data.degrade": "down"}, None),
    "4x, sharper": ("sharp", {"data.degrade": "down"}, "4x"),
    "denoise": ("restore", {"data.degrade": "noise:10-50"}, None),
    "colour": ("repaint", {"data.degrade": "gray"}, None),
    "fill": ("repaint", {"data.degrade": "holes:0.1-0.3"}, None),
}
SHOWN = (3, 12, 21, 38, 55, 64)


def pictures(archive):
    """Distinct, on white, in the order of their hashes: (N, 64, 64, 3)."""
    found = {}
    with tarfile.open(archive) as tar:
        for item in tar:
            if item.name.startswith("package/img/google/64/") and item.name.endswith(".png"):
                drawn = Image.open(io.BytesIO(tar.extractfile(item).read())).convert("RGBA")
                picture = Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn).convert("RGB")
                found[hashlib.sha256(picture.tobytes()).hexdigest()] = np.asarray(picture)
    return np.stack([found[key] for key in sorted(found)])


def psnr(one, other, *, luma=False, crop=0):
    """The mean over pictures, in dB."""
    one, other = (side.astype(np.float64)[:, crop : 64 - crop, crop : 64 - crop] for side in (one, other))
    if luma:
        one, other = (side @ _LUMA / 255 for side in (one, other))
    errors = (one - other).reshape(len(one), -1) ** 2
    return float(np.mean(10 * np.log10(255**2 / np.maximum(errors.mean(1), 1e-3))))


def sharpness(images):
    return float(np.mean([np.abs(np.diff(images.astype(np.float64), axis=axis)).mean() for axis in (1, 2)]))


def sheet(path, rows):
    """Pictures along, one row for each of what is given, painted and true; twice as large."""
    whole = np.concatenate([np.concatenate(list(row[list(SHOWN)]), 1) for row in rows])
    Image.fromarray(whole).resize((2 * whole.shape[1], 2 * whole.shape[0]), Image.Resampling.NEAREST).save(path)


def main(archive, seconds, only):
    every = pictures(archive)
    held, learnt = every[: len(every) // 10], every[len(every) // 10 :]
    place = RESULTS / f"restoration-{machine_key()}.json"
    result = json.loads(place.read_text()) if place.exists() else {"tasks": {}}
    result |= {"machine": machine(), "learnt": len(learnt), "held_out": len(held), "seconds": seconds}
    runs, rows = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "train")
        data.mkdir()
        for number, picture in enumerate(learnt):
            Image.fromarray(picture).save(data / f"{number:05}.png")
        for name, (preset, settings, begins) in TASKS.items():
            if only and name not in only:
                continue
            began = time.monotonic()
            runs[name] = run = gz.train(
                "real-esrgan", data=data, out=Path(folder, name.replace(" ", "-")), preset=preset,
                init_from=runs.get(begins), max_seconds=seconds, settings=settings,
            )  # fmt: skip
            recipe = parse_recipe(settings["data.degrade"], run.config.architecture.scale)
            given = np.stack([
                recipe.partner(torch.from_numpy(picture).permute(2, 0, 1), RandomState(number)).permute(1, 2, 0).numpy()
                for number, picture in enumerate(held)
            ])  # fmt: skip
            before = np.stack([np.asarray(Image.fromarray(one).resize((64, 64), Image.Resampling.BICUBIC))
                               for one in given])  # fmt: skip
            painted = gz.load(run, checkpoint="last").translate(given).pixels
            crop = 4 if recipe.scale == 4 else 0
            result["tasks"][name] = {
                "preset": preset, "settings": settings, "seconds": time.monotonic() - began,
                "kimg": run.steps * run.config.train.batch_size / 1000,
                "before": {"rgb": psnr(before, held, crop=crop), "y": psnr(before, held, crop=crop, luma=True),
                           "sharpness": sharpness(before) / sharpness(held)},
                "after": {"rgb": psnr(painted, held, crop=crop), "y": psnr(painted, held, crop=crop, luma=True),
                          "sharpness": sharpness(painted) / sharpness(held)},
            }  # fmt: skip
            rows[name] = painted
            print(name, json.dumps(result["tasks"][name]), flush=True)
            if name == "4x, sharper":
                sheet(IMAGES / "restoration-4x.png", [before, rows["4x"], painted, held])
            elif name != "4x":
                sheet(IMAGES / f"restoration-{name}.png", [given, painted, held])
            place.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("archive", type=Path)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--only", nargs="*")
    stated = parser.parse_args()
    main(stated.archive, stated.seconds, stated.only)
