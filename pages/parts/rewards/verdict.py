"""The answer first: what share of held-out prompts is solved, against the untrained model, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import stdev
from typing import Any

from pages.parts.words import number, times
from poets_core.runs.events import Updated
from poets_core.runs.views.rewards import RewardsView, judged, solved

NEAR = 1.96
"""Standard errors of a 95 % interval."""
FEWEST = 10
"""Prompts from which on a deviation of differences says something."""


def percent(share: float | None) -> str:
    """Write a share: ``"34 %"``; a dash where it is not known."""
    return "–" if share is None else f"{share:.0%}".replace("%", " %")


def split_of(view: RewardsView) -> str:
    """Return which prompts tell how good the models are: held-out ones, or training prompts where none is held out."""
    return "held_out" if view.task.get("held_out") else "train"


def give_or_take(view: RewardsView, share: float) -> float:
    """Return half a 95 % interval of a share, as if each prompt had one answer: answers to one prompt are alike."""
    prompts = int(view.task.get(split_of(view)) or 0)
    if not prompts:
        return 1.0
    # Of 0 and 1 the estimate would be 0: such a share counts as one prompt away from there.
    return NEAR * sqrt(max(share * (1 - share), (1 - 1 / prompts) / prompts) / prompts)


def _near(view: RewardsView, metrics: Mapping[str, Any], now: float, before: float) -> float:
    """Return half a 95 % interval of a difference of shares: paired by prompt where both looks say what each solved."""
    key = f"{split_of(view)}_right"
    pairs = zip(metrics.get(key) or (), view.untrained.get(key) or (), strict=False)
    apart = [a - b for a, b in pairs if a is not None and b is not None]
    n = len(apart)
    if n < FEWEST or (max(apart) == min(apart)):
        return sqrt(give_or_take(view, now) ** 2 + give_or_take(view, before) ** 2)
    return NEAR * stdev(apart) / sqrt(n)


def verdict(view: RewardsView, rounds: Sequence[Updated]) -> str:
    """Say what has come of a run so far in one sentence or two."""
    split, seen = split_of(view), judged(rounds)
    before = solved(view.untrained, split)
    if not seen:
        if before is None:
            return "Nothing is judged yet. The untrained model comes first: whatever is learnt is measured by it."
        return f"The untrained model solves {percent(before)} of the {_which(view)}. The first round is under way."
    now = solved(seen[-1].metrics, split)
    if now is None:
        return (
            "No answer could be judged, so that nobody knows how good the models are. Distance and variety are below."
        )
    key = f"{split}_reward"
    if not now and not before and seen[-1].metrics.get(key):
        # Graded rewards that nobody gets in full: the share that is right says nothing.
        was = view.untrained.get(key)
        than = "" if was is None else f", {number(was, 3)} of the untrained model"
        after = times(seen[-1].round + 1, "round")
        return f"The mean reward on {_which(view)} is {number(seen[-1].metrics[key], 3)} after {after}{than}."
    said = f"{percent(now)} of the answers to {_which(view)} are right after {times(seen[-1].round + 1, 'round')}"
    if before is None:
        return f"{said}."
    points, near = 100 * (now - before), 100 * _near(view, seen[-1].metrics, now, before)
    error = f"give or take {_size(near)} (95 %)"
    compared = f"{said}, {percent(before)} of the untrained model's: {_signed(points)}, {error}."
    if abs(points) < near:
        compared += " That may be chance."
    if split == "train":
        compared += " Nothing is held out, so this may be learnt by heart."
    return compared


def _signed(points: float) -> str:
    size = f"{abs(points):.0f}"
    return "no difference" if size == "0" else f"{size} points {'more' if points > 0 else 'fewer'}"


def _size(points: float) -> str:
    return "less than 1" if points < 1 else f"{points:.0f}"


def _which(view: RewardsView) -> str:
    count = int(view.task.get(split_of(view)) or 0)
    return times(count, "held-out prompt" if split_of(view) == "held_out" else "training prompt")


def past_best(view: RewardsView, rounds: Sequence[Updated]) -> str:
    """Say that the held-out reward has been better before, where that is more than its error; "" where it has not."""
    seen = [r for r in judged(rounds) if r.metrics.get("held_out_reward") is not None]
    if len(seen) < 3:
        return ""
    best = max(seen, key=lambda r: float(r.metrics["held_out_reward"]))
    top, now = float(best.metrics["held_out_reward"]), float(seen[-1].metrics["held_out_reward"])
    if top - now < give_or_take(view, top):
        return ""
    return (
        f"The held-out reward was {number(top, 3)} after {times(best.round + 1, 'round')} and is {number(now, 3)} now: "
        "the models are past their best. Fewer rounds, a smaller replay window or a larger β keeps them there."
    )


def cards(view: RewardsView, rounds: Sequence[Updated], answers: int) -> list[tuple[str, str | None, str | None, str]]:
    """Return the figures of a run as name, value, what it is measured by, and what it means.

    Args:
        view, rounds: of the run.
        answers: that will be written to learn from.
    """
    split, seen = split_of(view), judged(rounds)
    now: dict[str, Any] = dict(seen[-1].metrics) if seen else {}
    name = "Held-out" if split == "held_out" else "Training"
    before = solved(view.untrained, split)
    share = solved(now, split)
    untrained = None if before is None else f"untrained {percent(before)}"
    written = sum(r.metrics.get("answers") or 0 for r in rounds)
    equal = rounds[-1].metrics.get("equal_groups") if rounds else None
    key = f"{split}_reward"
    return [
        (f"{name} solved", None if share is None else percent(share), untrained, "Answers with the full reward."),
        (
            f"{name} reward",
            None if now.get(key) is None else number(now[key], 3),
            None if view.untrained.get(key) is None else f"untrained {number(view.untrained[key], 3)}",
            "Mean over answers at temperature 1, 0 to 1.",
        ),
        (
            "Majority answer",
            None if now.get("vote") is None else number(now["vote"], 3),
            None if now.get("best") is None else f"best of them {number(now['best'], 3)}",
            "Reward of each held-out prompt's most frequent answer; below it that of its best one.",
        ),
        (
            "Gap",
            None if now.get("gap") is None else number(now["gap"], 3),
            "training minus held-out" if now.get("gap") is not None else None,
            "How much of the reward does not carry over to prompts that were never learnt from.",
        ),
        (
            "Answers learnt from",
            f"{written:,}" if written or answers else f"{int(view.given.get('answers') or 0):,}",
            f"of {answers:,}" if answers else "given before",
            "Written and verified; a replayed answer counts once.",
        ),
        ("All-equal groups", percent(equal), "of the last round" if equal is not None else None, "Nothing to compare."),
    ]
