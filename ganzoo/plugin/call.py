"""The one place where a stranger's code is called: import strings are resolved here, factories and loggers run.

Whatever it raises becomes an error that names its distribution; what it prints goes to stderr, because stdout may
carry a result. GANZOO_STRICT=1 lets its errors through as they are.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any, TextIO, TypeVar

from ganzoo.errors import GanzooError, GanzooWarning, PluginError, one_line
from ganzoo.plugin.installed import InstalledSpec

ResultT = TypeVar("ResultT")

_registered: dict[str, object] = {}
_lock = threading.RLock()
_targets: list[TextIO] = []  # where stdout goes now, the last of them
_usual: list[TextIO] = []  # sys.stdout as it was before the first


@contextlib.contextmanager
def stdout_to(target: TextIO) -> Iterator[None]:
    """What is printed inside goes to `target`. For several threads at once: whoever leaves last puts stdout back."""
    with _lock:
        if not _targets:
            _usual[:] = [sys.stdout]
        _targets.append(target)
        sys.stdout = target
    try:
        yield
    finally:
        with _lock:
            _targets.reverse()
            _targets.remove(target)  # the newest of equals
            _targets.reverse()
            sys.stdout = _targets[-1] if _targets else _usual[0]


def is_strict() -> bool:
    """Whether plugins' errors are fatal, for CI."""
    return os.environ.get("GANZOO_STRICT") == "1"


def remember(import_string: str, value: object) -> None:
    """Have an import string mean `value`: of a class that was registered where no module can be imported."""
    _registered[import_string] = value


def resolve(import_string: str) -> Any:
    """The object that an import string names. Raises whatever its module raises."""
    if import_string in _registered:
        return _registered[import_string]
    module_name, _, attribute = import_string.partition(":")
    with stdout_to(sys.stderr):
        return getattr(importlib.import_module(module_name), attribute)


def load_object(import_string: str, *, offer: InstalledSpec[Any]) -> Any:
    """The object that an import string of a plugin names.

    Raises PluginError, which names the distribution, when it cannot be imported; a GanzooError of its own passes.
    """
    try:
        return resolve(import_string)
    except GanzooError:
        raise
    except (Exception, SystemExit) as error:
        if is_strict():
            raise
        raise PluginError(
            f"{offer.maker} cannot be loaded: {import_string}: {reason(error)}",
            hint=f"Report it to the authors of {offer.distribution}; GANZOO_STRICT=1 shows the whole traceback.",
        ) from error


def call_plugin(
    function: Callable[..., ResultT],
    *arguments: Any,
    failed: str,
    kind: type[GanzooError] = PluginError,
    **named: Any,
) -> ResultT:
    """What a plugin's function gives. A GanzooError of its own passes.

    failed: how the message begins when it raises anything else, e.g. "The logger 'x' of y 1.0 failed".
    kind: what is raised then, with the cause behind it.
    """
    try:
        with stdout_to(sys.stderr):
            return function(*arguments, **named)
    except (GanzooError, GanzooWarning):  # a warning, where the caller's filter makes errors of them
        raise
    except (Exception, SystemExit) as error:  # SystemExit too: a plugin must not end the program
        if is_strict():
            raise
        raise kind(
            f"{failed}: {one_line(error)}",
            hint="GANZOO_STRICT=1 shows the whole traceback.",
        ) from error


def expect(
    value: Any, expected: type, import_string: str, offer: InstalledSpec[Any], kind: type[GanzooError] = PluginError
) -> None:
    """Raises `kind` when a plugin gave something else than was expected of it."""
    if not isinstance(value, expected):
        raise kind(f"{import_string} of {offer.distribution} gave a {type(value).__name__}, not a {expected.__name__}.")


class Attempts:
    """Calls that work can go on without: one that fails is told once and left out from then on.

    say: receives one line for each.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._failed: set[str] = set()

    def attempt(self, what: str, work: Callable[[], object]) -> None:
        """what: names the work in the warning, and what is left out."""
        if what in self._failed:
            return
        try:
            work()
        except (Exception, SystemExit) as error:  # a plugin must not end a training
            self._failed.add(what)
            self._say(f"warning: {what} failed and was left out: {one_line(error)}")


def reason(error: BaseException) -> str:
    """One line: what was raised, and where in the plugin."""
    if isinstance(error, PluginError):
        return one_line(error).removeprefix("PluginError: ")
    frames = traceback.extract_tb(error.__traceback__)
    here = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""  # noqa: PTH119
    return one_line(error) + here
