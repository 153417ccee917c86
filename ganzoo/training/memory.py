"""When memory is too small for a batch: which one it is large enough for, found by trying."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Iterator
from operator import itemgetter

import torch

from ganzoo.architecture import Reals
from ganzoo.datainfo import size_text
from ganzoo.errors import GanzooError, one_line
from ganzoo.training.engine import Engine


def out_of_memory(error: BaseException, engine: Engine, batch: Reals | None, number: int) -> GanzooError:
    """What to tell the user of a step that ran out of memory.

    batch: what step `number` was given, prepared, to try parts of; None when it did not come so far.
    """
    size, parts = engine.batch_size, fitting_parts(error, engine, batch, number)
    message = f"Out of memory at a batch of {size}{_on(engine.device)}: {one_line(error, limit=160)}"
    smaller = f"{_smaller_pictures(engine)}, or narrower networks"
    if parts == 0:
        more = next(_divisors(engine), None)
        if more is None:
            return GanzooError(message, hint=f"Begin with {smaller}.")
        kept = f"Go on or begin again with --set train.accumulate={more}, which keeps the batch and takes it in parts"
        return GanzooError(message, hint=f"{kept}; or begin with a smaller --batch-size, {smaller}.")
    if parts is None:
        return GanzooError(f"{message}\nNo smaller part of it fits either.", hint=f"Begin with {smaller}.")
    return GanzooError(
        f"{message}\nA batch of {size // parts} fits.",
        hint=f"Go on or begin again with --set train.accumulate={parts}, which keeps the batch of {size} and takes it "
        f"in parts of {size // parts}; or begin with --batch-size {size // parts}, {smaller}.",
    )


def fitting_parts(error: BaseException, engine: Engine, batch: Reals | None, number: int) -> int | None:
    """Into how many parts a step's batch has to be divided to fit; None when no part does, 0 when not tried.

    Not tried with several processes, which would have to try together, nor with compiled networks, which would be
    compiled for every size. error: frees what its frames still hold.
    """
    if batch is None or engine.ranks.count > 1 or engine.compiled:
        return 0
    traceback.clear_frames(error.__traceback__)  # the tensors of the pass that failed
    size = engine.batch_size
    for parts in _divisors(engine):
        _collect(engine.device)
        if engine.fits(batch.map(itemgetter(slice(size // parts))), parts, number):
            return parts
    return None


def _smaller_pictures(engine: Engine) -> str:
    """Half the size: what an architecture that paints powers of two, or multiples of some number, takes too."""
    shown = list(engine.architecture.data.pictures.values())[-1]
    if shown.height % 2 or shown.width % 2:
        return "a smaller --set data.size=..."
    return f"--set data.size={size_text(shown.height // 2, shown.width // 2)}"


def _divisors(engine: Engine) -> Iterator[int]:
    """Numbers of parts, more than now, into which each process can take its share of a batch."""
    share = engine.batch_size // engine.ranks.count
    return (parts for parts in range(engine.micros + 1, share + 1) if share % parts == 0)


def _collect(device: torch.device) -> None:
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _on(device: torch.device) -> str:
    if device.type != "cuda":
        return ""
    facts = torch.cuda.get_device_properties(device)
    return f" on an {facts.name} of {facts.total_memory / 2**30:.0f} GiB"
