"""The language of proteins: 20 letters, a length, and what counts as a mutation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from poets_core.errors import InvalidDesign, InvalidSpec
from poets_core.types import Design

LETTERS = "ACDEFGHIKLMNPQRSTVWY"
"""One-letter codes of the 20 standard amino acids, in the order of codes 0..19."""

FREQUENCIES = (
    0.0701, 0.0230, 0.0474, 0.0711, 0.0365, 0.0656, 0.0262, 0.0434, 0.0573, 0.0996,
    0.0213, 0.0358, 0.0632, 0.0477, 0.0563, 0.0835, 0.0538, 0.0596, 0.0121, 0.0266,
)  # fmt: skip
"""Residue frequencies of human Swiss-Prot proteins, in the order of `LETTERS`."""

UNKNOWN = 255
_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_CODE = np.full(256, UNKNOWN, dtype=np.uint8)
_CODE[np.frombuffer(LETTERS.encode(), dtype=np.uint8)] = np.arange(20, dtype=np.uint8)


def upper(text: str) -> str:
    """Return a text with a-z in upper case; unlike str.upper, a foreign letter stays one (ß would become SS)."""
    return text.translate(_UPPER)


def codes_of(text: str) -> NDArray[np.uint8]:
    """Return the code of each letter, uint8 (length,); `UNKNOWN` for anything but the 20 letters."""
    return _CODE[np.frombuffer(text.encode("latin-1", "replace"), dtype=np.uint8)]


def text_of(codes: Sequence[int] | NDArray[np.integer]) -> str:
    """Return the letters of codes 0..19."""
    return "".join(LETTERS[int(c)] for c in codes)


def name_letter(letter: str) -> str:
    """Say what an unexpected letter is, for an error message."""
    if letter == "*":
        return "'*' (a stop codon)"
    if letter in "-.":
        return f"{letter!r} (a gap)"
    return repr(letter)


def parse(text: str, minimum: int, maximum: int) -> Design:
    """Return a canonical sequence: upper case, without white space.

    Args:
        text: what a backbone or a person wrote.
        minimum, maximum: inclusive limits of the length, in residues.

    Raises:
        InvalidDesign: names the first wrong letter and its position, or the length.
    """
    design = upper("".join(text.split()))
    if not design:
        raise InvalidDesign(f"Expected a sequence of {span(minimum, maximum)} residues, got an empty text.")
    wrong = codes_of(design) == UNKNOWN
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InvalidDesign(
            f"Expected the letters {LETTERS}, got {name_letter(design[at])} at position {at + 1} of {shorten(design)}. "
            "Write one of the 20 amino acids there."
        )
    if not minimum <= len(design) <= maximum:
        raise InvalidDesign(
            f"Expected {span(minimum, maximum)} residues, got {len(design)} in {shorten(design)}. "
            f"{'Add' if len(design) < minimum else 'Remove'} residues."
        )
    return design


def check_wild_type(text: str) -> Design:
    """Return the wild type in canonical form; ``""`` stays empty, lines that name it in FASTA are passed over.

    Raises:
        InvalidSpec: names the first wrong letter and its position.
    """
    if text.lstrip().startswith(">"):
        text = "".join(line for line in text.splitlines() if not line.startswith(">"))
    if not text.strip():
        return ""
    try:
        return parse(text, 1, len(text))
    except InvalidDesign as error:
        raise InvalidSpec(f"Expected a wild type of amino acids. {error}", field="problem.params.wild_type") from error


def mutations(design: Design, wild_type: Design, positions: Sequence[int | str]) -> list[str]:
    """Return substitutions such as ``"D40W"``, in order.

    Args:
        design, wild_type: sequences of equal length.
        positions: number of each residue in the protein, (length,).
    """
    return [f"{old}{at}{new}" for old, new, at in zip(wild_type, design, positions, strict=True) if old != new]


def span(minimum: int, maximum: int) -> str:
    """Return a length limit in words."""
    return f"{minimum}" if minimum == maximum else f"{minimum} to {maximum}"


def shorten(design: str) -> str:
    """Return a quotation of at most 40 letters."""
    return repr(design if len(design) <= 40 else design[:37] + "...")
