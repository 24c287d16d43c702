"""Runs that learn from rewards, their events written by hand with known numbers."""

from __future__ import annotations

import os
from typing import Any

from poets_core.runs import process
from poets_core.runs.events import Event, Prepared, Updated
from poets_core.runs.reward_events import Answered, RewardsBegun, SampledAnswer, ShownPrompt
from poets_core.runs.sql import SqlStore
from poets_core.spec import RewardsSpec, parse_spec
from poets_core.types import BEFORE
from tests.logs import claimed

HELD, ROUNDS = 50, 4


def spec(**more: Any) -> RewardsSpec:
    """A run on one of the small tasks."""
    rewards = {"branches": 2, "rounds": ROUNDS, **more.pop("rewards", {})}
    task = {"name": "text/tiny", "params": {"task": "gcd", "train": 8, "held_out": HELD}}
    made = parse_spec({"version": 2, "kind": "rewards", "task": task, "rewards": rewards, **more})
    assert isinstance(made, RewardsSpec)
    return made


def figures(share: float, **more: Any) -> dict[str, Any]:
    """What is judged where so many of the held-out answers of level 2 are right, and half as many of level 10."""
    held = {"10": share / 2, "2": share}
    return {
        "train_reward": share + 0.1,
        "train_solved": {"10": share, "2": share},
        "train_judged": {"10": 16, "2": 16},
        "held_out_reward": 0.75 * share,
        "gap": 0.25 * share + 0.1,
        "vote": share,
        "best": min(1.0, 2 * share),
        "held_out_solved": held,
        "held_out_judged": {"10": 100, "2": 100},
        "kl": 0.5,
        "entropy": 1.5,
        "divergence": 0.2,
        **more,
    }


def learnt(share: float, **more: Any) -> dict[str, Any]:
    """Figures of a round."""
    own = {"prompts": 8, "answers": 64, "unknown": 0, "reward": 0.3, "equal_groups": 0.25, "replayed": 64}
    return {**own, "unknown_why": {}, **figures(share), **more}


def answer(shown: int, branch: int, text: str, reward: float | None, reason: str = "") -> SampledAnswer:
    """One that is shown."""
    return SampledAnswer(shown, branch, text, reward, reason)


def events(shares: list[float], untrained: float | None = 0.12, **last: Any) -> list[Event]:
    """Everything of a run up to the end of a round."""
    task = {"name": "text/tiny/gcd", "train": 8, "held_out": HELD, "levels": {}, "lines": ["8 prompts were read"]}
    shown = (ShownPrompt("a", "gcd 12 18=", "6", "2", True), ShownPrompt("b", "gcd 9 6=", "3", "10", True))
    out: list[Event] = [claimed(), Prepared(None, {"source": "text"}), RewardsBegun(task, {}, shown)]
    if untrained is not None:
        out.append(Updated(BEFORE, figures(untrained, kl=0.0, divergence=0.0)))
        out.append(Answered(BEFORE, (answer(0, -1, "4", 0.0), answer(1, -1, "", None, "no idea"))))
    for r, share in enumerate(shares):
        out.append(Updated(r, learnt(share, **(last if r == len(shares) - 1 else {})), "c", "", 30.0))
        both = (answer(0, 0, "**6** <b>x</b>", 1.0), answer(0, 1, "2", 0.5, "half of it"))
        out.append(Answered(r, both))
    return out


def write(store: SqlStore, body: list[Event], made: RewardsSpec | None = None, *, release: bool = True) -> str:
    """Create a run, append events as its worker, and let go of it; return its id."""
    run = store.create(made or spec())
    lease = store.claim(run, "w", os.getpid(), process.started(os.getpid()))
    assert lease is not None
    store.append(lease, body)
    if release:
        store.release(lease)
    return run
