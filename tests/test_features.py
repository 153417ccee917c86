"""What a user expects of a training: scores, best checkpoints, loggers, fine-tuning, warnings, estimates."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import assert_clean, ganzoo, ganzoo_here, make_distribution
from safetensors.torch import load_file
from torch import nn
from toy_zoo import OFFERS

from ganzoo.architecture import NoiseToImage
from ganzoo.data.flips import WithFlips
from ganzoo.data.resident import Resident, fits
from ganzoo.errors import RequestError
from ganzoo.evaluation.thumbnails import Score, ThumbnailScorer, thumbnails
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.specs import ArchitectureSpec, Preset
from ganzoo.runs import checkpoint
from ganzoo.tensors import DataInfo
from ganzoo.testing import ArchitectureConformance, RandomPictures, Subject
from ganzoo.training.collapse import CollapseWatch
from ganzoo.training.engine import Engine

TINY = ("train", "dcgan", "--preset", "tiny", "--data", "digits")
EACH = ("--set", "train.checkpoint_every_kimg=0.008", "--set", "train.score_count=16")  # every step
CPU = torch.device("cpu")
GREY = DataInfo(channels=1, size=8, classes=10)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "trained"
    assert_clean(ganzoo(*TINY, "--out", run, "--steps", 30, *EACH, "--set", "train.keep_checkpoints=2"), status=0)
    return run


def scores(run):
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return {record["step"]: record["score.frechet"] for record in records if "score.frechet" in record}


def test_every_checkpoint_is_scored_and_the_best_is_kept_beside_the_newest(trained):
    found = scores(trained)
    assert sorted(found) == list(range(1, 31))
    best = min(found, key=lambda step: (found[step], -step))
    kept = sorted(int(path.name[-8:]) for path in (trained / "checkpoints").iterdir())
    assert kept == sorted({best, 29, 30})
    assert checkpoint.choose(trained / "checkpoints", "best")[0].step == best
    assert checkpoint.choose(trained / "checkpoints", "last")[0].step == 30
    state = checkpoint.choose(trained / "checkpoints", str(best))[0].state()
    assert state["score"] == found[best]


def test_a_checkpoint_can_be_chosen(trained, tmp_path):
    best = checkpoint.choose(trained / "checkpoints", "best")[0].step
    done = ganzoo("export", trained, "-o", tmp_path / "best.onnx")
    assert_clean(done, status=0)
    assert f"the checkpoint of step {best:,}, score" in done.stderr
    assert_clean(ganzoo_here("sample", trained, "-o", tmp_path / "last.png", "--checkpoint", "last"), status=0)
    done = ganzoo_here("sample", trained, "-o", tmp_path / "x.png", "--checkpoint", "7777")
    assert_clean(done, status=2)
    assert "There is no checkpoint '7777'" in done.stderr and "30" in done.stderr


def test_a_damaged_best_gives_way_to_the_next(trained, tmp_path):
    import shutil

    folder = tmp_path / "checkpoints"
    shutil.copytree(trained / "checkpoints", folder)
    best = checkpoint.best(folder)
    (best.path / "model.safetensors").write_bytes(b"")
    if best.step not in (29, 30):
        other, passed_over = checkpoint.choose(folder, "best")
        assert other.step in (29, 30) and len(passed_over) == 1 and "is damaged" in passed_over[0]
    assert checkpoint.best(folder) != best  # what cannot be read must not keep the place of what can


def test_the_score_is_0_for_the_reals_and_1_for_their_mean():
    source = RandomPictures(GREY, count=400)
    scorer = ThumbnailScorer(source)
    reals = source.fetch([np.arange(400)]).real.float() / 127.5 - 1
    same = scorer.score([reals])
    assert same.frechet == pytest.approx(0, abs=1e-6) and same.diversity == pytest.approx(1)
    mean = scorer.score([reals.mean(0, keepdim=True).expand(50, -1, -1, -1)])
    assert mean.frechet == pytest.approx(1, rel=0.01) and mean.diversity == pytest.approx(0, abs=1e-9)
    assert thumbnails(torch.zeros(3, 2, 20, 20)).shape == (3, 128)
    assert isinstance(same, Score)


def test_switching_the_score_off(tmp_path):
    run = tmp_path / "run"
    assert_clean(ganzoo(*TINY, "--out", run, "--steps", 3, "--set", "train.score_count=0"), status=0)
    assert scores(run) == {}
    done = ganzoo_here("sample", run, "-o", tmp_path / "x.png", "-n", 4)  # best means newest then
    assert_clean(done, status=0)


def test_an_estimate_comes_after_the_first_steps(tmp_path):
    done = ganzoo(*TINY, "--out", tmp_path / "run", "--steps", 40)
    assert_clean(done, status=0)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("estimate: ")]
    assert "for the 17 steps that are left" in line and "images/s" in line and "GB of memory" in line


# --- loggers ---------------------------------------------------------------------------------------------------

HOSTILE = """
    from pathlib import Path
    from ganzoo import hookimpl
    from ganzoo.specs import LoggerSpec
    GANZOO_API = 1
    @hookimpl
    def ganzoo_loggers():
        return [LoggerSpec(name="hostile", summary="raises in hour 90", implementation="hostile_logger_plugin:Hostile"),
                LoggerSpec(name="stillborn", summary="cannot begin", implementation="hostile_logger_plugin:stillborn")]
    class Hostile:
        def __init__(self, run, *, resume_step):
            self.path = Path(run, "hostile.txt")
        def log(self, record):
            with self.path.open("a") as file:
                file.write(f"{record['step']}\\n")
            record["x.accuracy"] = "high"
            if record["step"] >= 3:
                raise OSError("the server went away")
        def picture(self, path, step): ...
        def close(self):
            raise SystemExit("twice")
    def stillborn(run, *, resume_step):
        raise ConnectionError("no route to host")
