"""The command line under torchrun: one run from several processes, deaths, restarts."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from helpers import assert_clean, ganzoo
from safetensors.torch import load_file

from ganzoo.runs import checkpoint

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the ranks through /proc")

TINY = ["train", "gan", "--preset", "tiny", "--data", "digits", "--device", "cpu", "--set", "train.log_every_steps=1"]
OFTEN = ["--set", "train.checkpoint_every_kimg=0.032", "--set", "train.score_count=16"]


def torchrun(*arguments, restarts=0):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--max-restarts", str(restarts)]
    command += ["--master-port", "0", "--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", "-m", "ganzoo"]
    process = subprocess.Popen(
        [*command, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    watchdog = threading.Timer(120, process.terminate)  # ranks that wait for each other would wait for half an hour
    watchdog.daemon = True
    watchdog.start()
    return process


def kill_rank(rank, *, parent, number=signal.SIGKILL):
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = dict(
                line.split(":\t", 1) for line in (folder / "status").read_text().splitlines() if ":\t" in line
            )
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if int(status["PPid"]) == parent and f"RANK={rank}".encode() in environment:
            os.kill(int(folder.name), number)
            return
    raise AssertionError(f"rank {rank} was not found")


def wait_for(process, text):
    said = []
    for line in process.stderr:
        said.append(line)
        if text in line:
            return
    raise AssertionError(f"{text!r} was never said, but: {''.join(said)[-3000:]}")


def test_two_ranks_make_one_run_that_one_process_can_go_on_with(tmp_path):
    run = tmp_path / "run"
    plain = ("--set", "dropout=0.0")  # what is dropped depends on the rank
    process = torchrun(*TINY, *plain, "--out", run, "--steps", 30)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out.count("checkpoint  ") == 1  # one rank talks
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == list(range(1, 31))
    assert checkpoint.newest(run / "checkpoints")[0].state()["ranks"] == 2
    done = ganzoo("train", "--resume", run, "--steps", 40)
    assert_clean(done, status=0)
    assert "ranks 2 to 1" in done.stderr and "results will agree to rounding" in done.stderr
    assert_clean(ganzoo(*TINY, *plain, "--out", tmp_path / "alone", "--steps", 40), status=0)
    one, two = (
        load_file(path / "checkpoints" / "step-00000040" / "model.safetensors") for path in (run, tmp_path / "alone")
    )
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, two[name], rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_a_rank_that_dies_is_replaced_and_the_run_goes_on(tmp_path):
    run = tmp_path / "run"
    process = torchrun(*TINY, *OFTEN, "--out", run, "--steps", 3000, restarts=1)
    wait_for(process, "step 9/")
    kill_rank(1, parent=process.pid)
    wait_for(process, "going on at step")
    process.send_signal(signal.SIGTERM)  # torchrun hands it on; the ranks finish their step and save
    process.communicate(timeout=120)
    found, passed_over = checkpoint.newest(run / "checkpoints")
    assert passed_over == [] and found.step >= 8
    resumes = json.loads((run / "record.json").read_text())["resumes"]
    assert len(resumes) == 1 and resumes[0]["step"] >= 8


def test_without_restarts_the_others_say_what_happened(tmp_path):
    run = tmp_path / "run"
    process = torchrun(*TINY, *OFTEN, "--out", run, "--steps", 100_000)
    wait_for(process, "step 9/")
    began = time.monotonic()
    kill_rank(1, parent=process.pid)
    _, err = process.communicate(timeout=120)
    assert process.returncode != 0 and time.monotonic() - began < 60
    assert "SIGKILL" in err or "Signal 9" in err  # torchrun's own report
    if "Rank 0" in err:  # unless torchrun was quicker to end it
        assert "Rank 0 lost contact with another rank" in err and "--resume RUN" in err
    assert checkpoint.newest(run / "checkpoints")[0].step >= 8


def test_what_cannot_be_divided_is_refused(tmp_path):
    process = torchrun(*TINY, "--out", tmp_path / "run", "--batch-size", 7)
    _, err = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "A batch of 7 does not divide among 2 processes of 1 micro-batch." in err
    assert "--batch-size 8" in err and not (tmp_path / "run").exists()
