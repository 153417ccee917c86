"""Tables of what sweeps show of themselves: how repeatable they are, and which known delays are found."""

import json
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def repeatability():
    lines = []
    for path in sorted(RESULTS.glob("repeatability-*.json")):
        found = json.loads(path.read_text())
        lines += [
            "| model | batch | ms | half widths of the intervals | cover the mean of all | pairs called different "
            "| by more than 2% |",
            "|---|---|---|---|---|---|---|",
        ]
        for case in found["cases"]:
            widths = sorted(case["half_widths"])
            lines.append(
                f"| {case['model'].removesuffix('.onnx')} | {case['batch']} | {case['grand_mean_ms']:.3g} "
                f"| {100 * widths[0]:.1f} to {100 * widths[-1]:.1f}% | {case['covered']} of {case['sweeps']} "
                f"| {case['different']} of {case['pairs']} | {case['more_than_2_percent']} of {case['pairs']} |"
            )
        machine = found["machine"]
        lines += [
            "",
            f"In all {found['covered']} intervals, {found['different']} pairs, {found['more_than_2_percent']} by more "
            f"than 2%; a sweep of six cases took {sum(found['seconds']) / len(found['seconds']):.0f} s. "
            f"{machine['usable_cpus']} cores of an {machine['cpu']}, ONNX Runtime {machine['onnxruntime']}.",
        ]
    return lines


def delays():
    lines = []
    for path in sorted(RESULTS.glob("delays-*.json")):
        found = json.loads(path.read_text())
        lines += [
            "| sweep | spread of the processes | "
            + " | ".join(f"+{one['delay']}%" for one in found["sweeps"][0]["pairs"])
            + " |",
            f"|---|---|{'---|' * len(found['sweeps'][0]['pairs'])}",
        ]
        for number, one in enumerate(found["sweeps"], 1):
            cells = [
                f"{pair['ratio']:.3f} ({pair['low']:.3f} to {pair['high']:.3f}): {pair['verdict']}"
                for pair in one["pairs"]
            ]
            lines.append(f"| {number} | {100 * one['spread']:.1f}% | {' | '.join(cells)} |")
        pairs = [pair for one in found["sweeps"] for pair in one["pairs"]]
        wrong = sum(not pair["right"] for pair in pairs)
        machine = found["machine"]
        lines += [
            "",
            f"Wrong verdicts: {wrong} of {len(pairs)}. {machine['usable_cpus']} cores of an {machine['cpu']}, "
            f"ONNX Runtime {machine['onnxruntime']}.",
        ]
    return lines
