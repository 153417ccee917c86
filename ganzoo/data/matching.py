"""Files of two folders that are partners: of one path and name, whatever their suffixes."""

from __future__ import annotations

from ganzoo.data.containers import PictureFile
from ganzoo.data.finding import Collection
from ganzoo.errors import DataError, first_few

Files = tuple[PictureFile, ...]
"""Of a pair: one file, or two."""


def matched(first: Collection, second: Collection) -> list[Files]:
    sides = [_by_name(first), _by_name(second)]
    alone = [
        f"{len(names)} of {len(sides[number])} in {side.where} have no partner: {_some(sorted(names))}"
        for number, side in enumerate((first, second))
        if (names := set(sides[number]) - set(sides[1 - number]))
    ]
    if alone:
        raise DataError(
            "The two folders do not match. " + "; ".join(alone),
            hint="A pair has one path and name in both folders (the suffix may differ). "
            "Pictures that do not correspond want an unpaired architecture (`ganzoo list`); `ganzoo data info` "
            "looks at them with --unpaired.",
        )
    return [(file, sides[1][name]) for name, file in sides[0].items()]


def _by_name(side: Collection) -> dict[str, PictureFile]:
    named: dict[str, PictureFile] = {}
    for file in side.files:
        folder, slash, last = file.name.rpartition("/")
        name = f"{folder}{slash}{last.rpartition('.')[0] or last}"
        if name in named:
            raise DataError(
                f"{side.where} has {named[name].name} and {file.name}, and it is not clear which is the partner.",
                hint="Keep one of them.",
            )
        named[name] = file
    return named


def _some(items: list[str]) -> str:
    return first_few(items, separator="; ")
