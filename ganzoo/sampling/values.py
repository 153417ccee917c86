"""What is stated of inputs that are numbers, held against how the inputs are declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ganzoo.errors import RequestError, did_you_mean, first_few, printable, shell_word
from ganzoo.tensors import TensorSpec

Values = Mapping[str, float | Sequence[float]]
"""Of inputs by name: one number, or as many as a vector has."""

_LARGEST = 3.4e38  # of float32
_MOST_SHOWN = 4  # numbers of a vector, in a hint


def checked_values(values: Values, specs: Sequence[TensorSpec], path: Path) -> Values:
    """By the inputs' whole names: the last word of one will do, `psi` for `truncation_psi`.

    Raises RequestError for an input that is not there, or is no numbers, or as many others.
    """
    able = {spec.name: spec for spec in specs if len(spec.shape) <= 2 and spec.kind != "class"}
    values = {_whole_name(name, able): value for name, value in values.items()}
    for name, value in values.items():
        numbers = list(value) if isinstance(value, Sequence) else [value]
        if not all(abs(number) <= _LARGEST for number in numbers):  # nor a NaN
            raise RequestError(f"The value of {name!r} is {value}: expected finite numbers.")
        if name not in able:
            whole = next((spec for spec in able.values() if name in spec.names), None)
            raise RequestError(
                f"{path} has no input {name!r} that is a number.{did_you_mean(name, able)} "
                f"It has: {', '.join(able) or 'none'}.",
                hint=""
                if whole is None
                else f"It is one of the numbers of {whole.name!r}; state them all, in the order "
                f"{first_few([*map(printable, whole.names)])}: {how_to_state(whole)}",
            )
        spec = able[name]
        wanted = spec.shape[1] if len(spec.shape) > 1 else 1
        if len(numbers) != wanted:
            named = f" ({first_few([*map(printable, spec.names)])})" if spec.names else ""
            raise RequestError(
                f"{name!r} of {path} is {wanted} number{'' if wanted == 1 else 's'}{named}; {len(numbers)} "
                f"{'is' if len(numbers) == 1 else 'are'} stated.",
                hint=how_to_state(spec),
            )
    return {
        name: value[0] if isinstance(value, Sequence) and len(value) == 1 else value for name, value in values.items()
    }


def _whole_name(name: str, known: Iterable[str]) -> str:
    """The one name that is this, or ends with it as a word; itself where there is none, or several."""
    ending = [whole for whole in known if whole.endswith(f"_{name}")]
    return ending[0] if name not in known and len(ending) == 1 else name


def beyond(values: Values, specs: Sequence[TensorSpec]) -> list[str]:
    """A line for each number outside of the range that its input was made for."""
    ranges = {spec.name: (spec.low, spec.high) for spec in specs if spec.kind == "number"}
    return [
        f"{printable(name)} = {value:g} lies outside {ranges[name][0]:g} to {ranges[name][1]:g}, which it was made for"
        for name, value in values.items()
        if name in ranges and not isinstance(value, Sequence) and not ranges[name][0] <= value <= ranges[name][1]
    ]


def how_to_state(spec: TensorSpec) -> str:
    """The option that states one value of an input."""
    if spec.kind == "class":
        return "--label 0"
    count = spec.shape[1] if len(spec.shape) > 1 else 1
    numbers = ",".join([f"{spec.low:g}"] * (count if isinstance(count, int) and count <= _MOST_SHOWN else _MOST_SHOWN))
    more = ",..." if isinstance(count, int) and count > _MOST_SHOWN else ""
    return f"--value {shell_word(f'{spec.name}={numbers}{more}')}"
