"""Plays games as one rank of several and saves what came out: `python rank_games.py FOLDER ACCUMULATE`.

In float64, where the only difference between one process and several may be the order of sums.
"""

import dataclasses
import sys
from pathlib import Path

import torch
from torch import nn
from toy_zoo import OFFERS, SHAPES
from toy_zoo.networks import Judge, Painter

from ganzoo.architecture import Architecture, Batch, Losses, NoiseToImage, Optimizer, Phase
from ganzoo.config import NoiseToImageConfig
from ganzoo.data.batches import RealsFeed
from ganzoo.plugin.registry import Registry
from ganzoo.tensors import DataInfo
from ganzoo.testing import RandomPictures, Subject
from ganzoo.testing.subject import whole_state
from ganzoo.training.engine import Engine
from ganzoo.training.ranks import joined_ranks

BATCH = 8
STEPS = 30
DATA = DataInfo(channels=1, size=8, classes=10)
TOYS = ("toy-wgan-gp", "toy-stylegan2", "toy-cyclegan", "toy-conditional")  # the stranger's has batch norm
# Batch norm sees each process's rows alone, and dropout draws for them alone.
TRANSLATIONS = {"cyclegan": {}, "pix2pix": {"norm": "instance", "dropout": 0.0}, "real-esrgan": {}, "adain": {}}
_PLAIN = NoiseToImageConfig(latent_size=4, generator_lr=2e-3, discriminator_lr=2e-3)
CONFIGS = {
    "eager r1": {"penalty": "r1"},
    "lazy r1": {"penalty": "r1", "penalty_every": 4},
    "eager r1+r2, relativistic": {"penalty": "r1+r2", "objective": "relativistic"},
    "lazy r2": {"penalty": "r2", "penalty_every": 3},
    "lazy wgan-gp, one-sided": {"penalty": "wgan-gp-one-sided", "penalty_every": 2, "objective": "wasserstein"},
    "weight clipping, rmsprop": {"objective": "wasserstein", "optimizer": "rmsprop", "clip_weights": 0.05},
    "gradient clipping": {"clip_gradients": 0.1, "objective": "hinge"},
    "spectral norm": {"spectral_norm": True, "objective": "hinge"},
    "ada": {"augment": "ada", "augment_kimg": 0.2, "augment_target": 0.01, "discriminator_lr": 0.02},
    "diffaugment and r1": {"augment": "diffaugment", "penalty": "r1"},
}


class Toy(NoiseToImage):
    def build_generator(self):
        return Painter(self.config.latent_size, self.data.channels, self.data.size)

    def build_discriminator(self):
        return Judge(self.data.channels)


class TwoBeforeTwo(Toy):
    """Both losses are computed before either is differentiated: what DistributedDataParallel cannot follow."""

    def phases(self):
        return [
            Phase(name="both", optimizer="discriminator", loss=self.both),
            Phase(name="generator", optimizer="generator", loss=self.second),
        ]

    def both(self, batch, step):
        return Losses({"first": step.shared("losses", lambda: self.losses(batch, step))[0]})

    def second(self, batch, step):
        return Losses({"second": step.shared("losses", lambda: self.losses(batch, step))[1]})

    def losses(self, batch, step):
        fakes = self.fakes(batch, step)
        real, fake = self.discriminator(batch.real), self.discriminator(fakes.detach())
        painted = self.generator(step.normal("more", len(batch), self.config.latent_size))
        return (fake - real).mean() + real.square().mean(), (painted - 0.3).square().mean()


class SomeMissing(Architecture):
    """One weight that no rank uses, one that only the rank with the first rows uses."""

    def build(self):
        self.network = nn.ModuleDict({name: nn.Linear(1, 1, bias=False) for name in ("all", "some", "none")})

    def optimizers(self):
        return {"o": Optimizer(trains=("network",), lr=0.1)}

    def phases(self):
        return [Phase(name="p", optimizer="o", loss=self.loss)]

    def loss(self, batch, step):
        loss = self.network["all"].weight.sum() ** 2
        if batch.real[0, 0, 0, 0] > 0:
            loss = loss + (self.network["some"].weight.sum() * batch.real[0, 0, 0, 0]) ** 2
        return Losses({"loss": loss})

    def graphs(self):
        return []


