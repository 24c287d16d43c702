"""How values in their own unit become the standardised rewards that the loss takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from poets_core.errors import InvalidSpec
from poets_core.reward import HEADROOM, WINSOR, RewardUnit
from poets_core.types import F8, Direction

INVALID_STEP = 0.1
"""Distance of an invalid design below the worst valid one, in reward standard deviations."""
SKEWED = 1.0
"""Skewness of values from which on `"auto"` takes logarithms."""


@dataclass(frozen=True)
class RewardScale(RewardUnit):
    """How values become rewards; `RewardUnit` says how rewards become values again.

    Attributes:
        sign, log, location, scale: see `RewardUnit`.
        floor: smallest value that is told apart under the logarithm.
        invalid: reward of an invalid design: just below the worst valid one.
    """

    floor: float
    invalid: float

    def rewards(self, values: Float64[np.ndarray, " N"], valid: Bool[np.ndarray, " N"]) -> Float64[np.ndarray, " N"]:
        """Return the reward of each value; invalid ones get `invalid`."""
        out = np.full(len(values), self.invalid)
        out[valid] = self._valid(values[valid])
        return out

    def _valid(self, values: F8) -> F8:
        x = np.log(np.maximum(values, self.floor)) if self.log else self.sign * values
        z = np.maximum((x - self.location) / self.scale, -WINSOR)
        # What is very bad is cut: one wild failure must not decide what all branches learn. The top is only compressed,
        # so that the best designs stay told apart.
        over = np.maximum(z - WINSOR, 0.0) / HEADROOM
        return np.asarray(np.where(z > WINSOR, WINSOR + HEADROOM * over / (1.0 + over), z))


def fit_scale(
    values: Float64[np.ndarray, " N"], valid: Bool[np.ndarray, " N"], *, direction: Direction, transform: str
) -> RewardScale:
    """Fit the reward scale to all observations so far.

    `"log"` is for non-negative skewed values that are maximised; `"auto"`
    chooses it when every value is non-negative and the skewness exceeds one.
    Location and scale are mean and deviation after values further than
    `WINSOR` robust deviations from the median have been drawn in to there.

    Args:
        values: first objective, in its own unit.
        valid: which of them are values.
        direction: which way is better.
        transform: ``"auto"``, ``"z"`` or ``"log"``.

    Raises:
        InvalidSpec: the logarithm was asked for and values are negative.
    """
    sign = 1.0 if direction == "maximise" else -1.0
    v = values[valid]
    if len(v) == 0:
        return RewardScale(sign, False, location=0.0, scale=1.0, floor=0.0, invalid=0.0)
    if transform == "log" and v.min() < 0:
        raise InvalidSpec(
            f"Expected no negative values with search.transform='log', got {v.min():.4g}. Use 'auto' or 'z'."
        )
    log = transform == "log" or (transform == "auto" and sign > 0 and bool(v.min() >= 0) and _skewness(v) > SKEWED)
    log = log and sign > 0 and bool((v > 0).any())
    floor = _floor(v) if log else 0.0
    x = np.log(np.maximum(v, floor)) if log else sign * v
    location, scale = _moments(x)
    # An invalid design is as bad as the worst valid one and a little more. A fixed penalty would be a hundred
    # deviations for one problem and none for another.
    bare = RewardScale(sign, log, location, scale, floor, invalid=0.0)
    worst = float(bare._valid(v).min())
    return RewardScale(sign, log, location, scale, floor, invalid=worst - INVALID_STEP)


def _moments(x: F8) -> tuple[float, float]:
    """Mean and deviation of the winsorised values; the deviation of equal values is taken as 1."""
    low, middle, high = np.quantile(x, [0.25, 0.5, 0.75])
    if high > low:
        # One lucky measurement, or one that failed, must not set the scale of all others.
        reach = WINSOR * (high - low) / 1.349  # the interquartile range of a normal is 1.349 deviations
        x = np.clip(x, middle - reach, middle + reach)
    location, deviation = float(x.mean()), float(x.std())
    return location, deviation if deviation > 1e-9 * max(1.0, abs(location)) else 1.0


def _skewness(v: F8) -> float:
    centred = v - v.mean()
    deviation = float(np.sqrt((centred**2).mean()))
    # The cube of what is next to nothing is nothing.
    return float((centred**3).mean() / cube) if (cube := deviation**3) > 0 else 0.0


def _floor(v: F8) -> float:
    """Values below a tenth of the upper decile count as one: near an assay's zero ratios mean nothing."""
    top = float(np.quantile(v, 0.9))
    return 0.1 * (top if top > 0 else float(v.max()))
