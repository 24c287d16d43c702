"""From a column of cells to designs: the letters at the places that vary, in whatever notation the cells are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from domains.protein.alphabet import LETTERS, name_letter
from domains.protein.tables.controls import is_control, is_wild, not_variants
from domains.protein.tables.letters import (
    content,
    from_three,
    unknown_cells,
    unmarked,
    upper_all,
)
from domains.protein.tables.mutations import Change, place, read_changes
from poets_core.errors import InvalidTable
from poets_core.intake import shown

KINDS = {
    "empty": "without a variant",
    "unclear": "with an ambiguous residue (B, J, O, U, X or Z)",
    "stop": "with a stop codon",
    "gap": "with a gap",
    "letters": "with a letter that is no amino acid",
    "length": "of another length",
    "indel": "with an insertion or deletion",
    "twice": "that change one residue twice",
    "old": "whose old letter or number is not the parent's",
    "text": "that name no variant",
}
"""What is wrong with a cell, in the words of a report: "3 rows with a stop codon"."""
WHOLE = 12
"""Residues of a variant, at most, of which every one is a site; of longer ones, those that vary are."""
LONGEST = 100_000


@dataclass(frozen=True)
class Variants:
    """A column of variants.

    Attributes:
        designs: of every cell the letters at the sites; "" where it holds no variant.
        labels: number of each site.
        parent: the parent's letters at the sites, "" where it is not known.
        bad: index of a cell -> what is wrong with it, a key of `KINDS`.
        wild, controls: indices of cells that name the wild type, or a control; their design is the parent's, or "".
        constant: residues that are the same in all variants and are no sites.
        notation: how the cells are written, in words. notes: what was recognised.
        lengths: residues -> cells, where they differ.
        whole: the whole protein where it is known beyond the sites: the parent, or a variant whose constant residues are
            the parent's; places: index of each site in it.
    """

    designs: list[str]
    labels: tuple[str, ...]
    parent: str
    bad: dict[int, str]
    wild: tuple[int, ...]
    controls: tuple[int, ...]
    constant: int
    notation: str
    notes: tuple[str, ...] = ()
    lengths: dict[int, int] = field(default_factory=dict)
    whole: str = ""
    places: tuple[int, ...] = ()


def refused(message: str, name: str = "table") -> InvalidTable:
    """Return an error of a table's parameter."""
    return InvalidTable(message, field=f"problem.params.{name}")


def read_variants(
    cells: Sequence[str], rows: Sequence[int], column: str, parent: str = "", labels: Sequence[str] = ()
) -> Variants:
    """Read a column of variants.

    Args:
        cells: stripped; rows: number of each; column: its name, for messages.
        parent: the whole protein, or its letters at the sites; "" where it is not known.
        labels: numbers of the sites, or none.

    Raises:
        InvalidTable: DNA, mutations without a parent, numbers that do not fit, no variant at all.
    """
    kind, _ = content(cells)
    if kind == "dna":
        at = next(i for i, c in enumerate(cells) if c)
        raise refused(
            f"Expected protein variants in column {shown(column)}, got {shown(cells[at])} in row {rows[at]}: this looks like "
            "DNA. Translate it, or choose the column of amino acids.",
            "variant_column",
        )
    if kind == "mutations":
        return _mutated(cells, rows, column, parent, labels)
    texts, chains = unmarked([from_three(c) if kind == "three" else c for c in cells])
    return _sequences(list(cells), texts, chains, column, parent, labels)


