"""What each score makes of real pictures that were spoiled: `benchmarks/sanity.py emoji-datasource-google-16.0.0.tgz`.

Noto emoji (Apache-2.0), 64x64 on white, nine classes, halved at random. One half is what is real; the other half,
spoiled in one way, stands for what a generator paints. In the features of EfficientNet-Lite0. `tables.py` makes the
table of docs/scores.md, and marks what moved as it should; ten minutes on two cores.

The archive: npm pack emoji-datasource-google@16.0.0
"""

from __future__ import annotations

import argparse
import io
import json
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from conftest import RESULTS, machine, machine_key
from PIL import Image, ImageFilter

import ganzoo as gz

METRICS = ("fid", "kid", "pr", "dc", "swd", "authenticity")
FEATURES = "efficientnet-lite0"
COUNTS = (100, 200, 400, 800)

Picture = Image.Image


def emoji(archive: Path) -> list[tuple[str, Picture]]:
    """Distinct base pictures with their class, in the order of their names; Component has five, and is left out."""
    found: dict[bytes, tuple[str, Picture]] = {}
    with tarfile.open(archive) as tar:
        listed = json.load(tar.extractfile("package/emoji.json"))  # type: ignore[arg-type]
        for record in sorted(listed, key=lambda one: one["image"]):
            if record["category"] == "Component":
                continue
            content = tar.extractfile(f"package/img/google/64/{record['image']}").read()  # type: ignore[union-attr]
            drawn = Image.open(io.BytesIO(content)).convert("RGBA")
            ground = Image.new("RGBA", drawn.size, "white")
            picture = Image.alpha_composite(ground, drawn).convert("RGB")
            found.setdefault(picture.tobytes(), (record["category"], picture))
    return list(found.values())


def jpeg(picture: Picture) -> Picture:
    content = io.BytesIO()
    picture.save(content, format="JPEG", quality=20)
    return Image.open(content).convert("RGB")


def noisy(picture: Picture, random: np.random.RandomState) -> Picture:
    values = np.asarray(picture) + 20 * random.randn(picture.height, picture.width, 3)
    return Image.fromarray(values.round().clip(0, 255).astype(np.uint8))


def spoiled(half: list[tuple[str, Picture]], other: list[tuple[str, Picture]]) -> dict[str, list[Picture]]:
    """What stands for painted, by what was done to it."""
    random = np.random.RandomState(0)
    plain = [picture for _, picture in half]
    each: dict[str, Callable[[Picture], Picture]] = {
        "blur": lambda one: one.filter(ImageFilter.GaussianBlur(1.5)),
        "noise": lambda one: noisy(one, random),
        "JPEG": jpeg,
    }
    names = sorted({name for name, _ in half})
    kept = [picture for name, picture in half if names.index(name) % 3 == 0]
    return {
        "the other half": plain,
        **{name: [spoil(one) for one in plain] for name, spoil in each.items()},
        "modes dropped": (kept * 9)[: len(plain)],  # three classes of nine, again and again
        "copies": [picture for _, picture in other][: len(plain)],
    }


def saved(pictures: list[Picture], folder: Path) -> Path:
    folder.mkdir()
    for index, picture in enumerate(pictures):
        picture.save(folder / f"{index:05}.png")
    return folder


class Quiet:
    def update(self, progress: object) -> None: ...

    def say(self, text: str) -> None: ...


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    pictures = emoji(parser.parse_args().archive)
    order = np.random.RandomState(1).permutation(len(pictures))
    halves = [[pictures[index] for index in sorted(part)] for part in np.array_split(order, 2)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        real = saved([picture for _, picture in halves[0]], folder / "real")
        shared = {"data": real, "features": FEATURES, "cache": folder / "cache", "progress": Quiet()}
        rows = {}
        for name, painted in spoiled(halves[1], halves[0]).items():
            place = saved(painted, folder / name.replace(" ", "-"))
            rows[name] = gz.evaluate(place, metrics=METRICS, **shared).to_json()["scores"]
            print(name, {key: round(one["value"], 4) for key, one in rows[name].items()}, flush=True)
        counts = {}
        for count in COUNTS:
            found = gz.evaluate(
                folder / "the-other-half", metrics=("fid", "kid"), count=count, real_count=count, **shared
            )
            counts[count] = found.to_json()["scores"]
            print(count, {key: round(one["value"], 4) for key, one in counts[count].items()}, flush=True)
    body = {"machine": machine(), "pictures": len(pictures), "rows": rows, "counts": counts}
    (RESULTS / f"sanity-{machine_key()}.json").write_text(json.dumps(body, indent=1) + "\n")


if __name__ == "__main__":
    main()
