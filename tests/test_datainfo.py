"""What pictures are like and what they are painted from: records, their text, and sizes that there are not."""

import copy
import dataclasses
import pickle
import tomllib

import pytest
from torch import nn

from ganzoo.config import toml
from ganzoo.errors import RequestError
from ganzoo.tensors import BATCH, Condition, DataInfo, Dim, Picture, TensorSpec

WIDE = Picture(channels=3, height=48, width=80)
SMALL, LARGE = Picture(channels=1, height=8, width=8), Picture(channels=3, height=32, width=32)
INFOS = [
    DataInfo({"real": WIDE}),
    DataInfo({"real": SMALL}, Condition(kind="class", size=2, names=("cat", "d\"o'g\\\n"))),
    DataInfo({"real": SMALL}, Condition(kind="vector", size=3, low=-0.5, high=2.0)),
    DataInfo({"source": SMALL, "target": LARGE}),
]


@pytest.mark.parametrize("info", INFOS, ids=str)
def test_a_run_writes_inline_tables_and_reads_them_back(info):
    written = toml.dump({"run": info.to_table()})
    assert written.count("\n") <= 3 and "pictures = {" in written
    assert DataInfo.from_table(tomllib.loads(written)["run"]) == info
    assert pickle.loads(pickle.dumps(info)) == copy.deepcopy(info) == info and hash(info) == hash(copy.deepcopy(info))


def test_the_flat_keys_of_older_runs_are_read():
    old = DataInfo.from_table({"channels": 3, "size": 64, "classes": 10, "api": 1})
    assert old == DataInfo(channels=3, size=64, classes=10)
    assert old.pictures == {"real": Picture(channels=3, height=64, width=64)}
    assert old.condition == Condition(kind="class", size=10)
    assert (old.channels, old.size, old.height, old.width, old.classes) == (3, 64, 64, 64, 10)


def test_replace_still_knows_the_flat_keys():
    info = DataInfo(channels=1, size=8, classes=4)
    assert dataclasses.replace(info, size=16) == DataInfo(channels=1, size=16, classes=4)
    assert dataclasses.replace(info, classes=0) == DataInfo(channels=1, size=8)
    assert dataclasses.replace(info, size=(4, 6)).picture.shape == (1, 4, 6)


def test_what_is_no_one_number_says_why():
    with pytest.raises(RequestError, match=r"Pictures of 48x80 \(height by width\) are not square"):
        _ = INFOS[0].size
    assert (INFOS[0].height, INFOS[0].width, INFOS[0].classes) == (48, 80, 0)
    for name in ("size", "channels", "height", "picture"):
        with pytest.raises(RequestError, match="source 1x8x8 and target 3x32x32"):
            getattr(INFOS[3], name)
    assert INFOS[2].classes == 0  # a vector has no classes


def test_a_property_of_a_module_does_not_swallow_it():
    """nn.Module takes an AttributeError in a property for a missing attribute: the property itself."""

    class Network(nn.Module):
        data = INFOS[0]

        @property
        def pixels(self):
            return self.data.size**2

    with pytest.raises(RequestError, match="not square"):
        _ = Network().pixels


