"""The core's own loggers, named by `ganzoo.plugin.kinds`."""

from __future__ import annotations

from ganzoo.plugin.specs import LoggerSpec


def loggers() -> list[LoggerSpec]:
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
        LoggerSpec(
            name="trackio",
            summary="a local dashboard, `trackio show`, without an account; needs ganzoo[trackio]",
            implementation="ganzoo.loggers.trackio:Trackio",
        ),
    ]
