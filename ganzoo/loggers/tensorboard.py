"""TensorBoard event files, in RUN/tensorboard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganzoo.errors import RequestError
from ganzoo.files import check_inside

try:
    from torch.utils.tensorboard import SummaryWriter
except ImportError as error:
    raise RequestError(
        f"The logger 'tensorboard' needs a package that is not installed: {error}.",
        hint="pip install 'ganzoo[tensorboard]'",
    ) from None


class TensorBoard:
    """Each number of a record as a scalar over steps, and the sample grids."""

    def __init__(self, run: Path, *, resume_step: int) -> None:
        folder = check_inside(run / "tensorboard", run)
        self._writer = SummaryWriter(str(folder), purge_step=resume_step + 1)

    def log(self, record: Mapping[str, Any]) -> None:
        for name, value in record.items():
            if name != "step":
                self._writer.add_scalar(name.replace(".", "/"), value, record["step"])
        self._writer.flush()

    def picture(self, path: Path, step: int) -> None:
        with Image.open(path) as file:
            pixels = np.asarray(file.convert("RGB"))
        self._writer.add_image(path.stem.partition("-")[0], pixels, step, dataformats="HWC")

    def close(self) -> None:
        self._writer.close()
