"""Defaults < preset < TOML file < --set and options, with where each value came from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ganzoo import files
from ganzoo.config import toml
from ganzoo.config.fields import FieldInfo, PictureSize, describe, size_fields, within
from ganzoo.config.schedule import Schedule
from ganzoo.config.tables import DataConfig
from ganzoo.config.train_table import LENGTHS, TrainConfig
from ganzoo.datainfo import height_and_width
from ganzoo.errors import RequestError, did_you_mean, shell_word, short

ConfigT = TypeVar("ConfigT")

TABLES = ("architecture", "train", "data")


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """Settings from one place. origin: `preset tiny`, `file my.toml`, `--set`, `--batch-size`."""

    origin: str
    tables: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunConfig:
    """A whole configuration: the architecture's own config, [train], [data], and provenance.

    origins: where a value that is not a default came from, by (table, key).
    """

    architecture: Any
    train: TrainConfig
    data: DataConfig
    origins: Mapping[tuple[str, str], str]

    def in_kimg(self, pictures: int) -> RunConfig:
        """The same with every length and schedule that is in epochs in kimg. pictures: shown in an epoch."""
        per_epoch = pictures / 1000
        changes: dict[str, Any] = {}
        if self.train.epochs is not None:
            kimg = self.train.epochs * per_epoch
            changes["train"] = dataclasses.replace(self.train, kimg=kimg, epochs=None)
        schedules = {
            item.name: getattr(self.architecture, item.name)
            for item in dataclasses.fields(self.architecture)
            if isinstance(getattr(self.architecture, item.name), Schedule)
        }
        if schedules:
            changes["architecture"] = dataclasses.replace(
                self.architecture, **{name: value.in_kimg(per_epoch) for name, value in schedules.items()}
            )
        origins = dict(self.origins)
        if self.train.epochs is not None and ("train", "epochs") in origins:
            origins["train", "kimg"] = origins.pop(("train", "epochs"))
        return dataclasses.replace(self, **changes, origins=origins)

    def tables(self) -> dict[str, dict[str, Any]]:
        return {table: as_dict(getattr(self, table)) for table in TABLES}

    def to_toml(self, *, provenance: bool = False) -> str:
        """The three tables as TOML; with provenance, each line says where its value came from."""
        tables = self.tables()
        comments = {
            (table, key): self.origins.get((table, key), "default") for table in tables for key in tables[table]
        }
        return toml.dump(tables, comments if provenance else None)


def as_dict(config: Any) -> dict[str, Any]:
    """A config's fields and values as TOML has them: scalars, lists, and a schedule as a table of its own."""
    values = {item.name: getattr(config, item.name) for item in dataclasses.fields(config)}
    return {key: _as_table(value) if isinstance(value, Schedule) else _as_list(value) for key, value in values.items()}


