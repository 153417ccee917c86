from dataclasses import replace

import torch
from torch import nn

from ganzoo.architecture import Ema, Graph, Losses, NoiseToImage, Phase, value_at
from ganzoo.nn import freeze_first_layers
from ganzoo.objectives import at_least_float32, between, discriminator_loss, one_centred
from ganzoo.specs import BATCH, TensorSpec


class Generator(nn.Module):
    def __init__(self, latent_size, classes, width, shape):
        super().__init__()
        self.embed = nn.Embedding(classes, latent_size)
        self.layers = nn.Sequential(
            nn.Linear(latent_size, width), nn.Dropout(0.1), nn.LeakyReLU(0.2),
            nn.Linear(width, shape[0] * shape[1] * shape[2]), nn.Tanh(), nn.Unflatten(1, shape),
        )  # fmt: skip

    def forward(self, z, label, strength=None):
        z = z * self.embed(label)
        return self.layers(z if strength is None else z * strength[:, None])


class Discriminator(nn.Module):
    def __init__(self, classes, width, shape):
        super().__init__()
        self.embed = nn.Embedding(classes, width)
        self.first = nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], width), nn.SiLU())
        self.last = nn.Linear(width, 1)

    def forward(self, images, label):
        return self.last(self.first(images) * self.embed(label))


class PainterGAN(NoiseToImage):
    conditional = True
    sizes = (8, 16)
    channels_last = False

    def build(self):
        super().build()
        self.register_buffer("mean", torch.zeros(()))

    def build_generator(self):
        shape = (self.data.channels, self.data.size, self.data.size)
        return Generator(self.config.latent_size, self.data.classes, self.config.width, shape)

    def build_discriminator(self):
        shape = (self.data.channels, self.data.size, self.data.size)
        network = Discriminator(self.data.classes, self.config.width, shape)
        freeze_first_layers(network, 0)
        return network

    def painted(self, batch, step):
        return step.once("api1 fakes", lambda: self.fakes(batch, step), detach=True)

    def own_loss(self, batch, step):
        fakes = self.painted(batch, step)
        share = step.uniform("api1 share", len(batch), 1, 1, 1)
        images = between(batch.real, fakes, share)
        gradient, logits = self.input_gradient(self.critic(batch, step, "api1", compiled=False), images)
        weight = value_at(self.config.weight, step.kimg)
        terms = {"own": weight * one_centred(gradient).mean() + 0 * discriminator_loss("hinge", logits, logits)}
        return Losses(terms, {"norm": at_least_float32(logits.detach()).mean()})

    def phases(self):
        return [*super().phases(), Phase(name="own", optimizer="discriminator", loss=self.own_loss, every=2, lazy=True)]

    def ema(self):
        return Ema(of=("generator",), half_life_kimg=0.01, rampup=0.0)

    def finished(self):
        return super().finished() and bool(self.mean == self.mean)

    def remarks(self, kimg):
        return [*super().remarks(kimg), f"api1: {kimg:g} kimg are few"]

    def after_step(self, step, stats):
        super().after_step(step, stats)
        if "own.norm" in stats:
            self.mean.lerp_(stats["own.norm"], 0.1)

    def graphs(self):
        (plain,) = super().graphs()
        strength = TensorSpec(name="strength", shape=(BATCH,), draw="uniform", low=0.5, high=1.0, usual=0.75, stream=2)
        assert strength.stated(0.5, 2).shape == (2,) and strength.chosen([0, 1]).tolist() == [0.75, 0.75]
        whole = replace(plain, inputs=(*plain.inputs, strength))
        return [
            whole,
            Graph(name="again", module=plain.module, inputs=whole.inputs, outputs=whole.outputs, on_request=True),
        ]
