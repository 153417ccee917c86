"""Pictures that shall be equal: a translation and its truth, or what was given and what came back.

    PSNR   10 log10(255^2 / mean squared difference), at most 80 dB, by piq
    SSIM   Gaussian window of 11 pixels, sigma 1.5, without padding and without shrinking first (arXiv of 2004), by piq
    L1     mean difference, of values from 0 to 1
    LPIPS  arXiv:1801.03924, version 0.1 over VGG16, by lpips, where the weights are given

`crop` pixels are left out along each border. `colour`: rgb, or y, the luma of BT.601 from 16 to 235, as papers on
super-resolution have it. What is averaged are the values of pictures.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ganzoo.errors import RequestError
from ganzoo.evaluation.estimates import Estimate
from ganzoo.evaluation.metric import Evidence, Metric, Need, ScoreInfo

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

_WINDOW = 11
_LUMA = (65.481, 128.553, 24.966)  # of R, G, B, and 16 is added: BT.601
_COLOURS = ("rgb", "y")


class Pairs(Metric):
    """`psnr`, `ssim`, `l1` of painted pictures and their true ones."""

    name = "pairs"
    needs: ClassVar[tuple[Need, ...]] = ("partners",)
    scores: ClassVar[Mapping[str, ScoreInfo]] = {
        "psnr": ScoreInfo(title="PSNR, dB", better="higher", least=0),
        "ssim": ScoreInfo(title="SSIM", better="higher", least=-1, most=1),
        "l1": ScoreInfo(title="L1", better="lower", least=0, most=1),
    }
    options: ClassVar[Mapping[str, Any]] = {"crop": 0, "colour": "rgb"}

    def check(self, options: Mapping[str, Any], real: int, painted: int) -> None:
        _check_colour(self.name, options["colour"])

    def measure(self, evidence: Evidence) -> Mapping[str, Estimate]:
        assert evidence.partners is not None
        return _measured(evidence.partners(), evidence.options, self.name)


class Cycle(Metric):
    """`cycle_psnr`, `cycle_ssim`, `cycle_l1` of what a translator was given and what its way back makes of its work."""

    name = "cycle"
    needs: ClassVar[tuple[Need, ...]] = ("way_back",)
    scores: ClassVar[Mapping[str, ScoreInfo]] = {
        f"cycle_{name}": ScoreInfo(title=f"{info.title}, there and back", better=info.better)
        for name, info in Pairs.scores.items()
    }
    options: ClassVar[Mapping[str, Any]] = Pairs.options

    def check(self, options: Mapping[str, Any], real: int, painted: int) -> None:
        _check_colour(self.name, options["colour"])

    def measure(self, evidence: Evidence) -> Mapping[str, Estimate]:
        assert evidence.way_back is not None
        found = _measured(evidence.way_back(), evidence.options, self.name)
        return {f"cycle_{name}": estimate for name, estimate in found.items()}


class Lpips(Metric):
    """`lpips` of painted pictures and their true ones. Raises RequestError without VGG16's weights."""

    name = "lpips"
    needs: ClassVar[tuple[Need, ...]] = ("partners",)
    scores: ClassVar[Mapping[str, ScoreInfo]] = {"lpips": ScoreInfo(title="LPIPS", better="lower", least=0)}
    options: ClassVar[Mapping[str, Any]] = {"crop": 0}

    def prepare(self, evidence: Evidence) -> None:
        from ganzoo.evaluation.networks.weights import find_weights

        find_weights("lpips-vgg16", evidence.weights.get("lpips-vgg16"))

    def measure(self, evidence: Evidence) -> Mapping[str, Estimate]:
        import torch

        assert evidence.partners is not None
        network = perceptual_distance(evidence.weights.get("lpips-vgg16"), evidence.weights.get("device", "cpu"))
        values: list[float] = []
        for one, other in _cut(evidence.partners(), {**evidence.options, "colour": "rgb"}, self.name, least=32):
            with torch.no_grad():
                values += network(_rgb(one) / 127.5 - 1, _rgb(other) / 127.5 - 1).flatten().tolist()
        return {"lpips": Estimate.of_values(values, method=f"t over {len(values)} pictures")}


