"""Where CUDA's autocast differs from the CPU's, on which bf16 is rehearsed.

The CPU's lifts more operators to float32 than CUDA's, which leaves them in bf16, for which they have no kernel there;
and CUDA's refuses one that the CPU's lets pass. Read off torch's dispatch tables (aten/src/ATen/autocast_mode.cpp).
"""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only

from ganzoo.testing.absent_device import Mistake
from ganzoo.testing.places import where

_LIFTED_BY_THE_CPU_ALONE = ("fft_", "linalg_")
_MORE = frozenset(
    {"cholesky", "geqrf", "inverse", "lu", "nanquantile", "ormqr", "polar", "qr", "quantile", "stft", "svd",
     "triangular_solve", "view_as_complex"}
)  # fmt: skip
_IN_BF16_TOO = frozenset(
    {"linalg_cross", "linalg_diagonal", "linalg_multi_dot", "linalg_norm", "linalg_vecdot", "linalg_vector_norm"}
)


_LIFTED_BY_CUDA = frozenset(
    {"acos", "asin", "cdist", "cosh", "cosine_embedding_loss", "cosine_similarity", "cumprod", "cumsum", "dist",
     "erfinv", "exp", "expm1", "group_norm", "kl_div", "l1_loss", "layer_norm", "log", "log10", "log1p", "log2",
     "log_softmax", "mse_loss", "nll_loss", "norm", "pow", "prod", "reciprocal", "renorm", "rsqrt", "sinh",
     "smooth_l1_loss",
     "soft_margin_loss", "softmax", "softmin", "softplus", "sum", "tan"}
)  # fmt: skip
"""What CUDA's autocast computes in float32, and gives in float32."""


def _lifted(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype == torch.bfloat16 else tensor


class CudaAutocast(TorchFunctionMode):
    """Computes as CUDA's autocast does where it is known to differ, and notes what would fail.

    Use as a context manager around steps in bf16 on the CPU.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mistakes: list[Mistake] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name == "binary_cross_entropy" and torch.is_autocast_enabled("cpu"):
            self._note(f"{name} is refused under CUDA's autocast; binary_cross_entropy_with_logits is not")
        elif (name.startswith(_LIFTED_BY_THE_CPU_ALONE) or name in _MORE) and name not in _IN_BF16_TOO:
            leaves = tree_leaves((args, kwargs))
            if any(isinstance(leaf, Tensor) and leaf.dtype == torch.bfloat16 for leaf in leaves):
                self._note(f"{name} has no bf16 on a GPU, and only the CPU's autocast lifts it: call .float() before")
        if name in _LIFTED_BY_CUDA and torch.is_autocast_enabled("cpu"):
            args, kwargs = tree_map_only(Tensor, _lifted, (args, kwargs))
        return func(*args, **kwargs)

    def _note(self, what: str) -> None:
        mistake = Mistake(kind="bf16", what=what, where=where(sys._getframe(1)))
        if mistake not in self.mistakes:
            self.mistakes.append(mistake)
