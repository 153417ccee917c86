"""Whether a provider works here: nothing runs where it was not asked to."""

from __future__ import annotations

from typing import Any

from ganzoo.errors import BenchError
from ganzoo.plugin.call import call_plugin
from ganzoo.runtime.providers.failures import Explanation
from ganzoo.runtime.providers.libraries import missing_libraries
from ganzoo.runtime.providers.table import find_provider

__all__ = ["describe", "find_trouble", "missing_libraries", "require", "state_of", "what_is_missing"]

_HINT = "`ganzoo doctor` shows every provider."


def what_is_missing(provider: str) -> str:
    """One clause naming what keeps a provider from working here; "" when nothing does."""
    trouble = find_trouble(provider)
    return trouble.reason if trouble is not None else ""


def require(provider: str) -> None:
    """Raises BenchError that names the missing library or driver, RequestError for an unknown provider."""
    trouble = find_trouble(provider)
    if trouble is not None:
        raise BenchError(f"The provider {provider!r} does not work here: {trouble.reason}.", hint=_remedy(trouble))


def find_trouble(provider: str) -> Explanation | None:
    """What keeps a provider from working here, and what to do; None when nothing is found.

    Raises RequestError for an unknown provider, PluginError where a plugin's cannot say.
    """
    found = find_provider(provider)
    return call_plugin(found.find_trouble, failed=f"The provider {provider!r} cannot say whether it works")


def state_of(trouble: Explanation | None) -> str:
    """works, missing (not installed) or broken (installed, and does not work)."""
    return "works" if trouble is None else "missing" if trouble.missing else "broken"


def describe(provider: str) -> dict[str, Any]:
    """What `ganzoo doctor` says of one, as plain values."""
    from ganzoo.runtime.ort import onnxruntime

    found, trouble = find_provider(provider), find_trouble(provider)
    facts: dict[str, Any] = {
        "state": state_of(trouble),
        "in_build": found.ort_name in onnxruntime.get_available_providers(),
        "reason": trouble.reason if trouble else "",
        "remedy": trouble.remedy if trouble else "",
        "devices": [],
        "versions": {},
        "tried": found.tried,
    }
    if trouble is None:
        failed = f"The provider {provider!r} cannot say what its devices are"
        facts["devices"] = list(call_plugin(found.devices, failed=failed))
        facts["versions"] = dict(call_plugin(found.versions, failed=failed))
    return facts


def _remedy(trouble: Explanation) -> str:
    return f"{trouble.remedy}\n{_HINT}" if trouble.remedy else _HINT
