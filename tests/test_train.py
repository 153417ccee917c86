"""`ganzoo train` from end to end, in processes of its own."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib

import numpy as np
import pytest
import torch
from helpers import assert_clean, ganzoo, ganzoo_here
from PIL import Image
from safetensors.torch import load_file

from ganzoo.config import TrainConfig
from ganzoo.plugin.registry import Registry
from ganzoo.runs.run import target_steps
from ganzoo.testing import RandomPictures
from ganzoo.training.start import start_run

TINY = ("train", "dcgan", "--preset", "tiny", "--data", "digits")


def weights(run, step):
    folder = run / "checkpoints" / f"step-{step:08d}"
    return {
        (file, name): tensor
        for file in ("model", "ema")
        for name, tensor in load_file(folder / f"{file}.safetensors").items()
    }


def same_bits(one, two):
    return one.keys() == two.keys() and all(one[name].equal(two[name]) for name in one)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "unbroken"
    done = ganzoo(*TINY, "--out", run, "--steps", 12, "--set", "train.log_every_steps=3")
    assert_clean(done, status=0)
    return run


def test_a_run_directory_holds_everything(unbroken):
    config = tomllib.loads((unbroken / "config.toml").read_text())
    assert config["run"]["architecture"] == "dcgan" and config["run"]["distribution"] == "ganzoo-dcgan"
    assert config["train"]["steps"] == 12 and config["architecture"]["width"] == 4
    records = [json.loads(line) for line in (unbroken / "metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == [3, 6, 9, 12]
    assert {"kimg", "seconds", "images_per_second", "discriminator.adversarial", "generator.adversarial"} <= set(
        records[0]
    )
    assert Image.open(unbroken / "samples" / "reals.png").size == (32, 32)  # four of 16x16
    assert Image.open(unbroken / "samples" / "step-00000012.png").size == (32, 32)
    record = json.loads((unbroken / "record.json").read_text())
    assert record["threads"] >= 1 and record["resumes"] == []


def test_stopping_and_resuming_gives_the_same_bits(unbroken, tmp_path):
    run = tmp_path / "run"
    assert_clean(ganzoo(*TINY, "--out", run, "--steps", 5, "--set", "train.log_every_steps=3"), status=0)
    done = ganzoo("train", "--resume", run, "--steps", 12)
    assert_clean(done, status=0)
    assert "going on at step 5" in done.stderr
    assert same_bits(weights(run, 12), weights(unbroken, 12))
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == [3, 5, 6, 9, 12]
    assert json.loads((run / "record.json").read_text())["resumes"][0]["changed"] == {
        "train.steps": {"from": 5, "to": 12}
    }
    assert tomllib.loads((run / "config.toml").read_text())["train"]["steps"] == 12


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_saves_and_says_how_to_go_on(unbroken, tmp_path, number):
    run = tmp_path / "run"
    command = [sys.executable, "-m", "ganzoo", *TINY, "--out", str(run), "--steps", "100000"]
    command += ["--set", "train.log_every_steps=1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    for line in process.stderr:
        if line.startswith("step 3/"):
            break
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in err
    assert f"go on with: ganzoo train --resume {run}" in out
    (saved,) = (run / "checkpoints").iterdir()
    step = int(saved.name.removeprefix("step-"))
    assert step >= 3
    goal = max(step + 1, 12)
    assert_clean(ganzoo("train", "--resume", run, "--steps", goal), status=0)
    if goal == 12:
        assert same_bits(weights(run, 12), weights(unbroken, 12))


def test_a_kill_loses_only_what_came_after_the_checkpoint(unbroken, tmp_path):
    run = tmp_path / "run"
    command = [sys.executable, "-m", "ganzoo", *TINY, "--out", str(run), "--steps", "100000"]
    command += ["--set", "train.log_every_steps=1", "--set", "train.checkpoint_every_kimg=0.032"]  # every 4 steps
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    for line in process.stderr:
        if line.startswith("step 9/"):
            break
    process.kill()
    process.communicate()
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 9999')  # a line the kill cut off
    newest = max(int(item.name[-8:]) for item in (run / "checkpoints").glob("step-*"))
    assert newest >= 8
    done = ganzoo("train", "--resume", run, "--steps", max(12, newest + 1))
    assert_clean(done, status=0)
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = [record["step"] for record in records]
    assert steps == sorted(set(steps)) and 9999 not in steps
    if newest < 12:
        assert same_bits(weights(run, 12), weights(unbroken, 12))


def test_a_damaged_newest_checkpoint_is_passed_over(tmp_path):
    run = tmp_path / "run"
    assert_clean(ganzoo(*TINY, "--out", run, "--steps", 4), status=0)
    assert_clean(ganzoo("train", "--resume", run, "--steps", 6), status=0)
    (run / "checkpoints" / "step-00000006" / "optimizers.pt").write_bytes(b"PK")
    done = ganzoo("train", "--resume", run, "--steps", 7)
    assert_clean(done, status=0)
    assert "passed over:" in done.stderr and "going on at step 4" in done.stderr


def test_max_time_stops_and_saves(tmp_path):
    began = time.monotonic()
    done = ganzoo(*TINY, "--out", tmp_path / "run", "--steps", 10**6, "--max-time", 1)
    assert_clean(done, status=0)
    assert "out of time; go on with: ganzoo train --resume" in done.stdout
    assert time.monotonic() - began < 60


def test_a_folder_of_pictures_with_a_bad_one(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(9):
        Image.new("RGB", (20 + number, 30), (number * 20, 80, 0)).save(folder / f"{number}.jpg")
    (folder / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    run = tmp_path / "run"
    done = ganzoo(
        "train",
        "dcgan",
        "--preset",
        "tiny",
        "--data",
        "pictures",
        "--out",
        run,
        "--steps",
        3,
        "--set",
        "data.unreadable=0.1",
        cwd=tmp_path,
    )
    assert_clean(done, status=0)
    assert "read 9 pictures of 30x20 to 30x28" in done.stderr
    assert "1 left out: 1 unreadable (bad.jpg: " in done.stderr
    # The path was made absolute, so the run goes on from anywhere.
    assert_clean(ganzoo("train", "--resume", run, "--steps", 4), status=0)


def test_a_dry_run_prints_the_plan_and_touches_nothing(tmp_path):
    done = ganzoo(*TINY, "--out", tmp_path / "run", "--batch-size", 4, "--dry-run")
    assert_clean(done, status=0)
    assert "batch_size = 4" in done.stdout and "# --batch-size" in done.stdout and "# preset tiny" in done.stdout
    assert "# parameters: generator 1,624, discriminator 720" in done.stdout
    assert "1x16x16" in done.stdout
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("train",), 2, "Which architecture"),
        (("train", "dcgan", "--data", "digits"), 2, "Add --out RUN, for example --out runs/dcgan"),
        (("train", "dcgan", "--out", "x"), 2, "No data source is given"),
        ((*TINY, "--out", "x", "--device", "cuda"), 2, "finds no usable GPU"),
        ((*TINY, "--out", "x", "--device", "tpu"), 2, "There is no device 'tpu'"),
        ((*TINY, "--out", "x", "--set", "data.size=24"), 2, "16, 32, 64, 128, 256 pixels, not 24"),
        ((*TINY, "--out", "x", "--kimg", "0"), 2, "kimg = 0.0 (--kimg): expected number > 0"),
        (("train", "--resume", "nowhere"), 1, "nowhere is not there"),
        (("train", "dcgan", "--resume", "x", "--data", "digits"), 2, "ARCHITECTURE does not go with it"),
        (("train", "dcgan", "--data", "./nowhere", "--out", "x"), 1, "There is no folder /"),
    ],
)
def test_requests_that_cannot_work_leave_nothing_behind(tmp_path, arguments, status, message, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    done = ganzoo(*arguments, cwd=tmp_path)
    assert_clean(done, status=status)
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_never_overwritten_and_its_settings_do_not_drift(unbroken):
    done = ganzoo(*TINY, "--out", unbroken)
    assert_clean(done, status=1)
    assert f"ganzoo train --resume {unbroken}" in done.stderr
    done = ganzoo_here("train", "--resume", unbroken, "--batch-size", 16)
    assert_clean(done, status=2)
    assert "'batch_size' of [train] cannot change on resume" in done.stderr
    done = ganzoo_here("train", "--resume", unbroken, "--set", "width=8")
    assert_clean(done, status=2)


def test_lengths():
    assert target_steps(TrainConfig(steps=7)) == 7
    assert target_steps(TrainConfig(kimg=1.0, batch_size=64)) == 16
    assert target_steps(TrainConfig(kimg=0.001, batch_size=64)) == 1
    assert target_steps(TrainConfig(batch_size=50)) == 20_000


def test_training_leaves_the_callers_randomness_alone(tmp_path):
    import torch

    from ganzoo.config.resolve import resolve, set_layer
    from ganzoo.plugin.settings import config_class, preset_layer

    registry = Registry.load()
    offer = registry.architecture("dcgan")
    layers = [preset_layer(offer.spec, "tiny"), set_layer(["data.source=digits"])]
    config = resolve("dcgan", config_class(offer), layers)

    class Silent:
        def update(self, progress): ...
        def say(self, text): ...

    before = torch.random.get_rng_state()
    start_run(offer, config, registry, out=tmp_path / "run", preset="tiny", progress=Silent()).train()
    assert torch.equal(before, torch.random.get_rng_state())


class Told:
    """A listener that remembers, and fails when asked to."""

    def __init__(self, *, fails=False):
        self.said, self.logged, self.fails = [], 0, fails

    def update(self, progress):
        self.logged += 1
        if self.fails:
            raise OSError("the terminal went away")

    def say(self, text):
        self.said.append(text)


def _trainer(registry, out, told, *assignments):
    from ganzoo.config.resolve import resolve, set_layer
    from ganzoo.plugin.settings import config_class, preset_layer

    offer = registry.architecture("dcgan")
    layers = [preset_layer(offer.spec, "tiny"), set_layer(["data.source=digits", *assignments])]
    return start_run(offer, resolve("dcgan", config_class(offer), layers), registry, out=out, preset="", progress=told)


def test_what_training_can_do_without_does_not_stop_it(registry, tmp_path, monkeypatch):
    told = Told(fails=True)
    trainer = _trainer(registry, tmp_path / "run", told, "train.log_every_steps=1")
    monkeypatch.setattr("ganzoo.training.run_writer.write_previews", lambda *a, **k: 1 / 0)
    outcome = trainer.train()
    assert outcome.finished and outcome.checkpoint.is_dir()
    assert told.logged == 1  # switched off after the first failure
    assert [line for line in told.said if "the display failed and was left out: OSError" in line]
    assert [line for line in told.said if "the samples step-00000004.png failed" in line]


def test_out_of_memory_says_what_to_do_and_the_run_can_be_begun_again(registry, tmp_path, monkeypatch):
    from ganzoo.errors import GanzooError

    trainer = _trainer(registry, tmp_path / "run", Told())
    with monkeypatch.context() as patch:
        patch.setattr(trainer.engine, "step", lambda *a: (_ for _ in ()).throw(MemoryError("no room")))
        with pytest.raises(GanzooError, match="Out of memory at a batch of 8") as caught:
            trainer.train()
    assert "--batch-size" in caught.value.hint
    assert _trainer(registry, tmp_path / "run", Told()).train().finished


@pytest.mark.parametrize(("room", "told", "remedy"), [
    (4, "A batch of 4 fits.", "--set train.accumulate=2, which keeps the batch of 8"),
    (1, "A batch of 1 fits.", "--set train.accumulate=8"),
    (0, "No smaller part of it fits either.", "Begin with --set data.size=8"),
])  # fmt: skip
def test_out_of_memory_names_the_batch_that_fits(registry, tmp_path, monkeypatch, room, told, remedy):
    """A generator that has room for so many pictures at once, as a GPU would have."""
    from ganzoo.errors import GanzooError

    trainer = _trainer(registry, tmp_path / "run", Told())
    generator = trainer.engine.architecture.generator

    def refuse(_, inputs):
        if len(inputs[0]) > room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

    generator.register_forward_pre_hook(refuse)
    with pytest.raises(
        GanzooError, match="Out of memory at a batch of 8: OutOfMemoryError: CUDA out of memory"
    ) as error:
        trainer.train()
    assert told in error.value.message and remedy in error.value.hint
    assert all(parameter.grad is None for parameter in trainer.engine.architecture.parameters())
    if room:  # what it says is true
        parts = 8 // room
        again = _trainer(registry, tmp_path / "again", Told(), f"train.accumulate={parts}")
        again.engine.architecture.generator.register_forward_pre_hook(refuse)
        assert again.train().finished


def test_a_batch_in_the_tracebacks_of_the_failure_is_freed_before_parts_are_tried(registry, tmp_path):
    import weakref

    from ganzoo.training.memory import fitting_parts

    trainer = _trainer(registry, tmp_path / "run", Told())
    kept = []

    def fail():
        activations = torch.zeros(8)
        kept.append(weakref.ref(activations))
        raise torch.OutOfMemoryError("no room")

    try:
        fail()
    except torch.OutOfMemoryError as error:
        source = RandomPictures(trainer.run.data, count=8)
        batch = trainer.engine.prepare(source.fetch([np.arange(8)]))
        assert fitting_parts(error, trainer.engine, batch, 0) == 2
        assert kept[0]() is None


@pytest.mark.parametrize(
    ("batch", "accumulate", "hint"),
    [
        (8, 1, "train.accumulate=2,"),
        (8, 2, "train.accumulate=4,"),
        (7, 1, "train.accumulate=7,"),
        (1, 1, "Begin with --set data.size=8"),
    ],
)
def test_where_nothing_is_tried_the_advice_divides_the_batch(registry, tmp_path, batch, accumulate, hint):
    from ganzoo.training.memory import out_of_memory

    stated = [f"train.batch_size={batch}", f"train.accumulate={accumulate}"]
    engine = _trainer(registry, tmp_path / "run", Told(), *stated).engine
    engine.compiled = True
    told = out_of_memory(torch.OutOfMemoryError("no room"), engine, None, 0)
    assert hint in told.hint and (batch > 1 or "accumulate" not in told.hint)


def test_what_torch_has_no_deterministic_kernel_for_is_a_message(registry, tmp_path, monkeypatch):
    from ganzoo.errors import GanzooError

    text = (
        "reflection_pad2d_backward_cuda does not have a deterministic implementation, but you set "
        "'torch.use_deterministic_algorithms(True)'. You can turn off determinism just for this operation"
    )
    trainer = _trainer(registry, tmp_path / "run", Told())
    monkeypatch.setattr(trainer.engine, "step", lambda *a: (_ for _ in ()).throw(RuntimeError(text)))
    with pytest.raises(GanzooError, match="no deterministic kernel for this: .*reflection_pad2d") as error:
        trainer.train()
    assert "Train without --deterministic" in error.value.hint


def test_an_unknown_table_in_a_runs_config_is_damage(registry, unbroken, tmp_path):
    import shutil

    from ganzoo.errors import CheckpointError
    from ganzoo.runs.run import open_run

    shutil.copytree(unbroken, tmp_path / "run")
    config = tmp_path / "run" / "config.toml"
    config.write_text(config.read_text().replace("[data]", "[dbta]"))
    with pytest.raises(CheckpointError, match="tables of other names: dbta"):
        open_run(tmp_path / "run", registry)


def test_retention_counts_from_what_was_just_written(registry, tmp_path):
    from ganzoo.runs import checkpoint
    from ganzoo.training.engine_state import save_engine

    engine = _trainer(registry, tmp_path / "run", Told()).engine
    for step in (5, 6):
        save_engine(tmp_path / "c", engine, step=step, state={}, config="", keep=3)
    (tmp_path / "c" / "step-00000006" / "state.json").write_text("damaged")
    written = save_engine(tmp_path / "c", engine, step=5, state={}, config="", keep=1)
    assert written.path.is_dir() and checkpoint.newest(tmp_path / "c")[0].step == 5


def test_an_edited_config_does_not_pass_for_the_runs_own(registry, unbroken, tmp_path):
    import shutil

    run = tmp_path / "run"
    shutil.copytree(unbroken, run)
    config = run / "config.toml"
    config.write_text(config.read_text().replace("batch_size = 8", "batch_size = 9"))
    done = ganzoo("train", "--resume", run, "--steps", 14)
    assert_clean(done, status=1)
    assert "says batch_size = 9 in [train]; step-00000012 was trained with 8" in done.stderr
