"""CycleGAN's game (arXiv:1703.10593) on toy networks: generators first, a pool that is a buffer, linear decay."""

import torch
from torch import nn
from torch.nn.functional import l1_loss

from ganzoo.architecture import Direction, Ema, ImageToImage, Losses, Optimizer, Phase
from ganzoo.nn import ReflectionPad2d
from ganzoo.objectives import discriminator_loss, generator_loss
from toy_zoo.networks import Judge

POOL = 4


class Translator(nn.Module):
    """(B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, channels):
        super().__init__()
        self.layers = nn.Sequential(
            ReflectionPad2d(1),
            nn.Conv2d(channels, 8, 3),
            nn.InstanceNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, channels, 3, 1, 1),
            nn.Tanh(),
        )

    def forward(self, images):
        return self.layers(images)


class CycleGAN(ImageToImage):
    least_size = 4

    def build(self):
        self.g_ab, self.g_ba = Translator(self.data.channels), Translator(self.data.channels)
        self.d_a, self.d_b = Judge(self.data.channels), Judge(self.data.channels)
        shape = (POOL, self.data.channels, self.data.size, self.data.size)
        for side in "ab":
            self.register_buffer(f"pool_{side}", torch.zeros(shape))
            self.register_buffer(f"pooled_{side}", torch.zeros((), dtype=torch.int64))

    def directions(self):
        return {
            "a2b": Direction(network=self.g_ab, reads="source", paints="target"),
            "b2a": Direction(network=self.g_ba, reads="target", paints="source"),
        }

    def optimizers(self):
        def lr(kimg):
            return self.config.lr * min(1.0, max(0.0, 2 - kimg / 0.01))

        betas = (self.config.beta1, self.config.beta2)
        return {
            "generators": Optimizer(trains=("g_ab", "g_ba"), lr=lr, betas=betas),
            "discriminators": Optimizer(trains=("d_a", "d_b"), lr=lr, betas=betas),
        }

    def phases(self):
        return [
            Phase(name="generators", optimizer="generators", loss=self.generators_loss),
            Phase(name="discriminators", optimizer="discriminators", loss=self.discriminators_loss),
        ]

    def ema(self):
        return Ema(of=("g_ab", "g_ba"), half_life_kimg=0.01)

    def fakes(self, batch, step, detach=False):
        return step.shared("fakes", lambda: (self.g_ba(batch.target), self.g_ab(batch.source)), detach=detach)

    def generators_loss(self, batch, step):
        fake_a, fake_b = self.fakes(batch, step)
        cycle = l1_loss(self.g_ba(fake_b), batch.source) + l1_loss(self.g_ab(fake_a), batch.target)
        adversarial = sum(generator_loss("least-squares", d(x)) for d, x in ((self.d_a, fake_a), (self.d_b, fake_b)))
        return Losses({"adversarial": adversarial, "cycle": 10 * cycle})

    def discriminators_loss(self, batch, step):
        terms = {}
        fakes = self.fakes(batch, step, detach=True)
        for side, fake, real, judge in zip(
            "ab", fakes, (batch.source, batch.target), (self.d_a, self.d_b), strict=True
        ):
            draws = step.uniform(f"pool {side}", len(fake), 2)
            shown = step.local_rows(self.exchange(side, step.gather(fake), step.gather(draws)))
            terms[side] = discriminator_loss("least-squares", judge(real), judge(shown)) / 2
        return Losses(terms)

    @torch.no_grad()
    def exchange(self, side, fakes, draws):
        """Each fake is shown as it is, or, with probability 1/2, an older one that it replaces. All ranks do all."""
        pool, pooled = getattr(self, f"pool_{side}"), getattr(self, f"pooled_{side}")
        shown = []
        for fake, (coin, place) in zip(fakes, draws, strict=True):
            full = pooled >= POOL  # no `if`: a GPU would have to be waited for
            index = torch.where(full, (place * POOL).long().clamp(max=POOL - 1), pooled)[None]
            old = pool.index_select(0, index)[0]
            kept = ~full | (coin < 0.5)
            shown.append(torch.where(full & kept, old, fake))
            pool.index_copy_(0, index, torch.where(kept, fake, old)[None])
            pooled += ~full
        return torch.stack(shown)
