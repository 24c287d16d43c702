"""The events of a run that learns from rewards: whether rounds, figures and kept answers fit together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from poets_core.intake import shown
from poets_core.runs.events import Recorded, Updated
from poets_core.runs.reward_events import Answered, RewardsBegun
from poets_core.runs.verify.finding import Finding
from poets_core.spec import RewardsSpec
from poets_core.types import BEFORE, REFERENCE

EVENTS = "events.jsonl"
SHARES = ("train_reward", "held_out_reward", "vote", "best")
"""Figures that are means of rewards from 0 to 1."""


def learnt(events: Sequence[Recorded], spec: RewardsSpec) -> Iterator[Finding]:
    """Yield what cannot be in the log of such a run.

    Args:
        events: of the run.
        spec: of the run.
    """
    begun: RewardsBegun | None = None
    # The untrained model is judged before the first round, and rounds follow one another without a gap.
    last = BEFORE - 1
    for line in events:
        row = f"event {line.seq} ({line.kind})"
        match line.event:
            case RewardsBegun() as event:
                if begun is not None:
                    yield Finding(EVENTS, "Expected it once, got it again.", row)
                begun = event
            case Updated() as event:
                if event.round != last + 1 or begun is None:
                    wanted = "what is learnt first" if begun is None else f"round {last + 1}"
                    yield Finding(EVENTS, f"Expected {wanted}, got round {event.round}.", row, "round")
                if event.round >= spec.rewards.rounds:
                    said = f"Expected at most {spec.rewards.rounds:,} rounds as in the spec, got round {event.round}."
                    yield Finding(EVENTS, f"{said} The first one is 0.", row, "round")
                last = event.round
                for name in SHARES:
                    if not _share(value := event.metrics.get(name)):
                        said = f"Expected a number from 0 to 1, got {shown(value)}."
                        yield Finding(EVENTS, said, row, f"metrics.{name}")
            case Answered() as event:
                if event.round != last:
                    yield Finding(EVENTS, f"Expected round {last}, got round {event.round}.", row, "round")
                for field, message in _kept(event, begun, spec):
                    yield Finding(EVENTS, message, row, field)


def _kept(event: Answered, begun: RewardsBegun | None, spec: RewardsSpec) -> Iterator[tuple[str, str]]:
    """Yield field and message of what cannot be in kept answers."""
    prompts = len(begun.samples) if begun is not None else 0
    branches = (REFERENCE,) if event.round == BEFORE else range(spec.rewards.branches)
    for k, answer in enumerate(event.answers):
        if not 0 <= answer.shown < prompts:
            yield f"answers.{k}.shown", f"Expected one of {prompts:,} prompts that are shown, got {answer.shown}."
        if answer.branch not in branches:
            who = "the untrained model, -1" if event.round == BEFORE else f"a branch below {spec.rewards.branches}"
            yield f"answers.{k}.branch", f"Expected {who}, got {answer.branch}."
        if not _share(answer.reward):
            yield f"answers.{k}.reward", f"Expected a reward from 0 to 1 or null, got {answer.reward!r}."


def _share(value: object) -> bool:
    # A mean of rewards may be off by the rounding of its sum.
    return value is None or (isinstance(value, int | float) and -1e-9 <= value <= 1 + 1e-9)
