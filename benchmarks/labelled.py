"""Whether labels of own pictures are learned: `python benchmarks/labelled.py [--seconds 600] [--only CASE ...]`.

Makes folders by class of pictures that are no part of ganzoo, trains on them through the command line as a user would,
paints 200 pictures of each class by its name, and asks a classifier that has seen real pictures alone what they are.

Fashion-MNIST is Debian's package `dataset-fashion-mnist`. Of the train part the first 2,000 pictures of each class are
what the generators see, and the other 4,000 what the classifier sees, so that it knows no more of the generators'
pictures than of others; its accuracy, the Frechet distance and the variances are measured with the t10k part.

What the figures mean, in the features of the classifier's last hidden layer unless stated:

    obeyed     share of the painted pictures that the classifier takes for the class that was asked for; beside it
               `accuracy`, the same of held-out real pictures, which it may exceed: typical pictures are easy to tell
    variance   of the painted pictures of a class, over that of its held-out reals: mean, and least of the classes; of
               a generator that paints one picture for a class it is 0
    frechet    distance to the held-out reals; `frechet_of_reals` is that of as many reals that the generator saw
    novelty    median distance in pixels to the nearest picture that the generator saw, over that of held-out reals; of
               copies it is 0

The settings were chosen by these figures after one to three minutes of training, of another classifier of the same
pictures; what is kept is the first run with them, of one seed: ten minutes of stylegan2, five of cgan,
whose first choice of settings gave 0.839 after ten. Where such a run ends depends on how busy the machine is.

Judged is the checkpoint that `ganzoo sample` takes, the best, with the seeds from 10,000,000 on, none left out; `kimg`
is how far training came, and the best may be an earlier one.
Training has one thread unless `--threads` says otherwise: with two on two cores that others use too, each waits for
the other, and 4 images/s were seen in place of 300. The pictures in docs/img are made by:

    python benchmarks/labelled.py --runs RUNS
    ganzoo sample RUNS/fashion-cgan -o docs/img/fashion-cgan.png -n 100 --label all --names
    ganzoo sample RUNS/fashion-stylegan2 -o docs/img/fashion-stylegan2.png -n 100 --label all --names
"""

import argparse
import datetime
import gzip
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from conftest import RESULTS, machine, machine_key
from helpers import ganzoo
from PIL import Image
from torch import nn
from torch.nn.functional import cross_entropy

from ganzoo.api.load import load
from ganzoo.data.pictures import fitted
from ganzoo.evaluation.frechet import frechet_distance
from ganzoo.sampling.noise import InputChoices, paint

FASHION = Path("/usr/share/datasets/fashion-mnist")
CLOTHES = ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
SIZE = 32
EACH = 200
FIRST_SEED = 10_000_000


@dataclass(frozen=True, kw_only=True)
class Case:
    """options: of `ganzoo train ARCHITECTURE --data FOLDER`."""

    architecture: str
    options: list[str]


LABELLED = ["--set", "data.labels=folders"]
CGAN = {
    "width": 1024,
    "latent_size": 64,
    "penalty_weight": 0.05,
    "penalty_every": 4,
    "beta1": 0.0,
    "generator_lr": 4e-4,
}
STYLEGAN2 = {"conditional": "true", "maps_base": 256, "penalty_weight": 0.1, "discriminator_mapping_layers": 1}


def _stated(settings):
    return [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]


CASES = {
    "fashion-stylegan2": Case(
        architecture="stylegan2",
        options=["--preset", "digits", *LABELLED, *_stated(STYLEGAN2)],
    ),
    "fashion-cgan": Case(
        architecture="cgan",
        options=["--preset", "digits", *LABELLED, *_stated(CGAN)],
    ),
}


