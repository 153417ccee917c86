"""Each operation against a slow one written out by its definition, with first and second derivatives."""

import numpy as np
import pytest
import torch
from ganzoo_stylegan.ops import (
    activate,
    conv_down,
    conv_mean_down,
    conv_nearest_up,
    conv_up,
    downsample,
    low_pass,
    modulated_conv,
    second_moment_normalized,
    upsample,
)
from torch.autograd import gradcheck, gradgradcheck
from torch.nn.functional import conv2d

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")),
]


@pytest.fixture(params=DEVICES, autouse=True)
def device(request):
    """Of every operation; the slow ones are numpy's."""
    with torch.device(request.param):
        yield request.param


def drawn(*shape):
    generator = torch.Generator("cpu").manual_seed(len(shape) + shape[-1])
    return torch.randn(shape, dtype=torch.float64, generator=generator, device="cpu").to(torch.get_default_device())


def kernel():
    return low_pass().double()


def slow_filter(x, taps, *, up=1, down=1, before=0, after=0, gain=1.0):
    """Zeros between pixels, padding, correlation, every `down`-th pixel: loops over numpy arrays."""
    device, x, taps = x.device, x.detach().cpu().numpy(), taps.cpu().numpy()
    batch, maps, height, width = x.shape
    spread = np.zeros((batch, maps, height * up, width * up))
    spread[:, :, ::up, ::up] = x
    spread = np.pad(spread, ((0, 0), (0, 0), (before, after), (before, after)))
    rows, columns = (size - len(taps) + 1 for size in spread.shape[2:])
    out = np.zeros((batch, maps, rows, columns))
    for row in range(rows):
        for column in range(columns):
            window = spread[:, :, row : row + len(taps), column : column + len(taps)]
            out[:, :, row, column] = (window * taps[::-1, ::-1]).sum((2, 3)) * gain
    return torch.from_numpy(out[:, :, ::down, ::down].copy()).to(device)


def slow_transposed(x, weight):
    """Each pixel paints its kernel at twice its place: (B, C, H, W), (D, C, 3, 3) -> (B, D, 2 H + 1, 2 W + 1)."""
    batch, _, height, width = x.shape
    out = torch.zeros(batch, len(weight), 2 * height + 1, 2 * width + 1, dtype=x.dtype)
    for row in range(height):
        for column in range(width):
            painted = torch.einsum("bc,dckl->bdkl", x[:, :, row, column], weight)
            out[:, :, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3] += painted
    return out


def test_the_filter_keeps_the_mean():
    assert kernel().sum().item() == pytest.approx(1) and torch.equal(kernel(), kernel().t())
    flat = torch.full((1, 2, 8, 8), 3.0)
    assert torch.allclose(upsample(flat, low_pass())[:, :, 2:-2, 2:-2], torch.tensor(3.0))
    assert torch.allclose(downsample(flat, low_pass())[:, :, 1:-1, 1:-1], torch.tensor(3.0))


def test_resampling_is_what_it_says():
    x = drawn(2, 3, 6, 4)
    expected = slow_filter(x, kernel(), up=2, before=2, after=1, gain=4)
    assert expected.shape == (2, 3, 12, 8)
    assert torch.allclose(upsample(x, kernel()), expected, atol=1e-6, rtol=0)
    expected = slow_filter(x, kernel(), down=2, before=1, after=1)
    assert expected.shape == (2, 3, 3, 2)
    assert torch.allclose(downsample(x, kernel()), expected, atol=1e-6, rtol=0)


def test_convolutions_that_change_the_size():
    x, weight = drawn(2, 3, 6, 4), drawn(5, 3, 3, 3)
    expected = slow_filter(slow_transposed(x, weight), kernel(), before=1, after=1, gain=4)
    assert expected.shape == (2, 5, 12, 8)
    assert torch.allclose(conv_up(x, weight, kernel()), expected, atol=1e-6, rtol=0)
    expected = conv2d(slow_filter(x, kernel(), before=2, after=2), weight)[:, :, ::2, ::2]
    assert expected.shape == (2, 5, 3, 2)
    assert torch.allclose(conv_down(x, weight, kernel()), expected, atol=1e-6, rtol=0)


def test_convolutions_with_doubled_and_averaged_pixels():
    x, weight = drawn(2, 3, 6, 4), drawn(5, 3, 3, 3)
    large = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.allclose(conv_nearest_up(x, weight), conv2d(large, weight, padding=1), atol=1e-6, rtol=0)
    means = conv2d(x, weight, padding=1).reshape(2, 5, 3, 2, 2, 2).mean((3, 5))
    assert torch.allclose(conv_mean_down(x, weight), means, atol=1e-6, rtol=0)


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("demodulate", [False, True])
@pytest.mark.parametrize("size", [1, 3])
def test_a_modulated_convolution_is_one_with_weights_of_its_own_for_each_sample(up, demodulate, size):
    if up and size == 1:
        return
    x, weight, style = drawn(3, 4, 6, 6), drawn(5, 4, size, size), drawn(3, 4)
    rows = []
    for sample, scale in zip(x, style, strict=True):
        own = weight * scale[None, :, None, None]
        if demodulate:
            own = own / (own.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        one = sample[None]
        rows.append(conv_up(one, own, kernel()) if up else conv2d(one, own, padding=size // 2))
    found = modulated_conv(x, weight, style, demodulate=demodulate, up=up, kernel=kernel())
    assert torch.allclose(found, torch.cat(rows), atol=1e-6, rtol=0)


def test_first_and_second_derivatives():
    x, weight, style = (drawn(*shape).requires_grad_() for shape in ((2, 2, 4, 4), (3, 2, 3, 3), (2, 2)))
    for operation, inputs in (
        (lambda a: upsample(a, kernel()), (x,)),
        (lambda a: downsample(a, kernel()), (x,)),
        (lambda a, b: conv_up(a, b, kernel()), (x, weight)),
        (lambda a, b: conv_down(a, b, kernel()), (x, weight)),
        (conv_nearest_up, (x, weight)),
        (conv_mean_down, (x, weight)),
        (lambda a, b, c: modulated_conv(a, b, c, up=True, kernel=kernel()), (x, weight, style)),
        (lambda a, b, c: activate(modulated_conv(a, b, c)), (x, weight, style)),
    ):
        assert gradcheck(operation, inputs) and gradgradcheck(operation, inputs)


def test_what_keeps_the_variance():
    x = torch.randn(100_000, device="cpu", generator=torch.Generator("cpu").manual_seed(0))
    assert activate(x).square().mean().item() == pytest.approx(1.04, rel=0.02)  # 2 * (1 + 0.2^2) / 2
    rows = second_moment_normalized(drawn(4, 64) * 7)
    assert torch.allclose(rows.square().mean(1), torch.ones(4, dtype=torch.float64))
