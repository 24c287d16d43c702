"""Keyed randomness: every random number is a pure function of a seed and a purpose.

There is no generator state to save, so a resumed run draws what the
uninterrupted run would have drawn.
"""

from __future__ import annotations

import hashlib

import numpy as np


def digest_of(*parts: object) -> bytes:
    """Hash a key to 32 bytes; parts are told apart by type and by boundary.

    Args:
        parts: integers, strings or floats.

    Raises:
        TypeError: a part has no stable text form.
    """
    h = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.integer | np.floating):
            part = part.item()
        if not isinstance(part, int | str | float):
            raise TypeError(f"Expected int, str or float in a random key, got {type(part).__name__}.")
        text = f"{type(part).__name__}:{part!r}".encode()
        h.update(len(text).to_bytes(4, "big"))
        h.update(text)
    return h.digest()


def rng_for(seed: int, purpose: str, *ids: int | str) -> np.random.Generator:
    """Return the generator that belongs to `(seed, purpose, *ids)`.

    The same key gives the same stream on every machine; different keys give
    independent streams (Philox, keyed by SHA-256).

    Args:
        seed: the run's seed.
        purpose: what the numbers are for, e.g. ``"sample"``.
        ids: round, slot or whatever else tells uses apart.
    """
    key = np.frombuffer(digest_of(seed, purpose, *ids)[:16], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def seed_for(seed: int, purpose: str, *ids: int | str) -> int:
    """Return a 63-bit integer seed for libraries that want a plain number."""
    return int.from_bytes(digest_of(seed, purpose, *ids)[16:24], "big") >> 1
