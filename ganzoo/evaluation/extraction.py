"""From pictures to features: chunk by chunk, by one process or by several that share the chunks."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ganzoo.errors import GanzooError, PluginError, one_line
from ganzoo.evaluation.feature_set import FeatureSet, FeatureWriter
from ganzoo.evaluation.network import FeatureNetwork
from ganzoo.evaluation.picture_set import CHUNK, PictureSet
from ganzoo.evaluation.resizing import as_input
from ganzoo.plugin.call import call_plugin
from ganzoo.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Share(Protocol):
    """The processes that work together. rank, count, leads: as of `torch.distributed`."""

    @property
    def rank(self) -> int: ...

    @property
    def count(self) -> int: ...

    @property
    def leads(self) -> bool: ...

    def gather_objects(self, value: Any) -> list[Any]:
        """The value of each rank, in their order, on all of them."""
        ...


class Alone:
    """One process."""

    rank, count, leads = 0, 1, True

    def gather_objects(self, value: Any) -> list[Any]:
        return [value]


class Extracted(NamedTuple):
    """features: on the first rank; None on others. contents: a hash of the pixels, in order."""

    features: FeatureSet | None
    contents: str


def extract(
    pictures: PictureSet,
    network: FeatureNetwork,
    *,
    resize: str,
    folder: Path,
    share: Share | None = None,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> Extracted:
    """Features of all pictures, in `folder`, which exists. Raises GanzooError where its disk is full, and what
    reading the pictures and computing the network raise."""
    together = share or Alone()
    began, told = time.monotonic(), 0.0
    writer = FeatureWriter(folder, pictures.count) if together.leads else None
    hashed = hashlib.sha256()
    starts = range(0, pictures.count, CHUNK)
    try:
        for first in range(0, len(starts), together.count):
            mine = first + together.rank
            made = _computed(pictures, network, resize, starts[mine]) if mine < len(starts) else None
            for part in together.gather_objects(made):
                if part is None:
                    continue
                arrays, labels, digest = part
                hashed.update(digest)
                if writer is not None:
                    writer.add(arrays, labels)
            done, now = min(pictures.count, (first + together.count) * CHUNK), time.monotonic()
            if now - told > 0.2 or done == pictures.count:
                told, left = now, (now - began) / done * (pictures.count - done)
                status = {"status": pictures.title}
                tell(Progress(done=done, total=pictures.count, unit="pictures", seconds_left=left, values=status))
        return Extracted(writer.finish() if writer is not None else None, hashed.hexdigest())
    except OSError as error:
        raise GanzooError(f"Features cannot be written to {folder}: {one_line(error)}") from None
    finally:
        if writer is not None:
            writer.close()


def _computed(
    pictures: PictureSet, network: FeatureNetwork, resize: str, start: int
) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.int64] | None, bytes]:
    import numpy as np

    pixels, labels = pictures.read(start, min(start + CHUNK, pictures.count))
    given = as_input(pixels, network, resize)
    made = call_plugin(network.compute, given, failed=f"The feature network {network.name} failed")
    arrays = _checked(made, network, len(pixels))
    digest = hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).digest()
    return arrays, labels, digest


def _checked(made: Any, network: FeatureNetwork, count: int) -> dict[str, Any]:
    """float32. Raises PluginError for what are no features of so many pictures."""
    import numpy as np

    found = {}
    for name in ("features", "logits") if network.classes else ("features",):
        array = made.get(name) if isinstance(made, Mapping) else None
        kind = getattr(getattr(array, "dtype", None), "kind", "")
        if not isinstance(array, np.ndarray) or array.ndim != 2 or len(array) != count or not array.shape[1]:
            raise PluginError(
                f"The feature network {network.name} gave {name} of shape {getattr(array, 'shape', None)} for {count} "
                f"pictures; expected ({count}, D)."
            )
        if kind not in "fiu":
            raise PluginError(f"The feature network {network.name} gave {name} of {array.dtype}; expected numbers.")
        with np.errstate(over="ignore"):
            found[name] = array.astype(np.float32)
        if not np.isfinite(found[name]).all():
            raise PluginError(f"The feature network {network.name} gave {name} that are not finite.")
    return found
