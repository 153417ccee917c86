"""What is written: whole or not at all, never through a stranger's link, never over somebody else's file."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import run_main, special
from PIL import Image

import ganzoo as gz
from ganzoo import files
from ganzoo.errors import CheckpointError, RequestError


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A run of two checkpoints with its export and metrics."""
    run = tmp_path_factory.mktemp("sound") / "run"
    begin = ("dcgan", "--preset", "tiny", "--data", "digits", "--out", run, "--set", "train.checkpoint_every_kimg=0.01")
    assert run_main("train", *begin)[0] == 0
    assert run_main("export", run)[0] == 0
    return run


@pytest.fixture
def run(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "run")


@pytest.fixture
def mine(tmp_path):
    """A file and a folder of the user's, outside the run."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "precious").write_text("precious\n")
    return folder


def names(folder):
    return sorted(item.name for item in folder.iterdir())


def unharmed(mine):
    return names(mine) == ["precious"] and (mine / "precious").read_text() == "precious\n"


# Files


class Stopped(BaseException):
    """As Ctrl-C is."""


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Stopped()])
@pytest.mark.parametrize("where", ["write", "sync", "rename"])
def test_whatever_fails_the_old_file_is_whole_and_nothing_is_beside_it(tmp_path, monkeypatch, error, where):
    path = tmp_path / "x.json"
    path.write_text("old")

    def fail(*_):
        raise error

    if where != "write":
        monkeypatch.setattr(files.os, {"sync": "fsync", "rename": "replace"}[where], fail)
    with pytest.raises(type(error)), files.written_beside(path) as partial:
        partial.write_text("new")
        if where == "write":
            raise error
    monkeypatch.undo()
    assert path.read_text() == "old" and names(tmp_path) == ["x.json"]


def test_the_mode_is_what_the_umask_says(tmp_path):
    for mask, expected in ((0o022, 0o644), (0o077, 0o600), (0o002, 0o664)):
        before = os.umask(mask)
        try:
            files.write_text(tmp_path / "x", "x")
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == expected


def test_a_folder_that_may_not_be_written(tmp_path):
    """As another user, where this one may do everything."""
    folder = tmp_path / "folder"
    folder.mkdir()
    gz.Pictures(_pixels()).save(folder / "x.png")
    old = (folder / "x.png").read_bytes()
    folder.chmod(0o555)
    code = (
        "import os, sys\nimport numpy as np, ganzoo as gz\n"
        "pictures = gz.Pictures(np.zeros((1, 4, 4, 1), 'uint8'))\n"
        "from PIL import Image; Image.init()\nimport ganzoo.data.pictures\n"
        "if os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: pictures.save(sys.argv[1])\n"
        "except gz.GanzooError as error: print(error)\n"
    )
    for parent in (tmp_path, *tmp_path.parents[:-2]):
        parent.chmod(parent.stat().st_mode | 0o055)  # pytest's own folders are private
    done = subprocess.run([sys.executable, "-c", code, folder / "x.png"], capture_output=True, text=True, check=False)
    folder.chmod(0o755)
    assert "x.png cannot be written: PermissionError" in done.stdout, done.stderr
    assert (folder / "x.png").read_bytes() == old and names(folder) == ["x.png"]


def test_long_names_and_odd_ones(tmp_path):
    for name in ("n" * 251 + ".png", "x y'\"$(z).png", "\u202e\u00e9.png", "\udcff.png"):
        path = gz.Pictures(_pixels()).save(tmp_path / name)
        assert Image.open(path).size == (4, 4)
    assert not [name for name in names(tmp_path) if name.startswith(".")]


def _pixels():
    import numpy as np

    return np.zeros((1, 4, 4, 3), "uint8")


def test_a_link_of_the_users_own_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.png").symlink_to(tmp_path / "real" / "x.png")
    gz.Pictures(_pixels()).save(tmp_path / "link.png")
    assert (tmp_path / "link.png").is_symlink() and (tmp_path / "real" / "x.png").is_file()


@pytest.mark.parametrize("kind", ["fifo", "device", "socket", "folder"])
def test_a_place_that_no_file_can_take(tmp_path, kind):
    path = tmp_path / "x.png"
    special(path, kind)
    with pytest.raises(RequestError, match=r"cannot be written: OSError: .* is a"):
        gz.Pictures(_pixels()).save(path)
    assert not path.is_file()


# Runs


LINKED = ["config.toml", "record.json", "metrics.jsonl", "samples", "checkpoints", "run.lock"]


@pytest.mark.parametrize("name", LINKED)
@pytest.mark.parametrize("how", ["symbolic", "dangling", "hard"])
def test_nothing_is_written_through_a_link_in_a_run(run, mine, name, how):
    place, target = run / name, mine / "precious"
    if how == "hard" and place.is_dir():
        pytest.skip("folders have no hard links")
    content = {item: item.read_bytes() for item in mine.iterdir()}
    if place.is_dir():
        moved = mine.parent / "moved"
        place.rename(moved)
        place.symlink_to(mine / "gone" if how == "dangling" else mine)
    else:
        kept = place.read_bytes()
        place.unlink()
        if how == "dangling":
            place.symlink_to(mine / "gone")
        else:
            target.write_bytes(kept)  # so that it can be read, and the write is what is refused
            content = {target: kept}
            place.symlink_to(target) if how == "symbolic" else place.hardlink_to(target)
    status, _, err = run_main("train", "--resume", run, "--steps", 6)
    assert status in (1, 2) and "error: " in err and "Traceback" not in err
    assert {item: item.read_bytes() for item in mine.iterdir()} == content


def test_links_for_what_is_written_beside(run, mine):
    """The hidden names are not to be guessed, and what stands under one is not opened."""
    for name in ("config.toml", "record.json", "metrics.jsonl"):
        (run / f".writing-{name}").symlink_to(mine / "precious")
    (run / "checkpoints" / ".writing-step-00000006").symlink_to(mine)
    assert run_main("train", "--resume", run, "--steps", 6)[0] == 0
    assert unharmed(mine) and not list(run.rglob(".writing*"))


def test_exports_go_through_no_link(run, mine):
    shutil.rmtree(run / "exports")
    (run / "exports").symlink_to(mine)
    status, _, err = run_main("export", run)
    assert status == 1 and "exports is a symbolic link" in err and unharmed(mine)
    (run / "exports").unlink()
    (run / "exports").mkdir()
    (run / "exports" / "generator.onnx").symlink_to(mine / "precious")
    assert run_main("export", run)[0] in (1, 2) and unharmed(mine)


@pytest.mark.parametrize(
    "name", ["../../../mine/precious", "/etc/passwd", "a/../../x", "", ".", "..", "x\0y", "/dev/zero"]
)
def test_a_manifest_names_nothing_outside(run, name, mine):
    (checkpoint,) = [item for item in (run / "checkpoints").iterdir() if item.name.endswith("4")]
    manifest = json.loads((checkpoint / "manifest.json").read_text())
    manifest["sha256"][name] = "0" * 64
    (checkpoint / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CheckpointError, match="cannot be read|leaves|no name"):
        gz.load(run, checkpoint="4")


def test_files_of_a_run_are_not_read_through_links_out_of_it(run, mine):
    model = next((run / "checkpoints").glob("*4")) / "model.safetensors"
    shutil.move(model, mine / "weights")
    model.symlink_to(mine / "weights")
    with pytest.raises(CheckpointError, match="a link that leaves"):
        gz.load(run, checkpoint="4")
    model.unlink()
    shutil.move(mine / "weights", run / "weights")
    model.symlink_to(Path("..", "..", "weights"))  # inside, it is the run's own
    assert len(gz.load(run, checkpoint="4").sample([0])) == 1


@pytest.mark.parametrize("verb", ["train", "import"])
@pytest.mark.parametrize(
    "content", [{"config.toml": "[run]\nfast = true\n"}, {"config.toml": ""}, {"a.txt": "x"}, {".hidden": "x"}]
)
def test_a_folder_of_another_program_is_no_place_for_a_run(tmp_path, verb, content):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, text in content.items():
        (folder / name).write_text(text)
    if verb == "train":
        status, _, err = run_main("train", "dcgan", "--preset", "tiny", "--data", "digits", "--out", folder)
    else:
        (tmp_path / "x.pth").write_bytes(b"x")
        status, _, err = run_main("import", tmp_path / "x.pth", "--as", "cyclegan", "--out", folder)
    assert status == 1 and "exists already and is neither empty nor a run" in err and "--out" in err
    assert {item.name: item.read_text() for item in folder.iterdir()} == content


def test_a_run_that_learnt_nothing_is_begun_again_and_one_that_did_is_not(run):
    arguments = ("train", "dcgan", "--preset", "tiny", "--data", "digits", "--out", run)
    status, _, err = run_main(*arguments)
    assert status == 1 and "exists already and holds a run" in err
    shutil.rmtree(run / "checkpoints")
    assert run_main(*arguments)[0] == 0


def test_a_second_process_is_told_who_trains(run, tmp_path):
    from ganzoo.runs.lock import RunLock

    code = f"""
