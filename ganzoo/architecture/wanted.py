"""The data that an architecture learns from, known before it is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import torch

from ganzoo.architecture.base import Architecture
from ganzoo.architecture.image_to_image import ImageToImage
from ganzoo.architecture.records import DataKind
from ganzoo.errors import PluginError
from ganzoo.plugin.call import call_plugin

ArchitectureT = TypeVar("ArchitectureT", bound=Architecture)


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedData:
    """kind: see `DataKind`. scale: how many times as large the targets of pairs are as their sources.

    degradation: a recipe of `data.degrade` that makes sources of targets, where good pictures alone are given; empty:
    both have to be given.
    """

    kind: DataKind
    scale: int = 1
    degradation: str = ""


def unbuilt(implementation: type[ArchitectureT], config: Any) -> ArchitectureT:
    """An architecture of which only attributes and properties over the config can be asked. Builds no network."""
    bare = implementation.__new__(implementation)
    torch.nn.Module.__init__(bare)
    bare.config = config
    return bare


def wanted_by(implementation: type[Architecture], config: Any) -> WantedData:
    """What an architecture with these settings learns from. Raises PluginError for a scale or recipe that is none."""
    if not issubclass(implementation, ImageToImage):
        return WantedData(kind=implementation.wants)
    bare = unbuilt(implementation, config)
    scale, degradation = call_plugin(
        lambda: (bare.scale, bare.degradation), failed=f"scale or degradation of {implementation.__name__} failed"
    )
    if isinstance(scale, bool) or not isinstance(scale, int) or scale < 1 or not isinstance(degradation, str):
        raise PluginError(
            f"{implementation.__name__} has scale = {scale!r} and degradation = {degradation!r}.",
            hint="Expected a whole number from 1, and a text.",
        )
    return WantedData(kind=implementation.wants, scale=scale, degradation=degradation)
