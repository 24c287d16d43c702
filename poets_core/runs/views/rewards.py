"""A run that learns from verifiable rewards, as pages and the command line see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from poets_core.runs.events import Event, Updated
from poets_core.runs.reward_events import Answered, RewardsBegun, SampledAnswer, ShownPrompt
from poets_core.types import BEFORE

Metrics = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RewardsView:
    """What is known of a run beside its rounds.

    Attributes:
        task, given: see `poets_core.runs.reward_events.RewardsBegun`.
        prompts: those whose answers are kept.
        untrained: figures of the base model before anything was learnt; empty before they are there.
        untrained_answers: of the base model.
        answers: of the branches, after the last round whose answers were kept; answered: that round, from 0.
    """

    task: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    prompts: Sequence[ShownPrompt] = ()
    untrained: Metrics = field(default_factory=dict)
    untrained_answers: Sequence[SampledAnswer] = ()
    answers: Sequence[SampledAnswer] = ()
    answered: int | None = None

    def add(self, event: Event) -> RewardsView:
        """Return the view with an event folded onto it; kinds that say nothing of it leave it as it is."""
        match event:
            case Updated() if event.round == BEFORE:
                return replace(self, untrained=event.metrics)
            case Answered() if event.round == BEFORE:
                return replace(self, untrained_answers=event.answers)
            case Answered():
                return replace(self, answers=event.answers, answered=event.round)
        return self


def begun(event: RewardsBegun) -> RewardsView:
    """Return the view of a run that has just begun."""
    return RewardsView(event.task, event.given, event.samples)


def judged(rounds: Sequence[Updated]) -> list[Updated]:
    """Return the rounds after which the branches were judged."""
    return [r for r in rounds if "train_solved" in r.metrics]


def solved(metrics: Metrics, split: str) -> float | None:
    """Return the share of right answers, of ``"held_out"`` or ``"train"``; None where nothing was judged.

    Every judged prompt has equally many answers, so levels are weighed by their numbers of judged answers.
    """
    shares, counts = metrics.get(f"{split}_solved") or {}, metrics.get(f"{split}_judged") or {}
    total = sum(counts.get(level, 0) for level in shares)
    return sum(share * counts.get(level, 0) for level, share in shares.items()) / total if total else None


def rewards_summary(view: RewardsView, rounds: Sequence[Updated]) -> dict[str, Any]:
    """Return such a run in a dozen numbers, as JSON data (`show --json`)."""
    last = next((r.metrics for r in reversed(judged(rounds))), view.untrained)
    figures = ("held_out_reward", "train_reward", "gap", "vote", "best", "kl", "entropy", "divergence")
    return {
        "task": view.task.get("name"),
        "rounds": len(rounds),
        "held_out_solved": solved(last, "held_out"),
        "untrained_held_out_solved": solved(view.untrained, "held_out"),
        "untrained_held_out_reward": view.untrained.get("held_out_reward"),
        **{name: last.get(name) for name in figures},
        "answers": sum(r.metrics.get("answers") or 0 for r in rounds),
    }
