"""Settings that follow from resolution, batch and devices (arXiv:2006.06676, appendix C, and the authors' figures)."""

from collections.abc import Mapping
from typing import Any


def configure(*, height: int, width: int, devices: int, batch_size: int | None) -> Mapping[str, Mapping[str, Any]]:
    """Tables of settings. height, width: of a picture in pixels. batch_size: over all devices, None to choose it."""
    size = max(height, width)  # the networks refuse what is no square
    if batch_size is None:
        batch_size = max(min(devices * min(4096 // size, 32), 64), devices)  # what fits 16 GB of a device
    return {
        "architecture": {
            "mapping_layers": 2,
            "maps_base": 32768 if size >= 512 else 16384,
            "generator_lr": 2e-3 if size >= 1024 else 2.5e-3,
            "discriminator_lr": 2e-3 if size >= 1024 else 2.5e-3,
            "penalty_weight": 2e-4 * size**2 / batch_size,
            "ema_half_life_kimg": batch_size * 10 / 32,
        },
        "train": {"batch_size": batch_size},
    }
