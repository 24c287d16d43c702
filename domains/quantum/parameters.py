"""The form fields that problems of free angles share, and how their structures are searched; standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from domains.entry import Parameter

WORDS = 3
"""Words of a gate, at most: name, qubit, and a second qubit or an angle."""


def structure_tokens(params: Mapping[str, Any]) -> int:
    """Return the words of the longest circuit."""
    most = int(params["max_cx"])
    if params.get("written", "entanglers") == "entanglers":
        return most
    return WORDS * (MOST_QUBITS + 3 * most)


MOST_QUBITS = 12
MOLECULES = tuple(sorted(path.stem for path in (Path(__file__).parent / "frozen").glob("*.json")))
COUPLINGS = ("all", "line", "ring", "grid", "t (5 qubits)", "h (7 qubits)", "heavy-hex (16 qubits)", "own")
CIRCUITS = (
    Parameter(
        "coupling",
        "text",
        "all",
        "Which qubits a two-qubit gate may act on. t, h and heavy-hex are IBM's devices of 5, 7 and 16 qubits.",
        choices=COUPLINGS,
    ),
    Parameter("max_cx", "int", 10, "Most two-qubit gates (CX) a circuit may use.", 1, 40, label="CX at most"),
    Parameter(
        "pairs",
        "text",
        "",
        "Pairs of an own coupling: 0-1, 1-2, or [[0, 1], [1, 2]]; of a larger device its first qubits are used.",
        0,
        4000,
        label="Own coupling",
        group="Circuits and optimiser",
    ),
    Parameter(
        "written",
        "text",
        "entanglers",
        "entanglers: the two-qubit gates alone, with rotations put around each. gates: every gate is chosen.",
        choices=("entanglers", "gates"),
        label="Circuits are written as",
        group="Circuits and optimiser",
    ),
    Parameter(
        "iterations",
        "int",
        150,
        "Gradient evaluations of the angle optimiser from each start.",
        0,
        2000,
        group="Circuits and optimiser",
    ),
    Parameter(
        "starts",
        "int",
        4,
        "Starts of the angle optimiser for each circuit; the best one counts.",
        1,
        100,
        group="Circuits and optimiser",
    ),
)
"""How circuits are written and their angles set; of every problem with free angles."""
NOISE = Parameter(
    "noise",
    "float",
    0.0,
    "Depolarising probability of a two-qubit gate, of others a tenth: circuits are judged as a noisy device would run "
    "them; up to 6 qubits. 0: none.",
    0.0,
    1.0,
    label="Noise",
    group="Circuits and optimiser",
)
BROUGHT = (
    Parameter(
        "circuits",
        "text",
        "",
        "A circuit to start from, pasted: OpenQASM 2 or 3 of any tool, or words such as 'cx 0 1'. It is scored first.",
        0,
        64_000,
        area=True,
        wide=True,
        example="cx 0 1\ncx 1 2",
        label="Circuit to start from",
        group="Circuits to start from",
    ),
    Parameter(
        "circuits_file",
        "file",
        "",
        "The same as a file, or a ZIP of several, such as an export of another run.",
        label="File of circuits",
        group="Circuits to start from",
        wide=True,
        endings=("qasm", "txt", "inc", "zip"),
    ),
)
"""Circuits that somebody brings; of every problem of circuits."""


def reward_fields(target: float, unit: str) -> tuple[Parameter, ...]:
    """Return the fields of the reward, with the error that suffices where nothing else is said."""
    return (
        Parameter(
            "reward",
            "text",
            "precision",
            "precision: decades of the error relative to the best product state, / 6. target: reach an error, then "
            "save CX. gap: share of the gap to the best value that is closed, less 0.05 for the full CX budget.",
            choices=("precision", "target", "gap"),
        ),
        Parameter(
            "target",
            "float",
            target,
            f"Error that suffices{unit}; for the reward target, and as a line in charts.",
            0.0,
            1e6,
            label="Error that suffices",
        ),
        Parameter(
            "price",
            "float",
            0.0,
            "Of the reward precision: what a full budget of CX takes off; 0.17 is one decade of error.",
            0.0,
            10.0,
            label="Price of CX",
            group="Circuits and optimiser",
        ),
    )


START = Parameter(
    "start",
    "text",
    "",
    "Basis state that circuits begin in, as letters 0 and 1 with qubit 0 last; empty: all 0. Exports begin with X.",
    0,
    20,
    label="Start state",
)
STRUCTURES: Mapping[str, Mapping[str, Any]] = {
    "search": {
        "branches": 16,
        "fit": "exact",
        "pool": 8,
        "shared_pool": False,
        "climb": 1,
        "elites": 16,
        "length_price": 5.0,
        "edit_share": 1.0,
        "reference_share": 0.2,
    },
    "budget": {"rounds": 10, "batch": 100},
}
"""How structures are searched; chosen on tuning problems and seeds, see docs/decisions/quantum.md."""