import sys
from pathlib import Path
from ganzoo.runs.lock import RunLock
held = RunLock(Path({str(run)!r}))
print("held", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        for arguments in (("--resume", run), ("dcgan", "--preset", "tiny", "--data", "digits", "--out", run)):
            if "--out" in arguments:
                shutil.rmtree(run / "checkpoints")
            status, _, err = run_main("train", *arguments)
            assert status == 2 and f"is being trained by process {other.pid} of " in err
        other.kill()  # however it ends, the lock ends with it
    RunLock(run).release()


def test_two_trainings_of_one_process_do_not_meet(run):
    from ganzoo.runs.lock import RunLock

    held = RunLock(run)
    with pytest.raises(CheckpointError, match=f"process {os.getpid()} of "):
        gz.resume(run, steps=6)
    held.release()
    assert gz.resume(run, steps=6).steps == 6
    assert gz.resume(run, steps=8).steps == 8  # released when training ends


def test_a_run_of_before_there_were_markers(run):
    (run / "run.lock").unlink()
    assert gz.resume(run, steps=6).steps == 6
    assert (run / "run.lock").is_file()


def test_a_failed_resume_lets_go_of_the_run(run):
    (next((run / "checkpoints").glob("*4")) / "config.toml").write_text("")
    with pytest.raises(gz.GanzooError):
        gz.resume(run, settings={"data.memory_gb": 0.0}, steps=3)
    assert run_main("train", "--resume", run, "--steps", 6)[0] == 0


# Outputs that are inputs


def test_an_output_is_never_an_input(sound, tmp_path):
    model = shutil.copy(sound / "exports" / "generator.onnx", tmp_path / "m.onnx")
    alias, hard = tmp_path / "alias.json", tmp_path / "hard.json"
    alias.symlink_to(model)
    hard.hardlink_to(model)
    latent = tmp_path / "z.npy"
    import numpy as np

    np.save(latent, np.zeros((1, 8), "float32"))
    for out in (model, alias, hard):
        status, _, err = run_main("bench", model, "-o", out, "--repeats", 1, "--seconds", 0.3, "--max-time", 30)
        assert status == 2 and "is what is to be read" in err
    status, _, err = run_main("bench", model, "--input", f"z={latent}", "-o", latent, "--max-time", 1)
    assert status == 2 and "is what is to be read" in err
    assert model.read_bytes() == (sound / "exports" / "generator.onnx").read_bytes()
    assert np.load(latent).shape == (1, 8)


def test_a_result_takes_no_other_files_place(sound, tmp_path):
    model = sound / "exports" / "generator.onnx"
    notes = tmp_path / "notes.json"
    notes.write_text('{"a": 1}')
    status, _, err = run_main("bench", model, "-o", notes, "--repeats", 1, "--seconds", 0.3, "--max-time", 30)
    assert status == 2 and "ganzoo bench did not write it" in err and notes.read_text() == '{"a": 1}'


def test_an_export_takes_no_other_models_place(sound, tmp_path):
    import onnx

    foreign = onnx.load(sound / "exports" / "generator.onnx")
    del foreign.metadata_props[:]
    onnx.save(foreign, tmp_path / "m.onnx")
    before = (tmp_path / "m.onnx").read_bytes()
    status, _, err = run_main("export", sound, "-o", tmp_path / "m.onnx")
    assert status == 2 and "is a model that ganzoo did not export" in err
    assert (tmp_path / "m.onnx").read_bytes() == before


def test_a_picture_to_translate_is_spared(tmp_path):
    for name in ("a.png", "b.png"):
        Image.new("RGB", (16, 16), "red").save(tmp_path / name)
    (tmp_path / "c.png").hardlink_to(tmp_path / "a.png")
    model = tmp_path / "model"
    arguments = ("--untrained", "--preset", "tiny", "--set", "data.size=16", "--set", "data.channels=3")
    assert run_main("export", "pix2pix", *arguments, "-o", model)[0] == 0
    model = next(model.glob("*.onnx"))
    for out in ("a.png", "c.png"):
        before = (tmp_path / "a.png").read_bytes()
        status, _, err = run_main("sample", model, "-i", tmp_path / "a.png", "-o", tmp_path / out)
        assert status == 2 and "one of the pictures to translate" in err and (tmp_path / "a.png").read_bytes() == before


def test_a_graph_that_names_a_path_is_not_exported(tmp_path):
    from ganzoo.exporting.exporter import _in_folder

    class Origin:
        class offer:  # noqa: N801
            maker = "'x' of y"

    for name in ("../x.onnx", "a/b.onnx", "a\0.onnx", "..\\x.onnx"):
        with pytest.raises(gz.GanzooError, match="no name of a file"):
            _in_folder(tmp_path, name, Origin)


def test_hidden_files_of_the_users_own_stay(run, mine):
    """Scratch of ours has names of our own."""
    diary = mine / ".writing-diary.txt"
    diary.write_text("x")
    os.utime(diary, (0, 0))
    gz.Pictures(_pixels()).save(mine / "x.png")
    notes, backup = run / ".writing-thesis", run / "checkpoints" / ".backup-step-notes"
    notes.mkdir()
    backup.mkdir()
    gz.resume(run, steps=6)
    assert diary.is_file() and notes.is_dir() and backup.is_dir()


def test_pictures_take_the_place_of_pictures_alone(sound, tmp_path):
    """A model may keep its weights under any name."""
    model = shutil.copy(sound / "exports" / "generator.onnx", tmp_path / "m.onnx")
    weights = tmp_path / "photo.png"
    weights.write_bytes(bytes(4096))
    status, _, err = run_main("sample", model, "-o", weights, "-n", 1)
    assert status == 2 and "is there, and is no picture" in err and weights.read_bytes() == bytes(4096)
    assert run_main("sample", model, "-o", tmp_path / "new.png", "-n", 1)[0] == 0
    assert run_main("sample", model, "-o", tmp_path / "new.png", "-n", 1)[0] == 0


def test_a_proof_takes_no_other_files_place(sound, tmp_path):
    (tmp_path / "m.proof.json").write_text('{"my": "notes"}')
    status, _, err = run_main("export", sound, "-o", tmp_path / "m.onnx")
    assert status == 2 and "is no proof of ganzoo" in err and not (tmp_path / "m.onnx").exists()
    assert (tmp_path / "m.proof.json").read_text() == '{"my": "notes"}'


def test_a_file_that_no_manifest_lists_is_not_read(run, mine):
    checkpoint = next((run / "checkpoints").glob("*4"))
    shutil.move(checkpoint / "ema.safetensors", mine / "ema.safetensors")
    (checkpoint / "ema.safetensors").symlink_to(mine / "ema.safetensors")
    manifest = json.loads((checkpoint / "manifest.json").read_text())
    del manifest["sha256"]["ema.safetensors"]
    (checkpoint / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CheckpointError, match="ema.safetensors is not listed"):
        gz.load(run, checkpoint="4")
    (checkpoint / "ema.safetensors").unlink()
    os.mkfifo(checkpoint / "ema.safetensors")
    with pytest.raises(CheckpointError, match="ema.safetensors is not listed"):
        gz.load(run, checkpoint="4")


def test_a_folder_of_translations_spares_what_is_there(tmp_path):
    arguments = ("--untrained", "--preset", "tiny", "--set", "data.size=16", "--set", "data.channels=3")
    assert run_main("export", "pix2pix", *arguments, "-o", tmp_path / "m.onnx")[0] == 0
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    out.mkdir()
    for name in ("a.png", "a.bmp", "b.png"):
        Image.new("RGB", (16, 16), "red").save(photos / name)
    assert run_main("sample", tmp_path / "m.onnx", "-i", photos, "-o", out)[0] == 0
    assert names(out) == ["a.bmp.png", "a.png", "b.png"]
    assert run_main("sample", tmp_path / "m.onnx", "-i", photos, "-o", out)[0] == 0  # over its own
    Image.new("RGB", (16, 16), "blue").save(out / "b.png")
    status, _, err = run_main("sample", tmp_path / "m.onnx", "-i", photos, "-o", out)
    assert status == 2 and "b.png is there, and ganzoo did not paint it" in err


def test_a_run_that_a_backup_linked(run, tmp_path):
    """cp -al: the message says how to go on."""
    shutil.copytree(run, tmp_path / "backup", copy_function=os.link)
    with pytest.raises(CheckpointError, match=r"is a hard link.*\n.*cp -rL RUN COPY"):
        gz.resume(run, steps=6)
    assert len(gz.load(run).sample([0])) == 1
    shutil.copytree(run, tmp_path / "copy")
    assert gz.resume(tmp_path / "copy", steps=6).steps == 6
