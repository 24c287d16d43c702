"""Circuits written as their two-qubit gates alone, with rotations put around them.

What a short circuit costs is its two-qubit gates; where rotations stand hardly needs deciding, since an angle near 0 is
no rotation (`domains.quantum.prune` takes those away). So every qubit is turned first, and both qubits after every
two-qubit gate, about the axes of the language:

- ``ry`` alone where the Hamiltonian is real: its ground state is real, and ry and cx reach every real state.
- ``ry``, then ``rz`` elsewhere. Any turn of a qubit is rz ry rx or rz ry rz; the part that comes first, rz on a control
  and rx on a target, passes through the cx before it and joins the turn there.

A cx that is turned round is the same family of circuits: the Hadamards that turn it are rotations about y and Z, and Z
passes through to the start, where it is a sign. So each pair is written once, the lower qubit first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from domains.quantum.circuit import FREE, GATES, Language, Op, canonical, parse
from poets_core.errors import InvalidDesign

REAL, COMPLEX = ("ry",), ("ry", "rz")


def dressed_language(
    qubits: int, pairs: frozenset[tuple[int, int]], max_two: int, *, real: bool, start: tuple[int, ...] = ()
) -> Language:
    """Return the language of dressed circuits.

    Args:
        qubits: number of qubits.
        pairs: that are coupled, in one direction or both.
        max_two: most two-qubit gates.
        real: whether rotations about y are enough.
        start: qubits that begin in |1>.
    """
    axes = REAL if real else COMPLEX
    once = frozenset((min(p), max(p)) for p in pairs)
    most = len(axes) * (qubits + 2 * max_two) + max_two
    return Language(qubits, once, True, most, max_two, ("cx",), start, axes)


def skeleton(ops: Sequence[Op]) -> list[Op]:
    """Return the two-qubit gates of a circuit."""
    return [op for op in ops if len(op.qubits) == 2]


def dress(two: Sequence[Op], language: Language) -> list[Op]:
    """Return two-qubit gates with all their rotations."""
    ops = [Op(axis, (q,), FREE) for q in range(language.qubits) for axis in language.dressing]
    for op in two:
        ops.append(op)
        ops += [Op(axis, (q,), FREE) for q in op.qubits for axis in language.dressing]
    return ops


def dressed(two: Sequence[Op], language: Language) -> list[Op]:
    """Return the canonical circuit of two-qubit gates, see `dress`."""
    return canonical(dress(two, language), language)


def undressed(language: Language) -> Language:
    """Return the language in which rotations may be missing: gate by gate, with the same qubits, pairs and start."""
    return replace(language, pairs=language.both, gates=GATES, dressing=())


def read_circuit(text: str, language: Language) -> list[Op]:
    """Parse a circuit into its canonical gates; of a dressed one the two-qubit gates count alone.

    Raises:
        InvalidDesign: names the first gate that is wrong.
    """
    ops = parse(text, language)
    if not language.dressing:
        return canonical(ops, language)
    if not (two := skeleton(ops)):
        raise InvalidDesign("Expected at least one two-qubit gate, got rotations alone. Write e.g. 'cx 0 1'.")
    return dressed(two, language)
