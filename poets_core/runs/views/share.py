"""How many runs of a group found the best possible value: what a mean of best values hides.

Two groups with one mean can differ in it: every run close to the maximum, or half of the runs there and half far off.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

ROUNDING = 1e-9
"""A value counts as the optimum if it misses it by no more than this, relative to the optimum or to 1."""
Z = 1.959963984540054
"""Of a 95 % interval: the normal distribution's 97.5 % quantile."""


def reaches(best: float | None, optimum: float, *, sign: float = 1.0, rounding: float = ROUNDING) -> bool:
    """Whether a run's best value is the best possible one, up to rounding.

    Args:
        best: of the run, in the objective's unit; None or NaN where nothing was valid.
        optimum: the problem's own, known exactly.
        sign: +1 if larger values are better, -1 if smaller ones are.
        rounding: what the value may miss it by, for values that were stored with fewer digits.
    """
    return best is not None and sign * best >= sign * optimum - rounding * max(1.0, abs(optimum))


@dataclass(frozen=True)
class Share:
    """So many of n runs, with Wilson's 95 % interval of the probability behind them.

    Wilson's interval (1927) stays inside 0 to 1 and is not empty at 0 or n of n, where mean ± error would claim
    certainty.

    Attributes:
        reached: runs that found the best possible value.
        n: runs in all.
    """

    reached: int
    n: int

    @classmethod
    def of(cls, runs: Iterable[bool]) -> Share:
        """Count runs, each with whether it got there."""
        each = list(runs)
        return cls(sum(each), len(each))

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self._end(-1.0)

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self._end(1.0)

    def _end(self, side: float) -> float:
        if self.n == 0:
            return 0.0 if side < 0 else 1.0
        share, z2 = self.reached / self.n, Z**2
        half = Z * math.sqrt((share * (1.0 - share) + z2 / (4.0 * self.n)) / self.n)
        return min(1.0, max(0.0, (share + z2 / (2.0 * self.n) + side * half) / (1.0 + z2 / self.n)))

    def as_data(self) -> dict[str, float | int]:
        """Return it as JSON data."""
        return {"reached": self.reached, "n": self.n, "low": self.low, "high": self.high}

    def __str__(self) -> str:
        """``"3 of 5 (23–88 %)"``; ``"none"`` of no runs."""
        if self.n == 0:
            return "none"
        return f"{self.reached} of {self.n} ({100 * self.low:.0f}–{100 * self.high:.0f} %)"
