"""Growing: networks begin with small pictures and take up larger ones, fading each in.

Paper: Progressive Growing of GANs, arXiv:1710.10196. How far the growth has come is a function of the pictures shown,
which is a buffer, so that a resumed training, a sample and an exported file stand where the weights stand.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """size: of the pictures that are painted and judged. fading: whether it is still being faded in."""

    size: int
    fading: bool = False


class Growth(nn.Module):
    """sizes: heights of the pictures, from the first to the last. steady_kimg: at each size; fade_kimg: before it.

    shown: real pictures so far, a buffer of whole numbers, which an average copies instead of averaging.
    """

    shown: Tensor

    def __init__(self, sizes: Sequence[int], *, steady_kimg: float, fade_kimg: float) -> None:
        super().__init__()
        self._sizes = tuple(sizes)
        self._steady, self._fade = round(steady_kimg * 1000), round(fade_kimg * 1000)
        self.register_buffer("shown", torch.zeros((), dtype=torch.int64))

    def begin(self, size: int) -> int:
        """Pictures shown before `size` begins to fade in."""
        index = self._sizes.index(size)
        return index * self._steady + max(0, index - 1) * self._fade

    def stage(self, shown: int) -> Stage:
        """Where the growth is after `shown` pictures."""
        size = next(size for size in reversed(self._sizes) if size == self._sizes[0] or self.begin(size) <= shown)
        return Stage(size=size, fading=size != self._sizes[0] and shown < self.begin(size) + self._fade)

    @property
    def whole(self) -> int:
        """Pictures shown when the last size has faded in."""
        return self.begin(self._sizes[-1]) + self._fade if len(self._sizes) > 1 else 0

    def share(self, size: int) -> Tensor:
        """How much of `size` there is, 0 to 1, by the buffer: ()."""
        return ((self.shown - self.begin(size)).float() / max(1, self._fade)).clamp(0, 1)


def halved(images: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C, H/2, W/2), means of 2x2."""
    return F.avg_pool2d(images, 2)


def doubled(images: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C, 2 H, 2 W), each pixel four times."""
    return F.interpolate(images, scale_factor=2.0, mode="nearest")


def mixed(old: Tensor, new: Tensor, share: Tensor) -> Tensor:
    """old at share 0, new at share 1; the same shapes."""
    return old + share.to(old.dtype) * (new - old)


def pictures_at(images: Tensor, stage: Stage, share: Tensor) -> Tensor:
    """Reals (B, C, R, R) as a stage shows them, (B, C, size, size): small, and mixed as the fakes are."""
    images = F.avg_pool2d(images, images.shape[-1] // stage.size) if images.shape[-1] > stage.size else images
    return mixed(doubled(halved(images)), images, share) if stage.fading else images
