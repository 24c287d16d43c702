"""How fast circuits are simulated and their angles set, on one core, beside Qiskit and Aer in the same run.

    python -m benchmarks.circuits --json
    python -m benchmarks.circuits --quick

Times are seconds of this process's processor, so that a busy machine changes little; Qiskit and Aer run one thread, as
ours does. Energies: random circuits of 30 gates of the language, from the list of gates to <H>; Qiskit begins with a
circuit that is built already. Optimised: a layer of ry, then 4 to 12 cx, each followed by ry on both qubits; angles
drawn, then L-BFGS until the largest entry of the gradient is below 1e-9, or progress below 1e-13, or 120 gradients are
spent. The molecule-like Hamiltonian has 150 real Pauli strings with normal coefficients. The first call compiles: its
time is that of a fresh process with an empty folder of compiled code, and then of another with a filled one.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from qiskit.quantum_info import SparsePauliOp, Statevector

from benchmarks.report import Goal, finish
from domains.quantum.angles import begin_of, minimised, optimise_angles
from domains.quantum.circuit import FREE, G1, GATES, LEVELS, R1, Op
from domains.quantum.hamiltonian import PauliSum
from domains.quantum.models import spin_chain
from domains.quantum.observable import Observable
from domains.quantum.simulator import energies_of, programs_of, states_of
from domains.quantum.verify import to_qiskit

SEED, GATES_EACH, ITERATIONS, TERMS = 7, 30, 120, 150
SMALL_GRADIENT = 1e-6
FIRST_CALL = """
import json, time
begin = time.process_time(), time.perf_counter()
from domains.quantum.angles import optimise_angles
from domains.quantum.circuit import FREE, Op
from domains.quantum.hamiltonian import PauliSum
from domains.quantum.observable import Observable
optimise_angles([[Op("ry", (0,), FREE)]], Observable.of_energy(PauliSum((("ZZZZ", 1.0),))), iterations=3)
print(json.dumps([time.process_time() - begin[0], time.perf_counter() - begin[1]]))
"""


def seconds(function: Callable[[], Any], repeats: int) -> float:
    """Return the least processor time of several calls, in seconds."""
    found = []
    for _ in range(repeats):
        begin = time.process_time()
        function()
        found.append(time.process_time() - begin)
    return min(found)


def molecule_like(qubits: int, rng: np.random.Generator) -> PauliSum:
    """Return a sum of real Pauli strings: an even number of Y in each."""
    labels: set[str] = set()
    while len(labels) < TERMS:
        label = "".join(rng.choice(list("IXYZ"), qubits))
        if label.count("Y") % 2 == 0:
            labels.add(label)
    return PauliSum(tuple((label, float(rng.normal())) for label in sorted(labels)))


def any_circuit(qubits: int, rng: np.random.Generator) -> list[Op]:
    """Return random gates of the language, angles on levels."""
    ops = []
    for word in rng.choice(GATES, GATES_EACH):
        one = word in G1 or word in R1
        where = tuple(rng.choice(qubits, 1 if one else 2, replace=False).tolist())
        ops.append(Op(str(word), where, int(rng.integers(LEVELS)) if word in R1 else -1))
    return ops


def structure(qubits: int, rng: np.random.Generator) -> list[Op]:
    """Return a layer of ry, then 4 to 12 cx, each followed by ry on both qubits."""
    ops = [Op("ry", (q,), FREE) for q in range(qubits)]
    for _ in range(int(rng.integers(4, 13))):
        a, b = rng.choice(qubits, 2, replace=False).tolist()
        ops += [Op("cx", (a, b)), Op("ry", (a,), FREE), Op("ry", (b,), FREE)]
    return ops


def energies(hamiltonian: PauliSum, number: int, repeats: int, rng: np.random.Generator) -> dict[str, float]:
    """Energies a second of ours, Qiskit and (where it is installed) Aer, and how far they are apart."""
    n, observable = hamiltonian.qubits, Observable.of_energy(hamiltonian)
    circuits = [any_circuit(n, rng) for _ in range(number)]
    few = [to_qiskit(ops, n) for ops in circuits[: max(number // 10, 10)]]
    operator = SparsePauliOp.from_list(list(hamiltonian.terms))
    theirs = [float(Statevector(c).expectation_value(operator).real) for c in few]
    ours = energies_of(circuits, observable)
    state = np.abs(states_of(circuits[: len(few)], observable) - [Statevector(c).data for c in few]).max()
    qiskit = seconds(lambda: [Statevector(c).expectation_value(operator) for c in few], repeats) / len(few)
    each = seconds(lambda: energies_of(circuits, observable), repeats) / number
    found = {
        "ours_per_second": 1 / each,
        "qiskit_per_second": 1 / qiskit,
        "times_qiskit": qiskit / each,
        "largest_difference_energy": float(np.abs(ours[: len(few)] - theirs).max()),
        "largest_difference_state": float(state),
        "share_reading_gates": seconds(lambda: programs_of(circuits, observable), repeats) / number / each,
    }
    if importlib.util.find_spec("qiskit_aer"):
        aer = _aer(few, operator, repeats)
        found |= {"aer_per_second": 1 / aer, "times_aer": aer / each}
    return found


def _aer(circuits: Sequence[Any], operator: SparsePauliOp, repeats: int) -> float:
    from qiskit_aer import AerSimulator  # type: ignore[import-not-found]  # no part of the project

    made = [c.copy() for c in circuits]
    for circuit in made:
        circuit.save_expectation_value(operator, range(circuit.num_qubits))
    simulator = AerSimulator(method="statevector", max_parallel_threads=1)
    return seconds(lambda: simulator.run(made).result(), repeats) / len(made)


def optimised(hamiltonian: PauliSum, number: int, repeats: int, rng: np.random.Generator) -> dict[str, float]:
    """Circuits optimised a second, what they came to, and what it would be without real arithmetic."""
    n, observable = hamiltonian.qubits, Observable.of_energy(hamiltonian)
    circuits = [structure(n, rng) for _ in range(number)]
    found = optimise_angles(circuits, observable, iterations=ITERATIONS)
    each = seconds(lambda: optimise_angles(circuits, observable, iterations=ITERATIONS), repeats) / number
    programs, used = programs_of(circuits, observable), found.evaluations.mean()
    begin = begin_of(circuits, programs, 1, 0)
    inner = seconds(lambda: minimised(programs, observable, begin.copy(), ITERATIONS), repeats) / number
    whole = programs._replace(real=np.zeros(number, bool))
    other = seconds(lambda: minimised(whole, observable, begin.copy(), ITERATIONS), repeats) / number
    outside = seconds(lambda: begin_of(circuits, programs_of(circuits, observable), 1, 0), repeats) / number
    return {
        "per_second": 1 / each,
        "gradients_each": float(used),
        "microseconds_per_gradient": 1e6 * inner / used,
        "share_gradient_below_1e-6": float((found.steepest < SMALL_GRADIENT).mean()),
        "share_iterations_spent": float((found.evaluations >= ITERATIONS).mean()),
        "share_outside_compiled_code": outside / each,
        "complex_over_real_time": other / inner,
    }


def first_call() -> dict[str, float]:
    """Seconds from the first import to the first optimised circuit: nothing compiled yet, and all of it."""
    found: dict[str, float] = {}
    with TemporaryDirectory() as folder:
        for name in ("cold", "cached"):
            environment = os.environ | {"NUMBA_CACHE_DIR": folder}
            command = [sys.executable, "-c", FIRST_CALL]
            said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
            found[f"{name}_processor"], found[f"{name}_clock"] = json.loads(said)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="fewer circuits")
    arguments = parser.parse_args()
    number, repeats = (100, 2) if arguments.quick else (500, 5)
    rng = np.random.default_rng(SEED)
    chains = {f"tfim-{n}": spin_chain("ising", n, coupling=1, second=1, periodic=False) for n in (6, 8, 10)}
    sums = chains | {"molecule-like-6": molecule_like(6, rng), "molecule-like-8": molecule_like(8, rng)}
    fast = {name: energies(h, number, repeats, rng) for name, h in sums.items()}
    best = {name: optimised(h, max(number // 5, 40), repeats, rng) for name, h in sums.items()}
    first = first_call()
    apart = max(max(f["largest_difference_energy"], f["largest_difference_state"]) for f in fast.values())
    goals = [
        Goal("energies a second, 6 qubits, chain", fast["tfim-6"]["ours_per_second"], 10_000, ">="),
        Goal("energies a second, 6 qubits, 150 terms", fast["molecule-like-6"]["ours_per_second"], 10_000, ">="),
        Goal("energies a second, 10 qubits, chain", fast["tfim-10"]["ours_per_second"], 1_000, ">="),
        Goal("circuits optimised a second, 6 qubits, chain", best["tfim-6"]["per_second"], 300, ">="),
        Goal("circuits optimised a second, 6 qubits, 150 terms", best["molecule-like-6"]["per_second"], 300, ">="),
        Goal("largest difference from Qiskit", apart, 1e-12, "<="),
        Goal("processor seconds to compile, cold", first["cold_processor"], 15, "<="),
    ]
    settings = {"seed": SEED, "gates": GATES_EACH, "iterations": ITERATIONS, "terms": TERMS, "circuits": number}
    finish(goals, {"energies": fast, "optimised": best, "first_call": first}, settings, as_json=arguments.json)


if __name__ == "__main__":
    main()