"""


def test_a_logger_that_raises_is_switched_off(tmp_path):
    site = make_distribution(tmp_path, "hostile-logger", HOSTILE)
    run = tmp_path / "run"
    loggers = ("--set", "train.loggers=hostile,jsonl", "--set", "train.log_every_steps=1")
    done = ganzoo(*TINY, "--out", run, "--steps", 6, *loggers, path=site)
    assert_clean(done, status=0)
    assert "the logger hostile-logger:hostile failed and was left out: OSError: the server went away" in done.stderr
    assert "closing the logger hostile-logger:hostile failed" in done.stderr
    assert (run / "hostile.txt").read_text() == "1\n2\n3\n"
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 6


def test_a_logger_that_cannot_begin_stops_the_request(tmp_path):
    site = make_distribution(tmp_path, "hostile-logger", HOSTILE)
    done = ganzoo(*TINY, "--out", tmp_path / "run", "--set", "train.loggers=stillborn", path=site)
    assert_clean(done, status=1)
    assert "The logger 'stillborn' of hostile-logger 1.0 failed: ConnectionError: no route to host" in done.stderr
    done = ganzoo_here(*TINY, "--out", tmp_path / "other", "--set", "train.loggers=jsonk")
    assert_clean(done, status=2)
    assert "There is no logger 'jsonk'. Did you mean 'jsonl'?" in done.stderr and not (tmp_path / "other").exists()


def test_tensorboard_has_every_number_and_picture(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = tmp_path / "run"
    loggers = ("--set", "train.loggers=jsonl,tensorboard", "--set", "train.log_every_steps=2")
    assert_clean(ganzoo(*TINY, "--out", run, "--steps", 6, *loggers), status=0)
    assert_clean(ganzoo("train", "--resume", run, "--steps", 10), status=0)
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    assert {"kimg", "images_per_second", "discriminator/adversarial", "score/frechet"} <= set(events.Tags()["scalars"])
    assert [event.step for event in events.Scalars("kimg")] == [2, 4, 6, 8, 10]
    assert [event.step for event in events.Images("step")] == [6, 10]


def test_a_missing_package_is_named(tmp_path):
    (tmp_path / "tensorboard").mkdir()
    (tmp_path / "tensorboard" / "__init__.py").write_text("raise ImportError('No module named tensorboard')")
    done = ganzoo(*TINY, "--out", tmp_path / "run", "--set", "train.loggers=tensorboard", path=tmp_path)
    assert_clean(done, status=2)
    assert "pip install 'ganzoo[tensorboard]'" in done.stderr and not (tmp_path / "run").exists()


# --- fine-tuning -----------------------------------------------------------------------------------------------


def live(run, step):
    return load_file(run / "checkpoints" / f"step-{step:08d}" / "model.safetensors")


def test_beginning_from_another_run(trained, tmp_path):
    run = tmp_path / "run"
    # Adam's first step moves a weight by about its learning rate
    small = ("--set", "generator_lr=1e-9", "--set", "discriminator_lr=1e-9", "--steps", 1)
    done = ganzoo(*TINY, "--out", run, "--init-from", trained, *small)
    assert_clean(done, status=0)
    assert "tensors from" in done.stderr and "began anew" not in done.stderr
    best = checkpoint.choose(trained / "checkpoints", "best")[0].step
    theirs, ours = live(trained, best), live(run, 1)
    assert all(torch.allclose(theirs[name], ours[name], atol=1e-7) for name in theirs if name.endswith("weight"))
    record = json.loads((run / "record.json").read_text())
    assert record["init_from"]["matched"] and not record["init_from"]["missing"]


def test_what_does_not_fit_is_reported(trained, tmp_path):
    done = ganzoo(*TINY, "--out", tmp_path / "run", "--init-from", trained, "--set", "latent_size=9", "--steps", 1)
    assert_clean(done, status=0)
    assert "began anew, of another shape there: generator.layers.0.weight" in done.stderr
    done = ganzoo_here(
        "train", "gan", "--preset", "tiny", "--data", "digits", "--out", tmp_path / "gan", "--init-from", trained
    )
    assert_clean(done, status=2)
    assert "None of the" in done.stderr and not (tmp_path / "gan").exists()


@pytest.mark.slow
def test_frozen_layers_stay(trained, tmp_path):
    run = tmp_path / "run"
    options = ("--init-from", trained, "--set", "freeze_discriminator=1", "--set", "discriminator_lr=0.1")
    assert_clean(ganzoo(*TINY, "--out", run, *options, "--steps", 3), status=0)
    best = checkpoint.choose(trained / "checkpoints", "best")[0].step
    theirs, ours = live(trained, best), live(run, 3)
    weights = [name for name in theirs if name.startswith("discriminator") and name.endswith("weight")]
    assert torch.equal(theirs[weights[0]], ours[weights[0]]) and not torch.equal(theirs[weights[1]], ours[weights[1]])
    done = ganzoo_here(*TINY, "--out", tmp_path / "x", "--set", "freeze_discriminator=99")
    assert_clean(done, status=2)
    assert "freeze_discriminator: the network has 3 layers" in done.stderr
    done = ganzoo_here(*TINY, "--out", tmp_path / "x", "--set", "freeze_discriminator=1")
    assert_clean(done, status=2)
    assert "no run is given" in done.stderr and not (tmp_path / "x").exists()
    wide = ("--init-from", trained, "--set", "freeze_discriminator=1", "--set", "width=5")
    done = ganzoo_here(*TINY, "--out", tmp_path / "x", *wide)
    assert_clean(done, status=2)
    assert "discriminator.layers.0.weight would be frozen as it began" in done.stderr


# --- warnings --------------------------------------------------------------------------------------------------


def test_a_discriminator_that_is_always_right_is_told_once_until_it_is_over():
    watch = CollapseWatch()
    said = [watch.look({"discriminator.accuracy": 1.0}) for _ in range(8)]
    assert [len(lines) for lines in said] == [0, 0, 0, 0, 1, 0, 0, 0]
    assert "told reals from samples 100.0% of the time" in said[4][0] and "discriminator_lr" in said[4][0]
    assert watch.look({"discriminator.accuracy": 0.8}) == []
    assert [len(watch.look({"discriminator.accuracy": 0.999})) for _ in range(6)] == [0, 0, 0, 0, 1, 0]


def test_samples_that_look_alike_are_told():
    watch = CollapseWatch()
    said = [watch.look({"score.diversity": 0.02}) for _ in range(4)]
    assert [len(lines) for lines in said] == [0, 0, 1, 0] and "look alike" in said[2][0]
    assert watch.look({"generator.adversarial": 1.0}) == []


# --- pictures --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["noise-to-image", "image-to-image"])
def test_a_source_on_the_device_gives_what_the_source_gives(task):
    source = RandomPictures(GREY, task=task, count=11)
    resident = Resident(source, CPU)
    sides = [np.array([3, 0, 10, 3])] * len(source.lengths)
    one, two = source.fetch(sides), resident.fetch(sides)
    for name in ("real", "label") if task == "noise-to-image" else ("source", "target"):
        assert torch.equal(getattr(one, name), getattr(two, name))
    assert fits(source, 1.0) and not fits(source, 1e-9)


@pytest.mark.parametrize("task", ["noise-to-image", "image-to-image"])
def test_mirror_images_are_pictures_of_their_own(task):
    source = RandomPictures(GREY, task=task, count=5)
    flipped = WithFlips(source)
    assert flipped.lengths == tuple(2 * length for length in source.lengths)
    one, two = (flipped.fetch([np.array(rows)] * len(source.lengths)) for rows in ([1, 4], [6, 9]))
    for name in ("real",) if task == "noise-to-image" else ("source", "target"):
        assert torch.equal(getattr(one, name).flip(3), getattr(two, name))


def test_training_with_mirror_images_says_so(tmp_path):
    run = tmp_path / "run"
    assert_clean(ganzoo(*TINY, "--out", run, "--set", "data.flip=true"), status=0)
    assert "and their mirror images" in (run / "config.toml").read_text()


# --- speed switches --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"penalty": "r1"},
        {"objective": "wasserstein", "penalty": "wgan-gp"},
        {"penalty": "r1", "augment": "diffaugment"},
        {"penalty": "r1+r2", "augment": "ada", "objective": "relativistic"},
    ],
)
def test_compiled_networks_learn_the_same(settings):
    """Traced as a compiler would see it, but run without one (`aot_eager`), as CI has no C++ compiler to wait for."""
    (offer,) = [offer for offer in OFFERS if offer.spec.name == "toy-conditional"]
    subject = Subject(offer, settings=settings)
    results = []
    for compiled in (False, True):
        architecture = subject.build()
        if compiled:
            architecture.compile_networks(backend="aot_eager")
        engine = Engine(architecture, seed=0, batch_size=subject.batch_size, device=CPU)
        losses = subject.train(engine, range(4))
        results.append((losses, engine.architecture.state_dict()))
    (eager, weights), (traced, others) = results
    assert weights.keys() == others.keys()  # a checkpoint does not know
    for one, two in zip(eager, traced, strict=True):
        assert one == pytest.approx(two, rel=1e-4, abs=1e-5)
    for name, value in weights.items():
        torch.testing.assert_close(value, others[name], rtol=1e-4, atol=1e-5)


def test_a_compiled_discriminator_with_batch_norm_has_penalties_too(registry):
    subject = Subject(registry.architecture("dcgan"), settings={"penalty": "r1", "augment": "diffaugment"})
    architecture = subject.build()
    architecture.compile_networks(backend="aot_eager")
    engine = Engine(architecture, seed=0, batch_size=subject.batch_size, device=CPU)
    assert np.isfinite(subject.train(engine, range(2))[1]["discriminator.r1"])


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("", {}),
        ("", {"spectral_norm": True}),
        ("", {"spectral_norm": True, "penalty_every": 2}),
        *((name, {}) for name in ("cyclegan", "stylegan", "stylegan2")),
    ],
)
def test_bf16_trains_and_penalties_stay_in_float32(registry, name, settings):
    subject = Subject(registry.architecture(name) if name else OFFERS[0], settings=settings)
    engine = Engine(subject.build(), seed=0, batch_size=subject.batch_size, device=CPU, bf16=True)
    losses = subject.train(engine, range(5))
    assert all(np.isfinite(value) for record in losses for value in record.values())
    assert all(parameter.dtype == torch.float32 for parameter in engine.architecture.parameters())


# --- the suite for authors -------------------------------------------------------------------------------------


class Forgetful(NoiseToImage):
    """Keeps something that changes in an attribute, where no checkpoint can see it."""

    def build_generator(self):
        self.seen = 0.0
        return nn.Sequential(nn.Linear(self.config.latent_size, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)))

    def build_discriminator(self):
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 1))

    def generator_loss(self, batch, step):
        losses = super().generator_loss(batch, step)
        self.seen += 0.5
        return type(losses)({"adversarial": losses.terms["adversarial"] * (1 + self.seen)}, losses.stats)


def test_the_conformance_suite_catches_state_outside_modules():
    spec = ArchitectureSpec(
        name="forgetful",
        task="noise-to-image",
        summary="loses its memory",
        implementation="test_features:Forgetful",
        presets={"tiny": Preset(summary="", train={"batch_size": 4}, data={"size": 8, "channels": 1})},
    )

    class Suite(ArchitectureConformance):
        architecture = InstalledSpec(spec=spec, distribution="toys", version="1.0")

    import sys

    sys.modules.setdefault("test_features", sys.modules[__name__])
    with pytest.raises(AssertionError, match="kept outside parameters and buffers"):
        Suite().test_resuming_is_exact()


def test_ada_needs_the_sign(tmp_path):
    from ganzoo.config import NoiseToImageConfig

    class Quiet(Forgetful):
        def discriminator_loss(self, batch, step):
            losses = super().discriminator_loss(batch, step)
            return type(losses)(losses.terms)

    architecture = Quiet(NoiseToImageConfig(latent_size=4, augment="ada"), GREY)
    engine = Engine(architecture, seed=0, batch_size=4, device=CPU)
    source = RandomPictures(GREY, count=4)
    with pytest.raises(ValueError, match="needs the statistic 'sign'"):
        engine.step(0, engine.prepare(source.fetch([np.arange(4)])))


def test_a_batch_that_does_not_divide(tmp_path):
    with pytest.raises(RequestError, match="A batch of 8 does not divide among 1 process of 3 micro-batches"):
        Engine(Forgetful(_config(), GREY), seed=0, batch_size=8, device=CPU, accumulate=3)
    done = ganzoo(*TINY, "--out", tmp_path / "run", "--steps", 2, "--set", "train.accumulate=4")
    assert_clean(done, status=0)


def _config():
    from ganzoo.config import NoiseToImageConfig

    return NoiseToImageConfig(latent_size=4)


@pytest.mark.slow
def test_trackio_keeps_a_training_on_this_machine_alone(tmp_path):
    """In an environment of its own, as it wants an older Pillow. Nobody is called: a connection is an error there."""
    environment = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "trackio>=0.40", "pluggy", "click"],
        check=True,
        capture_output=True,
        timeout=900,
    )
    code = """
