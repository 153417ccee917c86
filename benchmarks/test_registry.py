"""Loading 50 plugins against importing their 50 modules by hand."""

import importlib
import sys

from helpers import good_plugin, make_distribution

from ganzoo.plugin.registry import Registry


def test_fifty_plugins(tmp_path, monkeypatch, benchmark, report):
    for number in range(50):
        make_distribution(tmp_path, f"fifty-{number}", good_plugin(f"fifty-{number}"))
    monkeypatch.syspath_prepend(str(tmp_path))
    names = [f"fifty_{number}_plugin" for number in range(50)]

    def forget():
        for name in names:
            sys.modules.pop(name, None)

    def load():
        registry = Registry.load()
        assert sum(offer.distribution.startswith("fifty-") for offer in registry.architectures) == 50

    benchmark.pedantic(load, setup=forget, rounds=20, warmup_rounds=2)
    import time

    by_hand = []
    for _ in range(20):
        forget()
        began = time.perf_counter()
        for name in names:
            importlib.import_module(name)
        by_hand.append(time.perf_counter() - began)
    ours, theirs = benchmark.stats.stats.median, sorted(by_hand)[10]
    report(
        "50 plugins",
        ours_ms=round(1000 * ours, 2),
        imports_ms=round(1000 * theirs, 2),
        ratio=round(ours / theirs, 2),
    )