def _sequences(
    cells: list[str], texts: list[str], chains: tuple[int, ...], column: str, parent: str, labels: Sequence[str]
) -> Variants:
    designs = upper_all(texts)
    lengths = np.fromiter(map(len, designs), dtype=np.int64, count=len(designs))
    odd = unknown_cells("".join(designs), lengths) | (lengths == 0)
    # Words first: EMPTY must not decide how long variants are.
    words = {i for i in np.flatnonzero(odd | _rare(lengths)) if is_wild(cells[i]) or is_control(cells[i])}
    counted = np.bincount(
        lengths[[i for i in range(len(designs)) if not odd[i] and i not in words]] if words else lengths[~odd]
    )
    length = _length(counted, parent, labels)
    distinct = {d for d in designs if len(d) == length}
    named = not_variants(distinct, length)
    mostly_upper = sum(c.isupper() for c in cells[:1000]) * 2 > len(cells[:1000]) and not "".join(cells).isupper()
    wild, controls, bad = [], [], {}
    suspects = set(np.flatnonzero(odd | (lengths != length)).tolist())
    suspects |= {i for i, d in enumerate(designs) if d in named} if named else set()
    if mostly_upper:
        suspects |= {i for i, c in enumerate(cells) if not c.isupper()}
    for i in sorted(suspects):
        cell, right = cells[i], not odd[i] and lengths[i] == length
        written = designs[i] in named or not right or (mostly_upper and not cell.isupper() and len(cell) > 1)
        if written and is_wild(cell):
            wild.append(i)
        elif written and cell and is_control(cell):
            controls.append(i)
        elif not right:
            bad[i] = _wrong(designs[i], length)
    taken = np.ones(len(designs), dtype=np.bool_)
    taken[[*wild, *controls, *bad]] = False
    if not taken.any():
        return Variants(
            [""] * len(cells), (), "", bad, tuple(wild), tuple(controls), 0, "sequences", (), _lengths(counted)
        )
    sites = _sites([d for d, of in zip(designs, taken, strict=True) if of], length, chains, column, parent, labels)
    if sites.places is not None:
        keep = sites.places
        designs = ["".join(map(d.__getitem__, keep)) if of else "" for d, of in zip(designs, taken, strict=True)]
    elif len(bad) + len(wild) + len(controls):
        designs = [d if of else "" for d, of in zip(designs, taken, strict=True)]
    for i in wild:
        designs[i] = sites.parent
    notation = f"{len(chains)} chains" if chains else "sequences"
    return Variants(
        designs, sites.labels, sites.parent, bad, tuple(wild), tuple(controls), sites.constant, notation, (),
        _lengths(counted), sites.whole, tuple(sites.places or ()),
    )  # fmt: skip