import socket, sys
from pathlib import Path

def refuse(*_, **__):
    raise SystemExit("a connection was tried")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from PIL import Image
from ganzoo.loggers.trackio import Trackio

run = Path(sys.argv[1])
Image.new("RGB", (32, 32)).save(run / "step-1.png")
one = Trackio(run, resume_step=0)
for step in (10, 20):
    one.log({"step": step, "kimg": step / 8, "generator.adversarial": 1 / step})
one.picture(run / "step-1.png", 20)
one.close()
again = Trackio(run, resume_step=20)
again.log({"step": 30, "kimg": 4, "generator.adversarial": 0.1})
again.close()
from trackio.sqlite_storage import SQLiteStorage
for line in SQLiteStorage.get_logs("runs", "photos"):
    print("row", line["step"], line.get("generator/adversarial", "-"), "samples" in line)
"""
    (tmp_path / "runs" / "photos").mkdir(parents=True)
    root = Path(__file__).parents[1]
    told = subprocess.run(
        [python, "-c", code, str(tmp_path / "runs" / "photos")], capture_output=True, text=True, check=False,
        timeout=300, env={**os.environ, "PYTHONPATH": str(root), "TRACKIO_DIR": str(tmp_path / "kept")},
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    rows = [line.split()[1:] for line in told.stdout.splitlines()]
    assert rows == [["10", "0.1", "False"], ["20", "0.05", "False"], ["20", "-", "True"], ["30", "0.1", "False"]]


def test_a_logger_whose_package_is_missing_says_what_to_install(tmp_path):
    stated = ["--preset", "tiny", "--data", "digits", "--steps", 1, "--set", "train.loggers=jsonl,trackio"]
    done = ganzoo_here("train", "dcgan", "--out", tmp_path / "run", *stated)
    assert_clean(done, status=2)
    assert "ganzoo[trackio]" in done.stderr
