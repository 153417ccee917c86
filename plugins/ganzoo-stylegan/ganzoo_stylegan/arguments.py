"""What the arguments that a StyleGAN2 pickle keeps of its networks mean here.

Each argument is `read` into a setting; or has `no effect` on what is computed; or is `fixed`: admitted at the value
that our network computes, and refused at any other. What is in no table is refused by name. Two repositories wrote such
pickles, stylegan2-ada-pytorch and stylegan3, with a generator's arguments in two layouts: the tables hold for both.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from ganzoo.errors import CheckpointError, short
from ganzoo_stylegan.ops import low_pass

Effect = Literal["read", "no effect", "fixed"]
Facts = Mapping[str, Any]
"""What the values of some arguments are held against: `width`, of w or of the discriminator's mapping."""


@dataclass(frozen=True, slots=True)
class Argument:
    """meaning: the setting it becomes, why it has no effect, or what is computed here.

    expected: the values that are admitted, as a text. admits: whether one is; None: any.
    """

    effect: Effect
    meaning: str
    expected: str = ""
    admits: Callable[[Any, Facts], bool] | None = None


Table = Mapping[str, Argument]


def is_whole(value: Any, least: int, most: int = 2**31) -> bool:
    """A whole number, not a boolean, from `least` to `most`."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def is_number(value: Any, least: float, most: float = math.inf) -> bool:
    """A finite number, not a boolean, from `least` to `most`."""
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    return fits and math.isfinite(value) and least <= value <= most


def is_our_filter(value: Any) -> bool:
    """Whether taps, (K,) or (K, K), are those of our resampling; the original divides them by their sum."""
    ours = low_pass().double()
    try:
        taps = torch.as_tensor(np.asarray(value, dtype=np.float64))
    except (TypeError, ValueError, RuntimeError):
        return False
    if taps.shape not in (ours.shape, ours.shape[:1]) or not float(taps.sum()):
        return False
    kernel = torch.outer(taps, taps) if taps.ndim == 1 else taps
    return torch.allclose(kernel / kernel.sum(), ours, rtol=0, atol=1e-6)


def _is_plain(value: Any) -> bool:
    """Not a tensor or an array, whose comparisons are no yes or no."""
    return isinstance(value, bool | int | float | str | None)


def _read(setting: str, expected: str, admits: Callable[[Any], bool]) -> Argument:
    return Argument("read", setting, expected, lambda value, facts: admits(value))


def _table(name: str) -> Argument:
    return _read(name, "a dictionary", lambda value: isinstance(value, Mapping))


def _fixed(computed: str, expected: str, *values: Any) -> Argument:
    return Argument("fixed", computed, expected, lambda value, facts: _is_plain(value) and value in values)


_PRECISION = Argument("no effect", "half precision on a GPU; the same numbers up to rounding")
_WIDTH = Argument(
    "fixed",
    "as wide as what the mapping gives",
    "None, or the width of w",
    lambda value, facts: value is None or (is_whole(value, 0) and value == facts.get("width")),
)
_LEAKY = _fixed("leaky ReLU of slope 0.2", "'lrelu'", "lrelu")
_FILTER = Argument("fixed", "the binomial low-pass filter", "[1, 3, 3, 1]", lambda value, facts: is_our_filter(value))
_BASE = _read("maps_base", "a whole number from 1", lambda value: is_whole(value, 1))
_MOST = _read("maps_most", "a whole number from 1", lambda value: is_whole(value, 1))
_CHANNELS = _read("data.channels", "1 (grey) or 3 (colour)", lambda value: is_whole(value, 1) and value in (1, 3))
_CLASSES = _read("conditional, data's classes", "a whole number from 0", lambda value: is_whole(value, 0))
_SIZES = tuple(2**power for power in range(3, 11))
_RESOLUTION = _read(
    "data.size", f"one of {', '.join(map(str, _SIZES))}", lambda value: is_whole(value, 1) and value in _SIZES
)


def _clamp(setting: str) -> Argument:
    return _read(
        setting, "None, or a number above 0", lambda value: value is None or (is_number(value, 0) and value > 0)
    )


GENERATOR: Table = {
    "z_dim": _read("latent_size", "a whole number from 1", lambda value: is_whole(value, 1)),
    "c_dim": _CLASSES,
    "w_dim": _read("style_size", "a whole number from 1", lambda value: is_whole(value, 1)),
    "img_resolution": _RESOLUTION,
    "img_channels": _CHANNELS,
    "mapping_kwargs": _table("the mapping's"),
    "synthesis_kwargs": _table("the synthesis's"),
}
MAPPING: Table = {
    "num_layers": _read("mapping_layers", "a whole number from 1 to 32", lambda value: is_whole(value, 1, 32)),
    "embed_features": _WIDTH,
    "layer_features": _WIDTH,
    "activation": _LEAKY,
    "lr_multiplier": _read(
        "mapping_lr_multiplier", "a number above 0", lambda value: is_number(value, 0) and value > 0
    ),
    "w_avg_beta": _read("average_decay", "a number from 0, below 1", lambda value: is_number(value, 0) and value < 1),
}
SYNTHESIS: Table = {
    "channel_base": _BASE,
    "channel_max": _MOST,
    "conv_clamp": _clamp("clamp"),
    "num_fp16_res": _PRECISION,
    "use_fp16": _PRECISION,
    "fp16_channels_last": Argument("no effect", "the order of numbers in memory"),
    "channels_last": Argument("no effect", "the order of numbers in memory"),
    "fused_modconv_default": Argument("no effect", "which of two equal forms of a convolution is run"),
    "architecture": _fixed("a picture added up from all resolutions", "'skip'", "skip"),
    "resample_filter": _FILTER,
    "activation": _LEAKY,
    "kernel_size": _fixed("3x3 convolutions", "3", 3),
    "use_noise": _read("noise", "True or False", lambda value: isinstance(value, bool)),
}
DISCRIMINATOR: Table = {
    "c_dim": _CLASSES,
    "img_resolution": _RESOLUTION,
    "img_channels": _CHANNELS,
    "architecture": _read(
        "residual", "'resnet' or 'orig'", lambda value: isinstance(value, str) and value in ("resnet", "orig")
    ),
    "channel_base": _BASE,
    "channel_max": _MOST,
    "conv_clamp": _clamp("discriminator_clamp"),
    "num_fp16_res": _PRECISION,
    "cmap_dim": _WIDTH,
    "block_kwargs": _table("the blocks'"),
    "mapping_kwargs": _table("its mapping's"),
    "epilogue_kwargs": _table("the last layers'"),
}
BLOCK: Table = {
    "activation": _LEAKY,
    "resample_filter": _FILTER,
    "use_fp16": _PRECISION,
    "fp16_channels_last": Argument("no effect", "the order of numbers in memory"),
    "freeze_layers": Argument("no effect", "which layers train; freeze_discriminator is the setting"),
}
DISCRIMINATOR_MAPPING: Table = {
    "num_layers": _read(
        "discriminator_mapping_layers", "a whole number from 0 to 32", lambda value: is_whole(value, 0, 32)
    ),
    "embed_features": _WIDTH,
    "layer_features": _WIDTH,
    "activation": _LEAKY,
    "lr_multiplier": _fixed("0.01", "0.01", 0.01),
    "w_avg_beta": _fixed("it keeps no average", "None", None),
}
EPILOGUE: Table = {
    "mbstd_group_size": _read(
        "group; None is 0", "None, or a whole number from 1", lambda value: value is None or is_whole(value, 1)
    ),
    "mbstd_num_channels": _fixed("one map of deviations", "1", 1),
    "activation": _LEAKY,
}


def check(given: Mapping[Any, Any], table: Table, *, of: str, path: Path, facts: Facts | None = None) -> None:
    """Raises CheckpointError for an argument that is not in the table, or for a value that is not admitted.

    of: whose arguments they are, for the message.
    """
    for name, value in given.items():
        argument = table.get(name)
        if argument is None:
            raise CheckpointError(
                f"{path}: {of} has the argument {name!r} = {short(value)}, and what it does is not known here.",
                hint=f"Known are {', '.join(table)}.",
            )
        if argument.admits is not None and not argument.admits(value, facts or {}):
            computed = "" if argument.effect == "read" else f"; computed here is {argument.meaning}"
            raise CheckpointError(
                f"{path}: {of} has {name} = {short(value)}, and expected is {argument.expected}{computed}."
            )


def without_effect(given: Mapping[Any, Any], table: Table, *, of: str, path: Path) -> None:
    """The same where the values do not count: of a network that was not built. Raises for unknown names alone."""
    free = {name: Argument("no effect", "there is none") for name in table}
    check(given, free, of=of, path=path)
