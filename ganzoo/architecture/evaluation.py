"""The copy of an architecture that is sampled, scored and exported."""

from __future__ import annotations

import copy
from collections.abc import Mapping

from torch import Tensor

from ganzoo.architecture.base import Architecture


def evaluation_copy(architecture: Architecture, average: Mapping[str, Mapping[str, Tensor]] | None) -> Architecture:
    """A copy in evaluation mode with the averaged weights in place; the original is not touched.

    average: state dicts by submodule name, as `averaged_state` gives them, or None for the live weights.
    """
    twin = copy.deepcopy(architecture).requires_grad_(False).eval()
    for name, state in (average or {}).items():
        twin.get_submodule(name).load_state_dict(state)
    return twin
