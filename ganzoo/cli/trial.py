"""The part of `ganzoo evaluate` that is about people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.cli.common import echo, print_json, table
from ganzoo.errors import RequestError, shell_word

if TYPE_CHECKING:
    from ganzoo.api.types import TrialResult


def run(
    subjects: Sequence[Path], places: Sequence[Path], arguments: Mapping[str, Any], *,
    people: bool, judged: bool, serve: bool, port: int, as_json: bool,
) -> None:  # fmt: skip
    """Make a trial, show one, or count one."""
    if people and judged:
        raise RequestError("--people makes a trial, and --judged counts one; state one.")
    if judged:
        _count(subjects, as_json)
        return
    folder = subjects[0] if subjects else None
    if people:
        folder = _make(subjects, places, arguments)
    if serve:
        _serve(folder, port)


def _make(subjects: Sequence[Path], places: Sequence[Path], arguments: Mapping[str, Any]) -> Path:
    """Make a trial; its folder."""
    from ganzoo.api.people import PAGE, make_trial
    from ganzoo.cli.progress import Stages

    if len(places) != 1:
        raise RequestError("A trial is a folder.", hint="ganzoo evaluate --people RUN_A RUN_B -o trial/")
    with Stages() as stages:
        folder = make_trial(subjects, out=places[0], progress=stages, **arguments)
    echo(f"{folder / PAGE}: open it in a browser; judges save a file of answers")
    echo(f"next        ganzoo evaluate --judged {shell_word(folder)} answers-*.json")
    return folder


def _serve(folder: Path | None, port: int) -> None:
    """Until an interrupt."""
    from ganzoo.api.people import serve_trial
    from ganzoo.cli.progress import Lines

    if folder is None:
        raise RequestError("Which trial shall be shown?", hint="ganzoo evaluate --serve trial/")
    serve_trial(folder, port=port, progress=Lines(), ready=lambda address: echo(f"open {address} (Ctrl-C ends it)"))


def _count(paths: Sequence[Path], as_json: bool) -> None:
    """What the judges said."""
    from ganzoo.api.people import judge_trial

    if not paths:
        raise RequestError("Which trial was judged?", hint="ganzoo evaluate --judged trial/ answers-ann.json")
    found = judge_trial(paths[0], list(paths[1:]) or None)
    if as_json:
        print_json(found.to_json())
        return
    _tell(found)


def _tell(found: TrialResult) -> None:
    rows = [
        [f"{name} taken for real", f"{one.value:.1%}", f"{one.low:.1%} to {one.high:.1%}", one.method]
        for name, one in found.fooled.items()
        if one.low is not None and one.high is not None
    ]
    rows += [
        [f"{name} taken for real", f"{one.value:.1%}", f"{one.low:.1%} to {one.high:.1%}", one.method]
        for name, one in found.fooled_by_judge.items()
        if one.low is not None and one.high is not None
    ]
    if (doubted := found.real_doubted) is not None and doubted.low is not None and doubted.high is not None:
        rows.append(
            [
                "real ones taken for painted",
                f"{doubted.value:.1%}",
                f"{doubted.low:.1%} to {doubted.high:.1%}",
                doubted.method,
            ]
        )
    for one in found.preferences:
        share = "" if one.share is None else f"{one.share.low:.1%} to {one.share.high:.1%}"
        rows.append(
            [
                f"{one.first} over {one.second}",
                "" if one.share is None else f"{one.share.value:.1%}",
                share,
                f"{one.wins} to {one.losses}, {one.ties} ties; sign test p = {one.p:.2g}",
            ]
        )
    rows += [
        [f"strength of {name}", f"{one.value:+.2f}", f"{one.low:+.2f} to {one.high:+.2f}", one.method]
        for name, one in found.strengths.items()
    ]
    echo(table(["what", "share", "95%", "of"], rows))
    alpha = "nothing can be said" if found.alpha is None else f"{found.alpha:.2f}"
    echo(f"{len(found.judges)} judges; agreement, Krippendorff's alpha: {alpha}")
    for name, reason in found.left_out.items():
        echo(f"left out: {name}: {reason}")
