"""Every argument and attribute that a StyleGAN2 pickle keeps is computed with, without effect, or refused."""

import collections
import pickle
import random
from pathlib import Path

import pytest
import torch
from ganzoo_stylegan import arguments
from ganzoo_stylegan.config import StyleGAN2Config
from ganzoo_stylegan.importing import read_stylegan2
from ganzoo_stylegan.pickles import Network
from ganzoo_stylegan.stylegan2 import StyleGAN2
from stylegan2_files import SMALL, built, errors, nested, networks_of, research_modules, write  # noqa: F401
from stylegan2_reference import WIDTH

from ganzoo.errors import GanzooError


def random_values():
    """(network, table, argument, value, whether it is admitted): values of all kinds, drawn by a fixed seed."""
    draw = random.Random(0)
    tables = {
        ("G", "mapping_kwargs"): arguments.MAPPING,
        ("G", "synthesis_kwargs"): arguments.SYNTHESIS,
        ("D", "block_kwargs"): arguments.BLOCK,
        ("D", "mapping_kwargs"): arguments.DISCRIMINATOR_MAPPING,
        ("D", "epilogue_kwargs"): arguments.EPILOGUE,
        ("D", ""): arguments.DISCRIMINATOR,
        ("G", ""): arguments.GENERATOR,
    }
    own = {
        "activation": ["linear", "relu", "tanh", "swish", "lrelu", None, torch.ones(2), ["lrelu"]],
        "architecture": ["skip", "resnet", "orig", "other"],
        "resample_filter": [
            [1, 2, 1],
            [1, 3, 3, 1],
            [2, 6, 6, 2],
            [1, 1],
            None,
            [1, 3, 3, 2],
            [1, 4, 6, 4, 1],
            [0] * 4,
            3,
        ],
        "conv_clamp": [0.7, 1.5, 256, None, 0, -1, "256", True],
        "lr_multiplier": [0.01, 0.1, 1.0, 0.003, 0, -1, None],
        "num_layers": [0, 1, 3, 5, 40, None, 2.0, torch.ones(2)],
        "use_noise": [False, True, None, "no"],
        "mbstd_group_size": [None, 1, 2, 4, 100, 0, "4"],
        "mbstd_num_channels": [0, 1, 2],
        "embed_features": [None, WIDTH, 7, 8, torch.ones(2)],
        "layer_features": [None, WIDTH, 7, 8],
        "cmap_dim": [None, 8, 5],
        "kernel_size": [1, 3, 5],
        "w_avg_beta": [0.9, 0.995, None, 2],
        "img_channels": [4, 2, "3"],
        "img_resolution": [24, 4, 2048],
        "z_dim": [0, -1, 15],
        "num_fp16_res": [0, 4, 9],
    }
    for (network, table), known in tables.items():
        for name, argument in known.items():
            for value in own.get(name, [True, None, draw.randrange(5), draw.random(), "x", [1, 2], torch.ones(3), {}]):
                yield network, table, name, value, argument.admits is None or argument.admits(value, {})


REFERENCE_KNOWS = ("activation", "conv_clamp", "lr_multiplier", "num_layers", "use_noise", "mbstd_group_size")


