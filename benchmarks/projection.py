"""Projection into a trained StyleGAN2 of digits: `python benchmarks/projection.py RUN [--count 50]`.

RUN: of `ganzoo train stylegan2 --preset digits --out RUN`, ten minutes on two cores. Measured is

- whether painted pictures of known latents are found again: 8-bit pictures of seeds that are no candidates of the
  search; the distance in W of what is found, as a share of the mean distance of two random latents;
- whether held-out digits, which no training saw, come nearer than their nearest neighbour among 10,000 samples: root of
  the mean squared difference of pixels, of 1 from black to white.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
from conftest import RESULTS, machine, machine_key

import ganzoo as gz
from ganzoo.data.digits import enlarge, load_digits
from ganzoo.sampling.noise import InputChoices
from ganzoo.sampling.stations import stations_of

FIRST = 1_000_000  # beyond every seed that the search or the neighbours are of
NEIGHBOURS = 10_000
AT_ONCE = 500


class Quiet:
    def update(self, progress: object) -> None: ...

    def say(self, text: str) -> None: ...


def found_again(run: Path, count: int) -> dict[str, object]:
    model = gz.load(run)
    seeds = range(FIRST, FIRST + count)
    began = time.monotonic()
    found = gz.project(run, [np.asarray(picture) for picture in model.sample(seeds)], progress=Quiet())
    seconds = time.monotonic() - began
    true = stations_of(model.source, seeds, InputChoices()).rows[:, 0]  # (N, S)
    pairs = stations_of(model.source, range(2000), InputChoices()).rows[:, 0]
    apart = float(np.linalg.norm(pairs[:1000] - pairs[1000:], axis=1).mean())
    shares = sorted(float(far) for far in np.linalg.norm(found.latents.rows - true, axis=1) / apart)
    return {
        "count": count,
        "distance_of_two_random": apart,
        "shares": shares,
        "within_a_tenth": sum(share <= 0.1 for share in shares) / count,
        "median_share": statistics.median(shares),
        "seconds_a_picture": seconds / count,
    }


def held_out(run: Path, count: int) -> dict[str, object]:
    model = gz.load(run)
    height, width = model.sample([0]).shape[1:3]
    _, others = load_digits()
    pictures = enlarge(others.images[:count], (height, width))  # (N, H, W)
    nearest = np.full(count, np.inf)
    for start in range(0, NEIGHBOURS, AT_ONCE):
        painted = np.asarray(model.sample(range(start, start + AT_ONCE)))[..., 0] / 255.0
        for number, picture in enumerate(pictures):
            apart = np.sqrt(((painted - picture / 255.0) ** 2).mean((1, 2))).min()
            nearest[number] = min(nearest[number], float(apart))
    answers = {}
    for space in ("w", "w+"):
        found = gz.project(run, list(pictures), space=space, progress=Quiet())
        again = np.asarray(found.pictures)[..., 0] / 255.0
        far = np.sqrt(((again - pictures / 255.0) ** 2).mean((1, 2)))
        answers[space] = {
            "median": float(np.median(far)),
            "nearer_than_nearest_of_10000": float((far < nearest).mean()),
            "median_ratio": float(np.median(far / nearest)),
        }
    return {"count": count, "nearest_of_10000": float(np.median(nearest)), **answers}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--count", type=int, default=50)
    stated = parser.parse_args()
    trained = gz.open_run(stated.run)
    body = {
        "machine": machine(),
        "architecture": trained.architecture,
        "step": trained.steps,
        "found_again": found_again(stated.run, stated.count),
        "held_out": held_out(stated.run, stated.count),
    }
    print(json.dumps({key: body[key] for key in ("found_again", "held_out")}, indent=1))
    (RESULTS / f"projection-{machine_key()}.json").write_text(json.dumps(body, indent=1) + "\n")


if __name__ == "__main__":
    main()
