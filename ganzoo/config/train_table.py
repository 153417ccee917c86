"""The [train] table: length, batch, device, cadences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from ganzoo.config.fields import Ge, Gt, Help, Le, Lt


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """The [train] table."""

    batch_size: Annotated[int, Ge(1), Help("real pictures per step, over all devices")] = 64
    kimg: Annotated[
        Annotated[float, Gt(0), Le(1e9)] | None,
        Help("length in thousands of real pictures; 1000 if steps is not stated"),
    ] = None
    steps: Annotated[Annotated[int, Ge(1), Le(10**12)] | None, Help("length in steps, instead of kimg")] = None
    epochs: Annotated[
        Annotated[float, Gt(0), Le(1e9)] | None, Help("length in passes over the pictures, instead of kimg")
    ] = None
    seed: Annotated[int, Ge(0), Lt(2**32), Help("every random number of the run follows from it")] = 0
    device: Annotated[str, Help("auto, cpu, cuda or cuda:N")] = "auto"
    precision: Annotated[
        Literal["auto", "fp32", "bf16"], Help("auto: bf16 on a GPU of compute 8.0 or newer, else fp32")
    ] = "auto"
    accumulate: Annotated[
        int, Ge(1), Help("micro-batches per step and device, for a batch that does not fit its memory")
    ] = 1
    compile: Annotated[
        Literal["off", "on", "cuda-graphs"], Help("torch.compile of the networks; pays on long runs, see the guide")
    ] = "off"
    deterministic: Annotated[bool, Help("on a GPU: kernels that repeat bit for bit, slower")] = False
    max_seconds: Annotated[Annotated[float, Gt(0)] | None, Help("stop and save after this time; --resume goes on")] = (
        None
    )
    log_every_steps: Annotated[int, Ge(1), Help("steps between log lines")] = 50
    sample_every_kimg: Annotated[float, Gt(0), Help("kimg between sample grids")] = 10.0
    sample_count: Annotated[int, Ge(1), Le(1024), Help("pictures in a sample grid")] = 64
    checkpoint_every_kimg: Annotated[float, Gt(0), Help("kimg between checkpoints")] = 50.0
    keep_checkpoints: Annotated[int, Ge(1), Help("newest checkpoints kept, beside the best")] = 3
    score_count: Annotated[
        int, Ge(0), Le(50_000), Help("samples that a checkpoint is scored on, to know the best; 0: no score")
    ] = 1000
    score: Annotated[
        str, Help("metrics that a checkpoint is scored by, e.g. fid,pr; the first decides which is the best")
    ] = ""
    score_features: Annotated[
        str, Help("the feature network of `score`: efficientnet-lite0, FILE.onnx; inception-2015 if not stated")
    ] = ""
    loggers: Annotated[str, Help("who is told the metrics, by name, e.g. jsonl,tensorboard")] = "jsonl"


LENGTHS = ("kimg", "steps", "epochs")
"""[train] keys that state the length of a training, each in its unit."""

DEFAULT_KIMG = 1000.0
"""Length of a training when none of them is stated."""

MAY_CHANGE_ON_RESUME = frozenset(
    {
        *LENGTHS,
        "device",
        "accumulate",
        "compile",
        "max_seconds",
        "log_every_steps",
        "sample_every_kimg",
        "sample_count",
        "checkpoint_every_kimg",
        "keep_checkpoints",
        "score",
        "score_features",
        "loggers",
    }
)
"""[train] keys that may change when a run is resumed, beside what an architecture's config marks `MayChange`. They do
not alter what the weights become at a given step (on one kind of device)."""
