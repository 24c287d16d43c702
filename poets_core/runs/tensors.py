"""Checksums of single tensors in a safetensors file, so that a change has the name of a tensor and not of a file alone.

Read without any library for tensors: a file is 8 bytes that say how long its header is, the header as JSON, and the
bytes of all tensors (https://github.com/huggingface/safetensors, "Format").
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

from poets_core.errors import InvalidModel
from poets_core.intake import read_json, shown

ENDING = ".safetensors"
HEADER = 16 << 20
"""Bytes of a header, at most."""
MOST = 100_000
"""Tensors in a file, at most."""
BLOCK = 1 << 20


def tensor_checksums(file: BinaryIO, name: str) -> dict[str, dict[str, Any]]:
    """Return dtype, shape and SHA-256 of every tensor, by its name.

    Args:
        file: read once, from its beginning to its end.
        name: of the file, for messages.

    Raises:
        InvalidModel: it is no safetensors file, is cut off, or its header describes overlapping or missing bytes.
    """
    start = file.read(8)
    size = struct.unpack("<Q", start)[0] if len(start) == 8 else HEADER + 1
    if size > HEADER:
        raise InvalidModel(f"Expected a safetensors file in {name[:80]}, got no header of at most {HEADER >> 20} MiB.")
    header = read_json(file.read(size), f"the header of {name[:80]}", InvalidModel, most=HEADER)
    if not isinstance(header, dict) or len(header) > MOST:
        raise InvalidModel(f"Expected a header with at most {MOST:,} tensors in {name[:80]}, got another.")
    header.pop("__metadata__", None)
    parts = sorted((_place(tensor, facts, name), tensor) for tensor, facts in header.items())
    found, at = {}, 0
    for (begin, end), tensor in parts:
        # The format allows neither holes nor overlaps, which would be bytes that no checksum here covers.
        if begin != at:
            raise InvalidModel(f"Expected tensor {shown(tensor)} of {name[:80]} at byte {at}, got byte {begin}.")
        facts = header[tensor]
        found[tensor] = {"dtype": facts["dtype"], "shape": facts["shape"], "sha256": _digest(file, end - begin, name)}
        at = end
    if file.read(1):
        raise InvalidModel(f"Expected {name[:80]} to end after its last tensor, got more bytes.")
    return dict(sorted(found.items()))


def _place(tensor: str, facts: object, name: str) -> tuple[int, int]:
    if isinstance(facts, Mapping) and isinstance(facts.get("dtype"), str) and isinstance(facts.get("shape"), list):
        match facts.get("data_offsets"):
            case [int(begin), int(end)] if 0 <= begin <= end:
                return begin, end
    raise InvalidModel(f"Expected dtype, shape and data_offsets of tensor {shown(tensor)} in {name[:80]}, got others.")


def _digest(file: BinaryIO, size: int, name: str) -> str:
    whole, left = hashlib.sha256(), size
    while left:
        block = file.read(min(BLOCK, left))
        if not block:
            raise InvalidModel(f"Expected {left:,} more bytes in {name[:80]}, got its end: it is cut off.")
        whole.update(block)
        left -= len(block)
    return whole.hexdigest()
