"""Pictures, folders and archives that are awkward: each is read as it is meant, or refused by name.

The truth is from construction or from another decoder, see `awkward`.
"""

from __future__ import annotations

import os
import re
import resource
import signal
from pathlib import Path

import numpy as np
import pytest
import torch  # noqa: F401  (what it takes is not what a case takes)
from awkward import CASES
from awkward.case import HEIGHT, WIDTH, Case, Either, Refused, Some

from ganzoo.config import DataConfig
from ganzoo.data.folder import open_folder
from ganzoo.errors import DataError

SECONDS = 20  # longer than any takes, and it hangs
MOST_MEMORY = 400 * 2**20


@pytest.fixture(autouse=True)
def _in_time():
    def late(*_):
        raise AssertionError(f"not done in {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_awkward(case, tmp_path):
    for name in case.needs:
        pytest.importorskip(name)
    folder = tmp_path / "pictures"
    folder.mkdir()
    path = case.make(folder) or folder
    expect = case.expect(folder) if callable(case.expect) else case.expect
    before, files = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, files_below(tmp_path)
    for channels in [case.options["channels"]] if "channels" in case.options else channels_of(expect):
        judge(case, path, expect, channels)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < MOST_MEMORY, f"{grown:,} bytes more than before"
    assert files_below(tmp_path) == files, "something was written"


def files_below(folder: Path) -> list[tuple[str, list[str]]]:
    return sorted((base, sorted(folders + names)) for base, folders, names in os.walk(folder))


def judge(case: Case, path: Path, expect, channels: int) -> None:
    lines: list[str] = []
    size = case.size or first_of(expect).shape[:2]
    options = DataConfig(**{**case.options, "size": tuple(map(int, size)), "channels": channels})
    try:
        source = open_folder(str(path), options, notify=lines.append)
        count = source.lengths[0]
        pictures = source.fetch([np.arange(count)]).real.numpy().transpose(0, 2, 3, 1)
    except DataError as error:
        wrong = differences(expect, str(error), channels, case.within)
    else:
        wrong = differences(expect, pictures, channels, case.within)
        wrong = wrong or words(case, lines)
    assert wrong is None, f"{wrong}\nsaid: {lines}"


def words(case: Case, lines: list[str]) -> str | None:
    said = [word for word in case.said if not any(has(line, word) for line in lines)]
    unsaid = [word for word in case.unsaid if any(has(line, word) for line in lines)]
    if said and case.loose:
        return f"LOOSE, adjust the words if what is said is fitting: nothing about {said}"
    return f"not said: {said}, said: {unsaid}" if said or unsaid else None


def has(text: str, word: str) -> bool:
    """Whether a text has a word, or another of `one|other`."""
    return any(each.lower() in text.lower() for each in word.split("|"))


def differences(expect, got: np.ndarray | str, channels: int, within: int) -> str | None:
    """None, or in what these pictures, or this refusal, are not what is expected."""
    if isinstance(expect, Either):
        found = [differences(choice, got, channels, within) for choice in expect.choices]
        return None if None in found else "\nand ".join(map(str, found))
    if isinstance(expect, Refused):
        return refused(expect, got)
    if isinstance(got, str):
        return f"refused: {got}"
    if isinstance(expect, Some):
        return picked(expect, got, channels, within)
    return in_order(expect if isinstance(expect, list) else [expect], got, channels, within)


def refused(expect: Refused, got: np.ndarray | str) -> str | None:
    if not isinstance(got, str):
        return f"expected a refusal, got {len(got)} pictures"
    missing = [word for word in expect.words if not has(got, word)]
    return f"refused without {missing}: {got}" if missing else None


def in_order(expect: list, got: np.ndarray, channels: int, within: int) -> str | None:
    if len(got) != len(expect):
        return f"expected {len(expect)} pictures, got {len(got)}"
    for index, (picture, truth) in enumerate(zip(got, expect, strict=True)):
        if (worst := off(picture, truth, channels)) > within:
            others = [place for place, other in enumerate(expect) if off(picture, other, channels) <= within]
            also = f", it is that of place {others}" if others else ""
            return f"picture {index} of {len(got)} is off by {worst} levels of {within}{also}"
    return None


def picked(expect: Some, got: np.ndarray, channels: int, within: int) -> str | None:
    counts = [sum(off(picture, truth, channels) <= within for picture in got) for truth in (*expect.must, *expect.may)]
    if sum(counts) != len(got):
        return f"{len(got)} pictures, of which {sum(counts)} are known"
    least = [1] * len(expect.must) + [0] * len(expect.may)
    fine = all(few <= count <= expect.times for few, count in zip(least, counts, strict=True))
    return None if fine else f"read {counts} times each, the first {len(expect.must)} are a must"


def off(picture: np.ndarray, truth: np.ndarray, channels: int) -> int:
    """The most that a level is off by; a grey truth is the same in all channels."""
    truth = truth if truth.ndim == 3 else truth[:, :, None]
    if truth.shape[2] == 3 and channels == 1:
        truth = np.floor(truth @ np.array([0.299, 0.587, 0.114]) + 0.5)[:, :, None]
    if picture.shape[:2] != truth.shape[:2]:
        return 999
    return int(np.abs(picture.astype(int) - truth.astype(int)).max())


def first_of(expect) -> np.ndarray:
    """A truth among them, as every picture of a case is of one size."""
    if isinstance(expect, Either):
        return first_of(expect.choices[0])
    if isinstance(expect, list):
        return expect[0]
    if isinstance(expect, Some):
        return (expect.must or expect.may)[0]
    return np.zeros((HEIGHT, WIDTH)) if isinstance(expect, Refused) else expect


def channels_of(expect) -> list[int]:
    """Grey is asked for in grey and in colour."""
    return [1, 3] if first_of(expect).ndim == 2 and not isinstance(expect, Refused) else [3]


def test_the_set_is_large_and_its_names_are_its_own():
    names = [case.name for case in CASES]
    assert len(names) >= 60 and len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9_#]+", name) for name in names)
