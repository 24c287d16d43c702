"""The header of a GGUF file, read within bounds: what it claims must fit into the file, before a library reads it.

Layout: magic, version, number of tensors, number of entries; entries (key, type, value); tensors (name, sides, type,
offset); padding; data. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import io
import math
import struct
from pathlib import Path
from typing import Any

from poets_core.errors import InvalidModel
from poets_core.intake import opened, shown
from poets_core.lm.families import FAMILIES

SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
TEXT, ARRAY = 8, 9
MOST_ENTRIES, MOST_TENSORS, MOST_ITEMS, MOST_TEXT = 10_000, 100_000, 2_000_000, 1 << 20
HEADER_BYTES, FILE_BYTES = 256 << 20, 1 << 40
BLOCKS = {
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    9: (32, 36),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    15: (256, 292),
    16: (256, 66),
    17: (256, 74),
    18: (256, 98),
    19: (256, 50),
    20: (32, 18),
    21: (256, 110),
    22: (256, 82),
    23: (256, 136),
    24: (1, 1),
    25: (1, 2),
    26: (1, 4),
    27: (1, 8),
    28: (1, 8),
    29: (256, 56),
    30: (1, 2),
}
"""Of each type of tensor: elements and bytes of a block."""


class _Reader:
    """The header, value by value; ends in a sentence where the file does."""

    def __init__(self, file: io.BufferedReader, name: str) -> None:
        self._file, self._name = file, name
        self._items = 0

    def wrong(self, message: str) -> InvalidModel:
        return InvalidModel(f"{message} The GGUF file {self._name} cannot be used.")

    def bytes(self, n: int) -> bytes:
        # Before anything is read: n is the file's own word.
        if self._file.tell() + n > HEADER_BYTES:
            raise self.wrong(f"Expected a header of at most {HEADER_BYTES >> 20} MiB, got more.")
        data = self._file.read(n)
        if len(data) < n:
            raise self.wrong("Expected a whole header, got one that is cut off.")
        return data

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.bytes(struct.calcsize(form)))[0]

    def count(self, what: str, most: int) -> int:
        n = int(self.number("<Q"))
        if n > most:
            raise self.wrong(f"Expected at most {most:,} {what}, got {n:,}.")
        return n

    def text(self) -> str:
        return self.bytes(self.count("bytes of a text", MOST_TEXT)).decode("utf-8", "replace")

    def value(self, kind: int, nested: bool = False) -> Any:
        """Read a value; of lists the length alone is kept."""
        if kind in SCALARS:
            return self.number(SCALARS[kind])
        if kind == TEXT:
            return self.text()
        if kind != ARRAY or nested:
            raise self.wrong(f"Expected a known type of value, got {kind}.")
        item, n = int(self.number("<I")), self.count("items of a list", MOST_ITEMS)
        # Many lists of the largest size would be as bad as one that is larger.
        self._items += n
        if self._items > 4 * MOST_ITEMS:
            raise self.wrong(f"Expected at most {4 * MOST_ITEMS:,} items in all lists, got more.")
        if item in SCALARS:
            # Numbers are passed over in one go; texts have lengths of their own.
            self.bytes(n * struct.calcsize(SCALARS[item]))
        else:
            for _ in range(n):
                self.value(item, nested=True)
        return n


def check_gguf(path: Path) -> None:
    """Check the header of a GGUF file against the file itself.

    Raises:
        InvalidModel: it claims what the file does not hold, or is of an unsupported family.
    """
    if not path.is_file():
        raise InvalidModel(f"Expected a GGUF file at {path.name}, found none. Check the path of the backbone.")
    with opened(path, FILE_BYTES, InvalidModel) as file:
        size = path.stat().st_size
        reader = _Reader(file, path.name)
        if reader.bytes(4) != b"GGUF" or reader.number("<I") not in (2, 3):
            raise reader.wrong("Expected GGUF of version 2 or 3, got another kind of file.")
        tensors, entries = reader.count("tensors", MOST_TENSORS), reader.count("entries", MOST_ENTRIES)
        known = {}
        for _ in range(entries):
            key = reader.text()
            if key in known:
                raise reader.wrong(f"Expected every key once, got {shown(key)} twice.")
            # Values of most keys are of no interest here, but where the next one begins is.
            known[key] = reader.value(int(reader.number("<I")))
        places = [_tensor(reader) for _ in range(tensors)]
        _check(known, places, size - file.tell(), reader)


def _tensor(reader: _Reader) -> tuple[str, int, int, int]:
    """Return name, first byte, bytes and longest side of a tensor."""
    name, sides = reader.text(), int(reader.number("<I"))
    if not 1 <= sides <= 4:
        raise reader.wrong(f"Expected 1 to 4 sides of {shown(name)}, got {sides}.")
    # Sides are 64 bits each; their product is formed in whole numbers of any size.
    shape = [int(reader.number("<Q")) for _ in range(sides)]
    kind, at = int(reader.number("<I")), int(reader.number("<Q"))
    if kind not in BLOCKS or 0 in shape or math.prod(shape) > 2**48:
        raise reader.wrong(f"Expected a known type and a believable shape of {shown(name)}, got {kind}, {shape[:4]}.")
    per, taken = BLOCKS[kind]
    if shape[0] % per:
        raise reader.wrong(f"Expected rows of {per} elements in {shown(name)}, got {shape[0]:,}.")
    return name, at, math.prod(shape) // per * taken, max(shape)


def _check(known: dict[str, Any], places: list[tuple[str, int, int, int]], room: int, reader: _Reader) -> None:
    """What the entries ask for is what the tensors have, and these lie in the file, each for itself."""
    family = known.get("general.architecture")
    if family not in FAMILIES:
        raise reader.wrong(f"Expected a model of the families {list(FAMILIES)}, got {shown(family)}.")
    end = 0
    longest = max((side for *_, side in places), default=1)
    for name, at, taken, _ in sorted(places, key=lambda p: p[1]):
        if at < end or at + taken > room:
            raise reader.wrong(f"Expected the bytes of {shown(name)} for itself within the file, got others.")
        end = at + taken
    # The second one would be loaded in place of the first.
    if len({name for name, *_ in places}) < len(places):
        raise reader.wrong("Expected every tensor once, got one twice.")
    for key in (
        "embedding_length",
        "feed_forward_length",
        "attention.head_count",
        "vocab_size",
        "attention.key_length",
    ):
        value = known.get(f"{family}.{key}", 1)
        # Of lists the length is known, which is one for each layer.
        if type(value) is not int or not 0 < value <= longest:
            raise reader.wrong(f"Expected {key} of 1 to {longest:,}, as the weights have, got {shown(value)}.")
    layers = known.get(f"{family}.block_count")
    present = {name.split(".")[1] for name, *_ in places if name.startswith("blk.")}
    if type(layers) is not int or present != {str(i) for i in range(min(layers, 10_000))}:
        raise reader.wrong(
            f"Expected weights of {shown(layers)} layers, as its block_count says, got {len(present):,}."
        )
