"""The Gaussian process over BLOSUM62 features: what protein engineers give theirs, as a rival of its own."""

from __future__ import annotations

from functools import cache

import numpy as np
from Bio.Align import substitution_matrices

from domains.protein.alphabet import LETTERS
from poets_core.search.rivals.gaussian_process import GPSearch
from poets_core.search.rivals.surrogate import JITTER, Surrogate, fit_surrogate
from poets_core.search.space import ProductSpace
from poets_core.types import F8, I8

COMPONENTS = 8
"""Of the matrix; they hold four fifths of its variance."""


@cache
def residues() -> F8:
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

    def _features(self, space: ProductSpace, codes: I8) -> F8:
        return features(codes, self._letters(space))

    def _drawn(self, space: ProductSpace, surrogate: Surrogate, seen: I8, n: int, rng: np.random.Generator) -> F8:
        letters = self._letters(space)
        roots = [np.linalg.cholesky(correlations(own, surrogate.length)) for own in letters]
        check = self.ensemble.check
        return surrogate.sample_product(roots, lambda codes: features(codes, letters), space, seen, n, rng, check)

    def _fit(self, x: F8, y: F8) -> Surrogate:
        # The parameters that `_learn` tunes are those of one-hot features: here they are only where tuning begins.
        return fit_surrogate(x, y, self._theta)

    def _letters(self, space: ProductSpace) -> list[F8]:
        """Components of the residues that may stand at each position."""
        text = self.ensemble.backbone.text
        return [residues()[[LETTERS.index(text([int(t)])) for t in own]] for own in space.options]


def features(codes: I8, letters: list[F8]) -> F8:
    """Return features of designs, (n, L x COMPONENTS)."""
    return np.concatenate([own[codes[:, k]] for k, own in enumerate(letters)], axis=1)


def correlations(letters: F8, length: float) -> F8:
    """Return the correlation of the letters of one position under the kernel, (K, K), fit for a Cholesky factor."""
    square = ((letters[:, None] - letters[None]) ** 2).sum(2)
    return np.asarray(np.exp(-square / (2.0 * length**2)) + JITTER * np.eye(len(letters)))
