"""Mutations in the notations people use, put into a parent: A2G:K3R, V39A_D40W, 78A, p.(Val39Ala), Ala39Val, 39:A.

What stands between two mutations does not matter. Old letters are checked against the parent; where all of them fit
once every number is moved by a constant, that is said, and done where it cannot be chance.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from domains.protein.alphabet import LETTERS

_THREE_LETTERS = "Ala Cys Asp Glu Phe Gly His Ile Lys Leu Met Asn Pro Gln Arg Ser Thr Val Trp Tyr"
THREE = {name: LETTERS[i] for i, name in enumerate(re.findall(r"\w+", _THREE_LETTERS))}
"""Three-letter codes, in the order of `LETTERS`."""
_NAMES = "|".join((*THREE, *(n.upper() for n in THREE)))
_ONE = "[A-Za-z]"
MUTATION = re.compile(
    rf"(?:p\.)?\(?(?P<old>{_NAMES}|{_ONE})?(?P<at>\d{{1,5}})\s?[:=]?\s?(?P<new>{_NAMES}|{_ONE}|=)(?![A-Za-z*])\)?"
)
_BETWEEN = re.compile(r"[\s:/_+,;|&.()\[\]{}p-]*")
_INDEL = re.compile(r"\d[A-Za-z_\d]{0,40}?(?:del|ins|dup|fs|ext)|\d[A-Za-z]{2,}", re.IGNORECASE)
_STOP = re.compile(r"\d(?:\*|Ter|Stop)", re.IGNORECASE)
CHANCE = 0.005
"""Probability of an offset that fits by chance, at most, for it to be used."""


@dataclass(frozen=True)
class Change:
    """One residue replaced.

    Attributes:
        old: letter before, "" where it is not told; at: number of the residue as written; new: letter after.
    """

    old: str
    at: int
    new: str


def _letter(name: str) -> str:
    return THREE.get(name.title(), name.upper()) if len(name) == 3 else name.upper()


def read_changes(cell: str) -> tuple[Change, ...] | str:
    """Read a list of mutations; return what is wrong with it instead: "indel", "stop", "letters" or "text"."""
    found = _changes(cell)
    if found in ("text", "letters"):
        return "stop" if _STOP.search(cell) else "indel" if _INDEL.search(cell) else found
    return found


def _changes(cell: str) -> tuple[Change, ...] | str:
    out: list[Change] = []
    place = 0
    for found in MUTATION.finditer(cell):
        if not _BETWEEN.fullmatch(cell[place : found.start()]):
            return "text"
        place = found.end()
        old, new = _letter(found["old"] or ""), _letter(found["new"])
        new = old if new == "=" else new
        if not new or new not in LETTERS or (old and old not in LETTERS):
            return "letters"
        out.append(Change(old, int(found["at"]), new))
    if not out or not _BETWEEN.fullmatch(cell[place:]):
        return "text"
    places = [c.at for c in out]
    return "twice" if len(set(places)) < len(places) else tuple(out)


def reads_like_mutations(cell: str) -> bool:
    """Whether a cell is a list of mutations, insertions and deletions too."""
    found = read_changes(cell)
    return not isinstance(found, str) or (
        found in ("indel", "stop", "letters", "twice") and any(c.isdigit() for c in cell)
    )


@dataclass(frozen=True)
class Places:
    """Where the residues of a parent are that mutations name.

    Attributes:
        index: number as written -> index into the parent.
        offset: that was added to every number, 0 for none.
        fits: offsets by which all old letters would fit, where they do not as written.
        wrong: the changes whose old letter is another in the parent, or whose number lies outside it.
    """

    index: Mapping[int, int]
    offset: int
    fits: tuple[int, ...]
    wrong: frozenset[Change]


def place(changes: Iterable[Change], parent: str, labels: Sequence[int] = ()) -> Places:
    """Find the residues that mutations name.

    Args:
        changes: of all rows, distinct.
        parent: letters.
        labels: number of each letter of the parent; none: 1, 2, 3, ...
    """
    known = set(changes)
    numbers = {number: i for i, number in enumerate(labels or range(1, len(parent) + 1))}

    def wrong(offset: int) -> set[Change]:
        out = set()
        for c in known:
            at = numbers.get(c.at + offset)
            if at is None or (c.old and parent[at] != c.old):
                out.add(c)
        return out

    missed = wrong(0)
    if not missed or labels:
        return Places(numbers, 0, (), frozenset(missed))
    told = {(c.at, c.old) for c in known if c.old}
    high, low = max(c.at for c in known), min(c.at for c in known)
    # A few rows may be wrong by themselves: the numbering is right where nearly all letters fit.
    sound = Counter(bool(c in missed) for c in known)
    if sound[True] * 10 < sound[False] or not told:
        return Places(numbers, 0, (), frozenset(missed))
    fits = [o for o in range(1 - high, len(parent) - low + 1) if o and not wrong(o)]
    if len(fits) == 1 and len(parent) / 20.0 ** len(told) < CHANCE:
        moved = {number - fits[0]: i for number, i in numbers.items()}
        return Places(moved, fits[0], tuple(fits), frozenset())
    return Places(numbers, 0, tuple(fits), frozenset(missed))
