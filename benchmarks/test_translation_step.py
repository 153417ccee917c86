"""A training step of CycleGAN at 256x256 beside the usual hand-written one, switch by switch.

The usual one, as most repositories have it: fp32, contiguous, six generator passes, discriminators frozen while the
generators learn, foreach Adam, a pool in a list. The networks are the plugin's in both.
"""

import itertools
import random
import time

import pytest
import torch
from ganzoo_cyclegan.config import CycleGANConfig
from ganzoo_cyclegan.cyclegan import CycleGAN
from pairs import compare
from torch.nn.functional import l1_loss, mse_loss

from ganzoo import DataInfo
from ganzoo.architecture import Pair
from ganzoo.training.engine import Engine

SIZE = 256
PAIRS = 4
AT_LEAST = {"cpu": 1.2, "cuda": 2.0}

CASES = {
    "as it comes on a CPU (fp32)": {},
    "compile": {"compile": "on"},
    "bf16": {"bf16": True},
    "bf16 and compile": {"bf16": True, "compile": "on"},
}


class Usual:
    def __init__(self, game, device):
        game = game.to(device)
        self.g_ab, self.g_ba, self.d_a, self.d_b = game.g_ab, game.g_ba, game.d_a, game.d_b
        self.judges = [*self.d_a.parameters(), *self.d_b.parameters()]
        betas = (0.5, 0.999)
        self.g_adam = torch.optim.Adam(itertools.chain(self.g_ab.parameters(), self.g_ba.parameters()), 2e-4, betas)
        self.d_adam = torch.optim.Adam(self.judges, 2e-4, betas)
        self.pools = ([], [])

    def step(self, a, b):
        for parameter in self.judges:
            parameter.requires_grad_(False)
        self.g_adam.zero_grad()
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
            ((self.aimed(judge(real), 1) + self.aimed(judge(shown), 0)) / 2).backward()
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


@pytest.mark.parametrize("case", CASES)
def test_step(case, report):
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def build():
        torch.manual_seed(0)
        return CycleGAN(CycleGANConfig(), DataInfo(channels=3, size=SIZE))

    generator = torch.Generator().manual_seed(0)
    shown = [torch.randint(256, (2, 1, 3, SIZE, SIZE), generator=generator, dtype=torch.uint8) for _ in range(4)]
    engine = Engine(build(), seed=0, batch_size=1, device=device, **CASES[case])
    usual = Usual(build(), device)
    done = 0

    def ours():
        nonlocal done
        source, target = shown[done % 4]
        began = time.perf_counter()
        engine.step(done, engine.prepare(Pair(source=source, target=target)))
        engine.means()  # asks the device, as the other does
        done += 1
        return time.perf_counter() - began

    def theirs():
        source, target = (side.to(device) for side in shown[done % 4])
        began = time.perf_counter()
        usual.step(source.float() / 127.5 - 1, target.float() / 127.5 - 1)
        return time.perf_counter() - began

    for _ in range(4):  # a compiled step is compiled again when something of it changes for the first time
        ours()
    theirs()
    comparison = compare(ours, theirs, pairs=PAIRS)
    report(f"cyclegan 256, {case}", **comparison.facts("seconds_per_step"), bound=round(1 / AT_LEAST[device.type], 3))
    if case == "bf16":
        assert comparison.ratio <= 1 / AT_LEAST[device.type]
