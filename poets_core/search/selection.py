"""How designs are selected from a round's pool: one per slot, each by the prediction of the slot's own branch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64
from numpy.typing import NDArray

from poets_core.search.sampler import Key


def tempered_rank(predicted: Float64[np.ndarray, "M n"], branch: int, tempering: float) -> Float64[np.ndarray, " n"]:
    """Return mu + tau (r_k - mu) for each design, mu the mean over branches.

    Args:
        predicted: rewards predicted by each branch.
        branch: k, the branch whose turn it is.
        tempering: tau; 1 is Thompson sampling, 0 follows the mean.
    """
    mean = predicted.mean(0)
    return np.asarray(mean + tempering * (predicted[branch] - mean))


def select(
    pools: Sequence[Sequence[int]],
    keys: Sequence[Key],
    prompt: Int64[np.ndarray, " slots"],
    branch: Int64[np.ndarray, " slots"],
    predicted: Float64[np.ndarray, "M n"],
    tempering: float,
    *,
    repeats: bool,
) -> list[int]:
    """Select one design per slot: the best of its pool under the slot's own branch.

    Args:
        pools: for each slot, indices of the designs it may take; all slots may share one pool.
        keys: (n,) identity of each design.
        prompt: prompt of each slot; it takes designs of that prompt only.
        branch: branch of each slot.
        predicted: rewards of the designs.
        tempering: tau, see `tempered_rank`.
        repeats: whether two slots may take the same design.

    Returns:
        One index per slot. A slot whose pool is used up takes from the others' pools, -1 if they are used up too.
    """
    taken: set[Key] = set()
    selected: list[int] = []
    # One ranking per branch, not per slot: slots of one branch differ only in what is still free.
    ranks = {k: tempered_rank(predicted, k, tempering) for k in set(branch.tolist())}
    everything = sorted({i for pool in pools for i in pool})
    # Slots go one after the other, so an earlier slot may take what a later one wanted. Branches were drawn uniformly,
    # so no branch is favoured by its place.
    for pool, k, p in zip(pools, branch.tolist(), prompt.tolist(), strict=True):
        own = [i for i in pool if keys[i][0] == p and (repeats or keys[i] not in taken)]
        rest = own or [i for i in everything if keys[i][0] == p and (repeats or keys[i] not in taken)]
        # Ties go to the earlier design: the answer must not depend on how Python happens to compare.
        best = max(rest, key=lambda i, rank=ranks[k]: (rank[i], -i), default=-1)  # type: ignore[misc]
        selected.append(best)
        if best >= 0:
            taken.add(keys[best])
    return selected


def best_of_space(
    rank: NDArray[np.floating], rows: Int64[np.ndarray, " slots"], *, repeats: bool
) -> Int64[np.ndarray, " n"]:
    """Give each slot the best design of a whole space by its own row of a ranking; fewer where the space is used up.

    Args:
        rank: (rows, S), -inf for what is not wanted; what was taken becomes so too, unless it may be repeated.
        rows: the row that each slot goes by.
        repeats: whether two slots may take the same design.
    """
    # Slot after slot, as in `select`: an earlier one may take what a later one wanted.
    chosen: list[int] = []
    for row in rows.tolist():
        best = int(rank[row].argmax())
        if not np.isfinite(rank[row, best]):
            break
        chosen.append(best)
        if not repeats:
            rank[:, best] = -np.inf
    return np.array(chosen, dtype=np.int64)


def far_apart(designs: Sequence[Sequence[int]], n: int, known: Sequence[Sequence[int]]) -> list[int]:
    """Return which designs to take so that they are far from each other and from what is known; the first of equals.

    One after the other, the design whose nearest neighbour is farthest away (Gonzalez 1985): within twice the best
    covering radius. Distance: places with different tokens, and those that only one of two designs has.

    Args:
        designs: tokens of each.
        n: how many are taken, at most.
        known: tokens of designs that lie there already.
    """
    if not designs:
        return []
    width = max(map(len, (*designs, *known)))
    # Padded with what is no token: where only one design has a place, the two differ there.
    padded = np.full((len(designs) + len(known), width), -1, dtype=np.int64)
    for row, tokens in enumerate((*designs, *known)):
        padded[row, : len(tokens)] = tokens
    own, others = padded[: len(designs)], padded[len(designs) :]
    nearest = np.full(len(designs), width + 1, dtype=np.int64)
    for row in others:
        nearest = np.minimum(nearest, (own != row).sum(1))
    taken: list[int] = []
    while len(taken) < min(n, len(designs)):
        best = int(nearest.argmax())
        taken.append(best)
        nearest = np.minimum(nearest, (own != own[best]).sum(1))
        nearest[best] = -1  # never again, also where all that is left is known already
    return taken
