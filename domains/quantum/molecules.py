"""Molecular Hamiltonians, frozen with how they were made; `scripts/molecules.py` makes them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from domains.quantum.hamiltonian import PauliSum
from poets_core.errors import InvalidSpec

FOLDER = Path(__file__).parent / "frozen"
ORDER = "the last letter of a label and the last bit are qubit 0"


@dataclass(frozen=True)
class Molecule:
    """One frozen Hamiltonian; energies in Ha, nuclear repulsion and frozen core included.

    Attributes:
        name: of its file; title, formula: for people.
        atoms: ``"symbol x y z; .."`` in `unit` (``"angstrom"`` or ``"bohr"``); bond_length in the same.
        basis, active_space, mapper: how it was made, in words.
        qubits: number of qubits.
        hartree_fock_bits: of the Hartree-Fock state; the last bit is qubit 0.
        hartree_fock_energy, ground_energy: of the matrix; gap: to its next level, 0 where it is degenerate.
        electrons: in the active space; right_electrons: whether the ground state of the matrix has as many.
        spin_squared: S^2 of the ground state: 0 singlet, 2 triplet.
        uccsd_cx: CX of UCCSD, transpiled at level 3 with all qubits coupled; None where it was not counted.
        remark: what a person should know, ``""`` for nothing.
        made_with: versions of the tools.
        terms: (label, coefficient), the last letter is qubit 0.
    """

    name: str
    title: str
    formula: str
    atoms: str
    unit: str
    bond_length: float
    basis: str
    active_space: str
    mapper: str
    qubits: int
    hartree_fock_bits: str
    hartree_fock_energy: float
    ground_energy: float
    gap: float
    electrons: int
    right_electrons: bool
    spin_squared: float
    uccsd_cx: int | None
    remark: str
    made_with: tuple[tuple[str, str], ...]
    terms: tuple[tuple[str, float], ...]

    @property
    def start(self) -> tuple[int, ...]:
        """Qubits that are 1 in the Hartree-Fock state."""
        return tuple(q for q, bit in enumerate(reversed(self.hartree_fock_bits)) if bit == "1")

    @property
    def hamiltonian(self) -> PauliSum:
        """The terms as a sum."""
        return PauliSum(self.terms)

    @property
    def facts(self) -> dict[str, Any]:
        """How it was made and what it is, as JSON values with the names of the attributes."""
        hidden = ("terms", "made_with")
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in hidden}
        return {**values, "order": ORDER, "correlation": self.correlation, "made_with": dict(self.made_with)}

    @property
    def correlation(self) -> float:
        """Ha between Hartree-Fock and the ground state; where it is small, a low error is no evidence."""
        return self.hartree_fock_energy - self.ground_energy


@lru_cache
def molecule_names() -> tuple[str, ...]:
    """Return the names of all molecules: by formula and qubits, then by bond length."""
    return tuple(sorted((path.stem for path in FOLDER.glob("*.json")), key=_place))


def _place(name: str) -> tuple[str, float]:
    family, _, length = name.rpartition("-")
    # Those of published tables have no length in their name and come last.
    return family, float(length) if re.fullmatch(r"[\d.]+", length) else float("inf")


@lru_cache(maxsize=128)
def molecule(name: str) -> Molecule:
    """Return one molecule.

    Args:
        name: ``"lih-4q-2.2"``; ``"LiH 4q 2.2"`` is the same.

    Raises:
        InvalidSpec: there is none of that name.
    """
    plain = "-".join(name.lower().split())
    if plain not in molecule_names():
        raise InvalidSpec(f"Expected a molecule, one of {', '.join(molecule_names())}, got {name[:60]!r}.")
    return _molecule(json.loads((FOLDER / f"{plain}.json").read_text(encoding="utf-8")))


def molecules() -> tuple[Molecule, ...]:
    """Return all molecules; files are read when this is first called."""
    return tuple(map(molecule, molecule_names()))


def _molecule(entry: dict[str, Any]) -> Molecule:
    told_otherwise = ("spin_squared", "made_with", "terms")
    return Molecule(
        **{field.name: entry[field.name] for field in fields(Molecule) if field.name not in told_otherwise},
        spin_squared=entry["ground_spin_squared"],
        made_with=tuple(entry["made_with"].items()),
        terms=tuple((label, float(c)) for label, c in entry["terms"]),
    )
