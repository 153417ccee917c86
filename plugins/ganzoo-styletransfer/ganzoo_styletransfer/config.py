"""Hyperparameters of AdaIN (arXiv:1703.06868) and of fast style transfer (arXiv:1603.08155).

Deviations: none in the defaults.
"""

from dataclasses import dataclass
from typing import Annotated

from ganzoo.config import Ge, Help, ImageToImageConfig, Le, Lt, MayChange, Schedule

_MOST = 2048


@dataclass(frozen=True, kw_only=True, slots=True)
class AdaINConfig(ImageToImageConfig):
    widths: Annotated[
        tuple[int, int, int, int], Help("feature maps of the encoder at each size of its features, as VGG19 has them")
    ] = (64, 128, 256, 512)
    encoder: Annotated[
        str,
        Help("the fixed encoder: vgg_normalised.pth, or torchvision's VGG19; random: for tests alone"),
    ] = ""
    lr: Annotated[Annotated[float, Ge(0)] | Schedule, Help("Adam learning rate")] = 1e-4
    lr_decay: Annotated[float, Ge(0), Help("the rate is lr / (1 + lr_decay * steps)"), MayChange()] = 5e-5
    beta1: Annotated[Annotated[float, Ge(0), Lt(1)] | Schedule, Help("Adam's first beta")] = 0.9
    content_weight: Annotated[float, Ge(0), Help("of the distance of features to what was decoded")] = 1.0
    style_weight: Annotated[float, Ge(0), Help("of the distance of means and deviations to the style's")] = 10.0

    def __post_init__(self) -> None:
        check_widths(self.widths)


@dataclass(frozen=True, kw_only=True, slots=True)
class FastStyleConfig(ImageToImageConfig):
    widths: Annotated[
        tuple[int, int, int], Help("feature maps of the first layer, of the second, and of the residual blocks")
    ] = (32, 64, 128)
    blocks: Annotated[int, Ge(1), Le(64), Help("residual blocks; published networks have 5")] = 5
    style: Annotated[str, Help("the picture whose style is learnt, a file")] = ""
    perceptual: Annotated[
        str, Help("the feature network: torchvision's VGG16 as a file, FILE.onnx, or efficientnet-lite0")
    ] = ""
    content_layers: Annotated[str, Help("its layers that what is shown is compared by")] = "relu2_2"
    style_layers: Annotated[str, Help("its layers that style is compared by")] = "relu1_2,relu2_2,relu3_3,relu4_3"
    lr: Annotated[Annotated[float, Ge(0)] | Schedule, Help("Adam learning rate")] = 1e-3
    beta1: Annotated[Annotated[float, Ge(0), Lt(1)] | Schedule, Help("Adam's first beta")] = 0.9
    content_weight: Annotated[float, Ge(0), Help("of the distance of features")] = 1e5
    style_weight: Annotated[float, Ge(0), Help("of the distance of Gram matrices")] = 1e10
    smoothness_weight: Annotated[float, Ge(0), Help("of the total variation of what is painted, 0..1; 0: none")] = 0.0

    def __post_init__(self) -> None:
        check_widths(self.widths)


def check_widths(widths: tuple[int, ...]) -> None:
    """Raises ValueError for numbers of feature maps that no network has."""
    if not all(1 <= width <= _MOST for width in widths):
        raise ValueError(f"widths = {list(widths)}: expected 1 to {_MOST} each")
