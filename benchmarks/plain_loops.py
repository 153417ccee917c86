"""Training loops as most repositories have them, over a DataLoader, with the plugins' own networks.

What ours are held against: pictures come from a DataLoader with workers and pinned memory, a forward pass for each
player, every gradient computed, torch's default Adam, an average kept tensor by tensor, the loss asked for at each step
where it is usual. No checks, no keyed randomness, no resume.

Shapes: B batch, C channels, S size.
"""

import contextlib
import copy
import itertools
import math
import random

import torch
from torch.nn.functional import l1_loss, mse_loss, softplus
from torch.utils.data import DataLoader, TensorDataset


def loader(pictures, *, batch, device, workers):
    """Endless batches of float pictures in [-1, 1] on the device. pictures: a uint8 tensor (N, C, S, S) each."""
    data = DataLoader(
        TensorDataset(*pictures), batch, shuffle=True, drop_last=True, num_workers=workers,
        pin_memory=device.type == "cuda", persistent_workers=workers > 0,
    )  # fmt: skip
    while True:
        for parts in data:
            yield [part.to(device, non_blocking=True).float() / 127.5 - 1 for part in parts]


class Plain:
    """bf16: autocast around the passes."""

    def __init__(self, game, batches, device, *, bf16=False):
        self.game, self.batches, self.device, self.bf16 = game.to(device).train(), batches, device, bf16
        self.config, self.done = game.config, 0

    def autocast(self):
        return torch.autocast(self.device.type, torch.bfloat16) if self.bf16 else contextlib.nullcontext()

    def adam(self, *networks, lr, betas):
        return torch.optim.Adam(itertools.chain(*(network.parameters() for network in networks)), lr, betas)

    @torch.no_grad()
    def averaged(self, average, live, beta):
        for old, new in zip(average.parameters(), live.parameters(), strict=True):
            old.mul_(beta).add_(new, alpha=1 - beta)
        for old, new in zip(average.buffers(), live.buffers(), strict=True):
            old.copy_(new)


class PlainDCGAN(Plain):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        config, betas = self.config, (self.config.beta1, self.config.beta2)
        self.g, self.d = self.game.generator, self.game.discriminator
        self.average = copy.deepcopy(self.g)
        self.g_adam = self.adam(self.g, lr=config.generator_lr, betas=betas)
        self.d_adam = self.adam(self.d, lr=config.discriminator_lr, betas=betas)

    def step(self):
        (real,) = next(self.batches)
        z = torch.randn(len(real), self.config.latent_size, device=self.device)
        self.d_adam.zero_grad()
        with self.autocast():
            fake = self.g(z)
            loss = softplus(-self.d(real)).mean() + softplus(self.d(fake.detach())).mean()
        loss.backward()
        self.d_adam.step()
        self.g_adam.zero_grad()
        with self.autocast():
            loss = softplus(-self.d(fake)).mean()
        loss.backward()
        self.g_adam.step()
        self.averaged(self.average, self.g, 0.999)


