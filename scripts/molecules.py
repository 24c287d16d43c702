"""Make the frozen molecular Hamiltonians in domains/quantum/frozen/, or compare them with what is made now.

    pip install 'poets[chemistry]'
    python -m scripts.molecules                 # write all of them, about two minutes
    python -m scripts.molecules lih-4q-3.4      # some of them
    python -m scripts.molecules --check         # make again and compare spectra, nothing is written

Integrals are PySCF's (restricted Hartree-Fock, converged to 1e-13 Ha), active spaces and mappings those of Qiskit
Nature. Orbitals have arbitrary signs, so terms may differ in sign from machine to machine: spectra are compared.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

TARGET = Path(__file__).resolve().parents[1] / "domains" / "quantum" / "frozen"
TOOLS = ("qiskit", "qiskit-nature", "pyscf", "numpy")
NEGLIGIBLE = 1e-12
SAME = 1e-8
"""Ha; eigenvalues that differ by less are the same."""
ORDER = "Qiskit: the last letter of a label and the last bit are qubit 0"

_S = (0.1543289673, 0.5353281423, 0.4446345422)
_SP = ((-0.09996722919, 0.1559162750), (0.3995128261, 0.6076837186), (0.7001154689, 0.3919573931))


def _shells(first: Sequence[float], second: Sequence[float] = ()) -> list[Any]:
    """STO-3G of an atom in PySCF's form: exponents of 1s, and of 2s and 2p."""
    shells: list[Any] = [[0, *([e, c] for e, c in zip(first, _S, strict=True))]]
    if second:
        shells += [[m, *([e, c[m]] for e, c in zip(second, _SP, strict=True))] for m in (0, 1)]
    return shells


TEN_DIGITS = {
    "H": _shells((3.425250914, 0.6239137298, 0.1688554040)),
    "Be": _shells((30.16787069, 5.495115306, 1.487192653), (1.314833110, 0.3055389383, 0.09937074560)),
    "O": _shells((130.7093214, 23.80886605, 6.443608313), (5.033151319, 1.169596125, 0.3803889600)),
}
"""STO-3G with the ten digits of the Basis Set Exchange, which PennyLane uses; PySCF's own has eight."""


@dataclass(frozen=True)
class Recipe:
    """How a Hamiltonian is made.

    Attributes:
        name: of the file. formula: of the molecule. qubits: expected.
        atoms: "symbol x y z; ...". length: what varies, in `unit`; unit: of the coordinates.
        electrons, orbitals, active: the active space; 0 electrons take all of it.
        mapper: "parity" (two qubits saved), "jordan-wigner" (alpha, then beta spin orbitals) or
            "jordan-wigner interleaved" (alpha and beta in turn).
        ten_digits: see `TEN_DIGITS`. uccsd: whether UCCSD's CX are counted. remark: for people.
    """

    name: str
    formula: str
    qubits: int
    atoms: str
    length: float
    electrons: int = 0
    orbitals: int = 0
    active: tuple[int, ...] = ()
    mapper: str = "parity"
    unit: str = "angstrom"
    ten_digits: bool = False
    uccsd: bool = False
    remark: str = ""


def _bent(center: str, r: float, degrees: float) -> str:
    """A symmetric molecule HXH with its atom X in the origin."""
    x, z = r * math.sin(math.radians(degrees / 2)), r * math.cos(math.radians(degrees / 2))
    return f"{center} 0 0 0; H {x:.10f} 0 {z:.10f}; H {-x:.10f} 0 {z:.10f}"


WATER = "O 0 0 0; H 0.7581 0 0.6358; H -0.7581 0 0.6358"
"""The minimum of Hartree-Fock in STO-3G: 0.9894 Å, 100.03 degrees."""


def _line(symbols: Sequence[str], r: float) -> str:
    return "; ".join(f"{s} 0 0 {k * r:.10g}" for k, s in enumerate(symbols))


def recipes() -> tuple[Recipe, ...]:
    """Return every Hamiltonian that is frozen."""
    return (*_two_electrons(), *_more_electrons(), *_published())


