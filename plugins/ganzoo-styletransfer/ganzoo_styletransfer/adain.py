"""AdaIN: any style on any picture, by the statistics of features. There is no discriminator.

Paper: Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization, arXiv:1703.06868.
Deviations: none.

With enc the fixed encoder, c content, s style, a the strength:

    u = a adain(enc(c), enc(s)) + (1 - a) enc(c);   y = dec(u)
    L = MSE(enc(y), u) + 10 sum over relu1_1 .. relu4_1 of MSE(mean(y_k), mean(s_k)) + MSE(std(y_k), std(s_k))

Sources are content, targets are styles; each side has its own order and its own parts. a is 1 while training.
Pictures come in [-1, 1] and are [0, 1] for the networks. Shapes: B batch, C channels, H, W, and S, T of styles.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from ganzoo.architecture import Architecture, DataKind, Ema, Graph, Losses, Optimizer, Pair, Phase, Step, value_at
from ganzoo.errors import RequestError
from ganzoo.tensors import BATCH, Dim, TensorSpec
from ganzoo_styletransfer.config import AdaINConfig
from ganzoo_styletransfer.importing import read_encoder
from ganzoo_styletransfer.networks import SHRINKS, Decoder, Encoder, adaptive_instance_norm, statistics

RANDOM = "random"
_PAPER_BATCH = 8
_LEAST = 16  # pixels; mirrored borders want two in front of the last convolution


class AdaIN(Architecture):
    """`encoder` is fixed and part of what paints: a checkpoint and an exported file have it."""

    config: AdaINConfig
    wants: ClassVar[DataKind] = "domains"
    fixed: ClassVar[tuple[str, ...]] = ("encoder", "encoder_known")
    judged_by = "none"
    encoder_known: Tensor

    def build(self) -> None:
        channels = {picture.channels for picture in self.data.pictures.values()}
        if channels != {3}:
            raise RequestError("AdaIN's encoder sees colours.", hint="--set data.channels=3")
        for picture in self.data.pictures.values():
            if min(picture.height, picture.width) < _LEAST:
                raise RequestError(
                    f"AdaIN learns from pictures of {_LEAST} pixels and more, not {picture}.",
                    hint=f"--set data.size={_LEAST}",
                )
        self.encoder, self.decoder = Encoder(self.config.widths), Decoder(self.config.widths)
        self.encoder.requires_grad_(False)
        self.register_buffer("encoder_known", torch.zeros((), dtype=torch.bool))
        given = self.config.encoder
        if given == RANDOM:
            self.encoder_known.fill_(True)
        elif given and Path(given).expanduser().is_file():  # of a run, its own state has it, wherever the file is now
            self.encoder.load_state_dict(read_encoder(Path(given).expanduser(), self.config.widths))
            self.encoder_known.fill_(True)

    def warnings_before(self, kimg: float) -> Sequence[str]:
        if not self.encoder_known:
            given = self.config.encoder
            raise RequestError(
                f"encoder = {given!r}: there is no such file." if given else "AdaIN wants an encoder, and has none.",
                hint="--set encoder=vgg_normalised.pth, or torchvision's vgg19-dcbb9e9d.pth; or --init-from a run "
                "that was imported with one.",
            )
        if self.config.encoder == RANDOM:
            return ["encoder = random is for tests: features of a random network are no style"]
        return []

    def optimizers(self) -> Mapping[str, Optimizer]:
        config, steps_a_kimg = self.config, 1000 / _PAPER_BATCH

        def rate(kimg: float) -> float:  # lr / (1 + decay * steps), of batches as the paper has them
            return value_at(config.lr, kimg) / (1 + config.lr_decay * kimg * steps_a_kimg)

        return {"decoder": Optimizer(trains=("decoder",), lr=rate, betas=(config.beta1, config.beta2))}

    def phases(self) -> Sequence[Phase]:
        return [Phase(name="decoder", optimizer="decoder", loss=self.decoder_loss)]

    def ema(self) -> Ema | None:
        config = self.config
        if config.ema_half_life_kimg == 0:
            return None
        return Ema(of=("decoder",), half_life_kimg=config.ema_half_life_kimg, rampup=config.ema_rampup)

    def decoder_loss(self, batch: Pair, step: Step) -> Losses:
        content, style = (batch.source + 1) / 2, (batch.target + 1) / 2
        with torch.no_grad():
            wanted = [statistics(features) for features in self.encoder.features(style)]
            mixed = adaptive_instance_norm(self.encoder(content), *wanted[-1])  # u, at full strength
        made = self.encoder.features(self.decoder(mixed))
        shown = mse_loss(made[-1], mixed)
        styled = made[0].new_zeros(())
        for features, (mean, std) in zip(made, wanted, strict=True):
            own_mean, own_std = statistics(features)
            styled = styled + mse_loss(own_mean, mean) + mse_loss(own_std, std)
        terms = {"content": self.config.content_weight * shown, "style": self.config.style_weight * styled}
        return Losses(terms, {"content": shown.detach(), "style": styled.detach()})

    def graphs(self) -> Sequence[Graph]:
        """`stylize`: content, style and strength to a picture. On request the two halves, for a style that stays."""
        source, target = self.data.pictures["source"], self.data.pictures["target"]

        def side(name: str, size: int, rounded: int = 1) -> Dim:
            return Dim(name=name, least=_LEAST, default=size, rounded=rounded)

        sides = side("height", source.height), side("width", source.width)
        made = side("height", source.height, SHRINKS), side("width", source.width, SHRINKS)
        style_sides = side("style_height", target.height), side("style_width", target.width)
        content = TensorSpec(name="content", shape=(BATCH, 3, *sides), kind="picture", low=0.0, high=1.0)
        style = TensorSpec(name="style", shape=(BATCH, 3, *style_sides), kind="picture", low=0.0, high=1.0, stream=1)
        strength = TensorSpec(name="strength", shape=(BATCH,), kind="number", low=0.0, high=1.0, default=1.0, stream=2)
        painted = TensorSpec(name="stylized", shape=(BATCH, 3, *made), kind="picture", low=0.0, high=1.0)
        numbers = (BATCH, self.config.widths[-1])
        mean = TensorSpec(name="mean", shape=numbers, kind="vector", low=-1.0, high=1.0, stream=3)
        std = TensorSpec(name="std", shape=numbers, kind="vector", low=0.1, high=1.0, stream=4)
        return [
            Graph(
                name="stylize", role="translate", module=_Stylize(self.encoder, self.decoder),
                inputs=(content, style, strength), outputs=(painted,), reads="source", paints="source",
                beside={"style": "target"},
            ),
            Graph(
                name="style_encoder", role="embed", module=_StyleEncoder(self.encoder), inputs=(style,),
                outputs=(mean, std), reads="target", on_request=True,
            ),
            Graph(
                name="stylize_statistics", role="translate", module=_StylizeStatistics(self.encoder, self.decoder),
                inputs=(content, mean, std, strength), outputs=(painted,), reads="source", paints="source",
                on_request=True,
            ),
        ]  # fmt: skip


class _StylizeStatistics(nn.Module):
    """(content (B, 3, H, W), mean (B, F), std (B, F), strength (B,)) -> (B, 3, H, W)."""

    def __init__(self, encoder: Encoder, decoder: Decoder) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, content: Tensor, mean: Tensor, std: Tensor, strength: Tensor) -> Tensor:
        features = self.encoder(content)
        moved = adaptive_instance_norm(features, mean[:, :, None, None], std[:, :, None, None])
        images: Tensor = self.decoder(features + strength[:, None, None, None] * (moved - features))
        return images


class _StyleEncoder(nn.Module):
    """(B, 3, S, T) -> mean and std of its features, (B, F) each."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, style: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = statistics(self.encoder(style))
        return mean[:, :, 0, 0], std[:, :, 0, 0]


class _Stylize(_StylizeStatistics):
    """(content (B, 3, H, W), style (B, 3, S, T), strength (B,)) -> (B, 3, H, W)."""

    def forward(self, content: Tensor, style: Tensor, strength: Tensor) -> Tensor:  # type: ignore[override]
        mean, std = statistics(self.encoder(style))
        return super().forward(content, mean[:, :, 0, 0], std[:, :, 0, 0], strength)
