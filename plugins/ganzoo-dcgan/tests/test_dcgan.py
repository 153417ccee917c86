"""DCGAN: parameter counts, sizes, initialisation, and losses that only a change of the game can change."""

import json
from pathlib import Path

import pytest
import torch
from ganzoo_dcgan.config import Config
from ganzoo_dcgan.model import DCGAN
from torch import nn

from ganzoo import DataInfo
from ganzoo.errors import RequestError
from ganzoo.plugin.registry import Registry
from ganzoo.testing import Subject

GOLDEN = Path(__file__).parent / "golden.json"


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_paper_preset_has_exactly_the_published_networks():
    dcgan = DCGAN(Config(), DataInfo(channels=3, size=64))
    assert count(dcgan.generator) == 3_576_704
    assert count(dcgan.discriminator) == 2_765_568
    assert not any(layer.bias is not None for layer in dcgan.modules() if isinstance(layer, nn.Conv2d))


@pytest.mark.parametrize("size", [16, 32, 64, 128, 256])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_power_of_two(size, channels):
    dcgan = DCGAN(Config(width=2, latent_size=5), DataInfo(channels=channels, size=size))
    images = dcgan.generator(torch.randn(3, 5))
    assert images.shape == (3, channels, size, size)
    assert images.abs().max() <= 1
    assert dcgan.discriminator(images).shape == (3,)


@pytest.mark.parametrize("size", [8, 24, 48, 512])
def test_other_sizes_say_which_are_allowed(size):
    with pytest.raises(RequestError, match=f"16, 32, 64, 128, 256 pixels, not {size}"):
        DCGAN(Config(width=2), DataInfo(channels=1, size=size))


def test_weights_begin_as_the_paper_says():
    torch.manual_seed(0)
    dcgan = DCGAN(Config(width=32), DataInfo(channels=3, size=64))
    for layer in dcgan.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer.weight.numel() > 10_000:
            assert layer.weight.mean().item() == pytest.approx(0, abs=1e-3)
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.03)
    scales = torch.cat([layer.weight for layer in dcgan.modules() if isinstance(layer, nn.BatchNorm2d)])
    assert scales.mean().item() == pytest.approx(1, abs=0.01) and scales.std().item() == pytest.approx(0.02, rel=0.15)


def test_the_optimisers_are_the_papers():
    optimizers = DCGAN(Config(), DataInfo(channels=3, size=64)).optimizers()
    for spec in optimizers.values():
        assert (spec.kind, spec.lr, spec.betas) == ("adam", 2e-4, (0.5, 0.999))


def test_golden_losses():
    """`tiny` for eight steps. Bits differ between processors, so to rounding; made by running this file."""
    golden = json.loads(GOLDEN.read_text())
    losses = _losses()
    assert len(losses) == len(golden) == 8
    for found, expected in zip(losses, golden, strict=True):
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)


def _losses():
    subject = Subject(Registry.load().architecture("dcgan"))
    return subject.train(subject.engine(), range(8))


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(_losses(), indent=1) + "\n")
