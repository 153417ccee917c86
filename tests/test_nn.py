"""Building blocks: spectral norm, freezing, augmentation."""

import math

import pytest
import torch
from torch import nn

from ganzoo.nn import AdaptiveAugment, DiffAugment, Stepwise, freeze_first_layers, normalize_spectrum
from ganzoo.nn.warp import blit, warp


def pictures(count=4, channels=3, size=16, dtype=torch.float64):
    return torch.rand(count, channels, size, size, generator=torch.Generator().manual_seed(0), dtype=dtype) * 2 - 1


def smooth(size=16):
    """A picture without fine detail, so that resampling loses nothing: (1, 1, S, S)."""
    place = torch.linspace(-1, 1, size, dtype=torch.float64)
    return (torch.sin(2 * place)[None, :] + torch.cos(1.5 * place + 0.3)[:, None])[None, None] / 2


def matrix(a, b, c, d, x=0.0, y=0.0):
    return torch.tensor([[[a, b, x], [c, d, y], [0, 0, 1]]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [(nn.Linear, (7, 5)), (nn.Conv2d, (3, 8, 3)), (nn.ConvTranspose2d, (6, 4, 4)), (nn.Embedding, (10, 3))],
)
def test_spectral_norm_makes_the_largest_singular_value_one(kind, sizes):
    torch.manual_seed(0)
    layer = kind(*sizes)
    raw = layer.weight.detach().clone()
    network = nn.Sequential(layer)
    normalize_spectrum(network)
    for module in network.modules():
        if isinstance(module, Stepwise):
            for _ in range(200):
                module.advance()
    as_matrix = (raw.movedim(1, 0) if isinstance(layer, nn.ConvTranspose2d) else raw).flatten(1)
    sigma = torch.linalg.matrix_norm(as_matrix, 2)
    torch.testing.assert_close(layer.weight, raw / sigma, rtol=1e-4, atol=1e-5)


def test_spectral_norm_moves_once_a_step_and_not_with_forward_passes():
    network = nn.Sequential(nn.Conv2d(1, 4, 3))
    normalize_spectrum(network)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    for _ in range(3):
        network(torch.randn(2, 1, 5, 5))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert sum(isinstance(module, Stepwise) for module in network.modules()) == 1
    assert len(list(network.parameters())) == 2  # the weight once, and the bias


def test_freezing_takes_the_first_layers_with_their_norms():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 1))
    assert freeze_first_layers(network, 0) == [] and all(p.requires_grad for p in network.parameters())
    names = freeze_first_layers(network, 2)
    assert names == ["0.weight", "0.bias", "1.weight", "1.bias", "2.weight", "2.bias"]
    assert [name for name, p in network.named_parameters() if p.requires_grad] == ["4.weight", "4.bias"]
    with pytest.raises(ValueError, match="has 3 layers, and freezing 3 leaves none"):
        freeze_first_layers(network, 3)


def test_freezing_and_spectral_norm_together():
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    freeze_first_layers(network, 1)
    normalize_spectrum(network)
    learning = [name for name, parameter in network.named_parameters() if parameter.requires_grad]
    assert learning == ["1.bias", "1.parametrizations.weight.original"]


