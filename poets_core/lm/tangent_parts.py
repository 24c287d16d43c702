"""The parts of the head's tangent space that have amplitudes of their own: parts of the states, and parts of the tokens.

States fall into the blocks that a backbone's config names (`feature_blocks`), or, where the trunk is laid out by place
(`main_effects_apart`), into main effects and the rest: what a place's states have in common says what a token is worth
there whatever stands before it, the rest what it is worth after some beginning (a functional analysis of variance,
Hoeffding 1948). Whitened together a main effect would be one direction among a hundred, and count for nothing.

Tokens fall into what each has for itself and what it shares with tokens like it, where likeness was told and not learnt
(`likeness_told`): whether alike letters do alike is for the observations to say.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from poets_core.errors import InvalidModel

DAMPING = 0.03
"""Added to the second moments of states, in units of their mean eigenvalue: below it a direction is noise of training.
Chosen on tuning seeds of GB1, PhoQ and NK (docs/decisions/posterior.md)."""
REST_DAMPING = 0.3
"""The same beside main effects, where directions that are little used are combinations of many tokens."""
COMMON = 1e-4
"""Main effects less than this part of the largest, in second moments, are rounding."""

LIKE = 1e-3
"""Likeness below this, in eigenvalues of the cosines, is rounding."""


def state_parts(
    config: Any, h: Float[Tensor, "n D"], place: Int[Tensor, " n"]
) -> dict[str, tuple[Float[Tensor, "D d"], float]]:
    """Return an orthonormal basis and the damping of each part of the states; together they span all of them.

    Args:
        config: of the backbone.
        h: states that predict tokens, in double precision.
        place: of each.

    Raises:
        InvalidModel: blocks that are no parts of the width.
    """
    width = h.shape[1]
    told = getattr(config, "feature_blocks", None)
    if told is not None:
        whole = torch.eye(width, dtype=h.dtype, device=h.device)
        return {name: (whole[:, at], DAMPING) for name, at in _blocks(told, width).items()}
    if getattr(config, "main_effects_apart", None) is not True:
        return {"": (torch.eye(width, dtype=h.dtype, device=h.device), DAMPING)}
    counts = torch.bincount(place).clamp_min(1)
    means = torch.zeros(len(counts), width, dtype=h.dtype, device=h.device).index_add_(0, place, h) / counts[:, None]
    # A place that few designs reach has a mean that is mostly noise: it counts by how many they are.
    values, vectors = torch.linalg.eigh((means * counts[:, None]).T @ means / len(h))
    # At most half the width, or long designs would leave nothing for combinations.
    main = min(int((values > COMMON * values[-1]).sum()), width // 2)
    return {"main": (vectors[:, width - main :], DAMPING), "rest": (vectors[:, : width - main], REST_DAMPING)}


def token_parts(config: Any, embedding: Float[Tensor, "K D"]) -> dict[str, Float[Tensor, "K K"]]:
    """Return the symmetric root of how alike tokens are by each part, all of it in one part where it was not told.

    Tokens that the backbone reads alike are expected to change a design's value alike.
    """
    unit = torch.nn.functional.normalize(embedding.double(), dim=-1)
    values, vectors = torch.linalg.eigh(unit @ unit.T)
    values = values.clamp_min(0.0)

    def root(x: Float[Tensor, " K"]) -> Float[Tensor, "K K"]:
        out: Tensor = ((vectors * x.sqrt()) @ vectors.T).float()
        return out

    # What is left without the smallest eigenvalue is what no token has for itself alone; where no token is like
    # another that is nothing.
    if getattr(config, "likeness_told", None) is not True or float(values[-1] - values[0]) < LIKE:
        return {"": root(values)}
    return {"own": root(torch.ones_like(values)), "alike": root(values - values[0])}


def whitening(x: Float[Tensor, "n d"], damping: float) -> Float[Tensor, "d d"]:
    """Return the symmetric inverse root of the damped second moments."""
    values, vectors = torch.linalg.eigh(x.T @ x / len(x))
    # Without damping a direction that is never used would count for most.
    damped = values.clamp_min(0.0) + damping * values.mean()
    out: Tensor = (vectors * damped.rsqrt()) @ vectors.T
    return out


def _blocks(told: Any, width: int) -> dict[str, slice]:
    """Return the dimensions of each block that a config states.

    Raises:
        InvalidModel: they do not follow one another from 0 to the width, each with a name of its own.
    """
    # A model's files come from anywhere: blocks that overlap would count twice, those that are missing not at all.
    try:
        found = {str(name): slice(start, end) for name, start, end in told}
        ends = [0, *(at.stop for at in found.values())]
        sound = len(found) == len(told) and [at.start for at in found.values()] == ends[:-1] and ends[-1] == width
        sound = sound and all(type(a) is int and type(b) is int and a < b for a, b in pairwise(ends))
    except (TypeError, ValueError):
        sound = False
    if not sound:
        raise InvalidModel(
            f"Expected feature_blocks of the model's config as [name, start, end] from 0 to {width} without gaps, got "
            f"{str(told)[:200]}. Correct config.json, or leave them out."
        )
    return found
