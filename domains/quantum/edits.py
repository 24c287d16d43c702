"""Single edits and crossovers of circuits, kept inside the language."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from domains.quantum.circuit import FREE, G1, G2, LEVELS, R1, Language, Op, canonical, parse, text_of
from domains.quantum.circuit_prior import draw_circuit, within
from domains.quantum.skeletons import edit_skeletons
from poets_core.types import Design

TRIES = 20
"""Drafts per edit before the parent is returned as it is (its grammar may leave no room)."""
CROSSOVER_SHARE = 0.2
PIECE = 12
"""Longest piece that a copy writes: two layers of rotations on six qubits."""
_Edit = Callable[[list[Op], Language, np.random.Generator], list[Op]]


def edit_circuits(elites: Sequence[Design], n: int, language: Language, *, rng: np.random.Generator) -> list[Design]:
    """Return n canonical circuits, each one edit or one crossover away from an elite.

    Args:
        elites: canonical circuits; without any, draws of the prior are returned.
        n: how many.
        language: couplings and budgets to keep.
        rng: all randomness.
    """
    if language.dressing:
        return edit_skeletons(elites, n, language, rng=rng)
    parents = [parse(design, language) for design in elites]
    return [text_of(_child(parents, language, rng)) for _ in range(n)]


def _child(parents: list[list[Op]], language: Language, rng: np.random.Generator) -> list[Op]:
    if not parents:
        return draw_circuit(language, rng)
    parent = parents[rng.integers(len(parents))]
    for _ in range(TRIES):
        if len(parents) > 1 and rng.random() < CROSSOVER_SHARE:
            other = parents[rng.integers(len(parents))]
            draft = parent[: rng.integers(len(parent) + 1)] + other[rng.integers(len(other) + 1) :]
        else:
            draft = EDITS[rng.integers(len(EDITS))](list(parent), language, rng)
        if within(draft, language) and (child := canonical(draft, language)) != parent:
            return child
    return parent


def random_op(language: Language, rng: np.random.Generator) -> Op:
    """Draw one gate: uniform over the three kinds, then within the kind."""
    kind = rng.integers(3 if language.pairs else 2)
    if kind == 2:
        return Op(str(rng.choice(G2)), _pair(language, rng))
    qubit = (int(rng.integers(language.qubits)),)
    if (kind == 0 and not language.free) or rng.random() < 0.1:
        return Op(str(rng.choice(G1)), qubit)
    return Op(str(rng.choice(R1)), qubit, _angle(language, rng))


def _pair(language: Language, rng: np.random.Generator) -> tuple[int, int]:
    pairs = sorted(language.pairs)
    return pairs[rng.integers(len(pairs))]


def _angle(language: Language, rng: np.random.Generator) -> int:
    return FREE if language.free else int(rng.integers(1, LEVELS))


def _inserted(ops: list[Op], piece: Sequence[Op], rng: np.random.Generator) -> list[Op]:
    """The circuit with a piece put at a random place."""
    at = int(rng.integers(len(ops) + 1))
    return [*ops[:at], *piece, *ops[at:]]


def _insert(ops: list[Op], language: Language, rng: np.random.Generator) -> list[Op]:
    at = int(rng.integers(len(ops) + 1))
    return [*ops[:at], random_op(language, rng), *ops[at:]]


def _insert_block(ops: list[Op], language: Language, rng: np.random.Generator) -> list[Op]:
    """Insert a two-qubit gate with a rotation after it on each qubit: alone, neither need change the energy."""
    if not language.pairs:
        return _insert(ops, language, rng)
    pair, axis = _pair(language, rng), str(rng.choice(R1))
    turns = [Op(axis, (q,), _angle(language, rng)) for q in pair]
    return _inserted(ops, [Op(str(rng.choice(G2)), pair), *turns], rng)


def _exchange_block(ops: list[Op], language: Language, rng: np.random.Generator) -> list[Op]:
    """Insert a block in the words this circuit uses; at its full budget, a two-qubit gate goes for it.

    The best circuits use the whole budget, where an insertion alone is never allowed.
    """
    two = [k for k, op in enumerate(ops) if op.gate in G2]
    turns = [op.gate for op in ops if op.gate in R1]
    if not two or not turns:
        return _insert_block(ops, language, rng)
    gate, axis = ops[two[rng.integers(len(two))]].gate, turns[rng.integers(len(turns))]
    if len(two) >= language.max_two or rng.random() < 0.5:
        ops = _without(ops, two[rng.integers(len(two))])
    pair = _pair(language, rng)
    kept = [q for q in pair if rng.random() < 0.9]
    return _inserted(ops, [Op(gate, pair), *(Op(axis, (q,), _angle(language, rng)) for q in kept)], rng)


def _copy(ops: list[Op], language: Language, rng: np.random.Generator) -> list[Op]:
    """Write a piece of the circuit once more, moved along the chain or mirrored: before, over or after other gates."""
    piece = _moved(_piece(ops, rng), language, rng)
    at = int(rng.integers(len(ops) + 1))
    over = at + len(piece) if rng.random() < 0.5 else at
    return _trimmed([*ops[:at], *piece, *ops[over:]], language, rng)


def _mirror(ops: list[Op], language: Language, rng: np.random.Generator) -> list[Op]:
    """Write one half of the qubits' gates on the other half too; gates across the middle stay as they are."""
    middle, low = language.qubits - 1, bool(rng.random() < 0.5)
    out: list[Op] = []
    for op in ops:
        side = 2 * sum(op.qubits) - middle * len(op.qubits)
        if side == 0:
            out.append(op)
        elif (side < 0) == low:
            out += [op, op._replace(qubits=tuple(middle - q for q in op.qubits))]
    return _trimmed(out, language, rng)


