"""Every StyleGAN2 that the command lines of the two official repositories can make, imported and held against it."""

import itertools

import pytest
from ganzoo_stylegan.importing import read_stylegan2
from stylegan2_files import SMALL, built, errors, networks_of, research_modules, write  # noqa: F401

from ganzoo.errors import GanzooError

# --cfg: layers of the mapping, architecture of D, group (auto: at most 4 of a device's share)
ADA = {
    "auto": (2, "resnet", 4), "stylegan2": (8, "resnet", 4), "paper256": (8, "resnet", 8),
    "paper512": (8, "resnet", 8), "paper1024": (8, "resnet", 4), "cifar": (2, "orig", 32),
}  # fmt: skip
SIZES = (32, 64, 128, 256, 512, 1024)
FREEZED = (0, 4)


@pytest.mark.parametrize(
    ("cfg", "classes", "fp32", "channels"), list(itertools.product(ADA, (0, 3), (False, True), (1, 3)))
)
def test_a_configuration_of_stylegan2_ada_is_read_exactly(tmp_path, cfg, classes, fp32, channels):
    layers, architecture, group = ADA[cfg]
    half = {"num_fp16_res": 0, "conv_clamp": None} if fp32 else {"num_fp16_res": 4, "conv_clamp": 256}
    painter, judge = networks_of(
        size=32, classes=classes, channels=channels, mapping={"num_layers": layers}, synthesis=half,
        judge={
            **half, "architecture": architecture, "mapping_kwargs": {},
            "block_kwargs": {"freeze_layers": FREEZED[fp32]}, "epilogue_kwargs": {"mbstd_group_size": group},
        },
    )  # fmt: skip
    networks = built(write(tmp_path / "network.pkl", painter, judge))
    assert max(errors(networks, painter, judge, classes=classes)) <= 1e-5
    config = networks.config
    assert (config.residual, config.group, config.mapping_layers) == (architecture == "resnet", group, layers)


@pytest.mark.parametrize("size", SIZES)
def test_every_size(tmp_path, size):
    painter, judge = networks_of(size=size, synthesis={"conv_clamp": 256}, judge={"conv_clamp": 256})
    networks = built(write(tmp_path / "network.pkl", painter, judge))
    assert max(errors(networks, painter, judge, classes=0)) <= 1e-5


@pytest.mark.parametrize(
    ("depth", "classes", "fp32", "channels"), list(itertools.product((2, 8), (0, 3), (False, True), (1, 3)))
)
def test_a_stylegan2_of_the_stylegan3_repository_is_read_exactly(tmp_path, depth, classes, fp32, channels):
    """--cfg=stylegan2, --map-depth, --cond, --fp32, --mbstd-group; its defaults are not stored, and are others."""
    stored = {"num_fp16_res": 0, "conv_clamp": None} if fp32 else {}
    effective, group = stored or {"num_fp16_res": 4, "conv_clamp": 256}, 2 if channels == 1 else 4
    painter, judge = networks_of(
        size=32, classes=classes, channels=channels, mapping={"num_layers": depth}, synthesis=effective,
        judge={**effective, "epilogue_kwargs": {"mbstd_group_size": group}, "block_kwargs": {"freeze_layers": 0}},
    )  # fmt: skip
    kept = {"fused_modconv_default": "inference_only", **SMALL, **stored}
    bare = {key: value for key, value in judge.given.items() if key not in ("conv_clamp", "num_fp16_res")}
    path = write(
        tmp_path / "network.pkl", painter, judge, flat=True,
        stored={"G": {**painter.given, "synthesis_kwargs": kept}, "D": {**bare, **stored}},
    )  # fmt: skip
    networks = built(path)
    assert max(errors(networks, painter, judge, classes=classes)) <= 1e-5
    assert (networks.config.clamp, networks.config.average_decay) == (0 if fp32 else 256, 0.998)


def test_the_clamp_of_the_stylegan3_repository_is_known_without_attributes(tmp_path):
    painter, judge = networks_of(synthesis={"conv_clamp": 256}, judge={"conv_clamp": 256})
    painter.modules, judge.modules = {}, {}
    bare = {key: value for key, value in judge.given.items() if key != "conv_clamp"}
    stored = {"G": {**painter.given, "synthesis_kwargs": SMALL}, "D": bare}
    config = built(write(tmp_path / "network.pkl", painter, judge, flat=True, stored=stored)).config
    assert (config.clamp, config.discriminator_clamp) == (256, 256)
    stored["G"] = {**painter.given, "synthesis_kwargs": SMALL}
    config = built(write(tmp_path / "network.pkl", painter, judge, stored=stored)).config
    assert (config.clamp, config.discriminator_clamp) == (0, 0)
    nothing = {"G": {**painter.given, "synthesis_kwargs": {}}, "D": {**bare, "channel_base": 32768, "channel_max": 512}}
    assert read_stylegan2([write(tmp_path / "network.pkl", painter, judge, stored=nothing)]).settings["clamp"] == 0
    with pytest.raises(GanzooError, match="says neither conv_clamp nor which repository made it"):
        read_stylegan2([write(tmp_path / "network.pkl", painter, judge, flat=True, stored=nothing)])
