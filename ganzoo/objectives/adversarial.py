"""The adversarial losses, by name.

`real` and `fake` are logits of any shape; every loss is a mean over all of them, in float32.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import relu, softplus


def discriminator_loss(objective: str, real: Tensor, fake: Tensor) -> Tensor:
    """What the discriminator minimises, a scalar. Raises ValueError for an unknown objective."""
    real, fake = real.float(), fake.float()
    match objective:
        case "non-saturating":  # -log sigmoid(D(x)) - log(1 - sigmoid(D(G(z)))), arXiv:1406.2661
            return softplus(-real).mean() + softplus(fake).mean()
        case "least-squares":  # 1/2 (D(x) - 1)^2 + 1/2 D(G(z))^2, arXiv:1611.04076
            return ((real - 1).square().mean() + fake.square().mean()) / 2
        case "hinge":  # max(0, 1 - D(x)) + max(0, 1 + D(G(z))), arXiv:1802.05957
            return relu(1 - real).mean() + relu(1 + fake).mean()
        case "wasserstein":  # D(G(z)) - D(x), arXiv:1701.07875
            return fake.mean() - real.mean()
    raise ValueError(f"unknown objective {objective!r}")


def generator_loss(objective: str, fake: Tensor) -> Tensor:
    """What the generator minimises, a scalar. Raises ValueError for an unknown objective."""
    fake = fake.float()
    match objective:
        case "non-saturating":  # -log sigmoid(D(G(z)))
            return softplus(-fake).mean()
        case "least-squares":  # 1/2 (D(G(z)) - 1)^2
            return (fake - 1).square().mean() / 2
        case "hinge" | "wasserstein":  # -D(G(z))
            return -fake.mean()
    raise ValueError(f"unknown objective {objective!r}")
