"""Labels of own pictures: where they come from, what is said of those without, and where their names go."""

import json

import numpy as np
import pytest
from helpers import run_main
from PIL import Image

import ganzoo as gz
from ganzoo.config import DataConfig
from ganzoo.data.balanced import Balanced
from ganzoo.data.folder import open_folder
from ganzoo.errors import DataError, RequestError
from ganzoo.tensors import Condition

SHADES = {"cat": 40, "dog": 120, "été": 200}


def shade(path, value, size=(10, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, value).save(path)


@pytest.fixture
def classes(tmp_path):
    for name, value in SHADES.items():
        for number in range(4):
            shade(tmp_path / "photos" / name / "deeper" / f"{number}.png", value + number)
    return tmp_path / "photos"


def opened(*places, told=None, **options):
    options = {"size": 8, "channels": 1, **options}
    also = tuple(str(place) for place in places[1:])
    notify = (told if told is not None else []).append
    return open_folder(str(places[0]), DataConfig(also=also, **options), notify=notify)


def shown(source):
    """(label, shade) of each picture."""
    batch = source.fetch([np.arange(source.lengths[0])])
    return [(label.tolist(), int(picture[0, 0, 0])) for label, picture in zip(batch.label, batch.real, strict=True)]


def test_sub_folders_are_classes(classes):
    told = []
    source = opened(classes, labels="folders", told=told)
    assert source.info.condition == Condition(kind="class", size=3, names=("cat", "dog", "été"))
    assert shown(source) == [(index, value + n) for index, value in enumerate(SHADES.values()) for n in range(4)]
    assert "; 3 classes of 4" in told[0]
    assert source.facts[0].report.classes == {"cat": 4, "dog": 4, "été": 4}


def test_folders_that_all_pictures_share_are_no_classes(classes):
    outer = classes.parent / "outer" / "photos"
    outer.parent.mkdir()
    classes.rename(outer)
    assert opened(outer.parent, labels="folders").info.condition.names == ("cat", "dog", "été")


def test_without_the_setting_there_are_no_labels_and_it_is_suggested(classes):
    source = opened(classes)
    assert source.info.condition is None and source.facts[0].hints == ("data.labels=folders",)
    assert opened(classes, labels="none").facts[0].hints == ()


def test_pictures_of_several_folders_have_their_folders_names(tmp_path):
    shade(tmp_path / "cats" / "1.png", 10)
    shade(tmp_path / "dogs" / "1.png", 20)
    shade(tmp_path / "dogs" / "wolf" / "1.png", 30)
    source = opened(tmp_path / "cats", tmp_path / "dogs", labels="folders")
    assert source.info.condition.names == ("cats", "dogs", "wolf") and shown(source) == [(0, 10), (1, 20), (2, 30)]


def test_numbers_as_names_are_in_their_order(tmp_path):
    for number in (10, 9, 2):
        shade(tmp_path / str(number) / "1.png", number)
    assert opened(tmp_path, labels="folders").info.condition.names == ("2", "9", "10")


def test_a_picture_without_a_label_is_refused_or_left_out_as_is_stated(classes):
    shade(classes / "lone.png", 1)
    with pytest.raises(DataError, match=r"1 of 13 pictures of .* have no label by 'folders': lone\.png") as caught:
        opened(classes, labels="folders")
    assert "--set data.unlabelled=leave-out" in caught.value.hint
    told = []
    source = opened(classes, labels="folders", unlabelled="leave-out", told=told)
    assert source.lengths == (12,) and "1 left out: 1 without a label" in told[0]


def test_the_dataset_json_of_stylegans_tools(tmp_path):
    names = [f"0000{n}/img0000000{n}.png" for n in range(3)]
    for number, name in enumerate(names):
        shade(tmp_path / "set" / name, 10 * number)
    table = tmp_path / "set" / "dataset.json"
    table.write_text(json.dumps({"labels": [[name, [2, 0, 1][n]] for n, name in enumerate(names)]}))
    source = opened(tmp_path / "set", labels="dataset.json")
    assert source.info.condition == Condition(kind="class", size=3) and shown(source) == [(2, 0), (0, 10), (1, 20)]
    assert opened(tmp_path / "set").facts[0].hints == ("data.labels=dataset.json",)
    table.write_text(json.dumps({"labels": [[name, [n / 2, -1.0]] for n, name in enumerate(names)]}))
    condition = opened(tmp_path / "set", labels="dataset.json").info.condition
    assert (condition.kind, condition.size, condition.low, condition.high) == ("vector", 2, -1.0, 1.0)
    for text, words in (
        ('{"labels": null}', "says that there are no labels"),
        ("{", "is no JSON"),
        ('{"labels": [["a.png", {}]]}', "is no table of labels"),
        ('{"labels": [["elsewhere.png", 1]]}', "No picture of .* has a label"),
        (json.dumps({"labels": [[name, -1] for name in names]}), "expected 0 to"),
    ):
        table.write_text(text)
        with pytest.raises((DataError, RequestError), match=words):
            opened(tmp_path / "set", labels="dataset.json")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("file,class\na.png,cat\nsub/b.png,dog\nc.png,cat\n", ("cat", "dog")),
        ("a.png,cat\nb.png,dog\nc.png,cat\n", ("cat", "dog")),  # no heading, and a name that is one file's alone
        ("\ufefffile;class\r\na.png;cat\r\nsub/b.png;dog\r\nc.png;cat\r\n", ("cat", "dog")),
        ("file\tclass\na.png\tcat\nsub\\b.png\tdog\nc.png\tcat\n", ("cat", "dog")),
        ('file,class\n"a.png","big, cat"\nsub/b.png,dog\nc.png,"big, cat"\n', ("big, cat", "dog")),
        ("file,class\na.png,1\nsub/b.png,10\nc.png,1\n", ("1", "10")),
    ],
)
def test_a_table_of_classes(tmp_path, text, names):
    for number, name in enumerate(("a.png", "c.png", "sub/b.png")):
        shade(tmp_path / "set" / name, number)
    (tmp_path / "set" / "labels.csv").write_text(text, encoding="utf-8")
    source = opened(tmp_path / "set", labels="labels.csv")
    assert source.info.condition.names == names and shown(source) == [(0, 0), (0, 1), (1, 2)]


