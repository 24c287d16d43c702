"""The views of a protein engineer, put together for a page: what was measured or expected, what the best share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domains.entry import Known, View
from domains.palette import Colours
from domains.protein.naming import labels_of, whole_of
from domains.protein.views.alignment import alignment_svg
from domains.protein.views.enrichment import enriched
from domains.protein.views.heat import Heat, heat_figure, heat_of
from domains.protein.views.logo import logo_svg

BEST = 20
"""Designs of the logo and of the alignment."""
MOST_SITES = 60
"""Sites that a logo or an alignment shows; of more, those where the best designs differ most from the parent."""
ROWS = 40
"""Lines of a table."""


def views(
    designs: Sequence[Known], *, facts: Mapping[str, Any], unit: str, minimise: bool, colours: Colours
) -> list[View]:
    """Return what can be shown of a run's designs; see `domains.entry.Views`."""
    length = next((len(d.design) for d in designs), 0)
    kept = [d for d in designs if len(d.design) == length]
    if not kept or not length:
        return []
    labels, parent = labels_of(kept[0].design, facts), str(facts.get("wild_type") or "")
    parent = parent if len(parent) == length else ""
    measured = [d for d in kept if d.value is not None]
    sign = -1.0 if minimise else 1.0
    best = sorted(measured, key=lambda d: -sign * (d.value or 0.0))[:BEST]
    found = _heats(kept, measured, labels, parent, unit, colours)
    if best:
        at = _telling(best, parent, length)
        own = [labels[i] for i in at]
        cut = ["".join(d.design[i] for i in at) for d in best]
        wild = "".join(parent[i] for i in at) if parent else ""
        only = "" if len(at) == length else f" The {len(at)} sites at which they differ most are shown."
        found.append(
            View(
                f"Logo of the best {len(best)}",
                f"Letters as high as the information in them, in bits.{only}",
                svg=logo_svg(cut, own, colours),
                says=f"Sequence logo of the best {len(best)} designs at {len(at)} sites.",
            )
        )
        names = [d.name for d in best]
        found.append(
            View(
                "The best against the parent",
                f"A dot is the parent's own residue.{only}",
                svg=alignment_svg(names, cut, own, wild, colours),
                says=f"Alignment of the best {len(best)} designs with the parent.",
            )
        )
    if parent and len(measured) >= 8:
        found.append(_enriched(measured, parent, labels, minimise))
    if best:
        found.append(_properties(best, facts, unit))
    return found


def _heats(
    kept: Sequence[Known], measured: Sequence[Known], labels: Sequence[str], parent: str, unit: str, colours: Colours
) -> list[View]:
    """Return heat maps of what was measured, what is expected, and how sure that is."""
    found = []
    title = f"mean [{unit}]" if unit else "mean"
    if measured:
        heat = heat_of([d.design for d in measured], [d.value or 0.0 for d in measured], labels)
        found.append(
            _heat("Measured", heat, "Mean of all measured designs with a residue at a site.", parent, title, colours)
        )
    told = [d for d in kept if d.expected is not None]
    if told:
        spread = [d.spread if d.spread is not None else float("nan") for d in told]
        heat = heat_of([d.design for d in told], [d.expected or 0.0 for d in told], labels, spread)
        says = "Mean of what was expected of the designs with a residue at a site, before they were measured."
        found.append(_heat("Expected", heat, says, parent, title, colours))
        says = "Mean spread of what was expected: large where the search does not know."
        found.append(_heat("Uncertainty", heat, says, parent, title, colours, error=True))
    return found


def _heat(title: str, heat: Heat, help: str, parent: str, scale: str, colours: Colours, *, error: bool = False) -> View:
    show = "error" if error else "mean"
    tried = int((heat.count > 0).sum())
    return View(
        f"{title}, by residue and site",
        f"{help} A dot marks the parent's residue; a gap was never tried.",
        figure=heat_figure(heat, colours, parent, show, scale),  # type: ignore[arg-type]
        says=f"Heat map of {tried} residues at {len(heat.labels)} sites.",
    )