@pytest.mark.parametrize("classes", [0, 3])
def test_a_changed_argument_is_computed_with_or_refused(monkeypatch, classes):
    """Made so by the original: its tensors and attributes are those that the arguments give."""

    def found_in_the_file(painter, judge, stored=None):
        """What reading a pickle of these would give, without the pickle: there are hundreds."""
        given = {"G": painter.given, "D": judge.given} | (stored or {})
        networks = {
            name: Network(kind, given[name[0]], network.state, network.modules)
            for name, kind, network in (
                ("G", "Generator", painter), ("D", "Discriminator", judge), ("G_ema", "Generator", painter),
            )
        }  # fmt: skip
        monkeypatch.setattr("ganzoo_stylegan.importing.read_networks", lambda path: networks)

    read, refused = collections.Counter(), collections.Counter()
    singly = list(random_values())
    draw = random.Random(1)
    known = [one for one in singly if one[2] in REFERENCE_KNOWS]
    for changes in [*([one] for one in singly), *(draw.sample(known, 3) for _ in range(150))]:
        mapping, synthesis = {}, {"conv_clamp": 2.0}
        judge = {"conv_clamp": 2.0, "epilogue_kwargs": {}, "mapping_kwargs": {}, "block_kwargs": {}}
        targets = {
            ("G", "mapping_kwargs"): mapping, ("G", "synthesis_kwargs"): synthesis, ("D", ""): judge,
            **{("D", key): judge[key] for key in ("block_kwargs", "mapping_kwargs", "epilogue_kwargs")},
        }  # fmt: skip
        network, table, name, value, _ = changes[0]
        if (network, table) not in targets or name.endswith("_kwargs"):
            painter, critic = networks_of(size=8, classes=classes)
            given = {"G": dict(painter.given), "D": dict(critic.given)}
            given[network][name] = value
            found_in_the_file(painter, critic, given)
        else:
            for network, table, name, value, _ in changes:
                targets[network, table][name] = value
            try:  # as the original would build it
                painter, critic = networks_of(
                    size=8, classes=classes, mapping=mapping, synthesis=synthesis, judge=judge
                )
                found_in_the_file(painter, critic)
            except Exception:  # it cannot be built so; the file is made up
                painter, critic = networks_of(size=8, classes=classes)
                stored = {"G": dict(painter.given), "D": dict(critic.given)}
                stored["G"] |= {"mapping_kwargs": mapping, "synthesis_kwargs": {**SMALL, **synthesis}}
                stored["D"] |= judge
                found_in_the_file(painter, critic, stored)
        told = [change[:4] for change in changes]
        try:
            networks = built(Path("network.pkl"))
        except GanzooError:
            places = [change[:3] for change in changes]
            every = all(change[4] and change[2] in REFERENCE_KNOWS for change in changes)
            assert not every or len(set(places)) < len(places), told
            refused.update(change[2] for change in changes)
            continue
        apart = errors(networks, painter, critic, classes=classes)
        assert max(apart) <= 2e-5, (told, apart)
        read.update(change[2] for change in changes)
    for name in REFERENCE_KNOWS:
        assert read[name] and refused[name], name


@pytest.mark.parametrize(
    ("network", "place", "changes"),
    [
        ("G", "mapping.fc0", {"activation": "relu"}),
        ("G", "mapping", {"num_layers": 3}),
        ("D", "mapping", {"num_layers": 3}),
        ("G", "mapping.fc1", {"bias_gain": 0.1}),
        ("G", "mapping.fc1", {"weight_gain": 0.1}),
        ("G", "synthesis.b8.conv0", {"activation": "linear"}),
        ("G", "synthesis.b8.conv1", {"conv_clamp": 0.5}),
        ("G", "synthesis.b8.conv1", {"use_noise": False}),
        ("G", "synthesis.b16.torgb", {"conv_clamp": 0.5}),
        ("G", "synthesis.b16", {"architecture": "resnet"}),
        ("D", "b16.conv1", {"conv_clamp": 0.5}),
        ("D", "b16.skip", {"conv_clamp": 0.5}),
        ("D", "b16.fromrgb", {"activation": "swish"}),
        ("D", "b4.mbstd", {"group_size": 2}),
        ("D", "b16.conv0", {"weight_gain": 1.0}),
        ("D", "b16.conv0", {"down": 2}),
        ("D", "b16.skip", {"act_gain": 2.0}),
        ("G", "synthesis.b8.conv1", {"act_gain": 1.0}),
        ("G", "synthesis.b8.conv1", {"up": 2}),
        ("G", "synthesis.b8.torgb", {"weight_gain": 1.0}),
        ("G", "synthesis.b8.torgb.affine", {"weight_gain": 1.0}),
        ("D", "b4.fc", {"activation": "linear"}),
        ("D", "b16", {"architecture": "orig"}),
    ],
)
def test_attributes_that_contradict_the_arguments_are_refused_by_name(tmp_path, network, place, changes):
    painter, judge = networks_of(classes=3)
    path = write(tmp_path / "network.pkl", painter, judge, changed={network: {place: changes}})
    (key,) = changes
    with pytest.raises(GanzooError, match=rf"{network}(_ema)?'s {place} has {key} = "):
        built(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda g, d: g.state.update({"synthesis.b8.conv0.resample_filter": torch.ones(4, 4) / 16}),
            "another low-pass",
        ),
        (lambda g, d: d.state.update({"b16.skip.resample_filter": torch.ones(3, 3) / 9}), "another low-pass filter"),
        (lambda g, d: g.given.update({"strange": 1}), "G_ema's synthesis has the argument 'strange'|'strange'"),
        (lambda g, d: g.given["mapping_kwargs"].update({"truncation_cutoff": 4}), "'truncation_cutoff' = 4"),
        (lambda g, d: g.given.update({"img_channels": 4}), "img_channels = 4, and expected is 1 .grey. or 3 .colour."),
        (lambda g, d: g.given.update({"z_dim": 0}), "z_dim = 0, and expected is a whole number from 1"),
        (lambda g, d: g.given.update({"img_resolution": 48}), "img_resolution = 48, and expected is one of 8, 16, 32"),
        (lambda g, d: d.given.update({"channel_base": 64}), "D has channel_base = 64 and G 128"),
        (lambda g, d: d.given.update({"c_dim": 3}), "D has c_dim = 3 and G 0"),
        (lambda g, d: d.given.update({"architecture": "skip"}), "architecture = 'skip', and expected is 'resnet' or"),
        (lambda g, d: g.given.pop("z_dim"), "'z_dim' is missing"),
        (lambda g, d: g.given.update({"channel_base": 128}), "'channel_base' = 128, and what it does is not known"),
        (lambda g, d: g.given.update({"mapping_kwargs": 3}), "mapping_kwargs = 3, and expected is a dictionary"),
        (
            lambda g, d: g.state.update({"synthesis.b4.conv1.style.bias": torch.zeros(8)}),
            "several tensors for one place: synthesis.b4.conv1.affine.bias",
        ),
    ],
)
def test_files_that_say_something_else_are_refused_by_name(tmp_path, change, message):
    painter, judge = networks_of()
    change(painter, judge)
    with pytest.raises(GanzooError, match=message):
        built(write(tmp_path / "network.pkl", painter, judge))


