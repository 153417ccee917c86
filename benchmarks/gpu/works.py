"""Does it work: every architecture trains as on the CPU, resumes bit for bit, withholds, runs out of memory well."""

import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import surroundings
import torch

from ganzoo.data.resident import Resident
from ganzoo.errors import DivergedError, GanzooError
from ganzoo.plugin.registry import Registry
from ganzoo.testing import RandomPictures, Subject
from ganzoo.testing.subject import differing, whole_state
from ganzoo.training.device import backends
from ganzoo.training.engine_state import restore_engine, save_engine
from ganzoo.training.start import start_run

STEPS = 3
WITHIN = {"fp32": 1e-3, "bf16": 0.1, "compile": 2e-3, "cuda graphs": 2e-3}
"""Largest difference of a loss of the first step, relative to it where it is above 1. Later steps are reported: Adam
divides by small gradients, which makes rounding large."""
COMPILED_FIRST = ("dcgan", "stylegan2", "cyclegan")
MEMORY_GB = 3.0  # what a training is allowed for the out-of-memory test


def main(report, *, small):
    device = torch.device(surroundings.device_name())
    if device.type == "cuda":
        device = torch.device("cuda", 0)
        # Convolutions in TF32, torch's default, differ from the CPU's by a thousandth: another comparison.
        torch.backends.cudnn.allow_tf32 = False
    report.attempt("doctor", doctor, report)
    subjects = {offer.spec.name: Subject(offer) for offer in Registry.load().architectures if offer.spec.trains}
    for form in ("fp32", "bf16"):
        errors = {
            name: report.attempt(f"{name}, {form}", agree, subject, device, form) for name, subject in subjects.items()
        }
        say(report, form, device, errors)
        if form == "fp32":
            last = {name: error for name, error in errors.items() if channels_last(subjects[name])}
            say(report, "channels_last", device, last, WITHIN["fp32"])
    report.attempt("no waits", waits, report, subjects, device)
    report.attempt("resident", resident, report, device)
    report.attempt("withheld", withheld, report, subjects["dcgan"], device)
    report.attempt("deterministic", deterministic, report, subjects, device, small)
    report.attempt("out of memory", out_of_memory, report, device)
    report.attempt("nccl", nccl, report, device)
    compiled(report, subjects, device, small)


def doctor(report):
    done = subprocess.run(
        [sys.executable, "-m", "ganzoo", "doctor", "--json"], capture_output=True, text=True, check=False
    )
    facts = json.loads(done.stdout)
    report.figure(
        "doctor",
        problems=len(facts["problems"]),
        providers={
            name: f"{one['state']}: {one['reason']}"[:200]
            for name, one in facts["onnxruntime"].get("providers", {}).items()
        },
    )


def channels_last(subject):
    return subject.build().channels_last


def losses(subject, device, *, bf16=False, compile="off"):
    with backends(device, deterministic=False):
        engine = subject.engine(device, bf16=bf16, compile=compile)
        return subject.losses(engine, range(STEPS))


def agree(subject, device, form):
    """The largest difference to the CPU's fp32 losses, relative where they are above 1: of the first step, of all."""
    compile = {"compile": "on", "cuda graphs": "cuda-graphs"}.get(form, "off")
    expected = losses(subject, torch.device("cpu"))
    found = losses(subject, device, bf16=form == "bf16", compile=compile)
    by_step = [
        max(abs(two[name] - value) / max(1.0, abs(value)) for name, value in one.items())
        for one, two in zip(expected, found, strict=True)
    ]
    return by_step[0], max(by_step)


def say(report, claim, device, errors, bound=None):
    """errors: by architecture; None for one that failed."""
    bound = bound or WITHIN[claim]
    first = {name: error[0] for name, error in errors.items() if error is not None}
    report.figure(claim, **{name: list(error) if error is not None else None for name, error in errors.items()})
    failed = [name for name, error in errors.items() if error is None or not error[0] <= bound]
    worst = max(first, key=first.get) if first else "none"
    note = f"{len(first)} architectures, losses of the first step within {first.get(worst, math.nan):.1e} ({worst})"
    note += f"; outside {bound}: {', '.join(failed)}" if failed else ""
    report.claim(claim, not failed and bool(first), note, seen=device.type == "cuda")


