"""The rule that chooses a preset, on runs made for it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poets_core.spec import PoetsSettings
from poets_core.spec.preset_rule import FEWEST_CALLS, advise, evidence
from poets_core.spec.presets import PRESETS

ROUNDS, BATCH = 12, 32
POETS = PoetsSettings()


def values(gain: float, levels: int | None = None, sign: float = 1.0) -> list[float]:
    """Values of a run whose rounds improve by `gain` each."""
    rng = np.random.default_rng(0)
    v = np.concatenate([rng.uniform(0, 1, BATCH) + gain * r for r in range(ROUNDS)])
    return (sign * (v if levels is None else np.round(v * levels) / levels)).tolist()


def rounds(js: float) -> list[dict[str, float]]:
    return [{"js_sequence": 1.0}] * (ROUNDS - 1) + [{"js_sequence": js}]


@pytest.mark.parametrize(
    ("told", "preset"),
    [
        ((values(1.0), BATCH, POETS, rounds(1.5)), "default"),
        ((values(1.0), BATCH, POETS, rounds(0.01)), "default"),  # agreed, but still improving
        ((values(-1.0), BATCH, POETS, rounds(1.5)), "default"),  # stalled, but branches still differ
        ((values(-1.0), BATCH, POETS, rounds(0.01)), "explore"),
        ((values(0.0, levels=4), BATCH, POETS, rounds(0.01)), "plateau"),
        ((values(1.0, sign=-1.0), BATCH, POETS, rounds(0.01), -1.0), "default"),
        ((values(-1.0), BATCH, PoetsSettings(prior_scale=3.0, tempering=1.0), rounds(1.5)), "explore"),
        ((values(-1.0), BATCH, PoetsSettings(branches=1), rounds(0.0)), "default"),  # one branch agrees with itself
        ((values(0.0, levels=4), BATCH, PoetsSettings(allow_repeats=True), rounds(1.5)), "default"),
        (([None] * 500, BATCH, POETS, rounds(0.0)), "default"),
    ],
)
def test_what_a_run_speaks_for(told, preset):
    found = advise(evidence(*told))
    assert found.preset == preset
    assert found.reason.endswith(".")
    assert found.preset in PRESETS


def test_short_or_missing_runs_advise_the_default():
    assert advise(None).preset == "default"
    short = evidence(values(-1.0)[: FEWEST_CALLS - 1], BATCH, POETS, rounds(0.0))
    assert advise(short).preset == "default"
    assert str(FEWEST_CALLS - 1) in advise(short).reason


def test_evidence_counts_what_it_says():
    told = [1.0, None, 2.0, 1.0, 3.0, 3.0, 3.0, 4.0]  # best of four rounds of two: 1, 2, 3, 4
    found = evidence(told, 2, PoetsSettings(branches=4), [{"js_sequence": math.log(4) / 2}])
    assert (found.calls, found.levels, found.improving) == (7, 4 / 7, 1.0)
    assert found.agreement == pytest.approx(0.5)


EXACT = {"exact": True, "whole_space": True}


@pytest.mark.parametrize(
    ("gain", "levels", "facts", "preset"),
    [
        (-1.0, None, EXACT, "default"),  # stalled; but its branches always write alike
        (-1.0, None, {"exact": True, "whole_space": False}, "default"),
        (0.0, 4, EXACT, "default"),  # plateaus; but nobody edits who scores the whole space
        (0.0, 4, {"exact": True, "whole_space": False}, "plateau"),
        (-1.0, None, {"exact": False, "whole_space": True}, "explore"),
    ],
)
def test_runs_that_learnt_exactly_are_not_sent_to_settings_that_do_nothing(gain, levels, facts, preset):
    found = advise(evidence(values(gain, levels), BATCH, POETS, rounds(0.01), facts=facts))
    assert found.preset == preset
    assert ("exactly" in found.reason) == (preset == "default")
    assert "agreeing" not in found.reason or preset == "explore"
