"""Training speed: the engine's forms beside a plain loop over a DataLoader with the same networks, interleaved.

Images a second of whole steps, lazy phases in their turns, pictures and moments included. Memory is what a form adds at
its peak. The profile is of StyleGAN2's steps in bf16.
"""

import math
import statistics
import time

import surroundings
import torch
from pairs import summarize
from plain_loops import PlainCycleGAN, PlainDCGAN, PlainStyleGAN2, loader

from ganzoo.architecture import Batch
from ganzoo.architecture.build import build_architecture
from ganzoo.config.resolve import set_layer
from ganzoo.data.batches import Order
from ganzoo.data.resident import Resident
from ganzoo.plugin.registry import Registry
from ganzoo.plugin.settings import resolve_for
from ganzoo.tensors import DataInfo
from ganzoo.testing import RandomPictures
from ganzoo.training.device import backends
from ganzoo.training.engine import Engine

PUBLISHED = {"StyleGAN2-256": ("seconds per kimg, one A100, its authors' CUDA operators", 12.53)}
"""NVIDIA's table for stylegan2-ada-pytorch, configuration `auto` (batch 16 on one GPU)."""

CASES = {
    # name: architecture, preset, settings, plain loop, pictures, seconds of a block, blocks
    "DCGAN-64": ("dcgan", "paper", ["data.size=64", "data.channels=3"], PlainDCGAN, 2048, 0.8, 5),
    "StyleGAN2-256": ("stylegan2", "auto", ["data.size=256", "data.channels=3"], PlainStyleGAN2, 512, 3.0, 3),
    "CycleGAN-256": ("cyclegan", "paper", ["data.size=256", "data.channels=3"], PlainCycleGAN, 256, 1.0, 5),
}
SMALL_CASES = {
    "DCGAN-16": ("dcgan", "tiny", [], PlainDCGAN, 64, 0.05, 2),
    "StyleGAN2-16": ("stylegan2", "tiny", ["path_every=4"], PlainStyleGAN2, 32, 0.05, 2),
    "CycleGAN-16": ("cyclegan", "tiny", [], PlainCycleGAN, 32, 0.05, 2),
}
EAGER = {
    "plain, fp32": None, "fp32": {}, "plain, bf16": None, "bf16": {"bf16": True},
    "bf16, pictures copied at each step": {"bf16": True, "resident": False},
}  # fmt: skip
COMPILED = {
    "bf16, compiled": {"bf16": True, "compile": "on"},
    "bf16, CUDA graphs": {"bf16": True, "compile": "cuda-graphs"},
}
PROFILED_KERNELS = 10


def main(report, *, small):
    device = (
        torch.device(surroundings.device_name(), 0) if surroundings.device_name() == "cuda" else torch.device("cpu")
    )
    cases = {
        name: Case(*case, device=device, workers=0 if small else 4)
        for name, case in (SMALL_CASES if small else CASES).items()
    }
    ratios = {}
    with backends(device, deterministic=False):
        for name, case in cases.items():
            report.attempt(f"{name}, eager", measured, report, name, case, EAGER, ratios)
            claim(report, device, ratios)
            if "StyleGAN2" in name:
                report.attempt("profile", profile, report, name, case, device)
        if not small and device.type == "cuda":  # compiling is slow: last, by worth
            for name, case in cases.items():
                for form, options in COMPILED.items():
                    report.attempt(f"{name}, {form}", measured, report, name, case, {form: options}, ratios)
                    claim(report, device, ratios)


def claim(report, device, ratios):
    note = (
        ", ".join(f"{name} {ratio:.2f} of the time of the plain loop" for name, ratio in ratios.items())
        or "nothing measured"
    )
    holds = all(ratio < 1 for ratio in ratios.values()) and bool(ratios)
    report.claim("training speed", holds, note, seen=device.type == "cuda")


