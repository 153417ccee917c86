"""The games: losses against those written out by hand, the pool, what is shared, optimisers and schedules."""

import json
from pathlib import Path

import pytest
import torch
from ganzoo_cyclegan.config import CycleGANConfig, Pix2PixConfig
from ganzoo_cyclegan.cyclegan import CycleGAN
from ganzoo_cyclegan.pix2pix import Pix2Pix
from ganzoo_cyclegan.pool import ImagePool
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss, mse_loss

from ganzoo import DataInfo
from ganzoo.architecture import Pair, Shard, Step
from ganzoo.config.resolve import resolve
from ganzoo.errors import RequestError
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.settings import preset_layer
from ganzoo.testing import Subject

GOLDEN = Path(__file__).parent / "golden.json"
SMALL = {"width": 2, "discriminator_width": 2, "discriminator_layers": 1}
DATA = DataInfo(channels=3, size=16)


def step(number=0, shard=None, batch_size=3, seed=0):
    return Step(seed=seed, number=number, batch_size=batch_size, device=torch.device("cpu"), shard=shard)


def whole_mse(logits, aim):
    return mse_loss(logits, torch.full_like(logits, aim))


@pytest.fixture
def pair():
    torch.manual_seed(1)
    return Pair(source=torch.rand(3, 3, 16, 16) * 2 - 1, target=torch.rand(3, 3, 16, 16) * 2 - 1)


@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_cyclegans_losses_are_the_papers(pair, norm):
    torch.manual_seed(0)
    game = CycleGAN(CycleGANConfig(blocks=1, pool_size=0, norm=norm, **SMALL), DATA)
    a, b = pair.source, pair.target
    now = step()
    with now.scope("generators"):
        losses = game.generators_loss(pair, now)
    fake_b, fake_a = game.g_ab(a), game.g_ba(b)
    adversarial = [whole_mse(judge(fake), 1.0) for judge, fake in ((game.d_b, fake_b), (game.d_a, fake_a))]
    expected = {
        "adversarial_ab": adversarial[0],
        "adversarial_ba": adversarial[1],
        "cycle": 10 * (l1_loss(game.g_ba(fake_b), a) + l1_loss(game.g_ab(fake_a), b)),
        "identity": 0.5 * 10 * (l1_loss(game.g_ab(b), b) + l1_loss(game.g_ba(a), a)),
    }
    assert {name: term.item() for name, term in losses.terms.items()} == pytest.approx(
        {name: term.item() for name, term in expected.items()}, rel=1e-5
    )
    with now.scope("discriminators"):
        losses = game.discriminators_loss(pair, now)
    for side, judge, real, fake in (("a", game.d_a, a, fake_a), ("b", game.d_b, b, fake_b)):
        real_loss, fake_loss = whole_mse(judge(real), 1.0), whole_mse(judge(fake), 0.0)
        assert losses.terms[f"adversarial_{side}"].item() == pytest.approx((real_loss + fake_loss).item() / 2, rel=1e-5)


def test_pix2pixs_losses_are_the_papers(pair):
    torch.manual_seed(0)
    game = Pix2Pix(Pix2PixConfig(depth=3, dropout=0.0, **SMALL), DATA)
    now = step()
    with now.scope("discriminator"):
        judged = game.discriminator_loss(pair, now)
    with now.scope("generator"):
        painted = game.generator_loss(pair, now)
    fake = game.generator(pair.source)
    real_logits = game.discriminator(torch.cat([pair.source, pair.target], 1))
    fake_logits = game.discriminator(torch.cat([pair.source, fake], 1))
    ones, zeros = torch.ones_like(fake_logits), torch.zeros_like(fake_logits)
    bce = binary_cross_entropy_with_logits
    expected = (bce(real_logits, ones) + bce(fake_logits, zeros)) / 2
    assert judged.terms["adversarial"].item() == pytest.approx(expected.item(), rel=1e-5)
    assert painted.terms["adversarial"].item() == pytest.approx(bce(fake_logits, ones).item(), rel=1e-5)
    assert painted.terms["l1"].item() == pytest.approx(100 * l1_loss(fake, pair.target).item(), rel=1e-5)


def test_discriminators_judge_the_fakes_from_before_the_generators_moved(pair):
    game = CycleGAN(CycleGANConfig(blocks=1, pool_size=0, identity_weight=0.0, **SMALL), DATA)
    now = step()
    with now.scope("generators"):
        game.generators_loss(pair, now)
    with torch.no_grad():
        before = game.d_b(game.g_ab(pair.source)).mean().item()
        for parameter in game.g_ab.parameters():
            parameter.add_(1.0)
    with now.scope("discriminators"):
        stats = game.discriminators_loss(pair, now).stats
    assert stats["fake_b"].item() == pytest.approx(before, abs=1e-6)


def test_without_identity_nothing_is_translated_twice(pair):
    game = CycleGAN(CycleGANConfig(blocks=1, identity_weight=0.0, **SMALL), DATA)
    passes = []
    game.g_ab.register_forward_hook(lambda module, inputs, output: passes.append(len(output)))
    with (now := step()).scope("generators"):
        losses = game.generators_loss(pair, now)
    assert "identity" not in losses.terms and passes == [3, 3]


