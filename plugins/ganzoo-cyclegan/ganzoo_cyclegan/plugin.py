"""Announces CycleGAN (arXiv:1703.10593) and pix2pix (arXiv:1611.07004). Imports no torch."""

from ganzoo import ArchitectureSpec, Preset, hookimpl

GANZOO_API = 2

_AS_PUBLISHED = {"start": 2e-4, "end": 0.0, "from_epochs": 100, "to_epochs": 200}
"""The learning rate: constant for 100 epochs, then down to nothing over 100 more."""


def _paper(summary: str, **settings: object) -> Preset:
    return Preset(
        summary=summary,
        architecture={"lr": _AS_PUBLISHED, **settings},
        train={"batch_size": 1, "epochs": 200.0, "sample_count": 16, "score_count": 200},
        data={
            "size": 256,
            "load_size": 286,
            "channels": 3,
            "flip": True,
            "resize": "bicubic",
            "fit": "stretch",
        },
    )


def _tiny(**changes: object) -> Preset:
    return Preset(
        summary="16x16 in milliseconds, for tests",
        architecture={"width": 4, "discriminator_width": 4, "discriminator_layers": 1, **changes},
        train={"batch_size": 4, "steps": 4, "sample_count": 4, "score_count": 16},
        data={"size": 16, "channels": 3},
    )


@hookimpl
def ganzoo_architectures() -> list[ArchitectureSpec]:
    return [
        ArchitectureSpec(
            name="cyclegan",
            task="image-to-image",
            summary="Unpaired translation between two domains, both ways",
            paper="arXiv:1703.10593",
            implementation="ganzoo_cyclegan.cyclegan:CycleGAN",
            config="ganzoo_cyclegan.config:CycleGANConfig",
            importer="ganzoo_cyclegan.importing:read_cyclegan",
            families=("pix2pix and CycleGAN",),
            presets={
                "paper": _paper("256x256 cut from 286x286, ResNet-9, 200 epochs, batch 1"),
                "style": _paper(
                    "photographs as a collection of paintings, 256x256: the paper's own, with the identity loss that "
                    "keeps colours",
                    identity_weight=0.5,
                ),
                "digits": Preset(
                    summary="the built-in unpaired task at 32x32, three minutes on two CPU cores",
                    architecture={
                        "width": 16,
                        "blocks": 3,
                        "discriminator_width": 32,
                        "discriminator_layers": 2,
                        # The identity loss keeps light light, and here what is light becomes dark.
                        "identity_weight": 0.0,
                        "lr": {"start": 5e-4, "end": 0.0, "from_kimg": 6.0, "to_kimg": 12.0},
                    },
                    train={"batch_size": 8, "kimg": 12.0, "sample_every_kimg": 2.0, "checkpoint_every_kimg": 3.0},
                    data={"source": "digits-neon", "size": 32, "channels": 3},
                ),
                "tiny": _tiny(blocks=1, pool_size=6),
            },
        ),
        ArchitectureSpec(
            name="pix2pix",
            task="image-to-image",
            summary="Paired translation: pictures that show the same thing, one way",
            paper="arXiv:1611.07004",
            implementation="ganzoo_cyclegan.pix2pix:Pix2Pix",
            config="ganzoo_cyclegan.config:Pix2PixConfig",
            importer="ganzoo_cyclegan.importing:read_pix2pix",
            families=("pix2pix and CycleGAN",),
            presets={
                "paper": _paper("256x256 cut from 286x286, U-Net of depth 8, 200 epochs, batch 1"),
                "digits": Preset(
                    summary="the built-in paired task at 32x32, two minutes on two CPU cores",
                    architecture={
                        "width": 32,
                        "depth": 5,
                        "discriminator_width": 32,
                        "discriminator_layers": 2,
                        "lr": {"start": 5e-4, "end": 0.0, "from_kimg": 20.0, "to_kimg": 40.0},
                    },
                    train={"batch_size": 16, "kimg": 40.0, "sample_every_kimg": 5.0, "checkpoint_every_kimg": 10.0},
                    data={"source": "digits-outline", "size": 32, "channels": 1},
                ),
                "tiny": _tiny(depth=3),
            },
        ),
    ]
