"""The classics: parameter counts, sizes, optimisers, and a label that is obeyed."""

import numpy as np
import pytest
import torch
from ganzoo_classics.config import GANConfig, VAEConfig, WGANConfig, WGANGPConfig
from ganzoo_classics.perceptrons import GAN, ConditionalGAN, Maxout
from ganzoo_classics.residual import Critic, Generator
from ganzoo_classics.variational import VAE
from ganzoo_classics.wasserstein import WGAN, WGANGP

from ganzoo import DataInfo
from ganzoo.architecture import Batch, Step
from ganzoo.errors import RequestError
from ganzoo.plugin.registry import Registry
from ganzoo.testing import Subject

RGB64 = DataInfo(channels=3, size=64)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(("size", "generator", "critic"), [(32, 4_276_739, 1_053_825), (64, 12_220_675, 10_141_441)])
def test_the_residual_networks_have_exactly_the_published_counts(size, generator, critic):
    gan = WGANGP(WGANGPConfig(), DataInfo(channels=3, size=size))
    assert (count(gan.generator), count(gan.discriminator)) == (generator, critic)


@pytest.mark.parametrize("size", [32, 64])
def test_the_residual_networks_fit_their_pictures(size):
    images = Generator(latent_size=8, size=size, channels=1, width=2)(torch.randn(3, 8))
    assert images.shape == (3, 1, size, size) and images.abs().max() <= 1
    critic = Critic(size=size, channels=1, width=2)
    assert critic(images).shape == (3, 1)
    assert not any("norm" in name for name, _ in critic.named_modules())  # a penalty per picture allows no batch norm


def test_other_sizes_say_which_are_allowed():
    with pytest.raises(RequestError, match="WGANGP paints pictures of 32, 64 pixels, not 48") as caught:
        WGANGP(WGANGPConfig(), DataInfo(channels=3, size=48))
    assert "--set data.size=" in caught.value.hint


def test_the_perceptrons_have_the_published_widths():
    gan = GAN(GANConfig(), DataInfo(channels=1, size=28))
    assert count(gan.generator) == (100 + 1) * 1200 + (1200 + 1) * 1200 + (1200 + 1) * 784
    assert count(gan.discriminator) == (784 + 1) * 1200 + (240 + 1) * 1200 + 241
    cgan = ConditionalGAN(GANConfig(), DataInfo(channels=1, size=28, classes=10))
    assert cgan.generator.from_latent.out_features == 200 and cgan.generator.from_label.out_features == 1000
    assert (cgan.discriminator.from_picture.units, cgan.discriminator.from_label.units) == (240, 50)


def test_maxout_takes_the_largest_of_its_pieces():
    maxout = Maxout(1, 2, pieces=3)
    with torch.no_grad():
        maxout.linear.weight.copy_(torch.tensor([[1.0], [-1.0], [0.0], [2.0], [3.0], [-4.0]]))
        maxout.linear.bias.zero_()
    assert maxout(torch.tensor([[2.0], [-1.0]])).tolist() == [[2.0, 6.0], [1.0, 4.0]]


def test_the_optimisers_are_the_papers():
    specs = WGAN(WGANConfig(), RGB64).optimizers()
    assert {spec.kind for spec in specs.values()} == {"rmsprop"} and {spec.lr for spec in specs.values()} == {5e-5}
    assert (specs["discriminator"].clamp, specs["generator"].clamp) == (0.01, None)
    for spec in WGANGP(WGANGPConfig(), RGB64).optimizers().values():
        assert (spec.kind, spec.lr, spec.betas) == ("adam", 2e-4, (0.0, 0.9))
    for gan in (WGAN(WGANConfig(), RGB64), WGANGP(WGANGPConfig(), RGB64)):
        phases = {phase.name: phase for phase in gan.phases()}
        assert (phases["discriminator"].every, phases["generator"].every, phases["generator"].offset) == (1, 5, 4)


def vae(**settings):
    torch.manual_seed(0)
    return VAE(VAEConfig(**settings), DataInfo(channels=1, size=28))


