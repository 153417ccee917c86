"""Scores of what each architecture makes of the digits: `benchmarks/scores.py [--only digits|little] [--keep DIR]`.

    digits   every noise-to-image architecture by its preset `digits`, to the preset's own length, best checkpoint
    little   DCGAN and StyleGAN2 on 200 digits, three trainings each, last checkpoint, against all digits

In the features of EfficientNet-Lite0, 1,500 painted against 1,500 real, three times with other seeds. Lengths are in
kimg, so that a busy machine changes nothing. `tables.py` makes docs/scores.md. An hour on two cores.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from conftest import RESULTS, machine, machine_key

import ganzoo as gz

METRICS = ("fid", "kid", "pr", "dc", "authenticity")
FEATURES = "efficientnet-lite0"
LITTLE = 200
TRAININGS = (0, 1, 2)
LITTLE_KIMG = {"dcgan": 400.0, "stylegan2": 120.0}


class Quiet:
    def update(self, progress: object) -> None: ...

    def say(self, text: str) -> None: ...


def digits(folder: Path) -> dict[str, Any]:
    """One training of each."""
    found = {}
    for spec in gz.list_architectures():
        if spec.task != "noise-to-image":
            continue
        run = trained(spec.name, folder / spec.name)
        scores = gz.evaluate(run, metrics=METRICS, features=FEATURES, repeats=3, progress=Quiet())
        found[spec.name] = {"kimg": run.outcome.kimg if run.outcome else None, **scores.to_json()}
        print(spec.name, scores, flush=True)
    return found


def little(folder: Path) -> dict[str, Any]:
    """Three trainings of each on few pictures, judged against all, and for copies against the few."""
    found: dict[str, Any] = {}
    for name, kimg in LITTLE_KIMG.items():
        for seed in TRAININGS:
            run = trained(name, folder / f"{name}-{LITTLE}-{seed}", data=f"digits:{LITTLE}", seed=seed, kimg=kimg)
            model = gz.load(run, checkpoint="last")
            common: dict[str, Any] = {"features": FEATURES, "repeats": 1, "progress": Quiet()}
            scores = gz.evaluate(model, data="digits", metrics=METRICS[:4], **common)
            copies = gz.evaluate(model, metrics=["authenticity"], count=1500, **common)
            found.setdefault(name, []).append({"kimg": kimg, **scores.to_json(), "copies": copies.to_json()})
            print(name, seed, scores, copies, flush=True)
    return found


def trained(name: str, place: Path, **arguments: Any) -> Any:
    if (place / "checkpoints").is_dir() and gz.open_run(place).steps:
        return gz.open_run(place)
    return gz.train(name, preset="digits", out=place, progress=Quiet(), **arguments)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("digits", "little"))
    parser.add_argument("--keep", type=Path, help="where the runs go, and are taken from; a temporary folder if not")
    stated = parser.parse_args()
    place = RESULTS / f"scores-{machine_key()}.json"
    document = json.loads(place.read_text()) if place.exists() else {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = stated.keep or Path(temporary)
        for name, part in (("digits", digits), ("little", little)):
            if stated.only in (None, name):
                document[name] = part(folder)
                document["machine"] = machine()
                place.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
