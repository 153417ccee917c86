"""The public table: what is in the repository, and what a stranger contributes, is sound and of this code's files."""

import copy
import sys
from pathlib import Path

import pytest

from ganzoo.plugin.registry import Registry
from ganzoo.runtime.latency.result import BenchResult

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def table():
    sys.path.insert(0, str(BENCHMARKS))
    import latency_table

    yield latency_table
    sys.path.remove(str(BENCHMARKS))


FILES = sorted((BENCHMARKS / "results").glob("latency-*.json"))


def test_every_first_party_architecture_is_in_it(table):
    ours = {
        offer.spec.name
        for offer in Registry.load().architectures
        if offer.distribution.startswith("ganzoo-") and offer.spec.trains
    }
    assert {architecture for architecture, *_ in table.MODELS.values()} | table.ELSEWHERE >= ours
    assert FILES, "no machine has measured"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_contributed_result_is_sound(table, path):
    """Its schema and the agreement of its numbers are looked at when it is read."""
    document = BenchResult.load(path).document
    assert not list(table.senseless(document))
    assert path.stat().st_size < 20e6, "shorter --seconds: all samples are in it"


@pytest.fixture(scope="module")
def good():
    return BenchResult.load(FILES[0]).document


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda document: document["cases"].pop(), "was measured at batches"),
        (lambda document: document.update(cases=document["cases"][2:]), "it lacks"),
        (lambda document: document.update(label=None), "no label"),
        (lambda document: document["protocol"].update(check="off"), "another protocol"),
        (lambda document: document["cases"][0].update(state="invalid", why="they differ"), "invalid: they differ"),
        (lambda document: document["cases"][0]["model"].update(architecture="vae2"), "no file of that architecture"),
        (lambda document: document["cases"][0].update(processes=document["cases"][0]["processes"][:2]), "2 processes"),
        (lambda document: document["cases"][1]["figure"].update(value=1e-9), "faster with 8 pictures than with 1"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_named(table, good, spoil, said):
    document = copy.deepcopy(good)
    spoil(document)
    assert any(said in what for what in table.senseless(document)), list(table.senseless(document))
