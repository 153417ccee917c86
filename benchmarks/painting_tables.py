"""Tables of docs/painting.md, from the results of `painting.py` and `projection.py`."""

import json
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def _results(name):
    return [json.loads(path.read_text()) for path in sorted(RESULTS.glob(f"{name}-*.json"))]


def _machine(body):
    return f"{body['machine']['usable_cpus']} cores of an {body['machine']['cpu']}"


def painting():
    lines = ["| what | |", "|---|---|"]
    for body in _results("painting"):
        each = body["each"]
        for way, told in (("onnx", "ONNX Runtime, no torch"), ("run", "torch")):
            one = each[way]
            lines.append(
                f"| {each['count']:,} PNG files of 32 pixels, {told} | {each['count'] / one['seconds']:,.0f} a second; "
                f"memory grows by {100 * one['growth']:.1f}% from {each['marked_at']:,} files on, to "
                f"{one['most'] / 1e6:,.0f} MB |"
            )
        film = body["film"]
        lines.append(
            "| 20 seconds of 512 pixels (600 frames, AV1) from an ONNX file, no torch | "
            f"{film['seconds']:.0f} s, most of it painting; {film['bytes_of_memory'] / 1e9:.1f} GB |"
        )
        for row in body.get("encoding", []):
            codec = f" ({row['codec']})" if row["codec"] else ""
            speed = f"{row['frames_per_second']:.0f} frames a second"
            lines.append(f"| encoding 1,024 pixels, .{row['kind']}{codec} | {speed} |")
        lines.append(f"| {_machine(body)}, beside other work; `benchmarks/painting.py` | |")
    return lines


def projection():
    lines = ["| projection into StyleGAN2, digits of 32 pixels, twelve minutes of training | |", "|---|---|"]
    for body in _results("projection"):
        again, held = body["found_again"], body["held_out"]
        lines += [
            f"| {again['count']} painted pictures of known latents, 8 bits: within a tenth of the distance of two "
            f"random latents in W | {100 * again['within_a_tenth']:.0f}%; "
            f"the median is {100 * again['median_share']:.1f}% |",
            f"| {held['count']} held-out digits: nearer than their nearest of 10,000 samples | "
            f"{100 * held['w']['nearer_than_nearest_of_10000']:.0f}%: {held['w']['median']:.3f} against "
            f"{held['nearest_of_10000']:.3f}, of 1 from black to white |",
            f"| a picture | {again['seconds_a_picture']:.1f} s on {_machine(body)}, beside other work; "
            "`benchmarks/projection.py` |",
        ]
    return lines
