"""What a run will cost, before it is started: exact in oracle calls, rough in time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from domains.catalog import backbones, entry
from poets_core.errors import InvalidSpec
from poets_core.runs.room import available_bytes, on_cpu
from poets_core.spec import (
    BestOfReferenceSettings,
    BoostingSettings,
    GaussianProcessSettings,
    KLThompsonSettings,
    PoetsSettings,
    PolicyGradientSettings,
    SearchSpec,
    StringProcessSettings,
    ToSFiTSettings,
)
from poets_core.spec.memory import Memory, estimate_memory, library_size, model_size

# Seconds on one core of a busy machine, fitted to short runs of five problems: right to within a factor of
# three, which is what the page says. A GPU or a large model moves them further.
START = 12.0
# What an oracle call and a token of a shipped backbone take, their science says (`domains.entry`).
LIBRARY_TOKEN, OTHER_TOKEN = 2.7e-6, 1e-3
SURROGATE_ROUND = {
    GaussianProcessSettings: 1.0,
    BestOfReferenceSettings: 1.0,
    KLThompsonSettings: 1.0,
    BoostingSettings: 4.0,
    StringProcessSettings: 4.0,
}
"""What fitting a surrogate and drawing from it takes a round, by the method that does."""


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
    """Return the longest design of a run's problem in tokens, as far as its parameters tell."""
    problem = entry(spec.problem.name)
    return problem.tokens({p.name: p.default for p in problem.parameters} | dict(spec.problem.params))


def memory(spec: SearchSpec) -> Memory | None:
    """Return what memory a run needs, None where its model does not say how large it is."""
    source = spec.backbone.source
    shipped = backbones().get(source)
    folder = shipped.folder if shipped else Path(source)
    model = library_size(spec) if source == "library" else model_size(folder)
    return None if model is None else estimate_memory(spec, model, tokens_of(spec))


def too_large(spec: SearchSpec) -> dict[str, str]:
    """Say by field why a run cannot fit into this machine's memory; nothing where it does."""
    needed = memory(spec)
    try:
        if needed is not None and on_cpu(spec.device):
            needed.refuse(available_bytes())
    except InvalidSpec as error:
        return error.fields
    return {}


def token_seconds(source: str) -> float:
    """Return what one token of one design takes, by the source of the backbone."""
    if source == "library":
        return LIBRARY_TOKEN
    shipped = backbones().get(source)
    return shipped.seconds if shipped else OTHER_TOKEN


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
    if isinstance(search, PoetsSettings | GaussianProcessSettings | BoostingSettings | StringProcessSettings):
        drawn *= max(1, round(search.pool * (1 - search.edit_share)))
    elif isinstance(search, BestOfReferenceSettings):
        drawn *= search.pool
    if isinstance(search, PoetsSettings | PolicyGradientSettings):
        trained, minibatch = spec.budget.rounds * search.steps, search.minibatch
    drawn += trained * minibatch if isinstance(search, ToSFiTSettings) else 0  # it learns from fresh samples
    token = token_seconds(spec.backbone.source)
    # Backward costs about three forwards; every branch scores every observation and every pooled design.
    seconds = START + calls * entry(spec.problem.name).seconds
    seconds += drawn * tokens * token
    if isinstance(search, PoetsSettings):
        seconds += calls * search.pool * search.branches * tokens * token
    seconds += 3 * trained * minibatch * search.policies * tokens * token
    seconds += spec.budget.rounds * SURROGATE_ROUND.get(type(search), 0.0)
    if spec.backbone.source == "library":
        seconds += spec.backbone.steps * 0.02 * spec.backbone.layers * (spec.backbone.width / 32)
    return Cost(calls, drawn, trained, seconds)
