"""Times StyleGAN2 in torch's inference mode: `python stylegan_eager.py SIZE FORM MEMORY SECONDS`; prints the median ms.

FORM: shared, as the plugin has it; or own, weights of each sample's own, grouped by batch, as the reference has it.
MEMORY: contiguous or channels_last. A process of its own for each.
"""

import statistics
import sys
import time

import ganzoo_stylegan.synthesis as parts
import torch
from ganzoo_stylegan.config import StyleGAN2Config
from ganzoo_stylegan.ops import smooth
from ganzoo_stylegan.stylegan2 import StyleGAN2
from torch.nn.functional import conv2d, conv_transpose2d

from ganzoo import DataInfo

BASE = 16384


def own_weights(x, weight, style, *, demodulate=True, up=False, kernel=None, gain=1.0):
    batch, _, height, width = x.shape
    modulated = weight[None] * (style * gain if not demodulate else style)[:, None, :, None, None]  # (B, D, C, K, K)
    if demodulate:
        modulated = modulated * (torch.rsqrt(modulated.square().sum((2, 3, 4), keepdim=True) + 1e-8) * gain)
    x = x.reshape(1, -1, height, width)
    if up:
        swapped = modulated.transpose(1, 2).flatten(0, 1)
        out = conv_transpose2d(x, swapped, stride=2, groups=batch)
        return smooth(out.reshape(batch, -1, *out.shape[2:]), kernel, padding=1, gain=4.0)
    out = conv2d(x, modulated.flatten(0, 1), padding=weight.shape[-1] // 2, groups=batch)
    return out.reshape(batch, -1, height, width)


def main(size, form, memory, seconds):
    if form == "own":
        parts.modulated_conv = own_weights
    torch.manual_seed(0)
    networks = StyleGAN2(StyleGAN2Config(maps_base=BASE), DataInfo(channels=3, size=int(size))).eval()
    formats = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
    generator = networks.generator.to(memory_format=formats[memory])
    z, psi, samples = torch.randn(1, 512), torch.ones(1), []
    with torch.inference_mode():
        deadline = time.perf_counter() + float(seconds)
        while time.perf_counter() < deadline or len(samples) < 10:
            began = time.perf_counter()
            generator(z, psi)
            samples.append(time.perf_counter() - began)
    print(1000 * statistics.median(samples[len(samples) // 3 :]))


if __name__ == "__main__":
    main(*sys.argv[1:])
