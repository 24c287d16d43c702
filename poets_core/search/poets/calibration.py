"""Whether the branches' spread can be believed: each round is compared with its prediction before it is learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from poets_core.fit.metrics import coverage, error_correlation
from poets_core.search.reward import RewardScale
from poets_core.types import F8, Candidate, Observation

JUDGED = ("coverage", "coverage_scaled", "interval_factor", "prediction_error", "error_correlation")
LEVEL = 0.95
"""Share of values that a widened interval should hold."""
FEWEST = 20
"""Errors that have to be seen before a factor is stated."""
MEMORY = 256
"""How many of the latest errors state the factor: early in a search the spread means something else than late."""


class Calibration:
    """Judges predictions, and remembers how far off they were, in their own deviations.

    The mean ± 2 deviations of M branches covers too little as it is: branches that
    share a backbone share its errors. Widened by a factor that past rounds
    needed, the interval is a split conformal one with earlier rounds as the
    calibration set (Vovk et al. 2005); its guarantee holds as far as rounds
    are alike, which is why its coverage is measured too.
    """

    def __init__(self) -> None:
        """Start without any error seen."""
        self._errors: F8 = np.zeros(0)

    def factor(self) -> float | None:
        """Return what 2 deviations have to be multiplied by to cover 95 %; None before enough was seen."""
        n = len(self._errors)
        if n < FEWEST:
            return None
        # The next error is one of n + 1 exchangeable ones, hence n + 1 in the numerator; no interpolation, which would
        # promise less than the level.
        level = min(1.0, np.ceil((n + 1) * LEVEL) / n)
        return float(np.quantile(self._errors, level, method="higher")) / 2.0

    def judge(
        self, candidates: Sequence[Candidate], observations: Sequence[Observation], scale: RewardScale
    ) -> dict[str, float | None]:
        """Compare a round with what was predicted of it; return its figures by name (`JUDGED`).

        Args:
            candidates, observations: the round.
            scale: the reward scale that the predictions were made in.
        """
        value = np.array([o.value[0] if o.valid else np.nan for o in observations])
        valid = np.isfinite(value)
        mean = np.array([c.predicted_mean for c in candidates])[valid]
        std = np.array([c.predicted_std for c in candidates])[valid]
        seen = scale.rewards(value, valid)[valid]
        factor = self.factor()
        out = {
            "coverage": coverage(mean, std, seen),
            "coverage_scaled": None if factor is None else coverage(mean, std * factor, seen),
            "interval_factor": factor,
            "prediction_error": float(np.sqrt(np.mean((seen - mean) ** 2))) if len(seen) else None,
            "error_correlation": error_correlation(mean, std, seen),
        }
        # Added after the round was judged: no interval is widened by the errors that it is tested on.
        known = std > 0
        self._errors = np.append(self._errors, np.abs(seen - mean)[known] / std[known])[-MEMORY:]
        return out
