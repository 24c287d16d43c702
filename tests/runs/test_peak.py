"""A search past its peak: said when it is so, and not by chance, on series whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from poets_core.runs.events import Event, Observed, Prepared, Proposed
from poets_core.runs.views.fold import RunView, fold
from poets_core.runs.views.peak import FEWEST_ROUNDS, Peak, past_peak
from tests.logs import claimed, recorded
from tests.pages import written

BATCH = 8


def run_of(rounds: np.ndarray, direction: str = "maximise") -> RunView:
    """A run whose rounds have these values, f8 (rounds, batch), without going through its events."""
    sign = 1 if direction == "maximise" else -1
    flat = rounds.ravel()
    best = np.maximum.accumulate(sign * flat)
    return RunView(
        info=written.info(direction=direction),
        order=[f"{r}-{s}" for r in range(len(rounds)) for s in range(rounds.shape[1])],
        records=np.flatnonzero(np.diff(best, prepend=-np.inf) > 0).tolist(),
        round_totals={r: (float(values.sum()), len(values)) for r, values in enumerate(rounds)},
    )


def folded(rounds: np.ndarray) -> RunView:
    """The same out of the events that a worker would write."""
    body: list[Event] = [claimed(), Prepared(written.info(), {"source": "library"})]
    for r, values in enumerate(rounds.tolist()):
        body.append(Proposed(r, tuple(written.candidate(r, s) for s in range(len(values)))))
        body += [Observed(r, f"{r}-{s}", f"{r}-{s}", (v,), (0.0,), True, "") for s, v in enumerate(values)]
    return fold(recorded(body))


def noisy(means: np.ndarray, seed: int, spread: float = 0.1) -> np.ndarray:
    """Values around the means of rounds, f8 (rounds, batch)."""
    rng = np.random.default_rng(seed)
    return means[:, None] + spread * rng.standard_normal((len(means), BATCH))


def rise_and_fall(rounds: int, top: float = 0.72, end: float = 0.17) -> np.ndarray:
    """Means that climb for a third of the rounds and then come down."""
    up = rounds // 3
    return np.concatenate([np.linspace(0.1, top, up), np.linspace(top, end, rounds - up)])


@pytest.mark.parametrize("direction", ["maximise", "minimise"])
@pytest.mark.parametrize("rounds", [24, 60, 400])
def test_a_search_that_comes_down_again_is_past_its_peak(rounds: int, direction: str) -> None:
    sign = 1 if direction == "maximise" else -1
    peak = past_peak(run_of(sign * noisy(rise_and_fall(rounds), 0), direction))
    assert peak is not None
    assert peak.high * sign == pytest.approx(0.7, abs=0.1)
    assert peak.low * sign == pytest.approx(0.2, abs=0.1)
    assert peak.quiet >= rounds * BATCH / 4


def test_it_follows_from_the_events() -> None:
    values = noisy(rise_and_fall(24), 3)
    assert past_peak(folded(values)) == past_peak(run_of(values))
    assert past_peak(folded(values)) is not None


def test_it_says_how_long_nothing_better_came() -> None:
    values = noisy(rise_and_fall(30), 1)
    values[10, 3] = 5.0
    assert past_peak(run_of(values)) is not None
    assert past_peak(run_of(values)).quiet == 30 * BATCH - 1 - (10 * BATCH + 3)  # type: ignore[union-attr]


@pytest.mark.parametrize("seed", range(20))
def test_no_false_alarm_in_the_first_rounds_nor_from_chance(seed: int) -> None:
    flat, climb = np.full(60, 0.4), np.linspace(0.1, 0.9, 60)
    plateau = np.minimum(np.linspace(0.1, 1.5, 60), 0.7)
    for means in (flat, climb, plateau):
        view = run_of(noisy(means, seed))
        assert past_peak(view) is None
        assert past_peak(run_of(noisy(means[:20], seed))) is None
    for rounds in range(1, FEWEST_ROUNDS):
        assert past_peak(run_of(noisy(rise_and_fall(max(rounds, 3))[:rounds], seed))) is None


def test_a_better_design_takes_it_back() -> None:
    values = noisy(rise_and_fall(30), 2)
    assert isinstance(past_peak(run_of(values)), Peak)
    values[-1, -1] = 2.0
    assert past_peak(run_of(values)) is None
    assert past_peak(RunView()) is None
