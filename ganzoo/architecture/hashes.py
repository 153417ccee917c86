"""Hashes by which weights are known again, in a run and in what was exported from it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import nn

from ganzoo.architecture.records import Graph


def weights_sha256(module: nn.Module) -> str:
    """A hash of a module's parameters and buffers, by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def model_sha256(graphs: Sequence[Graph]) -> str:
    """A hash of the weights of all graphs: the same in each file of one model, whichever of them are exported."""
    named = sorted(f"{graph.name} {weights_sha256(graph.module)}" for graph in graphs)
    return hashlib.sha256("\n".join(named).encode()).hexdigest()
