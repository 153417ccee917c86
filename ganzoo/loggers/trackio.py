"""trackio: a local dashboard without an account, `trackio show`. Project and run are named as the folders are.

It keeps its own database where `TRACKIO_DIR` says, or in the user's cache. Nothing is sent anywhere, unless the user's
own `TRACKIO_SPACE_ID` or `TRACKIO_SERVER_URL` asks for it. It wants Pillow below 13, and so an environment in which
that is so.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganzoo.errors import RequestError

try:
    import trackio
except ImportError as error:
    raise RequestError(
        f"The logger 'trackio' needs a package that is not installed: {error}.", hint="pip install 'ganzoo[trackio]'"
    ) from None


class Trackio:
    """Each number of a record over steps, and the sample grids. A resumed run goes on under its name."""

    def __init__(self, run: Path, *, resume_step: int) -> None:
        for name, off in (("GRADIO_ANALYTICS_ENABLED", "False"), ("HF_HUB_DISABLE_TELEMETRY", "1")):
            os.environ.setdefault(name, off)
        place = run.resolve()
        with contextlib.redirect_stdout(sys.stderr):  # where it says how to look at it
            trackio.init(
                project=place.parent.name or "ganzoo",
                name=place.name,
                resume="allow" if resume_step else "never",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )

    def log(self, record: Mapping[str, Any]) -> None:
        values = {name.replace(".", "/"): value for name, value in record.items() if name != "step"}
        trackio.log(values, step=int(record["step"]))

    def picture(self, path: Path, step: int) -> None:
        trackio.log({"samples": trackio.Image(path, caption=path.stem)}, step=step)

    def close(self) -> None:
        with contextlib.redirect_stdout(sys.stderr):
            trackio.finish()
