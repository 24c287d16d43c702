"""What a run will cost, before it is started: exact in oracle calls, rough in time."""

from __future__ import annotations

from dataclasses import dataclass

from domains.catalog import backbones, entry
from poets_core.presets import METHODS
from poets_core.spec import RunSpec

# Seconds on one core of a busy machine, fitted to short runs of five problems: right to within a factor of
# three, which is what the page says. A GPU or a large model moves them further.
START = 12.0
# What an oracle call and a token of a shipped backbone take, their science says (`domains.entry`).
LIBRARY_TOKEN, OTHER_TOKEN = 2.7e-6, 1e-3
GAUSSIAN, GAUSSIAN_ROUND = ("gp", "gp-prior", "klts"), 1.0
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


def tokens_of(spec: RunSpec) -> int:
    """Return the longest design of a run's problem in tokens, as far as its parameters tell."""
    problem = entry(spec.problem.name)
    return problem.tokens({p.name: p.default for p in problem.parameters} | dict(spec.problem.params))


def token_seconds(source: str) -> float:
    """Return what one token of one design takes, by the source of the backbone."""
    if source == "library":
        return LIBRARY_TOKEN
    shipped = backbones().get(source)
    return shipped.seconds if shipped else OTHER_TOKEN


def estimate(spec: RunSpec, tokens: int | None = None) -> Cost:
    """Estimate a run.

    Args:
        spec: the run.
        tokens: length of a design, in tokens; None: what the problem's parameters say.

    Raises:
        InvalidSpec: unknown problem.
    """
    search, calls = spec.search, spec.budget.calls
    tokens = tokens_of(spec) if tokens is None else tokens
    reads = METHODS[search.method].reads
    branches = search.branches if "branches" in reads else 1
    edits = search.edit_share if "edit_share" in reads else 0.0
    drawn = calls * (max(1, round(search.pool * (1 - edits))) if "pool" in reads else 1)
    trained = spec.budget.rounds * search.steps if "steps" in reads else 0
    drawn += trained * search.minibatch if search.method == "tosfit" else 0  # it learns from fresh samples
    token = token_seconds(spec.backbone.source)
    # Backward costs about three forwards; every branch scores every observation and every pooled design.
    seconds = START + calls * entry(spec.problem.name).seconds
    seconds += drawn * tokens * token
    if search.method == "poets":
        seconds += calls * search.pool * branches * tokens * token
    seconds += 3 * trained * search.minibatch * branches * tokens * token
    if search.method in GAUSSIAN:
        seconds += spec.budget.rounds * GAUSSIAN_ROUND
    if spec.backbone.source == "library":
        seconds += spec.backbone.steps * 0.02 * spec.backbone.layers * (spec.backbone.width / 32)
    return Cost(calls, drawn, trained, seconds)
