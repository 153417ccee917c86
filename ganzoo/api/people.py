"""Judging by people: making a trial, serving it, counting what judges answered."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.api.arguments import to_choice, to_number, to_path, to_paths, to_sources, to_text, to_whole
from ganzoo.api.registry import installed
from ganzoo.api.settings import Settings, as_layers, option_layers
from ganzoo.errors import RequestError, one_line
from ganzoo.evaluation.people.answers import read_answers, read_key
from ganzoo.evaluation.people.counting import TrialResult, count_answers
from ganzoo.evaluation.people.trial import ASKS
from ganzoo.progress import ProgressListener, listener

if TYPE_CHECKING:
    from ganzoo.api.arguments import Place
    from ganzoo.evaluation.people.trial import Ask
    from ganzoo.evaluation.picture_set import PictureSet

PAGE, KEY, ANSWERS = "trial.html", "key.json", "answers"
_MOST_QUESTIONS = 2000
_LONGEST_SECONDS = 3600.0
_LARGEST_SEED = 2**32 - 1


def make_trial(
    subjects: Place | Sequence[Place],
    *,
    out: Path | str,
    data: Path | str | Sequence[Path | str] | None = None,
    target: Path | str | None = None,
    ask: Ask = "real",
    questions: int = 60,
    catch: int = 6,
    seconds: float = 1.0,
    seed: int = 0,
    direction: str | None = None,
    values: Mapping[str, Any] | None = None,
    settings: Settings = None,
    progress: ProgressListener | None = None,
) -> Path:
    """Write a trial that people judge in a browser: `out`/trial.html, and key.json with what is true. The folder.

    subjects: runs, ONNX files or folders of pictures. data, target: the real pictures; the first run's own if None.
    ask: "real" (real or painted?), "better" (of two), "match" (which of two translations matches the source?).
    questions, catch: how many are asked, and how many besides have an answer that everybody sees. seconds: how long
        pictures are shown; 0: until the answer. seed: of which pictures, which questions, in which order.
    direction, values: as for `Model.translate` and `Model.sample`. settings: of [data].

    Raises RequestError for what cannot be asked, and for an `out` that holds something; what `evaluate` raises.
    """
    from ganzoo.evaluation.people.page import trial_page
    from ganzoo.evaluation.people.trial import make_trial as made_of
    from ganzoo.files import write_text

    folder = to_path(out, "out")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RequestError(f"{folder} is there and is not empty.", hint="Choose another -o for the trial.")
    asked, first = to_choice(ask, "ask", ASKS), to_whole(seed, "seed", least=0, most=_LARGEST_SEED)
    number = to_whole(questions, "questions", least=2, most=_MOST_QUESTIONS)
    told = listener(progress)
    layers = [
        *as_layers(settings),
        *option_layers("data", {**to_sources(data, "data"), "target": to_text(target, "target")}),
    ]
    painted, reals, sources = _pictures(
        to_paths(subjects, "subjects"), layers, direction=direction, values=dict(values or {}),
        count=number, catch=to_whole(catch, "catch", least=0, most=_MOST_QUESTIONS), first=first, told=told,
        asked=asked,
    )  # fmt: skip
    trial = made_of(
        asked, painted, reals, sources=sources, questions=number, catch=catch,
        seconds=min(to_number(seconds, "seconds", above=-1e-9), _LONGEST_SECONDS), seed=first,
    )  # fmt: skip
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / KEY, json.dumps(trial.key(), indent=1))
        write_text(folder / PAGE, trial_page(trial, post=False))
    except OSError as error:
        raise RequestError(f"{folder} cannot be written: {one_line(error)}") from None
    return folder


def judge_trial(trial: Path | str, answers: Path | str | Sequence[Path | str] | None = None) -> TrialResult:
    """Count the answers of judges: the share fooled, or who is preferred, with intervals, and how far they agree.

    trial: its folder. answers: the files that judges saved; those in the trial's folder `answers` if None.
    Needs no torch. Raises RequestError for files that are none, or are of another trial, and two of one judge.
    """
    folder = to_path(trial, "trial")
    key = read_key(folder / KEY)
    files = sorted((folder / ANSWERS).glob("answers*.json")) if answers is None else to_paths(answers, "answers")
    if not files:
        raise RequestError(
            f"There are no answers in {folder / ANSWERS}.",
            hint="Name the files: ganzoo evaluate --judged TRIAL FILE...",
        )
    return count_answers(key, [read_answers(path, key) for path in files])


def serve_trial(
    trial: Path | str, *, port: int = 0, progress: ProgressListener | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:  # fmt: skip
    """Show a trial on the loopback address and keep the answers in its folder, until an interrupt.

    port: 0 takes a free one. ready: called with the address, from which on it can be opened.
    Raises RequestError for a folder that is no trial, and for a port that is taken.
    """
    from ganzoo.evaluation.people.serve import serving

    folder, told = to_path(trial, "trial"), listener(progress)
    key = read_key(folder / KEY)
    page = _served(folder / PAGE)
    number = to_whole(port, "port", least=0, most=65_535)
    with serving(page, key, folder / ANSWERS, port=number, say=told.say) as server:
        (ready or told.say)(f"http://127.0.0.1:{server.server_address[1]}/")
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            told.say("no longer served")


def _served(path: Path) -> str:
    """The page of a trial, which now may send answers to where it is from."""
    from ganzoo.files import read_text

    try:
        text = read_text(path, most=2**30)
    except (OSError, ValueError) as error:
        raise RequestError(f"{path} cannot be read: {one_line(error)}") from None
    return text.replace(
        "base-uri &#x27;none&#x27;", "connect-src &#x27;self&#x27;; base-uri &#x27;none&#x27;", 1
    ).replace('"post":false', '"post":true', 1)


def _pictures(
    paths: Sequence[Path], layers: Sequence[Any], *, direction: str | None, values: Mapping[str, Any], count: int,
    catch: int, first: int, told: ProgressListener, asked: str,
) -> tuple[dict[str, PictureSet], PictureSet | None, PictureSet | None]:  # fmt: skip
    """Painted by maker, the real ones, and what translators were given."""
    from ganzoo.api.judged_data import ScoringTeller, SubjectRequest
    from ganzoo.api.judged_subject import open_subject
    from ganzoo.config.resolve import resolve
    from ganzoo.config.tables import NoiseToImageConfig

    if not paths:
        raise RequestError("Whose pictures shall be judged?", hint="ganzoo evaluate --people RUN_A RUN_B -o trial/")
    data = resolve("ARCHITECTURE", NoiseToImageConfig, layers).data
    stated = frozenset(key for layer in layers for key in layer.tables.get("data", {}))
    request = SubjectRequest(data=data, stated=stated, values=values, direction=direction)
    painted: dict[str, PictureSet] = {}
    reals: PictureSet | None = None
    sources: PictureSet | None = None
    if len({path.resolve() for path in paths}) < len(paths):
        raise RequestError("One of them is named twice.", hint="Name those that are to be held against each other.")
    wanted = -(-count // (2 * len(paths))) if asked == "real" else count + catch
    shown: set[object] = set()
    for path in paths:
        opened = open_subject(path, dataclasses.replace(request, count=wanted), installed(told), ScoringTeller(told))
        if asked == "match":
            shown.add(opened.subject.settings.get("given"))
        elif asked == "real" and opened.reals is not None:
            shown.add(opened.reals.contents() or opened.reals.pixels_hash())
        painted[_free_name(path, painted)] = opened.subject.painted(first)
        reals = reals or opened.reals
        sources = sources or getattr(opened.subject, "given", None)
    if len(shown) > 1:
        raise RequestError(
            "They are not held against the same pictures.",
            hint="State them: --data SOURCE, and --target.",
        )
    return painted, reals, sources if asked == "match" else None


def _free_name(path: Path, taken: Mapping[str, object]) -> str:
    """Of a maker: the file's name, or with its folder's where two have one."""
    whole = path.resolve()
    name = whole.stem if whole.suffix == ".onnx" else whole.name or "pictures"
    if name in taken:
        name = f"{whole.parent.name}/{name}"
    number = 2
    while name in taken:
        name, number = f"{name} ({number})", number + 1
    return name
