"""Sites as people write them: `V39,D40,G41,V54`, `39-41, 54`, `A39 B54`, `100,100a,100b`, `+1,+2`.

An ordinary number counts residues of its chain from 1. Insertion codes (100a) stand after their number and shift all
that follows: those that are named are counted. Where the numbers count from elsewhere, letters tell by how much, and
`offset 18` after the sites says it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from Bio.SeqUtils import IUPACData

from domains.protein.alphabet import LETTERS, upper
from domains.protein.parent import UNKNOWN_LETTER, Parent
from poets_core.errors import InvalidSpec
from poets_core.intake import shown

FIELD = "problem.params.sites"
LARGEST = 1_000_000
"""Residue number; no protein is a thirtieth as long."""
MOST = 2048
"""Sites that are named."""
CERTAIN = 3
"""Letters that have to agree before an offset that nobody stated is taken."""
_OFFSET = re.compile(r"(?i)[,;\s]*\boffset\s*[:=]?\s*([+-]?\s*\d{1,7})\s*$")
_WORDS = re.compile(r"(?i)\b(residues?|positions?|sites?|and)\b|&")
_PIECE = r"(?:([A-Za-z])[:.])?([A-Za-z]{3}|[A-Za-z])?([+-]?\d+)([A-Za-z])?"
_TOKEN = re.compile(rf"{_PIECE}(?:-{_PIECE})?")
_THREE = {k.upper(): v for k, v in IUPACData.protein_letters_3to1.items()}


@dataclass(frozen=True)
class Site:
    """One site as it is written.

    Attributes:
        chain: letter, ``""`` where none is named.
        letter: the parent's residue as stated, ``""`` where none is.
        number, code: residue number and insertion code (``"a"`` or ``""``).
    """

    chain: str
    letter: str
    number: int
    code: str = ""

    @property
    def label(self) -> str:
        """How the site is called from here on: ``"39"``, ``"B54"``, ``"100a"``."""
        return f"{self.chain}{self.number}{self.code}"

    @property
    def inserted(self) -> int:
        """How many residues its insertion code lies after its number."""
        return ord(self.code) - ord("a") + 1 if self.code else 0


@dataclass(frozen=True)
class Sites:
    """Sites of a parent.

    Attributes:
        labels: how people write each.
        index: of each in the joined sequence of the parent, ascending; 0, 1, 2, ... where there is no parent.
        letters: residues that were stated, ``""`` where none was.
        notes: what was found out and should be shown, in sentences.
    """

    labels: tuple[str, ...]
    index: tuple[int, ...]
    letters: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_sites(text: str, parent: Parent | None = None, field: str = FIELD) -> Sites:
    """Read sites and find them in the parent.

    Args:
        text: as in the module's heading; separated by commas, semicolons or blanks.
        parent: that letters and numbers are checked against; None or one without residues checks nothing.
        field: of the form, for errors.

    Raises:
        InvalidSpec: what is no site, a letter that the parent does not have there, a number beyond its chain, a chain
            that it has not, a site twice, or sites in another order than along the sequence.
    """
    stated = _OFFSET.search(text)
    offset = int(stated[1].replace(" ", "")) if stated else None
    written = _written(text[: stated.start()] if stated else text, field)
    chained = _chained(written, parent, field)
    labels = [s.label for s in chained]
    if doubled := next((x for i, x in enumerate(labels) if x in labels[:i]), None):
        raise InvalidSpec(f"Expected distinct sites, got {doubled} twice in {shown(text)}. Remove one.", field=field)
    if parent is None or not parent.sequence:
        return Sites(tuple(labels), tuple(range(len(labels))), tuple(s.letter for s in chained))
    index, notes = _located(chained, parent, offset, field)
    if any(a >= b for a, b in pairwise(index)):
        ordered = ", ".join(label for _, label in sorted(zip(index, labels, strict=True)))
        raise InvalidSpec(
            f"Expected sites in the order of the sequence, got {shown(text)}. Write {ordered}: the letters of a design "
            "stand in the same order.",
            field=field,
        )
    return Sites(tuple(labels), tuple(index), tuple(s.letter for s in chained), tuple(notes))


def _written(text: str, field: str) -> list[Site]:
    """Return the sites of a text, ranges spelled out."""
    plain = re.sub("[\u2010-\u2015\u2212]", "-", _WORDS.sub(" ", text))
    # `39 to 41`, `39 - 41` and `39..41` are ranges; `V39+D40` are two sites, `+1` is one.
    plain = re.sub(r"(?<=\w)(?:\s+-\s+|\s+to\s+|\.\.)(?=\w)", "-", plain)
    plain = re.sub(r"(?<=\w)[+_](?=\w)", ",", plain)
    out: list[Site] = []
    for token in filter(None, re.split(r"[,;/\s]+", plain)):
        found = _TOKEN.fullmatch(token)
        if not found:
            raise InvalidSpec(
                f"Expected residue numbers such as 39, V39, 39-41, A54 or 100a, got {shown(token)}. Separate them by "
                "commas.",
                field=field,
            )
        first = _site(found[1], found[2], found[3], found[4], token, field)
        if found[7] is None:
            out.append(first)
            continue
        last = _site(found[5] or found[1], found[6], found[7], found[8], token, field)
        out += _range(first, last, token, field)
    if not out or len(out) > MOST:
        raise InvalidSpec(f"Expected 1 to {MOST:,} sites such as V39, D40, G41, V54, got {len(out):,}.", field=field)
    return out


def _site(chain: str | None, letter: str | None, number: str, code: str | None, token: str, field: str) -> Site:
    one = upper(letter or "")
    if len(one) == 3:
        if one not in _THREE:
            raise InvalidSpec(f"Expected an amino acid before the number in {shown(token)}, got {letter}.", field=field)
        one = _THREE[one]
    if len(number) > 8 or abs(int(number)) > LARGEST:
        raise InvalidSpec(f"Expected residue numbers of at most {LARGEST:,}, got {shown(token)}.", field=field)
    if one and code and code.isupper():
        raise InvalidSpec(
            f"Expected a site such as {one}{number}, got the mutation {shown(token)}. Write where, not into what; an "
            f"insertion code is a small letter ({one}{number}{code.lower()}).",
            field=field,
        )
    return Site(chain or "", one, int(number), (code or "").lower())


def _range(first: Site, last: Site, token: str, field: str) -> list[Site]:
    if first.code or last.code or not 0 < last.number - first.number < MOST:
        raise InvalidSpec(
            f"Expected a range such as 39-41, at most {MOST:,} residues long and without insertion codes, got "
            f"{shown(token)}. Write the sites one by one.",
            field=field,
        )
    # `A39-A41` may mean a chain or a residue, as in single sites; a letter between the ends is not known.
    same = first.letter if first.letter == last.letter else ""
    between = [Site(first.chain, same, n) for n in range(first.number + 1, last.number)]
    return [first, *between, last]


def _chained(sites: Sequence[Site], parent: Parent | None, field: str) -> list[Site]:
    """Decide whether a letter before a number is a residue or a chain."""
    single = [s.letter for s in sites if s.letter]
    if parent is None or not parent.sequence:
        # B, J, O, U, X and Z are no residues: then all letters are chains.
        if all(x in LETTERS for x in single):
            return list(sites)
        return [_as_chain(s) for s in sites]
    names = [c.name for c in parent.chains]
    if len(names) > 1:
        found = [s if s.chain else _as_chain(s) for s in sites]
        if wrong := next((s for s in found if s.chain not in names), None):
            raise InvalidSpec(
                f"Expected a chain ({', '.join(names)}) before each site, such as {names[0]}39 or "
                f"{names[0]}:V39, got {wrong.label}.",
                field=field,
            )
        return found
    if wrong := next((s for s in sites if s.chain not in ("", names[0])), None):
        raise InvalidSpec(
            f"Expected sites of the chain {names[0]}, got {wrong.label}. It is the only one.", field=field
        )
    here = [Site("", s.letter, s.number, s.code) for s in sites]
    # A structure's file calls a single chain A: `A39, A40` are then no two alanines, unless the parent has them there.
    if (
        len(single) == len(here) > 0
        and set(single) == {names[0]}
        and not _agree(here, _places(here, parent, 0), parent)
    ):
        return [Site("", "", s.number, s.code) for s in here]
    return here


def _as_chain(site: Site) -> Site:
    return Site(site.chain or site.letter, site.letter if site.chain else "", site.number, site.code)


def _places(sites: Sequence[Site], parent: Parent, offset: int) -> list[int]:
    """Return the index of each site in the parent; may lie outside of it."""
    starts = {c.name: c.start for c in parent.chains} | {"": 0}
    # 100b says that 100a and 100b exist: all numbers above 100 lie two residues later.
    inserted: dict[tuple[str, int], int] = {}
    for s in sites:
        inserted[s.chain, s.number] = max(inserted.get((s.chain, s.number), 0), s.inserted)
    out = []
    for s in sites:
        before = sum(k for (chain, number), k in inserted.items() if chain == s.chain and number < s.number)
        out.append(starts[s.chain] + s.number - 1 + s.inserted + before + offset)
    return out


def _agree(sites: Sequence[Site], places: Sequence[int], parent: Parent) -> bool:
    """Whether all sites lie in their chains, and all letters are the parent's, as far as that is known."""
    spans = {c.name: (c.start, c.start + c.length) for c in parent.chains} | {"": (0, len(parent.sequence))}
    return all(
        spans[s.chain][0] <= at < spans[s.chain][1]
        and (s.letter in ("", parent.sequence[at]) or parent.sequence[at] == UNKNOWN_LETTER)
        for s, at in zip(sites, places, strict=True)
    )


