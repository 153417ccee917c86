import numpy as np
import torch

from ganzoo.architecture import Batch
from ganzoo.errors import DataError
from ganzoo.specs import DataInfo


class Stripes:
    def __init__(self, count, size):
        random = np.random.RandomState(0)
        self.phase = torch.from_numpy(random.randint(size, size=count))
        self.info = DataInfo(channels=1, size=size, classes=3)
        self.description = f"{count} stripes"
        self.lengths = (count,)
        self.in_memory = True

    def fetch(self, indices):
        phase = self.phase[torch.from_numpy(indices[0])]
        size = self.info.size
        lines = ((torch.arange(size)[None] + phase[:, None]) % 4 < 2).to(torch.uint8) * 255
        return Batch(real=lines[:, None, None, :].expand(-1, 1, size, size).contiguous(), label=phase % 3)


def open_stripes(argument, options, *, notify):
    if argument and not argument.isdecimal():
        raise DataError(f"api1-stripes:{argument} is no number")
    notify("stripes are drawn")
    return Stripes(int(argument or 20), options.size or 8)