def _two_electrons() -> list[Recipe]:
    """H2, and LiH with its core frozen."""
    made = [
        Recipe(f"h2-2q-{r:g}", "H2", 2, _line("HH", r), r, uccsd=r == 0.735) for r in (0.5, 0.735, 1.0, 1.5, 2.0, 2.5)
    ]
    made.append(Recipe("h2-4q-0.735", "H2", 4, _line("HH", 0.735), 0.735, mapper="jordan-wigner", uccsd=True))
    for r in (1.2, 1.6, 2.2, 2.8, 3.4, 4.0):
        same = (
            "Same spectrum, less a constant, as the matrix LiH 4q published with TensorRL-QAS (NeurIPS 2025), to the "
            "5e-8 of that file's single precision; that matrix leaves out nuclear repulsion and core."
        )
        made.append(
            Recipe(
                f"lih-4q-{r:g}",
                "LiH",
                4,
                _line(("Li", "H"), r),
                r,
                2,
                3,
                (1, 2, 5),
                uccsd=r in (2.2, 3.4),
                remark="Active orbitals are the sigma space; the three lowest would have 1 mHa of correlation. "
                + (same if r == 3.4 else ""),
            )
        )
    return made


def _more_electrons() -> list[Recipe]:
    """Chains and bonds that are pulled apart."""
    made = [Recipe(f"h4-6q-{r:g}", "H4", 6, _line("HHHH", r), r, uccsd=r == 1.5) for r in (0.8, 1.0, 1.25, 1.5, 2.0)]
    for r in (1.0, 1.2, 1.326, 1.8, 2.3):
        atoms = _line(("H", "Be", "H"), r)
        made.append(Recipe(f"beh2-6q-{r:g}", "BeH2", 6, atoms, r, 4, 4, uccsd=r == 1.326))
    for r in (0.8, 0.9894, 1.2, 1.6, 2.0):
        made.append(
            Recipe(
                f"h2o-6q-{r:g}", "H2O", 6, WATER if r == 0.9894 else _bent("O", r, 100.03), r, 4, 4, uccsd=r == 0.9894
            )
        )
    made += [
        Recipe(
            f"ch2-6q-{r:g}",
            "CH2",
            6,
            _bent("C", r, 102.4),
            r,
            4,
            4,
            remark="Singlet Hartree-Fock; the ground state is a triplet.",
        )
        for r in (0.9, 1.0, 1.11, 1.25, 1.4)
    ]
    made += [Recipe(f"n2-8q-{r:g}", "N2", 8, _line("NN", r), r, 6, 5) for r in (1.0, 1.098, 1.4, 1.8, 2.2)]
    return made


def _published() -> list[Recipe]:
    """The matrices of published tables."""
    made: list[Recipe] = []
    bohr = (
        "Same spectrum, and the same terms up to signs of orbitals, as the matrix {name} published with TensorRL-QAS "
        "(NeurIPS 2025), to 4e-9. There the numbers are given in angstrom; the matrix is that of bohr."
    )
    interleaved = "jordan-wigner interleaved"
    made.append(
        Recipe(
            "beh2-6q-published",
            "BeH2",
            6,
            "H 0 0 -1.33; Be 0 0 0; H 0 0 1.33",
            1.33,
            4,
            3,
            (),
            interleaved,
            "bohr",
            ten_digits=True,
            uccsd=True,
            remark=bohr.format(name="BeH2 6q"),
        )
    )
    water = "H -0.021 -0.002 0; O 0.835 0.452 0; H 1.477 -0.273 0"
    made.append(
        Recipe(
            "h2o-8q-published",
            "H2O",
            8,
            water,
            0.969,
            4,
            4,
            (),
            interleaved,
            "bohr",
            ten_digits=True,
            remark=bohr.format(name="H2O 8q"),
        )
    )
    return made


