import torch
from torch import nn
from torch.nn.functional import l1_loss

from ganzoo.architecture import Direction, ImageToImage, Losses, Optimizer, Phase
from ganzoo.nn import Stepwise


class Counter(Stepwise):
    def __init__(self):
        super().__init__()
        self.register_buffer("steps", torch.zeros(()))

    def advance(self):
        self.steps += 1


class Translation(ImageToImage):
    size_multiple = 2
    least_size = 4

    def build(self):
        channels = self.data.channels
        self.g_ab, self.g_ba = (nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1), nn.Tanh()) for _ in "ab")
        self.judge = nn.Sequential(nn.Conv2d(channels, 4, 3, 2, 1), nn.SiLU(), nn.Flatten(), nn.LazyLinear(1))
        self.judge(torch.zeros(1, channels, self.data.size, self.data.size))
        self.counter = Counter()

    def directions(self):
        return {
            "a2b": Direction(network=self.g_ab, reads="source", paints="target"),
            "b2a": Direction(network=self.g_ba, reads="target", paints="source"),
        }

    def optimizers(self):
        return {
            "translators": Optimizer(trains=("g_ab", "g_ba"), lr=1e-3, betas=(0.5, 0.999)),
            "judge": Optimizer(trains=("judge",), lr=1e-3, clip=1.0),
        }

    def phases(self):
        return [
            Phase(name="translators", optimizer="translators", loss=self.translators_loss),
            Phase(name="judge", optimizer="judge", loss=self.judge_loss),
        ]

    def translators_loss(self, batch, step):
        there = step.once("there", lambda: self.g_ab(batch.source))
        return Losses({"cycle": l1_loss(self.g_ba(there), batch.source), "fool": -self.judge(there).mean()})

    def judge_loss(self, batch, step):
        there = step.once("there", lambda: self.g_ab(batch.source), detach=True)
        mine = step.mine(step.gather(there) + 0.01 * step.gather(step.normal("api1", *there.shape)))
        return Losses({"judge": self.judge(mine).mean() - self.judge(batch.target).mean()})
