"""What was measured before a run: a table's variants as designs of a scaffold, whole proteins or sites alone.

This module is where a problem meets the reader of tables; nothing else of a campaign knows how a table is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from domains.protein.alphabet import codes_of, text_of
from domains.protein.parent import UNKNOWN_LETTER, Chain, Parent, Scaffold
from domains.protein.sites import Sites, read_sites
from domains.protein.tables.read import TableSettings, read_table
from poets_core.errors import InvalidSpec, InvalidTable
from poets_core.intake import shown
from poets_core.types import Design, Direction

PARAMS = "problem.params"
MOST_SITES = 512
"""Variable sites of a campaign."""
LIST_OF_SITES = 12
"""A table of so short variants lists sites: one that happens not to vary in it is a site all the same."""


@dataclass(frozen=True)
class Measured:
    """A table of measured variants as it was read: a variant is its letters at some places.

    Attributes:
        values: variant -> value; all of one length.
        std: standard error of each value that has one.
        labels: how people number each letter.
        parent: the parent's letters at the same places, ``""`` where they are not known.
        whole: the whole protein where the table tells it, ``""`` where it holds sites alone.
        places: index of each letter in `whole`.
        direction: which way is better, as far as the table tells.
        rows: that were read.
        name: of the file, without its folder.
        facts: what the reader found, JSON values.
    """

    values: Mapping[str, float]
    std: Mapping[str, float]
    labels: tuple[str, ...]
    parent: str
    whole: str
    places: tuple[int, ...]
    direction: Direction
    variant_column: str
    value_column: str
    rows: int
    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def read_measured(path: str, settings: TableSettings, parent: str, labels: Sequence[str], param: str) -> Measured:
    """Read a table.

    Args:
        path: of the file.
        settings: of the reader.
        parent: residues of the whole parent, ``""`` where it is not known.
        labels: of the sites, empty where they are not known.
        param: parameter that names the file, for errors.

    Raises:
        InvalidTable: it cannot be used; with the field.
    """
    try:
        found = read_table(Path(path), settings, parent=parent, labels=labels)
    except InvalidTable as error:
        # The reader knows one name of a table; a campaign has two of them.
        fields = {k.replace(f"{PARAMS}.table", f"{PARAMS}.{param}"): v for k, v in error.fields.items()}
        raise InvalidTable(str(error), fields=fields) from error
    return Measured(
        values=found.values,
        std=found.std,
        labels=found.labels,
        parent=found.parent,
        whole=found.whole,
        places=found.places,
        direction=found.direction,
        variant_column=found.variant_column,
        value_column=found.value_column,
        rows=found.rows,
        name=Path(path).name,
        facts=found.report.facts(),
    )


@dataclass(frozen=True)
class Sited:
    """Measured variants as designs of a scaffold.

    Attributes:
        scaffold: parent and sites.
        values, std: by design.
        outside: variants that differ from the parent elsewhere than at the sites, which no design can say.
    """

    scaffold: Scaffold
    values: Mapping[Design, float]
    std: Mapping[Design, float]
    outside: int = 0


def scaffold_of(parent: Parent, sites: Sites | None) -> Scaffold:
    """Return the scaffold of a parent; all of its residues vary where no sites are named.

    Raises:
        InvalidSpec: too many sites.
    """
    found = sites or Sites(
        tuple(_label(parent, i) for i in range(len(parent.sequence))), tuple(range(len(parent.sequence)))
    )
    if len(found.index) > MOST_SITES:
        raise InvalidSpec(
            f"Expected at most {MOST_SITES} variable sites, got {len(found.index):,}. Name the sites that may vary.",
            field=f"{PARAMS}.sites",
        )
    return Scaffold(parent.sequence, found.labels, found.index, parent.chains)


def sited(measured: Measured, parent: Parent, sites: str | Sites, param: str = "data") -> Sited:
    """Find the sites of a table, and its variants as designs.

    Args:
        measured: the table.
        parent: the whole protein; one without residues where it is not known.
        sites: as people write them, ``""`` to take the places that vary; or as they were read.
        param: parameter that names the file, for errors.

    Raises:
        InvalidTable: variants that are neither whole proteins nor the letters at the sites.
        InvalidSpec: sites that the parent has not.
    """
    if not parent.sequence:
        return _without_parent(measured, "" if isinstance(sites, Sites) else sites)
    named = sites if isinstance(sites, Sites) else read_sites(sites, parent) if sites.strip() else None
    length = len(measured.labels)
    if measured.whole and len(measured.whole) == len(parent.sequence):
        found = named or Sites(tuple(_label(parent, i) for i in measured.places), measured.places)
        return _picked(measured, scaffold_of(parent, found))
    if length == len(parent.sequence) and (named is None or length != len(named.index)):
        whole = replace(measured, whole=parent.sequence, places=tuple(range(length)))
        return _picked(whole, scaffold_of(parent, named))
    if named is not None and length == len(named.index):
        return Sited(scaffold_of(parent, named), measured.values, measured.std)
    if named is None and measured.labels != tuple(str(k + 1) for k in range(length)):
        # The reader found the places by itself, as it does for mutations that are written by number.
        return Sited(scaffold_of(parent, read_sites(",".join(measured.labels), parent)), measured.values, measured.std)
    wanted = f"{len(parent.sequence)} residues, the whole parent"
    wanted += f", or {len(named.index)}, one for each site" if named is not None else ", or of sites that are named"
    raise InvalidTable(
        f"Expected variants of {wanted}, got variants of {len(measured.whole) or length} residues in column "
        f"{shown(measured.variant_column)}. Name the site of each letter, such as V39,D40,G41,V54.",
        field=f"{PARAMS}.{'sites' if named is None else param}",
    )


def _label(parent: Parent, at: int) -> str:
    """How a residue is called that nobody named: its number in its chain, with the chain where there are several."""
    chain = next(c for c in parent.chains if c.start <= at < c.start + c.length)
    return f"{chain.name if len(parent.chains) > 1 else ''}{at - chain.start + 1}"


def _picked(measured: Measured, scaffold: Scaffold) -> Sited:
    """Return the designs of whole proteins at the sites of a scaffold; those that differ elsewhere are left out."""
    place = {i: k for k, i in enumerate(measured.places)}
    variants = list(measured.values)
    codes = codes_of("".join(variants)).reshape(len(variants), -1)
    parent = codes_of(scaffold.parent)
    # Sites that the table does not vary have the parent's letter in all of its variants.
    columns = [codes[:, place[i]] if i in place else np.full(len(codes), parent[i]) for i in scaffold.sites]
    sites = np.array(columns, dtype=np.uint8)
    others = [k for i, k in place.items() if i not in set(scaffold.sites)]
    constant = parent[[measured.places[k] for k in others]]
    inside = (codes[:, others] == constant).all(1)
    designs = [text_of(row) if fine else "" for row, fine in zip(sites.T, inside.tolist(), strict=True)]
    return Sited(
        scaffold,
        {d: measured.values[v] for d, v in zip(designs, variants, strict=True) if d},
        {d: measured.std[v] for d, v in zip(designs, variants, strict=True) if d and v in measured.std},
        int((~inside).sum()),
    )


def _without_parent(measured: Measured, sites: str) -> Sited:
    """Sites of a table whose parent nobody gave; what does not vary in whole proteins is taken for the parent's."""
    length = len(measured.labels)
    letters = measured.parent if len(measured.parent) == length else UNKNOWN_LETTER * length
    if not measured.whole:
        named = read_sites(sites) if sites.strip() else Sites(measured.labels, tuple(range(length)))
        if len(named.labels) != length:
            raise InvalidSpec(
                f"Expected {length} sites, one for each letter of the table's variants, got {len(named.labels)}.",
                field=f"{PARAMS}.sites",
            )
        parent = Parent(letters, (Chain("A", 0, length),))
        return Sited(scaffold_of(parent, Sites(named.labels, tuple(range(length)))), measured.values, measured.std)
    whole = list(measured.whole)
    for i, letter in zip(measured.places, letters, strict=True):
        whole[i] = letter
    parent = Parent("".join(whole), (Chain("A", 0, len(whole)),))
    found = read_sites(sites, parent) if sites.strip() else Sites(measured.labels, measured.places)
    lost = [measured.labels[k] for k, i in enumerate(measured.places) if i not in found.index]
    if lost and UNKNOWN_LETTER in letters:
        raise InvalidSpec(
            f"Expected all places that vary in the table among the sites, got none for {', '.join(lost[:10])}. Name "
            "them, or paste the parent sequence.",
            field=f"{PARAMS}.sites",
        )
    return _picked(measured, scaffold_of(parent, found))
