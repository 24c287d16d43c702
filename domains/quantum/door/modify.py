"""Gates with modifiers (ctrl, negctrl, inv, pow) as standard gates: Qiskit builds them, and what it built is checked.

Qiskit is imported when the first modifier is met: most files have none, and the import takes a second.
"""

from __future__ import annotations

import cmath
import sys
from collections.abc import Callable, Sequence
from typing import Any

from domains.quantum.door.standard import STANDARD, Part
from poets_core.errors import InvalidDesign

Modifier = tuple[str, float]
"""Kind (ctrl, negctrl, inv, pow) and its number: of controls, or the power."""
MAX_WIDTH = 8
MAX_REPEATS = 64
MAX_PARTS = 4000
TOLERANCE = 1e-9


def _pairs(text: str) -> dict[str, str]:
    """Read ``"a:b c:d"``."""
    return dict(word.split(":") for word in text.split())


_INVERSE = {
    **{name: name for name in ["h", "x", "y", "z", "id", "cx", "CX", "cz", "cy", "ch", "swap", "ccx", "ccz", "cswap"]},
    **_pairs("s:sdg sdg:s t:tdg tdg:t sx:sxdg sxdg:sx cs:csdg csdg:cs"),
}
_TURNS = {"rx", "ry", "rz", "p", "phase", "u1", "cp", "cphase", "cu1", "crx", "cry", "crz", "rxx", "ryy", "rzz", "rzx"}
_CONTROLLED = _pairs(
    "x:cx y:cy z:cz h:ch cx:ccx CX:ccx cz:ccz swap:cswap s:cs sdg:csdg sx:csx p:cp phase:cp u1:cp rx:crx ry:cry rz:crz"
)
_CLASSES = _pairs(
    "h:H x:X y:Y z:Z s:S sdg:Sdg t:T tdg:Tdg sx:SX sxdg:SXdg rx:RX ry:RY rz:RZ p:Phase phase:Phase u1:Phase "
    "u2:U2 u3:U u:U U:U r:R id:I u0:I cx:CX CX:CX cnot:CX cz:CZ cy:CY ch:CH cp:CPhase cphase:CPhase cu1:CPhase "
    "cs:CS csdg:CSdg csx:CSX crx:CRX cry:CRY crz:CRZ cu3:CU3 cu:CU swap:Swap iswap:iSwap dcx:DCX ecr:ECR "
    "rzz:RZZ rxx:RXX ryy:RYY rzx:RZX ccx:CCX ccz:CCZ cswap:CSwap i:I si:Sdg ti:Tdg v:SX vi:SXdg phaseshift:Phase "
    "cphaseshift:CPhase ccnot:CCX toffoli:CCX fredkin:CSwap cv:CSX xx:RXX yy:RYY zz:RZZ "
    "c3x:C3X c4x:C4X c3sqrtx:C3SX rccx:RCCX rc3x:RC3X "
    "xx_plus_yy:XXPlusYY xx_minus_yy:XXMinusYY"
)
"""Names of Qiskit's classes, without their ending Gate."""


def modified(
    parts: Sequence[Part],
    phase: float,
    width: int,
    modifiers: Sequence[Modifier],
    line: int,
    load: Callable[[Callable[[], Any]], Any],
) -> tuple[list[Part], float]:
    """Return a modified gate as standard gates on its own qubits, controls first, and its global phase.

    Args:
        parts, phase: the gate without modifiers, and its global phase, which a control makes visible.
        width: its number of qubits.
        modifiers: as written, the innermost last.
        line: for messages.
        load: calls what imports Qiskit.

    Raises:
        InvalidDesign: too large, or not exact.
    """
    left = list(modifiers)
    made = list(parts)
    # One standard gate, step by step, as long as there is a name for the next; the rest is Qiskit's.
    while left and len(made) == 1 and not phase:
        simple = _simple(made[0], *left[-1])
        if simple is None:
            break
        made = simple
        width += left.pop()[0] == "ctrl"
    if not left and all(part.name in STANDARD for part in made):
        return made, phase
    if width + sum(int(n) for kind, n in left if "ctrl" in kind) > MAX_WIDTH:
        raise InvalidDesign(f"Expected gates with modifiers on at most {MAX_WIDTH} qubits, got more on line {line}.")
    if sum(abs(n) for kind, n in left if kind == "pow") > 1e6:
        raise InvalidDesign(f"Expected powers of at most a million, got more on line {line}.")
    library = sys.modules.get("qiskit.circuit.library") or load(_qiskit)
    return _by_qiskit(library, made, phase, width, left, line)


