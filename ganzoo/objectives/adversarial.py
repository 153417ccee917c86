"""The adversarial losses, by name.

`real` and `fake` are logits of any shape; every loss is a mean over all of them, in float32 or wider.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import relu, softplus

from ganzoo.objectives.dtype import at_least_float32

RELATIVE = frozenset({"wasserstein", "relativistic"})
"""Objectives that see only differences D(x) - D(G(z)): zero means nothing by itself."""


def discriminator_loss(objective: str, real: Tensor, fake: Tensor) -> Tensor:
    """What the discriminator minimises, a scalar. Raises ValueError for an unknown objective."""
    real, fake = at_least_float32(real), at_least_float32(fake)
    match objective:
        case "minimax" | "non-saturating":  # -log sigmoid(D(x)) - log(1 - sigmoid(D(G(z)))), arXiv:1406.2661
            return softplus(-real).mean() + softplus(fake).mean()
        case "least-squares":  # 1/2 (D(x) - 1)^2 + 1/2 D(G(z))^2, arXiv:1611.04076
            return ((real - 1).square().mean() + fake.square().mean()) / 2
        case "hinge":  # max(0, 1 - D(x)) + max(0, 1 + D(G(z))), arXiv:1802.05957
            return relu(1 - real).mean() + relu(1 + fake).mean()
        case "wasserstein":  # D(G(z)) - D(x), arXiv:1701.07875
            return fake.mean() - real.mean()
        case "relativistic":  # -log sigmoid(D(x) - D(G(z))) in pairs, arXiv:1807.00734
            return softplus(fake - real).mean()
    raise ValueError(f"unknown objective {objective!r}")


def generator_loss(objective: str, fake: Tensor, real: Tensor | None = None) -> Tensor:
    """What the generator minimises, a scalar.

    real: the logits of as many reals, which only `relativistic` needs. Raises ValueError for an unknown
    objective, or a relativistic one without reals.
    """
    fake = at_least_float32(fake)
    match objective:
        case "minimax":  # log(1 - sigmoid(D(G(z)))), whose slope vanishes where D is sure
            return -softplus(fake).mean()
        case "non-saturating":  # -log sigmoid(D(G(z)))
            return softplus(-fake).mean()
        case "least-squares":  # 1/2 (D(G(z)) - 1)^2
            return (fake - 1).square().mean() / 2
        case "hinge" | "wasserstein":  # -D(G(z))
            return -fake.mean()
        case "relativistic" if real is not None:  # -log sigmoid(D(G(z)) - D(x))
            return softplus(at_least_float32(real) - fake).mean()
        case "relativistic":
            raise ValueError("the relativistic objective needs the logits of reals for the generator too")
    raise ValueError(f"unknown objective {objective!r}")


def margins(objective: str, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """How far on the side of `real` the discriminator puts reals and fakes; correct is (positive, negative).

    Logits about their decision boundary; for the objectives in RELATIVE, a real's about its fake's and the reverse.
    """
    if objective in RELATIVE:
        return real - fake, fake - real
    boundary = 0.5 if objective == "least-squares" else 0.0
    return real - boundary, fake - boundary
