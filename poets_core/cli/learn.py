"""Specs of runs that learn from verifiable rewards, made at the command line of a task and ``key=value`` changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from domains import catalog
from poets_core.cli.specs import assigned, located
from poets_core.errors import InvalidSpec
from poets_core.runs.examine import check_rewards
from poets_core.spec import ProblemSpec, RewardsSpec, parse_spec
from poets_core.spec.base import VERSION
from poets_core.spec.reward_settings import USUAL

ANSWERS = "answers"
"""What is named instead of a task where a run learns from a file of answers alone."""


def named(name: str) -> bool:
    """Return whether a name means a run that learns from rewards: a task of the catalog, or `ANSWERS`."""
    return name == ANSWERS or name in {v.name for v in catalog.verifiables()}


def spec_from(name: str, assignments: Sequence[str], seed: int | None = None) -> tuple[RewardsSpec, list[str]]:
    """Return the spec of a task with ``key=value`` changes, and what was read of its files.

    Args:
        name: of the task, or `ANSWERS`.
        assignments: dotted keys; a method among them decides what its other settings begin with.
        seed: wins over the assignments.

    Raises:
        InvalidSpec: unknown key or parameter, or a value out of range.
        InvalidInput: a file or model that cannot be used.
    """
    texts = {"label"}
    if name != ANSWERS:
        texts |= {f"task.params.{p.name}" for p in catalog.verifiable(name).parameters if p.kind in ("text", "file")}
    tree = assigned(assignments, texts)
    rewards: Any = tree.get("rewards", {})
    usual = USUAL.get(str(rewards.get("method", "poets")), {}) if isinstance(rewards, dict) else {}
    tree["rewards"] = {**usual, **rewards} if isinstance(rewards, dict) else rewards
    if name == ANSWERS:
        given = tree.get("given", {})
        tree["given"] = {"alone": True, **given} if isinstance(given, dict) else given
    else:
        task = tree.get("task", {})
        tree["task"] = {"name": name, **task} if isinstance(task, dict) else task
    if seed is not None:
        tree["seed"] = seed
    made = parse_spec({"version": VERSION, "kind": "rewards", **tree}, where="the command line")
    if not isinstance(made, RewardsSpec):
        raise InvalidSpec(f"Expected a run that learns from rewards, got kind {made.kind!r}.", field="kind")
    if made.task is not None:
        params = catalog.check_verifiable(made.task.name, made.task.params)
        made = made.model_copy(update={"task": ProblemSpec(name=made.task.name, params=params)})
    placed = located(made)
    return placed, list(check_rewards(placed).get("lines", ()))
