"""Hyperparameters of SRGAN (arXiv:1609.04802), ESRGAN (arXiv:1809.00219) and Real-ESRGAN (arXiv:2107.10833).

Deviations from the papers: EMA as the released code of the last two has it; no perceptual loss unless a feature network
is named, as none is shipped.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from ganzoo.config import Ge, Help, ImageToImageConfig, Le, Lt, Schedule


@dataclass(frozen=True, kw_only=True, slots=True)
class Restoration(ImageToImageConfig):
    """What all three games can set. Every loss has a weight, and one of 0 is not computed."""

    scale: Annotated[
        Literal[1, 2, 3, 4, 8], Help("how many times as large pictures become; 1 restores without enlarging")
    ] = 4
    width: Annotated[int, Ge(1), Le(512), Help("feature maps of the generator's trunk")] = 64
    blocks: Annotated[int, Ge(1), Le(64), Help("residual blocks of the generator")] = 16
    discriminator_width: Annotated[int, Ge(1), Le(512), Help("feature maps of the discriminator's first layer")] = 64
    beta1: Annotated[Annotated[float, Ge(0), Lt(1)] | Schedule, Help("Adam's first beta")] = 0.9
    beta2: Annotated[Annotated[float, Ge(0), Lt(1)] | Schedule, Help("Adam's second beta")] = 0.999
    pixel_loss: Annotated[Literal["l1", "l2", "charbonnier"], Help("distance of pixels, which are from 0 to 1")] = "l1"
    pixel_weight: Annotated[float, Ge(0), Help("of the distance of pixels; 0: none")] = 1.0
    perceptual: Annotated[
        str,
        Help(
            "a feature network for a perceptual loss: torchvision's VGG19 as a file, FILE.onnx, or efficientnet-lite0"
        ),
    ] = ""
    perceptual_layers: Annotated[
        str, Help("its layers, each with a weight: conv1_2:0.1,conv5_4 before, relu5_4 behind a ReLU; of ONNX, tensors")
    ] = "conv5_4"
    perceptual_loss: Annotated[Literal["l1", "l2"], Help("distance of features")] = "l1"
    perceptual_weight: Annotated[float, Ge(0), Help("of the distance of features; 0: none")] = 1.0
    adversarial_weight: Annotated[
        float, Ge(0), Help("of the adversarial loss; 0: none, and no discriminator learns")
    ] = 1e-3
    sharpen: Annotated[bool, Help("hold pixels and features against sharpened targets, as Real-ESRGAN does")] = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SRGANConfig(Restoration):
    lr: Annotated[Annotated[float, Ge(0)] | Schedule, Help("Adam learning rate")] = 1e-4
    pixel_loss: Annotated[Literal["l1", "l2", "charbonnier"], Help("distance of pixels, which are from 0 to 1")] = "l2"
    perceptual_layers: Annotated[
        str, Help("its layers, each with a weight: conv1_2:0.1,conv5_4 before, relu5_4 behind a ReLU; of ONNX, tensors")
    ] = "relu5_4"
    perceptual_loss: Annotated[Literal["l1", "l2"], Help("distance of features")] = "l2"
    perceptual_weight: Annotated[float, Ge(0), Help("of the distance of features; 0: none")] = 1 / 12.75**2
    slopes: Annotated[Literal["layer", "channel"], Help("numbers of a PReLU: one, or one for each channel")] = "layer"
    bias: Annotated[bool, Help("whether convolutions before a batch norm have one")] = True


@dataclass(frozen=True, kw_only=True, slots=True)
class RRDBConfig(Restoration):
    """Of the network that ESRGAN and Real-ESRGAN have in common."""

    blocks: Annotated[int, Ge(1), Le(64), Help("residual-in-residual dense blocks of the generator")] = 23
    growth: Annotated[int, Ge(1), Le(256), Help("feature maps that a convolution of a dense block adds")] = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class ESRGANConfig(RRDBConfig):
    lr: Annotated[Annotated[float, Ge(0)] | Schedule, Help("Adam learning rate")] = 1e-4
    pixel_weight: Annotated[float, Ge(0), Help("of the distance of pixels; 0: none")] = 1e-2
    adversarial_weight: Annotated[
        float, Ge(0), Help("of the adversarial loss; 0: none, and no discriminator learns")
    ] = 5e-3
    ema_half_life_kimg: Annotated[
        Annotated[float, Ge(0)] | Schedule, Help("half-life of the averaged generator; 0: none")
    ] = 11.1


@dataclass(frozen=True, kw_only=True, slots=True)
class RealESRGANConfig(RRDBConfig):
    generator: Annotated[
        Literal["rrdb", "compact"], Help("compact: one row of convolutions, some thirty times as fast")
    ] = "rrdb"
    convolutions: Annotated[int, Ge(1), Le(256), Help("compact: between the first and the last")] = 16
    activation: Annotated[Literal["prelu", "relu", "leaky-relu"], Help("compact: behind its convolutions")] = "prelu"
    lr: Annotated[Annotated[float, Ge(0)] | Schedule, Help("Adam learning rate")] = 1e-4
    beta2: Annotated[Annotated[float, Ge(0), Lt(1)] | Schedule, Help("Adam's second beta")] = 0.99
    perceptual_layers: Annotated[
        str, Help("its layers, each with a weight: conv1_2:0.1,conv5_4 before, relu5_4 behind a ReLU; of ONNX, tensors")
    ] = "conv1_2:0.1,conv2_2:0.1,conv3_4,conv4_4,conv5_4"
    adversarial_weight: Annotated[
        float, Ge(0), Help("of the adversarial loss; 0: none, and no discriminator learns")
    ] = 0.1
    sharpen: Annotated[bool, Help("hold pixels and features against sharpened targets, as Real-ESRGAN does")] = True
    ema_half_life_kimg: Annotated[
        Annotated[float, Ge(0)] | Schedule, Help("half-life of the averaged generator; 0: none")
    ] = 33.3
