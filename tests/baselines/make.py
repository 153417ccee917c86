"""What the code of before the second shape of the house gave: `python tests/baselines/make.py`.

Run once, before the first move, and never to get a test green: what it wrote holds the code that comes after it.

    golden.json     losses of some steps of every installed architecture, names and shapes of its state, its graphs
    runs/NAME       a small run each, with a checkpoint and exported files
    pictures.npz    what runs and files paint for some seeds
    texts.json      what the command line says: help, errors, exit status
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
RUNS = {
    "dcgan": ["dcgan", "--data", "digits"],
    "cgan": ["cgan", "--data", "digits"],
    "cyclegan": ["cyclegan", "--data", "digits-neon"],
    "stylegan2": ["stylegan2", "--data", "digits"],
}
SAMPLED = {"dcgan": [], "cgan": ["--label", "3,5"], "stylegan2": ["--value", "truncation_psi=0.7"]}
STEPS = 4
REQUESTS = {
    "unknown verb": ["trian"],
    "unknown architecture": ["info", "dcgn"],
    "unknown setting": ["train", "dcgan", "--data", "digits", "--out", "x", "--set", "latent_siz=3"],
    "setting out of range": ["train", "dcgan", "--data", "digits", "--out", "x", "--set", "latent_size=0"],
    "no data": ["train", "dcgan", "--out", "x"],
    "no out": ["train", "dcgan", "--data", "digits"],
    "no architecture": ["train"],
    "two lengths": ["train", "dcgan", "--data", "digits", "--out", "x", "--kimg", "1", "--steps", "2"],
    "unknown data": ["train", "dcgan", "--data", "digitz", "--out", "x"],
    "missing folder": ["train", "dcgan", "--data", "./nowhere", "--out", "x"],
    "resume of nothing": ["train", "--resume", "nowhere"],
    "sample of nothing": ["sample", "nowhere", "-o", "x.png"],
    "bench of nothing": ["bench", "nowhere.onnx"],
    "inspect of nothing": ["inspect", "nowhere.onnx"],
    "verify of nothing": ["verify", "nowhere.onnx"],
    "export of nothing": ["export", "nowhere"],
    "unknown provider": ["bench", "nowhere.onnx", "--provider", "cudaa"],
    "malformed batch": ["bench", "nowhere.onnx", "--batch", "1,x"],
    "import without kind": ["import", "nowhere.pth", "--as", "gan", "--out", "x"],
}


def golden():
    """Losses as `Subject.train` gives them, on one thread."""
    from ganzoo.plugin.registry import Registry
    from ganzoo.testing import Subject

    found = {}
    for offer in (one for one in Registry.load().architectures if one.spec.trains):
        subject = Subject(offer)
        engine = subject.engine()
        numbers = range(min(8, subject.steps(engine)))
        losses = subject.train(engine, numbers)
        state = engine.architecture.state_dict()
        average = engine.average.state() if engine.average is not None else {}
        found[offer.spec.name] = {
            "losses": losses,
            "state": {name: [list(value.shape), str(value.dtype)] for name, value in state.items()},
            "average": {name: sorted(values) for name, values in average.items()},
            "graphs": [
                [graph.name, [spec.name for spec in graph.inputs], [spec.name for spec in graph.outputs]]
                for graph in engine.architecture.graphs()
            ],
        }
    return found


def ganzoo(*arguments, cwd=None):
    environment = {
        **os.environ,
        "COLUMNS": "80",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    return subprocess.run(
        [sys.executable, "-m", "ganzoo", *map(str, arguments)],
        capture_output=True, text=True, env=environment, cwd=cwd, check=False,
    )  # fmt: skip


def run(name, folder):
    done = ganzoo("train", *RUNS[name], "--preset", "tiny", "--out", folder, "--steps", STEPS, "--seed", 7)
    assert done.returncode == 0, done.stderr
    done = ganzoo("export", folder, "--checkpoint", "last")
    assert done.returncode == 0, done.stderr


def painted(folder, name):
    """{what: uint8 array} of a run's newest checkpoint and of its exported files, for the same seeds."""
    from PIL import Image

    found = {}
    for what, paths in {"run": [folder], "file": sorted((folder / "exports").glob("generator.onnx"))}.items():
        if name not in SAMPLED or not paths:
            continue
        out = folder.parent / f"{name}-{what}.png"
        checkpoint = ["--checkpoint", "last"] if what == "run" else []
        done = ganzoo("sample", *paths, "-o", out, "--seeds", "0-3", *checkpoint, *SAMPLED[name])
        assert done.returncode == 0, done.stderr
        found[what] = np.asarray(Image.open(out))
        out.unlink()
    if name == "cyclegan":
        picture = folder.parent / "picture.png"
        Image.fromarray(np.random.RandomState(0).randint(256, size=(16, 16, 3)).astype(np.uint8)).save(picture)
        for what, path in {"run": folder, "file": folder / "exports" / "a2b.onnx"}.items():
            out = folder.parent / f"{what}.png"
            options = ["--checkpoint", "last", "--direction", "a2b"] if what == "run" else []
            done = ganzoo("sample", path, "--input", picture, "-o", out, *options)
            assert done.returncode == 0, done.stderr
            found[what] = np.asarray(Image.open(out))
            out.unlink()
        picture.unlink()
    return found


def texts():
    from ganzoo.cli import VERBS

    found = {"help": {"": ganzoo("--help").stdout}, "errors": {}}
    for verb in VERBS:
        found["help"][verb] = ganzoo(verb, "--help").stdout
    for name, arguments in REQUESTS.items():
        done = ganzoo(*arguments, cwd=HERE)
        found["errors"][name] = [done.returncode, done.stderr.replace(str(HERE), "{here}")]
    return found


def main():
    torch.set_num_threads(1)
    (HERE / "golden.json").write_text(json.dumps(golden(), indent=1) + "\n")
    pictures = {}
    shutil.rmtree(HERE / "runs", ignore_errors=True)
    (HERE / "runs").mkdir()
    for name in RUNS:
        folder = HERE / "runs" / name
        run(name, folder)
        pictures |= {f"{name} {what}": array for what, array in painted(folder, name).items()}
    np.savez_compressed(HERE / "pictures.npz", **pictures)
    (HERE / "texts.json").write_text(json.dumps(texts(), indent=1) + "\n")


if __name__ == "__main__":
    main()
