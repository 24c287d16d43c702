"""What a run will cost, before it is started: exact in oracle calls, rough in time."""

from __future__ import annotations

from dataclasses import dataclass

from domains.catalog import entry
from poets_core.spec import (
    BestOfReferenceSettings,
    GaussianProcessSettings,
    KLThompsonSettings,
    PoetsSettings,
    PolicyGradientSettings,
    SearchSpec,
    ToSFiTSettings,
)

# Seconds on one core of a busy machine, fitted to short runs of five problems: right to within a factor of
# three, which is what the page says. A GPU or a large model moves them further.
START = 12.0
TOKEN = {"library": 2.7e-6, "protein": 6.5e-5, "circuit": 3.5e-5}
OTHER_TOKEN = 1e-3
ORACLE = {
    "protein/ehrlich": 2e-4,
    "protein/instability": 2e-4,
    "protein/landscape": 1e-5,
    "quantum/artificial-7q": 2e-3,
    "quantum/tfim-6": 0.2,
}
OTHER_ORACLE = 1e-2
GAUSSIAN, GAUSSIAN_ROUND = (GaussianProcessSettings, BestOfReferenceSettings, KLThompsonSettings), 1.0
"""Methods that fit a Gaussian process, and what that takes a round."""


@dataclass(frozen=True)
class Cost:
    """An estimate.

    Attributes:
        calls: oracle calls, exact unless the run ends early.
        drawn: designs that the branches write to choose from, at most.
        trained: gradient steps in all.
        seconds: middle of the estimate.
    """

    calls: int
    drawn: int
    trained: int
    seconds: float


def tokens_of(spec: SearchSpec) -> int:
    """Return the longest design of a run's problem in tokens, as far as its parameters tell.

    Gates of a circuit are three words each; a table does not say how long its
    variants are before it is read, so that they count as 32.
    """
    known = {p.name: p.default for p in entry(spec.problem.name).parameters} | dict(spec.problem.params)
    for name, tokens in (("length", 1), ("max_ops", 3)):
        if isinstance(value := known.get(name), int):
            return value * tokens
    if isinstance(value := known.get("max_cx"), int):
        return 3 * (6 + 3 * value)
    return len(str(known.get("wild_type") or "")) or 32


def estimate(spec: SearchSpec, tokens: int | None = None) -> Cost:
    """Estimate a run.

    Args:
        spec: the run.
        tokens: length of a design, in tokens; None: what the problem's parameters say.

    Raises:
        InvalidSpec: unknown problem.
    """
    search, calls = spec.search, spec.budget.calls
    tokens = tokens_of(spec) if tokens is None else tokens
    drawn, trained, minibatch = calls, 0, 0
    if isinstance(search, PoetsSettings | GaussianProcessSettings):
        drawn *= max(1, round(search.pool * (1 - search.edit_share)))
    elif isinstance(search, BestOfReferenceSettings):
        drawn *= search.pool
    if isinstance(search, PoetsSettings | PolicyGradientSettings):
        trained, minibatch = spec.budget.rounds * search.steps, search.minibatch
    drawn += trained * minibatch if isinstance(search, ToSFiTSettings) else 0  # it learns from fresh samples
    token = TOKEN.get(spec.backbone.source, OTHER_TOKEN)
    # Backward costs about three forwards; every branch scores every observation and every pooled design.
    seconds = START + calls * ORACLE.get(spec.problem.name, OTHER_ORACLE)
    seconds += drawn * tokens * token
    if isinstance(search, PoetsSettings):
        seconds += calls * search.pool * search.branches * tokens * token
    seconds += 3 * trained * minibatch * search.policies * tokens * token
    if isinstance(search, GAUSSIAN):
        seconds += spec.budget.rounds * GAUSSIAN_ROUND
    if spec.backbone.source == "library":
        seconds += spec.backbone.steps * 0.02 * spec.backbone.layers * (spec.backbone.width / 32)
    return Cost(calls, drawn, trained, seconds)
