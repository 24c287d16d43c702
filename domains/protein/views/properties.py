"""Properties of whole proteins, as Biopython's ProtParam computes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from Bio.SeqUtils.ProtParam import ProteinAnalysis

from domains.protein.parent import Scaffold


@dataclass(frozen=True)
class Properties:
    """Of one protein, all of its chains together where there are several.

    Attributes:
        length: residues; mass: Da, average isotopes.
        charge: net charge at pH 7, by the pKa of Bjellqvist as Biopython has them; isoelectric: pI.
        hydropathy: mean of Kyte and Doolittle (GRAVY); aromaticity: share of F, W and Y.
        instability: index of Guruprasad.
    """

    length: int
    mass: float
    charge: float
    isoelectric: float
    hydropathy: float
    aromaticity: float
    instability: float


def properties_of(protein: str) -> Properties:
    """Return the properties of a protein of the 20 residues, at least one."""
    found = ProteinAnalysis(protein)
    return Properties(
        length=len(protein),
        mass=float(found.molecular_weight()),
        charge=float(found.charge_at_pH(7.0)),
        isoelectric=float(found.isoelectric_point()),
        hydropathy=float(found.gravy()),
        aromaticity=float(found.aromaticity()),
        instability=float(found.instability_index()),
    )


def property_table(scaffold: Scaffold, designs: Sequence[str]) -> list[Properties]:
    """Return the properties of the whole protein of each design."""
    return [properties_of(scaffold.full(d)) for d in designs]
