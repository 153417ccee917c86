"""A variational autoencoder (arXiv:1312.6114): no discriminator, and an encoder beside the generator.

loss = |G(z) - x|^2 / 2 + beta KL(q(z|x) || N(0, 1)),  z = mean + exp(log_variance / 2) e,  e ~ N(0, 1)
"""

from dataclasses import dataclass
from typing import Annotated

from torch import nn

from ganzoo.architecture import Ema, FromNoise, Graph, Losses, Optimizer, Phase
from ganzoo.config import FromNoiseConfig, Ge, Gt, Help
from ganzoo.tensors import BATCH, TensorSpec
from toy_zoo.networks import Painter


@dataclass(frozen=True, kw_only=True, slots=True)
class Config(FromNoiseConfig):
    beta: Annotated[float, Ge(0), Help("weight of the divergence from N(0, 1)")] = 1.0
    lr: Annotated[float, Gt(0), Help("Adam learning rate")] = 1e-3


class Encoder(nn.Module):
    def __init__(self, pixels, latent):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(pixels, 32), nn.ReLU(), nn.Linear(32, 2 * latent))

    def forward(self, images):
        mean, log_variance = self.layers(images).chunk(2, 1)
        return mean, log_variance


class VAE(FromNoise):
    config: Config

    def build(self):
        super().build()
        self.encoder = Encoder(self.data.picture.pixels, self.config.latent_size)

    def build_generator(self):
        return Painter(self.config.latent_size, self.data.channels, self.data.size)

    def optimizers(self):
        return {"both": Optimizer(trains=("generator", "encoder"), lr=self.config.lr)}

    def phases(self):
        return [Phase(name="elbo", optimizer="both", loss=self.elbo)]

    def elbo(self, batch, step):
        mean, log_variance = self.encoder(batch.real)
        painted = self.generator(mean + (log_variance / 2).exp() * self.draw_latents(batch, step))
        divergence = (mean.square() + log_variance.exp() - log_variance - 1).sum(1).mean() / 2
        pixels = (painted - batch.real).square().flatten(1).sum(1).mean() / 2
        return Losses({"pixels": pixels, "divergence": self.config.beta * divergence})

    def ema(self):
        return Ema(of=("generator", "encoder"), half_life_kimg=self.config.ema_half_life_kimg)

    def graphs(self):
        latents = [TensorSpec(name=name, shape=(BATCH, self.config.latent_size)) for name in ("mean", "log_variance")]
        encoder = Graph(
            name="encoder", role="embed", module=self.encoder, inputs=(self.picture_spec("image"),),
            outputs=tuple(latents), reads="real",
        )  # fmt: skip
        return [*super().graphs(), encoder]
