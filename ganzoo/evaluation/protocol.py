"""What makes a score comparable: everything about how it came to be that moves it. Needs no torch.

A protocol is a mapping of names to JSON values. Two scores are compared when their protocols are equal; what differs
is refused by name. Seeds and versions are recorded beside, and a difference of them is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ganzoo.errors import RequestError, did_you_mean

Protocol = dict[str, Any]

LIKE_THE_REAL = "drawn from the real pictures'"
"""How labels of painted pictures were drawn, as a protocol says it."""

LOSSLESS = "8 bits, not compressed with loss"
"""The format of painted pictures whose pixels are as they were painted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """A protocol of the field's. count: painted pictures. real: real ones, 0 for all. resize: the filter.

    metrics: that it is usually stated with. summary: where it is from, and where this differs from it. options: of
    metrics.
    """

    count: int
    real: int
    resize: str
    metrics: tuple[str, ...]
    summary: str
    features: str = "inception-2015"
    options: Mapping[str, Any] = field(default_factory=dict)


PRESETS = {
    "stylegan": Preset(
        count=50_000,
        real=0,
        resize="own",
        metrics=("fid",),
        summary="fid50k_full of the StyleGAN2-ADA and StyleGAN3 papers: 50,000 painted, the whole training set, no "
        "truncation, labels of the training set. Their network is another file of the same Inception.",
    ),
    "clean-fid": Preset(
        count=50_000,
        real=0,
        resize="pil-bicubic",
        metrics=("fid",),
        summary="clean-fid (arXiv:2104.11222): Pillow's bicubic in float, unrounded. Real pictures come at the "
        "model's size, not at their own.",
    ),
    "pix2pix": Preset(
        count=0,
        real=0,
        resize="own",
        metrics=("pairs", "fid"),
        summary="Each source picture of the test set translated once, against its true partner, in RGB without a "
        "crop. The paper's FCN score on Cityscapes is not here.",
    ),
}


def preset(name: str) -> Preset:
    """Raises RequestError for one that there is not."""
    if name not in PRESETS:
        raise RequestError(
            f"There is no protocol {name!r}.{did_you_mean(name, PRESETS)}",
            hint="; ".join(f"{key}: {one.summary}" for key, one in PRESETS.items()),
        )
    return PRESETS[name]


def flattened(value: Any, prefix: str = "") -> dict[str, Any]:
    """A mapping of mappings as one of dotted names."""
    if not isinstance(value, Mapping):
        return {prefix: value}
    found: dict[str, Any] = {}
    for key, item in value.items():
        found |= flattened(item, f"{prefix}.{key}" if prefix else str(key))
    return found


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What differs, by dotted name, with both values; None where one has none."""
    one, other = flattened(first), flattened(second)
    return {key: (one.get(key), other.get(key)) for key in sorted({*one, *other}) if one.get(key) != other.get(key)}