def play(architecture, ranks, accumulate, source, rows, steps=STEPS):
    engine = Engine(
        architecture, seed=0, batch_size=BATCH, device=torch.device("cpu"), dtype=torch.float64, ranks=ranks,
        accumulate=accumulate,
    )  # fmt: skip
    with RealsFeed(source, engine.phases, seed=0, batch_size=BATCH, rows=rows) as feed:
        for number in range(steps):
            engine.step(number, engine.prepare(feed.reals(number)))
    return {**whole_state(engine), **{f"mean {k}": torch.tensor(v) for k, v in engine.means().items()}}


def main(folder, accumulate):
    torch.set_num_threads(1)
    with joined_ranks("cpu") as ranks:
        rows = torch.arange(BATCH).reshape(accumulate, ranks.count, -1)[:, ranks.rank].flatten().numpy()
        results = {}
        for offer in OFFERS:
            if offer.spec.name in TOYS:
                subject = Subject(offer)
                source = RandomPictures(subject.data, task=offer.spec.task, count=13)
                results[offer.spec.name] = play(subject.build(), ranks, accumulate, source, rows)
        for offer in SHAPES:  # no discriminator, unequal sides, a vector, oblong pictures, reals of a phase's own
            subject = Subject(offer)
            source = RandomPictures(subject.data, wants=subject.implementation.wants, count=13)
            results[offer.spec.name] = play(subject.build(), ranks, accumulate, source, rows, steps=10)
        for name, settings in TRANSLATIONS.items():
            subject = Subject(Registry.load().architecture(name), settings=settings)
            source = RandomPictures(subject.data, wants=subject.implementation.wants, count=13)
            results[name] = play(subject.build(), ranks, accumulate, source, rows)
        for name in ("stylegan", "stylegan2"):
            subject = Subject(Registry.load().architecture(name), settings={"group": 2})  # of a rank's micro-batch
            results[name] = play(subject.build(), ranks, accumulate, RandomPictures(subject.data, count=13), rows)
        source = RandomPictures(DATA, count=13)
        for name, changes in CONFIGS.items():
            torch.manual_seed(0)
            toy = Toy(dataclasses.replace(_PLAIN, **changes), DATA)
            results[name] = play(toy, ranks, accumulate, source, rows)
        torch.manual_seed(ranks.rank)  # the broadcast has to make them equal
        results["two forwards, two backwards"] = play(TwoBeforeTwo(_PLAIN, DATA), ranks, accumulate, source, rows)
        if accumulate == 1:
            results["missing"] = missing(ranks)
        torch.save(results, Path(folder, f"{ranks.count}x{accumulate}-rank{ranks.rank}.pt"))


def missing(ranks):
    torch.manual_seed(0)
    engine = Engine(
        SomeMissing(None, DATA), seed=0, batch_size=2, device=torch.device("cpu"), dtype=torch.float64, ranks=ranks
    )
    rows = torch.zeros(2, 1, 1, 1, dtype=torch.float64)
    rows[0] = 1.0
    # Alone, the mean over two rows of one gets half of a gradient that only the first row has.
    mine = rows if ranks.count == 1 else rows[ranks.rank : ranks.rank + 1]
    for number in range(3):
        engine.step(number, Batch(real=mine))
    network = engine.architecture.network
    moments = engine.optimizers["o"].inner.state
    return {
        "untouched": torch.tensor(network["none"].weight not in moments),
        "moved": torch.tensor(network["some"].weight in moments),
        "some": network["some"].weight.detach(),
    }


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
