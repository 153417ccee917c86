"""Announces DCGAN (arXiv:1511.06434). Imports no torch."""

from ganzoo import ArchitectureSpec, Preset, hookimpl

GANZOO_API = 2


def _digits(summary: str, **changes: object) -> Preset:
    # Small networks and few pictures: the generator has to learn ten times as fast.
    learning = {"generator_lr": 2e-3, "discriminator_lr": 2e-4, "beta2": 0.99, "ema_half_life_kimg": 5.0}
    return Preset(
        summary=summary,
        architecture={"width": 16, "latent_size": 32, "ema_rampup": 0.5, **learning, **changes},
        train={"kimg": 400.0, "sample_every_kimg": 20.0},
        data={"source": "digits", "size": 32, "channels": 1},
    )


@hookimpl
def ganzoo_architectures() -> list[ArchitectureSpec]:
    return [
        ArchitectureSpec(
            name="dcgan",
            task="noise-to-image",
            summary="Deep convolutional GAN: strided convolutions and batch normalisation, 16 to 256 pixels",
            paper="arXiv:1511.06434",
            implementation="ganzoo_dcgan.model:DCGAN",
            config="ganzoo_dcgan.config:Config",
            importer="ganzoo_dcgan.importing:read_dcgan",
            families=("DCGAN of pytorch/examples",),
            presets={
                "paper": Preset(
                    summary="64x64 colour, the published networks and optimiser",
                    data={"size": 64, "channels": 3},
                ),
                "digits": _digits("the built-in digits at 32x32, a minute on two CPU cores, with any objective"),
                "digits-wasserstein": _digits("with clipped weights", objective="wasserstein", clip_weights=0.03),
                "digits-wgan-gp": _digits(
                    "with a gradient penalty", objective="wasserstein", penalty="wgan-gp", critic_steps=2
                ),
                "tiny": Preset(
                    summary="16x16 in milliseconds, for tests",
                    architecture={"width": 4, "latent_size": 8},
                    train={"batch_size": 8, "steps": 4, "sample_count": 4},
                    data={"size": 16, "channels": 1},
                ),
            },
        )
    ]