def made(recipe: Recipe) -> dict[str, Any]:
    """Return the entry of a recipe, as it is written."""
    from qiskit_nature.second_q.circuit.library import HartreeFock
    from qiskit_nature.second_q.drivers import PySCFDriver
    from qiskit_nature.second_q.transformers import ActiveSpaceTransformer
    from qiskit_nature.units import DistanceUnit

    unit = DistanceUnit.BOHR if recipe.unit == "bohr" else DistanceUnit.ANGSTROM
    basis: Any = TEN_DIGITS if recipe.ten_digits else "sto3g"
    problem = PySCFDriver(atom=recipe.atoms, unit=unit, basis=basis, conv_tol=1e-13, max_cycle=200).run()
    reference = float(problem.reference_energy)
    electrons, orbitals = sum(problem.num_particles), problem.num_spatial_orbitals
    if recipe.electrons:
        active = list(recipe.active) or None
        problem = ActiveSpaceTransformer(recipe.electrons, recipe.orbitals, active_orbitals=active).transform(problem)
    mapper = _mapper(recipe.mapper, problem.num_particles)
    operator = mapper.map(problem.hamiltonian.second_q_op())
    shift = float(sum(problem.hamiltonian.constants.values()))
    terms = {label: float(c.real) for label, c in operator.to_list()}
    identity = "I" * operator.num_qubits
    terms[identity] = terms.get(identity, 0.0) + shift
    kept = [(label, c) for label, c in terms.items() if abs(c) >= NEGLIGIBLE]
    matrix = operator.to_matrix() + shift * np.eye(2**operator.num_qubits)
    energies, states = np.linalg.eigh(matrix)
    circuit = HartreeFock(problem.num_spatial_orbitals, problem.num_particles, mapper)
    flipped = {circuit.find_bit(i.qubits[0]).index for i in circuit.data}
    bits = "".join("1" if q in flipped else "0" for q in reversed(range(operator.num_qubits)))
    if operator.num_qubits != recipe.qubits:
        raise SystemExit(f"Expected {recipe.qubits} qubits of {recipe.name}, got {operator.num_qubits}.")
    unit_sign = "a0" if recipe.unit == "bohr" else "Å"
    return {
        "name": recipe.name,
        "title": f"{recipe.formula}, {recipe.length:g} {unit_sign}, {recipe.qubits} qubits",
        "formula": recipe.formula,
        "atoms": recipe.atoms,
        "unit": recipe.unit,
        "bond_length": recipe.length,
        "basis": "STO-3G" + (", exponents with ten digits" if recipe.ten_digits else ""),
        "active_space": _space(recipe, electrons, orbitals),
        "mapper": recipe.mapper + (", two qubits saved" if recipe.mapper == "parity" else ""),
        "qubits": recipe.qubits,
        "order": ORDER,
        "hartree_fock_bits": bits,
        "hartree_fock_energy": reference,
        "ground_energy": float(energies[0]),
        "gap": float(energies[1] - energies[0]),
        **_ground(problem, mapper, states[:, energies < energies[0] + 1e-9]),
        "constant": shift,
        "uccsd_cx": _uccsd(problem, mapper, circuit) if recipe.uccsd else None,
        "remark": recipe.remark.strip(),
        "made_with": {tool: importlib.metadata.version(tool) for tool in TOOLS},
        "terms": kept,
    }


def _mapper(kind: str, particles: tuple[int, int]) -> Any:
    from qiskit_nature.second_q.mappers import InterleavedQubitMapper, JordanWignerMapper, ParityMapper

    if kind == "parity":
        return ParityMapper(num_particles=particles)
    return InterleavedQubitMapper(JordanWignerMapper()) if "interleaved" in kind else JordanWignerMapper()


def _space(recipe: Recipe, electrons: int, orbitals: int) -> str:
    if not recipe.electrons:
        return f"all {electrons} electrons in {orbitals} orbitals"
    which = f" {list(recipe.active)}" if recipe.active else ", nearest the Fermi level by energy"
    return (
        f"{recipe.electrons} of {electrons} electrons in {recipe.orbitals} of {orbitals} orbitals{which}; "
        f"{(electrons - recipe.electrons) // 2} orbitals frozen doubly occupied"
    )


