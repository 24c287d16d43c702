"""Where standardised rewards have their zero and their one, and how a reward is turned back into a value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poets_core.types import Direction

WINSOR = 5.0
"""Rewards further than this from 0 are drawn in."""
HEADROOM = 2.0
"""Room above `WINSOR` that the best designs are compressed into."""
DEVIATIONS = 2.0
"""Deviations on either side of a mean that a predicted interval takes in."""


@dataclass(frozen=True)
class RewardUnit:
    """An increasing map from values, signed so that larger is better, to rewards of about unit spread.

    Attributes:
        sign: +1 to maximise, -1 to minimise.
        log: whether values are taken to their logarithm first.
        location, scale: of the transformed values.
    """

    sign: float
    log: bool
    location: float
    scale: float

    def value(self, reward: float) -> float | None:
        """Return the value that has a reward, in the objective's own unit.

        The lowest reward that values have is -`WINSOR`, and lower ones are taken for it: all values below count as
        equally bad. Rewards approach `WINSOR` + `HEADROOM` and never reach it; from there on there is no value: None.
        """
        z = max(reward, -WINSOR)
        if z > WINSOR:
            # The top is compressed by o / (1 + o); solved for o.
            share = (z - WINSOR) / HEADROOM
            if share >= 1.0:
                return None
            z = WINSOR + HEADROOM * share / (1.0 - share)
        x = z * self.scale + self.location
        try:
            found = math.exp(x) if self.log else self.sign * x
        except OverflowError:
            return None
        return found if math.isfinite(found) else None

    def interval(self, mean: float, std: float) -> tuple[float | None, float | None]:
        """Return the values at `DEVIATIONS` below and above a predicted reward, the smaller value first.

        Where the map is no straight line the interval is not symmetric about the value of the mean. An end is None
        where no value has so large a reward.
        """
        ends = self.value(mean - DEVIATIONS * std), self.value(mean + DEVIATIONS * std)
        return ends if self.sign > 0 else (ends[1], ends[0])


def unit_of(metrics: Mapping[str, Any], direction: Direction) -> RewardUnit | None:
    """Read the unit of rewards out of the figures of a round; None where these do not state it.

    Args:
        metrics: of `updated`: ``reward_location``, ``reward_scale`` and ``reward_log`` are read.
        direction: which way the objective is better.
    """
    location, scale, log = (metrics.get(f"reward_{name}") for name in ("location", "scale", "log"))
    if not isinstance(location, int | float) or not isinstance(scale, int | float) or not isinstance(log, bool):
        return None
    return RewardUnit(1.0 if direction == "maximise" else -1.0, log, float(location), float(scale))
