"""What was measured before a run: a table's variants as designs of a scaffold, whole proteins or sites alone.

This module is where a problem meets the reader of tables; nothing else of a campaign knows how a table is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from domains.protein.alphabet import LETTERS, codes_of
from domains.protein.parent import UNKNOWN_LETTER, Chain, Parent, Scaffold
from domains.protein.sites import Sites, read_sites
from domains.protein.table import read_table
from poets_core.errors import InvalidSpec, InvalidTable
from poets_core.types import Design, Direction

PARAMS = "problem.params"
MOST_SITES = 512
"""Variable sites of a campaign."""
LIST_OF_SITES = 12
"""A table of so short variants lists sites: one that happens not to vary in it is a site all the same."""


@dataclass(frozen=True)
class TableSettings:
    """How a table is read; each is a parameter of the problems under the same name."""

    variant_column: str = ""
    value_column: str = ""
    direction: str = "auto"
    bad_rows: str = "refuse"
    replicates: str = "average"
    decimal: str = "auto"


@dataclass(frozen=True)
class Measured:
    """A table of measured variants as it was read.

    Attributes:
        values: variant -> value; all of one length.
        labels: how people number each letter.
        parent: the parent's letters at the same places, ``""`` where they are not known.
        std: standard error of each value that has one.
        direction: which way is better, as far as the table tells.
        name: of the file, without its folder.
        facts: what the reader found, JSON values.
    """

    values: Mapping[str, float]
    labels: tuple[str, ...]
    parent: str
    std: Mapping[str, float]
    direction: Direction
    variant_column: str
    value_column: str
    rows: int
    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def read_measured(path: str, settings: TableSettings, parent: str, labels: Sequence[str], field_name: str) -> Measured:
    """Read a table.

    Args:
        path: of the file.
        settings: of the reader.
        parent: residues of the whole parent, ``""`` where it is not known.
        labels: of the sites, empty where they are not known.
        field_name: parameter that names the file, for errors.

    Raises:
        InvalidTable: it cannot be used; with the field.
    """
    try:
        found = read_table(Path(path), variant_column=settings.variant_column, value_column=settings.value_column)
    except InvalidTable as error:
        # The reader knows one name of a table; a campaign has two of them.
        fields = {
            k.replace(f"{PARAMS}.table", f"{PARAMS}.{field_name}"): v for k, v in error.fields.items()
        }
        raise InvalidTable(str(error), fields=fields) from error
    return Measured(
        values=found.values,
        labels=tuple(str(k + 1) for k in range(found.length)),
        parent="",
        std={},
        direction="minimise" if settings.direction == "minimise" else "maximise",
        variant_column=found.variant_column,
        value_column=found.value_column,
        rows=found.rows,
        name=Path(path).name,
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
    if sites is None:
        labels = tuple(
            f"{c.name if len(parent.chains) > 1 else ''}{k + 1}" for c in parent.chains for k in range(c.length)
        )
        sites = Sites(labels, tuple(range(len(labels))))
    if len(sites.index) > MOST_SITES:
        raise InvalidSpec(
            f"Expected at most {MOST_SITES} variable sites, got {len(sites.index):,}. Name the sites that may vary.",
            field=f"{PARAMS}.sites",
        )
    return Scaffold(parent.sequence, sites.labels, sites.index, parent.chains)


def sited(measured: Measured, parent: Parent, sites: str, field_name: str = "data") -> Sited:
    """Find the sites of a table, and its variants as designs.

    Args:
        measured: the table.
        parent: the whole protein, or the letters at the sites; one without residues where it is not known.
        sites: as people write them, ``""`` to take the positions that vary.
        field_name: parameter that names the file, for errors.

    Raises:
        InvalidTable: variants that are neither whole proteins nor the letters at the sites.
        InvalidSpec: sites that the parent has not.
    """
    length = len(next(iter(measured.values)))
    if not parent.sequence:
        return _without_parent(measured, sites)
    named = read_sites(sites, parent) if sites.strip() else None
    if named is not None and length == len(named.index):
        return Sited(scaffold_of(parent, named), measured.values, measured.std)
    if length == len(parent.sequence):
        return _whole(measured, parent, named)
    if named is None and measured.labels != tuple(str(k + 1) for k in range(length)):
        # The reader found the places by itself, as it does for mutations that are written by number.
        return Sited(scaffold_of(parent, read_sites(",".join(measured.labels), parent)), measured.values, measured.std)
    wanted = f"{len(parent.sequence)} residues, the whole parent"
    wanted += f", or {len(named.index)}, one for each site" if named is not None else ", or sites that are named"
    raise InvalidTable(
        f"Expected variants of {wanted}, got variants of {length} residues in column {measured.variant_column!r}. Name "
        "the site of each letter, such as V39,D40,G41,V54.",
        field=f"{PARAMS}.{'sites' if named is None else field_name}",
    )


def _whole(measured: Measured, parent: Parent, named: Sites | None) -> Sited:
    """Take the letters at the sites out of whole proteins."""
    variants = list(measured.values)
    codes = codes_of("".join(variants)).reshape(len(variants), -1)
    differ = codes != codes_of(parent.sequence)
    if named is None:
        varying = np.flatnonzero(differ.any(0)).tolist()
        if not varying:
            raise InvalidTable(
                "Expected variants that differ from the parent, got the parent alone. Name the sites.",
                field=f"{PARAMS}.sites",
            )
        # Labels of single chains are numbers; those of several need the chain.
        every = [f"{c.name if len(parent.chains) > 1 else ''}{k + 1}" for c in parent.chains for k in range(c.length)]
        named = Sites(tuple(every[i] for i in varying), tuple(varying))
    scaffold = scaffold_of(parent, named)
    constant = np.ones(len(parent.sequence), dtype=np.bool_)
    constant[list(named.index)] = False
    inside = ~differ[:, constant].any(1)
    designs = ["".join(v[i] for i in named.index) if fine else "" for v, fine in zip(variants, inside, strict=True)]
    return Sited(
        scaffold,
        {d: measured.values[v] for d, v in zip(designs, variants, strict=True) if d},
        {d: measured.std[v] for d, v in zip(designs, variants, strict=True) if d and v in measured.std},
        int((~inside).sum()),
    )


def _without_parent(measured: Measured, sites: str) -> Sited:
    """Sites of a table whose parent nobody gave: what does not vary in whole proteins is the parent's."""
    variants = list(measured.values)
    codes = codes_of("".join(variants)).reshape(len(variants), -1)
    length = codes.shape[1]
    named = read_sites(sites) if sites.strip() else None
    varies = (codes != codes[0]).any(0)
    every = length <= LIST_OF_SITES or (named is not None and len(named.index) == length)
    if every:
        varies[:] = True
    known = measured.parent if len(measured.parent) == length else ""
    letters = known or "".join(UNKNOWN_LETTER if v else LETTERS[c] for v, c in zip(varies, codes[0], strict=True))
    parent = Parent(letters, (Chain("A", 0, length),))
    if every:
        labels = named.labels if named is not None and len(named.labels) == length else measured.labels
        return Sited(scaffold_of(parent, Sites(labels, tuple(range(length)))), measured.values, measured.std)
    found = read_sites(sites, parent) if named is not None else None
    index = tuple(np.flatnonzero(varies).tolist()) if found is None else found.index
    labels = tuple(measured.labels[i] for i in index) if found is None else found.labels
    if found is not None and (lost := [measured.labels[i] for i in np.flatnonzero(varies) if i not in index]):
        raise InvalidSpec(
            f"Expected all positions that vary in the table among the sites, got none for {', '.join(lost[:10])}. Name "
            "them, or paste the parent sequence.",
            field=f"{PARAMS}.sites",
        )
    scaffold = scaffold_of(parent, Sites(labels, index))
    short = {v: "".join(v[i] for i in index) for v in variants}
    return Sited(
        scaffold,
        {short[v]: x for v, x in measured.values.items()},
        {short[v]: x for v, x in measured.std.items()},
    )
