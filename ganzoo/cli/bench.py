"""`ganzoo bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ganzoo.api.watch import clock
from ganzoo.cli.common import echo, json_option, print_json, table
from ganzoo.cli.progress import Cases
from ganzoo.errors import BenchError


@click.command("bench")
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--provider", default="cpu", show_default=True, metavar="A,B", help="cpu, cuda, openvino...: see `ganzoo doctor`."
)
@click.option("--device", metavar="0,1|all|UUID|NAME*", help="Which of the provider's; the first.")
@click.option("--together", is_flag=True, help="Devices at once, too: how much slower than alone.")
@click.option("--lock-clocks", metavar="base|most|MHZ", help="Hold GPUs at a clock meanwhile; wants an administrator.")
@click.option("--label", metavar="NAME", help="What you call this machine, in the result.")
@click.option("--batch", metavar="1,8,32", help="Sizes of the first dimension; 1 if not stated.")
@click.option("--dim", "dims", multiple=True, metavar="NAME=1,8", help="Sizes of a dimension by its name.")
@click.option("--size", metavar="256,320x448", help="Of pictures whose size is open: height by width.")
@click.option(
    "--shape", "shapes", multiple=True, metavar="NAME=1x3x256x256", help="Shape of an input; repeat to sweep."
)
@click.option("--input", "files", multiple=True, metavar="NAME=FILE.npy", help="Content of an input.")
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="ONNX test data, for all inputs.")
@click.option("--fill", "fills", multiple=True, metavar="NAME=RULE", help="zeros, ones, normal, uniform, LOW..HIGH.")
@click.option("--threads", default="0", metavar="1,2,4", help="Threads of one operator; 0 is ONNX Runtime's choice.")
@click.option("--inter-op", default="0", metavar="1,2", help="Operators side by side.")
@click.option("--optimize", default="all", metavar="off,basic,extended,all", help="Of the graph.")
@click.option("--spin", default="on", metavar="on,off", help="Whether threads wait for work by spinning.")
@click.option("--cuda-graph", default="off", metavar="on,off", help="Capture and replay, on CUDA.")
@click.option("--option", "options", multiple=True, metavar="PROVIDER.KEY=V1,V2", help="An option of a provider.")
@click.option("--precision", default="file", metavar="file|tf32|fp16|bf16|int8", help="What the provider computes in.")
@click.option("--library", "libraries", multiple=True, metavar="FILE", help="Custom operators: RUNS ITS CODE.")
@click.option(
    "--scenario",
    type=click.Choice(["single-stream", "multi-stream", "server", "offline"]),
    default="single-stream",
    show_default=True,
    help="How calls come: one by one, several at once, at a rate, or all.",
)
@click.option("--rate", metavar="200|50%,80%", help="Of a server: calls a second, or shares of what it can do.")
@click.option("--slo", metavar="p99=20ms", help="Of a server: find the largest rate that keeps this.")
@click.option(
    "--streams", type=click.IntRange(1), default=8, show_default=True, help="Calls of one multi-stream query."
)
@click.option("--instances", type=click.IntRange(1), default=1, show_default=True, help="Sessions side by side.")
@click.option("--idle", "idle_ms", type=click.FloatRange(0), default=0.0, metavar="MS", help="Gap before each call.")
@click.option("--rotate", "rotate_mb", type=click.FloatRange(0), default=0.0, metavar="MB", help="Pool of inputs.")
@click.option("--cool-to", type=float, metavar="CELSIUS", help="Let the device cool before each process.")
@click.option("--profile", is_flag=True, help="Where the time goes, by operator and node.")
@click.option(
    "--check", type=click.Choice(["auto", "strict", "off"]), default="auto", help="Of outputs; strict: quantised too."
)
@click.option(
    "--repeats", type=click.IntRange(1, 100), default=5, show_default=True, help="Processes per case, at least."
)
@click.option(
    "--seconds", "least_seconds", type=click.FloatRange(0.01), default=3.0, help="Of samples in each process."
)
@click.option("--within", type=click.FloatRange(0.0001), default=0.02, show_default=True, help="Of the 95% interval.")
@click.option("--max-time", type=click.FloatRange(0.1), default=120.0, metavar="SECONDS", help="In all; a bound.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of arrivals and of the order.")
@click.option("--fleet", metavar="auto|HOST:PORT", help="On the machines of a Ray cluster; -o is then a folder.")
@click.option("--each", type=click.Choice(["device-kind", "node", "gpu"]), help="What of a fleet is measured.")
@click.option("--dry-run", is_flag=True, help="Print the plan and how long it takes.")
@click.option("--resume", type=click.Path(path_type=Path), metavar="RESULT.json", help="Go on with a sweep.")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), metavar="RESULT.json", help="Also '{label}-{device}.json'."
)
@json_option
def command(
    models: tuple[Path, ...],
    batch: str | None,
    dims: tuple[str, ...],
    size: str | None,
    shapes: tuple[str, ...],
    files: tuple[str, ...],
    fills: tuple[str, ...],
    options: tuple[str, ...],
    rate: str | None,
    device: str | None,
    max_time: float,
    fleet: str | None,
    each: str | None,
    dry_run: bool,
    resume: Path | None,
    out: Path | None,
    as_json: bool,
    **rest: Any,
) -> None:
    """Measure the latency of any ONNX file.

    \b
    ganzoo bench generator.onnx --batch 1,8,32
    ganzoo bench a2b.onnx --size 256,320x448 --threads 1,2
    ganzoo bench generator.onnx --scenario server --rate 50%,80% -o result.json
    ganzoo bench resnet.onnx --shape input=1x3x224x224 --provider cuda -o result.json

    Needs no torch. Each case runs in fresh processes, interleaved with the others, until its 95% interval is narrow
    or the time is up. A percentile that the number of samples cannot carry is not printed. Exit status 1 where a case
    failed or its outputs differ.
    """
    from ganzoo.api.bench import bench, plan_bench
    from ganzoo.cli.parse import parse_batches, parse_dims, parse_files, parse_lists, parse_shape

    swept: dict[str, list[tuple[int, ...]]] = {}
    for text in shapes:
        name, shape = parse_shape(text)
        swept.setdefault(name, []).append(shape)
    asked: dict[str, Any] = {
        **rest,
        "device": () if device is None else device,
        "dims": {**parse_dims(dims), **({"batch": parse_batches(batch)} if batch else {})},
        "sizes": size.split(",") if size else [],
        "shapes": swept,
        "inputs": parse_files(files),
        "fills": {name: ",".join(values) for name, values in parse_lists("--fill", fills).items()},
        "options": parse_lists("--option", options),
        "rate": rate or (),
        "max_seconds": max_time,
    }
    if fleet is not None or each is not None:
        from ganzoo.cli.fleet import measure_fleet

        measure_fleet(models, asked, address=fleet, each=each, out=out, resume=resume, as_json=as_json, dry_run=dry_run)
        return
    if dry_run:
        plan = plan_bench(models, **asked)
        if as_json:
            print_json({"cases": list(plan.cases), "repeats": plan.repeats, "seconds": round(plan.seconds, 1)})
            return
        for title in plan.cases:
            echo(title + (f"  failed: {plan.failed[title]}" if title in plan.failed else ""))
        count = f"{len(plan.cases)} case{'' if len(plan.cases) == 1 else 's'}"
        echo(f"{count}, {plan.repeats} processes of each or more: about {clock(plan.seconds)}")
        return
    result = bench(models, **asked, out=out, resume=resume, progress=Cases())
    if as_json:
        print_json(result.document)
    elif any(case["latency_ms"] for case in result.cases):
        echo(table(*result.table(), wrap="case"))
        for line in result.notes():
            echo(line)
        for line, headings, cells in result.profiles():
            echo(line)
            echo(table(headings, cells, wrap="operator or node"))
        if result.written:
            echo(f"everything, samples included: {', '.join(map(str, result.written))}")
    if result.failed:
        first = result.failed[0]
        raise BenchError(
            f"{len(result.failed)} of {len(result.cases)} cases failed. {first['model']['file']}: {first['why']}"
            if len(result.cases) > 1
            else first["why"],
            hint=result.hints.get(result.cases.index(first), first["hint"]),
        )
