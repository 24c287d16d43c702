"""How the pool of a round is filled: by what branches write, edits of the best designs, and at last the reference."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from poets_core.keyed import rng_for
from poets_core.search.history import History
from poets_core.search.poets.edit_share import edits_of
from poets_core.search.sampler import Draw, Key, Sampler, edits
from poets_core.spec import PoetsSettings
from poets_core.types import I8


@dataclass(frozen=True)
class Pool:
    """The distinct unseen designs of a round.

    Attributes:
        draws: the designs, each once.
        slots: for each slot, which of `draws` it may take.
    """

    draws: list[Draw]
    slots: list[list[int]]


class _Gathering:
    """Draws of one round, without repeats, and who found them."""

    def __init__(self) -> None:
        # Two spellings of one design are two entries: their log-probabilities differ, and `select` compares designs.
        self._draws: dict[tuple[int, tuple[int, ...]], Draw] = {}
        self._slots: dict[tuple[int, tuple[int, ...]], set[int]] = {}

    def add(self, rows: I8, drawn: Sequence[Draw | None]) -> None:
        for slot, draw in zip(rows.tolist(), drawn, strict=True):
            if draw is not None:
                key = (draw.prompt, draw.tokens)
                self._draws[key] = draw
                self._slots.setdefault(key, set()).add(slot)

    def keys(self) -> set[Key]:
        """The designs found so far."""
        return {d.key for d in self._draws.values()}

    def pool(self, n: int, *, shared: bool) -> Pool:
        """Let every slot take any design, or only those that it found itself."""
        draws = list(self._draws.values())
        if shared:
            return Pool(draws, [list(range(len(draws)))] * n)
        return Pool(draws, [[i for i, key in enumerate(self._draws) if s in self._slots[key]] for s in range(n)])


def fill_pool(
    sampler: Sampler,
    history: History,
    settings: PoetsSettings,
    *,
    round: int,
    branch: Int64[np.ndarray, " slots"],
    prompt: Int64[np.ndarray, " slots"],
    seen: AbstractSet[Key],
) -> Pool:
    """Gather `settings.pool` designs per slot, fewer where they repeat each other.

    Args:
        sampler: draws from the branches as they are now.
        history: its best designs are edited.
        settings: of the method.
        round: key of all draws.
        branch: branch of each slot, which writes its designs.
        prompt: prompt of each slot.
        seen: designs that are not wanted again.
    """
    n, size = len(branch), settings.pool
    elites = history.elites(settings.elites, price=settings.length_price, longest=sampler.max_tokens)
    n_edits = _edits_per_slot(history, settings) if elites else 0
    found = _Gathering()

    def sample(copies: int, *key: int | str, of: I8 = branch, besides: AbstractSet[Key] = frozenset()) -> None:
        rows, name = np.repeat(np.arange(n), copies), ("round", round, *key)
        found.add(rows, sampler.draw_unseen(of[rows], prompt[rows], name, seen | besides, unique=bool(besides)))

    if n_edits < size:
        sample(size - n_edits)
    if n_edits:
        rows = np.repeat(np.arange(n), n_edits)
        rng = rng_for(sampler.seed, "edit", round)
        found.add(rows, edits(sampler.problem, sampler.ensemble, elites, prompt[rows], seen, rng=rng))
        # Late in a search most edits of the elites were seen. The branches still have more to offer.
        if len(found.keys()) < n:
            sample(size, "refill")
    # Branches that have narrowed write little that is new. A budget is calls, not rounds: they are spent all the same.
    if len(known := found.keys()) < n:
        sample(1, "reference", of=np.full(n, -1), besides=known)
    return found.pool(n, shared=settings.shared_pool)


def _edits_per_slot(history: History, settings: PoetsSettings) -> int:
    """How many of a slot's designs are edits."""
    if settings.adapt_edits:
        return edits_of(settings.pool, settings.edit_share, history.candidates, history.rewards())
    return round(settings.pool * settings.edit_share)
