import string
import tomllib
from dataclasses import dataclass
from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzoo.config import Ge, Gt, Help, NoiseToImageConfig, Schedule, toml
from ganzoo.config.fields import describe
from ganzoo.config.resolve import Layer, file_layer, resolve, set_layer
from ganzoo.errors import RequestError
from ganzoo.plugin.settings import preset_layer


@dataclass(frozen=True, kw_only=True, slots=True)
class Config(NoiseToImageConfig):
    width: Annotated[int, Ge(1), Help("width")] = 64
    noise: Annotated[float, Gt(0), Help("noise")] = 0.5


def made(*layers):
    return resolve("mygan", Config, layers)


def test_later_layers_win_and_say_where_from(tmp_path):
    path = tmp_path / "my.toml"
    path.write_text("[architecture]\nwidth = 16\nnoise = 0.25\n[train]\nsteps = 7\n")
    preset = Layer(origin="preset tiny", tables={"architecture": {"width": 4, "latent_size": 8}})
    resolved = made(preset, file_layer(path), set_layer(["width=32", "train.seed=5", "objective=hinge"]))
    config = resolved.architecture
    assert (config.width, config.noise, config.latent_size, config.objective) == (32, 0.25, 8, "hinge")
    assert (resolved.train.steps, resolved.train.seed) == (7, 5)
    text = resolved.to_toml(provenance=True)
    for line in ("width = 32", "# --set", "# file my.toml", "# preset tiny", "# default"):
        assert line in text


def test_the_toml_reads_back_as_the_same_settings():
    resolved = made(set_layer(["noise=1e-3", 'data.source=it\'s "quoted" \\ here']))
    again = resolve("mygan", Config, [Layer(origin="", tables=tomllib.loads(resolved.to_toml(provenance=True)))])
    assert again.tables() == resolved.tables()


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("widht=3", "[architecture] has no key 'widht' (--set). Did you mean 'width'?"),
        ("train.sed=3", "[train] has no key 'sed' (--set). Did you mean 'seed'?"),
        ("width=0", "[architecture] width = 0 (--set): expected whole number >= 1."),
        ("width=2.5", "[architecture] width = 2.5 (--set): expected whole number >= 1."),
        ("noise=nan", "[architecture] noise = nan (--set): expected number > 0."),
        ("noise=inf", "expected number > 0."),
        ("objective=hing", "expected minimax | non-saturating | least-squares | hinge | wasserstein | relativistic."),
        ("train.precision=fp16", "expected auto | fp32 | bf16."),
        ("data.channels=2", "[data] channels = 2 (--set): expected 1 | 3."),
        ("tain.seed=1", "Did you mean 'train'?"),
        ("width", "is not of the form key=value"),
        ("width.x.y=3", "is not of the form key=value"),
    ],
)
def test_errors_name_key_value_origin_and_expectation(assignment, message):
    with pytest.raises(RequestError) as caught:
        made(set_layer([assignment]))
    assert message in str(caught.value)


def test_all_problems_are_told_at_once():
    with pytest.raises(RequestError) as caught:
        made(set_layer(["width=0", "noise=-1", "nope=1", "train.seed=-1"]))
    assert len(caught.value.message.splitlines()) == 4


def test_kimg_and_steps():
    both = Layer(origin="file", tables={"train": {"kimg": 1.0, "steps": 5}})
    with pytest.raises(RequestError, match="states kimg and steps; state one length"):
        made(both)
    preset = Layer(origin="preset", tables={"train": {"kimg": 100.0}})
    resolved = made(preset, Layer(origin="--steps", tables={"train": {"steps": 5}}))
    assert (resolved.train.kimg, resolved.train.steps) == (None, 5)


def test_a_config_may_check_itself():
    @dataclass(frozen=True, kw_only=True, slots=True)
    class Checked:
        low: Annotated[int, Help("low")] = 1
        high: Annotated[int, Help("high")] = 2

        def __post_init__(self):
            if self.low > self.high:
                raise ValueError(f"low {self.low} is above high {self.high}")

    with pytest.raises(RequestError, match=r"\[architecture\] low 5 is above high 2"):
        resolve("x", Checked, [set_layer(["low=5"])])


