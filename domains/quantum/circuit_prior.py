"""A plain prior over circuits: 60 % layered families, 20 % templates, 20 % uniform.

Nothing here knows a problem's Hamiltonian; half of the circuits use their full
budgets, the others random shares of them, and qubits are relabelled (reversed
on a chain, permuted where every pair is coupled).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from domains.quantum.circuit import FREE, G1, G2, LEVELS, R1, Language, Op, canonical, count_two
from domains.quantum.dressing import dressed
from domains.quantum.skeletons import draw_skeleton

Bonds = list[tuple[int, int]]


def draw_circuit(language: Language, rng: np.random.Generator) -> list[Op]:
    """Draw one canonical circuit of the language."""
    if language.dressing:
        return dressed(draw_skeleton(language, rng), language)
    draft = _Draft(language, rng)
    kind = rng.random()
    if kind < 0.6:
        (_hardware_efficient if rng.random() < 0.7 else _hamiltonian_variational)(draft)
    elif kind < 0.8:
        (_ghz, _w_state, _graph, _qft)[rng.integers(4)](draft)
        if rng.random() < 0.5:
            draft.rotations((str(rng.choice(R1)),))
    if not draft.ops:
        draft.uniform()
    return canonical(draft.ops, language)


class _Draft:
    """A growing circuit that silently ends where its random budget ends."""

    def __init__(self, language: Language, rng: np.random.Generator) -> None:
        self.language, self.rng, self.ops = language, rng, list[Op]()
        n = language.qubits
        full = len(language.pairs) == n * (n - 1)
        if full:
            order = [int(q) for q in rng.permutation(n)]
        else:
            order = list(range(n)) if rng.random() < 0.5 else list(range(n))[::-1]
        self.order = order
        self.path: Bonds = [(a, b) for a, b in pairwise(order) if (a, b) in language.pairs]
        # Half of the circuits use the budgets they are told, as the best ones do; the root of a uniform
        # draw favours circuits that use their two-qubit gates among the others.
        self.max_ops = int(rng.integers(max(1, language.max_ops // 2), language.max_ops + 1))
        self.max_two = round(language.max_two * float(np.sqrt(rng.random())))
        if rng.random() < 0.5:
            self.max_ops, self.max_two = language.max_ops, language.max_two
        self.two = 0

    def add(self, gate: str, *qubits: int, angle: int | None = None) -> None:
        """Append one gate if the language and the budgets allow it."""
        if gate in G2 and (self.two >= self.max_two or (qubits[0], qubits[1]) not in self.language.pairs):
            return
        if len(self.ops) >= self.max_ops:
            return
        self.two += gate in G2
        self.ops.append(Op(gate, qubits, self.angle(angle) if gate in R1 else -1))

    def angle(self, level: int | None = None) -> int:
        """Return an angle code: half of the levels drawn are quarter turns."""
        if self.language.free:
            return FREE
        if level is not None:
            return level % LEVELS
        return int(self.rng.choice([8, 16, 24]) if self.rng.random() < 0.5 else self.rng.integers(1, LEVELS))

    def rotations(self, axes: tuple[str, ...], qubits: list[int] | None = None) -> None:
        """Rotate qubits (default all) about the axes, by one shared angle or by one each."""
        shared = self.angle() if self.rng.random() < 0.4 else None
        for axis in axes:
            for q in self.order if qubits is None else qubits:
                self.add(axis, q, angle=shared)

    def uniform(self) -> None:
        """Fill the budget with gates drawn uniformly by kind."""
        pairs = sorted(self.language.pairs)
        for _ in range(self.max_ops):
            kind = self.rng.integers(3 if pairs else 2)
            if kind == 2:
                self.add(str(self.rng.choice(G2)), *pairs[self.rng.integers(len(pairs))])
            else:
                self.add(str(self.rng.choice(R1 if kind else G1)), int(self.rng.integers(self.language.qubits)))
        if not self.ops:
            self.add(str(self.rng.choice(R1)), int(self.rng.integers(self.language.qubits)))


def _hardware_efficient(d: _Draft) -> None:
    axes = (("ry",), ("ry",), ("ry",), ("ry", "rz"), ("rx",), ("rx", "rz"))[d.rng.integers(6)]
    gate = str(d.rng.choice(G2))
    pattern = d.rng.integers(4)
    if d.rng.random() < 0.15:
        for q in d.order:
            d.add("h", q)
    local = d.rng.random() < 0.4  # rotate only what an entangler has just touched
    d.rotations(axes)
    for layer in range(int(d.rng.integers(1, 5))):
        bonds = list(d.path)
        if pattern == 1:
            bonds = bonds[::2] + bonds[1::2]
        elif pattern == 2:
            bonds = bonds[layer % 2 :: 2]
        elif pattern == 3:
            bonds = [bonds[k] for k in np.flatnonzero(d.rng.random(len(bonds)) < 0.5)]
        for a, b in bonds:
            d.add(gate, a, b)
            if local:
                d.rotations(axes, [b] if d.rng.random() < 0.5 else [a, b])
        if not local:
            d.rotations(axes)


def _hamiltonian_variational(d: _Draft) -> None:
    for q in d.order:
        if d.rng.random() < 0.9:
            d.add("h", q)
    mixer = str(d.rng.choice(R1))
    for _ in range(int(d.rng.integers(1, 4))):
        inside = d.angle()
        bonds = d.path if d.rng.random() < 0.6 else d.path[::2] + d.path[1::2]
        for a, b in bonds:
            d.add("cx", a, b)
            d.add("rz", b, angle=inside)
            d.add("cx", a, b)
        shared = d.angle()
        for q in d.order:
            d.add(mixer, q, angle=shared)


def _ghz(d: _Draft) -> None:
    d.add("h", d.order[0])
    star = d.rng.random() < 0.5
    for a, b in pairwise(d.order):
        d.add("cx", d.order[0] if star and (d.order[0], b) in d.language.pairs else a, b)


def _w_state(d: _Draft) -> None:
    n = len(d.order)
    d.add("x", d.order[-1])
    for k in range(n - 1, 0, -1):
        level = round(np.arccos(np.sqrt(1 / (k + 1))) * LEVELS / (2 * np.pi))
        a, b = d.order[k], d.order[k - 1]
        d.add("ry", b, angle=-level)
        d.add("cz", a, b)
        d.add("ry", b, angle=level)
    for k in range(n - 1, 0, -1):
        d.add("cx", d.order[k - 1], d.order[k])


def _graph(d: _Draft) -> None:
    for q in d.order:
        d.add("h", q)
    edges = sorted((a, b) for a, b in d.language.pairs if a < b)
    picked = d.rng.permutation(len(edges))[: int(d.rng.integers(1, 2 * d.language.qubits))]
    for k in sorted(int(k) for k in picked):
        d.add("cz", *edges[k])
    for q in d.order:
        if d.rng.random() < 0.4:
            d.add(str(d.rng.choice(("h", "s", "sdg", "rx"))), q)


def _qft(d: _Draft) -> None:
    for k, a in enumerate(d.order):
        d.add("h", a)
        for distance, b in enumerate(d.order[k + 1 : k + 4], start=1):
            if (a, b) not in d.language.pairs:
                continue
            level = LEVELS >> (distance + 2)  # half of the controlled phase pi / 2^distance
            d.add("rz", a, angle=level)
            d.add("cx", a, b)
            d.add("rz", b, angle=-level)
            d.add("cx", a, b)
            d.add("rz", b, angle=level)


def prompt_of(language: Language) -> str:
    """Return the prompt that tells the circuit backbone which circuits are wanted, e.g. ``n6 free line g36 c10``.

    Qubits, angles, coupling, then the budgets of gates (to the nearest 4, at
    most 48) and of two-qubit gates (at most 20).
    """
    n = language.qubits
    coupling = "all" if len(language.pairs) == n * (n - 1) else "line"
    gates = 4 * min(max(round(language.max_ops / 4), 1), 12)
    two = min(max(language.max_two, 1), 20)
    return f"n{n} {'free' if language.free else 'fixed'} {coupling} g{gates} c{two}"


def within(ops: list[Op], language: Language) -> bool:
    """Whether a circuit keeps the couplings and budgets of a language."""
    return (
        0 < len(ops) <= language.max_ops
        and count_two(ops) <= language.max_two
        and all(len(op.qubits) == 1 or op.qubits in language.pairs for op in ops)
    )
