"""Making a distance small over coordinates: Adam from several starts, and Gauss-Newton steps.

Shapes: N rows, D coordinates, P residuals of a row.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

Paint = Callable[[Tensor], Tensor]
"""(N, D) -> (N, C, H, W)."""

_RATE = 0.1
_WARM, _COOL = 0.05, 0.5  # shares of the steps in which the rate rises, and falls
_NOISE = 0.3  # of the coordinates at the beginning, as a deviation of 1 is theirs
_NOISE_SHARE = 0.5  # of the steps that have any
_DAMPING = (1e-2, 0.3, 4.0)  # at first; times after a step that helped, and after one that did not
_TRIES = 4
_STILL = 1e-5  # of the squared distance: a step that gains less was the last
_KEPT = 100  # frames of the way


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """coordinates: (N, D). losses: (N,). way: the coordinates on the way, (T, N, D)."""

    coordinates: Tensor
    losses: Tensor
    way: Tensor


def descend(
    start: Tensor,
    loss: Callable[[Tensor], Tensor],
    *,
    steps: int,
    seed: int,
    prior: float,
    tell: Callable[[int], None],
) -> Found:
    """Adam with a rate that rises and falls, and noise that fades (arXiv:1912.04958, appendix D).

    loss: (N, D) -> (N,). prior: weight of the mean squared coordinate, which holds rows where random ones are.
    """
    u = start.clone().requires_grad_(True)
    generator = torch.Generator(u.device).manual_seed(seed)
    optimizer = torch.optim.Adam([u], lr=_RATE)
    way = []
    with torch.no_grad():
        best, found = loss(start), start.clone()  # what is given back is never further than the start
    for number in range(steps):
        done = number / steps
        fall = 0.5 - 0.5 * math.cos(math.pi * min(1.0, (1 - done) / _COOL))
        optimizer.param_groups[0]["lr"] = _RATE * min(1.0, (done + 1 / steps) / _WARM) * fall
        fading = _NOISE * max(0.0, 1 - done / _NOISE_SHARE) ** 2
        noise = fading * torch.randn(u.shape, generator=generator, device=u.device) if fading else 0.0
        values = loss(u + noise)
        if not fading:  # of what was looked at, the best
            better = values.detach() < best
            best = torch.where(better, values.detach(), best)
            found = torch.where(better[:, None], u.detach(), found)
        optimizer.zero_grad()
        torch.autograd.backward((values + prior * u.square().mean(1)).sum())
        optimizer.step()
        if number % max(1, steps // _KEPT) == 0:
            way.append(u.detach().clone())
        tell(number + 1)
    with torch.no_grad():
        values = loss(u)
        better = values < best
        found = torch.where(better[:, None], u.detach(), found)
        best = torch.where(better, values, best)
    return Found(coordinates=found, losses=best, way=torch.stack([*way, found]))


def refine(
    start: Tensor, residuals: Callable[[Tensor, Tensor], Tensor], *, steps: int, tell: Callable[[int], None]
) -> Tensor:
    """Levenberg-Marquardt steps: u - (J'J + lambda diag(J'J))^-1 J'r, taken where they lower |r|^2.

    residuals: coordinates (M, D) of the rows (M,), by index -> (M, P). The Jacobian is made column by column, in
    forward mode: D passes a step. A row that gains no more is left as it is. Raises RuntimeError or
    NotImplementedError where an operator of the network has no derivative of that kind.
    """
    first, fewer, more = _DAMPING
    found, active = start.detach().clone(), torch.arange(len(start), device=start.device)
    u, damping = found, torch.full((len(start),), first, dtype=torch.float64, device=start.device)
    with torch.no_grad():
        r = residuals(u, active).double()
    cost = r.square().sum(1)
    for number in range(steps):
        before = cost
        jacobian = _jacobian(partial(_swapped, residuals, active), u).double()  # (N, P, D)
        hessian = jacobian.mT @ jacobian
        gradient = (jacobian.mT @ r[:, :, None])[:, :, 0]
        diagonal = torch.diag_embed(hessian.diagonal(dim1=1, dim2=2).clamp_min(1e-12))
        moved = torch.zeros(len(u), dtype=torch.bool, device=u.device)
        for _ in range(_TRIES):
            step = torch.linalg.solve(hessian + damping[:, None, None] * diagonal, gradient[:, :, None])[:, :, 0]
            tried = torch.where(moved[:, None], u, (u.double() - step).to(u.dtype))
            with torch.no_grad():
                then = residuals(tried, active).double()
            helped = ~moved & (then.square().sum(1) < cost)
            u = torch.where(helped[:, None], tried, u)
            r = torch.where(helped[:, None], then, r)
            cost = torch.where(helped, then.square().sum(1), cost)
            damping = torch.where(moved, damping, torch.where(helped, damping * fewer, damping * more))
            damping = damping.clamp(1e-12, 1e8)
            moved = moved | helped
            if moved.all():
                break
        found[active] = u
        tell(number + 1)
        going = cost < before * (1 - _STILL)  # the others have come as near as they will
        if not going.any():
            break
        active, u, r, cost, damping = active[going], u[going], r[going], cost[going], damping[going]
    return found


def _swapped(residuals: Callable[[Tensor, Tensor], Tensor], rows: Tensor, u: Tensor) -> Tensor:
    return residuals(u, rows)


def _jacobian(residuals: Callable[[Tensor], Tensor], u: Tensor) -> Tensor:
    columns = []
    for place in range(u.shape[1]):
        tangent = torch.zeros_like(u)
        tangent[:, place] = 1
        with torch.no_grad():
            column = torch.func.jvp(residuals, (u,), (tangent,))[1]
        columns.append(column)
    return torch.stack(columns, 2)
