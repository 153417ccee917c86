"""A practitioner's weekend in small: trained, stopped, moved, resumed, forked, pruned, handed on, projected, filmed.

Every command that is printed on the way is pasted into a shell as it is.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time

import av
import numpy as np
import pytest
from helpers import usual_signals
from PIL import Image

import ganzoo as gz

_PRINTED = re.compile(r"(?:^|[ (:])(ganzoo (?:train|export|sample|runs|bench|watch|project) .*)$", re.M)


class Shell:
    """bash in a folder whose name needs quoting, with `ganzoo` on its path."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        tool = folder / "bin"
        tool.mkdir()
        (tool / "ganzoo").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m ganzoo "$@"\n')
        (tool / "ganzoo").chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{tool}:{os.environ['PATH']}", "COLUMNS": "100"}
        self.printed = []

    def __call__(self, command, *, status=0):
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300,
            check=False, preexec_fn=usual_signals,
        )  # fmt: skip
        assert done.returncode == status, f"{command}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        self.printed += [match[1].rstrip(".") for match in _PRINTED.finditer(f"{done.stdout}\n{done.stderr}")]
        return done

    def start(self, command):
        return subprocess.Popen(
            ["bash", "-c", f"exec {command}"], cwd=self.folder, env=self.environment, stderr=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, preexec_fn=usual_signals,  # noqa: PLW1509
        )  # fmt: skip

    def take(self, verb):
        """The newest printed command of a verb, which is not printed for the next."""
        return next(command for command in reversed(self.printed) if command.startswith(f"ganzoo {verb} "))


@pytest.mark.slow
def test_a_weekend(tmp_path):
    shell = Shell(tmp_path / "my week end's")
    tiny = "--set train.checkpoint_every_kimg=0.4 --set train.log_every_steps=20 --set train.keep_checkpoints=4"
    base = f"ganzoo train stylegan2 --preset tiny --data digits {tiny}"

    plan = shell(f"{base} --kimg 4 --dry-run")  # Friday: what will it take?
    assert "# time:" in plan.stdout and not (shell.folder / "runs").exists()

    with shell.start(f"{base} --kimg 400 --out 'runs/my faces'") as training:  # it runs, and is looked at
        deadline = time.monotonic() + 240
        while len(list(shell.folder.glob("runs/my faces/checkpoints/step-*"))) < 2:
            assert time.monotonic() < deadline and training.poll() is None
            time.sleep(0.2)
        listed = json.loads(shell("ganzoo runs --json").stdout)["runs"]
        assert [entry["state"] for entry in listed] == ["running"]
        shell("ganzoo watch 'runs/my faces' -o page.html")
        shell("ganzoo train --resume 'runs/my faces'", status=2)  # another trains it
        training.send_signal(signal.SIGINT)  # Saturday: stopped
        out, err = training.communicate(timeout=120)
        assert training.returncode == 130, err
    shell.printed += [match[1] for match in _PRINTED.finditer(out)]
    on = shell.take("train")
    assert "--resume" in on

    (shell.folder / "runs").rename(shell.folder / "moved to")  # moved twice, and gone on with by what was printed
    shell(on.replace("runs/my faces", "moved to/my faces") + " --max-time 1")
    (shell.folder / "moved to").rename(shell.folder / "runs")
    steps = gz.open_run(shell.folder / "runs" / "my faces").steps
    resumed = shell(f"{on} --steps {steps + 40} --set generator_lr=1e-3 --set discriminator_lr=1e-3")
    assert "generator_lr from" in resumed.stderr

    finished = shell(on)
    assert "is finished" in finished.stderr
    longer = shell.take("train")
    assert "--kimg" in longer
    kimg = gz.open_run(shell.folder / "runs" / "my faces").steps * 8 / 1000
    assert shlex.split(longer)[-1] == f"{2 * kimg:g}"

    refused = shell(f"{on} --set train.batch_size=4", status=2)  # what may not change says what would do
    anew = next(line for line in refused.stderr.splitlines() if "--init-from" in line).partition(": ")[2]
    shell(anew.replace("--out RUN", "--out runs/smaller --steps 2"))
    refused = shell(f"{on} --set penalty_weight=2.0", status=2)
    branch = next(line for line in refused.stderr.splitlines() if "--fork" in line).partition(": ")[2]
    assert "--kimg" in branch  # the run is finished: a branch wants a length
    longer = f"--steps {steps + 60} --out runs/branch --set generator_lr=5e-4"
    shell(re.sub(r"--kimg \S+ --out RUN", longer, branch))
    fork = json.loads((shell.folder / "runs/branch/record.json").read_text())["fork_of"]
    assert fork["step"] == steps + 40 and "architecture.penalty_weight" in fork["changed"]

    listed = {entry["run"]: entry for entry in json.loads(shell("ganzoo runs runs --json").stdout)["runs"]}
    assert {name: entry["state"] for name, entry in listed.items()} == {
        "runs/my faces": "finished", "runs/branch": "finished", "runs/smaller": "finished"
    }  # fmt: skip
    shell("ganzoo runs runs --prune --dry-run")
    shell(shell.take("runs"))
    after = json.loads(shell("ganzoo runs runs --json").stdout)["runs"]
    assert all(entry["checkpoints"] <= 2 for entry in after)
    assert sum(entry["bytes"] for entry in after) < sum(entry["bytes"] for entry in listed.values())

    shell("ganzoo export 'runs/my faces' --weights -o 'for others.safetensors'")  # Sunday: handed on
    shell(shell.take("sample"))
    with Image.open(shell.folder / "grid.png") as image:
        assert image.size == (128, 128)
    shell("ganzoo export 'runs/my faces'")
    assert "exports/generator.onnx" in shell.take("bench")

    shell("ganzoo sample 'for others.safetensors' -o faces --each -n 40")
    face = "faces/seed00007.png"
    shell(f"ganzoo project 'runs/my faces' -i {face} -o 'a face.npz' --steps 60 --video way.mp4 --sheet side.png")
    shell(shell.take("sample"))
    halves = "'runs/my faces/exports/mapping.onnx' 'runs/my faces/exports/synthesis.onnx'"
    shell(f"ganzoo sample {halves} -o walk.mp4 --latents 'a face.npz' --seeds 1-3 --walk 30 --fps 60")
    with av.open(str(shell.folder / "walk.mp4")) as film:
        assert sum(1 for _ in film.decode(video=0)) == 120
    shell(f"ganzoo directions {halves} --sheet directions.png -n 3")
    shell(shell.take("sample"))
    assert np.asarray(Image.open(shell.folder / "moved.png")).std() > 0
    page = (shell.folder / "page.html").read_text()
    assert "running" in page and "data:image/png" in page
