"""Nothing is left behind: no process and no scratch, whatever ends the command; and no run is lost."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from helpers import ganzoo, run_main, usual_signals

import ganzoo as gz
from ganzoo.errors import CheckpointError
from ganzoo.runtime.latency.result import BenchResult

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at /proc")


def started_by(marker):
    """Processes whose environment has the marker."""
    found = []
    for item in Path("/proc").iterdir():
        if item.name.isdecimal() and int(item.name) != os.getpid():
            with contextlib.suppress(OSError):
                if marker.encode() in (item / "environ").read_bytes() and (item / "cmdline").read_bytes():
                    found.append((int(item.name), (item / "cmdline").read_bytes().replace(b"\0", b" ").decode()))
    return found


def gone(marker, *, seconds=15.0):
    """What is still there after so long."""
    until = time.monotonic() + seconds
    while (left := started_by(marker)) and time.monotonic() < until:
        time.sleep(0.1)
    return left


@contextlib.contextmanager
def marked(command, scratch, **options):
    """A process that, with all it starts, can be told from others; its scratch has a folder of its own."""
    marker = f"GANZOO_TEST_MARK={random.random()}"
    environment = {**os.environ, "TMPDIR": str(scratch), **dict([marker.split("=")])}
    options |= {"stderr": subprocess.PIPE, "text": True, "preexec_fn": usual_signals}
    with subprocess.Popen(command, env=environment, **options) as process:
        try:
            yield process, marker
        finally:
            process.kill()
            for number, _ in started_by(marker):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "m.onnx"
    assert run_main("export", "dcgan", "--untrained", "--preset", "tiny", "-o", path)[0] == 0
    return path


@pytest.fixture
def scratch(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def left(scratch):
    """What is in a folder for temporary files, but for the cache that torch keeps there for good."""
    return [item.name for item in scratch.iterdir() if not item.name.startswith("torchinductor")]


def end_a_bench(model, scratch, out, how, after):
    command = [sys.executable, "-m", "ganzoo", "bench", model, "--repeats", "50", "--max-time", "600", "-o", out]
    with marked(command, scratch, stdout=subprocess.DEVNULL) as (process, marker):
        process.stderr.readline()  # the line before the first worker
        until, met = time.monotonic() + 20, 0
        while met < 2 and time.monotonic() < until:
            met = len(started_by(marker))
        assert met >= 2, "no worker was met"
        time.sleep(after)
        process.send_signal(how)
        process.wait(20)
        assert gone(marker) == []
    assert left(scratch) == [] and not out.exists()
    assert [item.name for item in out.parent.iterdir() if item.name.startswith(".")] == []


@pytest.mark.parametrize(
    "how", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL], ids=lambda how: how.name
)
def test_workers_of_a_bench_end_with_it(model, tmp_path, scratch, how):
    end_a_bench(model, scratch, tmp_path / "r.json", how, 0.5)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=lambda how: how.name)
def test_what_a_killed_bench_measured_reads_and_is_gone_on_with(model, tmp_path, scratch, how):
    out = tmp_path / "r.json"
    options = ["--batch", "1,2", "--seconds", "0.3", "--within", "9", "-o", out]
    command = [sys.executable, "-m", "ganzoo", "bench", model, "--repeats", "50", *options]
    with marked(command, scratch, stdout=subprocess.DEVNULL) as (process, marker):
        until = time.monotonic() + 40
        while not out.exists() and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(how)
        process.wait(20)
        assert gone(marker) == []
    cases = BenchResult.load(out).cases
    had = sum(len(case["processes"]) for case in cases)
    assert had >= 1 and {case["state"] for case in cases} <= {"ok", "unchecked", "failed"}
    status, _, err = run_main("bench", model, "--repeats", 2, *options, "--resume", out)
    assert status == 0, err
    after = BenchResult.load(out).cases
    assert [case["state"] for case in after] == ["ok", "ok"]
    assert sum(len(case["processes"]) for case in after) == max(4, had)


@pytest.mark.slow
def test_twenty_kills_of_a_bench(model, tmp_path, scratch):
    moments = random.Random(0)
    for number in range(20):
        end_a_bench(model, scratch, tmp_path / f"{number}.json", signal.SIGKILL, 2 * moments.random())


def begun(process, *, steps=1):
    """Read until it has said so many times that it trains."""
    said = []
    for line in process.stderr:
        said.append(line)
        if sum(one.startswith("step ") for one in said) == steps:
            return
    raise AssertionError(f"it ended before it trained: {said}")


TRAIN = ["--preset", "tiny", "--data", "digits", "--steps", "100000", "--set", "train.log_every_steps=1"]


def test_a_hang_up_saves(tmp_path, scratch):
    run = tmp_path / "run"
    command = [sys.executable, "-m", "ganzoo", "train", "dcgan", *TRAIN, "--out", run]
    with marked(command, scratch, stdout=subprocess.PIPE) as (process, _):
        begun(process)
        process.send_signal(signal.SIGHUP)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130 and "stopped; writing a checkpoint" in err and "--resume" in out
    assert gz.open_run(run).steps > 0


def test_nohup_is_respected(tmp_path, scratch):
    command = ["nohup", sys.executable, "-m", "ganzoo", "train", "dcgan", *TRAIN, "--out", tmp_path / "run"]
    with marked(command, scratch, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as (process, _):
        begun(process)
        process.send_signal(signal.SIGHUP)
        for _ in range(20):
            assert process.stderr.readline().startswith("step ")


def test_ranks_end_when_torchrun_is_killed(tmp_path, scratch):
    run = tmp_path / "run"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0"]
    command = [
        *torchrun,
        "--rdzv-backend",
        "c10d",
        "--rdzv-endpoint",
        "localhost:0",
        "-m",
        "ganzoo",
        "train",
        "dcgan",
        *TRAIN,
    ]
    with marked([*command, "--device", "cpu", "--out", run], scratch, stdout=subprocess.DEVNULL) as (process, marker):
        begun(process)
        assert len(started_by(marker)) >= 3
        process.kill()
        process.wait()
        assert gone(marker, seconds=40) == []
    assert gz.open_run(run).steps > 0  # what was learnt is saved
    assert gz.resume(run, steps=gz.open_run(run).steps + 1, device="cpu").outcome.finished


@pytest.mark.parametrize("how", ["removed", "moved", "replaced"])
def test_a_run_that_is_taken_away_ends_its_training(tmp_path, how):
    run = tmp_path / "run"

    class Thief:
        def update(self, progress):
            if progress.done == 4 and run.exists():
                shutil.rmtree(run) if how == "removed" else run.rename(tmp_path / "elsewhere")
                if how == "replaced":
                    (run / "checkpoints").mkdir(parents=True)
                    (run / "run.lock").write_text("another")

        def say(self, text):
            pass

    with pytest.raises(CheckpointError, match="was removed, moved or replaced while it was trained"):
        gz.train(
            "dcgan",
            data="digits",
            out=run,
            preset="tiny",
            steps=50,
            settings={"train.log_every_steps": 1},
            progress=Thief(),
        )
    if how == "replaced":
        assert sorted(item.name for item in run.iterdir()) == ["checkpoints", "run.lock"]
    else:
        assert not run.exists()
    if how == "moved":
        shutil.copytree(tmp_path / "elsewhere", run)


STREAMS = {
    "stderr closed": "2>&-",
    "stdout closed": ">&-",
    "both closed": ">&- 2>&-",
    "all closed": "<&- >&- 2>&-",
    "stderr full": "2>/dev/full",
    "stdout full": ">/dev/full",
    "both full": ">/dev/full 2>/dev/full",
    "a reader that leaves": "2>&1 | head -c 1",
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name not in ("all closed", "both full"))) for name in STREAMS],
)
def test_nobody_need_listen(tmp_path, name):
    run = tmp_path / "run"
    verb = (
        f"{sys.executable} -m ganzoo train dcgan --preset tiny --data digits --out {run} --set train.log_every_steps=1"
    )
    done = subprocess.run(["bash", "-o", "pipefail", "-c", f"{verb} {STREAMS[name]}"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert gz.open_run(run).steps == 4
    assert [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()] == [1, 2, 3, 4]
    for item in (run / "record.json", run / "config.toml"):
        assert b"step 1" not in item.read_bytes()  # what was said went into no file


@pytest.mark.parametrize("verb", [["list"], ["list", "--json"], ["plugins", "list", "--json"], ["info", "dcgan"]])
def test_a_result_that_cannot_be_written_is_an_error(verb):
    command = " ".join([sys.executable, "-m", "ganzoo", *verb])
    done = subprocess.run(["bash", "-c", f"{command} >/dev/full"], capture_output=True, text=True, check=False)
    assert (
        done.returncode == 1
        and done.stderr == "error: The result cannot be written to stdout: No space left on device.\n"
    )


def test_scratch_of_a_session_goes_with_its_process(tmp_path, monkeypatch):
    from ganzoo.scratch import remove_scratch, scratch

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch("ganzoo-x-") as folder:
        (folder / "x").write_text("x")
        remove_scratch()  # as a process does that ends at once
        assert list(tmp_path.iterdir()) == []


def test_what_a_killed_export_left_is_removed_a_day_later(tmp_path):
    from ganzoo import files

    old, new = tmp_path / ".writing-00000000.onnx", tmp_path / ".writing-11111111.onnx"
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (0, 0))
    files.write_text(tmp_path / "a.json", "{}")
    assert sorted(item.name for item in tmp_path.iterdir()) == [".writing-11111111.onnx", "a.json"]


def weights(run, step):
    from safetensors.torch import load_file

    folder = run / "checkpoints" / f"step-{step:08d}"
    return {(item.name, key): value for item in folder.glob("*.safetensors") for key, value in load_file(item).items()}


def _style_files(folder):
    import torch
    from PIL import Image
    from torchvision.models import vgg16

    torch.save(vgg16().state_dict(), folder / "vgg16.pth")
    Image.linear_gradient("L").resize((40, 40)).convert("RGB").save(folder / "style.png")
    return ["--set", f"style={folder / 'style.png'}", "--set", f"perceptual={folder / 'vgg16.pth'}"]


@pytest.mark.slow
def test_fifty_kills_over_all_architectures(tmp_path, scratch):
    """Each is killed at moments drawn by a seed, and ends with the bits of a run that never was."""
    import torch

    from ganzoo.architecture.build import implementation_class
    from ganzoo.plugin.registry import Registry

    offers, moments = [one for one in Registry.load().architectures if one.spec.trains], random.Random(0)
    kills = dict.fromkeys([offer.qualified_name for offer in offers], -(-50 // len(offers)))
    for offer in offers:
        run, steps = tmp_path / offer.name / "run", 80
        implementation = implementation_class(offer)
        data = {"pictures": "digits", "domains": "digits-neon", "pairs": "digits-outline"}[implementation.wants]
        if getattr(implementation, "degradation", ""):  # its pairs are made of good pictures
            data = "digits"
        files = _style_files(tmp_path) if offer.name == "fast-style" else []
        every = ["--steps", str(steps), "--set", "train.log_every_steps=1", "--set", "train.checkpoint_every_kimg=0.02"]
        begin = [
            "train",
            offer.qualified_name,
            "--preset",
            "tiny",
            "--data",
            data,
            *every,
            "--set",
            "train.score_count=0",
            *files,
        ]
        for _ in range(kills[offer.qualified_name]):
            saved = any((run / "checkpoints").glob("step-*"))
            verb = ["train", "--resume", run, *every] if saved else [*begin, "--out", run]
            with marked([sys.executable, "-m", "ganzoo", *verb], scratch, stdout=subprocess.DEVNULL) as (
                process,
                marker,
            ):
                begun(process, steps=moments.randrange(1, 10))
                time.sleep(moments.random() * 0.05)
                process.kill()
                process.wait()
                assert gone(marker) == [] and left(scratch) == []
        done = ganzoo("train", "--resume", run, *every)
        assert done.returncode == 0, done.stderr
        assert ganzoo(*begin, "--out", tmp_path / offer.name / "whole").returncode == 0
        one, two = weights(run, steps), weights(tmp_path / offer.name / "whole", steps)
        assert one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one), offer.name
        assert not list(run.rglob(".*")), "scratch"
