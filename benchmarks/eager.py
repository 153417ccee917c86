"""Times torch in inference mode: `python eager.py PRESET BATCH SECONDS`; prints the median in ms.

A process of its own, because spinning threads of one backend slow the other.
"""

import statistics
import sys
import time

import torch

from ganzoo.architecture.build import build_architecture
from ganzoo.config.resolve import resolve
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.settings import config_class, preset_layer
from ganzoo.tensors import DataInfo


def main(preset, batch, seconds):
    offer = Registry.load().architecture("dcgan")
    config = resolve("dcgan", config_class(offer), [preset_layer(offer.spec, preset)])
    data = DataInfo(channels=config.data.channels, size=config.data.size)
    network = build_architecture(offer, config.architecture, data, seed=0).generator.eval()
    z = torch.randn(int(batch), config.architecture.latent_size)
    best = []
    with torch.inference_mode():
        for memory in (torch.contiguous_format, torch.channels_last):
            network = network.to(memory_format=memory)
            samples = []
            deadline = time.perf_counter() + float(seconds) / 2
            while time.perf_counter() < deadline:
                began = time.perf_counter()
                network(z)
                samples.append(time.perf_counter() - began)
            best.append(statistics.median(samples[len(samples) // 3 :]))
    print(1000 * min(best))


if __name__ == "__main__":
    main(*sys.argv[1:])
