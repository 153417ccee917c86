"""Losses against values worked out by hand, penalties against critics whose gradient is known."""

import math

import pytest
import torch

from ganzoo.objectives import discriminator_loss, generator_loss, r1, wgan_gp

REAL = torch.tensor([2.0, 0.0])
FAKE = torch.tensor([-1.0, 3.0])


def softplus(x):
    return math.log1p(math.exp(x))


@pytest.mark.parametrize(
    ("objective", "discriminator", "generator"),
    [
        (
            "non-saturating",
            (softplus(-2) + softplus(0)) / 2 + (softplus(-1) + softplus(3)) / 2,
            (softplus(1) + softplus(-3)) / 2,
        ),
        ("least-squares", ((1 + 1) / 2 + (1 + 9) / 2) / 2, (4 + 4) / 2 / 2),
        ("hinge", (0 + 1) / 2 + (0 + 4) / 2, -1.0),
        ("wasserstein", 1.0 - 1.0, -1.0),
    ],
)
def test_values_worked_out_by_hand(objective, discriminator, generator):
    assert discriminator_loss(objective, REAL, FAKE).item() == pytest.approx(discriminator, rel=1e-6)
    assert generator_loss(objective, FAKE).item() == pytest.approx(generator, rel=1e-6)


def test_losses_are_float32_whatever_the_logits():
    for objective in ("non-saturating", "least-squares", "hinge", "wasserstein"):
        assert discriminator_loss(objective, REAL.bfloat16(), FAKE.bfloat16()).dtype == torch.float32
        assert generator_loss(objective, FAKE.bfloat16()).dtype == torch.float32


def test_an_unknown_objective_is_named():
    with pytest.raises(ValueError, match="unknown objective 'hingy'"):
        discriminator_loss("hingy", REAL, FAKE)
    with pytest.raises(ValueError, match="unknown objective 'hingy'"):
        generator_loss("hingy", FAKE)


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


def test_wgan_gp_of_a_linear_critic():
    # D(x) = <w, x> has the gradient w everywhere.
    weight = torch.full((1, 2, 2), 1.5)
    real, fake = torch.randn(2, 3, 1, 2, 2)
    penalty = wgan_gp(lambda x: (x * weight).flatten(1).sum(1), real, fake, torch.rand(3, 1, 1, 1))
    torch.testing.assert_close(penalty, torch.full((3,), (3.0 - 1.0) ** 2))  # |w| = sqrt(4 * 2.25) = 3


def test_wgan_gp_interpolates_between_real_and_fake():
    seen = []

    def critic(x):
        seen.append(x.detach())
        return x.flatten(1).sum(1)

    real, fake = torch.ones(2, 1, 2, 2), torch.zeros(2, 1, 2, 2)
    wgan_gp(critic, real, fake, torch.tensor([0.25, 1.0]).reshape(2, 1, 1, 1))
    torch.testing.assert_close(seen[0], torch.tensor([0.25, 1.0]).reshape(2, 1, 1, 1).expand(2, 1, 2, 2))


def test_penalties_run_the_critic_in_float32_under_autocast():
    layer = torch.nn.Conv2d(1, 1, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(torch.zeros(1, 1, 4, 4)).dtype == torch.bfloat16
        penalty, logits = r1(lambda x: layer(x).flatten(1).sum(1), torch.zeros(1, 1, 4, 4))
    assert logits.dtype == penalty.dtype == torch.float32
