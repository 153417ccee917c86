"""What an architecture declares, looked at once before a run begins."""

from __future__ import annotations

from collections.abc import Callable

from ganzoo.architecture.declarations import contradictions, untrained
from ganzoo.architecture.evaluation import evaluation_copy
from ganzoo.config.fields import unannotated
from ganzoo.errors import PluginError, first_few
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.settings import config_class
from ganzoo.plugin.specs import ArchitectureSpec
from ganzoo.training.ema import averaged_state
from ganzoo.training.engine import Engine

_IN_TRAINING = frozenset({"rows", "random"})
"""What is an error in a file alone: a training can go on with it."""


def check_declarations(engine: Engine, offer: InstalledSpec[ArchitectureSpec], say: Callable[[str], None]) -> None:
    """Raises PluginError for what contradicts its declaration; of a plugin of API 1, which was never held to it, and
    for what does not stop a training, a warning is said.
    """
    twin = evaluation_copy(engine.architecture, averaged_state(engine.average))
    trained = [parameter for optimizer in engine.optimizers.values() for parameter in optimizer.parameters]
    found = [*contradictions(twin), *untrained(engine.architecture, trained)]
    severe = [item for item in found if item.kind not in _IN_TRAINING] if offer.api >= 2 else []
    told: dict[str, list[str]] = {}
    for item in found:
        if item not in severe and not (offer.api < 2 and item.kind == "unsaid"):
            told.setdefault(item.kind, []).append(str(item))
    for first, *others in told.values():  # one of a kind
        more = f" ({len(others)} more of the kind)" if others else ""
        say(f"warning: {offer.maker}: {first}{more}")
    if names := unannotated(config_class(offer)):
        say(
            f"warning: {offer.maker}: {first_few(names)} of its config {'have' if len(names) > 1 else 'has'} no "
            "annotation and no user can set it: NAME: Annotated[float, Help(...)] = VALUE"
        )
    if severe:
        raise PluginError(
            f"{offer.maker} contradicts what it declares:\n" + "\n".join(f"  {item.what}" for item in severe),
            hint=severe[0].remedy,
        )
