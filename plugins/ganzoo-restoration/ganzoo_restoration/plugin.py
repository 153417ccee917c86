"""Announces SRGAN (arXiv:1609.04802), ESRGAN (arXiv:1809.00219), Real-ESRGAN (arXiv:2107.10833). Imports no torch."""

from collections.abc import Mapping
from typing import Any

from ganzoo import ArchitectureSpec, Preset, hookimpl

GANZOO_API = 2

_VIEWS = {"flip": True, "turn": True}


def _tiny(**settings: Any) -> Preset:
    return Preset(
        summary="16x16 to 32x32 in milliseconds, for tests",
        architecture={"scale": 2, "width": 4, "discriminator_width": 4, "blocks": 1, **settings},
        train={"batch_size": 4, "steps": 4, "sample_count": 4, "score_count": 16},
        data={"size": 32, "channels": 3},
    )


def _digits(**settings: Any) -> Preset:
    return Preset(
        summary="the built-in digits from 8x8 to 32x32, two minutes on two CPU cores",
        architecture={"scale": 4, "width": 24, "blocks": 4, "discriminator_width": 16, "ema_half_life_kimg": 0.5,
                      "lr": {"start": 1e-3, "end": 1e-4, "to_kimg": 20.0, "shape": "cosine"}, **settings},
        train={"batch_size": 16, "kimg": 20.0, "sample_every_kimg": 5.0, "sample_count": 16,
               "checkpoint_every_kimg": 5.0, "score_count": 200},
        data={"source": "digits", "size": 32, "channels": 1},
    )  # fmt: skip


def _quick(summary: str, kimg: float = 150.0, **settings: Any) -> Preset:
    return Preset(
        summary=summary,
        architecture={"adversarial_weight": 0.0, "perceptual_weight": 0.0, "ema_half_life_kimg": 0.5,
                      "pixel_loss": "l1", "lr": {"start": 1e-3, "end": 1e-5, "to_kimg": kimg, "shape": "cosine"},
                      **settings},
        train={"batch_size": 16, "kimg": kimg, "sample_count": 16, "sample_every_kimg": kimg / 6,
               "checkpoint_every_kimg": kimg / 6, "score_count": 200},
        data={"size": 64, "channels": 3, **_VIEWS},
    )  # fmt: skip


def _paper(
    summary: str, *, size: int, kimg: float, batch_size: int, views: Mapping[str, bool], **settings: Any
) -> Preset:
    return Preset(
        summary=summary,
        architecture=settings,
        train={"batch_size": batch_size, "kimg": kimg, "sample_count": 16, "score_count": 200,
               "checkpoint_every_kimg": kimg / 100, "sample_every_kimg": kimg / 200},
        data={"size": size, "channels": 3, **views},
    )  # fmt: skip


_ALONE = {"adversarial_weight": 0.0, "perceptual_weight": 0.0, "pixel_weight": 1.0}
"""The first of two stages: pixels alone. The second begins from it: --init-from."""


