"""What was measured before a run: a table's variants as designs of a scaffold, whole proteins or sites alone.

This module is where a problem meets the reader of tables; nothing else of a campaign knows how a table is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from domains.protein.alphabet import codes_of, text_of
from domains.protein.parent import UNKNOWN_LETTER, Chain, Parent, Scaffold
from domains.protein.sites import Sites, read_sites
from domains.protein.tables.read import MeasuredTable, TableSettings, read_table
from poets_core.errors import InvalidSpec, InvalidTable
from poets_core.intake import shown
from poets_core.types import Design

PARAMS = "problem.params"
MOST_SITES = 512
"""Variable sites of a campaign."""


@dataclass(frozen=True)
class Measured:
    """A table of measured variants, and the file that it was read from.

    Attributes:
        table: as it was read: a variant is its letters at some places.
        name: of the file, without its folder.
    """

    table: MeasuredTable
    name: str

    @property
    def facts(self) -> dict[str, Any]:
        """What is worth knowing about it, JSON values."""
        return {
            "name": self.name,
            "rows": self.table.rows,
            "variant_column": self.table.variant_column,
            "value_column": self.table.value_column,
            "report": self.table.report.facts(),
        }


def read_measured(
    path: str, settings: TableSettings, parent: str, sites: Sites | None, fields: Mapping[str, str]
) -> Measured:
    """Read a table of whole proteins, mutations, or letters at the sites.

    Args:
        path: of the file.
        settings: of the reader.
        parent: residues of the whole parent or of its sites, ``""`` where it is not known.
        sites: where they are known.
        fields: parameters of the problem by the reader's names for them (table, wild_type, positions), for errors.

    Raises:
        InvalidTable: it cannot be used; with the field.
    """
    file, labels = Path(path), sites.labels if sites else ()
    try:
        if not labels or len(labels) == len(parent):
            return Measured(read_table(file, settings, parent=parent, labels=labels), file.name)
        try:
            return Measured(read_table(file, settings, parent=parent), file.name)
        except InvalidTable as error:
            # Letters at the sites alone: the reader then wants the parent's letters there, and their numbers.
            if sites is None or error.field != f"{PARAMS}.positions":
                raise
            own = "".join(parent[i] for i in sites.index) if parent else ""
            return Measured(read_table(file, settings, parent=own, labels=labels), file.name)
    except InvalidTable as error:
        known = {f"{PARAMS}.{k}": f"{PARAMS}.{v}" for k, v in fields.items()}
        raise InvalidTable(str(error), fields={known.get(k, k): v for k, v in error.fields.items()}) from error


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
    table = measured.table
    if not parent.sequence:
        return _without_parent(table, "" if isinstance(sites, Sites) else sites)
    named = sites if isinstance(sites, Sites) else read_sites(sites, parent) if sites.strip() else None
    length = len(table.labels)
    if table.whole and len(table.whole) == len(parent.sequence):
        found = named or Sites(tuple(_label(parent, i) for i in table.places), table.places)
        return _picked(table, scaffold_of(parent, found))
    if length == len(parent.sequence) and (named is None or length != len(named.index)):
        every = replace(table, whole=parent.sequence, places=tuple(range(length)))
        return _picked(every, scaffold_of(parent, named))
    if named is not None and length == len(named.index):
        return Sited(scaffold_of(parent, named), table.values, table.std)
    wanted = f"{len(parent.sequence)} residues, the whole parent"
    wanted += f", or {len(named.index)}, one for each site" if named is not None else ", or of sites that are named"
    raise InvalidTable(
        f"Expected variants of {wanted}, got variants of {len(table.whole) or length} residues in column "
        f"{shown(table.variant_column)}. Name the site of each letter, such as V39,D40,G41,V54.",
        field=f"{PARAMS}.{'sites' if named is None else param}",
    )


def _label(parent: Parent, at: int) -> str:
    """How a residue is called that nobody named: its number in its chain, with the chain where there are several."""
    chain = next(c for c in parent.chains if c.start <= at < c.start + c.length)
    return f"{chain.name if len(parent.chains) > 1 else ''}{at - chain.start + 1}"


def _picked(table: MeasuredTable, scaffold: Scaffold) -> Sited:
    """Return the designs of whole proteins at the sites of a scaffold; those that differ elsewhere are left out."""
    place = {i: k for k, i in enumerate(table.places)}
    variants = list(table.values)
    codes = codes_of("".join(variants)).reshape(len(variants), -1)
    parent = codes_of(scaffold.parent)
    # Sites that the table does not vary have the parent's letter in all of its variants.
    columns = [codes[:, place[i]] if i in place else np.full(len(codes), parent[i]) for i in scaffold.sites]
    sites = np.array(columns, dtype=np.uint8)
    others = [k for i, k in place.items() if i not in set(scaffold.sites)]
    constant = parent[[table.places[k] for k in others]]
    inside = (codes[:, others] == constant).all(1)
    designs = [text_of(row) if fine else "" for row, fine in zip(sites.T, inside.tolist(), strict=True)]
    return Sited(
        scaffold,
        {d: table.values[v] for d, v in zip(designs, variants, strict=True) if d},
        {d: table.std[v] for d, v in zip(designs, variants, strict=True) if d and v in table.std},
        int((~inside).sum()),
    )


def _without_parent(table: MeasuredTable, sites: str) -> Sited:
    """Sites of a table whose parent nobody gave; what does not vary in whole proteins is taken for the parent's."""
    length = len(table.labels)
    letters = table.parent if len(table.parent) == length else UNKNOWN_LETTER * length
    if not table.whole:
        named = read_sites(sites) if sites.strip() else Sites(table.labels, tuple(range(length)))
        if len(named.labels) != length:
            raise InvalidSpec(
                f"Expected {length} sites, one for each letter of the table's variants, got {len(named.labels)}.",
                field=f"{PARAMS}.sites",
            )
        parent = Parent(letters, (Chain("A", 0, length),))
        return Sited(scaffold_of(parent, Sites(named.labels, tuple(range(length)))), table.values, table.std)
    whole = list(table.whole)
    for i, letter in zip(table.places, letters, strict=True):
        whole[i] = letter
    parent = Parent("".join(whole), (Chain("A", 0, len(whole)),))
    found = read_sites(sites, parent) if sites.strip() else Sites(table.labels, table.places)
    lost = [table.labels[k] for k, i in enumerate(table.places) if i not in found.index]
    if lost and UNKNOWN_LETTER in letters:
        raise InvalidSpec(
            f"Expected all places that vary in the table among the sites, got none for {', '.join(lost[:10])}. Name "
            "them, or paste the parent sequence.",
            field=f"{PARAMS}.sites",
        )
    return _picked(table, scaffold_of(parent, found))
