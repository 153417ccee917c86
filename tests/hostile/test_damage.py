"""Damaged and hostile files, generated: a useful line, never a traceback, nothing lost.

In process, where hundreds of cases are cheap; `main` itself is run, so that the texts are those a user sees.
"""

import contextlib
import io
import random
import shutil

import pytest
from PIL import Image

from ganzoo.cli import main
from ganzoo.config import DataConfig
from ganzoo.data.folder import FolderSource
from ganzoo.errors import DataError


def run(*arguments):
    """(exit status, stdout, stderr) of `ganzoo ARGUMENTS`; any exception but SystemExit goes up and fails."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code, out.getvalue(), err.getvalue()


def damages(content, rng, *, cuts, flips):
    """The content cut at many lengths, and with bytes flipped in many places."""
    lengths = {0, 1, 7, len(content) - 1, *(rng.randrange(len(content)) for _ in range(cuts))}
    yield from (content[:length] for length in sorted(lengths))
    for _ in range(flips):
        flipped = bytearray(content)
        for _ in range(rng.choice([1, 1, 3, 20])):
            flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
        yield bytes(flipped)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "m.onnx"
    status, _, err = run("export", "dcgan", "--untrained", "--preset", "tiny", "-o", path)
    assert status == 0, err
    return path


@pytest.mark.slow
def test_damaged_onnx_files(model, tmp_path):
    rng = random.Random(0)
    content = model.read_bytes()
    path = tmp_path / "m.onnx"
    shutil.copy(model.with_suffix(".proof.json"), tmp_path)
    for damaged in damages(content, rng, cuts=25, flips=60):
        path.write_bytes(damaged)
        status, out, err = run("verify", path)
        assert status in (1, 3) and err.startswith("error: ") and "Traceback" not in err and out == ""
        status, _, err = run("inspect", path)  # a flipped weight is still a model
        assert status == 0 or (status == 1 and err.startswith("error: ") and str(path) in err)


@pytest.mark.slow
def test_damaged_onnx_files_do_not_break_sampling(model, tmp_path):
    rng = random.Random(1)
    path = tmp_path / "m.onnx"
    for damaged in damages(model.read_bytes(), rng, cuts=10, flips=30):
        path.write_bytes(damaged)
        status, _, err = run("sample", path, "-n", 2, "-o", tmp_path / "x.png")
        assert status == 0 or (status in (1, 2) and err.startswith("error: "))


def test_damaged_onnx_files_do_not_break_the_bench(model, tmp_path):
    path = tmp_path / "m.onnx"
    content = model.read_bytes()
    for number, damaged in enumerate((b"", b"onnx", content[: len(content) // 2], content[:-1])):
        path.write_bytes(damaged)
        status, out, err = run("bench", path, "--repeats", 1, "--seconds", 0.3, "--max-time", 30)
        assert status == 1 and err.splitlines()[-1] and "Traceback" not in err and out == "", number


@pytest.mark.slow
def test_damaged_run_directories(tmp_path):
    rng = random.Random(2)
    sound = tmp_path / "sound"
    for step in (2, 4):
        extra = ("--resume", sound) if step == 4 else ("dcgan", "--preset", "tiny", "--data", "digits", "--out", sound)
        assert run("train", *extra, "--steps", step)[0] == 0
    files = [path.relative_to(sound) for path in sound.rglob("*") if path.is_file() and path.suffix != ".png"]
    for number in range(40):
        run_folder = tmp_path / f"run{number}"
        shutil.copytree(sound, run_folder)
        file = run_folder / rng.choice(files)
        content = file.read_bytes()
        file.write_bytes(rng.choice(list(damages(content, rng, cuts=3, flips=3))))
        before = {path: path.read_bytes() for path in run_folder.rglob("*.safetensors")}
        status, _, err = run("train", "--resume", run_folder, "--steps", 5)
        assert status in (0, 1, 2), err
        if status:
            assert "error: " in err and "Traceback" not in err
        for path, bytes_ in before.items():
            # retention may remove the oldest, nothing may be altered
            assert not path.exists() or path.read_bytes() == bytes_
        status, _, err = run("sample", run_folder, "-n", 1, "-o", tmp_path / "x.png")
        assert status == 0 or err.startswith(("error: ", "warning: "))
        shutil.rmtree(run_folder)


def test_damaged_pictures(tmp_path):
    rng = random.Random(3)
    noise = Image.effect_noise((24, 24), 60).convert("RGB")
    kinds = {}
    for suffix, options in ((".png", {}), (".jpg", {}), (".webp", {}), (".tif", {}), (".gif", {}), (".bmp", {})):
        noise.save(tmp_path / f"sound{suffix}", **options)
        kinds[suffix] = (tmp_path / f"sound{suffix}").read_bytes()
    folder = tmp_path / "pictures"
    folder.mkdir()
    total = 0
    for suffix, content in kinds.items():
        for number, damaged in enumerate(damages(content, rng, cuts=8, flips=20)):
            (folder / f"{number:03}{suffix}").write_bytes(damaged)
            total += 1
    told = []
    try:
        source = FolderSource(folder, DataConfig(size=8, unreadable=1.0), notify=told.append)
    except DataError:
        pytest.fail("every picture was refused, though a flipped pixel is still a picture")
    assert 0 < source.lengths[0] < total
    assert f"{total - source.lengths[0]} left out: {total - source.lengths[0]} unreadable (" in told[0]
    assert all(len(line) < 600 for line in told)


def test_names_that_are_not_names(tmp_path):
    rng = random.Random(4)
    alphabet = "ab:=/\\.-_ \x00\n\t\u202e\U0001f600'\"[]{}()%$"
    for _ in range(60):
        text = "".join(rng.choice(alphabet) for _ in range(rng.randrange(1, 12))).lstrip("-")
        for arguments in (
            ("info", text),
            ("train", text or "x", "--data", "digits", "--out", tmp_path / "x"),
            ("train", "dcgan", "--preset", "tiny", "--data", text or "x", "--out", tmp_path / "x", "--dry-run"),
            ("train", "dcgan", "--preset", text, "--data", "digits", "--out", tmp_path / "x"),
        ):
            status, _, err = run(*arguments)
            assert status in (1, 2) and "Traceback" not in err
    assert list(tmp_path.iterdir()) == []
