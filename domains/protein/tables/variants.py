"""From a column of cells to designs: the letters at the places that vary, in whatever notation the cells are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from domains.protein.alphabet import LETTERS
from domains.protein.tables.controls import is_control, is_wild, not_variants
from domains.protein.tables.found import Variants, refused
from domains.protein.tables.letters import content, from_three, unknown_cells, unmarked, upper_all
from domains.protein.tables.mutated import mutated
from domains.protein.tables.sited import sited
from poets_core.intake import shown


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
            f"Expected protein variants in column {shown(column)}, got {shown(cells[at])} in row {rows[at]}: "
            f"this looks like "
            "DNA. Translate it, or choose the column of amino acids.",
            "variant_column",
        )
    if kind == "mutations":
        return mutated(cells, rows, column, parent, labels)
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
    length = _length(counted, parent, labels, lengths)
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
    sites = sited([d for d, of in zip(designs, taken, strict=True) if of], length, chains, column, parent, labels)
    if sites.places is not None:
        keep = sites.places
        designs = ["".join(map(d.__getitem__, keep)) if of else "" for d, of in zip(designs, taken, strict=True)]
    elif len(bad) + len(wild) + len(controls):
        designs = [d if of else "" for d, of in zip(designs, taken, strict=True)]
    for i in wild:
        designs[i] = sites.parent
    notation = f"{len(chains)} chains" if chains else "sequences"
    return Variants(
        designs,
        sites.labels,
        sites.parent,
        bad,
        tuple(wild),
        tuple(controls),
        sites.constant,
        notation,
        (),
        _lengths(counted),
        sites.whole,
        tuple(sites.places or ()),
    )


def _rare(lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which cells are not of the most frequent length."""
    usual = int(np.bincount(lengths).argmax()) if len(lengths) else 0
    return np.not_equal(lengths, usual)


def _length(counted: NDArray[np.int64], parent: str, labels: Sequence[str], lengths: NDArray[np.int64]) -> int:
    """Return how long variants are: as the parent or the sites where some are, else as most are."""
    for wanted in (len(labels), len(parent)):
        if 0 < wanted < len(counted) and counted[wanted] * 2 >= counted.max():
            return wanted
    most = np.flatnonzero(counted == counted.max()) if counted.any() else np.zeros(0, dtype=np.int64)
    return next((int(n) for n in lengths if n in most), 0)


def _lengths(counted: NDArray[np.int64]) -> dict[int, int]:
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
