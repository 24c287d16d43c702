"""Lists of mutations put into the parent: designs of the residues that any of them changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from domains.protein.tables.controls import is_control, is_wild
from domains.protein.tables.found import Variants, number_of, refused
from domains.protein.tables.mutations import Change, place, read_changes
from poets_core.intake import shown


def mutated(cells: Sequence[str], rows: Sequence[int], column: str, parent: str, labels: Sequence[str]) -> Variants:
    """Read lists of mutations, put into the parent."""
    lists, wild, controls, bad = _told_apart(cells)
    changes = Counter(change for found in lists.values() for change in found)
    _check(lists, cells, rows, column, parent)
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
    made = {
        cell: _put(letters, [(where[places.index[c.at]], c.new) for c in found])
        for cell, found in lists.items()
        if not any(c in places.wrong for c in found)
    }
    there = "".join(letters)
    designs = [made.get(cell, "") for cell in cells]
    for i in wild:
        designs[i] = there
    written = {i: number for number, i in places.index.items()}
    names = tuple(labels) or tuple(str(written[i]) for i in order)
    return Variants(
        designs,
        names,
        there,
        bad,
        tuple(wild),
        tuple(controls),
        len(parent) - len(order),
        "mutations",
        tuple(notes),
        whole=parent,
        places=tuple(order),
    )


def _check(lists: Mapping[str, object], cells: Sequence[str], rows: Sequence[int], column: str, parent: str) -> None:
    """Refuse a column without any mutation, and mutations without the protein that they are of."""
    if not lists:
        first = next((i for i, c in enumerate(cells) if c), 0)
        raise refused(
            f"Expected variants or mutations in column {shown(column)}, got none that can be read, such as "
            f"{shown(cells[first])} in row {rows[first]}. Choose the column that holds them.",
            "variant_column",
        )
    at = next(i for i, c in enumerate(cells) if c in lists)
    if not parent:
        raise refused(
            f"Expected a wild type for the mutations in column {shown(column)}, such as {shown(cells[at])} in "
            f"row {rows[at]}, got none. Fill in the protein's sequence: mutations say what is changed in it.",
            "wild_type",
        )


def _told_apart(
    cells: Sequence[str],
) -> tuple[dict[str, tuple[Change, ...]], list[int], list[int], dict[int, str]]:
    """Return the lists of mutations by cell, and which rows are the wild type, a control, or wrong and why."""
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
    return {cell: found for cell, found in read.items() if not isinstance(found, str)}, wild, controls, bad


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
