"""Which installed distributions name an entry point in the group `ganzoo`. Nothing of theirs is imported."""

from __future__ import annotations

import importlib.metadata
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ganzoo.plugin import hooks
from ganzoo.plugin.published import published_modules

_MODULE = re.compile(r"\s*[\w.]+\s*(:\s*[\w.]+\s*)?(\[.*\]\s*)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """An entry point, and whose it is. problem: why it shall not be loaded; empty if it shall."""

    entry_point: importlib.metadata.EntryPoint
    distribution: str
    version: str
    problem: str = ""

    @property
    def title(self) -> str:
        """`ganzoo-dcgan 0.1.0`."""
        return f"{self.distribution} {self.version}".strip()


def allow_list() -> set[str] | None:
    """Normalised names of the distributions that GANZOO_PLUGINS allows; None when it is not set."""
    value = os.environ.get("GANZOO_PLUGINS")
    if value is None:
        return None
    return {normalize(name.strip()) for name in value.split(",") if name.strip()}


def normalize(name: str) -> str:
    """A distribution's name as pip compares it: lower case, with one kind of dash."""
    return re.sub(r"[-_.]+", "-", name).lower()


def entry_points() -> Iterator[Found]:
    """The entry points of every plugin, by distribution name.

    The first distribution of a name on `sys.path` hides later ones, as it does for imports; but one that has the name
    of one of ours, and names other modules, is an impostor, and hides nobody.
    """
    ours, found = published_modules(), dict[str, list[Found]]()
    for distribution in importlib.metadata.distributions():
        try:
            text = distribution.read_text("entry_points.txt") or ""
            if f"[{hooks.GROUP}]" not in text:
                continue  # reading the metadata of every distribution would cost more than all the rest
            name, version = _called(distribution)
            points = list(distribution.entry_points.select(group=hooks.GROUP))
        except Exception:  # metadata of a half-removed distribution: pip warns about those, we pass by
            continue
        key = normalize(name)
        problem = _problem(key, points, ours)
        entries = [Found(entry_point=point, distribution=name, version=version, problem=problem) for point in points]
        known = found.setdefault(key, [])
        if not known or problem or all(entry.problem for entry in known):
            known += entries
    for key in sorted(found):
        yield from sorted(found[key], key=lambda entry: (bool(entry.problem), entry.entry_point.name))


def _called(distribution: importlib.metadata.Distribution) -> tuple[str, str]:
    """Name and version; of a distribution without metadata, as its folder has them."""
    metadata = distribution.metadata
    if metadata is not None and (name := metadata["Name"]):
        return str(name), str(metadata["Version"] or "")
    folder = str(getattr(distribution, "_path", "")).replace("\\", "/").rstrip("/").rpartition("/")[2]
    name, _, version = folder.rpartition(".")[0].partition("-")
    return name or "a distribution without metadata", version


def _problem(key: str, points: list[importlib.metadata.EntryPoint], ours: dict[str, list[str]]) -> str:
    """Why the plugins of a distribution are not loaded: entry points that name no module, or those of an impostor."""
    for point in points:
        if not _MODULE.fullmatch(point.value):
            return f"its entry point names {point.value!r}; expected a module, such as mygan.plugin"
    if not ours.get(key) or all(point.value in ours[key] for point in points):
        return ""
    named = ", ".join(point.value for point in points)
    return f"it is called {key}, whose entry point is {', '.join(ours[key])}, and names {named}; it is another package"
