"""A second device that is not there: what a GPU would refuse, or make the host wait for, found without one.

Tensors of torch's `meta` device have a shape and no values. They run forward and backward, twice where a penalty needs
it, and what a GPU would do to a step is seen in the operators that pass: tensors of two devices in one of them, a value
that the host asks for, a copy that it waits for, a generator of the other device.

What is found is noted, not raised, and answered with zeros, so that one run shows all of it.
"""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Self
from unittest import mock

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from ganzoo.testing.places import forward_place, where
from ganzoo.testing.stand_ins import ABSENT, deterministic_algorithms, stand_ins

aten = torch.ops.aten

_PATIENCE = 100
_COPIES = (aten._to_copy.default, aten.copy_.default)
_DEPENDS_ON_VALUES = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape}
_CHECKED = frozenset({"_linalg_check_errors", "_linalg_svd", "_linalg_eigh", "linalg_eig"})  # whether they succeeded
_INDEXED = frozenset({"index", "index_put", "index_put_"})
_PRINTS = (torch.Tensor.__repr__, torch.Tensor.__format__)
_ARRAYS = (torch.Tensor.numpy, torch.Tensor.__array__)

REFUSED_WHEN_DETERMINISTIC = frozenset(
    {
        "_adaptive_avg_pool2d_backward", "_adaptive_avg_pool3d_backward", "adaptive_max_pool2d_backward",
        "avg_pool3d_backward", "_ctc_loss_backward", "fractional_max_pool2d_backward", "fractional_max_pool3d_backward",
        "_upsample_bilinear2d_aa_backward", "_upsample_bicubic2d_aa_backward", "grid_sampler_2d_backward",
        "grid_sampler_3d_backward", "histc", "max_unpool2d", "max_unpool3d", "nll_loss2d",
        "nll_loss2d_forward", "nll_loss2d_backward", "put_", "reflection_pad1d_backward", "reflection_pad2d_backward",
        "reflection_pad3d_backward", "upsample_linear1d_backward", "upsample_bilinear2d_backward",
        "upsample_bicubic2d_backward", "upsample_trilinear3d_backward",
    }
)  # fmt: skip
"""Operators without a deterministic CUDA kernel, from the documentation of `torch.use_deterministic_algorithms`, and
antialiased resizing, whose kernels say so themselves."""


Kind = Literal["device", "wait", "shape", "bf16", "deterministic", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mistake:
    """Something that works on a CPU and not, or badly, on a GPU.

    kind: `device`, a tensor or generator of the wrong one; `wait`, the host waits for the device inside a step; `shape`
        and `bf16`, a result that differs; `deterministic`, no kernel for --deterministic; `failed`, an exception.
    what: one sentence. where: `file.py:12 in forward`, the innermost line that is not torch's.
    """

    kind: Kind
    what: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.what} ({self.where})" if self.where else self.what


class AbsentDevice:
    """Watches what is done with tensors of `ABSENT`. Use as a context manager.

    may_ask: the host may ask for values and copy, as it does between steps; else each is a mistake.
    deterministic: operators that torch refuses under `--deterministic` are mistakes too.
    mistakes: what was found, each once, in order.
    """

    def __init__(self, *, may_ask: bool = False, deterministic: bool = False) -> None:
        self.may_ask = may_ask
        self.deterministic = deterministic
        self.mistakes: list[Mistake] = []
        self._asked: Counter[str] = Counter()
        self._stack = contextlib.ExitStack()

    def note(self, kind: Kind, what: str) -> None:
        behind = torch._C._current_autograd_node()
        place = forward_place(behind) or where(sys._getframe(1))
        mistake = Mistake(kind=kind, what=what, where=place)
        # The gradient of what met two devices meets them too.
        again = behind is not None and kind == "device" and any(other.kind == "device" for other in self.mistakes)
        if mistake not in self.mistakes and not again:
            self.mistakes.append(mistake)

    def answer(self, dtype: torch.dtype) -> Any:
        """0 for a value that is asked for; True for a condition, because most are checks of what must hold.

        A loop that goes on as long as something holds would never end: at one place the answer changes after a while.
        """
        asked = self.count()
        return asked <= _PATIENCE if dtype == torch.bool else torch.zeros((), dtype=dtype).item()

    def count(self) -> int:
        """How often a value was asked for at this place. Raises RuntimeError where it is asked for without an end."""
        place = where(sys._getframe(1))
        self._asked[place] += 1
        if self._asked[place] > 10 * _PATIENCE and not self.may_ask:
            raise RuntimeError(
                f"a value was asked for {self._asked[place]} times: a loop that waits for another answer?"
            )
        return self._asked[place]

    def __enter__(self) -> Self:
        self._stack.enter_context(stand_ins())
        self._stack.enter_context(mock.patch.object(torch.Tensor, "__reduce_ex__", self._pickled))
        if self.deterministic:
            self._stack.enter_context(deterministic_algorithms())
        self._stack.enter_context(_Functions(self))
        self._stack.enter_context(_Operators(self))
        return self

    @property
    def _pickled(self) -> Any:
        """`Tensor.__reduce_ex__`, which no mode sees."""
        reduce, watch = torch.Tensor.__reduce_ex__, self

        def noted(tensor: Tensor, protocol: Any) -> Any:
            if tensor.device == ABSENT and not watch.may_ask:
                watch.note("wait", "a tensor is saved, and the host waits for its values")
            return reduce(tensor, protocol)  # type: ignore[no-untyped-call]

        return noted

    def __exit__(self, *details: Any) -> None:
        self._stack.__exit__(*details)