def test_a_table_of_numbers_and_its_columns(tmp_path):
    for number in range(3):
        shade(tmp_path / f"{number}.png", number)
    table = tmp_path / "elsewhere.tsv.csv"
    table.write_text("file,age,smile,name\n0.png,10,0.5,ann\n1.png,20,1,bob\n2.png,30,0,ann\n")
    source = opened(tmp_path, labels=str(table), label_columns="age,smile")
    assert source.info.condition == Condition(kind="vector", size=2, names=("age", "smile"), low=0.0, high=30.0)
    assert shown(source)[1] == ([20.0, 1.0], 1)
    assert opened(tmp_path, labels=str(table), label_columns="name").info.condition.names == ("ann", "bob")
    assert opened(tmp_path, labels=str(table), label_columns="smile").info.condition.kind == "vector"
    with pytest.raises(DataError, match=r"row 2 has 'ann' in the column 'name'") as caught:
        opened(tmp_path, labels=str(table))
    assert "--set data.label_columns=name; for the numbers: --set data.label_columns=age,smile" in caught.value.hint
    with pytest.raises(RequestError, match="has no column 'agge'. Did you mean 'age'"):
        opened(tmp_path, labels=str(table), label_columns="agge")
    with pytest.raises(RequestError, match=r"There is no 'label\.csv' in .* There is elsewhere\.tsv\.csv"):
        opened(tmp_path, labels="label.csv")
    with pytest.raises(RequestError, match="expected folders, or a file"):
        opened(tmp_path, labels="folder")
    table.write_text("file,age\n0.png,1\n1.png\n")
    with pytest.raises(DataError, match="expected a file and its label in each row|row 3 has 1 cells"):
        opened(tmp_path, labels=str(table))


def test_classes_are_balanced(tmp_path):
    for name, count in (("few", 2), ("many", 7)):
        for number in range(count):
            shade(tmp_path / name / f"{number}.png", number)
    told = []
    source = Balanced(opened(tmp_path, labels="folders", told=told))
    batch = source.fetch([np.arange(source.lengths[0])])
    assert source.lengths == (14,) and np.bincount(batch.label).tolist() == [7, 7]
    many = batch.real[batch.label == 1][:, 0, 0, 0].tolist()
    assert sorted(many) == list(range(7))
    with pytest.raises(RequestError, match="the pictures have none"):
        Balanced(opened(tmp_path))