def test_a_converted_discriminator_without_labels_keeps_arguments_of_a_mapping_that_it_has_not(tmp_path):
    """The authors' converter of TensorFlow's pickles writes them all."""
    full = {"activation": "lrelu", "resample_filter": [1, 3, 3, 1]}
    painter, judge = networks_of(
        mapping={"embed_features": None, "layer_features": WIDTH, "activation": "lrelu", "lr_multiplier": 0.01},
        synthesis={**full, "num_fp16_res": 0, "conv_clamp": None, "architecture": "skip", "use_noise": True},
        judge={
            "num_fp16_res": 0, "conv_clamp": None, "cmap_dim": None, "block_kwargs": full,
            "mapping_kwargs": {"num_layers": 0, "lr_multiplier": 0.1, "embed_features": None, "activation": "lrelu"},
            "epilogue_kwargs": {"mbstd_group_size": None, "mbstd_num_channels": 1, "activation": "lrelu"},
        },
    )  # fmt: skip
    networks = built(write(tmp_path / "network.pkl", painter, judge))
    assert networks.config.group == 0
    assert max(errors(networks, painter, judge, classes=0)) <= 1e-5


def test_arguments_that_were_given_by_their_place(tmp_path):
    painter, judge = networks_of()
    path = write(tmp_path / "network.pkl", painter, judge)
    expected = read_stylegan2([path]).settings
    leading = ("z_dim", "c_dim", "w_dim", "img_resolution", "img_channels")

    def placed(count):
        content = pickle.loads(b"N.") or {}
        for name, network, names in (("G", painter, leading), ("G_ema", painter, leading), ("D", judge, leading[1:2])):
            kept = {key: value for key, value in network.given.items() if key not in names[:count]}
            whole = nested(network, "Discriminator" if name == "D" else "Generator", kept)
            whole.meta["state"]["_init_args"] = tuple(network.given[key] for key in names[:count])
            content[name] = whole
        path.write_bytes(pickle.dumps(content))
        return path

    for count in range(6):
        assert read_stylegan2([placed(count)]).settings == expected
    content = {"G": nested(painter, "Generator", painter.given)}
    content["G"].meta["state"]["_init_args"] = (1,)
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(GanzooError, match=r"arguments that have no names: \(1,\)"):  # and has one by name besides
        read_stylegan2([path])


@pytest.mark.parametrize("cutoff", [1, 3, 5])
def test_truncation_stops_at_the_layer_that_the_setting_names(tmp_path, cutoff):
    painter, judge = networks_of()
    found = read_stylegan2([write(tmp_path / "network.pkl", painter, judge)])
    networks = StyleGAN2(StyleGAN2Config(**found.settings, truncated_layers=cutoff), found.data).eval()
    networks.load_state_dict({**networks.state_dict(), **found.state})
    assert max(errors(networks, painter, judge, classes=0, psi=0.3)) <= 1e-5