def test_files_that_are_not_what_they_should_be(tmp_path):
    with pytest.raises(RequestError, match="There is no file"):
        file_layer(tmp_path / "none.toml")
    for content, message in [
        (b"[architecture", "is not valid TOML"),
        (b"\xff\xfe", "cannot be read as text"),
        (b"[trian]\nseed = 1", "Did you mean 'train'"),
        (b"train = 3", "expected the table"),
    ]:
        (tmp_path / "bad.toml").write_bytes(content)
        with pytest.raises(RequestError, match=message):
            file_layer(tmp_path / "bad.toml")
    with pytest.raises(RequestError, match="cannot be read"):
        file_layer(tmp_path)


def test_presets_of_an_unknown_name():
    from toy_zoo import SPECS

    with pytest.raises(RequestError, match=r"toy-wgan-gp has no preset 'tinny'. Did you mean 'tiny'\? Presets: tiny"):
        preset_layer(SPECS[0], "tinny")


def test_describe_speaks_in_words():
    described = {info.name: info for info in describe(Config)}
    assert described["width"].expected == "whole number >= 1"
    assert described["noise"].expected == "number > 0"
    assert described["width"].help == "width" and described["width"].default == 64


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
keys = st.sampled_from(
    ["width", "noise", "objective", "seed", "kimg", "steps", "size", "channels", "source"]
) | st.text(max_size=8)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["architecture", "train", "data"]), st.dictionaries(keys, values, max_size=5)))
def test_any_values_are_taken_or_refused_in_words(tables):
    try:
        made(Layer(origin="fuzz", tables=tables))
    except RequestError as error:
        assert error.message


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80) | st.text(string.printable, max_size=80).map(str.encode))
def test_any_file_is_taken_or_refused_in_words(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz.toml"
    path.write_bytes(content)
    try:
        made(file_layer(path))
    except RequestError as error:
        assert error.message


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_any_assignment_is_taken_or_refused_in_words(text):
    try:
        made(set_layer([text]))
    except RequestError as error:
        assert error.message


scalars = (
    st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text("abc_", min_size=1), scalars | st.lists(scalars, max_size=3)))
def test_toml_out_is_toml_in(table):
    assert tomllib.loads(toml.dump({"table": table}))["table"] == table


def test_a_schedule_goes_from_start_to_end_and_stays():
    linear = Schedule(start=2.0, end=1.0, from_kimg=10.0, to_kimg=20.0)
    assert [linear(kimg) for kimg in (0, 10, 15, 20, 1e6)] == [2.0, 2.0, 1.5, 1.0, 1.0]
    cosine = Schedule(start=0.0, end=1.0, to_kimg=4.0, shape="cosine")
    assert [cosine(kimg) for kimg in (0, 1, 2, 4)] == pytest.approx([0.0, 0.1464466, 0.5, 1.0])
    with pytest.raises(ValueError, match="to_kimg must be above from_kimg"):
        Schedule(start=1.0, end=0.0, from_kimg=5.0, to_kimg=5.0)


def test_a_schedule_survives_toml_and_set(tmp_path):
    text = 'generator_lr={start=2e-4, end=5e-5, to_kimg=20000, shape="cosine"}'
    config = resolve("plain", NoiseToImageConfig, [set_layer([text])])
    assert config.architecture.generator_lr == Schedule(start=2e-4, end=5e-5, to_kimg=20000.0, shape="cosine")
    (tmp_path / "c.toml").write_text(config.to_toml(provenance=True))
    again = resolve("plain", NoiseToImageConfig, [file_layer(tmp_path / "c.toml")])
    assert again.architecture == config.architecture and again.tables() == config.tables()


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("beta2={start=0.9, end=1.5, to_kimg=10}", ["beta2 goes from 0.9 to 1.5", ">= 0 and < 1 or schedule"]),
        ("beta2={start=0.9, to_kimg=10}", ["expected number >= 0 and < 1 or schedule", "A schedule has start: number"]),
        ("beta2={start=0.9, end=0.99, to_kimg=10, over=3}", ["A schedule has start"]),
        ("beta2={start=0.9, end=0.99, to_kimg=0}", ["to_kimg is above from_kimg"]),
        ("beta2=1.5", ["beta2 = 1.5 (--set): expected number >= 0 and < 1 or schedule"]),
    ],
)
def test_schedules_that_cannot_be(text, messages):
    with pytest.raises(RequestError) as caught:
        resolve("plain", NoiseToImageConfig, [set_layer([text])])
    for message in messages:
        assert message in str(caught.value)
