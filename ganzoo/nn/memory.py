"""Telling that memory was too small from what is raised."""

from __future__ import annotations

import torch


def is_out_of_memory(error: BaseException) -> bool:
    """Of a GPU, of Python, or of torch's allocator on the CPU, which raises a plain RuntimeError."""
    on_cpu = ("not enough memory", "DefaultCPUAllocator")  # Windows' and Linux's words
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(words in str(error) for words in on_cpu)