def _piece(ops: list[Op], rng: np.random.Generator) -> list[Op]:
    at = int(rng.integers(len(ops)))
    return ops[at : at + int(rng.integers(1, PIECE + 1))]


def _moved(piece: list[Op], language: Language, rng: np.random.Generator) -> list[Op]:
    """The gates on the same, the next, the previous or the mirrored qubits; what falls off the ends is left out."""
    n, kind = language.qubits, rng.integers(4)
    place = {q: (q, q + 1, q - 1, n - 1 - q)[kind] for q in range(n)}
    moved = [op._replace(qubits=tuple(place[q] for q in op.qubits)) for op in piece]
    return [op for op in moved if all(0 <= q < n for q in op.qubits)]


def _trimmed(ops: list[Op], language: Language, rng: np.random.Generator) -> list[Op]:
    """Take gates away at random until the budgets hold."""
    while (two := [k for k, op in enumerate(ops) if op.gate in G2]) and len(two) > language.max_two:
        ops = _without(ops, two[rng.integers(len(two))])
    while len(ops) > language.max_ops:
        ops = _without(ops, int(rng.integers(len(ops))))
    return ops


def _without(ops: list[Op], at: int) -> list[Op]:
    return ops[:at] + ops[at + 1 :]


def _delete(ops: list[Op], language: Language, rng: np.random.Generator) -> list[Op]:
    return _without(ops, int(rng.integers(len(ops))))


def _replace(ops: list[Op], language: Language, rng: np.random.Generator) -> list[Op]:
    at = int(rng.integers(len(ops)))
    return [*ops[:at], random_op(language, rng), *ops[at + 1 :]]


def _move(ops: list[Op], language: Language, rng: np.random.Generator) -> list[Op]:
    """Swap a gate with its neighbour in time on one of its qubits, past all gates between."""
    at = int(rng.integers(len(ops)))
    later = [k for k in range(at + 1, len(ops)) if set(ops[k].qubits) & set(ops[at].qubits)]
    if later:
        ops[at], ops[later[0]] = ops[later[0]], ops[at]
    return ops


def _retarget(ops: list[Op], language: Language, rng: np.random.Generator) -> list[Op]:
    """Put a gate on other qubits, or turn a two-qubit gate round."""
    at = int(rng.integers(len(ops)))
    op = ops[at]
    if len(op.qubits) == 1:
        ops[at] = op._replace(qubits=(int(rng.integers(language.qubits)),))
    else:
        near = sorted(p for p in language.pairs if set(p) & set(op.qubits))
        ops[at] = op._replace(qubits=near[rng.integers(len(near))])
    return ops


def _turn(ops: list[Op], language: Language, rng: np.random.Generator) -> list[Op]:
    """Change the angle of a level rotation: half of the time by one step; else exchange its word for another."""
    at = int(rng.integers(len(ops)))
    op = ops[at]
    if op.gate in R1 and not language.free and rng.random() < 0.7:
        step = int(rng.choice([-1, 1])) if rng.random() < 0.5 else int(rng.integers(1, LEVELS))
        ops[at] = op._replace(angle=(op.angle + step) % LEVELS)
    else:
        words = next(kind for kind in (G1, R1, G2) if op.gate in kind)
        ops[at] = op._replace(gate=str(rng.choice(words)))
    return ops


EDITS: tuple[_Edit, ...] = (
    _insert,
    _insert_block,
    _exchange_block,
    _copy,
    _mirror,
    _delete,
    _replace,
    _move,
    _retarget,
    _turn,
)
