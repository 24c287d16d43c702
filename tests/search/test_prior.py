"""The scale of the prior adapters, on ensembles whose spread is a known function of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from poets_core.errors import Diverged
from poets_core.fit.prior_adapter import MOST_STEPS, SECANT_STEPS, TOLERANCE, calibrate_prior, spread
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.likelihood import Encoded, LogProb
from poets_core.lm.states import TrunkStates

BETA = 0.1


class Stack(BranchEnsemble):
    """Branches whose log probabilities deviate by a function of the factor."""

    def __init__(self, deviation: Callable[[float], float], branches: int = 4) -> None:
        self.deviation, self.factor, self.asked = deviation, 1.0, 0
        shape = np.random.default_rng(3).standard_normal((branches, 16))
        self.unit = shape / spread(shape, np.zeros(16, dtype=np.int64))
        self.stack = self

    def set_prior_factor(self, factor: float) -> None:
        self.factor = factor

    def log_prob(self, samples: Encoded) -> LogProb:
        self.asked += 1
        return LogProb(self.deviation(self.factor) * self.unit / BETA, np.zeros(16))


def calibrated(stack: Stack, target: float) -> float:
    zeros = np.zeros(16, dtype=np.int64)
    samples = Encoded(zeros[:, None], zeros + 1, zeros, zeros, zeros[:, None], TrunkStates(), np.zeros(16))
    return calibrate_prior(stack, samples, beta=BETA, target=target)


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0, 2.2, 4.0])
@pytest.mark.parametrize("target", [0.3, 1.0, 3.0])
def test_the_spread_that_was_asked_for(power: float, target: float) -> None:
    stack = Stack(lambda f: 0.6 * f**power)
    factor = calibrated(stack, target)
    assert 0.6 * factor**power == pytest.approx(target, rel=TOLERANCE)
    assert stack.factor == factor


def test_where_secants_only_step_from_side_to_side_the_bracket_is_halved() -> None:
    """As among proteins of 60 residues at a spread of 3: it grows as nearly the square of the factor."""
    stack = Stack(lambda f: 0.6 * f**1.95)
    assert 0.6 * calibrated(stack, 3.0) ** 1.95 == pytest.approx(3.0, rel=TOLERANCE)
    assert SECANT_STEPS < stack.asked < MOST_STEPS


def test_no_prior_is_no_work_and_a_spread_out_of_reach_is_said() -> None:
    stack = Stack(lambda f: min(f, 2.0))
    assert calibrated(stack, 0.0) == 0.0 == stack.factor
    assert stack.asked == 0
    with pytest.raises(Diverged, match=r"spread of 3\.0, got 2"):
        calibrated(stack, 3.0)
