"""From the CPU to the device of the networks."""

from __future__ import annotations

import torch
from torch import Tensor


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on `device`, without the host waiting for a copy: from pinned memory where that is what it takes."""
    if tensor.device.type == device.type:
        return tensor
    return (tensor.pin_memory() if device.type == "cuda" else tensor).to(device, non_blocking=True)
