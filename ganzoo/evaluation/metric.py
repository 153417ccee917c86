"""What a metric is: it says what it needs, and makes scores of it. Importing this needs no torch.

A metric of one's own is a subclass and a `MetricSpec` that names it. What is slow and the same for all of them is
done before: pictures are painted and read, brought to the feature network's size, and turned into features.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from ganzoo.errors import PluginError, RequestError, did_you_mean, short
from ganzoo.evaluation.estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ganzoo.evaluation.feature_set import FeatureSet
    from ganzoo.evaluation.network import FeatureNetwork

Need = Literal["real", "painted", "logits", "labels", "partners", "way_back", "latents"]
"""real, painted: features of both. logits: of the network's classes, of the painted. labels: of both. partners: each
painted picture has a true one. way_back: of a translator. latents: the generator, from noise."""

NEEDS: tuple[Need, ...] = get_args(Need)


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreInfo:
    """One number of a metric.

    title: what it is called. better: which way. least, most: what it can be at all, for the conformance suite.
    """

    title: str
    better: Literal["lower", "higher"]
    least: float = float("-inf")
    most: float = float("inf")


class Latents:
    """A generator that paints from latents that are given. size: numbers of one. classes: 0 without labels.

    paint: latents (N, Z) float32, labels (N,) int64 or None -> pictures (N, 3, H, W) float32, 0 to 255, not rounded.
    """

    def __init__(
        self,
        size: int,
        classes: int,
        paint: Callable[[NDArray[np.float32], NDArray[np.int64] | None], NDArray[np.float32]],
    ) -> None:
        self.size, self.classes, self.paint = size, classes, paint


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What a metric is given; what it does not need may be None.

    network: that made the features. real, painted: features of each set. partners, way_back: of each batch two sets of
    pictures (N, C, H, W) uint8 that shall be equal, painted and true, or what came back and what was given; called
    again they begin again. latents: the generator. options: of this metric, by name. seed: of whatever it draws.
    weights: files of perceptual distances by name, and the device.
    """

    options: Mapping[str, Any]
    seed: int = 0
    network: FeatureNetwork | None = None
    real: FeatureSet | None = None
    painted: FeatureSet | None = None
    partners: Callable[[], Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]] | None = None
    way_back: Callable[[], Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]] | None = None
    latents: Latents | None = None
    weights: Mapping[str, Any] = field(default_factory=dict)

    def both(self) -> tuple[FeatureSet, FeatureSet]:
        """Real and painted features, of a metric that needs them."""
        assert self.real is not None and self.painted is not None
        return self.real, self.painted


class Metric(ABC):
    """One way to score pictures.

    name: what users type, as its spec has it. needs: see `Need`. scores: what it gives, by name. options: what can be
    set, with defaults: numbers, texts and truth values; all are part of the protocol.
    """

    name: ClassVar[str]
    needs: ClassVar[tuple[Need, ...]] = ("real", "painted")
    scores: ClassVar[Mapping[str, ScoreInfo]]
    options: ClassVar[Mapping[str, Any]] = {}

    @abstractmethod
    def measure(self, evidence: Evidence) -> Mapping[str, Estimate]:
        """The scores. Called once for each repetition. Raises RequestError for evidence that does not suffice."""

    def settings(self, real: int, painted: int) -> Mapping[str, Any]:
        """Its options for so many pictures, where a default follows from them; those that were stated win."""
        return self.options

    def check(self, options: Mapping[str, Any], real: int, painted: int) -> None:  # noqa: B027 - most take any
        """Raises RequestError for options that do not go with so many pictures, before anything is painted."""

    def prepare(self, evidence: Evidence) -> None:  # noqa: B027 - most need nothing
        """Load what it needs besides, before anything is painted. Raises RequestError where that is not there."""


def checked_metric(metric: object, name: str, maker: str) -> Metric:
    """Raises PluginError for what is no metric, or one that declares what there is not."""
    if not isinstance(metric, Metric):
        raise PluginError(f"{maker}: {short(metric)} is no metric; it must be a subclass of ganzoo.Metric.")
    if getattr(metric, "name", None) != name:
        raise PluginError(f"{maker}: its metric calls itself {short(getattr(metric, 'name', None))}, not {name!r}.")
    if odd := [need for need in metric.needs if need not in NEEDS]:
        raise PluginError(f"{maker}: it needs {short(odd[0])}; there is {', '.join(NEEDS)}.")
    scores = getattr(metric, "scores", None)
    if not isinstance(scores, Mapping) or not scores:
        raise PluginError(f"{maker}: it declares no scores; expected ScoreInfo by name.")
    for key, info in scores.items():
        if not isinstance(info, ScoreInfo) or not isinstance(key, str):
            raise PluginError(f"{maker}: its score {short(key)} is {short(info)}; expected a ScoreInfo.")
    return metric


def settings_of(metric: Metric, stated: Mapping[str, Any], *, real: int, painted: int) -> dict[str, Any]:
    """Options with what was stated in place. Raises RequestError for one that there is not, or of another kind."""
    settings = dict(metric.settings(real, painted))
    for key, value in stated.items():
        if key not in metric.options:
            raise RequestError(
                f"The metric {metric.name} has no option {key!r}.{did_you_mean(key, metric.options)} "
                f"It has: {', '.join(metric.options) or 'none'}."
            )
        settings[key] = _of_kind(metric, key, value)
    return settings


def _of_kind(metric: Metric, key: str, value: Any) -> Any:
    default = metric.options[key]
    try:
        if isinstance(default, bool):
            return {"true": True, "false": False}[str(value).lower()]
        if isinstance(default, int) and int(value) == float(value) and int(value) >= 0:
            return int(value)
        if isinstance(default, float):
            return float(value)
        if isinstance(default, str):
            return str(value)
    except (KeyError, TypeError, ValueError, OverflowError):
        pass
    kind = {bool: "true or false", int: "a whole number from 0", float: "a number"}.get(type(default), "a text")
    raise RequestError(f"{metric.name}.{key} = {short(value)}: expected {kind}, such as {default!r}.")
