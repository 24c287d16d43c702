"""Edits that stay inside an automaton: substitutions and crossovers where they hold the constraints, else what is near.

At the most mutations a new one is possible only if another goes, and at the edge of a charge two letters have to change
together: what is refused is tried again with a site put back, and at last drawn from the automaton near the elite.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool as Flags
from jaxtyping import Float64, UInt8

from domains.protein.alphabet import UNKNOWN, codes_of, text_of
from domains.protein.automaton import Automaton
from domains.protein.edits import CROSSOVER
from domains.protein.replay import Replay
from poets_core.types import Design

TRIES = 6
"""Rounds of moves before a design is drawn near the elite instead."""
STAY = 0.9
"""Chance that a site keeps the elite's letter in such a draw, were there no constraints."""
NEAREST = 32
"""Variants of a table among which such a draw is made."""


def edit_within(
    elites: Sequence[Design],
    n: int,
    automaton: Automaton | Replay,
    letters: Flags[np.ndarray, "L 20"],
    parent: Design,
    *,
    rng: np.random.Generator,
) -> list[Design]:
    """Return n edits of elites that the automaton accepts; repeats are possible.

    Args:
        elites: designs of the automaton's length, accepted or not; at least one.
        n: how many.
        automaton: what every edit has to hold.
        letters: which letters any accepted design has at each site.
        parent: its letters at the sites, ``""`` where they are not known.
        rng: all randomness.

    Raises:
        ValueError: no elites.
    """
    if not n:
        return []
    if not elites:
        raise ValueError("Expected at least one elite to edit, got none.")
    codes = codes_of("".join(elites)).reshape(len(elites), -1)
    chosen = rng.integers(0, len(codes), n)
    out = codes[chosen]
    waiting = np.arange(n)
    for attempt in range(TRIES):
        moved = _moved(codes, chosen[waiting], letters, rng)
        # Every other time a mutation goes as well, which makes room for the new one.
        if attempt % 2 and parent:
            moved = _put_back(moved, out[waiting], codes_of(parent), rng)
        fine = automaton.accepts(moved) & (moved != codes[chosen[waiting]]).any(1)
        out[waiting[fine]] = moved[fine]
        waiting = waiting[~fine]
        if not len(waiting):
            break
    for elite in np.unique(chosen[waiting]).tolist():
        rows = waiting[chosen[waiting] == elite]
        out[rows] = _near(codes[elite], len(rows), automaton, letters, rng)
    return [text_of(row) for row in out]


def _moved(
    codes: UInt8[np.ndarray, "k L"],
    chosen: np.ndarray[tuple[int], np.dtype[np.int64]],
    letters: Flags[np.ndarray, "L 20"],
    rng: np.random.Generator,
) -> UInt8[np.ndarray, "n L"]:
    """Return each chosen elite with one substitution, or crossed with another at one point."""
    n, length = len(chosen), codes.shape[1]
    out = codes[chosen]
    crossed = (rng.random(n) < CROSSOVER) & (len(codes) > 1) & (length > 1)
    partner, cut = rng.integers(0, len(codes), n), rng.integers(1, max(2, length), n)
    tail = crossed[:, None] & (np.arange(length) >= cut[:, None])
    out = np.where(tail, codes[partner], out)
    # A crossover that changed nothing is a substitution after all.
    single = ~(out != codes[chosen]).any(1)
    free = np.flatnonzero(letters.sum(1) > 1)
    if len(free):
        site = free[rng.integers(0, len(free), n)]
        open_ = letters[site].copy()
        own = out[np.arange(n), site]
        known = own != UNKNOWN
        open_[known, own[known]] = False
        # Letters in a random order; the first that is open stands for all of them alike.
        letter = np.where(open_, rng.random(open_.shape), -1.0).argmax(1).astype(np.uint8)
        rows = np.flatnonzero(single)
        out[rows, site[rows]] = letter[rows]
    return out


def _put_back(
    moved: UInt8[np.ndarray, "n L"],
    before: UInt8[np.ndarray, "n L"],
    parent: UInt8[np.ndarray, " L"],
    rng: np.random.Generator,
) -> UInt8[np.ndarray, "n L"]:
    """Return designs with one of their older mutations taken back, where there is one."""
    older = (moved != parent) & (moved == before)
    site = np.where(older, rng.random(older.shape), -1.0).argmax(1)
    rows = np.flatnonzero(older.any(1))
    out = moved.copy()
    out[rows, site[rows]] = parent[site[rows]]
    return out


def _near(
    elite: UInt8[np.ndarray, " L"],
    n: int,
    automaton: Automaton | Replay,
    letters: Flags[np.ndarray, "L 20"],
    rng: np.random.Generator,
) -> UInt8[np.ndarray, "n L"]:
    if isinstance(automaton, Replay):
        rows = automaton.nearest(elite, NEAREST)
        if not len(rows):
            return np.tile(automaton.codes[:1], (n, 1))
        # Half as likely with every letter more that differs.
        apart = (automaton.codes[rows] != elite).sum(1)
        chance = np.exp2(apart.min() - apart.astype(np.float64))
        return np.asarray(automaton.codes[rows[rng.choice(len(rows), size=n, p=chance / chance.sum())]])
    weights: Float64[np.ndarray, "L 20"] = np.full(letters.shape, (1.0 - STAY) / 19)
    sites = np.flatnonzero(elite != UNKNOWN)
    weights[sites, elite[sites]] = STAY
    drawn = automaton.sample(weights, 2 * n, rng=rng)
    # Those that are the elite itself go behind the others.
    return drawn[np.argsort((drawn == elite).all(1), kind="stable")[:n]]
