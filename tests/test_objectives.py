"""Losses against values worked out by hand, penalties against critics whose gradient is known."""

import math

import pytest
import torch
from torch import nn

from ganzoo.objectives import (
    RELATIVE,
    discriminator_loss,
    generator_loss,
    input_gradient,
    margins,
    one_centred,
    r1,
    wgan_gp,
    zero_centred,
)

REAL = torch.tensor([2.0, 0.0])
FAKE = torch.tensor([-1.0, 3.0])
OBJECTIVES = ("minimax", "non-saturating", "least-squares", "hinge", "wasserstein", "relativistic")


def softplus(x):
    return math.log1p(math.exp(x))


JENSEN = (softplus(-2) + softplus(0)) / 2 + (softplus(-1) + softplus(3)) / 2


@pytest.mark.parametrize(
    ("objective", "discriminator", "generator"),
    [
        ("minimax", JENSEN, -(softplus(-1) + softplus(3)) / 2),  # log(1 - sigmoid(x)) = -softplus(x)
        ("non-saturating", JENSEN, (softplus(1) + softplus(-3)) / 2),
        ("least-squares", ((1 + 1) / 2 + (1 + 9) / 2) / 2, (4 + 4) / 2 / 2),
        ("hinge", (0 + 1) / 2 + (0 + 4) / 2, -1.0),
        ("wasserstein", 1.0 - 1.0, -1.0),
        # fake - real is (-3, 3) in pairs, real - fake (3, -3)
        ("relativistic", (softplus(-3) + softplus(3)) / 2, (softplus(3) + softplus(-3)) / 2),
    ],
)
def test_values_worked_out_by_hand(objective, discriminator, generator):
    assert discriminator_loss(objective, REAL, FAKE).item() == pytest.approx(discriminator, rel=1e-6)
    assert generator_loss(objective, FAKE, REAL).item() == pytest.approx(generator, rel=1e-6)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_slopes_point_the_right_way(objective):
    """The discriminator wants reals up and fakes down, the generator fakes up."""
    real = torch.tensor([0.5, 0.0], requires_grad=True)  # least squares pulls what is above 1 down
    fake = FAKE.clone().requires_grad_(True)
    discriminator_loss(objective, real, fake).backward()
    assert (real.grad <= 0).all() and real.grad.sum() < 0 and fake.grad.sum() > 0
    fake.grad = None
    low = torch.tensor([-4.0, -2.0], requires_grad=True)
    generator_loss(objective, low, REAL).backward()
    assert (low.grad < 0).all()


def test_the_minimax_generator_starves_where_the_non_saturating_one_does_not():
    slopes = {}
    for objective in ("minimax", "non-saturating"):
        fake = torch.tensor([-8.0], requires_grad=True)
        generator_loss(objective, fake).backward()
        slopes[objective] = -fake.grad.item()
    assert slopes["minimax"] == pytest.approx(1 / (1 + math.exp(8)), rel=1e-4)
    assert slopes["non-saturating"] == pytest.approx(1 / (1 + math.exp(-8)), rel=1e-4)


def test_losses_are_float32_whatever_the_logits_and_float64_stays():
    for objective in OBJECTIVES:
        assert discriminator_loss(objective, REAL.bfloat16(), FAKE.bfloat16()).dtype == torch.float32
        assert generator_loss(objective, FAKE.bfloat16(), REAL.bfloat16()).dtype == torch.float32
        assert generator_loss(objective, FAKE.double(), REAL.double()).dtype == torch.float64


def test_what_cannot_be_computed_is_named():
    with pytest.raises(ValueError, match="unknown objective 'hingy'"):
        discriminator_loss("hingy", REAL, FAKE)
    with pytest.raises(ValueError, match="unknown objective 'hingy'"):
        generator_loss("hingy", FAKE)
    with pytest.raises(ValueError, match="needs the logits of reals"):
        generator_loss("relativistic", FAKE)