def test_augmentation_without_colours_moves_pixels_alone():
    plain, coloured = (AdaptiveAugment(target=0.6, kimg=1.0, colour=colour).double() for colour in (False, True))
    images = torch.full((32, 3, 8, 8), 0.5, dtype=torch.float64)
    draws = torch.rand(32, AdaptiveAugment.columns, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for augment in (plain, coloured):
        augment.probability.fill_(1.0)
    assert (plain(images, draws) - images).abs().max() < 1e-9  # one shade stays what it is
    assert (coloured(images, draws) - images).abs().max() > 0.1
    varied = torch.randn_like(images)
    assert not torch.allclose(plain(varied, draws), varied)


def test_warping_by_nothing_gives_the_picture_back():
    images = pictures()
    same = matrix(1, 0, 0, 1).expand(4, 3, 3)
    assert (warp(images, same) - images).abs().max() < 1e-10


def test_warping_by_whole_pixels_moves_them():
    images = pictures()
    moved = warp(images, matrix(1, 0, 0, 1, x=-2, y=1).expand(4, 3, 3))  # from p to p + (-2, 1)
    assert (moved[..., 4:11, 6:12] - images[..., 5:12, 4:10]).abs().max() < 1e-10


@pytest.mark.parametrize(
    ("inverse", "expected"),
    [
        (matrix(-1, 0, 0, 1), lambda x: x.flip(3)),
        (matrix(1, 0, 0, -1), lambda x: x.flip(2)),
        (matrix(0, 1, -1, 0), lambda x: torch.rot90(x, -1, (2, 3))),
    ],
)
def test_warping_agrees_with_flips_and_turns_of_a_smooth_picture(inverse, expected):
    image = smooth()
    inner = (warp(image, inverse) - expected(image))[..., 3:13, 3:13]
    assert inner.abs().max() < 2e-3 < (image - expected(image))[..., 3:13, 3:13].abs().max()


def test_blitting_is_exact():
    images = pictures()
    zero, none = torch.zeros(4, dtype=torch.int64), torch.zeros(4, 2, dtype=torch.int64)
    for quarters, turns in ((0, 0), (1, -1), (2, 2), (3, 1)):
        turned = blit(images, zero.bool(), zero + quarters, none)
        assert torch.equal(turned, torch.rot90(images, turns, (2, 3)))
    assert torch.equal(blit(images, ~zero.bool(), zero, none), images.flip(3))
    shifted = blit(images, zero.bool(), zero, torch.tensor([[2, -1]]).expand(4, 2))
    assert torch.equal(shifted[..., :-1, 2:], images[..., 1:, :-2])
    assert torch.equal(shifted[..., 0], shifted[..., 4])  # what moves in is a mirror image, its edge not repeated
    padded = torch.nn.functional.pad(images, (5, 5, 5, 5), mode="reflect")
    far = blit(images, zero.bool(), zero, torch.tensor([[-5, 3]]).expand(4, 2))
    assert torch.equal(far, padded[..., 2:-8, 10:])


@pytest.mark.parametrize("channels", [1, 3])
def test_ada_at_zero_changes_nothing_and_at_one_everything(channels):
    augment = AdaptiveAugment(target=0.6, kimg=1.0).double()
    images, draws = pictures(channels=channels), torch.rand(4, augment.columns, dtype=torch.float64)
    assert torch.equal(augment(images, draws), images)
    augment.probability.fill_(1e-12)  # the whole pipeline runs, and nothing is chosen
    assert (augment(images, draws) - images).abs().max() < 1e-9
    augment.probability.fill_(1.0)
    changed = augment(images, draws)
    assert changed.shape == images.shape and changed.isfinite().all()
    assert all((one - other).abs().mean() > 0.1 for one, other in zip(changed, images, strict=True))


def test_ada_draws_what_the_paper_says():
    """Brightness N(0, 0.2), contrast lognormal 0.5 ln 2, on a grey picture without any geometry."""
    augment = AdaptiveAugment(target=0.6, kimg=1.0)
    augment.probability.fill_(0.5)
    draws = torch.rand(20_000, augment.columns, generator=torch.Generator().manual_seed(0))
    half = augment(torch.full((20_000, 1, 4, 4), 0.0), draws)[:, 0, 0, 0]
    # zero stays zero unless brightness is chosen; contrast and luma flip act on what it added
    assert (half == 0).float().mean() == pytest.approx(0.5, abs=0.02)
    augment.probability.fill_(1.0)
    sizes = augment(torch.full((20_000, 1, 4, 4), 100.0), draws)[:, 0, 0, 0].abs() / 100
    assert sizes.log2().std() == pytest.approx(0.5, abs=0.02) and sizes.log2().mean() == pytest.approx(0, abs=0.02)


def test_ada_follows_the_sign_of_the_discriminator():
    augment = AdaptiveAugment(target=0.6, kimg=1.0)
    for step in range(12):  # three moves of 4 * 10 / 1000
        augment.feedback(torch.tensor(0.9), step=step, batch_size=10)
    assert augment.probability.item() == pytest.approx(3 * 0.04)
    for step in range(12, 16):
        augment.feedback(torch.tensor(0.1 if step < 15 else 1.0), step=step, batch_size=10)
    assert augment.probability.item() == pytest.approx(2 * 0.04)  # the mean of four signs is below the target
    for step in range(16, 40):
        augment.feedback(torch.tensor(-1.0), step=step, batch_size=10)
    assert augment.probability.item() == 0.0
    assert set(augment.state_dict()) == {"probability", "signs"}


def test_ada_above_one_applies_what_one_applies_and_comes_down_from_there():
    augment = AdaptiveAugment(target=0.6, kimg=1.0).double()
    images, draws = pictures(), torch.rand(4, augment.columns, dtype=torch.float64)
    augment.probability.fill_(1.0)
    at_one = augment(images, draws)
    for step in range(8):
        augment.feedback(torch.tensor(1.0), step=step, batch_size=100)
    assert augment.probability.item() == pytest.approx(1.8)
    assert torch.equal(augment(images, draws), at_one)


def test_hue_turns_colours_and_leaves_grey():
    augment = AdaptiveAugment(target=0.6, kimg=1.0)
    augment.probability.fill_(1.0)
    draws = torch.full((1, augment.columns), 0.5)  # the middle of every distribution: no change
    grey = torch.full((1, 3, 8, 8), 0.4)
    colour = torch.tensor([0.9, 0.1, -0.4])[None, :, None, None].expand(1, 3, 8, 8)
    neutral = augment(colour, draws)
    third = draws.clone()
    third[0, -2] = 0.5 + 1 / 3  # a hue of a third of a turn permutes the channels
    turned = augment(colour, third)
    torch.testing.assert_close(turned[0, :, 4, 4], neutral[0, :, 4, 4].roll(1), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(augment(grey, third), augment(grey, draws), rtol=1e-4, atol=1e-4)


def oblong(height=6, width=10, count=4, channels=3):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, channels, height, width, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize(("height", "width"), [(6, 10), (10, 6), (5, 8), (1, 7)])
def test_oblong_pictures_are_mirrored_turned_and_moved(height, width):
    images = oblong(height, width)
    zero, none = torch.zeros(4, dtype=torch.int64), torch.zeros(4, 2, dtype=torch.int64)
    assert torch.equal(blit(images, zero.bool(), zero, none), images)
    assert torch.equal(blit(images, ~zero.bool(), zero, none), images.flip(3))
    assert torch.equal(blit(images, zero.bool(), zero + 2, none), images.flip(2, 3))
    side = min(height, width) // 2 * 2
    for quarters, turns in ((1, -1), (3, 1)):  # about the centre; beyond the shorter side is a reflection
        turned = blit(images, zero.bool(), zero + quarters, none)
        assert turned.shape == images.shape
        if (height - width) % 2 == 0 and side > 1:
            top, left = (height - side) // 2, (width - side) // 2
            inner = (..., slice(top, top + side), slice(left, left + side))
            assert torch.equal(turned[inner], torch.rot90(images[inner], turns, (2, 3)))
    shifted = blit(images, zero.bool(), zero, torch.tensor([[2, 0]]).expand(4, 2))
    assert torch.equal(shifted[..., 2:], images[..., :-2]) and torch.equal(shifted[..., 0], images[..., 2])
    same = matrix(1, 0, 0, 1).expand(4, 3, 3)
    assert (warp(images, same) - images).abs().max() < 1e-10
    assert (warp(images, matrix(-1, 0, 0, 1).expand(4, 3, 3)).shape) == images.shape


def test_beyond_the_border_is_nearly_what_padding_once_by_reflection_gives():
    """As the authors' code does it; they differ in whether the filter is mirrored with the picture."""
    draw = torch.Generator().manual_seed(0)
    coarse = torch.randn(8, 1, 6, 6, generator=draw, dtype=torch.float64)
    images = torch.nn.functional.interpolate(coarse, size=(24, 24), mode="bicubic")
    turned = matrix(1.2, 0.9, -0.7, 1.1, x=3.3).expand(8, 3, 3)
    padded = warp(torch.nn.functional.pad(images, (23,) * 4, mode="reflect"), turned)[..., 23:-23, 23:-23]
    apart = (warp(images, turned) - padded).square().mean().sqrt() / images.square().mean().sqrt()
    assert apart < 0.03


def test_an_oblong_warp_is_that_of_the_square_around_it():
    """A smooth picture, and its middle rows alone: what is not at the border is the same."""
    tall = smooth()
    wide = tall[:, :, 3:13]
    turned, expected = (warp(image, matrix(1, 0.2, -0.1, 1, x=0.5)) for image in (wide, tall))
    assert (turned - expected[:, :, 3:13])[..., 3:-3, 4:-4].abs().max() < 0.02
    assert (turned - wide)[..., 3:-3, 4:-4].abs().max() > 0.05


@pytest.mark.parametrize("kind", ["ada", "diffaugment"])
def test_penalties_can_look_through_oblong_pictures(kind):
    augment = AdaptiveAugment(target=0.6, kimg=1.0).double() if kind == "ada" else DiffAugment()
    if kind == "ada":
        augment.probability.fill_(0.9)
    images = oblong(4, 7, count=2).requires_grad_(True)
    draws = torch.rand(2, augment.columns, dtype=torch.float64)
    assert augment(images, draws).shape == images.shape
    weight = torch.linspace(-1, 1, images.numel(), dtype=torch.float64).reshape(images.shape)
    assert torch.autograd.gradgradcheck(lambda x: (augment(x, draws) * weight).square().sum(), images)


def test_diffaugment_moves_and_cuts_each_side_by_its_length():
    augment = DiffAugment()
    draws = torch.full((1, augment.columns), 0.5, dtype=torch.float64)
    draws[0, 3:5] = torch.tensor([0.999, 0.0])  # an eighth of the width from the right, of the height from the top
    draws[0, 5:] = 0.0  # the hole in a corner
    images = oblong(16, 32, count=1)
    moved = augment(images, draws)
    torch.testing.assert_close(moved[..., 6:, 9:28], images[..., 4:14, 13:32])
    draws[0, 3:5] = 0.5
    draws[0, 5:] = 0.5
    whole = augment(images, draws)
    assert ((whole == 0).all(1).sum((1, 2)) == 8 * 16).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_diffaugment_policies(channels):
    augment = DiffAugment()
    images = pictures(count=200, channels=channels)
    draws = torch.rand(200, augment.columns, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    changed = augment(images, draws)
    assert changed.shape == images.shape
    holes = (changed == 0).all(1).flatten(1).double().mean(1)
    assert holes.max() < 0.6 and holes.mean() > 0.15  # a quarter, less what is outside, and what was moved in
    middle = torch.full((1, augment.columns), 0.5, dtype=torch.float64)
    middle[0, -2:] = 0.0  # the hole in a corner
    same = augment(images[:1], middle)
    torch.testing.assert_close(same[..., 8:, 8:], images[:1, :, 8:, 8:])


@pytest.mark.parametrize("kind", ["ada", "diffaugment"])
def test_penalties_can_look_through(kind):
    augment = AdaptiveAugment(target=0.6, kimg=1.0).double() if kind == "ada" else DiffAugment()
    if kind == "ada":
        augment.probability.fill_(0.9)
    images = pictures(count=2, size=8).requires_grad_(True)
    draws = torch.rand(2, augment.columns, dtype=torch.float64)
    weight = torch.linspace(-1, 1, images.numel(), dtype=torch.float64).reshape(images.shape)
    assert torch.autograd.gradgradcheck(lambda x: (augment(x, draws) * weight).square().sum(), images)


def test_normal_numbers_from_uniform_ones():
    from ganzoo.nn.adaptive import _normal

    numbers = _normal(torch.tensor([0.0, 0.5, 0.8413447, 0.9999999]))
    assert numbers.isfinite().all() and math.isclose(numbers[2].item(), 1.0, abs_tol=1e-4) and numbers[1] == 0


@pytest.mark.parametrize("padding", [1, 3, (1, 2, 3, 0)])
def test_reflection_put_together_from_edges_is_torchs_own(padding):
    """What runs on a GPU under --deterministic, here on the CPU: values, gradients, and gradients of gradients."""
    from ganzoo.nn import ReflectionPad2d
    from ganzoo.nn.padding import _reflected

    theirs = torch.nn.ReflectionPad2d(padding)
    left, right, top, bottom = theirs.padding

    def ours(x):
        return _reflected(_reflected(x, 3, left, right), 2, top, bottom)

    x = torch.randn(2, 3, 5, 6, dtype=torch.float64, requires_grad=True)
    weight = torch.randn_like(theirs(x))
    found = []
    for pad in (theirs, ours, ReflectionPad2d(padding)):
        padded = pad(x)
        (gradient,) = torch.autograd.grad((padded.square() * weight).sum(), x, create_graph=True)
        (second,) = torch.autograd.grad(gradient.square().sum(), x)
        found.append((padded, gradient, second))
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            torch.testing.assert_close(one, two)


def test_reflection_is_put_together_from_edges_where_torch_would_refuse():
    from ganzoo.nn import ReflectionPad2d
    from ganzoo.testing.absent_device import AbsentDevice
    from ganzoo.testing.stand_ins import ABSENT

    for pad, kinds in ((ReflectionPad2d(2), []), (torch.nn.ReflectionPad2d(2), ["deterministic"])):
        with AbsentDevice(deterministic=True) as watch:
            x = torch.zeros(1, 1, 4, 4, device=ABSENT, requires_grad=True)
            padded = pad(x)
            assert padded.shape == (1, 1, 8, 8)
            padded.sum().backward()
        assert [mistake.kind for mistake in watch.mistakes] == kinds
