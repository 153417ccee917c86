"""What the trainer costs over the best hand-written loop, in interleaved pairs within one process."""

import time

import pytest
import torch
from handwritten import HandWritten
from pairs import compare

from ganzoo.architecture.build import build_architecture
from ganzoo.config.resolve import resolve, set_layer
from ganzoo.data.batches import Order, Prefetcher
from ganzoo.data.checked import open_source
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.settings import config_class, preset_layer
from ganzoo.training.engine import Engine

MOST = 1.03
STEPS = {"digits": 25, "paper": 3}
PAIRS = {"digits": 40, "paper": 10}


def settings_of(preset):
    registry = Registry.load()
    offer = registry.architecture("dcgan")
    layers = [preset_layer(offer.spec, preset), set_layer(["data.source=digits"])]
    config = resolve("dcgan", config_class(offer), layers)
    source = open_source(config.data, registry, notify=print)

    def build():
        return build_architecture(offer, config.architecture, source.info, seed=0)

    return config, source, build


@pytest.mark.parametrize("preset", STEPS)
def test_step(preset, report):
    config, source, build = settings_of(preset)
    settings, batch_size = config.architecture, config.train.batch_size
    engine = Engine(build(), seed=0, batch_size=batch_size, device=torch.device("cpu"))
    order = Order(seed=0, batch_size=batch_size, lengths=source.lengths)
    networks = build()
    pictures = source.fetch([torch.arange(source.lengths[0]).numpy()]).real
    by_hand = HandWritten(
        networks.generator,
        networks.discriminator,
        latent_size=settings.latent_size,
        batch_size=batch_size,
        lr=(settings.generator_lr, settings.discriminator_lr),
        betas=(settings.beta1, settings.beta2),
        half_life_kimg=settings.ema_half_life_kimg,
        pictures=pictures.float() / 127.5 - 1,
    )
    steps, done = STEPS[preset], 0
    with Prefetcher(source, order) as prefetcher:

        def ours():
            nonlocal done
            began = time.perf_counter()
            for _ in range(steps):
                engine.step(done, engine.prepare(prefetcher.batch(done)))
                done += 1
            engine.means()  # one log line
            return time.perf_counter() - began

        def theirs():
            return by_hand.seconds(steps)

        ours(), theirs(), ours(), theirs()
        comparison = compare(ours, theirs, pairs=PAIRS[preset])
    report(preset, batch=batch_size, **comparison.facts(f"seconds_per_{steps}_steps"), bound=MOST)
    assert comparison.ratio <= MOST
