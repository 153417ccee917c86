"""What a part found, in a JSON file that is whole after every entry, however the part ends."""

import json
import math
import os
import re
import time
import traceback
from pathlib import Path

from claims import CLAIMS

_HOST = re.compile(r"(?i)\bhost(?:name)?\s*[=:]\s*\S+")
_FOLDERS = re.compile(
    r"(?<![\w/.])/(?:[^\s/'\",:;]+/)+|(?i:\b[a-z]):[\\/](?:[^\s\\/'\",:;]+[\\/])+|\\\\(?:[^\s\\]+\\)+"
)
_HOMES = re.compile(r"/(?:home|Users|root)(?:/[^\s/'\",:;]+)?(?![\w/])")


def write_json(path, body):
    """Beside, then renamed: a reader, and a kill, find the old file or the new one."""
    beside = path.with_name(f".writing-{path.name}")
    beside.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def scrub(text):
    """Without the host's name and without folders: the last part of a path stays."""
    return _FOLDERS.sub("", _HOMES.sub("~", _HOST.sub("hostname=-", str(text))))


class Report:
    """figures: numbers by name. claims: by id, whether it holds and a note. problems: what went wrong, a line each."""

    def __init__(self, part, path: Path):
        self.part, self.path = part, path
        self.began = time.monotonic()
        self.body = {"figures": {}, "claims": {}, "problems": []}
        self._write()

    def figure(self, name, **facts):
        self.body["figures"][name] = {key: _rounded(value) for key, value in facts.items()}
        print(f"  {name}: " + ", ".join(f"{key} {_rounded(value)}" for key, value in facts.items()), flush=True)
        self._write()

    def claim(self, name, holds, note, *, seen=True, needs="a GPU"):
        """holds: whether it does. note: with which numbers. seen: whether this machine shows it, or what it needs."""
        assert CLAIMS[name].part == self.part, name
        holds, note = (
            (bool(holds), note) if seen else (None, f"needs {needs}; here: {note}" if note else f"needs {needs}")
        )
        self.body["claims"][name] = {"holds": holds, "note": scrub(note)}
        shown = {True: "holds", False: "FAILS", None: "cannot be shown here"}[holds]
        print(f"  {name}: {shown}: {note}", flush=True)
        self._write()

    def problem(self, what, error):
        """An exception that ends one figure and not the part."""
        text = " ".join(f"{type(error).__name__}: {error}".split())
        self.body["problems"].append(scrub(f"{what}: {text}")[:500])
        print(f"  PROBLEM {what}: {text[:500]}", flush=True)
        if os.environ.get("GPU_TRACEBACKS"):
            traceback.print_exception(error)
        self._write()

    def attempt(self, what, work, *arguments):
        """The result of `work`, or None when it failed, which is a problem and no more."""
        try:
            return work(*arguments)
        except Exception as error:
            self.problem(what, error)
            return None

    def _write(self):
        self.body["seconds"] = round(time.monotonic() - self.began, 1)
        write_json(self.path, self.body)


def _rounded(value):
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.5g}") if math.isfinite(value) else None  # JSON has no NaN
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
