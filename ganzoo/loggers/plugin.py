"""The core's own loggers, announced through the hook that everybody uses."""

from __future__ import annotations

from ganzoo.plugin.hooks import hookimpl
from ganzoo.plugin.specs import LoggerSpec

GANZOO_API = 1


@hookimpl
def ganzoo_loggers() -> list[LoggerSpec]:
    return [
        LoggerSpec(
            name="jsonl",
            summary="RUN/metrics.jsonl, a line of JSON for each log line",
            implementation="ganzoo.loggers.jsonl:JsonLines",
        ),
        LoggerSpec(
            name="tensorboard",
            summary="RUN/tensorboard, for TensorBoard; needs ganzoo[tensorboard]",
            implementation="ganzoo.loggers.tensorboard:TensorBoard",
        ),
    ]