def test_margins_are_positive_for_what_is_taken_for_real():
    for objective in OBJECTIVES:
        real, fake = margins(objective, REAL, FAKE)
        if objective in RELATIVE:
            assert real.tolist() == [3, -3] and fake.tolist() == [-3, 3]
        elif objective == "least-squares":
            assert real.tolist() == [1.5, -0.5] and fake.tolist() == [-1.5, 2.5]
        else:
            assert (real.tolist(), fake.tolist()) == (REAL.tolist(), FAKE.tolist())


def test_r1_of_a_quadratic_critic():
    # D(x) = a |x|^2 has the gradient 2 a x, so R1 is 4 a^2 |x|^2.
    images = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    scale = torch.tensor(0.7, requires_grad=True)
    penalty, logits = r1(lambda x: scale * x.square().flatten(1).sum(1), images)
    squares = images.square().flatten(1).sum(1)
    torch.testing.assert_close(penalty, 4 * 0.49 * squares)
    torch.testing.assert_close(logits, 0.7 * squares)
    # and it can be learnt from: d/da of 4 a^2 |x|^2 is 8 a |x|^2
    penalty.sum().backward()
    torch.testing.assert_close(scale.grad, 8 * 0.7 * squares.sum())


@pytest.mark.parametrize(("slope", "two_sided", "one_sided"), [(1.5, 4.0, 4.0), (0.25, 0.25, 0.0)])
def test_wgan_gp_of_a_linear_critic(slope, two_sided, one_sided):
    # D(x) = <w, x> has the gradient w everywhere; with four weights, |w| is twice the slope: 3 or 1/2.
    weight = torch.full((1, 2, 2), slope)
    real, fake = torch.randn(2, 3, 1, 2, 2)
    for sided, expected in ((False, two_sided), (True, one_sided)):
        critic = lambda x: (x * weight).flatten(1).sum(1)  # noqa: E731
        penalty = wgan_gp(critic, real, fake, torch.rand(3, 1, 1, 1), one_sided=sided)
        torch.testing.assert_close(penalty, torch.full((3,), expected))


def test_wgan_gp_interpolates_between_real_and_fake():
    seen = []

    def critic(x):
        seen.append(x.detach())
        return x.flatten(1).sum(1)

    real, fake = torch.ones(2, 1, 2, 2), torch.zeros(2, 1, 2, 2)
    wgan_gp(critic, real, fake, torch.tensor([0.25, 1.0]).reshape(2, 1, 1, 1))
    torch.testing.assert_close(seen[0], torch.tensor([0.25, 1.0]).reshape(2, 1, 1, 1).expand(2, 1, 2, 2))


def test_penalties_run_the_critic_in_float32_under_autocast():
    layer = nn.Conv2d(1, 1, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(torch.zeros(1, 1, 4, 4)).dtype == torch.bfloat16
        penalty, logits = r1(lambda x: layer(x).flatten(1).sum(1), torch.zeros(1, 1, 4, 4))
    assert logits.dtype == penalty.dtype == torch.float32


def test_the_gradient_compiles_and_is_the_same():
    """`aot_eager` traces everything that a compiler would be given, second derivatives too, and needs no C++."""
    network = nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(64, 1)).double()
    images = torch.randn(3, 1, 8, 8, dtype=torch.float64)
    compiled = torch.compile(input_gradient, backend="aot_eager", fullgraph=True)
    found = []
    for compute in (input_gradient, compiled):
        network.zero_grad()
        gradient, logits = compute(network, images)
        (zero_centred(gradient).mean() + one_centred(gradient).mean() + logits.mean()).backward()
        found.append([gradient.detach(), logits.detach(), *(p.grad.clone() for p in network.parameters())])
    for eager, traced in zip(*found, strict=True):
        torch.testing.assert_close(eager, traced, rtol=1e-12, atol=1e-12)
