"""Motifs in the notation of PROSITE: `N{P}[ST]`, `N-{P}-[ST]`, `C-x(2,4)-C`, `<M`, `KDEL>`.

A letter stands for itself, `[ST]` for either, `{P}` or `[^P]` for any other, `x` or `.` for any residue; `(2)` and
`(2,4)` repeat what is before them; `<` and `>` are the two ends of a chain. Hyphens do not matter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product

import numpy as np

from domains.protein.alphabet import LETTERS, UNKNOWN, codes_of
from poets_core.errors import InvalidSpec
from poets_core.intake import shown
from poets_core.types import Bool

MOST_MOTIFS, MOST_LENGTH, MOST_FORMS = 50, 100, 64
"""Motifs of a campaign; residues of one; forms that the repetitions of one may take."""
_ELEMENT = re.compile(r"(\[\^?[A-Z]+\]|\{[A-Z]+\}|[A-Z.])(?:\((\d{1,3})(?:,(\d{1,3}))?\))?")
_BETWEEN = re.compile(r"[,;\s]+(?![^(\[{]*[)\]}])")
_BIT = 1 << np.arange(len(LETTERS), dtype=np.int64)
ANY = int(_BIT.sum())

Form = tuple[int, ...]
"""A set of letters for every residue, one bit a letter in the order of `LETTERS`."""


@dataclass(frozen=True)
class Motif:
    """A motif, its repetitions spelled out.

    Attributes:
        name: as it was written.
        forms: the forms it takes.
        first, last: whether it has to stand at the beginning, or the end, of a chain.
    """

    name: str
    forms: tuple[Form, ...]
    first: bool = False
    last: bool = False

    def places(self, chain: str) -> list[tuple[int, Form]]:
        """Return (index, form) of every place where a form stands in a chain, in order; places may overlap."""
        codes = codes_of(chain).astype(np.int64)
        # A letter that is not known has no bit, and so is in no set.
        bits = np.where(codes == UNKNOWN, 0, _BIT[np.minimum(codes, 19)])
        out = []
        for form in self.forms:
            where = self.starts(len(form), len(chain))
            if len(where):
                stands = np.ones(len(where), dtype=np.bool_)
                for k, wanted in enumerate(form):
                    stands &= bits[where.start + k : where.stop + k] & wanted > 0
                out += [(where.start + int(i), form) for i in np.flatnonzero(stands)]
        return sorted(out)

    def starts(self, size: int, length: int) -> range:
        """Return where a form of so many residues may begin in a chain of so many."""
        if size > length:
            return range(0)
        begin = length - size if self.last else 0
        end = 1 if self.first else length - size + 1
        return range(begin, end)


def letters_of(bits: int) -> Bool:
    """Return which letters a set holds, bool (20,)."""
    return (_BIT & bits) > 0


def read_motifs(text: str, field: str) -> tuple[Motif, ...]:
    """Read motifs, separated by commas, semicolons or blanks.

    Raises:
        InvalidSpec: names the motif that cannot be read, and what is expected.
    """
    words = [w for w in _BETWEEN.split(text.strip()) if w]
    if len(words) > MOST_MOTIFS:
        raise InvalidSpec(f"Expected at most {MOST_MOTIFS} motifs, got {len(words)}.", field=field)
    return tuple(_motif(word, field) for word in words)


def _motif(word: str, field: str) -> Motif:
    body = re.sub(r"-", "", word.upper().removesuffix("."))
    first, last = body.startswith("<"), body.endswith(">")
    body = body.removeprefix("<").removesuffix(">")
    choices: list[list[Form]] = []
    at = 0
    while at < len(body):
        found = _ELEMENT.match(body, at)
        if not found or (bits := _set(found[1])) == 0:
            raise InvalidSpec(
                f"Expected a motif such as N{{P}}[ST] or C-x(2,4)-C, got {shown(word)}, which cannot be read at "
                f"{shown(body[at:])}. Use letters, [..] for one of, {{..}} for none of, x for any.",
                field=field,
            )
        low, high = int(found[2] or 1), int(found[3] or found[2] or 1)
        if not low <= high <= MOST_LENGTH:
            raise InvalidSpec(
                f"Expected repetitions such as (2) or (2,4) in {shown(word)}, got {found[0]}.", field=field
            )
        choices.append([(bits,) * n for n in range(low, high + 1)])
        at = found.end()
    count = int(np.prod([float(len(c)) for c in choices])) if choices else 0
    if not 0 < count <= MOST_FORMS or sum(len(c[-1]) for c in choices) > MOST_LENGTH:
        raise InvalidSpec(
            f"Expected a motif of 1 to {MOST_LENGTH} residues that takes at most {MOST_FORMS} forms, got "
            f"{shown(word)}. Write fewer or narrower repetitions.",
            field=field,
        )
    forms = {tuple(bits for piece in form for bits in piece) for form in product(*choices)}
    if () in forms:
        raise InvalidSpec(f"Expected at least one residue in a motif, got {shown(word)}.", field=field)
    return Motif(word, tuple(sorted(forms)), first, last)


def _set(element: str) -> int:
    """Return the letters of one element as bits, 0 where one is unknown."""
    inside = element.strip("[]{}^")
    if inside in ("X", "."):
        return ANY
    codes = codes_of(inside)
    if (codes == UNKNOWN).any():
        return 0
    bits = int(np.bitwise_or.reduce(_BIT[codes.astype(np.int64)]))
    return ANY & ~bits if element[0] == "{" or element.startswith("[^") else bits