def test_names_are_compared_when_both_sides_have_some():
    plain, cats, birds = (
        DataInfo({"real": SMALL}, Condition(kind="class", size=2, names=names))
        for names in ((), ("cat", "dog"), ("owl", "tit"))
    )
    assert plain.matches(cats) and cats.matches(plain) and cats.matches(cats)
    assert not cats.matches(birds)
    assert not plain.matches(DataInfo({"real": SMALL})) and not DataInfo({"real": SMALL}).matches(plain)
    assert not plain.matches(DataInfo({"real": LARGE}, plain.condition))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Condition(kind="class", size=2, names=("a",)), "1 names for a condition of size 2"),
        (lambda: Condition(kind="word", size=2), "kind 'word'"),
        (lambda: Condition(kind="vector", size=0), "size 0"),
        (lambda: Condition(kind="vector", size=2, low=1.0, high=1.0), "expected low below high"),
        (lambda: DataInfo({"left": SMALL}), "pictures of 'left'"),
        (lambda: DataInfo(channels=3, size=0), "size 0"),
        (lambda: DataInfo(channels=3, size=True), "size True"),
        (lambda: DataInfo(channels=3, size=(4, 5, 6)), "height and width"),
        (lambda: DataInfo(channels=3, size="64"), "size '64'"),
        (lambda: Picture(channels=3, height=-4, width=4), "height = -4"),
        (lambda: Picture(channels=3, height=4, width=2**40), "width = 1099511627776"),
        (lambda: Picture(channels=3, height=4.5, width=4), "height = 4.5"),
        (lambda: Condition(kind="class", size=2, names="ab"), "1 names"),
        (lambda: Condition(kind="class", size=2, names=(1, 2)), "a text for each"),
        (lambda: Condition(kind="vector", size=2, low=0.0, high=float("inf")), "low below high"),
    ],
)
def test_records_that_mean_nothing_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
    with pytest.raises(TypeError, match="DataInfo takes pictures="):
        DataInfo()


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"pictures": 3},
        {"pictures": {"real": 3}},
        {"pictures": {"real": {"channels": 3}}},
        {"pictures": {"real": {"channels": 3, "height": 4, "width": "x"}}},
        {"pictures": {"real": {"channels": 3, "height": 4, "width": 4, "depth": 1}}},
        {"pictures": {"real": {"channels": 3, "height": 4, "width": 4}}, "condition": 7},
        {"pictures": {"real": {"channels": 3, "height": 4, "width": 4}}, "condition": {"kind": "class"}},
        {"channels": 3, "size": 4},
    ],
)
def test_damaged_tables_are_an_error_that_a_run_can_name(table):
    with pytest.raises((KeyError, TypeError, ValueError)):
        DataInfo.from_table(table)


def test_numpys_numbers_are_numbers():
    numpy = pytest.importorskip("numpy")
    four = numpy.int64(4)
    picture = Picture(channels=numpy.uint8(3), height=four, width=four)
    assert picture == Picture(channels=3, height=4, width=4) and type(picture.height) is int
    assert DataInfo(channels=3, size=four) == DataInfo(channels=3, size=4)
    assert type(Condition(kind="class", size=four).size) is int


def test_the_sides_of_a_flat_record():
    flat = DataInfo(channels=3, size=16)
    assert flat.of("source", "target").pictures == dict.fromkeys(("source", "target"), flat.picture)
    assert INFOS[3].of("source", "target") is INFOS[3]
    assert str(INFOS[3]) == "source 1x8x8, target 3x32x32" and str(flat) == "3x16x16"
    assert str(INFOS[2]) == "1x8x8; a vector of 3 numbers"


def test_a_dimension_that_is_so_many_times_anothers():
    output = TensorSpec(name="y", shape=(BATCH, 3, Dim(name="height", times=4), Dim(name="width")), kind="picture")
    assert output.sizes({"batch": 2, "height": 5, "width": 6}) == (2, 3, 20, 6)
    assert str(output.shape[2]) == "4*height"
    assert TensorSpec.from_json(output.to_json()) == output
    broken = output.to_json()
    broken["shape"][2]["times"] = 0
    with pytest.raises(ValueError, match="has the shape"):
        TensorSpec.from_json(broken)


def test_vectors_are_drawn_from_their_range_and_stated_by_row():
    spec = TensorSpec(name="v", shape=(BATCH, 3), kind="vector", low=2.0, high=3.0, names=("a", "b", "c"))
    drawn = spec.sample(range(50))
    assert drawn.min() >= 2 and drawn.max() <= 3 and drawn.std() > 0.2
    assert spec.full([1.0, 2.0, 3.0], 2).tolist() == [[1, 2, 3], [1, 2, 3]]
    assert TensorSpec.from_json(spec.to_json()) == spec
    for names in (["a"], ["a", "b", "c", "d"]):
        with pytest.raises(ValueError, match="names"):
            TensorSpec.from_json({**spec.to_json(), "names": names})


def test_what_api_1_called_an_image_is_a_picture():
    old = TensorSpec(name="x", shape=(BATCH, 1, 2, 2), kind="image")
    assert old.kind == "picture" and old.draw == "image"  # who asks under the old name knows the old value
    assert TensorSpec.from_json({**old.to_json(), "draw": "image"}) == old
    with pytest.raises(ValueError, match="kind 'painting'"):
        TensorSpec(name="x", shape=(BATCH,), kind="painting")
