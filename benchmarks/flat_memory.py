"""Memory of an evaluation by how many pictures: `benchmarks/flat_memory.py [--most 50000]`.

A DCGAN of the digits at 32 pixels through ONNX Runtime, EfficientNet-Lite0 (or `--features pixels`), FID, KID,
precision and recall; each count in a process of its own. What is stated is the largest anonymous memory: pages of the
features' files, which the kernel takes back when it wants to, do not count. Twenty minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from conftest import RESULTS, machine, machine_key

import ganzoo as gz

COUNTS = (1000, 10_000, 50_000)


def anonymous_bytes() -> int:
    status = Path("/proc/self/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))


def measure(model: str, count: int, features: str) -> None:
    """In this process: prints JSON."""
    most = [0]

    def watch() -> None:
        while True:
            most[0] = max(most[0], anonymous_bytes())
            time.sleep(0.05)

    class Quiet:
        def update(self, progress: object) -> None: ...

        def say(self, text: str) -> None: ...

    threading.Thread(target=watch, daemon=True).start()
    began = time.monotonic()
    found = gz.evaluate(
        model, data="digits", metrics=("fid", "kid", "pr"), features=features, count=count, cache=False, device="cpu",
        progress=Quiet(),
    )  # fmt: skip
    seconds = time.monotonic() - began
    print(json.dumps({"count": count, "bytes": most[0], "seconds": seconds,
                      "scores": {name: one.estimate.value for name, one in found.scores.items()}}))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=COUNTS[-1])
    parser.add_argument("--features", default="efficientnet-lite0")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    stated = parser.parse_args()
    if stated.measure:
        measure(stated.measure[0], int(stated.measure[1]), stated.measure[2])
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        run = gz.train("dcgan", preset="digits", out=Path(folder, "run"), steps=200)
        model = gz.export(run)[0].path
        for count in (count for count in COUNTS if count <= stated.most):
            command = [sys.executable, __file__, "--measure", str(model), str(count), stated.features]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            rows.append(json.loads(done.stdout.splitlines()[-1]))
            print(rows[-1], flush=True)
    body = {"machine": machine(), "features": stated.features, "rows": rows}
    (RESULTS / f"flat_memory-{machine_key()}.json").write_text(json.dumps(body, indent=1) + "\n")


if __name__ == "__main__":
    main()
