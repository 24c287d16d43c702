"""Designs that hold several constraints at once, as the smallest automaton that accepts them letter by letter.

A state is what the constraints have to remember after some sites: how many mutations, how much charge, and which
forbidden motifs have been written so far. States that can be completed in the same ways are one, so that constraints
which never bind cost nothing and the automaton of a plain product has one state a site.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool as Flags
from jaxtyping import Float64, Int64, UInt8

from poets_core.types import I8, Bool

MOST_STATES = 400_000
"""States before equal ones are merged; each costs 80 bytes for every group of letters."""
MOST_SLOTS = 36
"""Motifs that may have begun and not ended at one place."""
CHARGE_BITS, ZERO, FREE = 13, 4096, 4000
"""How a charge is kept in a state: its bits, what is added to it, and what stands for a charge that can no longer leave
its range. Up to 2,048 sites are counted."""


class TooLarge(Exception):
    """The constraints need more states than there may be."""


@dataclass(frozen=True)
class Clause:
    """Letters that must not stand at these sites all at once.

    Attributes:
        sites: ascending, at least one.
        letters: bool (sites, 20), what is forbidden at each while it stands at all others.
    """

    sites: tuple[int, ...]
    letters: Flags[np.ndarray, "k 20"]


@dataclass(frozen=True)
class Rules:
    """What a design has to hold, in terms of its sites alone.

    Attributes:
        allowed: bool (L, 20), letters of each site.
        mutated: bool (L, 20), letters that count as a mutation.
        most: mutations at most; L where there is no limit.
        charge: i8 (20,), of each letter.
        lowest, highest: charge of all sites together.
        clauses: what must not stand together.
    """

    allowed: Flags[np.ndarray, "L 20"]
    mutated: Flags[np.ndarray, "L 20"]
    most: int
    charge: Int64[np.ndarray, " 20"]
    lowest: int
    highest: int
    clauses: tuple[Clause, ...] = ()


@dataclass(frozen=True)
class Automaton:
    """A deterministic automaton over letters; every state but the dead one can be completed.

    Attributes:
        table: i4 (S + 1, 20), next state; the last row is the dead state.
        layers: i8 (L + 2,), first state of every number of letters written, and S at the end.
    """

    table: np.ndarray[tuple[int, int], np.dtype[np.int32]]
    layers: Int64[np.ndarray, " layers"]

    @property
    def length(self) -> int:
        """Letters of a design."""
        return len(self.layers) - 2

    @property
    def dead(self) -> int:
        """The state that nothing leads out of."""
        return len(self.table) - 1

    @property
    def final(self) -> int:
        """The state of a complete design."""
        return len(self.table) - 2

    def children(self, state: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, "n 20"]:
        """Return the states after each letter."""
        return np.asarray(self.table[state], dtype=np.int64)

    def complete(self, state: Int64[np.ndarray, " n"]) -> Flags[np.ndarray, " n"]:
        """Return which states are complete designs."""
        return np.asarray(state == self.final)

    def accepts(self, codes: UInt8[np.ndarray, "n L"]) -> Flags[np.ndarray, " n"]:
        """Return which designs hold all constraints; letters beyond the 20 are in none."""
        state = np.zeros(len(codes), dtype=np.int64)
        known = (codes < 20).all(1)
        for column in np.minimum(codes, 19).T:
            state = self.table[state, column].astype(np.int64)
        return np.asarray(known & (state == self.final))

    @cached_property
    def letters(self) -> Flags[np.ndarray, "L 20"]:
        """Return which letters accepted designs have at each site."""
        spans = [slice(int(self.layers[k]), int(self.layers[k + 1])) for k in range(self.length)]
        return np.array([(self.table[rows] != self.dead).any(0) for rows in spans])

    @cached_property
    def size(self) -> float:
        """How many designs are accepted; exact below 2^53."""
        return float(self._messages(np.ones((self.length, 20)), scaled=False)[0])

    def sample(
        self, weights: Float64[np.ndarray, "L 20"], n: int, *, rng: np.random.Generator
    ) -> UInt8[np.ndarray, "n L"]:
        """Draw designs of independent sites, given that they are accepted: exact, and nothing is ever thrown away.

        Args:
            weights: positive, of each letter at each site.
            n: how many.
            rng: one uniform number for every letter.
        """
        ahead = self._messages(weights, scaled=True)
        codes = np.zeros((n, self.length), dtype=np.uint8)
        state = np.zeros(n, dtype=np.int64)
        uniform = rng.random((n, self.length))
        for k in range(self.length):
            follow = self.table[state]
            alive = follow != self.dead
            chance = weights[k] * ahead[follow] * alive
            # All of a rare state's weight may be lost to rounding; its letters are then taken alike.
            chance = np.where(chance.sum(1, keepdims=True) > 0, chance, alive)
            total = chance.cumsum(1)
            drawn = (total <= uniform[:, k, None] * total[:, -1:]).sum(1)
            drawn = np.minimum(drawn, 19 - alive[:, ::-1].argmax(1))
            codes[:, k] = drawn
            state = follow[np.arange(n), drawn].astype(np.int64)
        return codes

    def _messages(self, weights: Float64[np.ndarray, "L 20"], *, scaled: bool) -> Float64[np.ndarray, " states"]:
        """Return the weight of all completions of each state, (S + 1,); scaled within its layer if wanted."""
        ahead = np.zeros(len(self.table))
        ahead[self.final] = 1.0
        for k in range(self.length - 1, -1, -1):
            rows = slice(int(self.layers[k]), int(self.layers[k + 1]))
            here = ahead[self.table[rows]] @ weights[k]
            ahead[rows] = here / here.max() if scaled else here
        return ahead


def build(rules: Rules) -> Automaton | None:
    """Build the automaton of some rules.

    Returns:
        None if no design holds them.

    Raises:
        TooLarge: it would have more than `MOST_STATES` states, or more motifs at one place than `MOST_SLOTS`.
    """
    allowed, clauses = simplified(rules.allowed, rules.clauses)
    if not allowed.any(1).all():
        return None
    forward = _forward(rules, allowed, _slotted(clauses))
    return None if forward is None else _merged(forward)


def simplified(allowed: Bool, clauses: Sequence[Clause]) -> tuple[Bool, list[Clause]]:
    """Return alphabets and clauses that say the same, with every clause about two sites or more."""
    allowed = allowed.copy()
    while True:
        rest: dict[tuple[tuple[int, ...], bytes], Clause] = {}
        narrowed = False
        for clause in clauses:
            inside = clause.letters & allowed[list(clause.sites)]
            if not inside.any(1).all():
                continue  # one of its sites can never have such a letter
            # A site that has such letters only does not decide; the others do.
            open_ = (inside != allowed[list(clause.sites)]).any(1)
            sites = tuple(s for s, is_open in zip(clause.sites, open_, strict=True) if is_open)
            if not sites:
                return np.zeros_like(allowed), []
            if len(sites) == 1:
                allowed[sites[0]] &= ~inside[open_][0]
                narrowed = True
            else:
                rest[sites, inside[open_].tobytes()] = Clause(sites, inside[open_])
        clauses = list(rest.values())
        if not narrowed or not allowed.any(1).all():
            return allowed, list(clauses)


def _slotted(clauses: Sequence[Clause]) -> list[tuple[int, Clause]]:
    """Give each clause a bit that no other has while it is under way."""
    free_from: list[int] = []  # last site of the clause that has a slot
    out = []
    for clause in sorted(clauses, key=lambda c: (c.sites[0], c.sites[-1])):
        slot = next((k for k, last in enumerate(free_from) if last < clause.sites[0]), len(free_from))
        if slot == MOST_SLOTS:
            raise TooLarge(f"more than {MOST_SLOTS} motifs at site {clause.sites[0] + 1}")
        free_from[slot : slot + 1] = [clause.sites[-1]]
        out.append((slot, clause))
    return out


@dataclass(frozen=True)
class _Step:
    """What one letter does to a state; letters that do the same are one group."""

    letters: Bool
    mutation: int
    charge: int
    keep: int
    begin: int
    end: int


def _steps(rules: Rules, allowed: Bool, slotted: Sequence[tuple[int, Clause]], site: int) -> list[_Step]:
    groups: dict[tuple[int, ...], Bool] = {}
    for letter in np.flatnonzero(allowed[site]).tolist():
        keep, begin, end = (1 << MOST_SLOTS) - 1, 0, 0
        for slot, clause in slotted:
            if site not in clause.sites:
                continue
            stands = bool(clause.letters[clause.sites.index(site), letter])
            if site == clause.sites[0]:
                begin |= stands << slot
            elif not stands:
                keep &= ~(1 << slot)
            if site == clause.sites[-1]:
                end |= 1 << slot
        key = (int(rules.mutated[site, letter]), int(rules.charge[letter]), keep, begin, end)
        groups.setdefault(key, np.zeros(20, dtype=np.bool_))[letter] = True
    return [_Step(letters, *key) for key, letters in groups.items()]


@dataclass(frozen=True)
class _Layer:
    """States after some sites, and where the next letter leads: i4 (n, groups), -1 for nowhere."""

    steps: list[_Step]
    follow: np.ndarray[tuple[int, int], np.dtype[np.int32]]


def _forward(rules: Rules, allowed: Bool, slotted: Sequence[tuple[int, Clause]]) -> list[_Layer] | None:
    """Follow all states from site to site; None if none is left."""
    least, most = _spans(rules.charge, allowed)
    may_change = np.any(rules.mutated & allowed, axis=1).astype(np.int64)
    spare = np.concatenate([np.cumsum(may_change[::-1])[::-1], [0]])
    count = charge = bits = np.zeros(1, dtype=np.int64)
    out, total = [], 1
    for site in range(len(allowed)):
        steps = _steps(rules, allowed, slotted, site)
        columns = []
        for step in steps:
            c, q = count + step.mutation, np.where(charge == FREE, FREE, charge + step.charge)
            b = (bits & step.keep) | step.begin
            bounded = q != FREE
            fine = (c <= rules.most) & ((b & step.end) == 0)
            fine &= ~bounded | ((q + most[site + 1] >= rules.lowest) & (q + least[site + 1] <= rules.highest))
            # What can no longer be broken need not be remembered.
            q = np.where((q + least[site + 1] >= rules.lowest) & (q + most[site + 1] <= rules.highest), FREE, q)
            c = np.maximum(c, rules.most - spare[site + 1])
            key = (((c << CHARGE_BITS) | (q + ZERO)) << MOST_SLOTS) | (b & ~step.end)
            columns.append(np.where(fine, key, -1))
        keys = np.stack(columns, axis=1)
        found = np.unique(keys)
        found = found[found >= 0]
        total += len(found)
        if not len(found):
            return None
        if total > MOST_STATES:
            raise TooLarge(f"{total:,} states after {site + 1} of {len(allowed)} sites")
        out.append(_Layer(steps, np.where(keys >= 0, np.searchsorted(found, keys), -1).astype(np.int32)))
        bits, rest = found & ((1 << MOST_SLOTS) - 1), found >> MOST_SLOTS
        count, charge = rest >> CHARGE_BITS, (rest & ((1 << CHARGE_BITS) - 1)) - ZERO
    return out


def _spans(charge: I8, allowed: Bool) -> tuple[I8, I8]:
    """Return the least and the most charge of the sites from each one on, (L + 1,) each."""
    each = np.where(allowed, charge, 99).min(1), np.where(allowed, charge, -99).max(1)
    least, most = (np.concatenate([np.cumsum(x[::-1])[::-1], [0]]) for x in each)
    return least, most


def _merged(forward: list[_Layer]) -> Automaton | None:
    """Merge states that can be completed alike, from the end to the start, and leave out what cannot be completed."""
    # name: class of each state of the next layer, -1 for those that lead nowhere
    name = np.zeros(int(forward[-1].follow.max()) + 1, dtype=np.int64)
    rows: list[I8] = []
    for layer in reversed(forward):
        follow = np.where(layer.follow >= 0, name[layer.follow], -1)
        by_letter = np.full((len(follow), 20), -1, dtype=np.int64)
        for step, column in zip(layer.steps, follow.T, strict=True):
            by_letter[:, step.letters] = column[:, None]
        alive = (by_letter >= 0).any(1)
        name = np.full(len(follow), -1, dtype=np.int64)
        if not alive.any():
            return None
        distinct, name[alive] = np.unique(by_letter[alive], axis=0, return_inverse=True)
        rows.append(distinct)
    # What leads to a state that can be completed can be completed, too: all states that are left can be reached.
    rows.reverse()
    layers = np.cumsum([0, *(len(r) for r in rows), 1])
    dead = int(layers[-1])
    table = np.full((dead + 1, 20), dead, dtype=np.int32)
    for k, block in enumerate(rows):
        table[layers[k] : layers[k + 1]] = np.where(block >= 0, block + layers[k + 1], dead)
    return Automaton(table, layers)