def _simple(part: Part, kind: str, number: float) -> list[Part] | None:
    """Return a modified standard gate where that has a name, as exact as the gate itself; else None."""
    if kind == "inv" and part.name in _INVERSE:
        return [part._replace(name=_INVERSE[part.name])]
    if kind == "inv" and part.name in _TURNS:
        return [part._replace(params=(-part.params[0],))]
    if kind == "pow" and part.name in _TURNS and number == int(number):
        return [part._replace(params=(part.params[0] * number,))]
    if kind == "pow" and number == int(number) and 0 < number <= MAX_REPEATS:
        return [part] * int(number)
    if kind == "ctrl" and number == 1 and part.name in _CONTROLLED:
        return [Part(_CONTROLLED[part.name], part.params, (0, *(w + 1 for w in part.wires)))]
    return None


def _qiskit() -> Any:
    import qiskit.circuit.library as library
    import qiskit.quantum_info  # noqa: F401  used through the package below

    return library


def qiskit_gate(library: Any, name: str, params: Sequence[float]) -> Any:
    """Return Qiskit's object of a standard gate.

    Args:
        library: ``qiskit.circuit.library``.
        name: a key of `standard.STANDARD`.
        params: radians.
    """
    kind = f"{_CLASSES[name]}Gate"
    return getattr(library, kind)(*(() if name == "u0" else params))


def _by_qiskit(
    library: Any, parts: Sequence[Part], phase: float, width: int, modifiers: Sequence[Modifier], line: int
) -> tuple[list[Part], float]:
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import Operator

    if len(parts) == 1 and not phase and parts[0].wires == tuple(range(width)):
        gate = qiskit_gate(library, parts[0].name, parts[0].params)
    else:
        body = QuantumCircuit(width, global_phase=phase, name="body")
        for part in parts:
            body.append(qiskit_gate(library, part.name, part.params), part.wires)
        gate = body.to_gate()
    for kind, number in reversed(modifiers):
        if kind == "inv":
            gate = gate.inverse()
        elif kind == "pow":
            gate = gate.power(int(number) if number == int(number) else number)
        else:
            controls = int(number)
            gate = gate.control(controls, ctrl_state=(1 << controls) - 1 if kind == "ctrl" else 0)
    made: list[Part] = []
    turned = _flatten(gate, tuple(range(gate.num_qubits)), made, line)
    # What was synthesised from a matrix is exact to rounding, or is not taken.
    check = QuantumCircuit(gate.num_qubits)
    for part in made:
        check.append(qiskit_gate(library, part.name, part.params), part.wires)
    whole = QuantumCircuit(gate.num_qubits)
    whole.append(gate, range(gate.num_qubits))
    ours, theirs = Operator(check).data * cmath.exp(1j * turned), Operator(whole).data
    if not abs(ours - theirs).max() < TOLERANCE:
        raise InvalidDesign(f"Expected a gate that is exact in standard gates on line {line}, got one that is not.")
    return made, turned


def _flatten(gate: Any, qubits: tuple[int, ...], made: list[Part], line: int) -> float:
    """Append a gate as standard gates, by Qiskit's definitions; return the global phase that is left."""
    closed = getattr(gate, "ctrl_state", None) in (None, (1 << getattr(gate, "num_ctrl_qubits", 0)) - 1)
    if gate.name in STANDARD and closed:
        made.append(Part(gate.name, tuple(map(float, gate.params)), qubits))
        if len(made) > MAX_PARTS:
            raise InvalidDesign(f"Expected gates of at most {MAX_PARTS} parts, got more on line {line}.")
        return 0.0
    definition = gate.definition
    if definition is None:
        raise InvalidDesign(f"Expected a gate that standard gates can make on line {line}, got one they cannot.")
    phase = float(definition.global_phase)
    for inner in definition.data:
        on = tuple(qubits[definition.find_bit(q).index] for q in inner.qubits)
        phase += _flatten(inner.operation, on, made, line)
    return phase