def _located(sites: Sequence[Site], parent: Parent, offset: int | None, field: str) -> tuple[list[int], list[str]]:
    """Return the index of each site, and what should be said about how it was found."""
    places = _places(sites, parent, offset or 0)
    notes = []
    if _agree(sites, places, parent):
        if any(s.code for s in sites) and not all(s.letter for s in sites):
            first = next(i for i, s in enumerate(sites) if s.code)
            notes.append(
                f"Site {sites[first].label} was counted as residue {places[first] + 1} of the parent, "
                f"{parent.sequence[places[first]]}: of insertion codes, only those that are named are known."
            )
        return places, notes
    # An offset is looked for where nobody stated one and letters can confirm it.
    stated = sum(bool(s.letter) for s in sites)
    span = range(-max(places, default=0), len(parent.sequence) - min(places, default=0)) if offset is None else range(0)
    fits = [d for d in span if _agree(sites, _places(sites, parent, d), parent)] if stated else []
    if len(fits) == 1 and stated >= CERTAIN:
        places = _places(sites, parent, fits[0])
        notes.append(
            f"The numbers do not count from the parent's first residue: site {sites[0].label} is its residue "
            f"{places[0] + 1} (offset {fits[0]:+d}), by the {stated} letters that were stated."
        )
        return places, notes
    raise InvalidSpec(_disagreement(sites, places, parent, fits), field=field)


def _disagreement(sites: Sequence[Site], places: Sequence[int], parent: Parent, fits: Sequence[int]) -> str:
    at, site = next((p, s) for p, s in zip(places, sites, strict=True) if not _agree([s], [p], parent))
    chain = next((c for c in parent.chains if c.name == site.chain), parent.chains[0])
    where = f"chain {chain.name}" if len(parent.chains) > 1 else "the parent"
    remedy = "Correct the number, or add the offset after the sites, such as 'offset 18'."
    if 0 < len(fits) <= 3:
        # Stated with their signs, as one is written back into the field.
        ways = " and with ".join(f"'offset {d:+d}'" for d in fits)
        remedy = (
            f"The letters agree with {ways}: add {'one' if len(fits) > 1 else 'that'} after the sites if it is meant."
        )
    if not chain.start <= at < chain.start + chain.length:
        return (
            f"Expected sites among the {chain.length:,} residues of {where}, got {site.label}, which would be its "
            f"residue {at - chain.start + 1}. {remedy}"
        )
    return (
        f"Expected {site.letter} at site {site.label}, got {parent.sequence[at]}, residue {at - chain.start + 1} of "
        f"{where}. {remedy}"
    )
