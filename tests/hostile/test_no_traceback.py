"""What a stranger can write into a file, or a user type: a sentence, no traceback, and nothing a terminal obeys."""

import json
import os
import shutil

import onnx
import pytest
from helpers import run_main, within
from PIL import Image

import ganzoo as gz
from ganzoo import files
from ganzoo.errors import GanzooError

DIGITS = "9" * 5000


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    run = tmp_path_factory.mktemp("sound") / "run"
    assert run_main("train", "dcgan", "--preset", "tiny", "--data", "digits", "--out", run)[0] == 0
    assert run_main("export", run)[0] == 0
    return run


@pytest.fixture
def run(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "run")


def refused(*arguments):
    with within():
        status, out, err = run_main(*arguments)
    assert status in (1, 2, 3) and "error: " in err and "Traceback" not in err and out == "", (arguments, err)
    assert len(err) < 6000
    return err


TRAIN = ("train", "dcgan", "--preset", "tiny", "--data", "digits", "--out")


ODD_VALUES = [
    DIGITS,
    f"-{DIGITS}",
    "0x" + "f" * 5000,
    "1" + "0" * 400,
    "1e999",
    "nan",
    "[" * 5000,
    "{" * 5000,
    "a.b" * 99,
]
ODD_KEYS = ["train.seed", "train.kimg", "data.size", "penalty", "data.target"]


@pytest.mark.parametrize(
    ("key", "value"), [*(("latent_size", value) for value in ODD_VALUES), *((key, ODD_VALUES[2]) for key in ODD_KEYS)]
)
def test_odd_values_of_settings(tmp_path, key, value):
    refused(*TRAIN, tmp_path / "run", "--set", f"{key}={value}")
    table, _, name = key.rpartition(".")
    (tmp_path / "x.toml").write_text(f"[{table or 'architecture'}]\n{name} = {value}\n")
    refused(*TRAIN, tmp_path / "run", "-c", tmp_path / "x.toml")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "options",
    [
        ("--steps", DIGITS),
        ("--seed", DIGITS),
        ("--kimg", "1e999"),
        ("--batch-size", DIGITS),
        ("--max-time", "nan"),
        ("--epochs", "-1"),
    ],
)
def test_odd_options(tmp_path, options):
    with within():
        status, _, err = run_main(*TRAIN, tmp_path / "run", *options)
    assert status in (1, 2) and "Traceback" not in err and not (tmp_path / "run").exists()


ODD = [("--seeds", DIGITS), ("--seeds", f"0-{DIGITS}"), ("--label", DIGITS), ("--value", f"x={DIGITS}")]
ODD += [("--size", DIGITS), ("--checkpoint", DIGITS), ("--mix", DIGITS), ("-n", DIGITS)]


@pytest.mark.parametrize("arguments", ODD)
def test_odd_numbers_to_sample(sound, tmp_path, arguments):
    with within():
        status, _, err = run_main("sample", sound, "-o", tmp_path / "x.png", *arguments)
    assert status in (1, 2) and "Traceback" not in err and not (tmp_path / "x.png").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--batch", DIGITS),
        ("--shape", f"z={DIGITS}x8"),
        ("--size", f"{DIGITS}x1"),
        ("--input", "z=/none.npy"),
        ("--max-time", "1e999"),
    ],
)
def test_odd_numbers_to_bench(sound, arguments):
    with within():
        status, _, err = run_main(
            "bench",
            sound / "exports" / "generator.onnx",
            "--repeats",
            1,
            "--seconds",
            0.3,
            "--max-time",
            30,
            *arguments,
        )
    assert status in (1, 2) and "Traceback" not in err


STATES = [
    *(b"null", b"[]", b"1", b'"x"', b"", b"\xff", b"[" * 100_000, b"{" * 100_000, b'{"score": "x"}', b'{"score": [1]}'),
    *(b'{"seconds": null}', b'{"seconds": "x"}', b'{"seconds": 1e999}', b'{"threads": {}}', b'{"score": NaN}'),
    *(b'{"kimg": []}', b'{"score": ' + b"9" * 5000 + b"}", b'{"device": [[[]]], "bf16": "x", "ranks": -1}'),
]


@pytest.mark.parametrize("content", STATES, ids=range(len(STATES)))
def test_states_that_are_none(run, content):
    checkpoint = next((run / "checkpoints").iterdir())
    (checkpoint / "state.json").write_bytes(content)
    hashes = {item.name: files.sha256(item) for item in checkpoint.iterdir() if item.name != "manifest.json"}
    (checkpoint / "manifest.json").write_text(json.dumps({"sha256": hashes}))
    for arguments in (
        ("sample", run, "-o", run / "x.png", "-n", 1),
        ("train", "--resume", run, "--steps", 6),
        ("export", run),
    ):
        with within():
            status, _, err = run_main(*arguments)
        assert status in (0, 1, 2) and "Traceback" not in err
        assert status == 0 or "error: " in err


