"""What a loader of the catalog names: one class for each problem, its parameters those of its form."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from domains.quantum.choices import PARAMS, Choices, reading
from domains.quantum.hamiltonian import C16
from domains.quantum.models import largest_cut, named_state, spin_chain
from domains.quantum.observable import Observable
from domains.quantum.problems import LowestEnergy, near_product, start_of, target_of
from domains.quantum.rewards import CHEMICAL_ACCURACY
from domains.quantum.structures import StructureProblem
from poets_core.errors import InvalidSpec

INFIDELITY = 1e-3
"""Infidelity that suffices, where nothing else is said."""


def given_text(pasted: str, file: str, name: str) -> str:
    """Return what was pasted, or what an uploaded file holds.

    Args:
        pasted: text of the form.
        file: path of the upload, ``""`` for none.
        name: of the parameter that is pasted into, for errors.

    Raises:
        InvalidSpec: both were given, neither was, or the file is no text.
    """
    if bool(pasted.strip()) == bool(file):
        got = "both" if file else "neither"
        raise InvalidSpec(f"Expected either a pasted text or a file, got {got}.", field=f"{PARAMS}.{name}")
    if not file:
        return pasted
    try:
        data = Path(file).read_bytes()
        # Editors and spreadsheets of Windows write UTF-16 and mark it.
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidSpec("Expected a text in UTF-8, got other bytes.", field=f"{PARAMS}.file") from error


def checksum(target: C16) -> str:
    """Return the SHA-256 of amplitudes or of a matrix, which tells one from another in the facts of a run."""
    return hashlib.sha256(np.ascontiguousarray(target, np.complex128).tobytes()).hexdigest()


ORDERS = {"last letter is qubit 0": "qiskit", "first letter is qubit 0": "first"}


class OwnHamiltonian(LowestEnergy):
    """The ground state of somebody's own Hamiltonian."""

    def __init__(
        self,
        hamiltonian: str = "",
        file: str = "",
        order: str = "last letter is qubit 0",
        start: str = "",
        unit: str = "Ha",
        **choices: Any,
    ) -> None:
        """Build the problem.

        Args:
            hamiltonian: pasted text; file: path of an upload, instead.
            order: which letter of a label is qubit 0.
            start: basis state that circuits begin in, see `problems.start_of`.
            unit: of its energies.
            choices: see `problems.Choices`.

        Raises:
            InvalidSpec: it cannot be read, or there is nothing to search for; with the field.
        """
        from domains.quantum.hamiltonian_file import read_hamiltonian

        text = given_text(hamiltonian, file, "hamiltonian")
        with reading("file" if file else "hamiltonian"):
            found = read_hamiltonian(text, order=ORDERS[order])
        super().__init__(
            "quantum/hamiltonian",
            "Own Hamiltonian",
            found.hamiltonian,
            Choices(**choices),
            start=start_of(start, found.hamiltonian.qubits),
            unit=unit,
            facts={"notes": list(found.notes), "read": [list(f) for f in found.facts()]},
        )
        read = [*(f"{name}: {value}" for name, value in found.facts()), *found.notes]
        self.say(*read)


class MoleculeEnergy(LowestEnergy):
    """The ground state of a molecule, from frozen integrals."""

    def __init__(self, molecule: str = "lih-4q-2.2", start: str = "Hartree-Fock", **choices: Any) -> None:
        """Build the problem.

        Args:
            molecule: which one, see `domains.quantum.molecules`.
            start: ``"Hartree-Fock"`` or ``"all 0"``.
            choices: see `problems.Choices`.
        """
        from domains.quantum.molecules import molecule as known
        from domains.quantum.published import levels_of

        found = known(molecule)
        super().__init__(
            "quantum/molecule",
            "Molecule",
            found.hamiltonian,
            Choices(**{"target": CHEMICAL_ACCURACY, **choices}),
            start=found.start if start == "Hartree-Fock" else (),
            unit="Ha",
            levels=levels_of(found.name),
            facts=found.facts,
        )


