"""`ganzoo compare`."""

from __future__ import annotations

from pathlib import Path

import click

from ganzoo.cli.common import echo, json_option, print_json, table
from ganzoo.cli.parse import parse_share
from ganzoo.errors import GateError, RequestError


@click.command("compare")
@click.argument("results", nargs=-1, type=click.Path(path_type=Path))
@click.option("--across", multiple=True, metavar="WHAT", help="What may differ: device, provider, precision, machine, "
              "model, settings.")  # fmt: skip
@click.option("--margin", default="2%", show_default=True, metavar="SHARE", help="Within which two are the same.")
@click.option("--fail-over", metavar="SHARE", help="Exit status 3 where something is slower by more.")
@click.option("--require", multiple=True, metavar="LIMIT", help="Exit status 3 unless kept: 'p99<20ms'; repeat.")
@click.option("--undecided", type=click.Choice(["pass", "fail"]), default="pass", show_default=True,
              help="What gates that are neither kept nor broken for sure do.")  # fmt: skip
@click.option("--history", type=click.Path(path_type=Path), metavar="DIR", help="Each case over all results there.")
@click.option("--markdown", is_flag=True, help="For a pull request.")
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE.xml", help="For a CI server.")
@json_option
def command(
    results: tuple[Path, ...],
    across: tuple[str, ...],
    margin: str,
    fail_over: str | None,
    require: tuple[str, ...],
    undecided: str,
    history: Path | None,
    markdown: bool,
    junit: Path | None,
    as_json: bool,
) -> None:
    """Say which of two results is faster, and how sure that is.

    \b
    ganzoo compare before.json after.json --across model --fail-over 5%
    ganzoo compare cpu.json openvino.json --across provider
    ganzoo compare sweep.json --across settings --require 'p99<20ms'
    ganzoo compare --history results/

    The first is what the others are held against. Cases are paired when they were measured the same way; what differs
    is refused by name unless --across says that it is the question. The chance of any wrong verdict is at most 5% in
    all. Exit status 3 where a gate does not let pass.
    """
    from ganzoo.api.compare import compare, write_report

    share = parse_share("--margin", margin)
    if history is not None:
        if results:
            raise RequestError("--history takes the results of its folder; name no others.")
        if across or fail_over or require or junit or markdown:
            raise RequestError("--history tells; it has no gates, and takes --margin and --json alone.")
        _print_history(history, share, as_json)
        return
    found = compare(
        list(results), across=across, margin=share, require=require, undecided=undecided,  # type: ignore[arg-type]
        fail_over=None if fail_over is None else parse_share("--fail-over", fail_over),
    )  # fmt: skip
    text = write_report(found, markdown=markdown, junit=junit, inputs=results)
    if as_json:
        print_json(found.to_json())
    elif markdown:
        echo(text.rstrip())
    else:
        echo(table(*found.table(), wrap="case"))
        for line in filter(None, (*found.lines(), found.said_of_gates())):
            echo(line)
    if found.failed:
        one, gate = found.failed[0]
        count = len(found.failed)
        what = f"{count} {'gate does' if count == 1 else 'gates do'} not let pass"
        raise GateError(f"{what}. {one.title}: {gate.gate}: {gate.kept}: {gate.said}")


def _print_history(folder: Path, margin: float, as_json: bool) -> None:
    from ganzoo.api.compare import compare_history

    found = compare_history(folder, margin=margin)
    if as_json:
        print_json([story.to_json() for story in found])
        return
    for story in found:
        first, last = story.points[0], story.points[-1]
        echo(f"{story.title}: {len(story.points)} results, {first.value:.4g} to {last.value:.4g} {story.unit}")
        for step in story.steps:
            low, high = step.ratio.low or 0.0, step.ratio.high or 0.0
            changed = f"; there changed {', '.join(step.changed)}" if step.changed else ""
            echo(
                f"  from {step.before} to {step.after}: {step.ratio.value:.3f} times ({low:.3f} to {high:.3f}){changed}"
            )
        if not story.steps:
            echo("  no step" if len(story.points) >= 4 else "  too few results to see a step: 4 are the least")
