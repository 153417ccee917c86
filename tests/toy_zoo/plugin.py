"""Announces the six shapes that a stranger would write, as an installed plugin does. Imports no torch."""

from ganzoo import ArchitectureSpec, DataSourceSpec, Preset, hookimpl

GANZOO_API = 2

_TRAIN = {"batch_size": 4, "steps": 4, "sample_count": 4, "score_count": 8}


def _tiny(summary="for tests", **data):
    return {"tiny": Preset(summary=summary, train=_TRAIN, data=data)}


def _noise(**data):
    return {"tiny": Preset(summary="for tests", architecture={"latent_size": 4}, train=_TRAIN, data=data)}


@hookimpl
def ganzoo_architectures():
    return [
        ArchitectureSpec(
            name="toy-vae",
            task="noise-to-image",
            summary="no discriminator, an encoder beside the generator",
            paper="arXiv:1312.6114",
            implementation="toy_zoo.vae:VAE",
            config="toy_zoo.vae:Config",
            presets=_noise(size=8, channels=1),
        ),
        ArchitectureSpec(
            name="toy-super-resolution",
            task="image-to-image",
            summary="four times as large, in colour",
            paper="arXiv:1609.04802",
            implementation="toy_zoo.super_resolution:SuperResolution",
            presets=_tiny(size=32, source_size=8, channels=3),
        ),
        ArchitectureSpec(
            name="toy-colouriser",
            task="image-to-image",
            summary="grey to colour",
            implementation="toy_zoo.colouriser:Colouriser",
            presets=_tiny(size=16, channels=3, source_channels=1),
        ),
        ArchitectureSpec(
            name="toy-attributes",
            task="noise-to-image",
            summary="conditioned on 40 numbers",
            implementation="toy_zoo.attributes:AttributeGAN",
            presets=_noise(size=8, channels=1, source="toy-bars"),
        ),
        ArchitectureSpec(
            name="toy-landscape",
            task="noise-to-image",
            summary="pictures of 48x80",
            implementation="toy_zoo.landscape:LandscapeGAN",
            presets=_noise(size=[48, 80], channels=3),
        ),
        ArchitectureSpec(
            name="toy-r3gan",
            task="noise-to-image",
            summary="a second batch of reals",
            paper="arXiv:2501.05441",
            implementation="toy_zoo.r3gan:R3GAN",
            config="toy_zoo.r3gan:Config",
            presets=_noise(size=8, channels=1),
        ),
    ]


@hookimpl
def ganzoo_data_sources():
    return [
        DataSourceSpec(
            name="toy-bars",
            summary="pictures that come with 40 numbers; toy-bars:N for N of them",
            implementation="toy_zoo.attributes:Bars",
        )
    ]
