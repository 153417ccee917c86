"""Which installed distributions name an entry point in the group `ganzoo`. Nothing of theirs is imported."""

from __future__ import annotations

import importlib.metadata
import os
import re
from collections.abc import Iterator

from ganzoo.plugin import hooks


def allow_list() -> set[str] | None:
    """Normalised names of the distributions that GANZOO_PLUGINS allows; None when it is not set."""
    value = os.environ.get("GANZOO_PLUGINS")
    if value is None:
        return None
    return {normalize(name.strip()) for name in value.split(",") if name.strip()}


def normalize(name: str) -> str:
    """A distribution's name as pip compares it: lower case, with one kind of dash."""
    return re.sub(r"[-_.]+", "-", name).lower()


def entry_points() -> Iterator[tuple[importlib.metadata.EntryPoint, str, str]]:
    """(entry point, distribution, version) of every plugin, by distribution name.

    The first distribution of a name on `sys.path` hides later ones, as it does for imports.
    """
    found: dict[str, list[tuple[importlib.metadata.EntryPoint, str, str]]] = {}
    for distribution in importlib.metadata.distributions():
        try:
            text = distribution.read_text("entry_points.txt") or ""
            if f"[{hooks.GROUP}]" not in text:
                continue  # reading the metadata of every distribution would cost more than all the rest
            name, version = distribution.metadata["Name"], distribution.version
            entries = [
                (entry_point, name, version) for entry_point in distribution.entry_points.select(group=hooks.GROUP)
            ]
            found.setdefault(normalize(name), entries)
        except Exception:  # metadata of a half-removed distribution: pip warns about those, we pass by
            continue
    for key in sorted(found):
        yield from sorted(found[key], key=lambda item: item[0].name)
