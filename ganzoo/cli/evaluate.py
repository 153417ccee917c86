"""`ganzoo evaluate`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.common import echo, json_option, print_json, table
from ganzoo.cli.parse import parse_lists, parse_values
from ganzoo.errors import GateError, RequestError

if TYPE_CHECKING:
    from ganzoo.api.types import ScoreComparison


@click.command("evaluate")
@click.argument("subjects", metavar="RUN|MODEL.onnx|FOLDER", nargs=-1, type=click.Path(path_type=Path))
@click.option("--data", multiple=True, metavar="SOURCE", help="The real pictures; a run's own if not stated.")
@click.option("--target", metavar="SOURCE", help="For translation: the pictures that the others become.")
@click.option("--metrics", metavar="NAME[,...]", help="fid,kid,pr if not stated; `ganzoo plugins list` has all.")
@click.option("--features", metavar="NETWORK", help="inception-2015[=FILE], efficientnet-lite0, pixels, FILE.onnx.")
@click.option("--feature", "feature_options", multiple=True, metavar="KEY=VALUE", help="Of FILE.onnx, as range=0:1.")
@click.option("--perceptual", type=click.Path(path_type=Path), metavar="FILE", help="VGG16, for lpips and ppl.")
@click.option("--protocol", metavar="NAME", help="Of the field: stylegan, clean-fid, pix2pix.")
@click.option("--like", type=click.Path(path_type=Path), metavar="OTHER.json", help="Repeat another's protocol.")
@click.option("-n", "--count", type=click.IntRange(1), help="Painted pictures; as many as real ones if not stated.")
@click.option("--real-count", type=click.IntRange(0), help="Real pictures, evenly spaced; all if not stated.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Of the first picture, 0 if not stated.")
@click.option("--repeats", type=click.IntRange(1, 100), help="How often, with other seeds: gives intervals.")
@click.option("--resize", metavar="FILTER", help="To the network's size: own, pil-bicubic, ...; its usual one.")
@click.option("--labels", metavar="data|seeds|CLASS", help="Of painted pictures; as the real ones have them.")
@click.option("--value", "values", multiple=True, metavar="NAME=NUMBER", help="As of sample: truncation_psi=0.7.")
@click.option("--direction", metavar="NAME", help="Of a translator; the first if not stated.")
@click.option("--checkpoint", metavar="WHICH", help="Of a run: best (the default), last, or a number of steps.")
@click.option("--device", default="auto", show_default=True, help="Of the networks: cpu, cuda, cuda:1.")
@click.option("--provider", default="cpu", show_default=True, help="Of ONNX Runtime, for ONNX files.")
@click.option("--set", "assignments", multiple=True, metavar="METRIC.KEY=VALUE|data.KEY=VALUE", help="One setting.")
@click.option("--cache", metavar="DIR|off", help="Where features of real pictures are kept; the user's cache.")
@click.option("-o", "--out", "places", multiple=True, type=click.Path(path_type=Path), metavar="FILE.json|PAGE.html",
              help="What to write; repeat for both.")  # fmt: skip
@click.option("--compare", is_flag=True, help="Of two results, A.json B.json: whether B is better.")
@click.option("--fail-if-worse", is_flag=True, help="With --compare: exit status 3 where a score is worse.")
@click.option("--fetch", metavar="NETWORK[=FILE]", help="Put published weights into the cache; downloads without FILE.")
@click.option("--people", is_flag=True, help="Make a trial that people judge in a browser: -o FOLDER.")
@click.option("--ask", type=click.Choice(["real", "better", "match"]), help="With --people: real or painted, which of "
              "two is better, which matches the source.")  # fmt: skip
@click.option("--questions", type=click.IntRange(2, 2000), help="With --people: 60 if not stated.")
@click.option("--catch", type=click.IntRange(0, 2000), help="With --people: questions that everybody can answer, 6.")
@click.option("--seconds", type=click.FloatRange(0), help="With --people: pictures are shown so long, 1; 0: always.")
@click.option("--serve", is_flag=True, help="Show the trial on the loopback address, and keep the answers.")
@click.option("--port", type=click.IntRange(0, 65535), help="With --serve; a free one if not stated.")
@click.option("--judged", is_flag=True, help="Count answers: TRIAL ANSWERS.json..., or those in the trial's folder.")
@json_option
def command(
    subjects: tuple[Path, ...],
    data: tuple[str, ...],
    target: str | None,
    feature_options: tuple[str, ...],
    values: tuple[str, ...],
    assignments: tuple[str, ...],
    cache: str | None,
    places: tuple[Path, ...],
    compare: bool,
    fail_if_worse: bool,
    fetch: str | None,
    people: bool,
    ask: str | None,
    questions: int | None,
    catch: int | None,
    seconds: float | None,
    serve: bool,
    port: int | None,
    judged: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Score a generator, and say how the score came about.

    \b
    ganzoo evaluate runs/faces --features efficientnet-lite0 -o scores.json -o scores.html
    ganzoo evaluate generator.onnx --data photos/ --metrics fid,kid --protocol stylegan
    ganzoo evaluate painted/ --data photos/ --metrics fid --features inception-2015=WEIGHTS.pth
    ganzoo evaluate runs/maps --metrics pairs --set pairs.crop=4 --set pairs.colour=y
    ganzoo evaluate --compare a.json b.json
    torchrun --nproc-per-node 8 -m ganzoo evaluate runs/faces --repeats 3
    ganzoo evaluate --people runs/a runs/b --data photos/ --ask better -o trial/
    ganzoo evaluate --judged trial/ answers-ann.json answers-bob.json

    Scores are comparable when their protocols are equal: what differs is named, and refused by --compare. FID, KID and
    IS are of Inception-2015; numbers of another network carry its name.
    """
    from ganzoo.api.evaluate import compare_evaluations, evaluate, fetch_features

    if mode := next((name for name in _MODES if click.get_current_context().params[name]), ""):
        _refuse_others(mode)
    if fetch is not None:
        name, _, file = fetch.partition("=")
        echo(str(fetch_features(name, source=file or None)))
        return
    if compare or fail_if_worse:
        if len(subjects) != 2:
            raise RequestError("--compare takes two results.", hint="ganzoo evaluate --compare A.json B.json")
        _tell_comparison(compare_evaluations(*subjects), as_json, fail_if_worse)
        return
    of_trials = {"ask": ask, "questions": questions, "catch": catch, "seconds": seconds}
    of_trials = {name: value for name, value in of_trials.items() if value is not None}
    if people or judged or serve:
        from ganzoo.cli import trial

        given = {"data": data or None, "target": target, "direction": asked["direction"], "seed": asked["seed"] or 0}
        shown = {**given, "values": parse_values(values) or None, "settings": [_settings(assignments)[1]], **of_trials}
        trial.run(subjects, places, shown, people=people, judged=judged, serve=serve, port=port or 0, as_json=as_json)
        return
    if of_trials:
        raise RequestError(f"--{', --'.join(of_trials)} goes with --people.")
    if not subjects:
        raise RequestError("What is to be judged?", hint="ganzoo evaluate RUN, MODEL.onnx or FOLDER --data SOURCE")
    from ganzoo.cli.progress import Stages

    options, layer = _settings(assignments)
    with Stages("") as stages:
        found = evaluate(
            subjects if len(subjects) > 1 else subjects[0], data=data or None, target=target, options=options,
            feature_options=_pairs(feature_options, "--feature"), values=parse_values(values) or None, settings=[layer],
            cache=True if cache is None else False if cache == "off" else cache, out=places, progress=stages, **asked,
        )  # fmt: skip
    if os.environ.get("RANK", "0") != "0":  # torchrun's
        return
    if as_json:
        print_json(found.to_json())
        return
    echo(table(*found.table(), wrap="interval of"))
    echo(found.line())
    for place in places:
        echo(str(place))


