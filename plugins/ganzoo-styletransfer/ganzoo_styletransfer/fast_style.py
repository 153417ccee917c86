"""Fast style transfer: one network that paints in one style. There is no discriminator.

Paper: Perceptual Losses for Real-Time Style Transfer and Super-Resolution, arXiv:1603.08155; the network and the
weights of the losses are those of pytorch/examples.
Deviations: those of the network, see `networks`.

With f_k features, Gram(F) = F F^T / (C H W), s the picture of the style:

    L = 1e5 sum_k MSE(f_k(y), f_k(x)) + 1e10 sum_k MSE(Gram(f_k(y)), Gram(f_k(s)))

Pictures come in [-1, 1] and are [0, 255] for the network. Shapes: B batch, C channels, H, W.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from ganzoo.architecture import Architecture, Batch, DataKind, Ema, Graph, Losses, Optimizer, Phase, Step
from ganzoo.architecture.perceptual import FeatureExtractor, Fingerprint, open_extractor, read_layers
from ganzoo.errors import RequestError, one_line
from ganzoo.files import sha256
from ganzoo.tensors import BATCH, Dim, TensorSpec
from ganzoo_styletransfer.config import FastStyleConfig
from ganzoo_styletransfer.networks import TransformerNet

_MULTIPLE, _LEAST = 4, 16
_MOST_SIDE = 512  # pixels of the style picture; its Gram matrices are means, and a larger one takes memory


class FastStyle(Architecture):
    config: FastStyleConfig
    wants: ClassVar[DataKind] = "pictures"
    judged_by = "none"

    def build(self) -> None:
        picture, config = self.data.picture, self.config
        if picture.channels != 3:
            raise RequestError("Fast style transfer paints colours.", hint="--set data.channels=3")
        if picture.height % _MULTIPLE or picture.width % _MULTIPLE or min(picture.height, picture.width) < _LEAST:
            sides = [max(_LEAST, round(side / _MULTIPLE) * _MULTIPLE) for side in (picture.height, picture.width)]
            raise RequestError(
                f"Fast style transfer learns from pictures of multiples of {_MULTIPLE} from {_LEAST}, not {picture}.",
                hint=f"--set data.size={'x'.join(map(str, sides))}",
            )
        self.transformer = TransformerNet(widths=config.widths, blocks=config.blocks)
        self.perceptual_file, self.style_file = Fingerprint(), Fingerprint()
        self._extractors: list[FeatureExtractor] = []  # in a list: it is no part of the model, nor of a checkpoint
        self._grams: list[Tensor] = []

    def warnings_before(self, kimg: float) -> Sequence[str]:
        if not self.config.style or not self.config.perceptual:
            lacking = "style picture" if not self.config.style else "feature network"
            raise RequestError(
                f"Fast style transfer has no {lacking} to learn from.",
                hint="--set style=wave.jpg --set perceptual=vgg16-397923af.pth",
            )
        return []

    def optimizers(self) -> Mapping[str, Optimizer]:
        config = self.config
        return {"transformer": Optimizer(trains=("transformer",), lr=config.lr, betas=(config.beta1, config.beta2))}

    def phases(self) -> Sequence[Phase]:
        config = self.config
        if config.perceptual:
            layers = [*self._content(), *self._style()]
            self._extractors = [open_extractor(config.perceptual, list(dict.fromkeys(layers)), "perceptual")]
            self._grams = []
        return [Phase(name="transformer", optimizer="transformer", loss=self.transformer_loss)]

    def _content(self) -> Mapping[str, float]:
        return read_layers(self.config.content_layers, "content_layers")

    def _style(self) -> Mapping[str, float]:
        return read_layers(self.config.style_layers, "style_layers")

    def _style_picture(self) -> Tensor:
        """(1, 3, H, W) in [0, 1]. Raises RequestError for no picture, CheckpointError for another than at first."""
        from ganzoo.data.decoding import opened_pictures
        from ganzoo.data.pictures import pixels_of

        text = self.config.style
        try:
            path = Path(text).expanduser()
            digest = sha256(path)
            with opened_pictures([path], [3]) as (image,):
                image.thumbnail((_MOST_SIDE, _MOST_SIDE))
                pixels: Any = pixels_of(image)
        except Exception as error:  # damaged files make decoders raise anything
            raise RequestError(f"style = {text!r} cannot be read as a picture: {one_line(error)}") from None
        self.style_file.check(digest, f"The picture of the style, {text},")
        return torch.from_numpy(pixels)[None].to(torch.float32) / 255

    def ema(self) -> Ema | None:
        config = self.config
        if config.ema_half_life_kimg == 0:
            return None
        return Ema(of=("transformer",), half_life_kimg=config.ema_half_life_kimg, rampup=config.ema_rampup)

    def transformer_loss(self, batch: Batch, step: Step) -> Losses:
        config, given = self.config, (batch.real + 1) / 2
        images = self.transformer(given * 255) / 255
        if not self._extractors:  # of a test: what is painted shall be what is given
            return Losses({"pixels": mse_loss(images, given)})
        network = self._extractors[0].to(images.device)
        made = network(images)
        with torch.no_grad():
            true = network(given)
            if not self._grams:
                self.perceptual_file.check(network.digest, f"The feature network {config.perceptual}")
                features = network(self._style_picture().to(images.device))
                self._grams = [gram(features[name]) for name in self._style()]
        shown, styled = images.new_zeros(()), images.new_zeros(())
        for name, weight in self._content().items():
            shown = shown + weight * mse_loss(made[name], true[name])
        for (name, weight), wanted in zip(self._style().items(), self._grams, strict=True):
            styled = styled + weight * mse_loss(gram(made[name]), wanted.expand(len(images), -1, -1))
        terms = {"content": config.content_weight * shown, "style": config.style_weight * styled}
        if config.smoothness_weight:
            down, across = images.diff(dim=2).abs().mean(), images.diff(dim=3).abs().mean()
            terms["smoothness"] = config.smoothness_weight * (down + across)
        return Losses(terms, {"content": shown.detach(), "style": styled.detach()})

    def graphs(self) -> Sequence[Graph]:
        picture = self.data.picture
        content, painted = (
            TensorSpec(
                name=name,
                shape=(
                    BATCH,
                    3,
                    Dim(name="height", least=_LEAST, default=picture.height, rounded=rounded),
                    Dim(name="width", least=_LEAST, default=picture.width, rounded=rounded),
                ),
                kind="picture",
                low=0.0,
                high=255.0,
            )
            for name, rounded in (("content", 1), ("stylized", _MULTIPLE))
        )
        return [
            Graph(
                name="stylize", role="translate", module=self.transformer, inputs=(content,), outputs=(painted,),
                reads="real", paints="real",
            )
        ]  # fmt: skip


def gram(features: Tensor) -> Tensor:
    """(B, C, H, W) -> F F^T / (C H W), (B, C, C)."""
    flat = features.flatten(2)
    product: Tensor = flat @ flat.transpose(1, 2)
    return product / (features.shape[1] * flat.shape[2])
