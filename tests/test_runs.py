"""Runs as people live with them: going on with other rates, branching, listing, making room, handing weights on."""

import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
from helpers import assert_clean, ganzoo, ganzoo_here
from safetensors.torch import load_file

import ganzoo as gz
from ganzoo.config.fields import changeable
from ganzoo.config.train_table import MAY_CHANGE_ON_RESUME
from ganzoo.errors import CheckpointError, RequestError
from ganzoo.plugin.settings import config_class
from ganzoo.runs import checkpoint as checkpoints
from ganzoo.runs.changes import MAY_MOVE

ROOT = Path(__file__).parents[1]
TINY = {"preset": "tiny", "data": "digits"}
FINE = {"train.log_every_steps": 2, "train.checkpoint_every_kimg": 0.032, "train.keep_checkpoints": 9}


class Quiet:
    def __init__(self):
        self.said, self.status = [], []

    def update(self, progress):
        self.status += filter(None, [str(progress.values.get("status", ""))])

    def say(self, text):
        self.said.append(text)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Of twelve steps of eight pictures; checkpoints of each fourth."""
    path = tmp_path_factory.mktemp("runs") / "photos"
    return gz.train("dcgan", out=path, steps=12, settings=FINE, progress=Quiet(), **TINY)


@pytest.fixture
def copy(run, tmp_path):
    return Path(shutil.copytree(run.path, tmp_path / "copy"))


def weights(path, step):
    return load_file(path / "checkpoints" / f"step-{step:08d}" / "model.safetensors")


def equal(one, two):
    return one.keys() == two.keys() and all(one[name].equal(two[name]) for name in one)


def test_a_learning_rate_may_change_and_the_change_is_seen_everywhere(copy, tmp_path):
    told = Quiet()
    gz.resume(copy, steps=16, settings={"generator_lr": 1e-5}, progress=told)
    assert "changed from step 12 on: generator_lr from 0.0002 to 1e-05, train.steps from 12 to 16" in told.status
    record = json.loads((copy / "record.json").read_text())["resumes"][-1]
    assert record["step"] == 12
    assert record["changed"] == {
        "architecture.generator_lr": {"from": 0.0002, "to": 1e-05}, "train.steps": {"from": 12, "to": 16}
    }  # fmt: skip
    assert tomllib.loads((copy / "config.toml").read_text())["architecture"]["generator_lr"] == 1e-5
    assert "generator_lr from 0.0002 to 1e-05" in (copy / "log.txt").read_text()
    page = gz.watch_page(copy, tmp_path / "page.html").read_text()
    assert "architecture.generator_lr from 0.0002 to 1e-05" in page and "resumed at step 12" in page
    gz.resume(copy, steps=18, progress=Quiet())  # the older checkpoints' copies have another rate


def test_the_new_rate_is_the_one_that_trains(copy, tmp_path):
    other = Path(shutil.copytree(copy, tmp_path / "other"))
    gz.resume(copy, steps=16, settings={"generator_lr": 0.0}, progress=Quiet())
    gz.resume(other, steps=16, progress=Quiet())

    def moved(path):
        before, after = weights(path, 12), weights(path, 16)
        names = [name for name in before if name.startswith("generator.") and name.endswith("weight")]
        return max(float((before[name] - after[name]).abs().max()) for name in names)

    assert moved(copy) == 0.0 < moved(other)


def test_every_architecture_of_ours_may_change_its_rates(registry):
    for offer in registry.architectures:
        rates = changeable(config_class(offer))
        if offer.spec.trains:
            assert rates and all(name.endswith(("lr", "lr_decay")) for name in rates), offer.name


def test_what_may_change_on_resume_is_a_list_in_the_docs():
    text = (ROOT / "docs" / "runs.md").read_text(encoding="utf-8")
    table = text[text.index("## What may change") : text.index("## Branching")]
    for key in [*(f"train.{key}" for key in MAY_CHANGE_ON_RESUME), *(f"data.{key}" for _, key in MAY_MOVE)]:
        assert f"`{key}`" in table, key
    for key in ("generator_lr", "discriminator_lr", "lr"):
        assert f"`{key}`" in table


@pytest.mark.parametrize("setting", ["train.batch_size=4", "width=8", "penalty_weight=3.0", "data.flip=true"])
def test_what_may_not_change_names_the_ways_that_there_are(run, setting):
    done = ganzoo_here("train", "--resume", run.path, "--set", setting)
    assert_clean(done, status=2)
    assert "cannot change on resume" in done.stderr and "--init-from" in done.stderr
    assert "generator_lr" in done.stderr
    assert ("--fork" in done.stderr) == (setting != "train.batch_size=4")


def test_fewer_steps_than_done_are_refused_before_anything_is_written(copy):
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*")}
    for length in (["--steps", 5], ["--kimg", 0.01], ["--epochs", 0.01]):
        done = ganzoo_here("train", "--resume", copy, *length)
        assert_clean(done, status=2)
        assert "is at step 12 already, beyond the" in done.stderr
    with pytest.raises(RequestError, match="is at step 12 already"):
        gz.fork(copy, out=copy.parent / "fork", steps=5)
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*")} == before
    assert not (copy.parent / "fork").exists()


def test_a_finished_run_says_so_without_torch_and_what_would_go_on(copy):
    code = (
        "import sys; from ganzoo.cli import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit as end: print(end.code, 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "train", "--resume", str(copy)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 False"
    assert f"{copy} is finished: 12 steps, 0.096 kimg." in done.stderr
    command = done.stderr.split("To go on:")[-1].splitlines()
    assert_clean(ganzoo_here(*shlex.split(next(filter(None, map(str.strip, command))))[1:]), status=0)
    assert gz.open_run(copy).steps == 24
    again = gz.resume(copy, progress=Quiet())
    assert again.outcome.finished and again.outcome.new_steps == 0 and not again.interrupted


def test_a_run_whose_newest_checkpoint_is_damaged_is_not_finished(copy):
    damaged = copy / "checkpoints" / "step-00000012" / "model.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-9])
    again = gz.resume(copy, progress=Quiet())
    assert again.outcome.new_steps == 4


def test_a_fork_goes_on_to_the_bits_of_its_parent(run, tmp_path):
    fork = gz.fork(run, out=tmp_path / "fork", checkpoint=4, progress=Quiet())
    assert fork.outcome.new_steps == 8
    assert equal(weights(fork.path, 12), weights(run.path, 12))
    record = json.loads((fork.path / "record.json").read_text())
    assert record["fork_of"] == {"run": str(run.path.absolute()), "step": 4, "changed": {}}
    steps = [record["step"] for record in fork.metrics()]
    assert steps == sorted(set(steps)) and steps[0] < 4 < steps[-1]  # the parent's history, and its own


def test_a_fork_with_other_settings_leaves_its_parent_as_it_was(run, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    fork = tmp_path / "my fork"
    done = ganzoo("train", "--fork", f"{run.path}@8", "--out", fork, "--set", "penalty_weight=2.5",
                  "--set", "generator_lr=1e-4", "--steps", 14, "--json")  # fmt: skip
    assert_clean(done, status=0)
    told = json.loads(done.stdout)
    assert told["steps"] == 14 and told["new_steps"] == 6 and told["finished"] and told["run"] == str(fork)
    assert "penalty_weight from" in done.stderr and "generator_lr from 0.0002 to 0.0001" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before
    assert gz.resume(fork, steps=15, progress=Quiet()).steps == 15
    assert gz.open_run(fork).checkpoints[0].step == 15


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["--set", "train.batch_size=4"], "whose steps have 8 pictures", "--init-from"),
        (["--steps", 20, "--set", "width=8"], "does not fit with width from 4 to 8", "--init-from"),
        (["--steps", 20, "--set", "data.size=32"], "was trained on", "--init-from"),
        (["--preset", "tiny"], "--preset does not go with it", "--fork"),
    ],
)
def test_a_fork_that_cannot_go_on_writes_nothing(run, tmp_path, arguments, message, hint):
    done = ganzoo_here("train", "--fork", run.path, "--out", tmp_path / "fork", *arguments)
    assert done.returncode in (1, 2) and "Traceback" not in done.stderr
    assert message in done.stderr and hint in done.stderr
    assert not (tmp_path / "fork").exists()


def test_a_fork_wants_a_checkpoint_that_is_there_and_a_free_place(run, tmp_path):
    done = ganzoo_here("train", "--fork", f"{run.path}@5", "--out", tmp_path / "fork")
    assert_clean(done, status=2)
    assert "There is no checkpoint '5'" in done.stderr and "4, 8, 12" in done.stderr
    done = ganzoo_here("train", "--fork", run.path)
    assert_clean(done, status=2)
    assert "Where shall the fork go?" in done.stderr
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("x")
    with pytest.raises(RequestError, match="would have nothing to do"):  # it is finished there
        gz.fork(run, out=tmp_path / "fork")
    with pytest.raises(CheckpointError, match="neither empty nor a run"):
        gz.fork(run, out=tmp_path / "taken", steps=20)
    with pytest.raises(CheckpointError, match="lies inside the run"):
        gz.fork(run, out=run.path / "inner", steps=20)
    named = Path(shutil.copytree(run.path, tmp_path / "photos@best"))  # an @ in a name is one
    done = ganzoo_here("train", "--fork", named, "--out", tmp_path / "of-named", "--steps", 13)
    assert_clean(done, status=0)


def test_earlier_checkpoints_are_spoken_of_where_there_are_some(run, tmp_path, monkeypatch):
    from ganzoo.runs import weights as module

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    contents = module.CheckpointContents(model={}, average=None, optimizers={})
    monkeypatch.setattr(module, "save_tensors", full)
    for folder, there in ((run.checkpoint_folder, True), (tmp_path / "checkpoints", False)):
        with pytest.raises(CheckpointError) as error:
            module.write_checkpoint(folder, contents, step=99, state={}, config="", keep=3)
        assert ("Earlier checkpoints are intact" in error.value.hint) == there
        assert ("what was learnt is lost" in error.value.hint) != there


def test_the_list_has_each_state(run, tmp_path):
    folder = tmp_path / "all runs"
    for name in ("finished", "stopped", "torn", "garbled", "deep/er"):
        shutil.copytree(run.path, folder / name)
    (folder / "stopped" / "config.toml").write_text(
        (run.path / "config.toml").read_text().replace("steps = 12", "steps = 40")
    )
    newest = folder / "torn" / "checkpoints" / "step-00000012" / "model.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    (folder / "garbled" / "config.toml").write_text("[run\n")
    (folder / "no run").mkdir()
    (folder / "link").symlink_to(folder / "finished")
    entries = {entry.status.path.relative_to(folder).as_posix(): entry for entry in gz.list_runs(folder)}
    states = {name: entry.status.state for name, entry in entries.items()}
    assert states == {
        "finished": "finished", "stopped": "stopped", "torn": "broken", "garbled": "broken", "deep/er": "finished"
    }  # fmt: skip
    assert "cut short" in entries["torn"].status.problem and "config.toml" in entries["garbled"].status.problem
    one = entries["stopped"].status
    assert (one.steps, one.target_steps, one.kimg, one.target_kimg) == (12, 40, 0.096, 0.32)
    assert one.score_name == "score.frechet" and one.best is not None
    assert entries["finished"].bytes == sum(path.stat().st_size for path in (folder / "finished").rglob("*.*"))
    done = ganzoo_here("runs", folder)
    assert_clean(done, status=0)
    assert "stopped" in done.stdout and "0.1 of 0.3" in done.stdout
    told = json.loads(ganzoo_here("runs", folder, "--json").stdout)["runs"]
    assert len(told) == 5 and {"run", "state", "score", "bytes", "changed", "checkpoints"} <= told[0].keys()
    done = ganzoo_here("runs", tmp_path / "nowhere")
    assert_clean(done, status=1)
    assert ganzoo_here("runs", folder / "no run").returncode == 0


def test_a_run_that_trains_is_running_and_is_not_pruned(run, tmp_path):
    path = tmp_path / "live"
    command = [sys.executable, "-m", "ganzoo", "train", "dcgan", "--preset", "tiny", "--data", "digits", "--out",
               str(path), "--kimg", "10000", "--set", "train.checkpoint_every_kimg=0.1"]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + 120
            while not list(path.glob("checkpoints/step-*")):
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.1)
            (entry,) = gz.list_runs(tmp_path)
            assert entry.status.state == "running" and f"process {process.pid}" in entry.status.holder
            done = ganzoo_here("runs", tmp_path)
            assert f"trained by process {process.pid}" in done.stdout
            assert gz.prune_runs(tmp_path) == []
            shown = ganzoo_here("watch", path)  # from another process, once where there is no terminal
            assert_clean(shown, status=0)
            assert "images/s" in shown.stdout and "state    running" in shown.stdout
        finally:
            process.terminate()
            process.communicate(timeout=60)
    (entry,) = gz.list_runs(tmp_path)
    assert entry.status.state == "stopped" and entry.status.holder == ""


def test_prune_keeps_the_newest_and_the_best(copy):
    def kept():
        return [item.step for item in checkpoints.listed(copy / "checkpoints")]

    best = checkpoints.best(copy / "checkpoints").step
    assert kept() == [12, 8, 4]
    done = ganzoo_here("runs", copy, "--prune", "--dry-run")
    assert_clean(done, status=0)
    assert kept() == [12, 8, 4] and done.stdout.count("would remove") == 3 - len({12, best})
    command = done.stdout.split("To remove them: ")[-1].split()
    assert_clean(ganzoo_here(*command[1:]), status=0)
    assert kept() == sorted({12, best}, reverse=True)
    assert gz.resume(copy, steps=13, progress=Quiet()).steps == 13
    for arguments in (["--keep", 2], ["--dry-run"]):
        assert_clean(ganzoo_here("runs", copy, *arguments), status=2)


def test_prune_removes_nothing_where_nothing_whole_would_be_left(run, copy):
    for item in checkpoints.listed(copy / "checkpoints"):
        (item.path / "state.json").write_text("{}")
    other = Path(shutil.copytree(run.path, copy.parent / "other"))
    told = Quiet()
    pruned = gz.prune_runs(copy.parent, progress=told)
    assert "none is removed" in told.said[0] and {item.run for item in pruned} == {other}  # the others are pruned
    assert len(checkpoints.listed(copy / "checkpoints")) == 3


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_files_follow_the_umask(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        run = gz.train("dcgan", out=tmp_path / "run", steps=2, progress=Quiet(), **TINY)
        gz.export(run, progress=Quiet())
        gz.export_weights(run)
        gz.load(run).save_each(tmp_path / "run" / "pictures", range(2), progress=Quiet())
        gz.watch_page(run, tmp_path / "run" / "page.html")
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert len(files) > 15
    assert {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in files} == {
        path.name: oct(mode) for path in files
    }


def test_weights_for_others_paint_the_same_and_say_nothing_of_where_the_pictures_lay(run, tmp_path):
    file = gz.export_weights(run, out=tmp_path / "photos.safetensors")
    assert file.stat().st_size < 20_000
    assert b"digits" not in file.read_bytes()[:8] and str(tmp_path).encode() not in file.read_bytes()
    names = set(load_file(file))
    assert names and all(name.startswith("generator.") for name in names)
    one, other = gz.load(file), gz.load(run)
    assert np.array_equal(one.sample(range(5)), other.sample(range(5))) and one.step == other.step
    again = gz.train("dcgan", out=tmp_path / "again", steps=1, init_from=file, progress=Quiet(), **TINY)
    assert len(json.loads((again.path / "record.json").read_text())["init_from"]["matched"]) >= len(names)
    (exported,) = gz.export(file, progress=Quiet())
    assert exported.path == tmp_path / "photos" / "generator.onnx"
    apart = np.asarray(gz.load(exported).sample([3])).astype(int) - np.asarray(other.sample([3]))
    assert np.abs(apart).max() <= 1
    done = ganzoo_here("export", run.path, "--weights", "-o", tmp_path / "cli.safetensors")
    assert_clean(done, status=0)
    assert (tmp_path / "cli.safetensors").read_bytes() == file.read_bytes()


def test_weights_alone_do_not_go_on_with_a_training(run, tmp_path):
    file = gz.export_weights(run, out=tmp_path / "w.safetensors")
    for arguments in (["--resume", file], ["--fork", file, "--out", tmp_path / "x"]):
        done = ganzoo_here("train", *arguments)
        assert_clean(done, status=1)
        assert "no training to go on with" in done.stderr and "--init-from" in done.stderr
    done = ganzoo_here("sample", file, "-o", tmp_path / "x.png", "--checkpoint", 3)
    assert_clean(done, status=2)


@pytest.mark.parametrize("damage", ["cut", "no metadata", "other shape", "header", "config"])
def test_damaged_weights_are_refused_with_a_message(run, tmp_path, damage):
    from safetensors.torch import save_file

    file = gz.export_weights(run, out=tmp_path / "w.safetensors")
    content = file.read_bytes()
    size = int.from_bytes(content[:8], "little")
    if damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "no metadata":
        save_file(load_file(file), file)
    elif damage == "header":
        file.write_bytes((2**60).to_bytes(8, "little") + content[8:])
    elif damage == "config":
        file.write_bytes(content[:8] + content[8 : 8 + size].replace(b"[run]", b"[ran]") + content[8 + size :])
    else:
        header = json.loads(content[8 : 8 + size])
        tensors = {name: tensor[:0].contiguous() if tensor.ndim else tensor for name, tensor in load_file(file).items()}
        save_file(tensors, file, header["__metadata__"])
    with pytest.raises(CheckpointError):
        gz.load(file)


@pytest.mark.parametrize(
    ("name", "content", "family"),
    [
        ("550000.pt", {"g": {"to_rgbs.0.conv.weight": 0}, "g_ema": {"to_rgb1.conv.weight": 0}}, "of rosinality"),
        ("model_10.pt", {"GAN": {"G.initial_block": 0, "G.blocks.0.to_style1.weight": 0}}, "of lucidrains"),
        ("model.ckpt.data-00000-of-00001", b"\0" * 99, "TensorFlow"),
        ("model.ckpt.index", b"\0" * 99 + bytes.fromhex("57fb808b247547db"), "TensorFlow"),
        ("saved_model.pb", b"\x08\x01\x12\x02", "TensorFlow"),
        ("weights.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 99, "TensorFlow and Keras"),
    ],
)
def test_other_peoples_checkpoints_are_named_as_what_they_are(tmp_path, name, content, family):
    import torch

    file = tmp_path / name
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        torch.save({k: {n: torch.zeros(1) for n in v} for k, v in content.items()}, file)
    for arguments in (
        ["import", file, "--as", "stylegan2", "--out", tmp_path / "x"],
        ["train", "--resume", file],
        ["sample", file, "-o", tmp_path / "x.png"],
        ["train", "dcgan", "--preset", "tiny", "--data", "digits", "--out", tmp_path / "y", "--init-from", file],
    ):
        done = ganzoo_here(*arguments)
        assert done.returncode in (1, 2) and family in done.stderr, done.stderr
        assert "damaged" not in done.stderr and "Traceback" not in done.stderr


def test_a_dry_run_says_what_the_whole_takes_and_leaves_nothing(tmp_path):
    done = ganzoo("train", "dcgan", "--preset", "tiny", "--data", "digits", "--kimg", 500, "--dry-run", cwd=tmp_path)
    assert_clean(done, status=0)
    lines = {line[2:].partition(":")[0]: line for line in done.stdout.splitlines() if line.startswith("# ")}
    assert {"time", "memory", "disk"} <= lines.keys() and "10 timed" in lines["time"]
    assert list(tmp_path.iterdir()) == []
    plan = gz.plan_training("dcgan", kimg=500, progress=Quiet(), **TINY)
    one = plan.estimate
    assert plan.steps == 62_500 and one.timed_steps == 10
    assert one.seconds >= 0.5 * plan.steps * one.seconds_per_step
    run = gz.train("dcgan", out=tmp_path / "run", steps=2, progress=Quiet(), **TINY)
    weights_bytes = sum(path.stat().st_size for path in run.outcome.checkpoint.iterdir() if path.suffix != ".toml")
    assert 0.3 * weights_bytes < one.checkpoint_bytes < weights_bytes
    told = json.loads(
        ganzoo_here("train", "dcgan", "--preset", "tiny", "--data", "digits", "--dry-run", "--json").stdout
    )
    assert told["estimate"]["timed_steps"] == 10


def test_few_pictures_are_spoken_of_with_settings_that_there_are(tmp_path):
    from PIL import Image

    for number in range(6):
        Image.fromarray(np.random.RandomState(number).randint(0, 255, (32, 32, 3), dtype=np.uint8)).save(
            tmp_path / f"{number}.png"
        )
    for architecture, setting in (("dcgan", "augment and data.flip help"), ("srgan", "; data.flip helps")):
        done = ganzoo_here("train", architecture, "--preset", "tiny", "--data", tmp_path, "--dry-run")
        assert_clean(done, status=0)
        assert setting in done.stderr


def test_one_warning_of_a_kind():
    from ganzoo.loggers.logbook import Logbook

    told = Quiet()
    book = Logbook(told)
    for number in range(14):
        book.say(f"warning: 'layer{number}' has {number} odd values")
    book.say("warning: something else")
    assert told.said == ["warning: 'layer0' has 0 odd values", "warning: something else"]


def test_verbs_that_answer_have_json(run, tmp_path):
    told = json.loads(ganzoo_here("plugins", "--json").stdout)
    assert told == json.loads(ganzoo_here("plugins", "list", "--json").stdout) and told["plugins"]
    done = ganzoo_here("sample", run.path, "-o", tmp_path / "x.png", "-n", 4, "--json")
    told = json.loads(done.stdout)
    assert told["pictures"] == 4 and told["seeds"] == {"first": 0, "count": 4} and told["out"].endswith("x.png")


def test_weights_are_written_over_nothing_but_weights(run, tmp_path):
    (tmp_path / "x.safetensors").write_text("precious")
    newest = run.checkpoints[0].path / "model.safetensors"
    before = newest.read_bytes()
    for place in (tmp_path / "x.safetensors", newest, run.path / "config.safetensors"):
        done = ganzoo_here("export", run.path, "--weights", "-o", place)
        assert_clean(done, status=1)
        assert "is there, and is no weights" in done.stderr or "lies inside the run" in done.stderr
    assert (tmp_path / "x.safetensors").read_text() == "precious" and newest.read_bytes() == before
    for _ in range(2):  # its own is made anew
        gz.export_weights(run, out=tmp_path / "y.safetensors")
    done = ganzoo_here("evaluate", tmp_path / "y.safetensors", "--data", "digits", "--features", "pixels", "-n", 20,
                       "--repeats", 1)  # fmt: skip
    assert done.returncode in (0, 2) and "expected a folder of pictures" not in done.stderr


def test_a_truth_value_is_no_learning_rate(copy):
    done = ganzoo_here("train", "--resume", copy, "--steps", 14, "--set", "generator_lr=true")
    assert_clean(done, status=2)
    assert "expected number" in done.stderr
    done = ganzoo_here("train", "--resume", copy, "--set", "generator_lr=0.1")
    assert_clean(done, status=0)
    assert "generator_lr: not changed, as nothing is left to do" in done.stderr
