"""One circuit is one file; several are a ZIP with a file for each."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence

from domains.quantum.circuit import MAX_BYTES
from domains.quantum.files.facts import MOST_LINES, MOST_TERMS, Circuit, Source, as_json
from poets_core.errors import InvalidDesign
from poets_core.intake.archive import read_zip

MAX_FILES = 5000
MAX_FILE = MAX_BYTES + MOST_TERMS * 64
"""Bytes of one file: a circuit, and comments with as many terms as are written out."""
MAX_ALL = 32 << 20
"""Bytes of a zip's files after unpacking, and of a CSV or JSON."""
HAMILTONIAN = "hamiltonian.json"
"""Member of a ZIP that holds the Hamiltonian, where the files do not."""
_EPOCH = (1980, 1, 1, 0, 0, 0)  # a fixed time keeps equal exports equal byte for byte

Write = Callable[[Circuit, bool, str], bytes]
"""Makes one file of a circuit; of whether the Hamiltonian's terms are written out, and of where they are if not."""


def packed(source: Source, circuits: Sequence[Circuit], ending: str, write: Write) -> bytes:
    """Return one file for one circuit, else a ZIP of files; ``hamiltonian.json`` is in it if it is too long for each.

    Args:
        source, circuits: what is written.
        ending: of the files' names, without the dot.
        write: makes one file.
    """
    count, terms = len(circuits), len(source.terms)
    whole = terms <= MOST_TERMS and terms * count <= MOST_LINES
    if count == 1:
        return write(circuits[0], whole, "in the JSON export of this circuit")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for k, circuit in enumerate(circuits):
            name = re.sub(r"[^A-Za-z0-9_-]", "_", circuit.record.id)[:60]
            data = write(circuit, whole, f"in {HAMILTONIAN} of the ZIP that this file came in")
            archive.writestr(_member(f"{k:05d}_{name}_{circuit.cx}cx.{ending}"), data)
        if not whole:
            archive.writestr(_member(HAMILTONIAN), as_json(source.terms))
    return buffer.getvalue()


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def unpacked(data: bytes, what: str) -> list[bytes]:
    """Return the files of an export: the one, or those of a ZIP in its order.

    Args:
        data: from anyone.
        what: the format, for the message.

    Raises:
        InvalidDesign: damaged, or beyond a bound.
    """

    def refuse(message: str) -> InvalidDesign:
        return InvalidDesign(f"Expected a zip of {what} files. {message}")

    if not data.startswith(b"PK"):
        if len(data) > MAX_FILE:
            raise InvalidDesign(f"Expected at most {MAX_FILE:,} bytes of {what}, got {len(data):,}.")
        return [data]
    # A long Hamiltonian may be far larger than a circuit, so the bound on each file is that of all together.
    members = read_zip(data, files=MAX_FILES + 1, each=MAX_ALL, total=MAX_ALL, refuse=refuse)
    texts = [text for name, text in members if name != HAMILTONIAN]
    if any(len(text) > MAX_FILE for text in texts):
        raise refuse(f"Expected at most {MAX_FILE:,} bytes a circuit, got more.")
    return texts