def perceptual_distance(weights: Path | None, device: str = "cpu") -> Any:
    """LPIPS of two batches (N, 3, H, W) in [-1, 1]: (N, 1, 1, 1). weights: VGG16's, of torchvision.

    Its linear layers come in lpips' wheel. Raises RequestError where VGG16's weights are not there, or are others.
    """
    import lpips

    from ganzoo.evaluation.networks.weights import find_weights, how_to_get, load_state

    path = find_weights("lpips-vgg16", weights)
    state = load_state(path, "lpips-vgg16")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it calls torchvision by old names
        network = lpips.LPIPS(net="vgg", pnet_rand=True, verbose=False)
    try:
        for part in (
            network.net.slice1,
            network.net.slice2,
            network.net.slice3,
            network.net.slice4,
            network.net.slice5,
        ):
            for index, layer in part.named_children():
                if hasattr(layer, "weight"):
                    layer.load_state_dict({key: state[f"features.{index}.{key}"] for key in ("weight", "bias")})
    except (KeyError, RuntimeError):
        raise RequestError(
            f"{path} holds other tensors than torchvision's VGG16.", hint=how_to_get("lpips-vgg16")
        ) from None
    return network.eval().requires_grad_(False).to(device)


def _check_colour(name: str, colour: str) -> None:
    if colour not in _COLOURS:
        raise RequestError(f"{name}.colour = {colour!r}: expected {' or '.join(_COLOURS)}.")


def _measured(
    batches: Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]], options: Mapping[str, Any], name: str
) -> Mapping[str, Estimate]:
    import piq
    import torch

    values: dict[str, list[float]] = {"psnr": [], "ssim": [], "l1": []}
    for one, other in _cut(batches, options, name, least=_WINDOW):
        with torch.no_grad():
            values["psnr"] += piq.psnr(one, other, data_range=255, reduction="none").flatten().tolist()
            similarity: Any = piq.ssim(one, other, data_range=255, reduction="none", downsample=False)
            values["ssim"] += similarity.flatten().tolist()
            values["l1"] += ((one - other).abs().mean((1, 2, 3)) / 255).tolist()
    return {key: Estimate.of_values(found, method=f"t over {len(found)} pictures") for key, found in values.items()}


def _cut(
    batches: Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]],
    options: Mapping[str, Any],
    name: str,
    *,
    least: int,
) -> Iterator[Sequence[torch.Tensor]]:
    """float32, 0 to 255, cropped, of the colour that is asked for."""
    import torch

    crop, colour = options["crop"], options["colour"]
    for pair in batches:
        one, other = (torch.from_numpy(side.astype("float32")) for side in pair)
        if one.shape != other.shape:
            raise RequestError(f"A picture of {list(one.shape[1:])} has a true one of {list(other.shape[1:])}.")
        if min(one.shape[2:]) - 2 * crop < least:
            raise RequestError(
                f"Pictures of {one.shape[2]}x{one.shape[3]} pixels less {crop} along each border are too small for "
                f"{name}, which wants {least}."
            )
        sides = [side[..., crop : side.shape[2] - crop, crop : side.shape[3] - crop] for side in (one, other)]
        yield [_luma(side) for side in sides] if colour == "y" else sides


def _luma(images: torch.Tensor) -> torch.Tensor:
    """(N, 1 or 3, H, W) -> (N, 1, H, W). Grey is taken for the same of each colour."""
    import torch

    weights = torch.tensor(_LUMA).reshape(1, 3, 1, 1)
    return 16 + (images * weights / 255).sum(1, keepdim=True)


def _rgb(images: torch.Tensor) -> torch.Tensor:
    return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images
