import math

import pytest
import torch
from torch import nn
from toy_zoo import OFFERS

from ganzoo.architecture import Architecture, Batch, Ema, Graph, Losses, Optimizer, Phase
from ganzoo.errors import DivergedError, PluginError
from ganzoo.tensors import DataInfo
from ganzoo.testing import Subject
from ganzoo.training.ema import Average
from ganzoo.training.engine import Engine

CPU = torch.device("cpu")
DATA = DataInfo(channels=1, size=4)


class Scalars(Architecture):
    """Two players of one weight each; subclasses say the game."""

    def build(self):
        self.a = nn.Linear(1, 1, bias=False)
        self.b = nn.Linear(1, 1, bias=False)
        for module in (self.a, self.b):
            nn.init.constant_(module.weight, 1.0)

    def optimizers(self):
        return {name: Optimizer(trains=(name,), kind="sgd", lr=0.1, betas=(0.0, 0.0)) for name in "ab"}

    def loss_a(self, batch, step):
        return Losses({"loss": self.a.weight.sum() * self.b.weight.sum()})

    def phases(self):
        return [Phase(name="a", optimizer="a", loss=self.loss_a)]

    def graphs(self):
        return [Graph(name="a", module=self.a, inputs=(), outputs=())]


def engine(kind, **methods):
    architecture = type("Game", (kind,), methods)(None, DATA)
    return Engine(architecture, seed=0, batch_size=4, device=CPU, bf16=False)


def batch():
    return Batch(real=torch.zeros(4, 1, 4, 4))


def test_a_phase_moves_its_own_player_alone():
    one = engine(Scalars)
    one.step(0, batch())
    assert one.architecture.a.weight.item() == pytest.approx(0.9)  # 1 - lr * b
    assert one.architecture.b.weight.item() == 1.0
    assert one.architecture.b.weight.grad is None


def test_cadence_is_every_and_offset():
    ran = []

    def phases(self):
        def loss(name):
            def compute(batch, step):
                ran.append((name, step.number))
                return self.loss_a(batch, step)

            return compute

        return [
            Phase(name="each", optimizer="a", loss=loss("each")),
            Phase(name="fifth", optimizer="a", loss=loss("fifth"), every=5, offset=4),
            Phase(name="lazy", optimizer="a", loss=loss("lazy"), every=4, lazy=True),
        ]

    one = engine(Scalars, phases=phases)
    for number in range(10):
        one.step(number, batch())
    assert [n for name, n in ran if name == "each"] == list(range(10))
    assert [n for name, n in ran if name == "fifth"] == [4, 9]
    assert [n for name, n in ran if name == "lazy"] == [0, 4, 8]


def test_lazy_phases_correct_lr_betas_and_loss():
    def phases(self):
        return [
            Phase(name="main", optimizer="a", loss=self.loss_a),
            Phase(name="lazy", optimizer="a", loss=self.loss_a, every=16, lazy=True),
        ]

    def optimizers(self):
        return {"a": Optimizer(trains=("a",), lr=0.002, betas=(0, 0.99))}

    one = engine(Scalars, phases=phases, optimizers=optimizers)
    one.step(0, batch())
    (group,) = one.optimizers["a"].inner.param_groups
    c = 16 / 17
    assert group["lr"] == pytest.approx(0.002 * c)
    assert group["betas"] == (pytest.approx(0.0**c), pytest.approx(0.99**c))
    sgd = engine(Scalars, phases=lambda self: phases(self)[1:])
    sgd.step(0, batch())
    assert sgd.architecture.a.weight.item() == pytest.approx(1 - 0.1 * c * 16)


def test_schedules_are_functions_of_kimg():
    def optimizers(self):
        return {"a": Optimizer(trains=("a",), lr=lambda kimg: 0.1 - kimg, betas=(lambda kimg: kimg, 0.9))}

    one = engine(Scalars, optimizers=optimizers)
    one.step(10, batch())
    (group,) = one.optimizers["a"].inner.param_groups
    assert group["lr"] == pytest.approx(0.1 - 0.04) and group["betas"] == (pytest.approx(0.04), 0.9)


