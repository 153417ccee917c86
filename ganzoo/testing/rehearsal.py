"""What an architecture would do on a GPU, found on a machine without one.

    mistakes = rehearse(Subject(Registry.load().architecture("mygan")))

Three runs of a few steps, in which every phase has its turn and what grows has grown:

- on a device that is not there (`absent_device`): a tensor or generator of the wrong device, a question that makes the
  host wait inside a step, a shape that differs from the CPU's; then samples are painted and graphs taken for export;
- the same in micro-batches, with the operators that torch refuses under `--deterministic`;
- in bf16, by autocast on the CPU: an operator that has no bf16, a loss that is not finite, weights of another dtype.

What only a GPU can show is listed in docs/gpu.md.
"""

from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ganzoo.architecture.evaluation import evaluation_copy
from ganzoo.architecture.graphs import graphs_of
from ganzoo.errors import one_line
from ganzoo.exporting.exporter import on_cpu
from ganzoo.tensors import BATCH, Dim
from ganzoo.testing.absent_device import AbsentDevice, Kind, Mistake
from ganzoo.testing.cuda_autocast import CudaAutocast
from ganzoo.testing.places import where_raised
from ganzoo.testing.stand_ins import ABSENT
from ganzoo.testing.subject import Subject, whole_state
from ganzoo.training.ema import averaged_state
from ganzoo.training.engine import Engine
from ganzoo.training.previews import write_previews

_FAR_KIMG = 100_000  # what grows has grown, what decays has decayed
_PREVIEWS = 3
_PIXELS = 16  # height and width of pictures whose size is open

Shape = tuple[tuple[int, ...], torch.dtype]
Absent = tuple[Engine, dict[str, set[Shape]]]


def rehearse(subject: Subject) -> list[Mistake]:
    """What would fail, or make the host wait, on a GPU; empty when nothing was found."""
    with torch.random.fork_rng(devices=[]), _checked_distributions():
        return _rehearse(subject)


@contextlib.contextmanager
def _checked_distributions() -> Iterator[None]:
    """torch.distributions look at their arguments, as in a fresh process; a compilation before switches that off."""
    kept = torch.distributions.Distribution._validate_args
    torch.distributions.Distribution.set_default_validate_args(__debug__)
    try:
        yield
    finally:
        torch.distributions.Distribution.set_default_validate_args(kept)


def _rehearse(subject: Subject) -> list[Mistake]:
    engine = subject.engine()
    numbers = steps_to_rehearse(engine)
    try:
        with module_shapes(engine) as expected:
            subject.train(engine, numbers)
    except Exception as error:
        return [_failure(error, "On the CPU")]
    state = whole_state(engine)
    absent = AbsentDevice()
    with absent, _failures(absent, "On a device that is not there"):
        there, found = _train_absent(subject, absent, numbers)
        absent.mistakes += _differences(expected, found) + _state_mistakes(state, whole_state(there))
        _sample(subject, absent, there)
    strict = AbsentDevice(deterministic=True)
    with strict, _failures(strict, "In micro-batches, with deterministic kernels"):
        _train_absent(subject, strict, numbers, accumulate=1 if subject.batch_size % 2 else 2)
    mistakes = absent.mistakes + [mistake for mistake in strict.mistakes if mistake not in absent.mistakes]
    return mistakes + bf16_mistakes(subject, numbers, state)


def steps_to_rehearse(engine: Engine) -> list[int]:
    """Numbers of steps in which every phase runs, at the beginning of a training and late in it."""
    rounds = math.lcm(*(phase.every for phase in engine.phases))
    late = math.ceil(_FAR_KIMG * 1000 / engine.batch_size / rounds) * rounds
    offsets = {phase.offset for phase in engine.phases}
    # Every fourth step moves the probability of adaptive augmentation.
    return sorted({0, 1, 3, *offsets, *(late + offset for offset in offsets)})


@contextlib.contextmanager
def module_shapes(engine: Engine) -> Iterator[dict[str, set[Shape]]]:
    """The shapes and dtypes that each module of the networks gives while the block runs, by module name."""
    names = {id(module): name for name, module in engine.architecture.named_modules()}
    seen: dict[str, set[Shape]] = {}

    def look(module: nn.Module, _: object, output: object) -> None:
        name = names.get(id(module))
        for item in output if isinstance(output, tuple) else (output,):
            if name is not None and isinstance(item, Tensor):
                seen.setdefault(name, set()).add((tuple(item.shape), item.dtype))

    hook = nn.modules.module.register_module_forward_hook(look)
    try:
        yield seen
    finally:
        hook.remove()


