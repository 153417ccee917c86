"""Stop anywhere, and go on as if nothing had happened."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from helpers import assert_clean, ganzoo
from safetensors.torch import load_file, save_file

from ganzoo.errors import CheckpointError
from ganzoo.plugin.registry import Registry
from ganzoo.runs import checkpoint
from ganzoo.testing import Subject
from ganzoo.testing.subject import differing, whole_state
from ganzoo.training.engine_state import restore_engine, save_engine

STEPS = 12  # three lazy phases, three moves of ADA, and with 17 pictures in batches of 8 six epochs
HARD = {
    "augment": "ada", "augment_kimg": 0.2, "augment_target": 0.01, "discriminator_lr": 0.05,
    "generator_lr": 1e-5, "penalty_weight": 0.1,
    "penalty": "r1", "penalty_every": 4, "ema_half_life_kimg": 0.05,
}  # fmt: skip
ARGUMENTS = [part for key, value in HARD.items() for part in ("--set", f"{key}={value}")]
"""The architecture `gan` has dropout; these settings add lazy phases, ADA and a quick average."""


class Died(BaseException):
    """What a kill looks like from inside: nothing is caught, nothing is cleaned up."""


@pytest.fixture(scope="module")
def subject():
    return Subject(Registry.load().architecture("gan"), settings=HARD)


@pytest.fixture(scope="module")
def unbroken(subject):
    engine = subject.engine()
    subject.train(engine, range(STEPS))
    state = whole_state(engine)
    assert state["model augmentation.probability"] > 0
    return state


class Faults:
    """Counts the writes, fsyncs and renames of a checkpoint, and fails one of them in one way."""

    def __init__(self, monkeypatch, *, at=-1, how="before", error=None):
        self.seen, self.at, self.how, self.error = [], at, how, error
        self._wrap(monkeypatch, "safetensors.torch.save_file", save_file, writes=True)
        self._wrap(monkeypatch, "pathlib.Path.write_text", Path.write_text, writes=True)
        self._wrap(monkeypatch, "torch.save", torch.save, writes=True)
        self._wrap(monkeypatch, "os.fsync", os.fsync)
        self._wrap(monkeypatch, "pathlib.Path.rename", Path.rename)

    def _wrap(self, monkeypatch, target, original, *, writes=False):
        def call(*arguments, **named):
            number = len(self.seen)
            self.seen.append(target.rpartition(".")[2])
            if number != self.at:
                return original(*arguments, **named)
            if self.how == "half" and writes:
                original(*arguments, **named)
                path = next(Path(item) for item in arguments if isinstance(item, str | Path) and Path(item).is_file())
                os.truncate(path, path.stat().st_size // 2)
            elif self.how == "after":
                original(*arguments, **named)
            raise self.error

        monkeypatch.setattr(target, call)


def save(folder, engine, step):
    return save_engine(folder, engine, step=step, state={}, config="", keep=1)


def operations(folder, engine):
    with pytest.MonkeyPatch.context() as patch:
        faults = Faults(patch)
        save(folder, engine, 1)
    return faults.seen


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Died("kill -9")], ids=["error", "kill"])
@pytest.mark.parametrize("how", ["before", "half", "after"])
def test_a_fault_at_every_operation_of_a_checkpoint(subject, unbroken, tmp_path, error, how):
    """Whatever fails, the checkpoint that is found resumes to the bits of an unbroken run."""
    engine = subject.engine()
    names = operations(tmp_path / "count", engine)
    # seven files, each written and synced, two folders synced, one rename
    assert names.count("fsync") == 8 and names.count("rename") == 1 and len(names) == 15, names
    for at in range(len(names)):
        folder = tmp_path / f"{at}"
        engine = subject.engine()
        subject.train(engine, range(3))
        save(folder, engine, 3)
        subject.train(engine, range(3, 7))
        with pytest.MonkeyPatch.context() as patch:
            Faults(patch, at=at, how=how, error=error)
            with pytest.raises(CheckpointError if isinstance(error, OSError) else Died):
                save(folder, engine, 7)
        found, passed_over = checkpoint.newest(folder)
        assert passed_over == [] and found.step in (3, 7)
        assert found.step == 3 or names[at] in ("fsync", "rename"), names[at]
        checkpoint.clean(folder)
        assert all(item.name.startswith("step-") for item in folder.iterdir())
        resumed = subject.engine()
        restore_engine(resumed, found)
        subject.train(resumed, range(found.step, STEPS))
        assert not differing(unbroken, whole_state(resumed)), (at, names[at])


def test_a_kill_in_the_first_checkpoint_leaves_a_run_that_can_be_begun_again(tmp_path):
    run = tmp_path / "run"
    command = ("train", "gan", "--preset", "tiny", "--data", "digits", "--out", run)
    assert_clean(ganzoo(*command), status=0)
    (only,) = (run / "checkpoints").iterdir()
    only.rename(run / "checkpoints" / f".writing-{only.name}")
    assert_clean(ganzoo(*command), status=0)
    assert [item.name for item in (run / "checkpoints").iterdir()] == [only.name]


@pytest.mark.slow
def test_a_real_limit_on_file_size(tmp_path):
    """The system itself refuses to write on, as a full disk or a quota does."""
    if sys.platform == "win32":
        pytest.skip("no resource limits")
    assert_clean(ganzoo("train", "gan", "--preset", "tiny", "--data", "digits", "--out", tmp_path / "run"), status=0)
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        f"from ganzoo.cli import main; main(['train', '--resume', {str(tmp_path / 'run')!r}, '--steps', '6'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert "could not be written" in done.stderr and "Earlier checkpoints are intact" in done.stderr
    done = ganzoo("train", "--resume", tmp_path / "run", "--steps", 6)
    assert_clean(done, status=0)
    assert "going on at step 4" in done.stderr


def weights(run, step):
    folder = run / "checkpoints" / f"step-{step:08d}"
    files = {file: load_file(folder / f"{file}.safetensors") for file in ("model", "ema")}
    return {(file, name): tensor for file, tensors in files.items() for name, tensor in tensors.items()}


def train_command(run, *, steps, resume):
    begin = ["gan", "--preset", "tiny", "--data", "digits", "--out", str(run), *ARGUMENTS]
    begin += ["--set", "train.checkpoint_every_kimg=0.016", "--set", "train.log_every_steps=1"]  # every other step
    begin += ["--set", "train.score_count=16"]
    verb = ["--resume", str(run)] if resume else begin
    return [sys.executable, "-m", "ganzoo", "train", *verb, "--steps", str(steps)]


def kill_often(run, *, kills, steps):
    """Train, killing the process at moments drawn by a fixed seed, until it has been killed so often."""
    moments, done = random.Random(0), 0
    while done < kills:
        began = any((run / "checkpoints").glob("step-*"))
        process = subprocess.Popen(
            train_command(run, steps=steps, resume=began), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        for line in process.stderr:
            if line.startswith("step "):  # it trains now
                break
        time.sleep(moments.random() * 0.3)
        process.kill()
        _, err = process.communicate()
        assert "passed over" not in err and "Traceback" not in err, err
        done += 1
        found, passed_over = checkpoint.newest(run / "checkpoints") if began else (None, [])
        assert passed_over == [] and (found is None or found.step < steps), "the kills came after the end"


@pytest.mark.slow
@pytest.mark.parametrize("kills", [25])
def test_real_kills(tmp_path, kills):
    steps = 60 * kills
    kill_often(tmp_path / "run", kills=kills, steps=steps)
    last = subprocess.run(
        train_command(tmp_path / "run", steps=steps, resume=True), capture_output=True, text=True, check=False
    )
    assert last.returncode == 0, last.stderr
    whole = train_command(tmp_path / "unbroken", steps=steps, resume=False)
    subprocess.run(whole, capture_output=True, check=True)
    one, two = weights(tmp_path / "run", steps), weights(tmp_path / "unbroken", steps)
    assert one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)
    records = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == list(range(1, steps + 1))
