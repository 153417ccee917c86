"""What torch has for real devices alone, made to accept one that is not there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Self
from unittest import mock

import torch
from torch.optim import optimizer

ABSENT = torch.device("meta")
"""The device that is not there."""

_FUSED = "_get_fused_kernels_supported_devices"  # torch's name of the kinds of device with fused optimisers


class _Generator(torch.Generator):
    """A generator that can be one of the absent device, for which torch makes none."""

    _absent: bool

    def __new__(cls, device: Any = "cpu") -> Self:
        absent = torch.device(device) == ABSENT
        self = super().__new__(cls, "cpu" if absent else device)  # type: ignore[call-arg]
        self._absent = absent
        return self

    def __init__(self, device: Any = "cpu") -> None:
        """torch's own takes everything in `__new__`."""

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return ABSENT if self._absent else super().device


@contextlib.contextmanager
def stand_ins() -> Iterator[None]:
    """torch's generators, autocast and fused optimisers accept the absent device, as they accept a GPU that is there.

    Autocast stays off: which operators it changes is another list for each kind of device, and bf16 is rehearsed on
    the CPU.
    """
    begin, fused = torch.autocast.__init__, getattr(optimizer, _FUSED)

    def begin_off(self: Any, device_type: str, *arguments: Any, **options: Any) -> None:
        if device_type == ABSENT.type:
            begin(self, "cpu", dtype=torch.bfloat16, enabled=False)
        else:
            begin(self, device_type, *arguments, **options)

    with (
        mock.patch.object(torch, "Generator", _Generator),
        mock.patch.object(torch.autocast, "__init__", begin_off),
        mock.patch.object(optimizer, _FUSED, lambda: [*fused(), ABSENT.type]),
    ):
        # A parameter that moves to a GPU stays the object that it was; to `meta`, only in this way.
        swapped = torch.__future__.get_swap_module_params_on_conversion()
        torch.__future__.set_swap_module_params_on_conversion(True)
        try:
            yield
        finally:
            torch.__future__.set_swap_module_params_on_conversion(swapped)


@contextlib.contextmanager
def deterministic_algorithms() -> Iterator[None]:
    """As --deterministic has them, and an error says where the forward pass was."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        with torch.autograd.set_detect_anomaly(True, check_nan=False):  # keeps where the forward pass was
            yield
    finally:
        torch.use_deterministic_algorithms(before)
