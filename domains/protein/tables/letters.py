"""What the cells of a column say, as a kind: sequences, letters set apart, mutations, DNA; and sequences as designs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from domains.protein.alphabet import LETTERS, UNKNOWN, codes_of, upper
from domains.protein.tables.controls import is_control, is_wild
from domains.protein.tables.mutations import THREE, reads_like_mutations

Content = Literal["sequences", "three", "mutations", "dna", ""]
SAMPLE = 4000
DNA_LETTERS, DNA_LEAST = frozenset("ACGTUN-"), 6
MARKS = "-./ |,:;_+"
"""What may set letters or chains apart."""
_SEQUENCE = re.compile(rf"[{LETTERS}BJOUXZ*]+", re.IGNORECASE)
_SKELETON = re.compile(rf"[A-Za-z*]+(?:[{re.escape(MARKS)}][A-Za-z*]+)*")
_THREE = re.compile(rf"(?:{'|'.join(THREE)})(?:[- ]?(?:{'|'.join(THREE)}))*")


def sample(cells: Sequence[str]) -> list[str]:
    """Return at most `SAMPLE` distinct cells out of the whole column that name no control."""
    step = max(1, len(cells) // (4 * SAMPLE))
    some = list(dict.fromkeys(c for c in cells[::step] if c))[:SAMPLE]
    return [c for c in some if not is_wild(c) and not (len(c) > 2 and is_control(c))] or some


def content(cells: Sequence[str]) -> tuple[Content, float]:
    """Return what most cells of a column are, and their share; "" for nothing that names variants."""
    some = sample(cells)
    if not some:
        return "", 0.0
    if dna(some):
        return "dna", 1.0
    counts: Counter[Content] = Counter()
    for cell in some:
        kind: Content = ""
        if reads_like_mutations(cell):
            kind = "mutations"
        elif _THREE.fullmatch(cell):
            kind = "three"
        elif _SKELETON.fullmatch(squeezed(cell)) and _SEQUENCE.fullmatch(letters_of(cell)):
            kind = "sequences"
        counts[kind] += 1
    kind, often = counts.most_common(1)[0]
    if kind == "" and len(counts) > 1:
        kind, often = counts.most_common(2)[1]
    return kind, often / len(some)


def dna(cells: Sequence[str]) -> bool:
    """Whether cells are nucleotides: A, C, G and T are residues as well, but hardly these four alone."""
    texts = [upper(letters_of(c)) for c in cells]
    if not texts or not all(len(t) >= DNA_LEAST and DNA_LETTERS.issuperset(t) for t in texts):
        return False
    return all(len(t) % 3 == 0 for t in texts) or min(map(len, texts)) >= 2 * DNA_LEAST


def squeezed(cell: str) -> str:
    """Return a cell with single blanks alone."""
    return " ".join(cell.split())


def letters_of(cell: str) -> str:
    """Return a cell without what sets letters apart."""
    return "".join(c for c in cell if c not in MARKS and not c.isspace())


def from_three(cell: str) -> str:
    """Return one-letter codes of a sequence in three-letter codes: ``"Val-Asp-Gly"``."""
    return "".join(THREE[name] for name in re.findall("|".join(THREE), cell))


def unmarked(cells: Sequence[str]) -> tuple[list[str], tuple[int, ...]]:
    """Return cells without the marks that set letters or chains apart in all of them alike, and lengths of chains.

    Marks at different places may be gaps of an alignment: they stay, and are told as such. Blanks never count.
    """
    joined = "".join(cells)
    if joined.isalpha():
        return list(cells), ()
    bare = ["".join(c.split()) for c in cells]
    # The skeleton of most cells that have marks is the column's.
    skeletons = Counter(tuple(map(len, re.split(f"[{re.escape(MARKS)}]", c))) for c in bare[:SAMPLE] if _has_mark(c))
    if not skeletons:
        return bare, ()
    parts, often = skeletons.most_common(1)[0]
    marked = sum(skeletons.values())
    if often * 2 <= marked or 0 in parts or marked * 2 <= len(bare[:SAMPLE]):
        return bare, ()
    out = [letters_of(c) if tuple(map(len, re.split(f"[{re.escape(MARKS)}]", c))) == parts else c for c in bare]
    return out, (parts if len(parts) <= 6 and min(parts) > 1 else ())


def _has_mark(cell: str) -> bool:
    return any(c in MARKS for c in cell)


def unknown_cells(joined: str, lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which cells hold anything but the 20 letters; `joined` are all of them in a row."""
    wrong = np.zeros(len(lengths), dtype=np.bool_)
    places = np.flatnonzero(codes_of(joined) == UNKNOWN)
    wrong[np.searchsorted(np.cumsum(lengths), places, side="right")] = True
    return wrong


def upper_all(texts: list[str]) -> list[str]:
    """Return the texts in upper case; as one text, which is many times quicker, where no cell has lines in it."""
    split = upper("\n".join(texts)).split("\n")
    return split if len(split) == len(texts) else [upper(text) for text in texts]