def waits(report, subjects, device):
    if device.type != "cuda":
        report.claim("no waits", False, "the rehearsal in the tests finds none", seen=False)
        return
    waiting = {}
    for name, subject in subjects.items():
        engine = subject.engine(device)
        batches = subject.batches(engine, range(3))
        engine.step(*next(batches))  # the first allocates, and fills what is cached
        for _ in range(2):
            torch.cuda.set_sync_debug_mode("error")
            try:
                engine.step(*next(batches))  # fetched, pinned and copied on the way
            except RuntimeError as error:
                waiting[name] = " ".join(str(error).split())[:160]
                break
            finally:
                torch.cuda.set_sync_debug_mode("default")
    note = (
        "; ".join(f"{name}: {text}" for name, text in waiting.items())
        or f"{len(subjects)} architectures, two steps each"
    )
    report.claim("no waits", not waiting, note)


def resident(report, device):
    subject = Subject(Registry.load().architecture("cyclegan"))
    source = RandomPictures(subject.data, task="image-to-image", count=50)
    held = Resident(source, device)
    engine = subject.engine(device)
    import numpy as np

    indices = [np.random.RandomState(side).permutation(50)[:8] for side in (0, 1)]
    copied, taken = (engine.prepare(one.fetch(indices)) for one in (source, held))
    equal = torch.equal(copied.source, taken.source) and torch.equal(copied.target, taken.target)
    report.claim("resident", equal, f"8 pairs of two domains, on {device.type}", seen=device.type == "cuda")


def withheld(report, subject, device):
    engine = subject.engine(device)
    batches = dict(subject.batches(engine, range(3)))
    engine.step(0, batches[0])
    before = [parameter.detach().clone() for parameter in engine.architecture.parameters()]
    poisoned = batches[1].map(
        lambda tensor: torch.full_like(tensor, math.nan) if tensor.is_floating_point() else tensor
    )
    told = ""
    try:
        engine.step(1, poisoned)
        engine.check(poisoned)
    except DivergedError as error:
        told = error.message
    same = all(torch.equal(old, new) for old, new in zip(before, engine.architecture.parameters(), strict=True))
    holds = same and "step 1, phase 'discriminator'" in told
    note = told.split(":")[0] or "nothing was said"
    report.claim("withheld", holds, note, seen=device.type == "cuda")


def deterministic(report, subjects, device, small):
    """An unbroken run beside one that is written, read back into new networks, and goes on."""
    counts = {}
    for name, subject in subjects.items():
        counts[name] = report.attempt(f"deterministic, {name}", _broken, subject, device, 4 if small else 6)
    report.figure("deterministic", **{f"{name}_tensors_that_differ": count for name, count in counts.items()})
    failed = [name for name, count in counts.items() if count != 0]
    note = f"{len(counts)} architectures" + (f"; not: {', '.join(failed)}" if failed else "")
    report.claim("deterministic", not failed, note, seen=device.type == "cuda")


