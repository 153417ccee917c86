"""Checkpoints that were cut, flipped, half-written or half-removed."""

import json
import subprocess
import sys
import time

import pytest
import torch

from ganzoo.errors import CheckpointError
from ganzoo.runs import checkpoint
from ganzoo.testing import Subject
from ganzoo.testing.subject import differing, whole_state
from ganzoo.training.engine_state import restore_engine, save_engine


@pytest.fixture(scope="module")
def subject(registry):
    return Subject(registry.architecture("dcgan"))


@pytest.fixture
def engine(subject):
    return subject.engine()


def save(folder, engine, step, keep=10):
    return save_engine(folder, engine, step=step, state={"note": step}, config="# config\n", keep=keep)


def test_what_is_written_comes_back(tmp_path, subject, engine):
    subject.train(engine, range(3))
    saved = save(tmp_path, engine, 3)
    names = {item.name for item in saved.path.iterdir()}
    expected = {"model.safetensors", "ema.safetensors", "optimizers.pt", "state.json", "config.toml", "manifest.json"}
    assert names == expected
    torch.load(saved.path / "optimizers.pt", weights_only=True)
    other = subject.engine()
    restore_engine(other, saved)
    assert not differing(whole_state(engine), whole_state(other))
    assert saved.state() == {"step": 3, "note": 3}


def test_the_newest_are_kept(tmp_path, engine):
    for step in (1, 2, 3, 4):
        save(tmp_path, engine, step, keep=2)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["step-00000003", "step-00000004"]


def test_damage_anywhere_is_found_and_the_one_before_is_used(tmp_path, engine):
    save(tmp_path, engine, 1)
    latest = save(tmp_path, engine, 2).path
    for file in sorted(latest.iterdir()):
        content = file.read_bytes()
        damages = [content[:cut] for cut in (0, 1, len(content) // 2, len(content) - 1)]
        for place in range(0, len(content), max(1, len(content) // 7)):
            flipped = bytearray(content)
            flipped[place] ^= 0x10
            damages.append(bytes(flipped))
        for damage in [*damages, None]:
            if damage is None:
                file.unlink()
            else:
                file.write_bytes(damage)
            found, passed_over = checkpoint.newest(tmp_path)
            if found.step == 2:  # white space or a key of the manifest that does not matter
                assert file.name == "manifest.json"
            else:
                assert found.step == 1 and len(passed_over) == 1 and str(latest) in passed_over[0]
        file.write_bytes(content)
    assert checkpoint.newest(tmp_path)[0].step == 2


def test_when_nothing_is_whole_every_damage_is_named(tmp_path, engine):
    for step in (1, 2):
        (save(tmp_path, engine, step).path / "model.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError) as caught:
        checkpoint.newest(tmp_path)
    assert caught.value.message.count("model.safetensors is damaged") == 2
    with pytest.raises(CheckpointError, match="There is no whole checkpoint"):
        checkpoint.newest(tmp_path / "nowhere")


def test_a_manifest_cannot_smuggle_a_pickle_in(tmp_path, engine):
    """The optimisers' file is opened with weights_only: a consistent sha256 does not make it run."""

    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "evil"), "w"))

    path = save(tmp_path / "run", engine, 1).path
    torch.save(Evil(), path / "optimizers.pt")
    manifest = json.loads((path / "manifest.json").read_text())
    import hashlib

    manifest["sha256"]["optimizers.pt"] = hashlib.sha256((path / "optimizers.pt").read_bytes()).hexdigest()
    (path / "manifest.json").write_text(json.dumps(manifest))
    found, _ = checkpoint.newest(tmp_path / "run")
    with pytest.raises(CheckpointError, match="does not fit this architecture"):
        restore_engine(engine, found)
    assert not (tmp_path / "evil").exists()


def test_a_full_disk_leaves_the_older_checkpoints(tmp_path, engine, monkeypatch):
    save(tmp_path, engine, 1)

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    for target in ("safetensors.torch.save_file", "torch.save", "os.fsync", "pathlib.Path.rename"):
        with monkeypatch.context() as patch:
            patch.setattr(target, full)
            with pytest.raises(CheckpointError, match="could not be written") as caught:
                save(tmp_path, engine, 2)
            assert "No space left" in caught.value.message
        assert [item.name for item in tmp_path.iterdir()] == ["step-00000001"]
        assert checkpoint.newest(tmp_path)[0].step == 1


def test_a_damaged_checkpoint_is_replaced_by_the_same_step(tmp_path, engine):
    path = save(tmp_path, engine, 1).path
    (path / "state.json").write_text("{")
    save(tmp_path, engine, 1)
    assert checkpoint.newest(tmp_path)[0].step == 1


def test_what_a_kill_leaves_behind_is_cleaned(tmp_path, engine):
    save(tmp_path, engine, 1)
    for name in (".writing-step-00000002", ".removing-step-00000000"):
        (tmp_path / name).mkdir()
    assert checkpoint.newest(tmp_path)[0].step == 1
    checkpoint.clean(tmp_path)
    assert [item.name for item in tmp_path.iterdir()] == ["step-00000001"]


def test_real_kills_leave_a_whole_checkpoint(tmp_path):
    """A writer that does nothing but write is killed at five different moments."""
    code = f"""
import pathlib
from ganzoo.plugin.registry import Registry
from ganzoo.testing import Subject
from ganzoo.training.engine_state import save_engine
engine = Subject(Registry.load().architecture("dcgan")).engine()
step = 0
while True:
    step += 1
    save_engine(pathlib.Path({str(tmp_path)!r}), engine, step=step, state={{}}, config="", keep=2)
    if step == 1:
        print("ready", flush=True)
"""
    steps = []
    for round in range(5):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.05 + 0.037 * round)
        process.kill()
        process.wait()
        process.stdout.close()
        found, passed_over = checkpoint.newest(tmp_path)
        assert passed_over == []
        steps.append(found.step)
        checkpoint.clean(tmp_path)
        assert all(item.name.startswith("step-") for item in tmp_path.iterdir())
    assert all(step >= 1 for step in steps)