def test_a_schedule_of_sgd_is_its_momentum():
    def optimizers(self):
        return {"a": Optimizer(trains=("a",), kind="sgd", lr=0.1, betas=(lambda kimg: 0.5 + kimg, 0.0))}

    one = engine(Scalars, optimizers=optimizers)
    one.step(10, batch())
    assert one.optimizers["a"].inner.param_groups[0]["momentum"] == pytest.approx(0.54)


def test_a_gradient_that_is_missing_stays_missing():
    class TwoWeights(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))

    def build(self):
        self.a = TwoWeights()

    def loss(self, batch, step):
        return Losses({"loss": self.a.used.sum()})

    def optimizers(self):
        return {"a": Optimizer(trains=("a",), lr=0.1)}

    one = engine(Scalars, build=build, loss_a=loss, optimizers=optimizers)
    for number in range(3):
        one.step(number, batch())
    assert one.architecture.a.unused.item() == 1.0
    assert one.architecture.a.unused not in one.optimizers["a"].inner.state


def test_clipping_bounds_the_whole_gradient():
    def optimizers(self):
        return {"a": Optimizer(trains=("a", "b"), kind="sgd", lr=1.0, betas=(0.0, 0.0), clip=0.5)}

    def loss(self, batch, step):
        return Losses({"loss": 3 * self.a.weight.sum() + 4 * self.b.weight.sum()})

    one = engine(Scalars, optimizers=optimizers, loss_a=loss)
    one.step(0, batch())
    moved = [1 - one.architecture.a.weight.item(), 1 - one.architecture.b.weight.item()]
    assert moved == [pytest.approx(0.3, rel=1e-4), pytest.approx(0.4, rel=1e-4)]


@pytest.mark.parametrize("kind", ["adam", "rmsprop", "sgd"])
@pytest.mark.parametrize("poison", ["loss", "gradient"])
def test_what_is_not_finite_stops_the_run_and_leaves_the_weights(kind, poison):
    def loss(self, batch, step):
        x = self.a.weight.sum()
        if step.number < 2:
            return Losses({"loss": x})
        # sqrt has a finite value and an infinite slope at 0
        return Losses({"good": x * 0, "bad": x * math.nan if poison == "loss" else (x - x.detach()).abs().sqrt()})

    def optimizers(self):
        return {"a": Optimizer(trains=("a",), kind=kind, lr=0.1)}

    one = engine(Scalars, loss_a=loss, optimizers=optimizers)
    one.step(0, batch())
    one.step(1, batch())
    before = one.architecture.a.weight.item()
    with pytest.raises(DivergedError) as caught:
        one.step(2, batch())
    assert "step 2, phase 'a'" in caught.value.message and "a.weight" in caught.value.message
    assert "bad " in caught.value.message
    assert one.architecture.a.weight.item() == before
    assert not one.between_steps


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ({"phases": lambda self: []}, "phases need names of their own"),
        (
            {"phases": lambda self: [Phase(name="x", optimizer="c", loss=self.loss_a)]},
            "uses optimizer 'c'; there are a, b",
        ),
        (
            {"phases": lambda self: [Phase(name="x", optimizer="a", loss=self.loss_a, every=2, offset=2)]},
            "is never due",
        ),
        ({"optimizers": lambda self: {"a": Optimizer(trains=("q",), lr=1.0)}}, "trains 'q', which Game does not have"),
        ({"loss_a": lambda self, batch, step: {"loss": 1}}, "must return Losses"),
        ({"loss_a": lambda self, batch, step: Losses({"x": torch.ones(())})}, "does not depend on any parameter"),
        ({"loss_a": lambda self, batch, step: Losses({"x": self.b.weight.sum()})}, "reaches no parameter of 'a'"),
    ],
)
def test_a_game_that_does_not_fit_is_explained(methods, message):
    with pytest.raises(PluginError, match=message):
        engine(Scalars, **methods).step(0, batch())


def test_the_average_has_the_stated_half_life():
    architecture = Scalars(None, DATA)
    average = Average(Ema(of=("a",), half_life_kimg=1.0, rampup=0), architecture)
    nn.init.constant_(architecture.a.weight, 0.0)
    for step in range(10):  # ten steps of 100 pictures are 1 kimg
        average.update(kimg=(step + 1) / 10, batch_size=100)
    assert average.modules["a"].weight.item() == pytest.approx(0.5)


