"""Freezing the early layers of a discriminator for fine-tuning (FreezeD, arXiv:2002.10964)."""

from __future__ import annotations

from torch import nn


def freeze_first_layers(network: nn.Module, count: int) -> list[str]:
    """Take the parameters of the first `count` layers out of training; returns their names.

    A layer begins with a weight of two or more dimensions, in the order in which the network registers its
    modules; the norm behind it belongs to it. Raises ValueError when nothing would be left to learn.
    """
    names: list[str] = []
    rest: list[str] = []
    layers = 0
    for name, parameter in network.named_parameters():
        layers += parameter.ndim > 1
        (names if layers <= count else rest).append(name)
    if not rest:
        raise ValueError(f"the network has {layers} layers, and freezing {count} leaves none to learn")
    for name in names if count else []:
        network.get_parameter(name).requires_grad_(False)
    return names if count else []
