"""What a loss is given besides the batch: where training stands, and keyed randomness.

Every random number is a function of (seed, step, scope, purpose), never of how many were drawn
before. Draws are made for the global batch on the CPU and a rank takes its slice, so that neither
the order of calls nor the number of ranks nor the kind of device can change them; `noise`, for what is as large as
pictures, is drawn on the device row by row, and only the kind of device can change it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganzoo.keys import key_of
from ganzoo.nn import to_device
from ganzoo.plugin.api1 import renamed


def seed_default_generators(key: int, device: torch.device) -> None:
    """Seed the generators that `nn.Dropout` and `torch.randn` use on the CPU and on `device`."""
    torch.default_generator.manual_seed(key)  # a hundredth of the cost of torch.manual_seed
    if device.type == "cuda":
        torch.cuda.default_generators[device.index or 0].manual_seed(key)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """Which part of the global batch this process works on now.

    rank, ranks: this process among all. micro, micros: this micro-batch among those of a step.
    all_gather: tensor of one rank -> tensors of all ranks in order, concatenated.
    """

    rank: int = 0
    ranks: int = 1
    micro: int = 0
    micros: int = 1
    all_gather: Callable[[Tensor], Tensor] = lambda tensor: tensor

    @property
    def count(self) -> int:
        """Into how many parts the global batch is divided."""
        return self.ranks * self.micros

    @property
    def index(self) -> int:
        """Which of the parts this one is, in the order of the rows."""
        return self.micro * self.ranks + self.rank


@renamed
class Step:
    """One step of training, as a loss sees it.

    number: steps done before this one. kimg: thousands of reals shown before it.
    batch_size: of the global batch. device: where the batch lies and draws are put. dtype: of the draws.
    """

    def __init__(
        self,
        *,
        seed: int,
        number: int,
        batch_size: int,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
        shard: Shard | None = None,
    ) -> None:
        self.number = number
        self.kimg = number * batch_size / 1000
        self.batch_size = batch_size
        self.device = device
        self._dtype = dtype
        self._begun = hashlib.blake2b(f"{seed}\x1f{number}\x1f".encode(), digest_size=8)
        self._shard = shard or Shard()
        self._scope = ""
        self._apart = ""  # the phase that has reals of its own, while it runs
        self._drawn: set[tuple[str, str]] = set()
        self._shared: dict[str, Any] = {}

    def normal(self, purpose: str, *shape: int) -> Tensor:
        """N(0, 1) of `shape`. shape[0] counts samples of this rank and micro-batch.

        Raises ValueError when `purpose` was drawn before in this phase: two draws of one purpose would
        be equal, which is never meant.
        """
        return self._draw(purpose, shape, torch.randn)

    def uniform(self, purpose: str, *shape: int) -> Tensor:
        """Uniform in [0, 1) of `shape`. Like `normal` otherwise."""
        return self._draw(purpose, shape, torch.rand)

    def noise(self, purpose: str, *shape: int) -> Tensor:
        """N(0, 1) of `shape` like `normal`, for tensors as large as pictures: each row is drawn where it is needed.

        The generator is the device's, so that a GPU does not wait for a CPU to draw millions of numbers; the two give
        other numbers. A row depends on its place in the global batch alone.
        """
        self._note(purpose)
        generator = torch.Generator(self.device)
        drawn = torch.empty(shape, device=self.device)
        start = shape[0] * self._shard.index
        for row in range(shape[0]):
            generator.manual_seed(key_of(self._begun, f"{self._scope}\x1f{purpose}\x1f{start + row}"))
            drawn[row].normal_(generator=generator)
        return drawn.to(self._dtype)

    def shared(self, name: str, make: Callable[[], Any], detach: bool = False) -> Any:
        """The result of `make()`, computed by the first phase of this step that asks.

        For a forward pass that two phases share. It draws under its own name, so that it does not
        matter which phase comes first. A phase with reals of its own shares with itself alone.
        detach: without the gradient; the others still get it.

        With several micro-batches the graphs of all of them would have to be kept from one phase to the next, which
        is the memory that micro-batches are there to save. Then results are kept without gradients, and who asks
        for the gradient has the pass made again, from the same draws.
        """
        lean = self._shard.micros > 1
        name = f"{name} of {self._apart}" if self._apart else name
        if name in self._shared and (detach or not lean):
            value = self._shared[name]
            return _detached(value) if detach else value
        scope = f"once {name}"
        self._drawn = {drawn for drawn in self._drawn if drawn[0] != scope}
        with self.scope(scope), torch.set_grad_enabled(torch.is_grad_enabled() and not (lean and detach)):
            value = make()
        self._shared[name] = _detached(value) if lean else value
        return _detached(value) if detach else value

    def gather(self, tensor: Tensor) -> Tensor:
        """The tensors of all ranks for this micro-batch, concatenated: (ranks * B, ...)."""
        return self._shard.all_gather(tensor)

    def local_rows(self, tensor: Tensor) -> Tensor:
        """The inverse of `gather`: this rank's rows of a global tensor."""
        return tensor.chunk(self._shard.ranks)[self._shard.rank]

    @contextmanager
    def scope(self, name: str, *, apart: bool = False) -> Iterator[None]:
        """Draws inside belong to `name`; the trainer enters one for each phase. apart: it has reals of its own."""
        outer, self._scope = self._scope, name
        self._apart = name if apart else self._apart
        self._seed_defaults(name)
        try:
            yield
        finally:
            self._scope = outer
            self._apart = "" if apart else self._apart
            if outer:  # between phases nothing is drawn that the next one would not seed for itself
                self._seed_defaults(f"{outer} after {name}")

    def _seed_defaults(self, scope: str) -> None:
        # Strangers use nn.Dropout and torch.randn, which know nothing of keys.
        seed_default_generators(key_of(self._begun, f"default\x1f{scope}\x1f{self._shard.index}"), self.device)

    def _note(self, purpose: str) -> None:
        if (self._scope, purpose) in self._drawn:
            raise ValueError(
                f"{purpose!r} was drawn before in {self._scope!r} of this step; give each draw a purpose of its own"
            )
        self._drawn.add((self._scope, purpose))

    def _draw(self, purpose: str, shape: tuple[int, ...], make: Callable[..., Tensor]) -> Tensor:
        self._note(purpose)
        generator = torch.Generator().manual_seed(key_of(self._begun, f"{self._scope}\x1f{purpose}"))
        samples, count = shape[0], self._shard.count
        drawn = make((samples * count, *shape[1:]), generator=generator)
        start = samples * self._shard.index
        return to_device(drawn[start : start + samples].to(self._dtype), self.device)


def _detached(value: Any) -> Any:
    return tuple(item.detach() for item in value) if isinstance(value, tuple) else value.detach()