class _Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operator below autograd, those of the backward passes too."""

    def __init__(self, watch: AbsentDevice) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._watch = watch

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, watch = kwargs or {}, self._watch
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        there = [tensor for tensor in tensors if tensor.device == ABSENT]
        here = [tensor for tensor in tensors if tensor.device != ABSENT]
        if not there and torch.device(kwargs.get("device") or "cpu") != ABSENT:
            return func(*args, **kwargs)
        if func in _COPIES:
            return self._copy(func, args, kwargs)
        if func is aten._local_scalar_dense.default:
            if not watch.may_ask:
                watch.note("wait", "the host asks for a value (item, float, bool, an `if`) and waits for the device")
            return watch.answer(there[0].dtype)
        if func is aten.lift_fresh.default:
            if not watch.may_ask:
                watch.note(
                    "wait",
                    "a tensor is made of Python numbers on the device, a copy that the host waits for; "
                    "torch.full or Step.uniform need none",
                )
        elif here and there:
            watch.note(
                "device",
                f"{_name(func)} meets tensors of two devices: {_listed(here)} on the CPU, {_listed(there)} there",
            )
            args, kwargs = _moved((args, kwargs))
        elif _depends_on_values(func, args, kwargs) and not watch.may_ask:
            how = " by a boolean mask" if _name(func) in _INDEXED else ""
            watch.note("wait", f"{_name(func)}{how} gives what depends on values, for which the host waits")
        if watch.deterministic and _name(func) in REFUSED_WHEN_DETERMINISTIC:
            instead = "; ganzoo.nn.ReflectionPad2d has one" if "reflection_pad2d" in _name(func) else ""
            what = f"{_name(func)} has no deterministic kernel on a GPU: --deterministic refuses it{instead}"
            watch.note("deterministic", what)
        return _computed(func, args, kwargs)

    def _copy(self, func: Any, args: Any, kwargs: Any) -> Any:
        """`x.to(device)` and `y.copy_(x)`: between devices, only to the device and only without waiting."""
        in_place = func is aten.copy_.default
        source = args[1] if in_place else args[0]
        target = args[0].device if in_place else torch.device(kwargs.get("device") or source.device)
        waits = not (args[2] if in_place and len(args) > 2 else kwargs.get("non_blocking", False))
        if source.device == ABSENT and target != ABSENT:
            if not self._watch.may_ask:
                self._watch.note("wait", "values are copied from the device to the CPU, and the host waits for them")
                self._watch.count()
            if in_place:
                return args[0].zero_()
            return torch.zeros(source.shape, dtype=kwargs.get("dtype") or source.dtype, device=target)
        if source.device != ABSENT and target == ABSENT and waits and not self._watch.may_ask:
            self._watch.note("wait", "a tensor of the CPU is copied to the device, and the host waits for it")
        return func(*args, **kwargs)


class _Functions(TorchFunctionMode):
    """Sees what does not come to an operator: prints, arrays of NumPy, generators as Python knows them."""

    def __init__(self, watch: AbsentDevice) -> None:
        super().__init__()
        self._watch = watch

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, watch = kwargs or {}, self._watch
        subject = args[0] if args and isinstance(args[0], Tensor) else None
        if subject is not None and subject.device == ABSENT:
            if func in _PRINTS:
                if not watch.may_ask:
                    watch.note("wait", "a tensor is printed, and the host waits for its values")
                return "0" if func is torch.Tensor.__format__ else f"tensor of {tuple(subject.shape)}"
            if func in _ARRAYS and not (watch.may_ask and kwargs.get("force")):
                watch.note("device", "a tensor of the device is made a NumPy array")
            if func in _ARRAYS:
                return torch.zeros(subject.shape, dtype=subject.dtype).numpy()
        generators = [item for item in tree_leaves((args, kwargs)) if isinstance(item, torch._C.Generator)]
        result = func(*args, **kwargs)
        if generators and isinstance(result, Tensor) and generators[0].device.type != result.device.type:
            watch.note(
                "device",
                f"{getattr(func, '__name__', func)} draws on {_side(result.device)} with a generator of "
                f"{_side(generators[0].device)}",
            )
        return result


def _computed(func: Any, args: Any, kwargs: Any) -> Any:
    """The result of an operator on the absent device; of one that `meta` does not know, its shape on the CPU."""
    try:
        return func(*args, **kwargs)
    except NotImplementedError:
        if _DEPENDS_ON_VALUES & set(func.tags):
            raise
        zeros = tree_map_only(Tensor, lambda tensor: torch.zeros_like(tensor, device="cpu"), (args, kwargs))
        result = func(*zeros[0], **zeros[1])
        if func._schema.is_mutable:
            return None if result is None else args[0]
        return _moved(result)


def _depends_on_values(func: Any, args: Any, kwargs: Any) -> bool:
    """Whether the shape of the result, or the result itself, is known only once the device has computed."""
    if _name(func) in _INDEXED:  # a mask counts first how many it takes; indices do not
        return any(isinstance(item, Tensor) and item.dtype in (torch.bool, torch.uint8) for item in args[1])
    if kwargs.get("output_size") is not None:  # of repeat_interleave, told so that nobody has to wait
        return False
    return _name(func) in _CHECKED or bool(_DEPENDS_ON_VALUES & set(func.tags))


def _moved(tree: Any) -> Any:
    """The same with every tensor of the CPU on the absent device, so that the run goes on."""
    return tree_map_only(Tensor, lambda tensor: tensor.to(ABSENT, non_blocking=True), tree)


def _name(func: Any) -> str:
    return str(func.overloadpacket.__name__)


def _listed(tensors: Iterable[Tensor]) -> str:
    return ", ".join("x".join(map(str, tensor.shape)) or "a single number" for tensor in tensors)


def _side(device: torch.device) -> str:
    return "the device" if device == ABSENT else "the CPU"
