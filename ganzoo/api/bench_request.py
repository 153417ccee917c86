"""The arguments of `bench` as a sweep: each is looked at, and none is guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, get_args

from ganzoo.api.arguments import to_choice, to_name, to_number, to_optional_path, to_path, to_paths, to_size, to_whole
from ganzoo.datainfo import height_and_width
from ganzoo.errors import RequestError, did_you_mean

if TYPE_CHECKING:
    from ganzoo.runtime.latency.inputs import InputRequest
    from ganzoo.runtime.latency.request import Objective, Rate, Request

Precision = Literal["file", "tf32", "fp16", "bf16", "int8"]


def request_of(models: Sequence[Path], usual: Mapping[str, Any], given: Mapping[str, Any]) -> Request:
    """The sweep that arguments of `bench` ask for. usual: what is taken where nothing is given. Raises RequestError."""
    from ganzoo.runtime.latency.request import Axes, Load, Request

    if not models:
        raise RequestError("No ONNX file is named to measure.")
    if unknown := [key for key in given if key not in OF_REQUEST]:
        raise RequestError(f"There is no option {unknown[0]!r} of bench.{did_you_mean(unknown[0], OF_REQUEST)}")
    value = {**usual, **given}
    for name in ("provider", "optimize", "models"):
        if name in value and not one_or_more(value[name]):
            raise RequestError(f"{name} = {value[name]!r}: expected one, or several.")
    precision = to_choice(value["precision"], "precision", get_args(Precision))
    axes = Axes(
        providers=tuple(dict.fromkeys(to_name(one, "provider") for one in one_or_more(value["provider"]))),
        threads=_wholes(value["threads"], "threads"),
        inter_op=_wholes(value["inter_op"], "inter_op"),
        optimize=tuple(to_name(one, "optimize") for one in one_or_more(value["optimize"])),  # type: ignore[misc]
        spin=_switches(value["spin"], "spin"),
        cuda_graph=_switches(value["cuda_graph"], "cuda_graph"),
        options={
            to_name(key, "options"): tuple(map(str, one_or_more(one)))
            for key, one in _mapping(value["options"], "options").items()
        },
    )
    load = Load(
        scenario=to_choice(value["scenario"], "scenario", ("single-stream", "multi-stream", "server", "offline")),
        rates=tuple(dict.fromkeys(_rate(one) for one in one_or_more(value["rate"]))),
        objective=None if value["slo"] is None else _objective(value["slo"]),
        streams=to_whole(value["streams"], "streams", least=1, most=100_000),
        instances=to_whole(value["instances"], "instances", least=1, most=1024),
        pause_ms=_from_zero(value["idle_ms"], "idle_ms"),
        rotate=_from_zero(value["rotate_mb"], "rotate_mb", most=65_536),
    )
    return Request(
        models=models,
        libraries=tuple(_library(path) for path in to_paths(value["libraries"], "libraries")),
        profile=_switches(value["profile"], "profile") == (True,),
        cool_to=None if value["cool_to"] is None else to_number(value["cool_to"], "cool_to"),
        axes=axes,
        load=load,
        devices=_devices(value["device"]),
        together=_switches(value["together"], "together") == (True,),
        lock_clocks=None if value["lock_clocks"] is None else str(value["lock_clocks"]).strip().lower(),
        label=_label(value["label"]),
        precision=precision,
        inputs=_inputs(value),
        repeats=to_whole(value["repeats"], "repeats", least=1, most=100),
        least_seconds=to_number(value["least_seconds"], "least_seconds", above=0),
        within=to_number(value["within"], "within", above=0),
        max_seconds=to_number(value["max_seconds"], "max_seconds", above=0),
        check=to_choice(value["check"], "check", ("auto", "strict", "off")),
        seed=to_whole(value["seed"], "seed", least=0),
    )


OF_REQUEST = (
    "provider", "device", "together", "lock_clocks", "label", "dims", "sizes", "shapes", "inputs", "fills", "data",
    "threads", "inter_op", "optimize", "spin", "cuda_graph", "options", "libraries", "precision", "scenario", "rate",
    "slo", "streams", "instances", "idle_ms", "rotate_mb", "cool_to", "profile", "check", "repeats", "least_seconds",
    "within", "max_seconds", "seed",
)  # fmt: skip


def _inputs(value: Mapping[str, Any]) -> InputRequest:
    from ganzoo.runtime.latency.inputs import InputRequest

    stated = {to_name(name, "dims"): _sizes(sizes) for name, sizes in _mapping(value["dims"], "dims").items()}
    return InputRequest(
        batches=tuple(stated.pop("batch", ())),
        dims=stated,
        data=to_optional_path(value["data"], "data"),
        sizes=_pairs(value["sizes"]),
        shapes={to_name(name, "shapes"): _shapes(one) for name, one in _mapping(value["shapes"], "shapes").items()},
        fills={to_name(name, "fills"): str(one) for name, one in _mapping(value["fills"], "fills").items()},
        files={
            to_name(name, "inputs"): to_path(path, "inputs")
            for name, path in _mapping(value["inputs"], "inputs").items()
        },
    )


def _devices(value: Any) -> tuple[str, ...]:
    """Numbers, labels, UUIDs, patterns; several in a list or between commas."""
    items = [to_whole(one, "device", least=0) if not isinstance(one, str) else one for one in one_or_more(value)]
    found = tuple(dict.fromkeys(str(one).strip() for one in items))
    if not all(found) or value == "":
        raise RequestError(f"device = {value!r}: expected a number, all, a UUID, or a pattern of a name.")
    return found


def _label(value: Any) -> str | None:
    """Of the user's, for a machine: one printable line."""
    if value is None:
        return None
    text = to_name(value, "label")
    if not text.isprintable() or not 0 < len(text) <= 100:
        raise RequestError(f"label = {value!r}: expected a line of 100 characters at most.")
    return text


