"""One part in a process of its own: `part.py NAME REPORT.json [--small]`. Exit status 3: a package is missing."""

import importlib
import os
import signal
import sys
import threading
from pathlib import Path

HERE = Path(__file__).parent
MODULES = {"works": "works", "training": "speed", "export": "exporting", "bench": "latency", "quality": "quality"}


def main(name, path, small):
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what --deterministic sets before cuBLAS is used
    sys.path[1:1] = [str(HERE.parent), str(HERE.parents[1] / "tests")]
    from report import Report

    report = Report(name, Path(path))
    try:
        module = importlib.import_module(MODULES[name])
        module.main(report, small=small)
    except ModuleNotFoundError as error:
        report.problem("a package is missing", error)
        sys.exit(3)


def _end_with_the_parent():
    os.read(0, 1)  # nothing is ever written: it returns when the other end closes
    os.killpg(os.getpgrp(), signal.SIGKILL)  # this process and everything that it started


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], "--small" in sys.argv)
