"""One sweep, three models at two batches, again and again: do intervals hold what they say, and are equals equal?

    python benchmarks/repeatability.py --times 10

Of each case: how many of the sweeps' 95% intervals cover the grand mean of all of them, and how many pairs of sweeps,
which are the same files, Welch's interval of their ratio calls different. The machine's drift between sweeps is part
of it: this is what a user gets who measures today and tomorrow.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import ganzoo as gz
from ganzoo.api.export import export_untrained
from ganzoo.runtime.latency.machine import record
from ganzoo.runtime.latency.stats import ratio

RESULTS = Path(__file__).parent / "results"
MODELS = {"dcgan": ("paper", ""), "stylegan2": ("tiny", "generator"), "cyclegan": ("tiny", "a2b")}
"""The preset and the graph of each."""
BATCHES = (1, 8)


def models(folder: Path) -> list[Path]:
    """An untrained generator of each."""
    found = []
    for name, (preset, graph) in MODELS.items():
        exported = export_untrained(name, preset=preset, graph=graph, out=folder / f"{name}.onnx")
        found.append(exported[0].path)
    return found


def medians(case: dict[str, object]) -> list[float]:
    return [process["series"]["host_to_host"]["median_ms"] for process in case["processes"]]  # type: ignore[attr-defined]


def figures(sweeps: list[list[dict[str, object]]]) -> list[dict[str, object]]:
    """Of each case over the sweeps."""
    found = []
    for cases in zip(*sweeps, strict=True):
        known = [case["figure"] for case in cases]
        grand = math.exp(np.mean([math.log(one["value"]) for one in known]))  # type: ignore[index]
        pairs = list(itertools.combinations(map(medians, cases), 2))
        ratios = [ratio(one, other) for one, other in pairs]
        found.append(
            {
                "model": cases[0]["model"]["file"],  # type: ignore[index]
                "batch": cases[0]["batch"],
                "grand_mean_ms": grand,
                "covered": sum(one["low"] <= grand <= one["high"] for one in known),  # type: ignore[index]
                "sweeps": len(known),
                "valid": sum(case["verdict"] == "valid" for case in cases),
                "covered_valid": sum(
                    case["verdict"] == "valid" and one["low"] <= grand <= one["high"]  # type: ignore[index]
                    for case, one in zip(cases, known, strict=True)
                ),
                "different": sum(not one.low <= 1 <= one.high for one in ratios),  # type: ignore[operator]
                "more_than_2_percent": sum(one.low > 1.02 or one.high < 1 / 1.02 for one in ratios),  # type: ignore[operator]
                "pairs": len(pairs),
                "half_widths": [math.sqrt(one["high"] / one["low"]) - 1 for one in known],  # type: ignore[index]
                "ended": [case["ended"] for case in cases],
                "verdicts": [case["verdict"] for case in cases],
                "values_ms": [one["value"] for one in known],  # type: ignore[index]
            }
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--max-time", type=float, default=180.0)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = models(Path(folder))
        sweeps, took = [], []
        for number in range(options.times):
            began = time.monotonic()
            result = gz.bench(
                files, dims={"batch": BATCHES}, max_seconds=options.max_time, least_seconds=options.seconds,
                seed=number,
            )  # fmt: skip
            took.append(time.monotonic() - began)
            sweeps.append(result.cases)
            print(f"sweep {number + 1} of {options.times}: {took[-1]:.0f} s", file=sys.stderr, flush=True)
    keys = ("cpu", "logical_cpus", "usable_cpus", "system", "python", "onnxruntime")
    facts = record()
    cases = figures(sweeps)
    intervals, pairs = sum(one["sweeps"] for one in cases), sum(one["pairs"] for one in cases)  # type: ignore[misc]
    document = {
        "machine": {key: facts[key] for key in keys},
        "protocol": {"max_seconds": options.max_time, "least_seconds": options.seconds, "times": options.times},
        "seconds": took,
        "covered": f"{sum(one['covered'] for one in cases)} of {intervals}",  # type: ignore[misc]
        "covered_of_valid": f"{sum(one['covered_valid'] for one in cases)} of {sum(one['valid'] for one in cases)}",  # type: ignore[misc]
        "different": f"{sum(one['different'] for one in cases)} of {pairs}",  # type: ignore[misc]
        "more_than_2_percent": f"{sum(one['more_than_2_percent'] for one in cases)} of {pairs}",  # type: ignore[misc]
        "cases": cases,
    }
    out = options.out or RESULTS / f"repeatability-x86_64-{facts['usable_cpus']}cpu.json"
    out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"intervals that cover the grand mean: {document['covered']}")
    print(
        f"pairs of identical files called different: {document['different']}; by more than 2%: "
        f"{document['more_than_2_percent']}"
    )


if __name__ == "__main__":
    main()