def _ground(problem: Any, mapper: Any, states: np.ndarray) -> dict[str, Any]:
    """Electrons and S^2 of the ground state, averaged over its degenerate states (2^n, k)."""
    from qiskit_nature.second_q.properties import AngularMomentum, ParticleNumber

    found = {}
    for name, operator in (
        ("ground_electrons", ParticleNumber(problem.num_spatial_orbitals)),
        ("ground_spin_squared", AngularMomentum(problem.num_spatial_orbitals)),
    ):
        matrix = mapper.map(next(iter(operator.second_q_ops().values()))).to_matrix()
        value = np.trace(states.conj().T @ matrix @ states).real / states.shape[1]
        found[name] = round(float(value), 8) + 0.0
    wanted = sum(problem.num_particles)
    return {**found, "electrons": wanted, "right_electrons": abs(found["ground_electrons"] - wanted) < 1e-6}


def _uccsd(problem: Any, mapper: Any, start: Any) -> int:
    """CX of UCCSD after transpiling at level 3 to CX and one-qubit gates, all qubits coupled."""
    from qiskit import transpile
    from qiskit_nature.second_q.circuit.library import UCCSD

    ansatz = UCCSD(problem.num_spatial_orbitals, problem.num_particles, mapper, initial_state=start)
    done = transpile(ansatz, basis_gates=["rz", "sx", "x", "cx"], optimization_level=3, seed_transpiler=0)
    return int(done.count_ops().get("cx", 0))


def spectrum(entry: Mapping[str, Any]) -> np.ndarray:
    """Return all eigenvalues of an entry, f8 (2^n,)."""
    from qiskit.quantum_info import SparsePauliOp

    return np.linalg.eigvalsh(SparsePauliOp.from_list([(str(p), float(c)) for p, c in entry["terms"]]).to_matrix())


def text_of(entry: Mapping[str, Any]) -> str:
    """Return JSON with one term a line."""
    head = json.dumps({k: v for k, v in entry.items() if k != "terms"}, indent=1, ensure_ascii=False)
    terms = ",\n".join(f"  {json.dumps(list(term))}" for term in entry["terms"])
    return f'{head[:-2]},\n "terms": [\n{terms}\n ]\n}}\n'


def differences(entry: Mapping[str, Any], frozen: Mapping[str, Any]) -> list[str]:
    """Return what differs between an entry made now and the frozen one, as sentences."""
    told = [
        f"{key} is {entry[key]!r}, frozen {frozen[key]!r}"
        for key in sorted(
            entry.keys() - {"terms", "made_with", "hartree_fock_energy", "ground_energy", "gap", "constant"}
        )
        if entry[key] != frozen.get(key)
        and not (isinstance(entry[key], float) and abs(entry[key] - frozen.get(key, math.inf)) < 1e-6)
    ]
    for key in ("hartree_fock_energy", "ground_energy"):
        if not abs(entry[key] - frozen[key]) < SAME:
            told.append(f"{key} differs by {entry[key] - frozen[key]:.1e} Ha")
    off = float(np.abs(spectrum(entry) - spectrum(frozen)).max())
    return told if off < SAME else [*told, f"the spectrum differs by {off:.1e} Ha"]


def main() -> None:
    """Write or compare."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("names", nargs="*", help="of the files; all of them where none is given")
    reader.add_argument("--check", action="store_true", help="make again and compare")
    asked = reader.parse_args()
    wanted = [recipe for recipe in recipes() if not asked.names or recipe.name in asked.names]
    wrong = 0
    TARGET.mkdir(exist_ok=True)
    for recipe in wanted:
        entry, path = made(recipe), TARGET / f"{recipe.name}.json"
        correlation = 1e3 * (entry["hartree_fock_energy"] - entry["ground_energy"])
        line = f"{recipe.name:20} {len(entry['terms']):4} terms  E0 {entry['ground_energy']:.9f}"
        line += f"  HF +{correlation:.2f} mHa"
        if asked.check:
            told = differences(entry, json.loads(path.read_text(encoding="utf-8")))
            wrong += bool(told)
            line += "  " + ("; ".join(told) or "the same")
        else:
            path.write_text(text_of(entry), encoding="utf-8")
            line += f"  electrons {entry['ground_electrons']:g}  S2 {entry['ground_spin_squared']:g}"
            line += f"  UCCSD {entry['uccsd_cx']} CX" if entry["uccsd_cx"] else ""
        print(line, flush=True)
    if wrong:
        sys.exit(f"{wrong} of {len(wanted)} differ.")


if __name__ == "__main__":
    main()