def _broken(subject, device, steps):
    with backends(device, deterministic=True):
        unbroken = subject.engine(device)
        subject.train(unbroken, range(steps))
        broken = subject.engine(device)
        subject.train(broken, range(steps // 2))
        with tempfile.TemporaryDirectory() as folder:
            saved = save_engine(Path(folder), broken, step=steps // 2, state={}, config="", keep=1)
            resumed = subject.engine(device)
            restore_engine(resumed, saved)
        subject.train(resumed, range(steps // 2, steps))
        return len(differing(whole_state(unbroken), whole_state(resumed)))


def out_of_memory(report, device):
    if device.type != "cuda":
        report.claim("out of memory", False, "the tests refuse memory in its place", seen=False)
        return
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(MEMORY_GB * 2**30 / total, device)
    try:
        told = _train_dcgan(4096)
        fits = int(told.split("A batch of ")[-1].split(" ")[0])
        again = _train_dcgan(4096, f"train.accumulate={4096 // fits}")
        report.claim(
            "out of memory",
            not again,
            f"{MEMORY_GB} GiB, DCGAN-64: 4096 does not fit, {fits} is named"
            + (f"; and fails: {again}" if again else " and does"),
        )
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)
        torch.cuda.empty_cache()


def _train_dcgan(batch, *assignments):
    """Two steps of the real command's trainer; the message of its error, or ""."""
    from ganzoo.config.resolve import set_layer
    from ganzoo.plugin.settings import resolve_for
    from ganzoo.progress import Silent

    registry = Registry.load()
    offer = registry.architecture("dcgan")
    stated = [
        "data.source=digits",
        f"train.batch_size={batch}",
        "train.steps=2",
        "train.sample_count=4",
        "train.score_count=0",
    ]
    config = resolve_for(offer, [set_layer([*stated, *assignments])], preset="paper")
    with tempfile.TemporaryDirectory() as folder:
        try:
            start_run(offer, config, registry, out=Path(folder, "run"), preset="paper", progress=Silent()).train()
        except GanzooError as error:
            return error.message
    return ""


def nccl(report, device):
    if torch.cuda.device_count() < 2:
        report.claim("nccl", False, "two gloo processes are in the tests", seen=False, needs="two GPUs")
        return
    with tempfile.TemporaryDirectory() as folder:
        last = []
        for count in (1, 2):
            run = Path(folder, str(count))
            training = ["dcgan", "--preset", "tiny", "--data", "digits", "--steps", "6", "--precision", "fp32"]
            command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(count), "-m", "ganzoo"]
            command += ["train", *training, "--out", str(run), "--set", "train.log_every_steps=1"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
            if done.returncode:
                raise RuntimeError(done.stderr[-300:])
            last.append(json.loads((run / "metrics.jsonl").read_text().splitlines()[0]))
    keys = [key for key in last[0] if key.endswith("adversarial")]
    error = max(abs(last[0][key] - last[1][key]) for key in keys)
    report.claim("nccl", error < 1e-3, f"losses of the first step differ by {error:.1e}")


def compiled(report, subjects, device, small):
    """Each architecture in a process of its own, several at a time: compiling is slow and wants processors."""
    names = ["gan"] if small else [*COMPILED_FIRST, *(name for name in subjects if name not in COMPILED_FIRST)]
    forms = ["compile"] if device.type == "cpu" else ["compile", "cuda graphs"]
    waiting, running = [(form, name) for form in forms for name in names], {}
    errors = {form: {} for form in forms}
    at_once = max(1, (os.cpu_count() or 2) // 4)
    while waiting or running:
        while waiting and len(running) < at_once:
            form, name = waiting.pop(0)
            command = [sys.executable, __file__, name, form, device.type]
            environment = {
                **os.environ,
                "PYTHONPATH": os.pathsep.join([*sys.path[:3], os.environ.get("PYTHONPATH", "")]),
            }
            running[form, name] = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
            )
        (form, name), process = next(iter(running.items()))
        out, problem = process.communicate()
        del running[form, name]
        if process.returncode:
            report.problem(
                f"{name}, {form}", RuntimeError(problem.strip().splitlines()[-1] if problem.strip() else "died")
            )
        errors[form][name] = tuple(json.loads(out.splitlines()[-1])) if process.returncode == 0 else None
        say(report, form, device, errors[form])  # after each: this may be where the time ends
    if "cuda graphs" not in forms:
        report.claim("cuda graphs", False, "", seen=False)


if __name__ == "__main__":
    import torch._inductor.config

    chosen, how, kind = sys.argv[1:]
    place = torch.device(kind, 0) if kind == "cuda" else torch.device(kind)
    torch.backends.cudnn.allow_tf32 = False
    torch._inductor.config.fallback_random = True  # dropout draws what it draws without a compiler
    print(json.dumps(agree(Subject(Registry.load().architecture(chosen)), place, how)))