def test_the_ramp_lets_an_early_average_follow():
    architecture = Scalars(None, DATA)
    average = Average(Ema(of=("a",), half_life_kimg=1000.0, rampup=0.1), architecture)
    nn.init.constant_(architecture.a.weight, 0.0)
    average.update(kimg=1.0, batch_size=100)
    assert average.modules["a"].weight.item() == pytest.approx(0.5 ** (0.1 / 0.1))


def test_the_first_average_is_what_the_first_step_has_learnt():
    """Of the weights that a run begins with nothing is left: no pictures were shown before."""
    one = engine(Scalars, ema=lambda self: Ema(of=("a",), half_life_kimg=10.0, rampup=0.5))
    one.step(0, batch())
    learnt = one.architecture.a.weight.item()
    assert one.average.modules["a"].weight.item() == learnt
    one.step(1, batch())
    beta = 0.5 ** (1 / 0.5)  # a half-life of half the one batch that was shown before
    expected = beta * learnt + (1 - beta) * one.architecture.a.weight.item()
    assert one.average.modules["a"].weight.item() == pytest.approx(expected)


def test_buffers_of_floats_are_copied_where_the_average_says_so():
    class Normed(Scalars):
        def build(self):
            self.a = nn.BatchNorm1d(2)

    architecture = Normed(None, DATA)
    average = Average(Ema(of=("a",), half_life_kimg=0.1, rampup=0, buffers="copied"), architecture)
    architecture.a.running_mean.fill_(1.0)
    nn.init.constant_(architecture.a.weight, 0.0)
    average.update(kimg=0.1, batch_size=100)
    state = average.state()["a"]
    assert state["running_mean"].tolist() == [1.0, 1.0] and state["weight"].tolist() == [0.5, 0.5]


def test_a_lazy_phase_counts_for_parameters_that_it_does_not_reach():
    """Its gradient there is zero, as in the sum that it stands for: Adam's second moment falls, its steps rise."""

    class Two(Scalars):
        def build(self):
            self.a, self.b, self.later = (nn.Linear(1, 1, bias=False) for _ in range(3))

    def optimizers(self):
        return {"both": Optimizer(trains=("a", "b", "later"), lr=0.1, betas=(0.0, 0.9))}

    def everything(self, batch, step):
        return Losses({"sum": (self.a.weight + self.b.weight).sum()})

    def only_a(self, batch, step):
        return Losses({"a": self.a.weight.square().sum()})

    def phases(self):
        main = Phase(name="main", optimizer="both", loss=self.everything)
        return [main, Phase(name="lazy", optimizer="both", loss=self.only_a, every=2, lazy=True)]

    one = engine(Two, optimizers=optimizers, everything=everything, only_a=only_a, phases=phases)
    one.step(0, batch())
    state = one.optimizers["both"].inner.state[one.architecture.b.weight]
    beta = 0.9 ** (2 / 3)
    assert state["step"].item() == 2
    assert one.architecture.later.weight not in one.optimizers["both"].inner.state  # no phase reaches it yet
    assert state["exp_avg_sq"].item() == pytest.approx(beta * (1 - beta))
    assert all(parameter.grad is None for parameter in one.architecture.parameters())


def test_batch_norm_statistics_are_averaged_and_counters_copied():
    class Normed(Scalars):
        def build(self):
            self.a = nn.BatchNorm1d(2)

    architecture = Normed(None, DATA)
    average = Average(Ema(of=("a",), half_life_kimg=0.1, rampup=0), architecture)
    architecture.a.running_mean.fill_(1.0)
    architecture.a.num_batches_tracked.fill_(7)
    average.update(kimg=0.1, batch_size=100)
    assert average.modules["a"].running_mean.tolist() == [0.5, 0.5]
    assert average.state()["a"]["num_batches_tracked"].item() == 7


def test_wgan_gp_takes_five_critic_steps():
    subject = Subject(OFFERS[0])
    one = subject.engine()
    losses = subject.train(one, range(10))
    assert [n for n, record in enumerate(losses) if "generator.adversarial" in record] == [4, 9]
