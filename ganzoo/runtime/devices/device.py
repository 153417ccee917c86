"""One device of a provider, and the devices that a user means."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from ganzoo.errors import RequestError, first_few, printable, shell_word, short

_LEAST_OF_UUID = 8  # characters of a UUID that stand for it


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """One device of a provider.

    name: as its maker calls it. number: by which the provider chooses it in a process that sees all. label: as users
    type it; the number if not stated, `0:1` for a slice of a GPU. uuid: as the driver has it; "" for none.
    memory_bytes: None where nothing tells. slice: profile of a slice, `1g.5gb`; "" for a whole device. bus: its PCI
    address, "" where nothing tells.
    """

    name: str
    number: int = 0
    label: str = ""
    uuid: str = ""
    memory_bytes: int | None = None
    slice: str = ""
    bus: str = ""

    @property
    def key(self) -> str:
        """As users type it."""
        return self.label or str(self.number)

    @property
    def uuid_sha256(self) -> str | None:
        """What identifies it in a result, without the UUID itself."""
        return hashlib.sha256(self.uuid.encode()).hexdigest()[:16] if self.uuid else None

    def to_json(self) -> dict[str, str | int | None]:
        """As a case has it."""
        return {
            "label": self.key,
            "name": self.name,
            "uuid_sha256": self.uuid_sha256,
            "slice": self.slice or None,
        }


def choose(devices: Sequence[Device], asked: Sequence[str], provider: str) -> list[Device]:
    """Those that are meant, in the order of the machine: by label (`0`, `0:1`), `all`, UUID or its beginning, or a
    pattern of the name. Nothing asked for means the first.

    Raises RequestError for what means none of them.
    """
    if not asked:
        return list(devices[:1])
    found: list[Device] = []
    for text in asked:
        meant = _meant(devices, text)
        if not meant:
            raise _no_device(devices, text, provider)
        found += meant
    return [device for device in devices if device in found]


def _meant(devices: Sequence[Device], text: str) -> list[Device]:
    lowered = text.lower()
    if lowered == "all":
        return list(devices)
    if exact := [one for one in devices if text == one.key]:
        return exact
    if numbered := [one for one in devices if text == str(one.number) and one.label == one.name]:
        return numbered  # devices that are typed by their names have numbers too
    bare = lowered.removeprefix("gpu-").removeprefix("mig-")
    if len(bare) >= _LEAST_OF_UUID and (
        known := [one for one in devices if one.uuid.lower().partition("-")[2].startswith(bare)]
    ):
        return known
    # A name alone means devices of just that name; with a star it is a pattern, also behind the maker's name.
    return [
        one
        for one in devices
        if any(fnmatch.fnmatchcase(name, lowered) for name in (one.name.lower(), one.name.lower().partition(" ")[2]))
    ]


def _no_device(devices: Sequence[Device], text: str, provider: str) -> RequestError:
    listed = [f"{one.key} ({printable(one.name)})" for one in devices]
    slices = [one.key for one in devices if one.key.startswith(f"{text}:")]
    if slices:
        return RequestError(
            f"--device {short(text)}: this GPU is cut in slices: {', '.join(slices)}.",
            hint=f"--device {shell_word(slices[0])}, or --device all",
        )
    return RequestError(
        f"--device {short(text)}: the provider {provider} has no such device here. Devices: "
        f"{first_few(listed, 16) or 'none that it lists'}.",
        hint="A number, all, a UUID, or a pattern of the name such as 'NVIDIA H100*'; `ganzoo doctor` lists them.",
    )
