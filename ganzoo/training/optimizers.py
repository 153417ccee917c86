"""Torch optimisers from `Optimizer` records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.architecture import Architecture, Optimizer, Phase
from ganzoo.architecture.records import value_at
from ganzoo.errors import PluginError


class PlayerOptimizer:
    """One torch optimiser, its schedule, and the correction for lazy phases.

    A lazy phase every k steps makes 1 + 1/k updates a step out of one. So that the whole moves as far
    as without it, lr becomes lr*c and beta becomes beta**c with c = 1 / (1 + sum of 1/k), which is
    k/(k+1) for a single lazy phase (arXiv:1912.04958, appendix B).
    """

    def __init__(self, name: str, spec: Optimizer, architecture: Architecture, phases: Sequence[Phase]) -> None:
        self.spec = spec
        lazy = [phase.every for phase in phases if phase.optimizer == name and phase.lazy]
        self.correction = 1 / (1 + sum(1 / every for every in lazy))
        self.named_parameters = dict(_parameters(name, spec, architecture))
        self.parameters = list(self.named_parameters.values())
        self.inner = self._make()

    def _make(self) -> torch.optim.Optimizer:
        lr = value_at(self.spec.lr, 0.0)
        match self.spec.kind:
            case "adam":
                return torch.optim.Adam(self.parameters, lr, self._betas(0.0), self.spec.eps, fused=True)
            case "rmsprop":
                return torch.optim.RMSprop(self.parameters, lr, eps=self.spec.eps)
            case "sgd":
                return torch.optim.SGD(self.parameters, lr, momentum=self._betas(0.0)[0], fused=True)

    def _betas(self, kimg: float) -> tuple[float, float]:
        first, second = self.spec.betas
        # torch refuses an integer beside a float, hence float().
        return float(value_at(first, kimg)) ** self.correction, float(value_at(second, kimg)) ** self.correction

    def norm(self) -> Tensor | None:
        """The norm of the whole gradient, a scalar on the device; None when no parameter has one."""
        gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        if not gradients:
            return None
        # What torch.nn.utils.get_total_norm computes, at half its cost: this is asked for at every step.
        norm: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        return norm

    def step(self, kimg: float, norm: Tensor | None, withhold: Tensor | None = None, *, complete: bool = False) -> None:
        """Update the parameters and drop their gradients.

        withhold: a float scalar on the device; 1 leaves the parameters as they are, and the moments but RMSprop's.
        complete: of a lazy phase; parameters that it does not reach have a gradient of zero.
        """
        if complete:
            self._complete_gradients()
        for group in self.inner.param_groups:
            group["lr"] = value_at(self.spec.lr, kimg) * self.correction
            if self.spec.kind == "adam":
                group["betas"] = self._betas(kimg)
            elif self.spec.kind == "sgd":
                group["momentum"] = self._betas(kimg)[0]
        if self.spec.clip is not None and norm is not None:
            torch.nn.utils.clip_grads_with_norm_(self.parameters, self.spec.clip, norm)
        if self.spec.kind == "rmsprop":
            if withhold is not None:  # it has no fused kernel; a gradient of zero moves no weight
                for parameter in self.parameters:
                    if parameter.grad is not None:
                        parameter.grad.masked_fill_(withhold > 0, 0)
        else:
            fused: Any = self.inner
            fused.found_inf = withhold  # read by the fused kernels: no synchronisation with the host
            fused.grad_scale = None
        self.inner.step()
        if self.spec.clamp is not None:
            with torch.no_grad():
                torch._foreach_clamp_max_(list[Tensor](self.parameters), self.spec.clamp)
                torch._foreach_clamp_min_(list[Tensor](self.parameters), -self.spec.clamp)
        self.drop_gradients()

    def _complete_gradients(self) -> None:
        """A gradient of zero for each parameter that has none and was updated before.

        A lazy phase stands for a term of one sum at every step, whose gradient is zero where the term is constant. Adam
        takes that for an update, as the correction of rate and betas has counted it; without a gradient it would not.
        What takes no part yet, as layers of a network that grows, is left alone: its moments begin when it does.
        """
        for parameter in self.parameters:
            if parameter.grad is None and parameter in self.inner.state:
                parameter.grad = torch.zeros_like(parameter)

    def drop_gradients(self) -> None:
        """What `zero_grad(set_to_none=True)` does, at a tenth of its cost."""
        for parameter in self.parameters:
            parameter.grad = None


def _parameters(name: str, spec: Optimizer, architecture: Architecture) -> list[tuple[str, nn.Parameter]]:
    if isinstance(spec.trains, str):
        raise PluginError(f"optimizer {name!r} has trains = {spec.trains!r}; expected a tuple: ({spec.trains!r},)")
    found = []
    for module_name in spec.trains:
        try:
            module = architecture.get_submodule(module_name)
        except AttributeError:
            children = ", ".join(child for child, _ in architecture.named_children())
            raise PluginError(
                f"optimizer {name!r} trains {module_name!r}, which {type(architecture).__name__} does not have; "
                f"its submodules: {children}"
            ) from None
        found += [
            (f"{module_name}.{key}", parameter)
            for key, parameter in module.named_parameters()
            if parameter.requires_grad
        ]
    if not found:
        raise PluginError(
            f"optimizer {name!r} trains no parameter: {', '.join(spec.trains)}",
            hint="Are all of them frozen (requires_grad_(False))? Then leave this optimizer out, and its phases.",
        )
    return found
