"""Which of what was measured to ship."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.api.arguments import to_name
from ganzoo.api.compare import open_results
from ganzoo.errors import RequestError, did_you_mean

if TYPE_CHECKING:
    from ganzoo.runtime.comparison.choosing import Choice
    from ganzoo.runtime.latency.result import BenchResult


def choose(
    results: Path | str | BenchResult | Sequence[Path | str | BenchResult],
    *others: Path | str | BenchResult,
    most: str | None = None,
    least: str | None = None,
    where: str | Iterable[str] = (),
) -> Choice:
    """The model, device and settings that are best at one thing and keep all limits. Needs no torch, no ONNX Runtime.

    most or least: of what, "throughput", "median", "p99", "memory"... where: limits, "p99<20ms", "device_memory<2GB".
    The choice has `best`, `near` (whose interval reaches into its own), `front` (that nothing beats in everything
    asked for), `undecided` (that may keep the limits), and each a `command` that measures it again.

    Raises RequestError for what cannot be asked, or was measured nowhere.
    """
    from ganzoo.runtime.comparison.choosing import choose as choose_of
    from ganzoo.runtime.comparison.limits import QUANTITIES, check_scenarios, parse_limit

    if (most is None) == (least is None):
        raise RequestError("Say what there is to be most of, or least of: one of the two.", hint="--max throughput")
    quantity = to_name(most if most is not None else least, "most" if most is not None else "least")
    if quantity not in QUANTITIES:
        raise RequestError(
            f"There is no quantity {quantity!r}.{did_you_mean(quantity, QUANTITIES)} Names: {', '.join(QUANTITIES)}."
        )
    texts = [where] if isinstance(where, str) and where else list(where or ())
    limits = [parse_limit(to_name(text, "where")) for text in texts]
    documents, names = open_results(results, others)
    check_scenarios(limits, (document["protocol"]["scenario"] for document in documents))
    return choose_of(documents, names, quantity, more=most is not None, limits=limits)