_OF_TRIAL = {"data", "target", "direction", "seed", "values", "assignments", "places", "ask", "questions", "catch"}
_MODES = {
    "fetch": set(), "judged": {"subjects", "as_json"}, "compare": {"subjects", "as_json", "fail_if_worse"},
    "fail_if_worse": {"subjects", "as_json", "compare"},
    "people": {"subjects", "seconds", "serve", "port", *_OF_TRIAL}, "serve": {"subjects", "port"},
}  # fmt: skip
"""What goes with each option that makes another verb of this one."""


def _refuse_others(mode: str) -> None:
    context = click.get_current_context()
    typed = {name for name in context.params if context.get_parameter_source(name).name == "COMMANDLINE"}  # type: ignore[union-attr]
    if others := sorted(typed - {mode} - _MODES[mode]):
        words = {one.name: one.opts[-1] for one in context.command.params}
        raise RequestError(f"{words[others[0]]} does not go with {words[mode]}.")


def _tell_comparison(found: ScoreComparison, as_json: bool, gate: bool) -> None:
    if as_json:
        print_json(found.to_json())
    else:
        echo(table(*found.table()))
        for key, (one, other) in found.noted.items():
            echo(f"differs, and was let pass: {key}: {one} and {other}")
    if gate and found.worse:
        raise GateError(f"Worse: {', '.join(found.worse)}.")


def _pairs(texts: tuple[str, ...], option: str) -> dict[str, str]:
    return {key: ",".join(values) for key, values in parse_lists(option, texts).items()}


def _settings(assignments: tuple[str, ...]) -> tuple[dict[str, Any], Any]:
    """Options of metrics, and the rest as a layer of settings."""
    from ganzoo.config.resolve import set_layer

    given = _pairs(assignments, "--set")
    ours = [f"{key}={value}" for key, value in given.items() if key.startswith("data.")]
    return {key: value for key, value in given.items() if not key.startswith("data.")}, set_layer(ours)
