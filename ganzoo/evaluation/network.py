"""What a feature network is: pictures in, numbers out, and whose they are. Importing this needs no torch.

Shapes: N pictures, H, W, D features, K classes.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ganzoo.errors import PluginError, one_line, printable, short

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OWN = "own"
"""The network brings pictures to its size itself."""


class FeatureNetwork(ABC):
    """A network whose features are compared.

    name: what its numbers carry. size: height and width that it takes; None: any. resize: the filter that its numbers
    are usually made with, "own" where it resizes by itself. classes: numbers of `logits`; 0: there are none. official:
    whether its numbers are what the field calls FID, KID and IS.
    """

    name: str
    size: tuple[int, int] | None = None
    resize: str = "pil-bicubic"
    classes: int = 0
    official: bool = False

    @abstractmethod
    def compute(self, pictures: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
        """(N, 3, H, W) float32, 0 to 255, of its size unless it resizes itself -> `features` (N, D), and `logits`
        (N, K) if it has classes."""

    @abstractmethod
    def identity(self) -> Mapping[str, Any]:
        """What tells it from another: a hash of its weights, the layer, what is done to the numbers first."""


def checked_network(network: object, maker: str) -> FeatureNetwork:
    """Raises PluginError for what is no feature network."""
    if not isinstance(network, FeatureNetwork):
        raise PluginError(f"{maker} is {short(network)}; expected a subclass of ganzoo.FeatureNetwork.")
    if not isinstance(getattr(network, "name", None), str) or not network.name:
        raise PluginError(f"{maker}: the network has no name.")
    size = network.size
    if size is not None and not (isinstance(size, tuple) and len(size) == 2 and all(isinstance(n, int) for n in size)):
        raise PluginError(f"{maker}: its size is {short(size)}; expected height and width, or None.")
    try:
        json.dumps(dict(network.identity()))
    except Exception as error:  # of a stranger
        raise PluginError(f"{maker}: its identity cannot be written down: {one_line(error)}") from None
    return network


def score_name(score: str, network: FeatureNetwork | None) -> str:
    """`fid` of the network that FID is of; of any other `frechet@efficientnet-lite0`."""
    if network is None:
        return score
    if score in _OFFICIAL:
        return score if network.official else f"{_OFFICIAL[score]}@{printable(network.name)}"
    return f"{score}@{printable(network.name)}"


_OFFICIAL = {"fid": "frechet", "fid_infinity": "frechet_infinity", "kid": "kernel_distance", "is": "class_score"}
"""What the field's names are called with another network than Inception-2015."""
