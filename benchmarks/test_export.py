"""Export with proof against torch.onnx.export alone, DCGAN-64, in one process after a first export of each."""

import time

import torch
from pairs import compare

from ganzoo.architecture.build import build_architecture
from ganzoo.config.resolve import resolve
from ganzoo.exporting.exporter import Origin, export_graphs
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.settings import config_class, preset_layer
from ganzoo.tensors import DataInfo


def test_export_graphs(tmp_path, report):
    offer = Registry.load().architecture("dcgan")
    config = resolve("dcgan", config_class(offer), [preset_layer(offer.spec, "paper")])
    architecture = build_architecture(offer, config.architecture, DataInfo(channels=3, size=64), seed=0).eval()
    example = (torch.randn(2, 100),)

    def ours():
        began = time.perf_counter()
        export_graphs(architecture, Origin(offer=offer), destination=tmp_path / "ours.onnx")
        return time.perf_counter() - began

    def theirs():
        began = time.perf_counter()
        program = torch.onnx.export(
            architecture.generator, example, dynamo=True, dynamic_shapes=({0: "batch"},), verbose=False
        )
        program.save(tmp_path / "theirs.onnx")
        return time.perf_counter() - began

    ours(), theirs()
    report("dcgan-64 with proof", **compare(ours, theirs, pairs=5).facts("seconds"))