@hookimpl
def ganzoo_architectures() -> list[ArchitectureSpec]:
    return [
        ArchitectureSpec(
            name="srgan",
            task="image-to-image",
            summary="Enlarges photographs: SRResNet, and a discriminator that wants them sharp",
            paper="arXiv:1609.04802",
            implementation="ganzoo_restoration.models:SRGAN",
            config="ganzoo_restoration.config:SRGANConfig",
            presets={
                "paper-psnr": _paper(
                    "SRResNet on squared errors, 96x96 crops, a million updates of 16; first of two stages",
                    size=96, kimg=16_000.0, batch_size=16, views={"flip": True}, **{**_ALONE, "pixel_loss": "l2"},
                ),
                "paper": _paper(
                    "SRGAN from SRResNet (--init-from), 200,000 updates of 16, the rate a tenth in the second half",
                    size=96, kimg=3200.0, batch_size=16, views={"flip": True}, pixel_weight=0.0,
                    lr={"start": 1e-4, "end": 1e-5, "from_kimg": 1600.0, "to_kimg": 1600.016},
                ),
                "quick": _quick(
                    "4x from 64x64 parts of your own pictures, pixels alone, ten minutes on two CPU cores",
                    width=32, blocks=6,
                ),
                "digits": _digits(pixel_loss="l1"),
                "tiny": _tiny(),
            },
        ),
        ArchitectureSpec(
            name="esrgan",
            task="image-to-image",
            summary="Enlarges photographs: dense residual blocks, a relativistic discriminator",
            paper="arXiv:1809.00219",
            implementation="ganzoo_restoration.models:ESRGAN",
            config="ganzoo_restoration.config:ESRGANConfig",
            importer="ganzoo_restoration.importing:read_esrgan",
            families=("ESRGAN",),
            presets={
                "paper-psnr": _paper(
                    "RRDB on pixels alone, 128x128 crops, a million updates of 16; first of two stages",
                    size=128, kimg=16_000.0, batch_size=16, views=_VIEWS, **_ALONE,
                    lr={"start": 2e-4, "end": 1e-7, "to_kimg": 16_000.0, "shape": "cosine"},
                ),
                "paper": _paper(
                    "ESRGAN from the first stage (--init-from), 400,000 updates of 16",
                    size=128, kimg=6400.0, batch_size=16, views=_VIEWS,
                    lr={"start": 1e-4, "end": 6.25e-6, "to_kimg": 4800.0, "shape": "cosine"},
                ),
                "quick": _quick(
                    "4x from 64x64 parts of your own pictures, pixels alone, ten minutes on two CPU cores",
                    width=24, growth=12, blocks=3,
                ),
                "digits": _digits(growth=8, blocks=2, pixel_weight=1.0),
                "tiny": _tiny(growth=4),
            },
        ),
        ArchitectureSpec(
            name="real-esrgan",
            task="image-to-image",
            summary="Enlarges and restores pictures as they come: blurred, noisy, compressed; in full or compact",
            paper="arXiv:2107.10833",
            implementation="ganzoo_restoration.models:RealESRGAN",
            config="ganzoo_restoration.config:RealESRGANConfig",
            importer="ganzoo_restoration.importing:read_real_esrgan",
            families=("ESRGAN", "Real-ESRGAN compact", "Real-ESRGAN discriminator"),
            presets={
                "paper-net": _paper(
                    "RealESRNet: pixels alone, 256x256 crops, a million updates of 48; first of two stages",
                    size=256, kimg=48_000.0, batch_size=48, views={"flip": True}, **_ALONE, lr=2e-4,
                ),
                "paper": _paper(
                    "Real-ESRGAN from RealESRNet (--init-from), 400,000 updates of 48",
                    size=256, kimg=19_200.0, batch_size=48, views={"flip": True},
                ),
                "sharp": Preset(
                    summary="the second stage of quick (--init-from), with a small discriminator and features of "
                    "EfficientNet-Lite0 (extra: ganzoo[scores]), ten minutes on two CPU cores",
                    architecture={
                        "generator": "compact", "width": 32, "convolutions": 10, "sharpen": False,
                        "ema_half_life_kimg": 0.5, "adversarial_weight": 0.1, "pixel_weight": 0.5,
                        "discriminator_width": 16, "perceptual": "efficientnet-lite0",
                        "perceptual_layers": "block2,block4", "perceptual_weight": 0.1, "lr": 5e-4,
                    },
                    train={"batch_size": 8, "kimg": 20.0, "sample_count": 16, "sample_every_kimg": 4.0,
                           "checkpoint_every_kimg": 4.0, "score_count": 200},
                    data={"size": 64, "channels": 3, **_VIEWS},
                ),
                "restore": _quick(
                    "repairs 64x64 parts of your own pictures, compact, ten minutes on two CPU cores; for example "
                    "data.degrade=noise:10-40, jpeg:10-60 or blur:1-2,noise:5-20",
                    kimg=30.0, scale=1, generator="compact", width=24, convolutions=8, sharpen=False,
                ),
                "repaint": _quick(
                    "fills and colours 64x64 parts of your own pictures, and sees far, ten minutes on two CPU cores; "
                    "data.degrade=gray or holes",
                    kimg=40.0, scale=1, width=24, growth=12, blocks=4, sharpen=False,
                ),
                "quick": _quick(
                    "4x from 64x64 parts of your own pictures, compact, pixels alone, ten minutes on two CPU cores",
                    generator="compact", width=32, convolutions=10, sharpen=False,
                ),
                "digits": _digits(growth=8, blocks=2, sharpen=False),
                "tiny": _tiny(growth=4),
            },
        ),
        ArchitectureSpec(
            name="fixed-restoration",
            task="image-to-image",
            summary="Published restoration networks of other families, as they are: they sample, export and bench",
            implementation="ganzoo_restoration.fixed:FixedRestoration",
            config="ganzoo_restoration.fixed:FixedConfig",
            importer="ganzoo_restoration.fixed:read_fixed",
            trains=False,
            families=(
                "SwinIR", "HAT", "DAT", "SPAN", "OmniSR", "Restormer", "NAFNet", "SCUNet", "PLKSR", "ATD", "ESRGAN+",
            ),
        ),
    ]  # fmt: skip
