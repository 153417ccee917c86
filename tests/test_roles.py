"""What graphs are for: declared by architectures and files, worked out for older ones in one place."""

from dataclasses import replace
from types import SimpleNamespace

import onnx
import pytest
from helpers import assert_clean, ganzoo_here

from ganzoo.api.export import export_untrained
from ganzoo.architecture.graphs import graphs_of
from ganzoo.errors import ExportError, RequestError
from ganzoo.plugin.registry import Registry
from ganzoo.roles import (
    GraphRole,
    chain_to,
    inferred_role,
    missing_before,
    painting_chain,
    style_chain,
    way_back,
)
from ganzoo.runtime.file import OnnxFile
from ganzoo.sampling.from_files import open_files
from ganzoo.tensors import BATCH, TensorSpec
from ganzoo.testing import Subject

Z = TensorSpec(name="z", shape=(BATCH, 4))
W = TensorSpec(name="w", shape=(BATCH, 2, 4))
IMAGE, SOURCE, TARGET = (
    TensorSpec(name=name, shape=(BATCH, 1, 2, 2), kind="picture") for name in ("image", "source", "target")
)
LOGIT = TensorSpec(name="logit", shape=(BATCH,))


@pytest.mark.parametrize("name", ["stylegan2", "stylegan", "cyclegan", "pix2pix", "dcgan", "cgan", "vae"])
def test_what_our_own_declare_is_what_would_be_worked_out(name):
    """The guess for older files is right for every graph of ours."""
    declared = graphs_of(Subject(Registry.load().architecture(name)).build())
    signatures = {graph.name: (graph.inputs, graph.outputs) for graph in declared}
    for graph in declared:
        found = inferred_role(graph.name, signatures)
        assert (graph.role, graph.after, graph.back) == (found.role, found.after, found.back)


@pytest.mark.parametrize(
    ("signatures", "expected"),
    [
        ({"g": ((Z,), (IMAGE,))}, {"g": GraphRole(role="paint", paints="real")}),
        ({"s": ((W,), (IMAGE,))}, {"s": GraphRole(role="paint", paints="real")}),  # a lone half painted, as it did
        ({"e": ((IMAGE,), (Z,))}, {"e": GraphRole(role="embed")}),
        ({"d": ((SOURCE,), (LOGIT,))}, {"d": GraphRole(role="embed", reads="source")}),
        (
            {"m": ((Z,), (W,)), "s": ((W,), (IMAGE,))},
            {"m": GraphRole(role="map"), "s": GraphRole(role="synthesize", after="m", paints="real")},
        ),
        (
            {"there": ((SOURCE,), (TARGET,)), "home": ((TARGET,), (SOURCE,))},
            {
                "there": GraphRole(role="translate", back="home", reads="source", paints="target"),
                "home": GraphRole(role="translate", back="there", reads="target", paints="source"),
            },
        ),
    ],
)
def test_roles_that_nobody_stated(signatures, expected):
    assert {name: inferred_role(name, signatures) for name in signatures} == expected


def graph(name, role, after=None, back=None):
    return SimpleNamespace(name=name, role=role, after=after, back=back, inputs=(Z,), outputs=(IMAGE,))


def test_chains():
    a, b, c = graph("a", "map"), graph("b", "synthesize", after="a"), graph("c", "synthesize", after="b")
    assert painting_chain([a, b, c]) == [a, b] and chain_to(c, [a, b, c]) == [a, b, c]
    assert painting_chain([graph("g", "paint"), a, b])[0].name == "g" and style_chain([graph("g", "paint"), a, b]) == [
        a,
        b,
    ]
    assert painting_chain([b]) == [] and missing_before([b]) == [(b, "a")]
    one, two = graph("x", "synthesize", after="y"), graph("y", "synthesize", after="x")
    assert painting_chain([one, two]) == []  # a circle
    assert painting_chain([graph("e", "embed"), graph("t", "translate")]) == []
    there, home = graph("t", "translate", back="h"), graph("h", "translate")
    assert way_back(there, [there, home]) is home and way_back(home, [there, home]) is None
    assert way_back(there, [there]) is None


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """Two models of stylegan2, exported."""
    folder = tmp_path_factory.mktemp("exports")
    settings = {"latent_size": 4, "style_size": 4, "maps_base": 64, "maps_most": 4, "data.size": 8}
    for seed, name in enumerate("ab"):
        export_untrained("stylegan2", out=folder / name, settings=settings, seed=seed)
    return folder


