"""Announces StyleGAN (arXiv:1812.04948) and StyleGAN2 (arXiv:1912.04958). Imports no torch."""

from ganzoo import ArchitectureSpec, Preset, hookimpl

GANZOO_API = 2

_DIGITS = {
    "latent_size": 64,
    "style_size": 64,
    "mapping_layers": 2,
    "maps_most": 64,
    "mixing": 0.0,
    "generator_lr": 5e-3,
    "discriminator_lr": 5e-3,
    "penalty_weight": 1.0,
    "ema_half_life_kimg": 5.0,
}
_OFFICIAL = {
    # The authors' code moves the mean style at each pass of the generator: two in a step, and one every fourth.
    "average_decay": 0.98878,  # 0.995 ** 2.25
    "path_rate": True,
}
_TINY = {
    "latent_size": 8,
    "style_size": 8,
    "mapping_layers": 2,
    "maps_base": 64,
    "maps_most": 8,
    "ema_half_life_kimg": 1.0,
}


@hookimpl
def ganzoo_architectures() -> list[ArchitectureSpec]:
    return [
        ArchitectureSpec(
            name="stylegan2",
            task="noise-to-image",
            summary="StyleGAN2, configuration F: styles, skip generator, path length; 8 to 1024 pixels",
            paper="arXiv:1912.04958",
            implementation="ganzoo_stylegan.stylegan2:StyleGAN2",
            config="ganzoo_stylegan.config:StyleGAN2Config",
            importer="ganzoo_stylegan.importing:read_stylegan2",
            families=("StyleGAN2",),
            presets={
                "auto": Preset(
                    summary="from resolution, batch and GPUs, a short mapping; for pictures of your own",
                    architecture=_OFFICIAL,
                    train={"kimg": 25_000.0},
                    data={"channels": 3},
                    computed="ganzoo_stylegan.auto:configure",
                ),
                "digits": Preset(
                    summary="the built-in digits at 32x32, ten minutes on two CPU cores",
                    # Without mixing and path length, as the paper on augmentation has it for small pictures; steps are
                    # what counts, so the batch is small and there are few maps.
                    architecture={**_DIGITS, "maps_base": 128, "path_weight": 0.0},
                    train={"batch_size": 16, "kimg": 250.0, "sample_every_kimg": 20.0},
                    data={"source": "digits", "size": 32, "channels": 1},
                ),
                "paper": Preset(
                    summary="1024x1024 colour, configuration F",
                    architecture={**_OFFICIAL, "generator_lr": 2e-3, "discriminator_lr": 2e-3},
                    train={"batch_size": 32, "kimg": 25_000.0},
                    data={"size": 1024, "channels": 3},
                ),
                "tiny": Preset(
                    summary="16x16 in milliseconds, for tests",
                    architecture={
                        **_TINY,
                        "penalty_weight": 1.0,
                        "penalty_every": 4,
                    },
                    train={"batch_size": 8, "steps": 4, "sample_count": 4},
                    data={"size": 16, "channels": 1},
                ),
            },
        ),
        ArchitectureSpec(
            name="stylegan",
            task="noise-to-image",
            summary="StyleGAN: adaptive instance normalisation, noise, pictures that grow; 8 to 1024 pixels",
            paper="arXiv:1812.04948",
            implementation="ganzoo_stylegan.stylegan:StyleGAN",
            config="ganzoo_stylegan.config:StyleGANConfig",
            presets={
                "digits": Preset(
                    summary="the built-in digits, from 8x8 to 32x32 in some minutes on two CPU cores",
                    architecture={
                        **_DIGITS,
                        "maps_base": 256,
                        "discriminator_lr": 2.5e-3,
                        "penalty_every": 8,
                        "steady_kimg": 20.0,
                        "fade_kimg": 20.0,
                    },
                    train={"batch_size": 16, "kimg": 200.0, "sample_every_kimg": 20.0},
                    data={"source": "digits", "size": 32, "channels": 1},
                ),
                "paper": Preset(
                    summary="1024x1024 colour, R1",
                    train={"batch_size": 32, "kimg": 25_000.0},
                    data={"size": 1024, "channels": 3},
                ),
                "paper-wgan-gp": Preset(
                    summary="1024x1024 colour, Wasserstein distance with gradient penalty and drift",
                    architecture={"objective": "wasserstein", "penalty": "wgan-gp", "drift": 0.001},
                    train={"batch_size": 32, "kimg": 12_000.0},
                    data={"size": 1024, "channels": 3},
                ),
                "tiny": Preset(
                    summary="16x16 in milliseconds, for tests; grows once",
                    architecture={
                        **_TINY,
                        "steady_kimg": 0.016,
                        "fade_kimg": 0.032,
                    },
                    train={"batch_size": 8, "steps": 8, "sample_count": 4},
                    data={"size": 16, "channels": 1},
                ),
            },
        ),
    ]
