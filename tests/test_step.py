"""Keyed randomness."""

import pytest
import torch

from ganzoo.architecture import Shard, Step
from ganzoo.keys import derive_key

CPU = torch.device("cpu")


def step(number=3, shard=None, seed=0):
    return Step(seed=seed, number=number, batch_size=8, device=CPU, shard=shard)


def draw(step, phase="d", purpose="latent", kind="normal"):
    with step.scope(phase):
        return getattr(step, kind)(purpose, 8 // step._shard.count, 5)


def test_a_draw_depends_on_seed_step_phase_and_purpose_alone():
    reference = draw(step())
    assert torch.equal(reference, draw(step()))
    others = [
        draw(step(number=4)), draw(step(seed=1)), draw(step(), phase="g"), draw(step(), purpose="other"),
        draw(step(), kind="uniform"),
    ]  # fmt: skip
    assert not any(torch.equal(reference, other) for other in others)


def test_the_order_of_draws_does_not_matter():
    one, two = step(), step()
    with one.scope("d"):
        first = one.normal("a", 2), one.normal("b", 2)
    with two.scope("d"):
        second = two.normal("b", 2), two.normal("a", 2)
    assert torch.equal(first[0], second[1]) and torch.equal(first[1], second[0])


def test_drawing_one_purpose_twice_is_refused():
    one = step()
    with one.scope("d"):
        one.normal("latent", 2)
        with pytest.raises(ValueError, match="'latent' was drawn before in 'd'"):
            one.uniform("latent", 2)


@pytest.mark.parametrize("kind", ["normal", "uniform", "noise"])
@pytest.mark.parametrize(("ranks", "micros"), [(2, 1), (1, 2), (2, 2), (4, 1)])
def test_ranks_and_micro_batches_take_slices_of_one_global_draw(ranks, micros, kind):
    shards = [
        Shard(rank=rank, ranks=ranks, micro=micro, micros=micros) for micro in range(micros) for rank in range(ranks)
    ]
    whole = draw(step(), kind=kind)
    assert torch.equal(whole, torch.cat([draw(step(shard=shard), kind=kind) for shard in shards]))
    assert len({row.sum().item() for row in whole}) == len(whole)


def test_noise_is_normal_and_keyed():
    one, again, other = (draw(step(number=number), kind="noise") for number in (3, 3, 4))
    assert torch.equal(one, again) and not torch.equal(one, other)
    with (now := step()).scope("g"):
        large = now.noise("noise", 2, 10_000)
        with pytest.raises(ValueError, match="'noise' was drawn before in 'g'"):
            now.normal("noise", 2)
    assert abs(large.mean()) < 0.03 and abs(large.std() - 1) < 0.03


def test_gather_and_mine():
    everything = torch.arange(4.0)
    shard = Shard(rank=1, ranks=2, all_gather=lambda tensor: everything)
    one = step(shard=shard)
    assert torch.equal(one.gather(everything[2:]), everything)
    assert torch.equal(one.local_rows(everything), everything[2:])


def test_a_shared_pass_is_made_once_and_does_not_care_who_asks_first():
    weight = torch.ones(3, requires_grad=True)

    def both(order):
        one, made = step(), []

        def make():
            made.append(1)
            return one.normal("latent", 2, 3) * weight + torch.rand(3)

        results = {}
        for phase in order:
            with one.scope(phase):
                results[phase] = one.shared("fakes", make, detach=phase == "d")
        assert len(made) == 1
        return results

    first, second = both("dg"), both("gd")
    assert torch.equal(first["d"], second["d"]) and torch.equal(first["d"], first["g"])
    assert first["g"].requires_grad and not first["d"].requires_grad


def test_default_generators_are_keyed_too():
    def stranger(before):
        torch.rand(before)
        one = step()
        with one.scope("d"):
            return torch.rand(4)

    assert torch.equal(stranger(1), stranger(9))


def test_keys_are_the_same_on_every_machine():
    assert derive_key(0, 3, "d", "latent") == 7809011255813329438
