"""vae: an autoencoder that paints, beside the adversarial ones; no discriminator judges it.

Paper: Auto-Encoding Variational Bayes, arXiv:1312.6114.

Shapes: B batch, P pixels (C * H * W), W width, Z latent.

With x a picture, the encoder's mean m and variance v of z, and one e ~ N(0, 1) for each picture:

    z  = m + v^(1/2) e
    L  = -log p(x | z) + beta 1/2 sum_z (m^2 + v - log v - 1)           the paper has beta = 1

    bernoulli   -log p = sum over pixels of the cross-entropy of x and the painted G(z), both as shares of white
    gaussian    -log p = sum over pixels of (x - G(z))^2 / (2 sigma^2)

Deviations from the paper: Adam in place of Adagrad; ReLU, and the width of `gan` beside it, in the presets for digits;
sigma is a setting and not learnt. beta is of arXiv:1804.03599's kind.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.architecture import Batch, Ema, FromNoise, Graph, Losses, Optimizer, Phase, Step
from ganzoo.tensors import BATCH, TensorSpec
from ganzoo_classics.config import VAEConfig

_ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU}


def hidden_layers(inputs: int, width: int, count: int, activation: str) -> list[nn.Module]:
    """Linear layers (B, inputs) -> (B, width), each with its activation."""
    layers: list[nn.Module] = []
    for layer in range(count):
        layers += [nn.Linear(width if layer else inputs, width), _ACTIVATIONS[activation]()]
    return layers


class Encoder(nn.Module):
    """Picture (B, C, H, W) -> mean and log variance of its latent, (B, Z) each."""

    def __init__(self, *, pixels: int, latent_size: int, width: int, layers: int, activation: str) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Flatten(), *hidden_layers(pixels, width, layers, activation))
        self.mean = nn.Linear(width, latent_size)
        self.log_variance = nn.Linear(width, latent_size)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.hidden(images)
        return self.mean(hidden), self.log_variance(hidden)


class Decoder(nn.Module):
    """z (B, Z) -> picture (B, C, H, W) in [-1, 1]."""

    def __init__(
        self, *, shape: tuple[int, int, int], latent_size: int, width: int, layers: int, activation: str
    ) -> None:
        super().__init__()
        self.shape = shape
        pixels = shape[0] * shape[1] * shape[2]
        self.layers = nn.Sequential(*hidden_layers(latent_size, width, layers, activation), nn.Linear(width, pixels))

    def logits(self, z: Tensor) -> Tensor:
        """Of each pixel's share of white, (B, C, H, W)."""
        logits: Tensor = self.layers(z)
        return logits.reshape(-1, *self.shape)

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.logits(z) / 2)  # 2 s(x) - 1


class VAE(FromNoise):
    config: VAEConfig
    generator: Decoder

    def build(self) -> None:
        super().build()
        config = self.config
        self.encoder = Encoder(
            pixels=self.data.picture.pixels,
            latent_size=config.latent_size,
            width=config.width,
            layers=config.layers,
            activation=config.activation,
        )

    def build_generator(self) -> nn.Module:
        config = self.config
        return Decoder(
            shape=self.data.picture.shape,
            latent_size=config.latent_size,
            width=config.width,
            layers=config.layers,
            activation=config.activation,
        )

    def optimizers(self) -> Mapping[str, Optimizer]:
        config = self.config
        betas = (config.beta1, config.beta2)
        return {"autoencoder": Optimizer(trains=("encoder", "generator"), lr=config.lr, betas=betas)}

    def phases(self) -> Sequence[Phase]:
        return [Phase(name="autoencoder", optimizer="autoencoder", loss=self.bound)]

    def bound(self, batch: Batch, step: Step) -> Losses:
        """The negative lower bound of the likelihood, a mean over pictures; statistics in nats for each picture."""
        mean, log_variance = (each.to(batch.real.dtype) for each in self.encoder(batch.real))  # (B, Z)
        z = mean + (log_variance / 2).exp() * self.draw_latents(batch, step)
        divergence = (mean.square() + log_variance.exp() - log_variance - 1).sum(1).mean() / 2
        pixels = self._surprise(self.generator.logits(z).to(batch.real.dtype), batch.real).flatten(1).sum(1).mean()
        return Losses({"pixels": pixels, "divergence": self.config.beta * divergence}, {"bound": -pixels - divergence})

    def _surprise(self, logits: Tensor, images: Tensor) -> Tensor:
        """-log p of each pixel, (B, C, H, W)."""
        if self.config.likelihood == "bernoulli":
            return F.binary_cross_entropy_with_logits(logits, (images + 1) / 2, reduction="none")
        return (torch.tanh(logits / 2) - images).square() / (2 * self.config.sigma**2)

    def ema(self) -> Ema | None:
        """Of both halves: an average of one would not fit the other."""
        plain = super().ema()
        if plain is None:
            return None
        return Ema(of=("encoder", "generator"), half_life_kimg=plain.half_life_kimg, rampup=plain.rampup)

    def graphs(self) -> Sequence[Graph]:
        """`generator`, and `encoder`: picture (B, C, H, W) -> mean, log_variance (B, Z)."""
        outputs = tuple(
            TensorSpec(name=name, shape=(BATCH, self.config.latent_size)) for name in ("mean", "log_variance")
        )
        encoder = Graph(
            name="encoder",
            role="embed",
            module=self.encoder,
            inputs=(self.picture_spec("image"),),
            outputs=outputs,
            reads="real",
        )
        return [*super().graphs(), encoder]

    def compile_networks(self, **options: object) -> None:
        """The bound goes past the generator's own forward, to the logits."""
        self.encoder.compile(**options)
        self.generator.layers.compile(**options)
