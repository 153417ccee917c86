"""What the distributions of this repository offer, so that a missing one can be named.

The list is published.json, which `make published` writes from the plugins themselves and CI compares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path


def published() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Names by kind, by distribution; empty where the list cannot be read."""
    import json

    try:
        found = json.loads(Path(__file__).with_name("published.json").read_text(encoding="utf-8"))
        return {str(name): dict(offers) for name, offers in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):  # it serves a hint, and no error may come of that
        return {}


def published_modules() -> dict[str, list[str]]:
    """The entry points of each distribution."""
    return {name: list(offers.get("modules", ())) for name, offers in published().items()}


def publisher(kind: str, name: str) -> str | None:
    """The distribution that offers a name of this kind, or None."""
    return next((dist for dist, offers in published().items() if name in offers.get(kind, ())), None)
