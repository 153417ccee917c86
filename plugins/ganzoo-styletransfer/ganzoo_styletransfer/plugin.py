"""Announces AdaIN (arXiv:1703.06868) and fast style transfer (arXiv:1603.08155). Imports no torch."""

from ganzoo import ArchitectureSpec, Preset, hookimpl

GANZOO_API = 2


@hookimpl
def ganzoo_architectures() -> list[ArchitectureSpec]:
    return [
        ArchitectureSpec(
            name="adain",
            task="image-to-image",
            summary="Paints a picture in the style of another, any two; strength is an input",
            paper="arXiv:1703.06868",
            implementation="ganzoo_styletransfer.adain:AdaIN",
            config="ganzoo_styletransfer.config:AdaINConfig",
            importer="ganzoo_styletransfer.importing:read_adain",
            families=("AdaIN",),
            presets={
                "paper": Preset(
                    summary="256x256 parts of pictures opened at 512, 160,000 steps of 8, from vgg_normalised.pth",
                    train={"batch_size": 8, "kimg": 1280.0, "sample_count": 16},
                    data={"size": 256, "load_size": 512, "channels": 3},
                ),
                "quick": Preset(
                    summary="64x64 parts of your own pictures, ten minutes on two CPU cores",
                    architecture={"lr": 1e-3},
                    train={"batch_size": 8, "kimg": 10.0, "sample_every_kimg": 2.0, "checkpoint_every_kimg": 2.0,
                           "sample_count": 16},
                    data={"size": 64, "channels": 3},
                ),
                "tiny": Preset(
                    summary="16x16 in milliseconds, for tests, with a random encoder",
                    architecture={"widths": (2, 2, 4, 4), "encoder": "random"},
                    train={"batch_size": 4, "steps": 4, "sample_count": 4, "score_count": 16},
                    data={"size": 16, "channels": 3},
                ),
            },
        ),
        ArchitectureSpec(
            name="fast-style",
            task="image-to-image",
            summary="One network for one style, learnt from one picture of it",
            paper="arXiv:1603.08155",
            implementation="ganzoo_styletransfer.fast_style:FastStyle",
            config="ganzoo_styletransfer.config:FastStyleConfig",
            importer="ganzoo_styletransfer.importing:read_fast_style",
            families=("fast neural style",),
            presets={
                "paper": Preset(
                    summary="256x256, two passes over 83,000 photographs, batch 4; wants style and perceptual",
                    train={"batch_size": 4, "kimg": 166.0, "sample_count": 16},
                    data={"size": 256, "channels": 3},
                ),
                "tiny": Preset(
                    summary="16x16 in milliseconds, for tests, without a style",
                    architecture={"widths": (2, 2, 4), "blocks": 1},
                    train={"batch_size": 4, "steps": 4, "sample_count": 4, "score_count": 16},
                    data={"size": 16, "channels": 3},
                ),
            },
        ),
    ]  # fmt: skip