def numbered(start, count):
    """Pictures that can be told apart."""
    return torch.arange(start, start + count, dtype=torch.float32)[:, None, None, None].expand(count, 1, 1, 1)


def played(pool, steps, batch=3):
    shown = []
    for number in range(steps):
        with (now := step(number, batch_size=batch)).scope("d"):
            shown.append(pool.exchange(numbered(number * batch, batch), now, "pool").flatten().tolist())
    return shown


def test_the_pool_fills_first_and_then_shows_the_past_half_of_the_time():
    pool = ImagePool(6, (1, 1, 1))
    shown = played(pool, 400)
    assert shown[:2] == [[0, 1, 2], [3, 4, 5]]  # while it fills, what is new is shown
    later = [
        (value, number * 3 + row) for number, values in enumerate(shown[2:], 2) for row, value in enumerate(values)
    ]
    old = [(value, now) for value, now in later if value != now]
    assert 0.45 < len(old) / len(later) < 0.55
    assert all(value < now for value, now in old)
    assert len({value for value, _ in old}) == len(old)  # what was shown has left the pool
    gaps = sorted(now - value for value, now in old)
    assert gaps[len(gaps) // 2] > 3


def test_the_pool_is_in_the_state_dict_and_goes_on_from_there():
    first, unbroken = ImagePool(6, (1, 1, 1)), ImagePool(6, (1, 1, 1))
    everything = played(unbroken, 12)
    played(first, 5)
    second = ImagePool(6, (1, 1, 1))
    second.load_state_dict(first.state_dict())
    rest = []
    for number in range(5, 12):
        with (now := step(number)).scope("d"):
            rest.append(second.exchange(numbered(number * 3, 3), now, "pool").flatten().tolist())
    assert rest == everything[5:]


def test_the_pool_of_two_ranks_is_that_of_one():
    whole, ranks = ImagePool(4, (1, 1, 1)), [ImagePool(4, (1, 1, 1)) for _ in range(2)]
    for number in range(20):
        fakes = numbered(number * 4, 4)
        with (now := step(number, batch_size=4)).scope("d"):
            expected = whole.exchange(fakes, now, "pool")
        draws, found = [], []
        for rank in range(2):  # what each contributes, to be gathered
            with (now := step(number, Shard(rank=rank, ranks=2), batch_size=4)).scope("d"):
                draws.append(now.uniform("pool", 2, 2))
        for rank, pool in enumerate(ranks):
            gathers = iter([torch.cat(draws), fakes])
            shard = Shard(rank=rank, ranks=2, all_gather=lambda tensor, gathers=gathers: next(gathers))
            with (now := step(number, shard, batch_size=4)).scope("d"):
                found.append(pool.exchange(fakes[2 * rank : 2 * rank + 2], now, "pool"))
        assert torch.equal(torch.cat(found), expected)
    assert torch.equal(ranks[0].images, whole.images) and torch.equal(ranks[1].images, whole.images)


def test_no_pool_shows_what_is_new():
    pool = ImagePool(0, (1, 1, 1))
    assert not pool.state_dict()
    fakes = numbered(0, 3)
    with (now := step()).scope("d"):
        assert pool.exchange(fakes, now, "pool") is fakes


@pytest.mark.parametrize("name", ["cyclegan", "pix2pix"])
def test_the_paper_preset_is_the_papers(name):
    offer = Registry.load().architecture(name)
    from ganzoo.architecture.build import build_architecture
    from ganzoo.plugin.settings import config_class

    config = resolve(name, config_class(offer), [preset_layer(offer.spec, "paper")]).in_kimg(1334)
    assert (config.train.batch_size, config.train.kimg) == (1, pytest.approx(266.8))
    assert (config.data.load_size, config.data.size, config.data.flip) == (286, 256, True)
    game = build_architecture(offer, config.architecture, DataInfo(channels=3, size=256), seed=0)
    for optimizer in game.optimizers().values():
        assert (optimizer.kind, optimizer.betas) == ("adam", (0.5, 0.999))
        assert [optimizer.lr(kimg) for kimg in (0, 133.4, 200.1, 266.8)] == pytest.approx([2e-4, 2e-4, 1e-4, 0])
    first = {"cyclegan": "generators", "pix2pix": "discriminator"}[name]
    assert game.phases()[0].name == first


def test_a_translator_alone_translates_and_does_not_train():
    game = CycleGAN(CycleGANConfig(blocks=1, directions="a2b", **SMALL), DATA)
    assert [graph.name for graph in game.graphs()] == ["a2b"]
    with pytest.raises(RequestError, match="one translator alone.*\n.*--init-from"):
        game.optimizers()


@pytest.mark.parametrize("name", ["cyclegan", "pix2pix"])
def test_golden_losses(name):
    """`tiny` for six steps, to rounding: bits differ between processors. Made by running this file."""
    golden, losses = json.loads(GOLDEN.read_text())[name], _losses(name)
    assert len(losses) == len(golden) == 6
    for found, expected in zip(losses, golden, strict=True):
        assert found == pytest.approx(expected, rel=2e-3, abs=1e-4)  # Adam amplifies rounding before instance norm


def _losses(name):
    subject = Subject(Registry.load().architecture(name))
    return subject.train(subject.engine(), range(6))


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps({name: _losses(name) for name in ("cyclegan", "pix2pix")}, indent=1) + "\n")