@pytest.mark.parametrize(
    "name", ["config.toml", "state.json", "manifest.json", "model.safetensors", "optimizers.pt", "ema.safetensors"]
)
def test_a_checkpoint_that_lacks_a_file(run, name):
    (next((run / "checkpoints").iterdir()) / name).unlink()
    assert name in refused("train", "--resume", run, "--steps", 6)
    assert name in refused("sample", run, "-o", run / "x.png")


def tree(folder):
    return {item: (item.lstat().st_mtime_ns, item.lstat().st_ino) for item in [folder, *folder.rglob("*")]}


def test_an_export_and_a_sample_leave_the_run_as_it_is(run, tmp_path):
    """So that they work from one that may only be read."""
    before = tree(run)
    assert run_main("export", run, "-o", tmp_path / "m.onnx")[0] == 0
    assert run_main("sample", run, "-o", tmp_path / "x.png", "-n", 1)[0] == 0
    assert len(gz.open_run(run).metrics()) == 1
    assert tree(run) == before


# What is printed

COMMAND = "\x1b]0;owned\x07\x1b[2J\u202e"


def test_metadata_are_printed_escaped(sound, tmp_path):
    model = onnx.load(sound / "exports" / "generator.onnx")
    for item in model.metadata_props:
        if item.key in ("ganzoo.architecture", "ganzoo.paper", "ganzoo.training_data", "ganzoo.graph"):
            item.value = COMMAND
    model.producer_name = COMMAND
    model.metadata_props.add(key=COMMAND, value=COMMAND)
    onnx.save(model, tmp_path / "m.onnx")
    for arguments in (
        ("inspect",),
        ("inspect", "--json"),
        ("verify",),
        ("bench", "--repeats", 1, "--seconds", 0.3, "--max-time", 30),
        ("sample", "-o", tmp_path / "x.png"),
    ):
        _, out, err = run_main(arguments[0], tmp_path / "m.onnx", *arguments[1:])
        assert "\x1b" not in out + err and "\x07" not in out + err and "\u202e" not in out + err, arguments


def test_names_of_files_are_printed_escaped(run, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.new("L", (8, 8)).save(folder / "sound.png")
    (folder / f"{COMMAND}\nwarning: yes.png").write_bytes(b"x")
    (folder / "\udcff.png").write_bytes(b"x")
    status, out, err = run_main(
        "train", "dcgan", "--preset", "tiny", "--data", folder, "--out", tmp_path / "r", "--set", "data.unreadable=0.7"
    )
    assert status == 0 and "2 left out: 2 unreadable" in err
    assert not any(sign in out + err for sign in ("\x1b", "\x07", "\u202e", "\udcff")) and "\nwarning: yes" not in err
    moved = run.rename(tmp_path / COMMAND)
    for arguments in (
        ("sample", moved, "-o", tmp_path / "x.png"),
        ("train", "--resume", moved, "--steps", 3),
        ("export", moved),
    ):
        _, out, err = run_main(*arguments)
        assert "\x1b" not in out + err and "Traceback" not in err


def test_a_config_of_a_stranger_is_printed_escaped(run):
    text = (run / "config.toml").read_text()
    for change in (
        text.replace("[run]", f"[run]\n{json.dumps(COMMAND)} = 1"),
        text.replace('distribution = "ganzoo-dcgan"', f"distribution = {json.dumps(COMMAND)}"),
        text.replace("data_description = ", f"data_description = {json.dumps(COMMAND)}\nx = "),
        text.replace("[data]", f"[{json.dumps(COMMAND)}]"),
    ):
        assert change != text
        (run / "config.toml").write_text(change)
        for arguments in (("sample", run, "-o", run / "x.png", "-n", 1), ("train", "--resume", run, "--steps", 6)):
            _, out, err = run_main(*arguments)
            assert "\x1b" not in out + err and "Traceback" not in err


@pytest.mark.parametrize("size", [2**31 - 1, 10**9])
def test_a_network_that_no_memory_holds(run, size):
    """A stranger's run may ask for one."""
    text = (run / "config.toml").read_text()
    (run / "config.toml").write_text(text.replace("latent_size = 8", f"latent_size = {size}"))
    assert str(size) in (run / "config.toml").read_text()
    with pytest.raises(GanzooError), within(seconds=20):
        gz.load(run)


def test_a_plain_environment_is_enough(sound, tmp_path):
    """No home, no language, no terminal."""
    import subprocess
    import sys

    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
    }
    out = tmp_path / "bilder-\u00fc.png"
    done = subprocess.run(
        [sys.executable, "-m", "ganzoo", "sample", sound, "-o", out, "-n", "1"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0 and out.is_file(), done.stderr