def bf16_mistakes(subject: Subject, numbers: Sequence[int], expected: Mapping[str, Tensor]) -> list[Mistake]:
    """What goes wrong under bf16 autocast, which only a CPU's really runs without a GPU.

    expected: the state after the same steps in fp32, whose dtypes must be the same.
    """
    watch = CudaAutocast()
    with watch:
        try:
            engine = subject.engine(bf16=True)
            losses = subject.train(engine, numbers)
        except Exception as error:
            return [*watch.mistakes, _failure(error, "In bf16", "bf16")]
    mistakes = watch.mistakes + [
        Mistake(kind="bf16", what=f"in bf16 the loss {name} is {value} at step {number}")
        for number, values in zip(numbers, losses, strict=True)
        for name, value in values.items()
        if not math.isfinite(value)
    ]
    return mistakes + [
        Mistake(kind="bf16", what=f"{name} became {tensor.dtype} in bf16 and is {expected[name].dtype} in fp32")
        for name, tensor in whole_state(engine).items()
        if name in expected and tensor.dtype != expected[name].dtype
    ]


def _train_absent(subject: Subject, watch: AbsentDevice, numbers: Sequence[int], *, accumulate: int = 1) -> Absent:
    """The steps on the absent device; the host may ask before, between and after them."""
    watch.may_ask = True
    engine = subject.engine(ABSENT, accumulate=accumulate)
    with module_shapes(engine) as shapes:
        for number, batch in subject.batches(engine, numbers):
            watch.may_ask = False
            engine.step(number, batch)
            watch.may_ask = True
            engine.means()  # the log line puts all numbers of the device together
    return engine, shapes


def _sample(subject: Subject, watch: AbsentDevice, engine: Engine) -> None:
    """Previews on the device, and each graph taken to the CPU as an export takes it, and run there."""
    twin = evaluation_copy(engine.architecture, averaged_state(engine.average))
    graphs = graphs_of(twin)
    _, reals = next(subject.reals(engine, [0]))
    with tempfile.TemporaryDirectory() as folder:
        write_previews(
            Path(folder, "previews.png"),
            graphs,
            within=Path(folder),
            reals=lambda: reals.shared,
            paired=subject.implementation.wants == "pairs",
            count=_PREVIEWS,
            device=ABSENT,
        )
    for graph in graphs:
        dims = {
            dim.name: dim.default or dim.smallest(_PIXELS)
            for spec in graph.inputs
            for dim in spec.shape
            if isinstance(dim, Dim) and dim != BATCH
        }
        inputs = [torch.from_numpy(spec.sample([0, 1], dims)) for spec in graph.inputs]
        for spec, output in zip(graph.outputs, on_cpu(graph).run(*inputs), strict=True):
            if output.device.type != "cpu":
                watch.note(
                    "device", f"graph {graph.name!r}, moved to the CPU for export, gives {spec.name!r} on the device"
                )


def _differences(expected: Mapping[str, set[Shape]], found: Mapping[str, set[Shape]]) -> list[Mistake]:
    return [
        Mistake(
            kind="shape",
            what=f"{name or 'the architecture'} gives {_shown(found[name])} there and {_shown(shapes)} on the CPU",
        )
        for name, shapes in expected.items()
        if name in found and found[name] != shapes
    ]


def _shown(shapes: set[Shape]) -> str:
    texts = sorted(f"{'x'.join(map(str, shape))} {str(dtype).removeprefix('torch.')}" for shape, dtype in shapes)
    return ", ".join(texts)


def _state_mistakes(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> list[Mistake]:
    mistakes = []
    for name, tensor in found.items():
        if tensor.device != ABSENT and not name.endswith(" step"):  # torch counts an optimiser's steps on the CPU
            mistakes.append(
                Mistake(kind="device", what=f"{name} is on the CPU after a step, the networks are on the device")
            )
        other = expected.get(name)
        if other is not None and (other.shape, other.dtype) != (tensor.shape, tensor.dtype):
            mistakes.append(
                Mistake(
                    kind="shape",
                    what=f"{name} is {tuple(tensor.shape)} {tensor.dtype} there and "
                    f"{tuple(other.shape)} {other.dtype} on the CPU",
                )
            )
    return mistakes


@contextlib.contextmanager
def _failures(watch: AbsentDevice, what: str) -> Iterator[None]:
    """An exception is a mistake too: the run ends there, and what was found before it stays."""
    try:
        yield
    except Exception as error:
        failure = _failure(error, what)
        # What depends on values cannot be gone on with: the exception says no more than the wait did.
        if not any(mistake.kind == "wait" and mistake.where == failure.where for mistake in watch.mistakes):
            watch.mistakes.append(failure)


def _failure(error: Exception, what: str, kind: Kind = "failed") -> Mistake:
    return Mistake(kind=kind, what=f"{what} it fails: {one_line(error)}", where=where_raised(error))
