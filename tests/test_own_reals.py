"""A phase with reals of its own: which ones, cut where, counted how, and what it shares with nobody."""

import math

import numpy as np
import pytest
import torch
from toy_zoo import SHAPES

from ganzoo.architecture import Batch, Losses, NoiseToImage, Phase, Shard, Step, StepReals
from ganzoo.config import NoiseToImageConfig
from ganzoo.data.batches import Order, RealsFeed
from ganzoo.data.crops import RandomCrops
from ganzoo.errors import DivergedError
from ganzoo.tensors import DataInfo, Picture
from ganzoo.testing import RandomPictures, Subject
from ganzoo.testing.subject import differing, whole_state
from ganzoo.training.engine import Engine

CPU = torch.device("cpu")
DATA = DataInfo(channels=1, size=8)
R3GAN = next(offer for offer in SHAPES if offer.name == "toy-r3gan")


def phase(**changes):
    return Phase(**{"name": "g", "optimizer": "g", "loss": lambda batch, step: None, "reals": "own", **changes})


class Numbered:
    """Pictures whose pixels are their index."""

    info, description, lengths = DATA, "numbered", (10,)

    def __init__(self, in_memory=True):
        self.in_memory = in_memory

    def fetch(self, indices):
        pictures = torch.from_numpy(indices[0]).to(torch.uint8)[:, None, None, None].expand(-1, 1, 8, 8)
        return Batch(real=pictures.contiguous())


def seen(batch):
    return batch.real[:, 0, 0, 0].tolist()


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize(("every", "offset"), [(1, 0), (3, 1), (5, 4)])
def test_its_pictures_are_its_own_order_by_its_own_count(every, offset, in_memory):
    one = phase(every=every, offset=offset)
    own, shared = (Order(seed=5, batch_size=4, lengths=(10,), key=key) for key in ("g", ""))
    with RealsFeed(Numbered(in_memory), [one, phase(name="d", reals="shared")], seed=5, batch_size=4) as feed:
        for step in range(12):
            reals = feed.reals(step)
            assert seen(reals.shared) == shared.indices(step)[0].tolist()
            if one.due(step):
                count = (step - offset) // every
                assert one.count(step) == count
                assert seen(reals.own["g"]) == own.indices(count)[0].tolist()
            else:
                assert reals.own == {}
        # An epoch of its own shows every picture: nothing is passed over where the phase is rare.
        firsts = [number for count in range(5) for number in own.indices(count)[0].tolist()]
        assert sorted(firsts[:10]) == sorted(firsts[10:20]) == list(range(10))
        assert feed.reals(3).shared.real.equal(feed.reals(3).shared.real)  # a replay


def test_another_phase_or_seed_has_another_order():
    orders = [
        Order(seed=seed, batch_size=10, lengths=(10,), key=key).indices(0)[0].tolist()
        for seed, key in ((5, "g"), (5, "h"), (5, ""), (6, "g"))
    ]
    assert len({tuple(order) for order in orders}) == 4


def test_its_crops_are_its_own():
    pictures = torch.arange(144).reshape(1, 1, 12, 12).expand(6, 1, 12, 12)
    shown = {"real": Picture(channels=1, height=8, width=8)}
    cut = [
        RandomCrops(shown, seed=3, batch_size=6, together=True, key=key)(Batch(real=pictures), step=0).real
        for key in ("", "g", "g")
    ]
    assert not torch.equal(cut[0], cut[1]) and torch.equal(cut[1], cut[2])


def test_rows_of_a_rank_are_those_of_one_process():
    rows = np.array([1, 3])
    with (
        RealsFeed(Numbered(), [phase()], seed=5, batch_size=4) as whole,
        RealsFeed(Numbered(), [phase()], seed=5, batch_size=4, rows=rows) as mine,
    ):
        for step in range(4):
            one, two = whole.reals(step), mine.reals(step)
            assert seen(one.own["g"])[1::2] == seen(two.own["g"]) and seen(one.shared)[1::2] == seen(two.shared)


@pytest.mark.parametrize("micros", [1, 2])
def test_what_it_shares_it_shares_with_itself_alone(micros):
    step, made = Step(seed=0, number=0, batch_size=4, device=CPU, shard=Shard(micros=micros)), []

    def make():
        made.append(step.normal("latent", 2, 3))
        return made[-1]

    with step.scope("d"):
        first = step.shared("fakes", make, detach=True)
    with step.scope("g", apart=True):
        own = step.shared("fakes", make, detach=True)
        assert torch.equal(own, step.shared("fakes", make, detach=True))
    with step.scope("e"):
        assert torch.equal(first, step.shared("fakes", make, detach=True))
    assert not torch.equal(first, own) and len(made) == 2


def test_the_generator_is_compared_with_pictures_that_the_discriminator_did_not_see():
    subject = Subject(R3GAN)
    engine = subject.engine()
    for _, reals in subject.batches(engine, range(8)):
        assert not torch.equal(reals.shared.real, reals.own["generator"].real)
    with pytest.raises(ValueError, match="phase 'generator' has reals of its own, and the step was given none"):
        engine.step(0, reals.shared)


def test_kimg_counts_the_shared_batch_alone():
    subject, kimg = Subject(R3GAN), []
    engine = subject.engine()
    engine.architecture.after_step = lambda step, stats: kimg.append(step.kimg)
    subject.train(engine, range(3))
    assert kimg == [0.0, subject.batch_size / 1000, 2 * subject.batch_size / 1000]


def test_micro_batches_are_those_of_one_batch():
    subject = Subject(R3GAN)
    engines = [
        Engine(
            subject.build().double(), seed=0, batch_size=subject.batch_size, device=CPU, dtype=torch.float64,
            accumulate=accumulate,
        )
        for accumulate in (1, 2)
    ]  # fmt: skip
    for engine in engines:
        subject.train(engine, range(10))
    one, two = (whole_state(engine) for engine in engines)
    assert all(torch.allclose(one[name], two[name], atol=1e-10) for name in one)
    assert differing(one, whole_state(Subject(R3GAN).engine()))


class Diverges(NoiseToImage):
    """A phase with reals of its own whose loss is not finite where they are light."""

    def build_generator(self):
        return torch.nn.Sequential(torch.nn.Linear(4, 64), torch.nn.Unflatten(1, (1, 8, 8)))

    def build_discriminator(self):
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 1))

    def phases(self):
        return [Phase(name="own", optimizer="generator", loss=self.own, reals="own")]

    def own(self, batch, step):
        painted = self.generator(step.normal("z", len(batch), 4)).mean()
        return Losses({"light": painted * (math.inf if batch.real.mean() > 0 else 1.0)})


def test_a_divergence_is_replayed_with_its_own_reals():
    architecture = Diverges(NoiseToImageConfig(latent_size=4), DATA)
    engine = Engine(architecture, seed=0, batch_size=4, device=CPU)
    dark, light = torch.full((4, 1, 8, 8), -1.0), torch.full((4, 1, 8, 8), 1.0)
    engine.step(0, StepReals(Batch(real=light), {"own": Batch(real=dark)}))
    with pytest.raises(DivergedError, match="step 1, phase 'own': light"):
        engine.step(1, StepReals(Batch(real=dark), {"own": Batch(real=light)}))


def test_the_pictures_of_the_feed_are_cut_and_flipped_like_others():
    info = DataInfo(channels=1, size=12)
    source = RandomPictures(info, count=7)
    with RealsFeed(source, [phase()], seed=1, batch_size=6, shown=DATA) as feed:
        reals = feed.reals(0)
        assert reals.shared.real.shape == reals.own["g"].real.shape == (6, 1, 8, 8)
