"""Which letters of the variants of a table are sites, and which residues of the protein never change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domains.protein.tables.found import number_of, refused
from poets_core.intake import shown

WHOLE = 12
"""Residues of a variant, at most, of which every one is a site; of longer ones, those that vary are."""


@dataclass(frozen=True)
class Sited:
    places: list[int] | None
    labels: tuple[str, ...]
    parent: str
    constant: int
    whole: str = ""


def sited(
    designs: list[str], length: int, chains: tuple[int, ...], column: str, parent: str, labels: Sequence[str]
) -> Sited:
    """Return which letters of the variants are sites, and the parent's letters there."""
    plain = tuple(str(i) for i in range(1, length + 1))
    if chains:
        plain = tuple(f"{'ABCDEFGHIJ'[c]}{i}" for c, n in enumerate(chains) for i in range(1, n + 1))
    if len(labels) == length and len(parent) in (0, length):
        return Sited(None, tuple(labels), parent, 0)
    if len(labels) == length or (len(parent) > length and labels):
        return Sited(None, tuple(labels), _at(parent, labels, length), 0)
    if parent and len(parent) != length and not labels and max(len(parent), length) <= WHOLE:
        raise refused(
            f"Expected variants as long as the wild type {shown(parent)} ({len(parent)} residues), got {length} "
            f"residues in column {shown(column)}. Give its residues at the mutable positions, or the whole protein and "
            "the positions.",
            "wild_type",
        )
    if len(parent) > length:
        raise refused(
            f"Expected variants as long as the wild type ({len(parent)} residues) or the numbers of their "
            f"{length} sites, "
            f"got {length} residues in column {shown(column)} and no numbers. Fill in the positions, such as "
            f"39,40,41,54.",
            "positions",
        )
    if labels and length <= WHOLE:
        raise refused(
            f"Expected {length} residue numbers, one for each letter of a variant in column {shown(column)}, got "
            f"{shown(', '.join(labels))}. Correct the positions.",
            "positions",
        )
    if length <= WHOLE and len(parent) in (0, length):
        return Sited(None, plain, parent, 0)
    whole = parent if len(parent) == length else ""
    varies = _varying(designs, length, whole)
    if labels:
        return _asked(labels, varies, column, whole or parent, designs[0])
    if not varies.any() and (whole or not parent):
        return Sited(None, plain, whole, 0)
    places = np.flatnonzero(varies).tolist()
    there = "".join(whole[i] for i in places) if whole else ""
    if parent and not whole:
        if len(parent) != len(places):
            raise refused(
                f"Expected variants as long as the wild type {shown(parent)} ({len(parent)} residues), got "
                f"{length} residues "
                f"of which {len(places)} vary in column {shown(column)}. Give the whole protein as the wild type.",
                "wild_type",
            )
        there = parent
    fixed = length - len(places)
    return Sited(places if fixed else None, tuple(plain[i] for i in places), there, fixed, whole or designs[0])


def _varying(designs: list[str], length: int, whole: str) -> NDArray[np.bool_]:
    """Say which residues differ between variants, or from the parent."""
    letters = np.frombuffer("".join(designs).encode("latin-1"), dtype=np.uint8).reshape(-1, length)
    first = np.frombuffer(whole.encode("latin-1"), dtype=np.uint8) if whole else letters[0]
    varies = np.zeros(length, dtype=np.bool_)
    # In blocks, so that no second table of the same size is made.
    for start in range(0, len(letters), 1 << 14):
        varies |= (letters[start : start + (1 << 14)] != first).any(axis=0)
    return varies


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


def _asked(labels: Sequence[str], varies: NDArray[np.bool_], column: str, parent: str, whole: str) -> Sited:
    """Return the sites that were asked for in variants of the whole protein, of which `whole` is one."""
    length = len(whole)
    numbers = [n for label in labels if (n := number_of(label))]
    if (
        len(numbers) != len(labels)
        or not all(0 < n <= length for n in numbers)
        or len(parent) not in (0, length, len(labels))
    ):
        raise refused(
            f"Expected {length} residue numbers, one for each letter of a variant in column {shown(column)}, or "
            f"numbers "
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
    return Sited(places, tuple(labels), there, length - len(places), parent if len(parent) == length else whole)
