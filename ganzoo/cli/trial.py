"""The part of `ganzoo evaluate` that is about people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganzoo.cli.common import echo, print_json, table
from ganzoo.errors import RequestError, shell_word


def run(
    subjects: Sequence[Path], places: Sequence[Path], arguments: Mapping[str, Any], *,
    people: bool, judged: bool, serve: bool, port: int, as_json: bool,
) -> None:  # fmt: skip
    """Make a trial, show one, or count one."""
    from ganzoo.api.people import judge_trial, serve_trial
    from ganzoo.cli.progress import Lines

    if judged:
        if not subjects:
            raise RequestError("Which trial was judged?", hint="ganzoo evaluate --judged trial/ answers-ann.json")
        found = judge_trial(subjects[0], list(subjects[1:]) or None)
        if as_json:
            print_json(found.to_json())
        else:
            echo("\n".join([table(*found.table()), *found.lines()]))
        return
    folder = subjects[0] if subjects else None
    if people:
        folder = _make(subjects, places, arguments)
    if not serve:
        return
    if folder is None:
        raise RequestError("Which trial shall be shown?", hint="ganzoo evaluate --serve trial/")
    serve_trial(folder, port=port, progress=Lines(), ready=lambda address: echo(f"open {address} (Ctrl-C ends it)"))


def _make(subjects: Sequence[Path], places: Sequence[Path], arguments: Mapping[str, Any]) -> Path:
    """Make a trial; its folder."""
    from ganzoo.api.people import PAGE, make_trial
    from ganzoo.cli.progress import Stages

    if len(places) != 1:
        raise RequestError("A trial is a folder.", hint="ganzoo evaluate --people RUN_A RUN_B -o trial/")
    with Stages("") as stages:
        folder = make_trial(subjects, out=places[0], progress=stages, **arguments)
    echo(f"{folder / PAGE}: open it in a browser; judges save a file of answers")
    echo(f"next        ganzoo evaluate --judged {shell_word(folder)} answers-*.json")
    return folder