@dataclass(frozen=True, kw_only=True)
class Reals:
    """pixels: (N, C, S, S) uint8. labels: (N,), of the names of the classes in the order of the alphabet."""

    pixels: np.ndarray
    labels: np.ndarray

    def of(self, rows):
        return Reals(pixels=self.pixels[rows], labels=self.labels[rows])


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Folders by class, and the pictures in them (`seen`), for the classifier (`judges`), and for neither."""

    folder: Path
    names: list[str]
    seen: Reals
    judges: Reals
    held_out: Reals


def fashion(folder):
    """The folders, of 2,000 files each, as they came: 28x28, grey."""
    names = sorted(CLOTHES)
    train, held_out = _fashion_part("train"), _fashion_part("t10k")
    ours = np.concatenate([np.flatnonzero(train[1] == number)[:2000] for number in range(10)])
    for name in names:
        (folder / name).mkdir(parents=True)
    for row in ours:
        Image.fromarray(train[0][row]).save(folder / CLOTHES[train[1][row]] / f"{row:05}.png")
    order = np.array([names.index(name) for name in CLOTHES])
    reals = [
        Reals(pixels=_as_trained(map(Image.fromarray, part[0])), labels=order[part[1]]) for part in (train, held_out)
    ]
    others = np.setdiff1d(np.arange(len(train[1])), ours)
    return Pictures(folder=folder, names=names, seen=reals[0].of(ours), judges=reals[0].of(others), held_out=reals[1])


def _fashion_part(part):
    """Pixels (N, 28, 28) and labels (N,) of the IDX files."""
    images = gzip.decompress((FASHION / f"{part}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((FASHION / f"{part}-labels-idx1-ubyte.gz").read_bytes())
    magic, count, height, width = np.frombuffer(images, ">u4", 4)
    assert (magic, *np.frombuffer(labels, ">u4", 2)) == (0x803, 0x801, count)
    return (
        np.frombuffer(images, np.uint8, offset=16).reshape(count, height, width),
        np.frombuffer(labels, np.uint8, offset=8).astype(np.int64),
    )


def _as_trained(images):
    """(N, C, S, S): as ganzoo makes them for training."""
    return np.stack([fitted(image, height=SIZE, width=SIZE) for image in images])


class Judge(nn.Module):
    """A small convolutional classifier. Pictures (N, C, 32, 32) uint8 -> features (N, 128), logits (N, classes)."""

    def __init__(self, channels, classes):
        super().__init__()
        layers, before = [], channels
        for maps in (16, 32, 64):
            layers += [
                nn.Conv2d(before, maps, 3, padding=1, bias=False),
                nn.BatchNorm2d(maps),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
            before = maps
        self.features = nn.Sequential(
            *layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 16, 128), nn.ReLU(), nn.Dropout(0.3)
        )
        self.last = nn.Linear(128, classes)

    def forward(self, pixels):
        features = self.features(pixels.float() / 127.5 - 1)
        return features, self.last(features)

    @torch.inference_mode()
    def seen(self, pixels):
        """Features (N, 128) and the class of each, (N,)."""
        parts = [self(torch.from_numpy(part)) for part in np.array_split(pixels, max(1, len(pixels) // 500))]
        features, logits = (torch.cat(part) for part in zip(*parts, strict=True))
        return features.double().numpy(), logits.argmax(1).numpy()


def trained_judge(pictures, *, seen_in_all=200_000, batch=128):
    """Knows real pictures alone, mirrored ones too; a minute on two cores."""
    torch.manual_seed(0)
    reals = pictures.judges
    judge = Judge(reals.pixels.shape[1], len(pictures.names)).to(memory_format=torch.channels_last).train()
    steps = seen_in_all // batch
    optimizer = torch.optim.AdamW(judge.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for _ in range(steps):
        rows = torch.randint(len(reals.labels), (batch,)).numpy()
        pixels = torch.from_numpy(reals.pixels[rows])
        pixels = torch.where(torch.rand(batch, 1, 1, 1) < 0.5, pixels, pixels.flip(3))
        loss = cross_entropy(judge(pixels)[1], torch.from_numpy(reals.labels[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return judge.eval()


def command(case, folder, run, seconds):
    """The arguments of `ganzoo` that a user would state."""
    return [
        "train", case.architecture, "--data", str(folder), "--out", str(run), *case.options,
        "--kimg", "10000", "--max-time", f"{seconds:g}",
    ]  # fmt: skip


def painted(run, names):
    """(EACH pictures of each class as uint8, one class after another; the class asked for of each)."""
    source, pixels = load(run).source, []
    for number, name in enumerate(names):
        seeds = range(FIRST_SEED + number * EACH, FIRST_SEED + (number + 1) * EACH)
        made = paint(source, seeds, InputChoices(label=[name]))
        grey = (made.pixels - made.low) / (made.high - made.low)
        pixels.append((grey * 255).round().clip(0, 255).astype(np.uint8))
    return Reals(pixels=np.concatenate(pixels), labels=np.repeat(np.arange(len(names)), EACH))


def figures_of(judge, pictures, made):
    features, taken = judge.seen(made.pixels)
    real_features, real_taken = judge.seen(pictures.held_out.pixels)
    right, real_right = taken == made.labels, real_taken == pictures.held_out.labels
    classes = range(len(pictures.names))
    obeyed = [right[made.labels == number].mean() for number in classes]
    accuracy = [real_right[pictures.held_out.labels == number].mean() for number in classes]
    variances = [
        _variance(features[made.labels == number]) / _variance(real_features[pictures.held_out.labels == number])
        for number in classes
    ]
    few = np.random.default_rng(0).choice(len(pictures.seen.labels), min(len(taken), len(pictures.seen.labels)), False)
    beside = np.random.default_rng(0).choice(len(real_taken), min(len(taken), len(real_taken)), False)
    near, real_near = (
        np.median(_nearest(pixels, pictures.seen.pixels)) for pixels in (made.pixels, pictures.held_out.pixels[beside])
    )
    least = int(np.argmin(obeyed))

    def each(shares):
        return {name: round(float(share), 3) for name, share in zip(pictures.names, shares, strict=True)}

    return {
        "obeyed": round(float(right.mean()), 4),
        "least_obeyed": round(float(obeyed[least]), 4),
        "least_obeyed_class": pictures.names[least],
        "obeyed_of_each": each(obeyed),
        "accuracy": round(float(real_right.mean()), 4),
        "accuracy_of_each": each(accuracy),
        "variance": round(float(np.mean(variances)), 3),
        "least_variance": round(float(min(variances)), 3),
        "frechet": round(frechet_distance(features, real_features), 2),
        "frechet_of_reals": round(frechet_distance(judge.seen(pictures.seen.pixels[few])[0], real_features), 2),
        "novelty": round(float(near / real_near), 3),
    }


def _variance(features):
    return features.var(0).sum()


def _nearest(pixels, among):
    """The distance of each to the nearest of the others, (N,)."""
    one, other = (torch.from_numpy(some).flatten(1).float() / 255 for some in (pixels, among))
    return np.concatenate([torch.cdist(part, other).amin(1).numpy() for part in one.split(200)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--threads", type=int, default=1, help="of everything")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=list(CASES), choices=CASES)
    parser.add_argument("--runs", type=Path, help="a folder to keep the runs in")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    path = RESULTS / f"labelled-{machine_key()}.json"
    figures = json.loads(path.read_text())["figures"] if path.exists() else {}
    with tempfile.TemporaryDirectory() as scratch:
        runs = arguments.runs or Path(scratch)
        pictures = fashion(Path(scratch, "fashion"))
        judge = trained_judge(pictures)
        for name in arguments.only:
            case = CASES[name]
            stated = [*command(case, pictures.folder, runs / name, arguments.seconds), "--seed", str(arguments.seed)]
            done = ganzoo(*stated, timeout=arguments.seconds + 300, OMP_NUM_THREADS=str(arguments.threads))
            assert done.returncode == 0, done.stderr
            last = json.loads((runs / name / "metrics.jsonl").read_text().splitlines()[-1])
            figures[name] = {
                "command": " ".join(["ganzoo", *command(case, "fashion", name, arguments.seconds)]),
                "seed": arguments.seed,
                "seconds": arguments.seconds,
                "threads": arguments.threads,
                "kimg": last["kimg"],
                **figures_of(judge, pictures, painted(runs / name, pictures.names)),
            }
            print(f"{name}: {json.dumps(figures[name], indent=1)}", flush=True)
            ordered = {key: figures[key] for key in CASES if key in figures}
            body = {"date": datetime.date.today().isoformat(), "machine": machine(), "figures": ordered}
            path.write_text(json.dumps(body, indent=1) + "\n")


if __name__ == "__main__":
    main()
