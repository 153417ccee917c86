"""The one place where a stranger's code is called: import strings are resolved here, factories and loggers run.

Whatever it raises becomes an error that names its distribution; what it prints goes to stderr, because stdout may
carry a result. GANZOO_STRICT=1 lets its errors through as they are.
"""

from __future__ import annotations

import importlib
import os
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from ganzoo.errors import GanzooError, GanzooWarning, PluginError, missing_package, one_line, printable
from ganzoo.plugin.installed import InstalledSpec
from ganzoo.plugin.isolation import Isolated

ResultT = TypeVar("ResultT")

_registered: dict[str, object] = {}


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
    return getattr(importlib.import_module(module_name), attribute)


def load_object(import_string: str, *, offer: InstalledSpec[Any]) -> Any:
    """The object that an import string of a plugin names.

    Raises PluginError, which names the distribution, when it cannot be imported, MissingPackageError where that is for
    want of an extra of ganzoo's; a GanzooError of its own passes.
    """
    guest = Isolated()
    try:
        with guest:
            return resolve(import_string)
    except GanzooError:
        raise
    except BaseException as error:
        if is_strict() or guest.interrupted:
            raise
        _if_missing(error)
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
    kind: what is raised then, with the cause behind it; MissingPackageError where an extra of ganzoo's is lacking.
    """
    guest = Isolated()
    try:
        with guest:
            return function(*arguments, **named)
    except (GanzooError, GanzooWarning):  # a warning, where the caller's filter makes errors of them
        raise
    except BaseException as error:  # SystemExit too: a plugin must not end the program
        if is_strict() or guest.interrupted:
            raise
        _if_missing(error)
        raise kind(
            f"{failed}: {one_line(error)}",
            hint="GANZOO_STRICT=1 shows the whole traceback.",
        ) from error


def _if_missing(error: BaseException) -> None:
    """Raises MissingPackageError where a package of an extra is not installed, for which no plugin is to blame."""
    if isinstance(error, ModuleNotFoundError) and (missing := missing_package(error)) is not None:
        raise missing from None


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

    def attempt(self, what: str, work: Callable[[], object], *, prints: bool = False) -> None:
        """what: names the work in the warning, and what is left out. prints: it may do so on stdout."""
        if what in self._failed:
            return
        guest = Isolated(prints=prints)
        try:
            with guest:
                work()
        except BaseException as error:  # a plugin must not end a training
            if guest.interrupted:
                raise
            self._failed.add(what)
            self._say(f"warning: {what} failed and was left out: {one_line(error)}")


def reason(error: BaseException) -> str:
    """One line: what was raised, and where in the plugin."""
    if isinstance(error, PluginError):
        return one_line(error).removeprefix("PluginError: ")
    try:
        frames = traceback.extract_tb(error.__traceback__)
        here = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""  # noqa: PTH119
    except Exception:  # a file whose name is none
        here = ""
    return one_line(error) + printable(here)
