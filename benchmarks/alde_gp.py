"""The Gaussian process over BLOSUM62 features: what protein engineers give theirs, as a rival of its own."""

from __future__ import annotations

from functools import cache

import numpy as np
from Bio.Align import substitution_matrices
from numpy.typing import NDArray

from domains.protein.alphabet import LETTERS
from poets_core.protocols import Check, unheard
from poets_core.search.method import Proposals
from poets_core.search.rivals.gaussian_process import GPSearch
from poets_core.search.rivals.surrogate import BLOCK, JITTER, Surrogate, fit_surrogate
from poets_core.search.space import ProductSpace

COMPONENTS = 8
"""Of the matrix; they hold four fifths of its variance."""


@cache
def residues() -> NDArray[np.float64]:
    """Return principal components of the matrix by residue, (20, COMPONENTS), ordered as `LETTERS`."""
    matrix = substitution_matrices.load("BLOSUM62")
    rows = np.array([[matrix[a][b] for b in LETTERS] for a in LETTERS], dtype=np.float64)
    u, s, _ = np.linalg.svd(rows - rows.mean(0))
    found = u[:, :COMPONENTS] * s[:COMPONENTS]
    # In units of one-hot: two residues are apart by the square root of two on average, so the same length scales fit.
    apart = np.linalg.norm(found[:, None] - found[None], axis=2)
    return np.asarray(found * np.sqrt(2.0) / apart[np.triu_indices(20, 1)].mean())


class BlosumGPSearch(GPSearch):
    """Thompson sampling over the whole space, with residues described by BLOSUM62: some are nearer than others."""

    def _from_space(self, space: ProductSpace, n: int, rng: np.random.Generator) -> Proposals:
        tokens, y = self._data()
        letters = [self._letters(space, k) for k in range(len(space.options))]
        seen = space.index(tokens)
        x = features(space.codes(seen), letters)
        surrogate = fit_surrogate(x, y, self._theta)
        drawn = sample_space(surrogate, space, letters, seen, n, rng, self.ensemble.check)
        drawn[:, seen] = -np.inf
        chosen: list[int] = []
        for row in drawn:
            chosen.append(int(row.argmax()))
            drawn[:, chosen[-1]] = -np.inf
        index = np.array(chosen, dtype=np.int64)
        mean, std = surrogate.predict(features(space.codes(index), letters))
        return self._scored(self._spelled(space.tokens(index)), mean, std)

    def _letters(self, space: ProductSpace, k: int) -> NDArray[np.float64]:
        text = [self.ensemble.backbone.text([int(t)]) for t in space.options[k]]
        return residues()[[LETTERS.index(c) for c in text]]


def features(codes: NDArray[np.int64], letters: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return features of designs, (n, L x COMPONENTS)."""
    return np.concatenate([own[codes[:, k]] for k, own in enumerate(letters)], axis=1)


def sample_space(
    surrogate: Surrogate,
    space: ProductSpace,
    letters: list[NDArray[np.float64]],
    seen: NDArray[np.int64],
    draws: int,
    rng: np.random.Generator,
    check: Check = unheard,
) -> NDArray[np.float64]:
    """Return joint posterior draws over the space, (draws, S), as `Surrogate.sample_space` does for one-hot codes."""
    out = rng.standard_normal((draws, *space.shape)) * np.sqrt(surrogate.amplitude)
    for axis, own in enumerate(letters, start=1):
        square = ((own[:, None] - own[None]) ** 2).sum(2)
        root = np.linalg.cholesky(np.exp(-square / (2.0 * surrogate.length**2)) + JITTER * np.eye(len(own)))
        out = np.moveaxis(np.tensordot(out, root, axes=(axis, 1)), -1, axis)
    flat = out.reshape(draws, -1)
    noise = rng.standard_normal((draws, len(seen))) * np.sqrt(surrogate.noise)
    weights = surrogate.solve((surrogate.y - flat[:, seen] - noise).T)
    for start in range(0, len(space), BLOCK):
        check()
        index = np.arange(start, min(start + BLOCK, len(space)))
        flat[:, index] += (surrogate.kernel(features(space.codes(index), letters), surrogate.x) @ weights).T
    return np.asarray(flat + surrogate.mean)
