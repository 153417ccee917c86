"""Pictures that moved or changed between a stop and a resume, and a run that another process trains."""

import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from helpers import ganzoo, run_main
from PIL import Image
from test_sources import fill, write_tar, write_zip

import ganzoo as gz
from ganzoo.errors import CheckpointError
from ganzoo.runs.lock import RunLock

TINY = ("dcgan", "--preset", "tiny", "--batch-size", 4)


def pictures(count=24):
    random = np.random.RandomState(0)
    made = {}
    for number in range(count):
        image = Image.fromarray(random.randint(256, size=(16, 16)).astype(np.uint8))
        image.save(buffer := io.BytesIO(), "PNG")
        made[f"{'ab'[number % 2]}/{number:02}.png"] = buffer.getvalue()
    return made


def state(run):
    """Everything of the newest checkpoint that training moves, as bytes."""
    folder = max((run / "checkpoints").iterdir())
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".safetensors"}


def trained(folder, out, steps, *more):
    status, _, err = run_main("train", *TINY, "--data", folder, "--out", out, "--steps", steps, *more)
    assert status == 0, err


@pytest.fixture
def stopped(tmp_path):
    """A run of three steps, and the pictures it was trained on."""
    folder = fill(tmp_path / "photos", pictures())
    trained(folder, tmp_path / "run", 3)
    return tmp_path / "run", folder


def resumed(run, *more, status=0):
    found, out, err = run_main("train", "--resume", run, "--steps", 6, *more)
    assert found == status or (status is None and found), err
    return out + err


@pytest.mark.parametrize("place", ["folder", "zip", "tar"])
def test_moved_pictures_give_the_bits_of_an_unbroken_run(stopped, tmp_path, place):
    run, folder = stopped
    trained(folder, tmp_path / "unbroken", 6)
    made = pictures()
    moved = {
        "folder": lambda: folder.rename(tmp_path / "elsewhere"),
        "zip": lambda: write_zip(tmp_path / "p.zip", made, prefix="photos/"),
        "tar": lambda: write_tar(tmp_path / "p.tar", made),
    }[place]()
    if folder.exists():
        folder.rename(tmp_path / "gone")
    assert "There is no folder" in resumed(run, status=1)
    said = resumed(run, "--data", moved)
    assert "pictures changed" not in said and "data changed" not in said
    assert state(run) == state(tmp_path / "unbroken")
    assert str(moved) in (run / "config.toml").read_text()  # and is found there the next time
    resumed(run)


def test_changed_pictures_are_counted_and_need_a_word(stopped):
    run, folder = stopped
    made = pictures()
    (folder / "a" / "00.png").unlink()
    (folder / "b" / "01.png").write_bytes(made["a/02.png"])
    for name in ("b/new.png", "new.png"):
        (folder / name).write_bytes(made["a/04.png"])
    said = resumed(run, status=1)
    assert "2 added, 1 gone, 1 changed in " in said and "--changed-data" in said
    with pytest.raises(CheckpointError, match="2 added, 1 gone, 1 changed"):
        gz.resume(run, steps=6)
    said = resumed(run, "--changed-data")
    assert "the pictures changed: 2 added, 1 gone, 1 changed" in said
    record = json.loads((run / "record.json").read_text())
    assert "2 added, 1 gone, 1 changed" in record["resumes"][-1]["changed"]["pictures"]
    assert gz.resume(run, steps=7).steps == 7  # these are the run's pictures now
    assert json.loads((run / "record.json").read_text())["pictures"][0]["count"] == 24


def test_what_the_pictures_are_is_in_the_record(stopped, tmp_path):
    run, _ = stopped
    (facts,) = json.loads((run / "record.json").read_text())["pictures"]
    assert facts["count"] == 24 and facts["sizes"] == {"16x16": 24} and facts["contents_of"] == "whole files"
    renamed = fill(tmp_path / "renamed", {name.replace("a/", "c/"): content for name, content in pictures().items()})
    trained(renamed, tmp_path / "other", 1)
    (others,) = json.loads((tmp_path / "other" / "record.json").read_text())["pictures"]
    assert facts["names"] != others["names"] and facts["contents"] != others["contents"]


def test_a_damaged_list_of_pictures_does_not_keep_a_run_from_going_on(stopped):
    run, _ = stopped
    (run / "pictures.bin").write_bytes(b"damaged")
    resumed(run)


def test_other_settings_of_the_data_stay_as_they_were(stopped):
    run, folder = stopped
    said = resumed(run, "--set", "data.fit=pad", status=2)
    assert "'fit' of [data] cannot change on resume" in said
    status, _, err = run_main("train", *TINY, "--data", folder, "--out", run, "--changed-data")
    assert status == 2 and "--changed-data goes with --resume" in err


