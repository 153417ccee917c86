"""An engine's whole state to a checkpoint and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganzoo.errors import CheckpointError, one_line
from ganzoo.runs.checkpoint import Checkpoint
from ganzoo.runs.weights import (
    CheckpointContents,
    average_tensors,
    check_sizes,
    model_tensors,
    optimizer_states,
    write_checkpoint,
)
from ganzoo.training.engine import Engine


def save_engine(
    folder: Path, engine: Engine, *, step: int, state: Mapping[str, Any], config: str, keep: int
) -> Checkpoint:
    """`write_checkpoint` of an engine. Raises CheckpointError."""
    contents = CheckpointContents(
        model=engine.architecture.state_dict(),
        average=engine.average.state() if engine.average is not None else None,
        optimizers={name: optimizer.inner.state_dict() for name, optimizer in engine.optimizers.items()},
    )
    return write_checkpoint(folder, contents, step=step, state=state, config=config, keep=keep)


def restore_engine(engine: Engine, checkpoint: Checkpoint) -> None:
    """Put model, average and optimisers back. Raises CheckpointError when they do not fit."""
    check_sizes(checkpoint, engine.architecture)
    try:
        engine.architecture.load_state_dict(model_tensors(checkpoint))
        average = average_tensors(checkpoint)
        if engine.average is not None and average is not None:
            engine.average.load_state(average)
        states = optimizer_states(checkpoint, engine.device)
        for name, optimizer in engine.optimizers.items():
            optimizer.inner.load_state_dict(states[name])
    except CheckpointError:
        raise
    except Exception as error:  # torch.load raises many kinds
        raise CheckpointError(
            f"{checkpoint.path} does not fit this architecture: {one_line(error)}",
            hint="It was written with other settings, or by another version of the plugin; see config.toml.",
        ) from error
