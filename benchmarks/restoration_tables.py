"""Tables of docs/restoration.md from `results/restoration*.json` and `results/tiles*.json`."""

import json
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def _results(name):
    return [json.loads(path.read_text()) for path in sorted(RESULTS.glob(f"{name}-*.json"))]


def _line(cells):
    return f"| {' | '.join(map(str, cells))} |"


def restoration():
    """What minutes of training give."""
    lines = []
    for found in _results("restoration"):
        headings = ["task", "recipe", "seconds", "PSNR before", "after", "luma before", "after", "sharpness", "after"]
        lines += [_line(headings), _line(["---"] * len(headings))]
        for name, task in found["tasks"].items():
            before, after = task["before"], task["after"]
            lines.append(_line([
                name, f"`{task['settings']['data.degrade']}`", f"{task['seconds']:.0f}",
                *(f"{side[key]:.1f}" for key in ("rgb", "y") for side in (before, after)),
                *(f"{side['sharpness']:.0%}" for side in (before, after)),
            ]))  # fmt: skip
        machine = found["machine"]
        about = f"{found['held_out']} held-out pictures, {found['learnt']:,} learnt from; of 4x, before is bicubic and "
        about += f"four pixels of each border are left out. {machine['cpu']}, torch {machine['torch']}; "
        lines += ["", f"{about}`benchmarks/restoration.py`."]
    return lines


def speed():
    """ONNX Runtime against torch."""
    lines = []
    for found in _results("restoration_speed"):
        headings = ["network", "input", "torch, ms", "ncnn, ms", "ONNX Runtime, ms", "torch / ONNX Runtime"]
        lines += [_line(headings), _line(["---"] * len(headings))]
        for row in found["rows"]:
            lines.append(_line([
                row["network"], f"{row['width']}x{row['height']}", f"{row['torch_ms']:,.0f}",
                        f"{row['ncnn_ms']:,.0f}" if "ncnn_ms" in row else "-",
                f"{row['onnxruntime_ms']:,.0f}",
                f"{row['ratio']:.2f} ({min(row['ratios']):.2f} to {max(row['ratios']):.2f})",
            ]))  # fmt: skip
        machine = found["machine"]
        about = f"Medians of {found['repeats']} turns, each a process of its own; of torch the faster memory format. "
        about += f"{machine['cpu']}, torch {machine['torch']}, ONNX Runtime {machine['onnxruntime']}; "
        lines += ["", f"{about}`benchmarks/restoration_speed.py`."]
    return lines


def tiles():
    """Peak memory of pictures of several sizes."""
    lines = []
    for found in _results("tiles"):
        lines += [_line(["picture", "painted", "peak memory", "seconds"]), _line(["---"] * 4)]
        for row in found["rows"]:
            width, height = row["width"], row["height"]
            lines.append(_line([f"{width}x{height}", f"{4 * width}x{4 * height}", f"{row['peak_mb']:,.0f} MB",
                                f"{row['seconds']:.0f}"]))  # fmt: skip
        machine = found["machine"]
        lines += ["", f"Compact x4 of 16 convolutions in ONNX Runtime, tiles of 512; {machine['cpu']}; "
                  "`benchmarks/tiles.py`."]  # fmt: skip
    return lines
