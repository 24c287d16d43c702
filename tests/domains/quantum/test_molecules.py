"""Frozen molecules: their energies are those of their matrices, and of what is published."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from domains.quantum.hamiltonian import PauliSum
from domains.quantum.molecules import FOLDER, Molecule, molecule, molecule_names, molecules
from domains.quantum.published import ROWS, levels_of, published
from poets_core.errors import InvalidSpec

KNOWN = {
    # Made by other code or read from published matrices, Ha.
    "h2-2q-0.735": -1.137306036,
    "h2-4q-0.735": -1.137306036,
    "lih-4q-2.2": -7.844879093,
    "h4-6q-1.5": -1.996150326,
    "beh2-6q-1.326": -15.566235182,
    "h2o-6q-0.9894": -74.974641204,
    "beh2-6q-published": -14.861589183,
    "h2o-8q-published": -73.294106759,
}
PUBLISHED = {
    # Lowest levels of the matrices published with TensorRL-QAS.
    "beh2-6q-published": (-14.861589183, -14.696186883, -14.696186883, -14.592100284),
    "h2o-8q-published": (-73.294106759, -72.751751937, -72.751751937, -72.711640830),
}


def sum_of(entry: Molecule) -> PauliSum:
    return entry.hamiltonian


@pytest.mark.parametrize("name", molecule_names())
def test_energies_of_a_molecule_are_those_of_its_matrix(name: str) -> None:
    entry = molecule(name)
    matrix = sum_of(entry).matrix()
    levels = np.linalg.eigvalsh(matrix)
    assert levels[0] == pytest.approx(entry.ground_energy, abs=1e-10)
    assert levels[1] - levels[0] == pytest.approx(entry.gap, abs=1e-8)
    start = int(entry.hartree_fock_bits, 2)
    assert matrix[start, start].real == pytest.approx(entry.hartree_fock_energy, abs=1e-8)
    assert sum(1 << q for q in entry.start) == start
    assert len(entry.hartree_fock_bits) == entry.qubits == sum_of(entry).qubits
    assert entry.right_electrons
    assert entry.correlation > 1e-3


def test_energies_are_those_of_other_code_and_of_published_matrices() -> None:
    for name, energy in KNOWN.items():
        assert molecule(name).ground_energy == pytest.approx(energy, abs=1e-8)
    for name, levels in PUBLISHED.items():
        found = np.linalg.eigvalsh(sum_of(molecule(name)).matrix())[: len(levels)]
        np.testing.assert_allclose(found, levels, rtol=0, atol=1e-8)
    # That matrix leaves the constant out: gaps compare.
    lih = np.linalg.eigvalsh(sum_of(molecule("lih-4q-3.4")).matrix())
    np.testing.assert_allclose(lih[1:4] - lih[0], [0.008368414, 0.077218851, 0.099906923], atol=1e-7)


def test_molecules_say_how_they_were_made() -> None:
    assert len(molecules()) == len(list(FOLDER.glob("*.json"))) >= 30
    assert {m.formula for m in molecules()} == {"H2", "LiH", "BeH2", "H2O", "H4", "CH2", "N2"}
    for entry in molecules():
        assert entry.active_space
        assert entry.mapper.startswith(("parity", "jordan-wigner"))
        assert {"qiskit-nature", "pyscf"} <= dict(entry.made_with).keys()
    names = molecule_names()
    assert names.index("lih-4q-1.2") < names.index("lih-4q-2.2") < names.index("lih-4q-4")
    assert molecule("ch2-6q-1.11").spin_squared == pytest.approx(2)
    assert molecule("LiH 4q 2.2").name == "lih-4q-2.2"
    facts = molecule("lih-4q-2.2").facts
    assert json.loads(json.dumps(facts))["order"].startswith("the last letter")
    assert facts["made_with"]["pyscf"].startswith("2.")
    with pytest.raises(InvalidSpec, match="one of"):
        molecule("../frozen/h2-2q-0.735")


def test_files_are_as_the_script_names_them() -> None:
    recipes = pytest.importorskip("scripts.molecules").recipes()
    assert sorted(recipe.name for recipe in recipes) == sorted(molecule_names())
    for path in FOLDER.glob("*.json"):
        assert json.loads(path.read_text(encoding="utf-8"))["name"] == Path(path).stem


def test_published_rows_are_of_instances_that_exist_and_are_possible() -> None:
    others = {"tfim-6", "heisenberg-6", "w4", "w5", "dicke-4-2"}
    assert {row.instance for row in ROWS} - set(molecule_names()) == others
    for row in ROWS:
        if row.instance in molecule_names() and row.value is not None:
            # A row that beats Hartree-Fock: else the matrix would be another.
            assert 0 < row.value < molecule(row.instance).correlation
    beh2 = published("beh2-6q-published")
    assert [row.cx for row in beh2] == sorted(row.cx for row in beh2)
    assert (beh2[0].cx, beh2[0].value) == (3, 5.77e-5)
    uccsd = [row for row in published("h2-4q-0.735") if row.method == "UCCSD"]
    assert [(row.cx, row.value) for row in uccsd] == [(17, None)]
    assert published("nothing") == ()
    levels = levels_of("h2o-8q-published")
    assert (levels[0].error, levels[0].cx) == (1.17e-3, 3)
    assert any("warm start is not counted" in level.source for level in levels)
    assert levels_of("h2-4q-0.735") == ()