def _telling(best: Sequence[Known], parent: str, length: int) -> list[int]:
    """Return the sites to be shown: all, or those at which the best designs differ most from the parent."""
    if length <= MOST_SITES:
        return list(range(length))
    base = parent or best[0].design
    changes = [sum(d.design[i] != base[i] for d in best) for i in range(length)]
    return sorted(sorted(range(length), key=lambda i: -changes[i])[:MOST_SITES])


def _enriched(measured: Sequence[Known], parent: str, labels: Sequence[str], minimise: bool) -> View:
    rows = enriched([d.design for d in measured], [d.value or 0.0 for d in measured], parent, labels, minimise=minimise)
    lines = tuple(
        (
            e.mutation,
            f"{e.best} of {e.best_of}",
            f"{e.others} of {e.others_of}",
            f"{e.odds:.2g}",
            f"{e.p:.2g}",
            f"{e.q:.2g}",
        )
        for e in rows[:ROWS]
    )
    sure = sum(e.q <= 0.05 for e in rows)
    return View(
        "Mutations of the best quarter",
        f"How often each mutation is among the best quarter of what was measured, and among the rest. Of {len(rows)}, "
        f"{sure} differ at a share of false discoveries of 5 %. Odds above 1: more frequent among the best.",
        headings=("mutation", "among the best", "among the rest", "odds", "p", "false discoveries"),
        rows=lines,
        says=f"Table of {len(lines)} mutations.",
    )


def _properties(best: Sequence[Known], facts: Mapping[str, Any], unit: str) -> View:
    from domains.protein.views.properties import properties_of  # Biopython: a third of a second, and only here

    lines = []
    for d in best:
        p = properties_of(whole_of(d.design, facts))
        lines.append(
            (
                d.name,
                f"{d.value:.4g}" if d.value is not None else "",
                str(p.length),
                f"{p.mass / 1000:.2f}",
                f"{p.charge:+.1f}",
                f"{p.isoelectric:.2f}",
                f"{p.hydropathy:+.2f}",
                f"{p.instability:.1f}",
            )
        )
    value = f"value [{unit}]" if unit else "value"
    return View(
        "Properties of the best",
        "Of whole proteins, by Biopython's ProtParam: mass, net charge at pH 7, isoelectric point, mean hydropathy "
        "(GRAVY), instability index. Computed from the sequence alone.",
        headings=("design", value, "residues", "kDa", "charge", "pI", "GRAVY", "instability"),
        rows=tuple(lines),
        says=f"Table of properties of {len(lines)} designs.",
    )


def structure(data: bytes, name: str, *, facts: Mapping[str, Any], colours: Colours) -> View:
    """Return a structure with the sites of a problem marked in it; see `domains.entry.Structure`.

    Raises:
        InvalidTable: it cannot be read.
    """
    from domains.protein.views.structure import locate, read_structure, structure_figure

    residues = read_structure(data, name)
    wild_type = str(facts.get("wild_type") or "")
    labels = labels_of(wild_type, facts)
    sites = locate(residues, labels, wild_type)
    missing = [s.label for s in sites if s.residue is None]
    other = [s.label for s in sites if s.residue is not None and not s.agrees]
    notes = [f"{len(residues):,} residues, {len(sites) - len(missing)} of {len(sites)} sites found."]
    if missing:
        notes.append(f"Not in the structure: {', '.join(missing[:12])}.")
    if other:
        notes.append(f"Another residue than the parent's: {', '.join(other[:12])}. Check the numbering.")
    return View(
        "Structure",
        "Chains by their C-alpha atoms, sites marked with the parent's residue. Drag to turn, wheel to zoom. "
        + " ".join(notes),
        figure=structure_figure(residues, sites, colours),
        says=f"Structure with {len(sites) - len(missing)} sites marked.",
    )
