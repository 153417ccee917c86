"""Every public name and how it is called: `python tests/public_names.py` writes tests/data/public_names.json.

Public is what `__all__` of these modules names. A change here is a change that users and plugins notice.
"""

import dataclasses
import importlib
import inspect
import json
from pathlib import Path

MODULES = ["", "architecture", "config", "errors", "nn", "objectives", "tensors", "testing"]
TARGET = Path(__file__).parent / "data" / "public_names.json"


def public_names() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for module in MODULES:
        name = f"ganzoo.{module}".rstrip(".")
        room = importlib.import_module(name)
        found[name] = {item: describe(getattr(room, item)) for item in sorted(room.__all__)}
    return found


def describe(value: object) -> str:
    """A function's parameters; a class's fields, or constructor, and its public methods; else the kind of value."""
    if inspect.isfunction(value):
        return parameters(value)
    if inspect.isclass(value):
        made = (
            f"({', '.join(field.name for field in dataclasses.fields(value))})"
            if dataclasses.is_dataclass(value)
            else parameters(value.__init__)
        )
        methods = [
            f"{name}{parameters(item) if inspect.isfunction(item) else ''}"
            for name, item in inspect.getmembers(value)
            if not name.startswith("_") and name in own(value)
        ]
        return "; ".join([f"class {made}", *methods])
    return type(value).__name__


def own(kind: type) -> set[str]:
    """Names that classes of ganzoo define, not torch's or Python's."""
    return {name for base in kind.__mro__ if base.__module__.startswith("ganzoo") for name in vars(base)}


def parameters(function: object) -> str:
    try:
        signature = inspect.signature(function)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return "(...)"
    parts, star = [], False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        star = star or parameter.kind is parameter.VAR_POSITIONAL
        prefix = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        parts.append(f"{prefix}{parameter.name}{'' if parameter.default is parameter.empty else '='}")
    return f"({', '.join(parts)})"


if __name__ == "__main__":
    TARGET.write_text(json.dumps(public_names(), indent=1) + "\n", encoding="utf-8")
