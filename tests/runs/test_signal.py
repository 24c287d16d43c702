"""Data that cannot tell variants apart are called so, and those that can are not."""

from __future__ import annotations

import random

import numpy as np
import pytest

from poets_core.runs.views.fold import CandidateView, RunView
from poets_core.runs.views.run import Best
from poets_core.runs.views.signal import Signal, signal_of
from poets_core.types import Objective, ProblemInfo

LETTERS = "ACDEFGHIKLMNPQRSTVWY"


def view(values: dict[str, float], *, std: float = 0.0, wells: int = 1, expected: dict[str, float] | None = None,
         parent: float | None = None) -> RunView:  # fmt: skip
    info = ProblemInfo(
        "x/y",
        "x",
        "X",
        (Objective("v", ""),),
        answered_by="people",
        facts={"wild_type_value": parent} if parent else {},
    )
    candidates = {
        f"0-{k}": CandidateView(
            f"0-{k}", 0, 0, "branch", 0, design, design, None, None, None, None, value=value, valid=True, std=std,
            details={"wells": wells}, expected=(expected or {}).get(design),
        )
        for k, (design, value) in enumerate(values.items())
    }  # fmt: skip
    best = max(candidates.values(), key=lambda c: c.value or 0.0)
    return RunView(info=info, candidates=candidates, best=Best(best.value or 0.0, best.design, best.id))


def designs(n: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return list(dict.fromkeys("".join(rng.choice(LETTERS[:6]) for _ in range(4)) for _ in range(2 * n)))[:n]


def additive(design: str) -> float:
    return float(sum(np.sin(3 * i + LETTERS.index(c)) for i, c in enumerate(design)))


def found(made: RunView) -> Signal:
    signal = signal_of(made)
    assert signal is not None
    return signal


@pytest.mark.parametrize("seed", range(5))
def test_a_landscape_has_a_signal_and_noise_has_none(seed: int) -> None:
    names, rng = designs(96, seed), np.random.default_rng(seed)
    real = found(view({d: additive(d) for d in names}))
    assert not real.none
    assert real.lines() == []
    assert real.correlation is not None
    assert real.correlation > 0.5
    noise = found(view({d: float(v) for d, v in zip(names, rng.normal(size=len(names)), strict=True)}))
    assert noise.correlation is not None
    assert abs(noise.correlation) < 0.35


def test_noise_is_called_noise_as_often_as_its_interval_says() -> None:
    said = []
    for seed in range(100):
        names, rng = designs(60, seed), np.random.default_rng(1000 + seed)
        said.append(found(view(dict(zip(names, rng.normal(size=60).tolist(), strict=True)))).none)
    assert np.mean(said) > 0.9


def test_what_the_search_predicted_counts_where_it_has() -> None:
    names = designs(40, 1)
    values = {d: additive(d) for d in names}
    right = found(view(values, expected=values))
    assert right.predicted
    assert not right.none
    backwards = found(view(values, expected={d: -v for d, v in values.items()}))
    assert backwards.none
    assert "predicted by the search" in backwards.lines()[0]


def test_replicates_as_far_apart_as_designs() -> None:
    names, rng = designs(40, 2), np.random.default_rng(2)
    wells = 0.3 * rng.normal(size=(40, 3))
    error = float(wells.std(axis=1, ddof=1).mean() / np.sqrt(3))
    nothing = found(view(dict(zip(names, wells.mean(axis=1).tolist(), strict=True)), std=error, wells=3))
    assert nothing.replicates is not None
    assert nothing.replicates > 0.01
    real = {d: additive(d) + float(w) for d, w in zip(names, wells.mean(axis=1), strict=True)}
    assert found(view(real, std=error, wells=3)).replicates < 1e-6  # type: ignore[operator]


def test_the_parent_is_beaten_or_not() -> None:
    values = {d: additive(d) for d in designs(30, 3)}
    top = max(values.values())
    assert found(view(values, parent=top + 1.0)).beaten is False
    assert found(view(values, parent=top - 1.0)).beaten is True
    assert found(view(values)).beaten is None
    assert signal_of(view(dict(list(values.items())[:5]))) is None
