"""The pool of past fakes (arXiv:1703.10593, section 4; the idea is from arXiv:1612.07828).

Shapes: P pool, B batch, C channels, H, W.
"""

import torch
from torch import Tensor, nn

from ganzoo.architecture import Step


class ImagePool(nn.Module):
    """Shows a discriminator, half of the time, a fake from some steps ago in place of a new one.

    The pool is a buffer, so that a resume finds it, and holds the fakes of the whole batch, so that it is the same on
    every process. Nothing here asks the device for a value.

    size: P, 0 for none. shape: of a picture, (C, H, W).
    """

    def __init__(self, size: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.size = size
        self.images: Tensor
        self.count: Tensor
        if size:
            self.register_buffer("images", torch.zeros(size, *shape))
            self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def exchange(self, fakes: Tensor, step: Step, purpose: str) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W): each fake, or one from the pool whose place it takes.

        purpose: names the draw.
        """
        if not self.size:
            return fakes
        draws = step.gather(step.uniform(purpose, len(fakes), 2))
        everything = step.gather(fakes.to(self.images.dtype))
        shown = [self._exchange_one(fake, *draw) for fake, draw in zip(everything, draws, strict=True)]
        return step.local_rows(torch.stack(shown))

    def _exchange_one(self, fake: Tensor, coin: Tensor, place: Tensor) -> Tensor:
        """fake: (C, H, W). coin, place: uniform in [0, 1)."""
        full = self.count >= self.size
        index = torch.where(full, (place * self.size).long().clamp(max=self.size - 1), self.count)[None]
        old = self.images.index_select(0, index)[0]
        # While the pool fills, every fake is kept and shown; then a coin decides: kept, and an old one shown; or shown.
        kept = ~full | (coin < 0.5)
        shown = torch.where(full & kept, old, fake)
        self.images.index_copy_(0, index, torch.where(kept, fake, old)[None])
        self.count += (~full).long()
        return shown