def _rare(lengths: np.ndarray[tuple[int], np.dtype[np.int64]]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Say which cells are not of the most frequent length."""
    return lengths != (np.bincount(lengths).argmax() if len(lengths) else 0)


def _length(counted: np.ndarray[tuple[int], np.dtype[np.int64]], parent: str, labels: Sequence[str]) -> int:
    """Return how long variants are: as the parent or the sites where some are, else as most are."""
    for wanted in (len(labels), len(parent)):
        if 0 < wanted < len(counted) and counted[wanted] * 2 >= counted.max():
            return wanted
    return int(counted.argmax()) if len(counted) else 0


def _lengths(counted: np.ndarray[tuple[int], np.dtype[np.int64]]) -> dict[int, int]:
    return {int(n): int(counted[n]) for n in np.flatnonzero(counted)}


def _wrong(design: str, length: int) -> str:
    if not design:
        return "empty"
    foreign = [c for c in design if c not in LETTERS]
    if not foreign:
        return "length"
    for kind, of in (("stop", "*"), ("gap", "-."), ("unclear", "BJOUXZ")):
        if all(c in of for c in foreign) and (len(design) == length or kind != "gap"):
            return kind
    return "letters" if len(design) == length else "text"


def told(kind: str, cell: str) -> str:
    """Return a cell as a message quotes it, with the letter that is wrong where one is."""
    if kind in ("letters", "stop", "gap", "unclear"):
        bare = "".join(cell.split()).upper()
        at = next((i for i, c in enumerate(bare) if c not in LETTERS), None)
        if at is not None:
            return f"{name_letter(bare[at])} at position {at + 1} of {shown(cell)}"
    return shown(cell)


@dataclass(frozen=True)
class _Sites:
    places: list[int] | None
    labels: tuple[str, ...]
    parent: str
    constant: int
    whole: str = ""


def _sites(
    designs: list[str], length: int, chains: tuple[int, ...], column: str, parent: str, labels: Sequence[str]
) -> _Sites:
    """Return which letters of the variants are sites, and the parent's letters there."""
    plain = tuple(str(i) for i in range(1, length + 1))
    if chains:
        plain = tuple(f"{'ABCDEFGHIJ'[c]}{i}" for c, n in enumerate(chains) for i in range(1, n + 1))
    if len(labels) == length and len(parent) in (0, length):
        return _Sites(None, tuple(labels), parent, 0)
    if len(labels) == length or (len(parent) > length and labels):
        return _Sites(None, tuple(labels), _at(parent, labels, length), 0)
    if len(parent) > length:
        raise refused(
            f"Expected variants as long as the wild type ({len(parent)} residues) or the numbers of their {length} sites, "
            f"got {length} residues in column {shown(column)} and no numbers. Fill in the positions, such as 39,40,41,54.",
            "positions",
        )
    if length <= WHOLE and len(parent) in (0, length) and not labels:
        return _Sites(None, plain, parent, 0)
    whole = parent if len(parent) == length else ""
    varies = _varying(designs, length, whole)
    if labels:
        return _asked(labels, varies, column, whole or parent, designs[0])
    if not varies.any() and (whole or not parent):
        return _Sites(None, plain, whole, 0)
    places = np.flatnonzero(varies).tolist()
    there = "".join(whole[i] for i in places) if whole else ""
    if parent and not whole:
        if length <= WHOLE or len(parent) != len(places):
            raise refused(
                f"Expected variants as long as the wild type {shown(parent)} ({len(parent)} residues), got {length} residues "
                f"of which {len(places)} vary in column {shown(column)}. Give the whole protein as the wild type.",
                "wild_type",
            )
        there = parent
    fixed = length - len(places)
    return _Sites(places if fixed else None, tuple(plain[i] for i in places), there, fixed, whole or designs[0])


def _varying(designs: list[str], length: int, whole: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Say which residues differ between variants, or from the parent."""
    letters = np.frombuffer("".join(designs).encode("latin-1"), dtype=np.uint8).reshape(-1, length)
    first = np.frombuffer(whole.encode("latin-1"), dtype=np.uint8) if whole else letters[0]
    varies = np.zeros(length, dtype=np.bool_)
    # In blocks, so that no second table of the same size is made.
    for start in range(0, len(letters), 1 << 14):
        varies |= (letters[start : start + (1 << 14)] != first).any(axis=0)
    return varies


def number_of(label: str) -> int | None:
    """Return the number in a site's label, ``"V39"``; None where it has an insertion code or none."""
    found = re.fullmatch(r"[A-Za-z]?(\d{1,6})", label)
    return int(found[1]) if found else None


def _at(parent: str, labels: Sequence[str], length: int) -> str:
    """Return the parent's letters at numbered sites."""
    if len(parent) in (0, length):
        return parent
    numbers = [number_of(label) for label in labels]
    if len(labels) != length or any(n is None or not 0 < n <= len(parent) for n in numbers):
        raise refused(
            f"Expected the numbers of {length} sites within the wild type's {len(parent)} residues, got "
            f"{shown(', '.join(labels))}. Give one number for each letter of a variant.",
            "positions",
        )
    return "".join(parent[n - 1] for n in numbers if n)


def _asked(
    labels: Sequence[str], varies: np.ndarray[tuple[int], np.dtype[np.bool_]], column: str, parent: str, whole: str
) -> _Sites:
    """Return the sites that were asked for in variants of the whole protein, of which `whole` is one."""
    length = len(whole)
    numbers = [n for label in labels if (n := number_of(label))]
    if (
        len(numbers) != len(labels)
        or not all(0 < n <= length for n in numbers)
        or len(parent) not in (0, length, len(labels))
    ):
        raise refused(
            f"Expected {length} residue numbers, one for each letter of a variant in column {shown(column)}, or numbers "
            f"within 1 to {length}, got {shown(', '.join(labels))}. Correct the positions.",
            "positions",
        )
    others = [str(i + 1) for i in np.flatnonzero(varies) if i + 1 not in numbers]
    if others:
        raise refused(
            f"Expected variants that differ at the positions {', '.join(labels)[:80]} alone, got differences at "
            f"{', '.join(others[:5])}{' and more' * (len(others) > 5)} in column {shown(column)}. Add these positions.",
            "positions",
        )
    places = [n - 1 for n in numbers]
    there = "".join(parent[i] for i in places) if len(parent) == length else parent
    return _Sites(places, tuple(labels), there, length - len(places), parent if len(parent) == length else whole)


def _mutated(cells: Sequence[str], rows: Sequence[int], column: str, parent: str, labels: Sequence[str]) -> Variants:
    """Read lists of mutations, put into the parent."""
    read: dict[str, tuple[Change, ...] | str] = {}
    wild, controls, bad = [], [], {}
    for i, cell in enumerate(cells):
        if is_wild(cell):
            wild.append(i)
        elif cell and is_control(cell):
            controls.append(i)
        else:
            found = read[cell] if cell in read else read.setdefault(cell, read_changes(cell) if cell else "empty")
            if isinstance(found, str):
                bad[i] = found
    lists = {cell: found for cell, found in read.items() if not isinstance(found, str)}
    changes = Counter(change for found in lists.values() for change in found)
    at = next(i for i, c in enumerate(cells) if c in lists)
    if not parent:
        raise refused(
            f"Expected a wild type for the mutations in column {shown(column)}, such as {shown(cells[at])} in row {rows[at]}, "
            "got none. Fill in the protein's sequence: mutations say what is changed in it.",
            "wild_type",
        )
    numbers, notes = _numbers(changes, parent, labels)
    places = place(changes, parent, numbers)
    if places.fits and places.wrong:
        raise refused(_offset(min(places.wrong, key=lambda c: c.at), parent, places.fits), "wild_type")
    if places.offset:
        notes.append(
            f"residue {-places.offset + 1} of the table is residue 1 of the wild type: offset {places.offset:+d}"
        )
    for i, cell in enumerate(cells):
        if cell in lists and i not in bad and any(c in places.wrong for c in lists[cell]):
            bad[i] = "old"
    used = {c.at for cell, found in lists.items() for c in found if not any(x in places.wrong for x in found)}
    if not used:
        wrong = min(places.wrong, key=lambda c: c.at)
        raise refused(_offset(wrong, parent, ()), "wild_type")
    order = sorted(places.index[a] for a in used)
    if labels:
        order = _ordered(labels, places.index, used, parent, column)
    letters, where = [parent[i] for i in order], {i: k for k, i in enumerate(order)}
    made = {cell: _put(letters, [(where[places.index[c.at]], c.new) for c in found])
            for cell, found in lists.items() if not any(c in places.wrong for c in found)}  # fmt: skip
    there = "".join(letters)
    designs = [made.get(cell, "") for cell in cells]
    for i in wild:
        designs[i] = there
    written = {i: number for number, i in places.index.items()}
    names = tuple(labels) or tuple(str(written[i]) for i in order)
    return Variants(
        designs, names, there, bad, tuple(wild), tuple(controls), len(parent) - len(order), "mutations", tuple(notes),
        whole=parent, places=tuple(order),
    )  # fmt: skip


def _ordered(labels: Sequence[str], index: Mapping[int, int], used: set[int], parent: str, column: str) -> list[int]:
    """Return where in the parent the sites are that were asked for."""
    numbers = list(range(1, len(parent) + 1)) if len(labels) == len(parent) else [number_of(label) for label in labels]
    by_number = dict(enumerate(range(len(parent)), 1)) if len(labels) == len(parent) else index
    found = [by_number[n] for n in numbers if n is not None and n in by_number]
    others = sorted(a for a in used if index[a] not in found)
    if len(found) != len(labels) or others:
        got = f"mutations at {', '.join(map(str, others[:5]))} as well" if others else "a number that it does not have"
        raise refused(
            f"Expected mutations at the positions {', '.join(labels)[:80]} of the wild type alone, got {got} in column "
            f"{shown(column)}. Correct the positions.",
            "positions",
        )
    return found


def _put(letters: list[str], changes: list[tuple[int, str]]) -> str:
    made = letters.copy()
    for k, new in changes:
        made[k] = new
    return "".join(made)


def _numbers(changes: Counter[Change], parent: str, labels: Sequence[str]) -> tuple[list[int], list[str]]:
    """Return the number of each letter of the parent where it is given at the sites alone, else none."""
    if labels and len(labels) == len(parent):
        told = [number_of(label) for label in labels]
        if all(n is not None for n in told):
            return [n for n in told if n is not None], []
    # Letters at the sites alone, whose numbers the mutations themselves tell.
    sites = sorted({c.at for c in changes})
    if len(sites) == len(parent) and sites[-1] > len(parent):
        index = {number: i for i, number in enumerate(sites)}
        if all(not c.old or parent[index[c.at]] == c.old for c in changes):
            return sites, [f"the wild type's {len(parent)} letters stand at {', '.join(map(str, sites))[:60]}"]
    return [], []


def _offset(wrong: Change, parent: str, fits: tuple[int, ...]) -> str:
    there = f"{parent[wrong.at - 1]}{wrong.at}" if 0 < wrong.at <= len(parent) else f"no residue {wrong.at}"
    got = f"{wrong.old}{wrong.at}{wrong.new}"
    moves = ", ".join(f"{o:+d}" for o in fits[:3])
    do = (
        f"All of them fit with an offset of {moves}: renumber the mutations, or give the wild type that they count in."
        if fits
        else "Is this the wild type that they were made in?"
    )
    return f"Expected mutations whose old letters are those of the wild type, got {got} where it has {there}. {do}"
