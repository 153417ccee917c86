"""GANs at toy size, against which the contract was settled: five of its first version (docs/decisions/0001-contract.md)
and, in `plugin.py`, the six shapes of its second, which a test installs as a distribution of a stranger.
"""

from ganzoo import ArchitectureSpec, Preset
from ganzoo.plugin.installed import InstalledSpec
from toy_zoo import plugin

_TINY_NOISE = Preset(
    summary="for tests",
    architecture={"latent_size": 4},
    train={"batch_size": 4, "steps": 4, "sample_count": 4},
    data={"size": 8, "channels": 1},
)
_TINY_PAIR = Preset(
    summary="for tests",
    train={"batch_size": 2, "steps": 4, "sample_count": 4},
    data={"size": 8, "channels": 1},
)

SPECS = [
    ArchitectureSpec(
        name="toy-wgan-gp",
        task="noise-to-image",
        summary="Wasserstein loss, gradient penalty, five critic steps",
        paper="arXiv:1704.00028",
        implementation="toy_zoo.wgan_gp:WGANGP",
        config="toy_zoo.wgan_gp:Config",
        presets={"tiny": _TINY_NOISE},
    ),
    ArchitectureSpec(
        name="toy-stylegan2",
        task="noise-to-image",
        summary="lazy R1 and path length, style mixing, averaged w",
        paper="arXiv:1912.04958",
        implementation="toy_zoo.stylegan2:StyleGAN2",
        config="toy_zoo.stylegan2:Config",
        presets={"tiny": _TINY_NOISE},
    ),
    ArchitectureSpec(
        name="toy-cyclegan",
        task="image-to-image",
        summary="two generators, two discriminators, a pool of past fakes",
        paper="arXiv:1703.10593",
        implementation="toy_zoo.cyclegan:CycleGAN",
        presets={"tiny": _TINY_PAIR},
    ),
    ArchitectureSpec(
        name="toy-conditional",
        task="noise-to-image",
        summary="class-conditional, labels reach both players",
        implementation="toy_zoo.conditional:ConditionalGAN",
        presets={"tiny": _TINY_NOISE},
    ),
    ArchitectureSpec(
        name="toy-stranger",
        task="noise-to-image",
        summary="a stranger's: nn.Dropout and torch.randn in the networks, RMSprop",
        implementation="toy_zoo.stranger:StrangersGAN",
        presets={"tiny": _TINY_NOISE},
    ),
]

OFFERS = [InstalledSpec(spec=spec, distribution="toy-zoo", version="1.0") for spec in SPECS]
SHAPES = [InstalledSpec(spec=spec, distribution="toy-zoo", version="1.0") for spec in plugin.ganzoo_architectures()]
