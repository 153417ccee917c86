"""Peak memory of enlarging photographs of several sizes by tiles: `python tiles.py PHOTO`.

The photograph is resized; compact x4 of 16 convolutions, random weights, as an ONNX file, without torch in the process
that enlarges. Peak memory is what the process held at once, the mapped file included while it was in memory.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from conftest import RESULTS, machine, machine_key
from PIL import Image

SIZES = ((1000, 750), (2000, 1500), (4000, 3000))


def one(model, source, out):
    """Enlarges, and prints the seconds and the peak in MB."""
    import ganzoo as gz
    from ganzoo.api.translate_files import translate_files

    began = time.monotonic()
    translate_files(gz.load(model), [source], out=out, tile=512)
    assert "torch" not in sys.modules
    print(time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main(photo):
    from ganzoo.api.export import export_untrained

    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = {"generator": "compact", "adversarial_weight": 0.0, "data.size": 256}
        export_untrained("real-esrgan", out=folder / "x4.onnx", settings=settings)
        for width, height in SIZES:
            with Image.open(photo) as image:
                image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS).save(folder / "in.png")
            arguments = [folder / "x4.onnx", folder / "in.png", folder / "out.png"]
            done = subprocess.run([sys.executable, __file__, photo, "--one", *arguments], check=True,
                                  capture_output=True, text=True)  # fmt: skip
            seconds, peak = map(float, done.stdout.split()[-2:])
            with Image.open(folder / "out.png") as image:
                assert image.size == (4 * width, 4 * height)
            rows.append({"width": width, "height": height, "seconds": seconds, "peak_mb": peak})
            print(rows[-1], flush=True)
    path = RESULTS / f"tiles-{machine_key()}.json"
    path.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    Image.MAX_IMAGE_PIXELS = None
    parser = argparse.ArgumentParser()
    parser.add_argument("photo", type=Path)
    parser.add_argument("--one", nargs=3)
    stated = parser.parse_args()
    if stated.one:
        one(*stated.one)
    else:
        main(stated.photo)
