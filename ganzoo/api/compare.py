"""Results of measurements against each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ganzoo.api.arguments import to_choice, to_name, to_number, to_path
from ganzoo.errors import RequestError, did_you_mean, one_line

if TYPE_CHECKING:
    from ganzoo.runtime.comparison.comparison import Comparison
    from ganzoo.runtime.comparison.history import Story
    from ganzoo.runtime.latency.result import BenchResult

    Results = Path | str | BenchResult | Sequence[Path | str | BenchResult]


def compare(
    results: Results,
    *others: Path | str | BenchResult,
    across: str | Iterable[str] = (),
    margin: float = 0.02,
    fail_over: float | None = None,
    require: str | Iterable[str] = (),
    undecided: Literal["pass", "fail"] = "pass",
) -> Comparison:
    """Cases of results, paired by protocol: faster, slower, same or undecided. Needs no torch and no ONNX Runtime.

    results: what `bench` gave or wrote; the first is what the others are held against. One alone is compared with
    itself, across what it swept. across: what may differ, being the question: "device", "provider", "precision",
    "machine", "model", "settings". margin: within which a ratio counts as 1.
    fail_over: 0.05 for a gate that fails what is slower by more than 5%. require: limits, "p99<20ms", on each of the
    later results. undecided: whether a gate that is neither kept nor broken for sure is to "fail".

    The comparison has `pairs`, each with `verdict`, `ratio` and `gates`, and `failed`, the gates that do not let pass.
    The chance that any of its verdicts is wrong is at most 5%. Raises RequestError where results differ in what is not
    asked about, or cannot be read.
    """
    from ganzoo.runtime.comparison.compare import compare as compare_documents
    from ganzoo.runtime.comparison.comparison import Question
    from ganzoo.runtime.comparison.limits import check_scenarios, parse_limit
    from ganzoo.runtime.comparison.pairing import ACROSS

    documents, names = open_results(results, others)
    asked = tuple(to_name(one, "across") for one in _several(across))
    for one in asked:
        if one not in ACROSS:
            raise RequestError(f"across = {one!r}.{did_you_mean(one, ACROSS)} Expected some of {', '.join(ACROSS)}.")
    question = Question(
        across=asked,  # type: ignore[arg-type]  # looked at above
        margin=_share(margin, "margin"),
        fail_over=None if fail_over is None else _share(fail_over, "fail_over"),
        require=tuple(parse_limit(to_name(one, "require")) for one in _several(require)),
        undecided=to_choice(undecided, "undecided", ("pass", "fail")),
    )
    check_scenarios(question.require, (document["protocol"]["scenario"] for document in documents))
    return compare_documents(documents, names, question)


def write_report(
    found: Comparison, *, markdown: bool = False, junit: Path | str | None = None, inputs: Sequence[Path] = ()
) -> str:
    """A comparison as Markdown, if asked for, and as a JUnit file.

    inputs: what must not be written over. Raises RequestError for a place that is one of those, that holds something
    else than a JUnit file of ganzoo's, or that cannot be written.
    """
    from ganzoo.files import check_output, write_text
    from ganzoo.runtime.comparison import render

    if junit is not None:
        place = to_path(junit, "junit")
        check_output(place, inputs)
        if place.exists() and place.read_bytes()[:200].find(render.JUNIT_BEGINNING) < 0 < place.stat().st_size:
            raise RequestError(f"{place} is there, and ganzoo did not write it.", hint="Choose another, or remove it.")
        try:
            write_text(place, render.junit(found))
        except OSError as error:
            raise RequestError(f"{place} cannot be written: {one_line(error)}") from None
    return render.markdown(found) if markdown else ""


def compare_history(folder: Path | str, *, margin: float = 0.02) -> list[Story]:
    """Each case over all results of a folder, in order of their dates, with the steps that its figure made.

    margin: steps within it are not spoken of. Raises RequestError for a folder without two results.
    """
    from ganzoo.runtime.comparison.history import stories

    place = to_path(folder, "folder")
    if not place.is_dir():
        raise RequestError(f"There is no folder {place}.")
    documents, names = _documents(sorted(place.glob("*.json")), skip=True)
    if len(documents) < 2:
        raise RequestError(f"{place} has {len(documents)} results; a history wants two.")
    return stories(documents, names, _share(margin, "margin"))


def open_results(results: Any, others: Sequence[Any] = ()) -> tuple[list[dict[str, Any]], list[str]]:
    """The documents of one result or several, and a name of each that no other has; a folder is all results in it.

    Raises RequestError.
    """
    return _documents([*_unfolded([results, *others] if _is_one(results) else [*results, *others])])


def _unfolded(results: Iterable[Any]) -> Iterator[Any]:
    """Each, and of folders what results are in them. Raises RequestError for one without any."""
    from ganzoo.runtime.latency.result import is_result

    for one in results:
        if not isinstance(one, str | Path) or not Path(one).is_dir():
            yield one
            continue
        found = [path for path in sorted(Path(one).glob("*.json")) if is_result(path)]
        if not found:
            raise RequestError(f"There is no result in {one}.", hint="Results are what `ganzoo bench -o` writes.")
        yield from found


def _documents(results: Sequence[Any], *, skip: bool = False) -> tuple[list[dict[str, Any]], list[str]]:
    """What each holds, and a name of it that no other has. skip: files that are no results are left out."""
    from ganzoo.runtime.latency.result import BenchResult

    documents, names = [], list[str]()
    for number, one in enumerate(results):
        if isinstance(one, BenchResult):
            documents.append(one.document)
            names.append(f"result {number + 1}")
            continue
        path = to_path(one, "results")
        try:
            documents.append(BenchResult.load(path).document)
        except RequestError:
            if skip:
                continue
            raise
        names.append(path.name if path.name not in names else str(path))
    if not documents and not skip:
        raise RequestError(
            "No result is named to compare.", hint="Results are what `ganzoo bench MODEL -o RESULT.json` writes."
        )
    return documents, names


def _is_one(value: Any) -> bool:
    from ganzoo.runtime.latency.result import BenchResult

    return isinstance(value, str | Path | BenchResult)


def _several(value: Any) -> list[Any]:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) and value else list(value or ())


def _share(value: Any, argument: str) -> float:
    number = to_number(value, argument)
    if not 0 <= number < 1:
        raise RequestError(f"{argument} = {value!r}: expected a share from 0 to 1, such as 0.02 for 2%.")
    return number
