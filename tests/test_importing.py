"""Files that other people wrote: what is read, and what is refused without being run."""

import io
import os
import pickle
import zipfile
from collections import OrderedDict

import pytest
import torch
from helpers import assert_clean, ganzoo
from safetensors.torch import save_file

from ganzoo.architecture.foreign_weights import load_tensors
from ganzoo.errors import CheckpointError, RequestError


class Run:
    """Unpickling it runs a command."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


def test_state_dicts_with_their_wrappings_removed(tmp_path):
    plain = {"a.weight": torch.ones(2, 3, dtype=torch.float16), "a.count": torch.tensor(3)}
    wrapped = OrderedDict((f"module.{name}", tensor) for name, tensor in plain.items())
    for number, content in enumerate(
        [plain, wrapped, {"state_dict": wrapped, "epoch": 5}, {"net": {"state_dict": plain}}]
    ):
        path = tmp_path / f"{number}.pth"
        torch.save(content, path)
        found = load_tensors(path)
        assert set(found) == set(plain)
        assert found["a.weight"].dtype == torch.float32 and found["a.count"].dtype == torch.int64
    torch.save(plain, tmp_path / "old.pth", _use_new_zipfile_serialization=False)  # before torch 1.6
    assert torch.equal(load_tensors(tmp_path / "old.pth")["a.weight"], torch.ones(2, 3))
    save_file(plain, tmp_path / "new.safetensors")
    assert set(load_tensors(tmp_path / "new.safetensors")) == set(plain)


@pytest.mark.parametrize("old", [False, True])
def test_a_pickle_that_wants_to_run_something_runs_nothing(tmp_path, old):
    marker, path = tmp_path / "ran", tmp_path / "evil.pth"
    torch.save({"a": torch.ones(1), "b": Run(marker)}, path, _use_new_zipfile_serialization=not old)
    with pytest.raises(CheckpointError, match=r"is refused: unpickling it would call posix.system.*Nothing was run"):
        load_tensors(path)
    path.write_bytes(pickle.dumps(Run(marker)))
    with pytest.raises(CheckpointError):
        load_tensors(path)
    assert not marker.exists()


def test_a_whole_pickled_network_is_refused_with_what_to_do(tmp_path):
    torch.save(torch.nn.Linear(1, 1), tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match=r"torch.nn.modules.linear.Linear.*\n.*torch.save\(net.state_dict\(\)"):
        load_tensors(tmp_path / "net.pth")


def test_files_that_hold_something_else(tmp_path):
    zip_file = io.BytesIO()
    with zipfile.ZipFile(zip_file, "w") as archive:
        archive.writestr("x/data.pkl", b"no pickle")
    whole = io.BytesIO()
    torch.save({"a": torch.ones(100)}, whole)
    for content, message in [
        (b"", "is refused: it is not a file that torch saved"),
        (b"hello", "refused|not a file that torch saved"),
        (zip_file.getvalue(), "refused|not a file that torch saved"),
        (whole.getvalue()[:-200], "not a file that torch saved"),
    ]:
        (tmp_path / "x.pth").write_bytes(content)
        with pytest.raises(CheckpointError, match=message):
            load_tensors(tmp_path / "x.pth")
    for value, message in [
        ({}, "holds nothing"),
        (torch.ones(1), "holds a Tensor; expected a state dict"),
        ([torch.ones(1)], "holds a list"),
        ({"a": torch.ones(1), "epoch": 5}, "'epoch' is a int; expected a tensor"),
        ({"a": torch.tensor([1.0, float("nan")])}, "'a' has values that are not finite"),
        ({"a": torch.ones(1).expand(10**6, 10**6)}, "its tensors claim 4,000,000,000,000 bytes"),
        ({"a": torch.eye(2).to_sparse()}, "expected plain numbers"),
    ]:
        torch.save(value, tmp_path / "x.pth")
        with pytest.raises(CheckpointError, match=message):
            load_tensors(tmp_path / "x.pth")
    with pytest.raises(RequestError, match="is not there"):
        load_tensors(tmp_path / "none.pth")
    with pytest.raises(RequestError, match="is a directory"):
        load_tensors(tmp_path)


def test_an_archive_that_was_compressed_is_refused(tmp_path):
    torch.save({"a": torch.zeros(100_000)}, tmp_path / "plain.pth")
    with (
        zipfile.ZipFile(tmp_path / "plain.pth") as plain,
        zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for item in plain.infolist():
            bomb.writestr(item.filename, plain.read(item), compress_type=zipfile.ZIP_DEFLATED)
    with pytest.raises(CheckpointError, match="it is a compressed archive"):
        load_tensors(tmp_path / "bomb.pth")


def test_an_architecture_without_importer_says_which_have_one(tmp_path):
    (tmp_path / "x.pth").write_bytes(b"x")
    done = ganzoo("import", tmp_path / "x.pth", "--as", "wgan", "--out", tmp_path / "run")
    assert_clean(done, status=2)
    assert "wgan imports no other code's checkpoints." in done.stderr and "cyclegan" in done.stderr
    assert not (tmp_path / "run").exists()