class PlainCycleGAN(Plain):
    """fp32, contiguous, six generator passes, discriminators frozen while the generators learn, a pool in a list."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        game, betas = self.game, (0.5, 0.999)
        self.g_ab, self.g_ba, self.d_a, self.d_b = game.g_ab, game.g_ba, game.d_a, game.d_b
        self.judges = [*self.d_a.parameters(), *self.d_b.parameters()]
        self.g_adam = self.adam(self.g_ab, self.g_ba, lr=2e-4, betas=betas)
        self.d_adam = self.adam(self.d_a, self.d_b, lr=2e-4, betas=betas)
        self.pools = ([], [])

    def step(self):
        a, b = next(self.batches)
        for parameter in self.judges:
            parameter.requires_grad_(False)
        self.g_adam.zero_grad()
        with self.autocast():
            fake_b = self.g_ab(a)
            back_a = self.g_ba(fake_b)
            fake_a = self.g_ba(b)
            back_b = self.g_ab(fake_a)
            loss = self.aimed(self.d_b(fake_b), 1) + self.aimed(self.d_a(fake_a), 1)
            loss = loss + 10 * (l1_loss(back_a, a) + l1_loss(back_b, b))
            loss = loss + 5 * (l1_loss(self.g_ab(b), b) + l1_loss(self.g_ba(a), a))
        loss.backward()
        self.g_adam.step()
        for parameter in self.judges:
            parameter.requires_grad_(True)
        self.d_adam.zero_grad()
        for judge, real, fake, pool in ((self.d_a, a, fake_a, self.pools[0]), (self.d_b, b, fake_b, self.pools[1])):
            shown = self.exchange(pool, fake.detach())
            with self.autocast():
                half = (self.aimed(judge(real), 1) + self.aimed(judge(shown), 0)) / 2
            half.backward()
        self.d_adam.step()
        return loss.item()

    @staticmethod
    def aimed(logits, value):
        return mse_loss(logits, torch.full_like(logits, value))

    @staticmethod
    def exchange(pool, fake):
        if len(pool) < 50:
            pool.append(fake.clone())
            return fake
        if random.random() > 0.5:
            return fake
        place = random.randrange(50)
        old, pool[place] = pool[place], fake.clone()
        return old


class PlainStyleGAN2(Plain):
    """Own latents for each player, lazy R1 and path length in passes of their own (arXiv:1912.04958, appendix B)."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        config = self.config
        self.g, self.d = self.game.generator, self.game.discriminator
        self.average = copy.deepcopy(self.g)
        every = (config.path_every, config.penalty_every)
        rates = [
            (lr * k / (k + 1), (0.0, 0.99 ** (k / (k + 1))))
            for lr, k in zip((config.generator_lr, config.discriminator_lr), every, strict=True)
        ]
        self.g_adam, self.d_adam = (
            self.adam(network, lr=lr, betas=betas) for network, (lr, betas) in zip((self.g, self.d), rates, strict=True)
        )
        self.path_mean = torch.zeros((), device=self.device)

    def painted(self, count):
        synthesis = self.g.synthesis
        w, other = (self.g.mapping(torch.randn(count, self.config.latent_size, device=self.device)) for _ in "ab")
        ws = synthesis.for_each_layer(w)
        if random.random() < self.config.mixing:
            place = random.randrange(1, synthesis.layers)
            ws = torch.cat([ws[:, :place], synthesis.for_each_layer(other)[:, place:]], 1)
        return synthesis(ws, torch.randn(count, synthesis.pixels, device=self.device)), ws

    def step(self):
        (real,) = next(self.batches)
        config, count = self.config, len(real)
        self.d_adam.zero_grad()
        with self.autocast():
            with torch.no_grad():
                fake, _ = self.painted(count)
            loss = softplus(-self.d(real)).mean() + softplus(self.d(fake)).mean()
        loss.backward()
        self.d_adam.step()
        if self.done % config.penalty_every == 0:
            self.d_adam.zero_grad()
            shown = real.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.d(shown).sum(), shown, create_graph=True)
            gamma = config.penalty_weight if isinstance(config.penalty_weight, float) else 1.0
            (gradient.square().sum((1, 2, 3)).mean() * gamma / 2 * config.penalty_every).backward()
            self.d_adam.step()
        self.g_adam.zero_grad()
        with self.autocast():
            loss = softplus(-self.d(self.painted(count)[0])).mean()
        loss.backward()
        self.g_adam.step()
        if config.path_weight and self.done % config.path_every == 0:
            self.g_adam.zero_grad()
            images, ws = self.painted(max(1, count // config.path_shrink))
            noise = torch.randn_like(images) / math.sqrt(images.shape[2] * images.shape[3])
            (gradient,) = torch.autograd.grad((images * noise).sum(), ws, create_graph=True)
            lengths = gradient.square().sum(2).mean(1).sqrt()
            self.path_mean = self.path_mean.lerp(lengths.detach().mean(), config.path_decay)
            ((lengths - self.path_mean).square().mean() * config.path_weight * config.path_every).backward()
            self.g_adam.step()
        self.averaged(self.average, self.g, 0.999)
        self.done += 1