def _as_list(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _as_table(schedule: Schedule) -> dict[str, Any]:
    """Without what it does not state: TOML has no null, and what is read back must be what was written."""
    return {key: value for key, value in as_dict(schedule).items() if value is not None}


def merged(origin: str, *layers: Layer) -> Layer:
    """One layer of several, each over the one before."""
    tables: dict[str, dict[str, Any]] = {}
    for layer in layers:
        for table, values in layer.tables.items():
            if values:
                tables.setdefault(table, {}).update(values)
    return Layer(origin=origin, tables=tables)


def file_layer(path: Path) -> Layer:
    """The layer of a TOML file. Raises RequestError for a file that cannot be read or has other tables."""
    try:
        values = files.read_toml(path)
    except FileNotFoundError:
        raise RequestError(f"There is no file {path}.", hint="-c takes a TOML file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"{path} cannot be read as text: {error}") from None
    except ValueError as error:
        raise RequestError(f"{path} is not valid TOML: {error}") from None
    values.pop("run", None)  # a run's own config.toml says where it came from; it can be used as it is
    for table, content in values.items():
        if table not in TABLES:
            raise RequestError(
                f"{path} has a table or key {table!r}.{did_you_mean(table, TABLES)}",
                hint=f"Tables: {', '.join(f'[{name}]' for name in TABLES)}.",
            )
        if not isinstance(content, dict):
            raise RequestError(f"{path}: {table!r} is a value; expected the table [{table}]")
    return Layer(origin=f"file {path.name}", tables=values)


def set_layer(assignments: Sequence[str]) -> Layer:
    """The layer of `--set key=value` options; `table.key` names a table, else it is [architecture].

    Raises RequestError for an assignment that is not of that form.
    """
    tables: dict[str, dict[str, Any]] = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        table, dot, rest = key.strip().partition(".")
        if not dot:
            table, rest = "architecture", table
        if not equals or not rest or table not in TABLES:
            raise RequestError(
                f"--set {text!r} is not of the form key=value.{did_you_mean(table, TABLES) if dot else ''}",
                hint="For example --set width=32, --set train.sample_every_kimg=5 or --set data.size=64.",
            )
        # `0x20` is a number to TOML, and 0 by 20 pixels to whoever states a size.
        tables.setdefault(table, {})[rest] = (
            value.strip() if rest.endswith("size") and "x" in value else _literal(value.strip())
        )
    return Layer(origin="--set", tables=tables)


def _literal(text: str) -> Any:
    """A TOML value, or the text itself, so that `objective=hinge` needs no quotes."""
    try:
        parsed = files.parse_toml(f"value = {text}")
    except ValueError:
        return text
    return parsed["value"] if set(parsed) == {"value"} else text


def resolve(name: str, config: type, layers: Sequence[Layer]) -> RunConfig:
    """Lay the layers over the defaults and validate the three tables.

    name: the architecture's, for messages. config: its dataclass.
    Raises RequestError that lists every unknown key and every value out of range.
    """
    merged: dict[str, dict[str, Any]] = {table: {} for table in TABLES}
    origins: dict[tuple[str, str], str] = {}
    for layer in layers:
        for table, values in layer.tables.items():
            for key, value in values.items():
                merged[table][key] = value
                origins[table, key] = layer.origin
                for other in LENGTHS if table == "train" and key in LENGTHS else ():
                    if other != key and origins.get((table, other)) not in (None, layer.origin):
                        merged[table].pop(other, None)  # the later layer states the length, in its own unit
    _follow_size(merged["data"], origins, layers)
    problems: list[str] = []
    kinds: dict[str, type] = {"architecture": config, "train": TrainConfig, "data": DataConfig}
    made: dict[str, Any] = {table: _validate(table, kinds[table], merged[table], origins, problems) for table in TABLES}
    stated = [key for key in LENGTHS if merged["train"].get(key) is not None]
    if len(stated) > 1:
        problems.append(f"[train] states {' and '.join(stated)}; state one length.")
    if problems:
        raise RequestError(
            "\n".join(problems),
            hint=f"`ganzoo info {shell_word(name)}` lists every key with its type, range and default.",
        )
    return RunConfig(**made, origins=origins)


def _follow_size(data: dict[str, Any], origins: dict[tuple[str, str], str], layers: Sequence[Layer]) -> None:
    """Sizes that a layer states beside `size` follow when a later one changes `size` alone, in the same proportion."""
    order = {layer.origin: number for number, layer in enumerate(layers)}
    changed = order.get(origins.get(("data", "size"), ""), -1)
    for key in ("load_size", "source_size"):
        origin = origins.get(("data", key), "")
        beside = (
            next((layer.tables["data"].get("size") for layer in layers if layer.origin == origin), None)
            if origin
            else None
        )
        if origin not in order or order[origin] >= changed or beside is None:
            continue
        try:
            old, new, follows = (height_and_width(_SIZE.read(size)) for size in (beside, data["size"], data[key]))
        except (ValueError, TypeError):  # which is refused where it is read
            continue
        sides = [max(1, round(side * now / then)) for side, now, then in zip(follows, new, old, strict=True)]
        data[key] = sides[0] if sides[0] == sides[1] else sides
        origins["data", key] = f"{origin}, as data.size is another"


_SIZE = PictureSize(1, 2**16)


def _validate(
    table: str,
    config: type[ConfigT],
    values: Mapping[str, Any],
    origins: Mapping[tuple[str, str], str],
    problems: list[str],
) -> ConfigT | None:
    import pydantic

    fields = {info.name: info for info in describe(config)}
    known = {key: value for key, value in values.items() if key in fields}
    for key in values:
        if key not in fields:
            where = origins.get((table, key), "")
            problems.append(f"[{table}] has no key {key!r}{f' ({where})' if where else ''}.{did_you_mean(key, fields)}")
    out_of_range: list[str] = []
    for key, value in list(known.items()):
        if isinstance(value, bool) and "true or false" not in fields[key].expected:  # to pydantic it is 1
            out_of_range.append(_refusal(table, key, known.pop(key), fields[key], origins))
    for key, size in size_fields(config).items():
        if key in known:
            try:
                known[key] = size.read(known[key])
            except ValueError:
                out_of_range.append(_refusal(table, key, known.pop(key), fields[key], origins))
    problems += out_of_range
    # pydantic ignores unknown keys and leaves a dataclass's defaults unchecked unless told otherwise.
    config.__pydantic_config__ = pydantic.ConfigDict(  # type: ignore[attr-defined]
        extra="forbid", validate_default=True, allow_inf_nan=False
    )
    try:
        made = pydantic.TypeAdapter(config).validate_python(known)
        problems += _schedules_out_of_range(table, config, made, fields)
        return made
    except pydantic.ValidationError as error:
        details = error.errors(include_url=False)
        # No location: raised by the config's own __post_init__, whose message is for the user. It sees nothing of a
        # value that was refused before.
        if not out_of_range:
            problems += [
                f"[{table}] {item['msg'].removeprefix('Value error, ')}" for item in details if not item["loc"]
            ]
        for key in dict.fromkeys(str(item["loc"][0]) for item in details if item["loc"]):
            given = values.get(key, fields[key].default)
            problems.append(_refusal(table, key, given, fields[key], origins))
            if isinstance(given, Mapping) and "schedule" in fields[key].expected:
                parts = [f"{item.name}: {item.expected}" for item in describe(Schedule)]
                problems.append(
                    f"  A schedule has {', '.join(parts)}; to_kimg is above from_kimg, "
                    "or to_epochs and from_epochs are stated in their place."
                )
        return None


def _refusal(table: str, key: str, given: Any, field: FieldInfo, origins: Mapping[tuple[str, str], str]) -> str:
    where = origins.get((table, key), "default")
    return f"[{table}] {key} = {short(given)} ({where}): expected {field.expected}."


def _schedules_out_of_range(table: str, config: type, made: Any, fields: Mapping[str, FieldInfo]) -> list[str]:
    """pydantic sees a schedule's type, not that its values must be in the range of the number it stands for."""
    schedules = {name: getattr(made, name) for name in fields if isinstance(getattr(made, name), Schedule)}
    return [
        f"[{table}] {name} goes from {value.start:g} to {value.end:g}: expected {fields[name].expected}."
        for name, value in schedules.items()
        if not within(config, name, (value.start, value.end))
    ]
