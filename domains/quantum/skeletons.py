"""Skeletons: the two-qubit gates of dressed circuits, drawn at random and edited.

Nothing here knows a problem's Hamiltonian.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from domains.quantum.circuit import Language, Op, text_of
from domains.quantum.dressing import dressed, read_circuit, skeleton
from poets_core.types import Design

TRIES = 20
"""Drafts per edit before the parent is returned as it is (its language may leave no room)."""
CROSSOVER_SHARE = 0.2
Pair = tuple[int, int]
Pairs = list[Pair]
_Edit = Callable[[Pairs, Sequence[Pair], np.random.Generator], Pairs]


def draw_skeleton(language: Language, rng: np.random.Generator) -> list[Op]:
    """Draw the two-qubit gates of a circuit: half of the time layers along the coupling, else pairs at random.

    Their number is uniform up to the budget: few gates are what is wanted, and which number suffices is not known.
    """
    coupled = sorted(language.pairs)
    n = int(rng.integers(1, language.max_two + 1))
    if rng.random() < 0.5:
        pairs = [coupled[k] for k in rng.integers(len(coupled), size=n)]
    else:
        # A pass over some of the bonds in a random order, again and again: ladders, brick walls, stars.
        few = int(rng.integers(1, min(len(coupled), n) + 1))
        once = [coupled[k] for k in rng.permutation(len(coupled))[:few]]
        pairs = (once * n)[:n]
    return _gates(pairs, language)


def _gates(pairs: Sequence[Pair], language: Language) -> list[Op]:
    return [Op(language.gates[0], p) for p in pairs]


def edit_skeletons(elites: Sequence[Design], n: int, language: Language, *, rng: np.random.Generator) -> list[Design]:
    """Return n dressed circuits, each one edit or one crossover of its two-qubit gates away from an elite.

    Args:
        elites: canonical circuits; without any, draws of the prior are returned.
        n: how many.
        language: couplings and budgets to keep.
        rng: all randomness.
    """
    parents = [(d, [(op.qubits[0], op.qubits[1]) for op in skeleton(read_circuit(d, language))]) for d in elites]
    return [_child(parents, language, rng) for _ in range(n)]


def _child(parents: Sequence[tuple[Design, Pairs]], language: Language, rng: np.random.Generator) -> Design:
    if not parents:
        return text_of(dressed(draw_skeleton(language, rng), language))
    coupled = sorted(language.pairs)
    before, parent = parents[int(rng.integers(len(parents)))]
    for _ in range(TRIES):
        if len(parents) > 1 and rng.random() < CROSSOVER_SHARE:
            _, other = parents[int(rng.integers(len(parents)))]
            draft = parent[: rng.integers(len(parent) + 1)] + other[rng.integers(len(other) + 1) :]
        else:
            draft = EDITS[rng.integers(len(EDITS))](list(parent), coupled, rng)
        if 0 < len(draft) <= language.max_two:
            child = text_of(dressed(_gates(draft, language), language))
            # Gates in another order may be the same circuit.
            if child != before:
                return child
    return before


def _any(coupled: Sequence[Pair], rng: np.random.Generator) -> Pair:
    return coupled[int(rng.integers(len(coupled)))]


def _insert(pairs: Pairs, coupled: Sequence[Pair], rng: np.random.Generator) -> Pairs:
    at = int(rng.integers(len(pairs) + 1))
    return [*pairs[:at], _any(coupled, rng), *pairs[at:]]


def _delete(pairs: Pairs, coupled: Sequence[Pair], rng: np.random.Generator) -> Pairs:
    at = int(rng.integers(len(pairs)))
    return pairs[:at] + pairs[at + 1 :]


def _replace(pairs: Pairs, coupled: Sequence[Pair], rng: np.random.Generator) -> Pairs:
    pairs[rng.integers(len(pairs))] = _any(coupled, rng)
    return pairs


def _near(pairs: Pairs, coupled: Sequence[Pair], rng: np.random.Generator) -> Pairs:
    """Move one end of a gate."""
    at = int(rng.integers(len(pairs)))
    near = [p for p in coupled if len({*p, *pairs[at]}) == 3] or list(coupled)
    pairs[at] = _any(near, rng)
    return pairs


def _swap(pairs: Pairs, coupled: Sequence[Pair], rng: np.random.Generator) -> Pairs:
    """Swap a gate with the next one in time on one of its qubits."""
    at = int(rng.integers(len(pairs)))
    later = [k for k in range(at + 1, len(pairs)) if set(pairs[k]) & set(pairs[at])]
    if later:
        pairs[at], pairs[later[0]] = pairs[later[0]], pairs[at]
    return pairs


def _shift(pairs: Pairs, coupled: Sequence[Pair], rng: np.random.Generator) -> Pairs:
    """Move a gate to another time."""
    moved = pairs.pop(rng.integers(len(pairs)))
    at = int(rng.integers(len(pairs) + 1))
    return [*pairs[:at], moved, *pairs[at:]]


EDITS: tuple[_Edit, ...] = (_insert, _delete, _replace, _near, _swap, _shift)
