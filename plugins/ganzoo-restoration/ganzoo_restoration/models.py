"""SRGAN (arXiv:1609.04802), ESRGAN (arXiv:1809.00219) and Real-ESRGAN (arXiv:2107.10833): which networks play.

ESRGAN's game is relativistic and takes means over the batch, C(.) being logits:

    D_r = C(y) - mean C(G(x));  D_f = C(G(x)) - mean C(y)
    L_D = (softplus(-D_r) + softplus(D_f)) / 2;  L_G = (softplus(D_r) + softplus(-D_f)) / 2, with C(y) held still

Deviations: with several ranks the means are over all of them. Real-ESRGAN's spectrum is normalised once a step.
Shapes: B batch, C channels, H, W, s scale.
"""

from torch import Tensor, nn
from torch.nn.functional import softplus

from ganzoo.architecture import Step
from ganzoo.errors import RequestError
from ganzoo_restoration import compact, rrdb, srresnet
from ganzoo_restoration.compact import SRVGGNetCompact
from ganzoo_restoration.config import ESRGANConfig, RealESRGANConfig, SRGANConfig
from ganzoo_restoration.discriminators import SRGANDiscriminator, UNetDiscriminator, VGGDiscriminator
from ganzoo_restoration.restoration import Adversarial, Restoration
from ganzoo_restoration.rrdb import RRDBNet
from ganzoo_restoration.srresnet import SRResNet

_ENLARGE = {1: (), 2: (2,), 3: (3,), 4: (2, 2), 8: (2, 2, 2)}
_UNSHUFFLE = {1: 4, 2: 2, 4: 1}
"""Of Real-ESRGAN's networks, which enlarge four times behind it."""


class SRGAN(Adversarial):
    config: SRGANConfig

    def build_generator(self) -> nn.Module:
        config, source, target = self.config, self.data.pictures["source"], self.data.pictures["target"]
        if config.scale == 3:
            raise RequestError("srgan enlarges by doubling, and 3 is no power of two.", hint="--set scale=4")
        return SRResNet(
            channels=source.channels,
            painted=target.channels,
            scale=config.scale,
            width=config.width,
            blocks=config.blocks,
            per_channel=config.slopes == "channel",
            bias=config.bias,
        )

    def build_discriminator(self) -> nn.Module:
        target = self.data.pictures["target"]
        _check_judged(type(self).__name__, target.height, target.width, SRGANDiscriminator.size_multiple)
        return SRGANDiscriminator(
            channels=target.channels,
            height=target.height,
            width=target.width,
            features=self.config.discriminator_width,
            bias=self.config.bias,
        )

    def reach(self) -> int:
        return srresnet.reach(self.config.blocks, self.config.scale)


class ESRGAN(Restoration):
    config: ESRGANConfig

    def build_generator(self) -> nn.Module:
        return _rrdb(self, _ENLARGE[self.config.scale], 1)

    def build_discriminator(self) -> nn.Module:
        target = self.data.pictures["target"]
        _check_judged(type(self).__name__, target.height, target.width, 4)
        return VGGDiscriminator(
            channels=target.channels,
            height=target.height,
            width=target.width,
            features=self.config.discriminator_width,
        )

    def reach(self) -> int:
        return rrdb.reach(self.config.blocks, _ENLARGE[self.config.scale], 1)

    def fooling(self, images: Tensor, good: Tensor, step: Step) -> Tensor:
        real, fake = self.discriminator(good).detach(), self.discriminator(images)
        to_real, to_fake = _relative(real, fake, step)
        return (softplus(to_real).mean() + softplus(-to_fake).mean()) / 2

    def judging(self, images: Tensor, good: Tensor, step: Step) -> tuple[Tensor, Tensor, Tensor]:
        real, fake = self.discriminator(good), self.discriminator(images)
        to_real, to_fake = _relative(real, fake, step)
        return (softplus(-to_real).mean() + softplus(to_fake).mean()) / 2, real, fake


class RealESRGAN(Adversarial):
    config: RealESRGANConfig
    degradation = "second-order"

    def build_generator(self) -> nn.Module:
        config, channels = self.config, self.data.pictures["source"].channels
        if config.generator == "compact":
            if channels != self.data.pictures["target"].channels:
                raise RequestError(
                    "The compact generator adds what it reads to what it paints, so both have the same channels.",
                    hint="--set data.channels=3, without data.source_channels",
                )
            return SRVGGNetCompact(
                channels=channels,
                scale=config.scale,
                width=config.width,
                convolutions=config.convolutions,
                activation=config.activation,
            )
        if config.scale not in _UNSHUFFLE:
            raise RequestError(
                f"The rrdb generator of real-esrgan enlarges 1, 2 or 4 times, not {config.scale}.",
                hint="--set generator=compact, or esrgan, enlarge by other numbers.",
            )
        self.size_multiple = _UNSHUFFLE[config.scale]
        return _rrdb(self, (2, 2), self.size_multiple)

    def build_discriminator(self) -> nn.Module:
        target = self.data.pictures["target"]
        _check_judged(type(self).__name__, target.height, target.width, UNetDiscriminator.size_multiple)
        return UNetDiscriminator(channels=target.channels, features=self.config.discriminator_width)

    def reach(self) -> int:
        config = self.config
        if config.generator == "compact":
            return compact.reach(config.convolutions)
        return rrdb.reach(config.blocks, (2, 2), _UNSHUFFLE[config.scale])


def _rrdb(architecture: ESRGAN | RealESRGAN, enlarge: tuple[int, ...], unshuffle: int) -> RRDBNet:
    config, pictures = architecture.config, architecture.data.pictures
    return RRDBNet(
        channels=pictures["source"].channels,
        painted=pictures["target"].channels,
        enlarge=enlarge,
        unshuffle=unshuffle,
        width=config.width,
        growth=config.growth,
        blocks=config.blocks,
    )


def _relative(real: Tensor, fake: Tensor, step: Step) -> tuple[Tensor, Tensor]:
    """C(y) - mean C(G(x)), and the reverse; (B, 1) each. The means are over the whole batch, of all ranks."""
    return real - step.gather(fake).mean(), fake - step.gather(real).mean()


def _check_judged(name: str, height: int, width: int, multiple: int) -> None:
    """Raises RequestError for good pictures of a size that a discriminator cannot judge."""
    if height % multiple or width % multiple:
        sides = "x".join(str(max(1, round(side / multiple)) * multiple) for side in (height, width))
        raise RequestError(
            f"The discriminator of {name} judges sides that are multiples of {multiple}, not {height}x{width}.",
            hint=f"--set data.size={sides}",
        )
