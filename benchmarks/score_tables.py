"""Tables of scores: what metrics there are, what they see, what they cost, what the digits get."""

import json
import math
from pathlib import Path

from ganzoo.evaluation.own import metrics as metric_specs
from ganzoo.plugin.call import resolve

RESULTS = Path(__file__).parent / "results"

_SHOWN = (
    ("frechet", "Frechet"), ("kernel_distance", "kernel x 1000"), ("precision", "precision"), ("recall", "recall"),
    ("density", "density"), ("coverage", "coverage"), ("swd", "sliced W."), ("authenticity", "authentic"),
)  # fmt: skip
_SHOULD = {
    "blur": {"frechet": 1, "kernel_distance": 1, "precision": -1, "density": -1, "coverage": -1, "swd": 1},
    "noise": {"frechet": 1, "kernel_distance": 1, "precision": -1, "density": -1, "coverage": -1, "swd": 1},
    "JPEG": {"frechet": 1, "kernel_distance": 1, "precision": -1, "density": -1, "coverage": -1, "swd": 1},
    "modes dropped": {"frechet": 1, "kernel_distance": 1, "recall": -1, "coverage": -1, "swd": 1},
    "copies": {"frechet": -1, "authenticity": -1},
}
"""Which way each score has to move for what was done, by what it is made to see."""


def metrics():
    rows = ["| `--metrics` | scores | better | options | |", "|---|---|---|---|---|"]
    for spec in metric_specs():
        metric = resolve(spec.implementation)
        scores = ", ".join(f"`{name}`" for name in metric.scores)
        better = ", ".join(dict.fromkeys(info.better for info in metric.scores.values()))
        options = ", ".join(f"`{key}` {value}" for key, value in metric.options.items())
        rows.append(f"| `{spec.name}` | {scores} | {better} | {options} | {spec.summary} |")
    return rows


def sanity():
    lines = []
    for found in _results("sanity"):
        base = _values(found["rows"]["the other half"])
        lines += [_heading(["painted", *(title for _, title in _SHOWN)]), _rule(len(_SHOWN) + 1)]
        for name, scores in found["rows"].items():
            values, cells = _values(scores), []
            for key, _ in _SHOWN:
                text = f"{1000 * values[key]:.2f}" if key == "kernel_distance" else f"{values[key]:.3g}"
                cells.append(f"**{text}**" if moved(name, key, values, base) else text)
            lines.append(f"| {name} | {' | '.join(cells)} |")
        lines += ["", f"{found['pictures']:,} distinct Noto emoji of 64 pixels (Apache-2.0), nine classes; "
                  "`benchmarks/sanity.py`. Modes dropped: three classes of nine, again and again."]  # fmt: skip
    return lines


def moved(name, key, values, base):
    """Whether a score moved as it has to."""
    way = _SHOULD.get(name, {}).get(key)
    return way is not None and (values[key] - base[key]) * way > 0


def all_moved():
    """Of every result: what should have moved and did not, as (what was done, score)."""
    for found in _results("sanity"):
        base = _values(found["rows"]["the other half"])
        for name, keys in _SHOULD.items():
            values = _values(found["rows"][name])
            yield from ((name, key) for key in keys if not moved(name, key, values, base))


def sanity_counts():
    lines = []
    for found in _results("sanity"):
        counts = list(found["counts"])
        lines += [_heading(["", *(f"{int(count):,}" for count in counts)]), _rule(len(counts) + 1)]
        for key, title, scale in (("frechet", "Frechet", 1), ("kernel_distance", "kernel x 1000", 1000)):
            values = [scale * _values(found["counts"][count])[key] for count in counts]
            lines.append(f"| {title} | {' | '.join(f'{value:.3g}' for value in values)} |")
    return lines


def flat_memory():
    lines = []
    for found in _results("flat_memory"):
        lines += ["| pictures | largest anonymous memory | time |", "|---|---|---|"]
        for row in found["rows"]:
            lines.append(f"| {row['count']:,} | {row['bytes'] / 1e6:,.0f} MB | {row['seconds'] / 60:.1f} minutes |")
        machine = found["machine"]
        cores = machine.get("usable_cpus", machine.get("cpus", 2))
        told = (
            f"A DCGAN of 32 pixels through ONNX Runtime, features of {found['features']}, FID, KID, precision, recall"
        )
        lines += ["", f"{told}; {cores} cores, one thread, beside other work. `benchmarks/flat_memory.py`"]
    return lines