def _library(path: Path) -> Path:
    """Raises RequestError for a file that is not there; what it is ONNX Runtime finds out by running it."""
    if not path.is_file():
        raise RequestError(f"libraries: there is no file {path}.")
    return path


def one_or_more(value: Any) -> list[Any]:
    """The items of a list, or of a text between commas; one alone."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")] if value else []
    return list(value) if isinstance(value, Iterable) else [value]


def _wholes(value: Any, argument: str) -> tuple[int, ...]:
    items = [int(one) if isinstance(one, str) and one.isdecimal() else one for one in one_or_more(value)]
    if not items:
        raise RequestError(f"{argument} = {value!r}: expected a whole number, or several.")
    return tuple(dict.fromkeys(to_whole(one, argument, least=0, most=65_536) for one in items))


def _switches(value: Any, argument: str) -> tuple[bool, ...]:
    found = [_SWITCH.get(one, one) if isinstance(one, str) else one for one in one_or_more(value)]
    if not found or not all(isinstance(one, bool) for one in found):
        raise RequestError(f"{argument} = {value!r}: expected on or off, or both.")
    return tuple(dict.fromkeys(one is True for one in found))


_SWITCH = {"on": True, "off": False}


def _from_zero(value: Any, argument: str, *, most: float = 1e9) -> float:
    number = to_number(value, argument)
    if not 0 <= number <= most:
        raise RequestError(f"{argument} = {value!r}: expected a number from 0 to {most:,.0f}.")
    return number


def _rate(value: Any) -> Rate:
    from ganzoo.runtime.latency.request import Rate

    text = value.strip() if isinstance(value, str) else value
    share = isinstance(text, str) and text.endswith("%")
    try:
        number = float(text[:-1] if share else text)
    except (TypeError, ValueError):
        number = 0.0
    if not 0 < number < 1e9:
        raise RequestError(f"rate = {value!r}: expected calls a second, such as 200, or a share such as '80%'.")
    return Rate(value=number / 100 if share else number, of_capacity=share)


def _objective(value: Any) -> Objective:
    from ganzoo.runtime.latency.request import Objective

    match = re.fullmatch(r"p(\d{1,2}(?:\.\d{1,3})?)=(\d+(?:\.\d+)?) ?ms", str(value).strip())
    if match is None or not 0 < float(match[1]) < 100 or not float(match[2]) > 0:
        raise RequestError(f"slo = {value!r}: expected a quantile and its limit, such as p99=20ms.")
    return Objective(quantile=float(match[1]) / 100, limit_ms=float(match[2]))


def _mapping(value: Any, argument: str) -> Mapping[Any, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise RequestError(f"{argument} = {value!r}: expected a mapping, by name.")
    return value or {}


def _several(value: Any, argument: str) -> list[Any]:
    """The items of a list, a tuple or an array. Raises RequestError for a text, or what has none."""
    if isinstance(value, str) or not isinstance(value, Iterable) or getattr(value, "ndim", 1) == 0:
        raise RequestError(f"{argument} = {value!r}: expected whole numbers from 1, one or several.")
    return list(value)


def _sizes(value: Any) -> list[int]:
    several = [value] if isinstance(value, SupportsIndex) else _several(value, "dims")
    if not several:
        raise RequestError(f"dims = {value!r}: expected whole numbers from 1, one or several.")
    return [to_whole(size, "dims", least=1) for size in several]


def _pairs(sizes: Any) -> tuple[tuple[int, int], ...]:
    """A number is a square; a pair is height and width; a list is several."""
    if isinstance(sizes, SupportsIndex | str):
        return (_pair(sizes),)
    several = _several(sizes, "sizes")
    if isinstance(sizes, tuple) and len(several) == 2 and all(isinstance(size, SupportsIndex) for size in several):
        return (_pair(sizes),)
    return tuple(_pair(size) for size in several)


def _pair(size: Any) -> tuple[int, int]:
    if isinstance(size, str):
        found = to_size(size, "sizes", least=1, most=65_536)
        assert found is not None
        return height_and_width(found)
    parts = [size, size] if isinstance(size, SupportsIndex) else _several(size, "sizes")
    if len(parts) != 2:
        raise RequestError(f"sizes = {size!r}: expected a number, or a pair of height and width.")
    height, width = (to_whole(part, "sizes", least=1) for part in parts)
    return height, width


def _shapes(value: Any) -> list[tuple[int, ...]]:
    given = _several(value, "shapes")
    several = [given] if all(isinstance(size, SupportsIndex) for size in given) else given
    return [tuple(to_whole(size, "shapes", least=0) for size in _several(shape, "shapes")) for shape in several]