def test_names_go_from_folders_to_the_file(classes, tmp_path):
    """One training: the run, its record, previews, scores by class, the exported file, and sampling by name."""
    run = tmp_path / "run"
    status, out, err = run_main(
        "train", "cgan", "--preset", "tiny", "--data", classes, "--set", "data.labels=folders", "--set",
        "train.score_count=200", "--set", "data.balance=true", "--steps", 3, "--out", run,
    )  # fmt: skip
    assert status == 0, err
    record = json.loads((run / "record.json").read_text())["pictures"][0]
    assert record["classes"] == {"cat": 4, "dog": 4, "été": 4} and record["sizes"] == {"8x10": 12}
    assert gz.open_run(run).data.condition.names == ("cat", "dog", "été")
    with Image.open(run / "samples" / "step-00000003.png") as sheet, Image.open(run / "samples" / "reals.png") as reals:
        assert sheet.mode == reals.mode == "RGB" and np.asarray(sheet)[:, :4].min() > 200  # the margin of the names
    status, out, err = run_main("export", run)
    assert status == 0, err
    file = run / "exports" / "generator.onnx"
    assert gz.inspect(file)["classes"] == ["cat", "dog", "été"]
    status, out, err = run_main("inspect", run)
    assert "classes      cat, dog, été" in out and "steps        3" in out
    for made in (run, file):
        status, out, err = run_main("sample", made, "-o", tmp_path / "grid.png", "--label", "dog,été", "-n", 4)
        assert status == 0, err
    with Image.open(tmp_path / "grid.png") as plain:
        size = plain.size
    status, out, err = run_main("sample", file, "-o", tmp_path / "grid.png", "--label", "dog,été", "-n", 4, "--names")
    with Image.open(tmp_path / "grid.png") as named:
        assert named.mode == "RGB" and named.width > size[0]
    assert gz.load(file).sample(range(3), label="all").names == ["cat", "dog", "été"]
    assert run_main("sample", file, "-o", tmp_path / "grid.png", "--names")[0] == 2
    status, out, err = run_main("sample", file, "-o", tmp_path / "grid.png", "--label", "cow")
    assert status == 2 and "cat, dog, été" in err


def test_scores_by_class(tmp_path):
    for name, value in (("a", 40), ("b", 200)):
        for number in range(32):
            shade(tmp_path / "set" / name / f"{number}.png", value + number)
    run = gz.train(
        "cgan", data=tmp_path / "set", out=tmp_path / "run", preset="tiny", steps=1,
        settings={"data.labels": "folders", "train.score_count": 100}, progress=_Quiet(),
    )  # fmt: skip
    scores = {key: value for key, value in run.metrics()[-1].items() if key.startswith("score.frechet")}
    assert set(scores) == {"score.frechet", "score.frechet.a", "score.frechet.b"} and min(scores.values()) > 0


class _Quiet:
    def update(self, progress): ...

    def say(self, text): ...


def test_labels_that_cannot_be(classes, tmp_path):
    def refused(*arguments):
        status, _, err = run_main("train", *arguments, "--out", tmp_path / "no")
        assert status in (1, 2) and "Traceback" not in err and not (tmp_path / "no").exists()
        return err

    assert "data.labels=folders takes sub-folders as classes" in " ".join(
        refused("cgan", "--preset", "tiny", "--data", classes).replace("--set ", "").split()
    )
    assert "digits have labels of their own" in refused("dcgan", "--data", "digits", "--set", "data.labels=folders")
    neon = ("cyclegan", "--preset", "tiny", "--data", "digits-neon", "--set", "data.labels=folders")
    assert "'digits-neon' gives no labels" in refused(*neon)
    assert "pairs have no labels" in refused(
        "pix2pix", "--preset", "tiny", "--data", classes, "--set", "data.labels=folders"
    )


def test_names_with_commas_are_asked_for_by_name():
    from ganzoo.sampling.noise import _split

    names = ("faces", "things, 1f4", "a,b", "a", "a,b,c")
    assert _split("things, 1f4", names) == ["things, 1f4"]
    assert _split("faces,things, 1f4,a", names) == ["faces", "things, 1f4", "a"]
    assert (
        _split("a,b,c", names) == ["a,b,c"] and _split("a,b", names) == ["a,b"] and _split("b,a", names) == ["b", "a"]
    )


def test_classes_that_share_a_name_are_refused():
    from ganzoo.data.labels import as_labels

    with pytest.raises(DataError, match="has 1 names that several classes share: a"):
        as_labels([0, 1], "here", ["a", "a", "b"])


def test_a_column_of_texts_among_which_are_numbers_is_of_classes(classes, tmp_path):
    (tmp_path / "l.csv").write_text(
        "cat,cat/0.png\n".replace("cat,cat/0.png", "file,c")
        + "".join(
            f"{path.relative_to(classes)},{'1.5' if number % 2 else 'cat'}\n"
            for number, path in enumerate(sorted(classes.rglob("*.png")))
        )
    )
    source = opened(classes, labels=str(tmp_path / "l.csv"))
    assert source.info.condition.kind == "class" and set(source.info.condition.names) == {"1.5", "cat"}
