"""What was read, in one line and as a table; and what of it a user should think about before training."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.data.rules import FileFacts
from ganzoo.datainfo import Picture, size_text
from ganzoo.errors import printable

_FEW = 200
_MANY_CLASSES = 10
_GREY = ("L", "LA", "1", "unsigned 16 bit", "float 32 bit", "La")
_UNEQUAL = 5  # times, from which on balancing is worth a thought
_MOST_KINDS = 4  # that a line names
_COUNTERS = ("formats", "modes", "notes", "left_out")
_MOST_NAMED = 20  # files that a table names


@dataclass(slots=True)
class PictureReport:
    """Of one source. count: pictures that are used. looked_at: those that were decoded for this report.

    sizes: (height, width) of the files, upright. left_out: reasons, and how many. unreadable: file and reason, of the
    first. copies: pictures whose file is a copy of another's. classes: pictures of each, where there are labels.
    """

    what: str = "pictures"
    count: int = 0
    looked_at: int = 0
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    copies: int = 0
    classes: Mapping[str, int] = field(default_factory=dict)

    def add(self, facts: FileFacts, count: int = 1) -> None:
        self.looked_at += count
        self.sizes[facts.height, facts.width] += count
        self.formats[facts.format] += count
        self.modes[facts.mode] += count
        if facts.note:
            self.notes[facts.note] += count

    def add_unreadable(self, name: str, reason: str) -> None:
        self.left_out["unreadable"] += 1
        if len(self.unreadable) < _MOST_NAMED:
            self.unreadable.append((name, reason))

    def take(self, other: PictureReport) -> None:
        """What another report says of the files that were read; what was never one stays."""
        for name in ("looked_at", "sizes", "formats", "modes", "notes", "unreadable", "copies"):
            setattr(self, name, getattr(other, name))
        self.left_out["unreadable"] = other.left_out["unreadable"]
        self.left_out = +self.left_out

    def line(self) -> str:
        """`read 3,000 pictures: ...`."""
        one = self.count == 1
        parts = [f"read {self.count:,} {self.what.removesuffix('s') if one else self.what}"]
        if self.sizes:
            low, high = (_by_area(self.sizes, pick) for pick in (min, max))
            sizes = size_text(*low) if low == high else f"{size_text(*low)} to {size_text(*high)}"
            if len(self.sizes) > 2:
                sizes += f", most {size_text(*self.sizes.most_common(1)[0][0])}"
            parts.append(f"of {sizes}" + (f" (of {self.looked_at:,} looked at)" if self.looked_at < self.count else ""))
            parts.append(f"({_counted(self.formats)}; {_counted(self.modes)})")
        text = " ".join(parts)
        if self.classes:
            least, most = min(self.classes.values()), max(self.classes.values())
            several = f"{least:,} to {most:,}" if least < most else f"{most:,}"
            text += f"; {len(self.classes)} class{'es' if len(self.classes) > 1 else ''} of {several}"
        if self.left_out:
            reasons = _counted(self.left_out)
            text += f"; {self.left_out.total():,} left out: {reasons}"
            if self.unreadable:
                text += f" ({': '.join(map(printable, self.unreadable[0]))})"
        return text

    def table(self) -> list[tuple[str, str, str]]:
        """Rows of what, which, how many."""
        rows = [("pictures", self.what, f"{self.count:,}")]
        for title, counter in (("format", self.formats), ("mode", self.modes), ("left out", self.left_out)):
            rows += [(title, name, f"{count:,}") for name, count in counter.most_common()]
        rows += [("height x width", size_text(*size), f"{count:,}") for size, count in self.sizes.most_common(12)]
        if len(self.sizes) > 12:
            rows.append(("height x width", "others", f"{sum(c for _, c in self.sizes.most_common()[12:]):,}"))
        rows += [("class", name, f"{count:,}") for name, count in self.classes.items()]
        rows += [("unreadable", name, reason) for name, reason in self.unreadable]
        rows += [("note", name, f"{count:,}") for name, count in self.notes.most_common(12)]
        return rows

    def to_json(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "count": self.count,
            "looked_at": self.looked_at,
            "sizes": {f"{height}x{width}": count for (height, width), count in self.sizes.most_common(1000)},
            "formats": dict(self.formats),
            "modes": dict(self.modes),
            "notes": dict(self.notes),
            "left_out": dict(self.left_out),
            "unreadable": [list(each) for each in self.unreadable],
            "copies": self.copies,
            "classes": dict(self.classes),
        }

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> PictureReport:
        """The inverse of `to_json`. Raises KeyError, TypeError, ValueError or AttributeError for another table."""
        sizes = {tuple(map(int, size.split("x"))): int(count) for size, count in table["sizes"].items()}
        if any(len(size) != 2 for size in sizes):
            raise ValueError("sizes are height and width")
        counters = {name: Counter({str(k): int(v) for k, v in table[name].items()}) for name in _COUNTERS}
        return cls(
            what=str(table["what"]),
            count=int(table["count"]),
            looked_at=int(table["looked_at"]),
            sizes=Counter(sizes),  # type: ignore[arg-type]
            unreadable=[(str(name), str(reason)) for name, reason in table["unreadable"]],
            copies=int(table["copies"]),
            classes={str(name): int(count) for name, count in table["classes"].items()},
            **counters,
        )

    def advice(
        self,
        like: Picture,
        fit: str,
        sample: NDArray[np.uint8] | None = None,
        *,
        balanced: bool = False,
        augments: bool = True,
    ) -> Iterator[str]:
        """Lines on what is unusual. like: what the pictures become. sample: some of them, (N, C, H, W).

        augments: whether the architecture has the setting `augment`.
        """
        helps = "augment and data.flip help" if augments else "data.flip helps"
        if self.count == 1:
            yield "1 picture: whatever is trained on it can only learn it by heart"
        elif self.count < _FEW:
            yield f"{self.count} {self.what} are few and will be learnt by heart; {helps}"
        yield from self._about_shapes(like, fit)
        coloured = sum(n for mode, n in self.modes.items() if mode not in _GREY)
        if like.channels == 1 and coloured:
            yield f"{coloured:,} of {self.looked_at:,} may have colour and are read grey (data.channels=3 keeps it)"
        yield from self._about_notes()
        if self.classes:
            yield from self._about_classes(balanced)
        if self.copies:
            if self.copies == self.count - 1:
                yield "all pictures are the same, byte for byte"
            elif self.copies == 1:
                yield "1 picture is a copy of another, byte for byte"
            else:
                yield f"{self.copies:,} pictures are copies of others, byte for byte"
        if sample is not None and len(sample):
            if len(sample) > 1 and self.copies < self.count - 1 and (sample == sample[0]).all():
                yield "all pictures look the same"
            flat = int((sample.max((1, 2, 3)) == sample.min((1, 2, 3))).sum())
            if flat:
                yield f"{flat:,} of {len(sample):,} pictures looked at are of one shade throughout"
            if sample.shape[1] == 3 and np.ptp(sample.astype(np.int16), axis=1).max() <= 2:
                yield "all pictures are grey, in three equal channels: --set data.channels=1 is less to learn"

    def _about_shapes(self, like: Picture, fit: str) -> Iterator[str]:
        total = self.sizes.total()
        if not total:
            return
        small = sum(
            n for (height, width), n in self.sizes.items() if 2 * min(height, width) < min(like.height, like.width)
        )
        if small:
            yield (
                f"{small:,} of {total:,} are smaller than half of {size_text(like.height, like.width)} and are "
                "enlarged: what they do not show cannot be learnt"
            )
        oblong = sum(n for (height, width), n in self.sizes.items() if max(height, width) >= 8 * min(height, width))
        if oblong:
            yield f"{oblong:,} of {total:,} are eight times longer than wide, or more"
        kept = sum(n * _kept(size, like) for size, n in self.sizes.items()) / total
        if fit == "crop" and kept < 0.95:
            (height, width), _ = self.sizes.most_common(1)[0]
            sides = _near_shape((height, width), like)
            common = self.sizes.most_common(1)[0][1] > total // 2 and sides != [like.height, like.width]
            shape = (
                f"; data.size={size_text(*sides)} has the shape of most, where oblong ones are painted"
                if common
                else ""
            )
            yield (
                f"cropped to {size_text(like.height, like.width)}, {1 - kept:.0%} of the pictures' area is cut off "
                f"(data.fit=pad keeps it with borders{shape})"
            )
        elif fit == "pad" and kept < 0.95:
            yield f"padded to {size_text(like.height, like.width)}: the borders are {1 - kept:.0%} of the pixels"
        elif fit == "stretch" and kept < 0.95:
            yield f"stretched to {size_text(like.height, like.width)}: pictures of other proportions are distorted"

    def _about_classes(self, balanced: bool) -> Iterator[str]:
        least, most = min(self.classes.values()), max(self.classes.values())
        if empty := [name for name, count in self.classes.items() if not count]:
            yield f"{len(empty):,} classes have no pictures, {printable(empty[0])!r} among them, and learn nothing"
        elif self.count > 2 * _MANY_CLASSES and len(self.classes) > self.count / 2:
            yield (
                f"warning: {len(self.classes):,} classes of {self.count:,} pictures: are they names or numbers of "
                "single pictures, and no classes?"
            )
        elif most > _UNEQUAL * least and not balanced:
            name = next(name for name, count in self.classes.items() if count == least)
            yield (
                f"the classes have {least:,} ({printable(name)}) to {most:,} pictures: --set data.balance=true shows "
                "each equally often"
            )

    def _about_notes(self) -> Iterator[str]:
        if animated := self.notes["animated"]:
            yield f"{animated:,} are animated; the first frame is read"
        if clipped := self.notes["clipped"]:
            yield f"{clipped:,} have values outside data.scale, which were clipped"
        dark = [float(note.split()[1]) for note in self.notes.elements() if note.startswith("dark ")]
        if dark and len(dark) > self.looked_at // 2:
            top = max(dark)
            guess = next((2**bits - 1 for bits in (8, 9, 10, 11, 12, 13, 14) if top < 2**bits), round(top))
            yield (
                f"warning: {len(dark):,} pictures of 16 bits use numbers up to {top:g} only and are nearly black: "
                f"--set data.scale=0,{guess}"
            )


def _near_shape(size: tuple[int, int], like: Picture) -> list[int]:
    """Height and width in steps of 8, of the proportions of `size` and about as many pixels as `like`."""
    scale = (like.height * like.width / (size[0] * size[1])) ** 0.5
    middle = [side * scale / 8 for side in size]
    tried = [[max(1, round(one) + step) for step in (-1, 0, 1, 2)] for one in middle]

    def apart(pair: tuple[int, int]) -> float:
        shape = abs(math.log(pair[0] * size[1] / (pair[1] * size[0])))
        return shape + 0.1 * abs(math.log(pair[0] * pair[1] / (middle[0] * middle[1])))

    return [8 * side for side in min(itertools.product(*tried), key=apart)]


def _kept(size: tuple[int, int], like: Picture) -> float:
    """The share of a picture's area in the largest part of these proportions."""
    ratio = (size[0] * like.width) / (size[1] * like.height)
    return min(ratio, 1 / ratio)


def _by_area(sizes: Counter[tuple[int, int]], pick: Any) -> tuple[int, int]:
    return pick(sizes, key=lambda size: (size[0] * size[1], size))  # type: ignore[no-any-return]


def _counted(counter: Counter[str]) -> str:
    """`2,310 JPEG, 690 HEIC`; the name alone where there is one."""
    common = counter.most_common()
    if len(common) == 1 and not common[0][0].startswith(
        ("no pictures", "unreadable", "links", "of another", "without")
    ):
        return common[0][0]
    shown = [f"{count:,} {name}" for name, count in common[:_MOST_KINDS]]
    rest = sum(count for _, count in common[_MOST_KINDS:])
    return ", ".join([*shown, *([f"{rest:,} of other kinds"] if rest else [])])