class SpinChain(LowestEnergy):
    """The ground state of a spin chain."""

    def __init__(
        self,
        model: str = "heisenberg",
        qubits: int = 6,
        strength: float = 1.0,
        second: float = 1.0,
        periodic: bool = False,
        **choices: Any,
    ) -> None:
        """Build the problem.

        Args:
            model, qubits, strength, second, periodic: see `models.spin_chain`.
            choices: see `problems.Choices`.
        """
        hamiltonian = spin_chain(model, qubits, coupling=strength, second=second, periodic=periodic)
        super().__init__("quantum/spin-chain", "Spin chain", hamiltonian, Choices(**choices), unit="units of J")


class LargestCut(LowestEnergy):
    """The largest cut of somebody's own graph: its energy is minus the weight of the cut."""

    def __init__(self, graph: str = "", file: str = "", **choices: Any) -> None:
        """Build the problem.

        Args:
            graph: pasted text; file: path of an upload, instead.
            choices: see `problems.Choices`.
        """
        from domains.quantum.inputs.graph import read_graph

        with reading("file" if file else "graph"):
            found = read_graph(given_text(graph, file, "graph"))
        super().__init__(
            "quantum/maxcut",
            "Largest cut",
            largest_cut(found.edges, len(found.names)),
            Choices(**choices),
            unit="weight",
            facts={"nodes": list(found.names), "notes": list(found.notes)},
        )
        read = f"Read as {found.form}: {len(found.names)} nodes, {len(found.edges)} edges."
        self.say(read, *found.notes)


class PreparedState(StructureProblem):
    """A circuit that prepares a state; its error is the infidelity."""

    def __init__(
        self, state: str = "w", qubits: int = 4, ones: int = 2, amplitudes: str = "", file: str = "", **choices: Any
    ) -> None:
        """Build the problem.

        Args:
            state: ``"w"``, ``"dicke"``, ``"ghz"`` or ``"own"``.
            qubits: number of qubits; of an own state its amplitudes say it.
            ones: of a Dicke state.
            amplitudes: pasted text of an own state; file: path of an upload, instead.
            choices: see `problems.Choices`.
        """
        notes: tuple[str, ...] = ()
        read: list[str] = []
        if state == "own":
            from domains.quantum.inputs.amplitudes import read_amplitudes

            with reading("file" if file else "amplitudes"):
                found = read_amplitudes(given_text(amplitudes, file, "amplitudes"))
            target, notes = found.state, found.notes
            read = [f"Read as {found.form}: {found.qubits} qubits.", *filter(None, [found.assumed]), *notes]
        else:
            target = named_state(state, qubits, ones)
        n = len(target).bit_length() - 1
        facts = {**near_product(target), "notes": list(notes), "target_sha256": checksum(target)}
        # Amplitudes of one common phase are as good as real ones.
        real = bool(abs(abs(np.dot(target, target)) - 1) < 1e-9)
        super().__init__(
            target_of(
                "quantum/state", "State preparation", Observable.of_state(target), -1.0, -(2.0**-n), "", (), facts
            ),
            Choices(**{"target": INFIDELITY, **choices}),
            real=real,
        )
        if read:
            self.say(*read)


class Unitary(StructureProblem):
    """A circuit for a unitary; its error is 1 - |Tr(U'V)|^2 / 4^n."""

    def __init__(self, matrix: str = "", file: str = "", **choices: Any) -> None:
        """Build the problem.

        Args:
            matrix: pasted text; file: path of an upload, instead.
            choices: see `problems.Choices`.
        """
        from domains.quantum.inputs.unitary import read_unitary

        with reading("file" if file else "matrix"):
            found = read_unitary(given_text(matrix, file, "matrix"))
        observable = Observable.of_unitary(found.matrix)
        facts = {"notes": list(found.notes), "target_sha256": checksum(found.matrix)}
        super().__init__(
            target_of("quantum/unitary", "Unitary", observable, -1.0, -(4.0**-observable.qubits), "", (), facts),
            Choices(**{"target": INFIDELITY, **choices}),
            real=False,
        )
        read = f"Read as a matrix of {found.qubits} qubit{'s' * (found.qubits > 1)}."
        self.say(read, *found.notes)
