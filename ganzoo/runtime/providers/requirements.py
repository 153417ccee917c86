"""Whether a provider works here: nothing runs where it was not asked to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo.errors import BenchError, PluginError, short
from ganzoo.plugin.call import call_plugin
from ganzoo.runtime.devices.device import Device
from ganzoo.runtime.providers.failures import Explanation
from ganzoo.runtime.providers.libraries import missing_libraries
from ganzoo.runtime.providers.table import find_provider

__all__ = ["describe", "find_trouble", "missing_libraries", "require", "state_of", "versions_of", "what_is_missing"]

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
    trouble = call_plugin(found.find_trouble, failed=f"The provider {provider!r} cannot say whether it works")
    if trouble is not None and not isinstance(trouble, Explanation):
        raise PluginError(
            f"The provider {provider!r} cannot say whether it works: find_trouble() gave {short(trouble)}."
        )
    return trouble


def versions_of(provider: str) -> dict[str, str]:
    """What identifies a provider's build, in short texts. Raises PluginError for a plugin's that are none."""
    found = call_plugin(find_provider(provider).versions, failed=f"The provider {provider!r} cannot say its versions")
    if not isinstance(found, Mapping) or not all(map(_is_short, (*found, *found.values()))):
        raise PluginError(f"The provider {provider!r}: versions() gave {short(found)}; expected short texts by name.")
    return dict(found)


def devices_of(provider: str) -> list[Device]:
    """What it can run on here. Raises PluginError for a plugin's that are no devices."""
    found = call_plugin(find_provider(provider).devices, failed=f"The provider {provider!r} cannot list its devices")
    if not isinstance(found, Sequence) or not all(isinstance(one, Device) and _is_plain(one) for one in found):
        raise PluginError(
            f"The provider {provider!r}: devices() gave {short(found)}; expected ganzoo.Device with short names."
        )
    keys = [one.key for one in found]
    if odd := [key for key in keys if keys.count(key) > 1 or key.lower() == "all" or "," in key or key != key.strip()]:
        raise PluginError(
            f"The provider {provider!r}: devices() has the label {short(odd[0])} twice, or it means several."
        )
    return list(found)


def _is_plain(device: Device) -> bool:
    """Of a plugin's: each part is what it is said to be."""
    texts = (device.label, device.uuid, device.slice, device.bus)
    known = isinstance(device.number, int) and isinstance(device.memory_bytes, int | None)
    return known and _is_short(device.name) and all(text == "" or _is_short(text) for text in texts)


def _is_short(text: Any) -> bool:
    """A text on one line that names no path and no host."""
    return isinstance(text, str) and 0 < len(text) < 200 and text.isprintable() and not set(text) & set("/\\")


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
        found_devices = devices_of(provider)
        plain = len(found_devices) == 1
        facts["devices"] = [
            one.name if plain or one.key == one.name else f"{one.key} {one.name}" for one in found_devices
        ]
        facts["versions"] = versions_of(provider)
    return facts


def _remedy(trouble: Explanation) -> str:
    return f"{trouble.remedy}\n{_HINT}" if trouble.remedy else _HINT
