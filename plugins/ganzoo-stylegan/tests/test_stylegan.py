"""StyleGAN: parameter counts, the growth of pictures, the game while they grow, and what is exported meanwhile."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch
from ganzoo_stylegan.config import StyleGANConfig
from ganzoo_stylegan.growing import Growth, Stage, doubled, pictures_at
from ganzoo_stylegan.stylegan import StyleGAN
from torch.nn import functional as F

from ganzoo import DataInfo
from ganzoo.architecture import Batch, Step
from ganzoo.architecture.evaluation import evaluation_copy
from ganzoo.errors import RequestError
from ganzoo.exporting.exporter import Origin, export_graphs
from ganzoo.nn import freeze_first_layers
from ganzoo.plugin.registry import Registry
from ganzoo.runtime.file import OnnxFile
from ganzoo.testing import Subject
from ganzoo.training.ema import averaged_state

SMALL = StyleGANConfig(
    latent_size=8,
    style_size=8,
    mapping_layers=2,
    maps_base=64,
    maps_most=8,
    steady_kimg=0.016,
    fade_kimg=0.032,
)
BATCH = 8


def game(size=32, **changes):
    torch.manual_seed(0)
    return StyleGAN(replace(SMALL, **changes), DataInfo(channels=1, size=size, classes=3))


def step(number):
    return Step(seed=0, number=number, batch_size=BATCH, device=torch.device("cpu"))


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_networks_are_as_large_as_the_papers():
    """26.2 and 23.1 million (arXiv:1812.04948, section 2); the digits behind are of our own count."""
    with torch.device("meta"):
        networks = StyleGAN(StyleGANConfig(), DataInfo(channels=3, size=1024))
    assert round(count(networks.generator) / 1e6, 1) == 26.2
    assert round(count(networks.discriminator) / 1e6, 1) == 23.1
    assert count(networks.generator.mapping) == 2_101_248  # that of StyleGAN2
    assert networks.generator.synthesis.layers == 18


def test_when_each_size_comes():
    growth = Growth([8, 16, 32], steady_kimg=2, fade_kimg=3)
    seen = {shown: growth.stage(shown) for shown in (0, 1999, 2000, 4999, 5000, 6999, 7000, 9999, 10_000, 10**9)}
    assert list(seen.values()) == [
        Stage(size=8),
        Stage(size=8),
        Stage(size=16, fading=True),
        Stage(size=16, fading=True),
        Stage(size=16),
        Stage(size=16),
        Stage(size=32, fading=True),
        Stage(size=32, fading=True),
        Stage(size=32),
        Stage(size=32),
    ]
    growth.shown.fill_(8500)
    assert growth.share(32).item() == 0.5 and growth.share(16).item() == 1.0
    assert Growth([64], steady_kimg=5, fade_kimg=5).stage(0) == Stage(size=64)
    assert Growth([8, 16], steady_kimg=1, fade_kimg=0).stage(1000) == Stage(size=16)


def test_reals_fade_as_the_fakes_do():
    images = torch.randn(2, 3, 32, 32)
    assert torch.allclose(pictures_at(images, Stage(size=8), torch.tensor(1.0)), F.avg_pool2d(images, 4))
    assert pictures_at(images, Stage(size=32), torch.tensor(1.0)) is images
    for share in (0.0, 0.25):
        shown = pictures_at(images, Stage(size=16, fading=True), torch.tensor(share))
        small = F.avg_pool2d(images, 2)
        coarse = F.avg_pool2d(images, 4).repeat_interleave(2, 2).repeat_interleave(2, 3)
        assert torch.allclose(shown, coarse * (1 - share) + small * share, atol=1e-6)


def at(networks, shown):
    """The stage after so many pictures, told to both networks."""
    for growth in (networks.generator.synthesis.growth, networks.discriminator.growth):
        growth.shown.fill_(shown)
    stage = networks.discriminator.growth.stage(shown)
    networks.discriminator.fading = stage.fading
    return stage


@torch.no_grad()
def test_a_new_size_begins_as_the_old_one_enlarged_and_ends_alone():
    networks = game()
    synthesis, judge = networks.generator.synthesis, networks.discriminator
    begin = judge.growth.begin(16)
    ws = torch.randn(2, synthesis.layers, 8)
    old = synthesis(ws, None, at(networks, begin - 1))
    small = torch.randn(2, 1, 8, 8)
    old_logits = judge(small)
    assert old.shape == (2, 1, 8, 8)
    stage = at(networks, begin)
    assert stage == Stage(size=16, fading=True)
    assert torch.equal(synthesis(ws, None, stage), doubled(old))
    # What is averaged back is judged as it was.
    assert torch.allclose(judge(doubled(small)), old_logits, atol=1e-6)
    ended = at(networks, begin + 32)
    assert ended == Stage(size=16)
    whole = synthesis(ws, None, ended)
    larger = torch.randn(2, 1, 16, 16)
    whole_logits = judge(larger)
    at(networks, begin + 16)
    assert torch.allclose(synthesis(ws, None, stage), (doubled(old) + whole) / 2, atol=1e-6)
    assert not torch.allclose(judge(larger), whole_logits, atol=1e-6)
    at(networks, begin + 31)
    assert torch.allclose(judge(larger), whole_logits, atol=0.1)


def test_a_game_plays_at_the_size_it_has_come_to():
    networks = game()
    real = torch.randn(BATCH, 1, 32, 32)
    sizes = []
    for number in range(0, 14):
        at(networks, number * BATCH)
        for name in ("discriminator_loss", "generator_loss"):
            with (now := step(number)).scope(name):
                losses = getattr(networks, name)(Batch(real=real), now)
                sum(losses.terms.values()).backward()
        sizes.append(networks.fakes(Batch(real=real), now).shape[-1])
        if number < 2:
            untouched = [
                *networks.generator.synthesis.blocks[3].parameters(),
                *networks.discriminator.levels[0].parameters(),
            ]
            assert all(parameter.grad is None for parameter in untouched)  # so Adam leaves them alone
    assert sizes == [8] * 2 + [16] * 6 + [32] * 6
    idle = {name for name, parameter in networks.generator.synthesis.named_parameters() if parameter.grad is None}
    assert idle == {"pictures.0.weight", "pictures.0.bias"}  # 4x4, before the first size
    idle = {name for name, parameter in networks.discriminator.named_parameters() if parameter.grad is None}
    assert idle == {"levels.3.picture.weight", "levels.3.picture.bias"}


def test_nothing_is_scored_before_pictures_are_whole(tmp_path):
    command = [sys.executable, "-m", "ganzoo", "train", "stylegan", "--preset", "tiny", "--data", "digits"]
    scores = []
    for steps in (4, 8):  # whole after 6
        run = tmp_path / str(steps)
        done = subprocess.run(
            [*command, "--steps", str(steps), "--out", run], capture_output=True, text=True, check=True
        )
        assert ("warning: in 0.032 kimg the pictures grow to 16 of 16 pixels" in done.stderr) == (steps == 4)
        (saved,) = (run / "checkpoints").iterdir()
        scores.append(json.loads((saved / "state.json").read_text())["score"])
    assert scores[0] is None and scores[1] > 0


def test_what_has_faded_out_learns_no_more():
    networks = game()
    number = 6  # 16x16, whole
    assert at(networks, number * BATCH) == Stage(size=16)
    with (now := step(number)).scope("d"):
        losses = networks.discriminator_loss(Batch(real=torch.randn(BATCH, 1, 32, 32)), now)
        sum(losses.terms.values()).backward()
    assert losses.stats["size"] == 16
    assert networks.discriminator.levels[2].picture.weight.grad is None
    assert networks.discriminator.levels[1].picture.weight.grad is not None


def test_layers_freeze_from_the_pictures_on():
    names = freeze_first_layers(game().discriminator, 3)
    assert [name for name in names if name.endswith("weight")] == [
        "levels.0.picture.weight",
        "levels.0.block.0.weight",
        "levels.0.block.1.weight",
    ]


def test_a_run_that_ends_before_its_pictures_are_whole_is_told_so():
    networks = game()
    (line,) = networks.warnings_before(0.05)
    assert line.startswith("in 0.05 kimg the pictures grow to 16 of 32 pixels; they are whole after 0.096.")
    assert "--kimg" in line and "grow_from=0" in line
    assert not networks.warnings_before(0.096)
    at(networks, 95)
    assert not networks.can_be_scored()
    at(networks, 96)
    assert networks.can_be_scored()
    assert game(grow_from=0).can_be_scored() and not game(grow_from=0).warnings_before(0.001)


def test_styles_are_mixed_among_the_layers_that_paint():
    networks = game(mixing=1.0)
    batch = Batch(real=torch.zeros(64, 1, 32, 32))
    with (now := Step(seed=0, number=0, batch_size=64, device=torch.device("cpu"))).scope("g"):
        ws, _ = networks.styles(batch, now)
    places = (ws[:, 1:] != ws[:, :-1]).any(2).float().argmax(1) + 1
    assert set(places.tolist()) == {1, 2, 3}  # of the four layers of 8x8


def test_the_buffer_follows_training_and_is_not_averaged():
    subject = Subject(Registry.load().architecture("stylegan"))
    engine = subject.engine()
    subject.train(engine, range(5))
    assert engine.architecture.generator.synthesis.growth.shown == 5 * subject.batch_size
    twin = evaluation_copy(engine.architecture, averaged_state(engine.average))
    assert twin.generator.synthesis.growth.shown == 5 * subject.batch_size


@pytest.mark.parametrize("shown", [0, 8, 16, 10_000])
def test_a_file_stands_where_the_weights_stand(tmp_path, shown):
    networks = game().eval()
    stage = at(networks, shown) if shown else Stage(size=32)  # an untrained one is whole
    origin = Origin(offer=Registry.load().architecture("stylegan"))
    (item,) = export_graphs(networks, origin, destination=tmp_path / "g.onnx", graph="generator")
    assert "Shape" not in OnnxFile(item.path).operators()
    session = onnxruntime.InferenceSession(item.path)
    openvino = pytest.importorskip("openvino")
    elsewhere = openvino.Core().compile_model(item.path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for batch in (1, 2, 5):
        z = torch.randn(batch, 8)
        feed = {"z": z.numpy(), "truncation_psi": np.ones(batch, np.float32)}
        (painted,) = session.run(None, feed)
        assert np.abs(painted - elsewhere(feed)[0]).max() < 1e-5
        with torch.no_grad():
            small = networks.generator.synthesis(networks.generator.styles(z, torch.ones(batch)), None, stage)
        assert painted.shape == (batch, 1, 32, 32)
        expected = small.repeat_interleave(32 // stage.size, 2).repeat_interleave(32 // stage.size, 3)
        assert np.abs(painted - expected.numpy()).max() < 1e-5
    convolutions = OnnxFile(item.path).operators()["Conv"]
    assert convolutions == {8: 4, 16: 6 + stage.fading, 32: 8}[stage.size]  # none of what is not painted


@pytest.mark.slow
def test_noise_as_an_input(tmp_path):
    networks = game().eval()
    with torch.no_grad():
        for block in networks.generator.synthesis.blocks:
            block.second.noise_strength.fill_(0.5)
    origin = Origin(offer=Registry.load().architecture("stylegan"))
    assert [item.graph for item in export_graphs(networks, origin, destination=tmp_path)] == [
        "generator",
        "mapping",
        "synthesis",
    ]
    (item,) = export_graphs(networks, origin, destination=tmp_path / "noisy.onnx", graph="synthesis_noise")
    ws, noise = torch.randn(5, 8, 8), torch.randn(5, 2 * (16 + 64 + 256 + 1024))
    (painted,) = onnxruntime.InferenceSession(item.path).run(None, {"w": ws.numpy(), "noise": noise.numpy()})
    with torch.no_grad():
        assert np.abs(painted - networks.generator.synthesis(ws, noise).numpy()).max() < 1e-5
        assert np.abs(painted - networks.generator.synthesis(ws).numpy()).max() > 1e-2


def test_truncation_moves_the_coarse_styles():
    generator = game(truncated_layers=2).generator
    z = torch.randn(3, 8)
    whole, half = (generator.styles(z, torch.full((3,), psi)) for psi in (1.0, 0.5))
    assert torch.allclose(half[:, :2], whole[:, :2] / 2)  # the average is 0 at first
    assert torch.equal(half[:, 2:], whole[:, 2:])


def test_wgan_gp_with_drift():
    networks = game(objective="wasserstein", penalty="wgan-gp", drift=0.5)
    batch = Batch(real=torch.randn(BATCH, 1, 32, 32))
    with (now := step(0)).scope("d"):
        losses = networks.discriminator_loss(batch, now)
    assert set(losses.terms) == {"adversarial", "penalty", "drift"}
    logits = networks.discriminator(F.avg_pool2d(batch.real, 4))
    assert losses.terms["drift"].item() == pytest.approx(0.5 * logits.square().mean().item(), rel=1e-5)


def test_one_logit_for_each_class():
    torch.manual_seed(0)
    networks = StyleGAN(replace(SMALL, conditional=True), DataInfo(channels=1, size=16, classes=3))
    images = torch.randn(4, 1, 8, 8)
    logits = [networks.discriminator(images, torch.full((4,), label)) for label in range(3)]
    assert logits[0].shape == (4, 1) and not torch.equal(logits[0], logits[1])


def test_where_growing_cannot_begin():
    with pytest.raises(
        RequestError, match=r"grow_from is 12, and pictures of 32 pixels grow from 4, 8, 16, 32\."
    ) as error:
        game(grow_from=12)
    assert "0 to begin at full size" in str(error.value.hint)
    assert game(grow_from=0).stage(step(0)) == Stage(size=32)
