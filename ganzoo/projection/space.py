"""The latents of a model as coordinates in which they are easy to search, and what is painted from them.

Shapes: N latents, L layers, S numbers of a style, Z latent, D coordinates, C channels, H, W.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganzoo.architecture.records import Graph
from ganzoo.errors import RequestError
from ganzoo.roles import painting_chain, style_chain
from ganzoo.sampling.latents import Space

_AT_ONCE = 64
_LEAST_VARIANCE = 1e-6  # of the largest: directions in which styles do not vary


class LatentSpace:
    """Coordinates u of latents: mean + A u, so that u of a random latent is about N(0, 1) in each.

    In w, A is a square root of the covariance of many styles; in w+ each layer has its own u; in z, u is z itself.
    """

    def __init__(self, graphs: Sequence[Graph], space: Space | None, *, device: torch.device, path: object) -> None:
        """Raises RequestError for a model that paints nothing from latents, or has no such space."""
        styles, painters = style_chain(graphs), painting_chain(graphs)
        chain = styles or painters
        if not chain or chain[0].inputs[0].kind != "normal":
            raise RequestError(f"{path} paints nothing from latents, and no picture can be projected into it.")
        self.name: Space = space or ("w" if styles else "z")
        if self.name != "z" and not styles:
            raise RequestError(
                f"{path} has no styles, and so no space {self.name}.", hint="It is projected into z: --space z"
            )
        self._chain = chain
        self._device = device
        self.output = chain[-1].outputs[0]
        for graph in chain:
            graph.module.to(device).eval().requires_grad_(False)
        self._last = chain[-1]
        self._layers = 0
        if self.name != "z":
            layers = self._last.inputs[0].shape[1]
            assert isinstance(layers, int)
            self._layers = layers

    def begin(self, seeds: Sequence[int], classes: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Latents of seeds, (N, S) or (N, Z), and the classes they are of, (N,); the first time they make the
        coordinates. classes: stated ones, or None for those that the seeds draw."""
        first = self._chain[0]
        drawn: list[Tensor] = []
        labels: list[Tensor] = []
        for start in range(0, len(seeds), _AT_ONCE):
            part = seeds[start : start + _AT_ONCE]
            given = self._inputs(first, part, None if classes is None else classes[:1].expand(len(part)))
            kinds = [spec.kind for spec in first.inputs]
            if "class" in kinds:
                labels.append(given[kinds.index("class")])
            if self.name == "z":
                drawn.append(given[0])
            else:
                made = given
                for graph in self._chain[:-1]:
                    made = [graph.run(*made, *self._inputs(graph, part, None)[len(made) :])[0]]
                drawn.append(made[0].mean(1))
        latents = torch.cat(drawn).float()
        self._make_coordinates(latents)
        return latents, torch.cat(labels) if labels else None

    def _make_coordinates(self, latents: Tensor) -> None:
        size = latents.shape[1]
        if self.name == "z":
            self._mean, self._root = latents.new_zeros(size), torch.eye(size, device=latents.device)
        else:
            self._mean = latents.mean(0)
            values, vectors = torch.linalg.eigh(torch.cov(latents.double().T))
            values = values.clamp_min(float(values.max()) * _LEAST_VARIANCE)
            self._root = (vectors * values.sqrt()).float()
        self._inverse = torch.linalg.inv(self._root.double()).float()

    def coordinates(self, latents: Tensor) -> Tensor:
        """(N, S) -> (N, D)."""
        found: Tensor = (latents - self._mean) @ self._inverse.T
        return found[:, None].expand(-1, self._layers, -1).flatten(1).clone() if self.name == "w+" else found

    def latents(self, coordinates: Tensor) -> Tensor:
        """(N, D) -> (N, Z), (N, S) or (N, L, S)."""
        if self.name == "w+":
            coordinates = coordinates.view(len(coordinates), self._layers, -1)
        return self._mean + coordinates @ self._root.T

    def paint(self, coordinates: Tensor, classes: Tensor | None) -> Tensor:
        """(N, D) -> (N, C, H, W), with gradients."""
        rows = self.latents(coordinates)
        if self.name == "w":
            rows = rows[:, None].expand(-1, self._layers, -1).contiguous()
        others = self._inputs(self._last, [0] * len(rows), classes)[1:]
        if self.name == "z" and len(self._chain) > 1:
            made = [rows, *self._inputs(self._chain[0], [0] * len(rows), classes)[1:]]
            for graph in self._chain[:-1]:
                made = [self._first(graph.module(*made))]
            rows = made[0]
        return self._first(self._last.module(rows, *others))

    def _inputs(self, graph: Graph, seeds: Sequence[int], classes: Tensor | None) -> list[Tensor]:
        given = []
        for spec in graph.inputs:
            if spec.kind == "class" and classes is not None:
                given.append(classes.to(self._device))
            else:
                given.append(torch.from_numpy(np.asarray(spec.default_or_sample(seeds))).to(self._device))
        return given

    @staticmethod
    def _first(made: Any) -> Tensor:
        first: Tensor = made[0] if isinstance(made, tuple) else made
        return first
