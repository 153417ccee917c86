"""Keys of random numbers: equal parts give equal keys, on every machine and in every version.

Every draw of ganzoo is a function of such a key and of nothing that was drawn before; see `ganzoo.architecture.Step`.
"""

from __future__ import annotations

import hashlib


def derive_key(*parts: object) -> int:
    """A 63-bit key from printable parts; equal parts give equal keys on every machine."""
    return key_of(hashlib.blake2b(digest_size=8), "\x1f".join(map(str, parts)))


def key_of(begun: hashlib.blake2b, text: str) -> int:
    """The key of a text whose beginning has been hashed already."""
    whole = begun.copy()
    whole.update(text.encode())
    return int.from_bytes(whole.digest(), "little") >> 1