_OF_DIGITS = (
    ("frechet", "Frechet"), ("kernel_distance", "kernel distance"), ("precision", "precision"), ("recall", "recall"),
    ("density", "density"), ("coverage", "coverage"), ("authenticity", "authenticity"),
)  # fmt: skip


def digits():
    lines = []
    for found in _results("scores"):
        if "digits" not in found:
            continue
        lines += [_heading(["", "kimg", *(title for _, title in _OF_DIGITS)]), _rule(len(_OF_DIGITS) + 2)]
        for name, one in sorted(found["digits"].items(), key=lambda item: _values(item[1]["scores"])["frechet"]):
            scores = {key.partition("@")[0]: score for key, score in one["scores"].items()}
            cells = [_with_half(scores[key]) for key, _ in _OF_DIGITS]
            lines.append(f"| `{name}` | {one['subject']['kimg']:.0f} | {' | '.join(cells)} |")
        protocol = next(iter(found["digits"].values()))["protocol"]
        lines += ["", f"{protocol['painted']['count']:,} painted against {protocol['real']['count']:,} real, "
                  f"{protocol['repeats']} times with other seeds, features of {protocol['features']['network']} "
                  f"({protocol['features']['resize']} to {protocol['features']['size'][0]} pixels); best checkpoint. "
                  "`benchmarks/scores.py`"]  # fmt: skip
    return lines


def little():
    lines = []
    for found in _results("scores"):
        if "little" not in found:
            continue
        keys = _OF_DIGITS[:6]
        titles = ["", "kimg", *(title for _, title in keys), "authenticity, of the 200"]
        lines += [_heading(titles), _rule(len(titles))]
        sides = {}
        for name, runs in found["little"].items():
            cells = []
            for key, _ in keys:
                sides.setdefault(key, {})[name] = values = [_values(run["scores"])[key] for run in runs]
                cells.append(_spread(values))
            copies = [_values(run["copies"]["scores"])["authenticity"] for run in runs]
            lines.append(f"| `{name}` | {runs[0]['kimg']:.0f} | {' | '.join(cells)} | {_spread(copies)} |")
        lines += ["", _verdict(sides["frechet"])]
    return lines


def _verdict(sides):
    """By Welch's test on the trainings."""
    from ganzoo.evaluation.comparison import compare
    from ganzoo.evaluation.estimates import Estimate
    from ganzoo.evaluation.result import Evaluation, ScoreRecord

    one, two = (
        Evaluation(
            subject={}, protocol={},
            scores={"frechet": ScoreRecord(name="frechet", title="", metric="", better="lower",
                                           estimate=Estimate.of_values(sides[name], method=""))},
        )
        for name in ("dcgan", "stylegan2")
    )  # fmt: skip
    found = compare(one, two)["frechet"]
    words = {"better": "Yes", "worse": "No, it is the other way round", "undecided": "It cannot be said"}
    return (
        f"{words[found.verdict]}: StyleGAN2's Frechet distance is {found.difference:+.1f} from DCGAN's "
        f"({found.low:+.1f} to {found.high:+.1f}, Welch's test over three trainings each)."
    )


def _heading(titles):
    return f"| {' | '.join(titles)} |"


def _rule(count):
    return "|---" * count + "|"


def _spread(values):
    return f"{sum(values) / len(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def _with_half(score):
    if score["low"] is None:
        return f"{score['value']:.3g}"
    half = (score["high"] - score["low"]) / 2
    places = max(0, 1 - math.floor(math.log10(half))) if half > 0 else 3
    return f"{score['value']:.{places}f} ±{half:.{places}f}"


def _values(scores):
    return {name.partition("@")[0]: one["value"] for name, one in scores.items()}


def _results(name):
    return [json.loads(path.read_text()) for path in sorted(RESULTS.glob(f"{name}-*.json"))]