def test_the_autoencoder_has_the_published_widths():
    one = vae()
    assert count(one.encoder) == (784 + 1) * 500 + 2 * (500 + 1) * 20
    assert count(one.generator) == (20 + 1) * 500 + (500 + 1) * 784
    assert {graph.name: graph.role for graph in one.graphs()} == {"generator": "paint", "encoder": "embed"}
    assert one.optimizers()["autoencoder"].trains == one.ema().of == ("encoder", "generator")


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_the_bound_is_the_distributions(likelihood):
    """Against torch.distributions, up to the constant that a density of fixed width has."""
    one, images = vae(likelihood=likelihood, sigma=0.5), torch.rand(5, 1, 28, 28) * 2 - 1
    step = Step(seed=0, number=0, batch_size=5, device=torch.device("cpu"))
    with step.scope("p"):
        losses = one.bound(Batch(real=images), step)
    mean, log_variance = one.encoder(images)
    posterior = torch.distributions.Normal(mean, (log_variance / 2).exp())
    again = Step(seed=0, number=0, batch_size=5, device=torch.device("cpu"))
    with again.scope("p"):
        z = mean + posterior.scale * one.draw_latents(Batch(real=images), again)
    divergence = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum(1).mean()
    if likelihood == "bernoulli":
        pixel = torch.distributions.Bernoulli(logits=one.generator.logits(z), validate_args=False)
        surprise = -pixel.log_prob((images + 1) / 2)
    else:
        pixel = torch.distributions.Normal(one.generator(z), 0.5)
        surprise = -(pixel.log_prob(images) - pixel.log_prob(pixel.loc))
    assert losses.terms["divergence"].item() == pytest.approx(divergence.item(), rel=1e-5)
    assert losses.terms["pixels"].item() == pytest.approx(surprise.flatten(1).sum(1).mean().item(), rel=1e-4)


def test_an_autoencoder_gives_back_what_it_is_given():
    settings = {"width": 64, "latent_size": 16, "lr": 1e-2, "likelihood": "gaussian"}
    subject = Subject(Registry.load().architecture("vae"), settings=settings)
    engine = subject.engine()
    found = subject.train(engine, range(150))
    assert found[-1]["autoencoder.pixels"] < 0.5 * found[0]["autoencoder.pixels"]
    assert all(record["autoencoder.divergence"] >= 0 for record in found)


def test_a_critic_never_leaves_its_clip():
    subject = Subject(Registry.load().architecture("wgan"), settings={"discriminator_lr": 0.1})
    engine = subject.engine()
    subject.train(engine, range(3))
    sizes = [parameter.abs().max().item() for parameter in engine.architecture.discriminator.parameters()]
    assert max(sizes) == pytest.approx(0.01)


def test_a_conditional_gan_wants_labels():
    with pytest.raises(RequestError, match="class-conditional and the pictures have no labels"):
        ConditionalGAN(GANConfig(), DataInfo(channels=1, size=28))


def test_labels_reach_both_players():
    cgan = ConditionalGAN(GANConfig(width=24), DataInfo(channels=1, size=8, classes=10)).eval()
    z, three, seven = torch.randn(4, 100), torch.full((4,), 3), torch.full((4,), 7)
    assert not torch.equal(cgan.generator(z, three), cgan.generator(z, seven))
    images = torch.randn(4, 1, 8, 8)
    assert not torch.equal(cgan.discriminator(images, three), cgan.discriminator(images, seven))


def test_sample_export_and_bench_know_the_label(tmp_path):
    from helpers import assert_clean, ganzoo, ganzoo_here
    from PIL import Image

    run = tmp_path / "run"
    assert_clean(ganzoo("train", "cgan", "--preset", "tiny", "--data", "digits", "--out", run), status=0)
    assert_clean(ganzoo("export", run), status=0)
    model = run / "exports" / "generator.onnx"
    grids = {}
    for source in (run, model):
        for label in ("3", "7", "all", "3,7"):
            done = ganzoo_here("sample", source, "-o", tmp_path / "grid.png", "-n", 20, "--label", label)
            assert_clean(done, status=0)
            grids[source, label] = np.asarray(Image.open(tmp_path / "grid.png")).astype(int)
    for label in ("3", "7", "all", "3,7"):
        assert np.abs(grids[run, label] - grids[model, label]).max() <= 1
    assert not np.array_equal(grids[run, "3"], grids[run, "7"])
    done = ganzoo_here("sample", run, "-o", tmp_path / "grid.png", "--label", "10")
    assert_clean(done, status=2)
    assert "expected class indices from 0 to 9" in done.stderr
    bench = ganzoo("bench", model, "--batch", "2", "--repeats", 1, "--seconds", 0.3, "-o", tmp_path / "b.json")
    assert_clean(bench, status=0)
