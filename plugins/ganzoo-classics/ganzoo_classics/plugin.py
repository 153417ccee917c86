"""Announces the classics. Imports no torch."""

from ganzoo import ArchitectureSpec, Preset, hookimpl

GANZOO_API = 2

_DIGITS = {"source": "digits", "size": 32, "channels": 1}
_LENGTH = {"kimg": 400.0, "sample_every_kimg": 20.0}
# Few pictures and small networks: the generator has to learn faster than its judge, and what it learnt is averaged.
_FAST = {
    "latent_size": 32,
    "generator_lr": 2e-3,
    "discriminator_lr": 2e-4,
    "beta2": 0.99,
    "ema_half_life_kimg": 5.0,
    "ema_rampup": 0.5,
}
# Without dropout: on 1,500 pictures R1 is the better restraint.
_PERCEPTRON_FAST = {
    **_FAST,
    "width": 256,
    "generator_lr": 1e-3,
    "discriminator_lr": 1e-3,
    "penalty": "r1",
    "penalty_weight": 1.0,
    "dropout": 0.0,
}
_TINY_TRAIN = {"batch_size": 8, "steps": 4, "sample_count": 4}
_PERCEPTRON_PRESETS = {
    "digits": Preset(
        summary="the built-in digits at 32x32, two minutes on two CPU cores",
        architecture=_PERCEPTRON_FAST,
        train=_LENGTH,
        data=_DIGITS,
    ),
    "tiny": Preset(
        summary="8x8 in milliseconds, for tests",
        architecture={"width": 16, "latent_size": 4},
        train=_TINY_TRAIN,
        data={"size": 8, "channels": 1},
    ),
}


@hookimpl
def ganzoo_architectures() -> list[ArchitectureSpec]:
    return [
        ArchitectureSpec(
            name="gan",
            task="noise-to-image",
            summary="The first one: two multilayer perceptrons, the judge with maxout and dropout",
            paper="arXiv:1406.2661",
            implementation="ganzoo_classics.perceptrons:GAN",
            config="ganzoo_classics.config:GANConfig",
            presets={
                "paper": Preset(summary="28x28 grey, the published widths", data={"size": 28, "channels": 1}),
                **_PERCEPTRON_PRESETS,
            },
        ),
        ArchitectureSpec(
            name="cgan",
            task="noise-to-image",
            summary="Class-conditional: both perceptrons see the label; paints the class it is asked for",
            paper="arXiv:1411.1784",
            implementation="ganzoo_classics.perceptrons:ConditionalGAN",
            config="ganzoo_classics.config:GANConfig",
            presets={
                "paper": Preset(
                    summary="28x28 grey, the published widths and batch",
                    architecture={"latent_size": 100},
                    train={"batch_size": 100},
                    data={"size": 28, "channels": 1},
                ),
                **_PERCEPTRON_PRESETS,
            },
        ),
        ArchitectureSpec(
            name="vae",
            task="noise-to-image",
            summary="Variational autoencoder, for comparison: no discriminator, and an encoder beside the generator",
            paper="arXiv:1312.6114",
            implementation="ganzoo_classics.variational:VAE",
            config="ganzoo_classics.config:VAEConfig",
            presets={
                "paper": Preset(
                    summary="28x28 grey, the published widths and batch",
                    train={"batch_size": 100},
                    data={"size": 28, "channels": 1},
                ),
                "digits": Preset(
                    summary="the built-in digits at 32x32, two minutes on two CPU cores",
                    architecture={
                        "latent_size": 16,
                        "width": 256,
                        "layers": 2,
                        "activation": "relu",
                        "ema_half_life_kimg": 5.0,
                        "ema_rampup": 0.5,
                    },
                    train=_LENGTH,
                    data=_DIGITS,
                ),
                "tiny": Preset(
                    summary="8x8 in milliseconds, for tests",
                    architecture={"width": 16, "latent_size": 4},
                    train=_TINY_TRAIN,
                    data={"size": 8, "channels": 1},
                ),
            },
        ),
        ArchitectureSpec(
            name="wgan",
            task="noise-to-image",
            summary="Wasserstein distance with clipped weights, on DCGAN's networks",
            paper="arXiv:1701.07875",
            implementation="ganzoo_classics.wasserstein:WGAN",
            config="ganzoo_classics.config:WGANConfig",
            presets={
                "paper": Preset(summary="64x64 colour, the published optimiser", data={"size": 64, "channels": 3}),
                "digits": Preset(
                    summary="the built-in digits at 32x32, two minutes on two CPU cores",
                    architecture={
                        **_FAST,
                        "width": 16,
                        "optimizer": "adam",
                        "beta1": 0.5,
                        "clip_weights": 0.03,
                        "critic_steps": 1,
                    },
                    train=_LENGTH,
                    data=_DIGITS,
                ),
                "tiny": Preset(
                    summary="16x16 in milliseconds, for tests",
                    architecture={"width": 4, "latent_size": 8},
                    train=_TINY_TRAIN,
                    data={"size": 16, "channels": 1},
                ),
            },
        ),
        ArchitectureSpec(
            name="wgan-gp",
            task="noise-to-image",
            summary="Wasserstein distance with gradient penalty, residual networks at 32 and 64 pixels",
            paper="arXiv:1704.00028",
            implementation="ganzoo_classics.wasserstein:WGANGP",
            config="ganzoo_classics.config:WGANGPConfig",
            presets={
                "paper": Preset(
                    summary="32x32 colour, the published networks, 100,000 generator updates with linear decay",
                    architecture={
                        "generator_lr": {"start": 2e-4, "end": 0.0, "to_kimg": 32000.0},
                        "discriminator_lr": {"start": 2e-4, "end": 0.0, "to_kimg": 32000.0},
                    },
                    train={"kimg": 32000.0},
                    data={"size": 32, "channels": 3},
                ),
                "paper-64": Preset(summary="64x64 colour, the published networks", data={"size": 64, "channels": 3}),
                "digits": Preset(
                    summary="the built-in digits at 32x32, some minutes on two CPU cores",
                    architecture={**_FAST, "width": 8, "discriminator_lr": 1e-3, "beta1": 0.0, "critic_steps": 2},
                    train=_LENGTH,
                    data=_DIGITS,
                ),
                "tiny": Preset(
                    summary="32x32 in milliseconds, for tests",
                    architecture={"width": 2, "latent_size": 8},
                    train={**_TINY_TRAIN, "batch_size": 4},
                    data={"size": 32, "channels": 1},
                ),
            },
        ),
    ]
