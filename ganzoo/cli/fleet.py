"""`ganzoo bench --fleet`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from ganzoo.cli.common import echo, print_json, table
from ganzoo.cli.progress import Cases
from ganzoo.errors import BenchError, RequestError, printable, short


def measure_fleet(
    models: Sequence[Path],
    asked: Mapping[str, Any],
    *,
    address: str | None,
    each: str | None,
    out: Path | None,
    resume: Path | None,
    as_json: bool,
    dry_run: bool,
) -> None:
    """asked: arguments of `bench`. resume: the folder, or the name with fields, of an earlier call."""
    from ganzoo.api.fleet import bench_fleet

    if address is None:
        raise RequestError("--each is of a fleet.", hint="--fleet auto, or --fleet HOST:PORT")
    if dry_run:
        raise RequestError("--dry-run knows nothing of other machines.", hint="Leave out --fleet, or --dry-run.")
    if resume is not None and out is not None and resume != out:
        raise RequestError(
            f"--resume {short(str(resume))} goes on there; -o {short(str(out))} is another place.",
            hint="One of the two.",
        )
    result = bench_fleet(
        models, **asked, address=address, each=cast(Any, each or "device-kind"), out=out or resume,
        resume=resume is not None, progress=Cases(),
    )  # fmt: skip
    if as_json:
        print_json(result.to_json())
    else:
        echo(table(*result.table(), wrap="case"))
        for one in result.tasks:
            where = printable(f"{one.node} {one.kind}")
            if moved := [name for name in one.moved if name != one.node]:
                echo(f"{where}: moved here from {', '.join(map(printable, moved))}")
            if one.why:
                echo(f"{where}: {one.state}: {printable(one.why)}")
            for line in one.result.notes() if one.result is not None else ():
                echo(f"{where}: {line}")
            if one.written:
                echo(f"{where}: {', '.join(map(str, one.written))}")
    if bad := result.failed:
        first = bad[0]
        why = first.why or (first.result.failed[0]["why"] if first.result is not None else first.state)
        raise BenchError(f"{len(bad)} of {len(result.tasks)} devices: {printable(first.kind)}: {why}", hint=first.hint)
