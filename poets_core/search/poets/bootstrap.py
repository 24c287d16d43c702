"""Poisson bootstrap weights as a pure function of what they belong to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from poets_core.keyed import rng_for
from poets_core.types import I8


def bootstrap_weights(seed: int, observation_ids: Sequence[str], n_branches: int) -> I8:
    """Return Poisson(1) weights, i8 (M, N).

    Each weight depends on (seed, observation, branch) only: it is the same in
    every round, in any order of the data and for any number of branches, so
    replay never redraws it (redrawing collapses the disagreement).

    Source: Poisson bootstrap of POETS (arXiv 2605.07775).
    """
    columns = [rng_for(seed, "bootstrap", name).poisson(1.0, n_branches) for name in observation_ids]
    return np.array(columns, dtype=np.int64).reshape(len(columns), n_branches).T
