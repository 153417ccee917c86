"""The best hand-written DCGAN loop we know, over the plugin's own networks.

It does what a careful author would: one generator pass for both players, no gradient computed that
is thrown away, fused Adam, channels_last, an average kept with foreach operations, no
synchronisation. It does not check for divergence, log, key its randomness or resume.
"""

import copy
import time

import torch
from torch.nn.functional import softplus


class HandWritten:
    def __init__(self, generator, discriminator, *, latent_size, batch_size, lr, betas, half_life_kimg, pictures):
        memory = torch.channels_last
        self.generator = generator.to(memory_format=memory).train()
        self.discriminator = discriminator.to(memory_format=memory).train()
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.g_parameters, self.d_parameters = list(generator.parameters()), list(discriminator.parameters())
        self.g_adam = torch.optim.Adam(self.g_parameters, lr[0], betas, fused=True)
        self.d_adam = torch.optim.Adam(self.d_parameters, lr[1], betas, fused=True)
        live, kept = ([*m.parameters(), *m.buffers()] for m in (self.generator, self.average))
        floating = [index for index, tensor in enumerate(live) if tensor.is_floating_point()]
        self.live, self.kept = [live[i] for i in floating], [kept[i] for i in floating]
        self.weight = 1 - 0.5 ** (batch_size / 1000 / half_life_kimg)
        self.latent_size, self.batch_size = latent_size, batch_size
        self.pictures = pictures  # (N, C, S, S) float in [-1, 1]
        self.order = torch.randperm(len(pictures))
        self.position = 0

    def batch(self):
        if self.position + self.batch_size > len(self.order):
            self.order, self.position = torch.randperm(len(self.pictures)), 0
        chosen = self.order[self.position : self.position + self.batch_size]
        self.position += self.batch_size
        return self.pictures[chosen]

    def step(self):
        real = self.batch()
        fake = self.generator(torch.randn(self.batch_size, self.latent_size))
        d_loss = softplus(-self.discriminator(real)).mean() + softplus(self.discriminator(fake.detach())).mean()
        d_loss.backward(inputs=self.d_parameters)
        self.d_adam.step()
        self.d_adam.zero_grad(set_to_none=True)
        g_loss = softplus(-self.discriminator(fake)).mean()
        g_loss.backward(inputs=self.g_parameters)
        self.g_adam.step()
        self.g_adam.zero_grad(set_to_none=True)
        with torch.no_grad():
            torch._foreach_lerp_(self.kept, self.live, self.weight)

    def seconds(self, steps):
        began = time.perf_counter()
        for _ in range(steps):
            self.step()
        return time.perf_counter() - began