def test_a_second_process_is_told_at_once_who_trains(stopped):
    run, folder = stopped
    lock = RunLock(run)
    try:
        for arguments in (("--resume", run), (*TINY, "--data", folder, "--out", run)):
            done = ganzoo("train", *arguments)
            assert done.returncode == 2 and f"is being trained by process {os.getpid()} of" in done.stderr
        # Before torch: that alone takes longer than a second on a slow machine.
        code = (
            f"import sys; from ganzoo.cli import main\ntry: main(['train', '--resume', {str(run)!r}])\n"
            "except SystemExit as ended: print(ended.code, 'torch' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
        assert done.stdout.split() == ["2", "False"], done.stderr
    finally:
        lock.release()
    resumed(run)


@pytest.mark.slow
def test_shards_that_moved_go_on_across_two_ranks(tmp_path):
    """Streamed by two ranks, stopped, moved, gone on with by two: as one process that never stopped, to rounding."""
    made = list(pictures(32).items())
    (tmp_path / "here").mkdir()
    for shard in range(4):
        members = {f"{n:03}.png": made[n][1] for n in range(8 * shard, 8 * shard + 8)}
        write_tar(tmp_path / "here" / f"s-{shard}.tar", members)

    def torchrun(*arguments):
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        command += ["-m", "ganzoo", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr

    streamed = ("--set", "data.memory_gb=0", "--device", "cpu")
    here, there = (f"wds:{tmp_path}/{name}/s-{{0..3}}.tar" for name in ("here", "there"))
    torchrun("train", *TINY, "--data", here, *streamed, "--out", tmp_path / "unbroken", "--steps", 6)
    torchrun("train", *TINY, "--data", here, *streamed, "--out", tmp_path / "run", "--steps", 3)
    (tmp_path / "here").rename(tmp_path / "there")
    torchrun("train", "--resume", tmp_path / "run", "--data", there, "--steps", 6)
    assert state(tmp_path / "run") == state(tmp_path / "unbroken")


def test_labels_order_and_making_of_the_pictures_are_compared_too(tmp_path):
    """What changes the bits without a file being another one."""
    folder = fill(tmp_path / "photos", pictures(12))
    (folder / "labels.csv").write_text("".join(f"{name},{number % 3}\n" for number, name in enumerate(pictures(12))))
    conditional = ("cgan", "--preset", "tiny", "--data", folder, "--set", "data.labels=labels.csv")
    status, _, err = run_main("train", *conditional, "--out", tmp_path / "labels", "--steps", 1)
    assert status == 0, err
    (folder / "labels.csv").write_text("".join(f"{name},{number % 3}\n" for number, name in enumerate(pictures(12), 1)))
    assert "12 changed in" in resumed(tmp_path / "labels", status=1)

    halves = [fill(tmp_path / name, {"0.png": pictures(12)[key], "1.png": pictures(12)[key]}) for name, key in
              (("one", "a/00.png"), ("two", "b/01.png"))]  # fmt: skip
    trained(halves[0], tmp_path / "order", 1, "--data", halves[1])
    said = resumed(tmp_path / "order", "--data", halves[1], "--data", halves[0], status=1)
    assert "4 changed" in said
    assert f"--data {halves[1]} --data {halves[0]} --changed-data" in said
    resumed(tmp_path / "order", "--data", halves[0], "--data", halves[1])

    large = fill(tmp_path / "large", pictures(12))
    for path in large.rglob("*.png"):
        with Image.open(path) as image:
            image.resize((40, 40)).save(path)
    trained(large, tmp_path / "made", 1)
    made = {"data": {"size": 16, "channels": 3, "resize": "box"}}
    gz.prepare_data(large, tmp_path / "large.npz", settings=made)
    said = resumed(tmp_path / "made", "--data", tmp_path / "large.npz", status=None)
    assert "other pixels" in said or "is asked for" in said or "now gives" in said


def test_renamed_classes_are_named_and_can_be_gone_on_with(tmp_path):
    folder = fill(tmp_path / "photos", pictures(12))
    status, _, err = run_main(
        "train", "cgan", "--preset", "tiny", "--data", folder, "--set", "data.labels=folders", "--steps", 1,
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert status == 0, err
    (folder / "b").rename(folder / "c")
    said = resumed(tmp_path / "run", status=1)
    assert "The classes of" in said and "b gone, c new" in said
    resumed(tmp_path / "run", "--changed-data")
    assert gz.open_run(tmp_path / "run").data.condition.names == ("a", "c")
    hint = next(line for line in said.splitlines() if "ganzoo train --resume" in line)
    assert f"--resume {tmp_path / 'run'} --data {folder} --changed-data" in hint


def test_another_number_of_classes_is_refused_in_words(tmp_path):
    folder = fill(tmp_path / "photos", pictures(12))
    status, _, err = run_main(
        "train", "cgan", "--preset", "tiny", "--data", folder, "--set", "data.labels=folders", "--steps", 1,
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert status == 0, err
    (folder / "more").mkdir()
    (folder / "more" / "x.png").write_bytes(next((folder / "a").iterdir()).read_bytes())
    for more in ((), ("--changed-data",)):
        said = resumed(tmp_path / "run", *more, status=1)
        assert "2 classes" in said and "3 classes" in said and "Put the data back" in said