def test_a_file_says_what_it_is_and_to_whom_it_belongs(exports):
    files = {path.stem: OnnxFile(path) for path in (exports / "a").glob("*.onnx")}
    assert {name: (file.role.role, file.role.after) for name, file in files.items()} == {
        "generator": ("paint", None),
        "mapping": ("map", None),
        "synthesis": ("synthesize", "mapping"),
    }
    tie = {file.metadata["ganzoo.model_sha256"] for file in files.values()}
    other = OnnxFile(exports / "b" / "mapping.onnx").metadata["ganzoo.model_sha256"]
    assert len(tie) == 1 and other not in tie


def test_a_folder_has_the_order_of_its_architecture(exports):
    from ganzoo.api.load import load

    assert [graph.name for graph in load(exports / "a").graphs] == ["generator", "mapping", "synthesis"]
    swapped = [exports / "a" / f"{name}.onnx" for name in ("synthesis", "generator")]
    assert [graph.name for graph in load(swapped).graphs] == ["synthesis", "generator"]  # as they are named


def test_a_file_of_a_newer_format_is_told(exports, tmp_path):
    path = rewritten(exports / "a" / "generator.onnx", tmp_path / "g.onnx", **{"ganzoo.format": "3"})
    with pytest.raises(ExportError, match="is of format '3', and this ganzoo reads 1 and 2"):
        open_files([path])


def test_names_of_a_file_are_printed_escaped():
    from ganzoo.sampling.values import checked_values

    spec = TensorSpec(name="v", shape=(BATCH, 2), kind="vector", names=("a\x1b]0;x", "b\nerror: fake"))
    with pytest.raises(RequestError) as caught:
        checked_values({"v": [1.0]}, [spec], "m.onnx")
    assert "\\x1b]0;x, b\\nerror: fake" in caught.value.message and "\x1b" not in caught.value.message
    for value in (1e39, float("nan"), [0.0, -1e39]):
        with pytest.raises(RequestError, match="expected finite numbers"):
            checked_values({"v": value}, [spec], "m.onnx")
    with pytest.raises(RequestError, match=r"It is one of the numbers of 'w'; state them all, in the order x, y"):
        checked_values({"x": 1.0}, [TensorSpec(name="w", shape=(BATCH, 2), kind="vector", names=("x", "y"))], "m.onnx")


def test_files_of_different_models_are_refused(exports):
    with pytest.raises(RequestError, match="of different models, whose weights do not belong together") as caught:
        open_files([exports / "a" / "mapping.onnx", exports / "b" / "synthesis.onnx"])
    assert "mapping.onnx" in caught.value.message and "synthesis.onnx" in caught.value.message
    assert len(open_files([exports / "a" / "mapping.onnx", exports / "a" / "synthesis.onnx"]).painters()) == 2


def test_a_half_alone_says_what_is_missing(exports):
    with pytest.raises(RequestError, match="synthesis paints from what the graph 'mapping' gives, which is not here"):
        open_files([exports / "a" / "synthesis.onnx"]).painters()
    with pytest.raises(RequestError, match=r"paints no pictures: it gives w"):
        open_files([exports / "a" / "mapping.onnx"]).painters()


def rewritten(path, out, **changes):
    model = onnx.load(path)
    kept = {item.key: item.value for item in model.metadata_props} | changes
    del model.metadata_props[:]
    for key, value in kept.items():
        if value is not None:
            model.metadata_props.add(key=key, value=value)
    onnx.save(model, out)
    return out


def test_files_of_format_1_get_their_roles(exports, tmp_path):
    without = {f"ganzoo.{key}": None for key in ("role", "after", "back", "model_sha256")} | {"ganzoo.format": "1"}
    paths = [
        rewritten(exports / "a" / f"{name}.onnx", tmp_path / f"{name}.onnx", **without)
        for name in ("mapping", "synthesis")
    ]
    source = open_files(paths)
    assert [graph.role for graph in source.graphs] == ["map", "synthesize"] and len(source.styles) == 2
    assert_clean(
        ganzoo_here("sample", *paths, "-o", tmp_path / "mixed.png", "--seeds", "0-1", "--mix", "2,3"), status=0
    )


def test_a_role_that_there_is_not_is_damage(exports, tmp_path):
    path = rewritten(exports / "a" / "generator.onnx", tmp_path / "g.onnx", **{"ganzoo.role": "dream"})
    with pytest.raises(ExportError, match="ganzoo.role is 'dream'; expected one of paint, map"):
        open_files([path])


def test_a_graph_of_api_1_is_completed_and_one_of_api_2_kept():
    architecture = Subject(Registry.load().architecture("stylegan2")).build()
    plain = [replace(graph, role=None, after=None) for graph in architecture.graphs()]
    architecture.graphs = lambda: plain
    assert [graph.role for graph in graphs_of(architecture)] == ["paint", "map", "synthesize", "synthesize"]
    architecture.graphs = lambda: [replace(plain[0], role="judge")]
    assert [graph.role for graph in graphs_of(architecture)] == ["judge"]