class Case:
    """Networks, settings and pictures of one architecture; makes its forms."""

    def __init__(self, architecture, preset, settings, plain, count, block_seconds, blocks, *, device, workers):
        self.offer = Registry.load().architecture(architecture)
        self.config = resolve_for(self.offer, [set_layer([*settings, "data.source=digits"])], preset=preset)
        data = self.config.data
        self.info = DataInfo(channels=data.channels, size=data.size)
        self.batch, self.plain, self.block_seconds, self.blocks = (
            self.config.train.batch_size,
            plain,
            block_seconds,
            blocks,
        )
        self.device, self.workers = device, workers
        self.source = RandomPictures(self.info, task=self.offer.spec.task, count=max(count, 2 * self.batch))

    def build(self):
        return build_architecture(self.offer, self.config.architecture, self.info, seed=0)

    def form(self, options, *, bf16=False):
        """A function that makes a number of steps and waits for them. options: None for the plain loop."""
        if options is None:
            everything = self.source.fetch([torch.arange(length).numpy() for length in self.source.lengths])
            pictures = [everything.real] if isinstance(everything, Batch) else [everything.source, everything.target]
            batches = loader(pictures, batch=self.batch, device=self.device, workers=self.workers)
            return Steps(self.plain(self.build(), batches, self.device, bf16=bf16).step, self.device)
        options = dict(options)
        resident = options.pop("resident", True)
        source = Resident(self.source, self.device) if resident else self.source
        engine = Engine(self.build(), seed=0, batch_size=self.batch, device=self.device, **options)
        order = Order(seed=0, batch_size=self.batch, lengths=source.lengths)
        number = iter(range(10**9))

        def step():
            at = next(number)
            engine.step(at, engine.prepare(source.fetch(order.indices(at))))

        return Steps(step, self.device)

    def rounds(self):
        """Steps until every phase has had its turn."""
        return math.lcm(*(phase.every for phase in self.build().phases()))


class Steps:
    def __init__(self, step, device):
        self.step, self.device = step, device

    def __call__(self, count):
        """Seconds."""
        began = time.perf_counter()
        for _ in range(count):
            self.step()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - began


def measured(report, name, case, forms, ratios):
    """Blocks of every form in turns; figures of each, and the ratio to the plain loop of the same precision."""
    rounds = case.rounds()
    made, counts, memory, first = {}, {}, {}, {}
    for form, options in forms.items():
        before = _reset_peak(case.device)
        made[form] = case.form(options, bf16="bf16" in form)
        first[form] = made[form](rounds)  # compiles, tunes, allocates
        once = made[form](rounds)
        counts[form] = rounds * max(1, round(case.block_seconds / once))
        memory[form] = _peak_gb(case.device, before)
    seconds = {form: [] for form in forms}
    for block in range(case.blocks):
        order = list(forms)
        for form in order[block % len(order) :] + order[: block % len(order)]:
            seconds[form].append(made[form](counts[form]) / counts[form])
    for form in forms:
        step = statistics.median(seconds[form])
        plain = f"plain, {'bf16' if 'bf16' in form else 'fp32'}"
        facts = {
            "images_per_second": case.batch / step,
            "seconds_per_step": step,
            "seconds_per_kimg": 1000 * step / case.batch,
            "batch": case.batch,
            "blocks": case.blocks,
            "steps_in_a_block": counts[form],
            "peak_memory_gb": memory[form],
            "first_steps_seconds": first[form],
        }
        if name in PUBLISHED:
            facts["published"], facts["published_seconds_per_kimg"] = PUBLISHED[name]
        if plain in seconds and form != plain:
            ratio = summarize(list(zip(seconds[form], seconds[plain], strict=True)))
            facts |= {"of_the_plain_loop": ratio.ratio, "interval": [ratio.low, ratio.high]}
            if form in ("fp32", "bf16"):
                ratios[f"{name} {form}"] = ratio.ratio
        report.figure(f"{name}, {form}", **facts)


def _reset_peak(device):
    if device.type != "cuda":
        return 0
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    return torch.cuda.memory_allocated()


def _peak_gb(device, before):
    return (torch.cuda.max_memory_allocated() - before) / 1e9 if device.type == "cuda" else None


def profile(report, name, case, device):
    """Where the time of a round of steps goes: the longest kernels, and the share in which the GPU has none."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiler

    run, rounds = case.form({"bf16": True}), case.rounds()
    run(rounds)
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.type == "cuda" else [])]
    with profiler(activities=activities) as watch:
        seconds = run(rounds)
    spans, totals = [], {}
    wanted = torch.autograd.DeviceType.CUDA if device.type == "cuda" else torch.autograd.DeviceType.CPU
    for event in watch.events():
        if getattr(event, "is_user_annotation", False) or "#" in event.name:  # a span of torch's own, no kernel
            continue
        if event.device_type == wanted and (device.type == "cuda" or event.name.startswith("aten::")):
            length = event.time_range.elapsed_us() if device.type == "cuda" else event.self_cpu_time_total
            spans.append((event.time_range.start, event.time_range.end))
            totals[event.name] = totals.get(event.name, 0.0) + length
    whole = sum(totals.values()) or 1.0
    longest = sorted(totals, key=totals.get, reverse=True)[:PROFILED_KERNELS]
    report.figure(
        f"{name}, bf16, where the time goes",
        kernels=[[kernel[:90], round(totals[kernel] / whole, 4)] for kernel in longest],
        idle_share=1 - _covered(spans) / 1e6 / seconds if device.type == "cuda" else None,
        steps=rounds,
    )


def _covered(spans):
    """Microseconds in which at least one of the spans runs."""
    total, end = 0.0, -math.inf
    for start, stop in sorted(spans):
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total
