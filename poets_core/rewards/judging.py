"""How good the branches are: rewards on training and held-out prompts, distance to the reference, divergence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from poets_core.fit.metrics import ensemble_js
from poets_core.keyed import rng_for
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.rewards.answers import Written, rewards_of, write, writers_of
from poets_core.spec.reward_settings import RewardSettings
from poets_core.types import F8, I8
from poets_core.verifiable import PromptItem, VerifiableTask

MOST_BY_PROMPT = 1024
"""Prompts whose shares are written down one by one."""
SOLVED = 1.0 - 1e-9
"""Reward from which an answer counts as right."""


def judge(
    ensemble: BranchEnsemble, task: VerifiableTask, settings: RewardSettings, writers: I8, *, seed: int
) -> dict[str, Any]:
    """Return figures of the branches as they are now.

    Answers are drawn at temperature 1 with the same random numbers every round, in equal shares by the branches that
    write: means over them. `train_reward` and `held_out_reward` are means over answers, `gap` the first minus the
    second; `vote` and `best` are the mean reward of each held-out prompt's most frequent answer and of its best one.
    `kl` (mean of log pi - log pi_ref), `entropy` (mean of -log pi) are estimates from held-out answers, nats an answer;
    `divergence` is the Jensen-Shannon divergence of the branches, nats, 0 to log M. Where there are no held-out prompts
    these are of training prompts, and the held-out figures are None.

    Args:
        ensemble: its prompts are those of the task, training items first.
        task, settings: see there.
        writers: the branches.
        seed: of the draws.
    """
    n_train, n_held = len(task.train), len(task.held_out)
    # A fixed choice of training prompts: figures of two rounds, and of two methods, are of the same ones.
    shown = np.sort(rng_for(seed, "judged").permutation(n_train)[: settings.judged_train])
    train = _answered(ensemble, task, shown, settings, writers, seed=seed)
    out: dict[str, Any] = {"train_reward": _mean(train[1]), "train_solved": solved_by_level(*train, task.train)}
    out["train_judged"] = judged_by_level(*train, task.train)
    names = ("held_out_reward", "gap", "vote", "best", "held_out_solved", "held_out_judged", "held_out_right")
    out["train_right"] = right_by_prompt(*train)
    out |= dict.fromkeys(names)
    seen = train
    if n_held:
        seen = _answered(ensemble, task, np.arange(n_train, n_train + n_held), settings, writers, seed=seed)
        held, rewards = seen
        out["held_out_reward"] = _mean(rewards)
        if out["train_reward"] is not None and out["held_out_reward"] is not None:
            out["gap"] = out["train_reward"] - out["held_out_reward"]
        out["vote"], out["best"] = _mean(voted(held, rewards)), _mean(_best(held, rewards))
        items = [*task.train, *task.held_out]
        out["held_out_solved"] = solved_by_level(held, rewards, items)
        out["held_out_judged"] = judged_by_level(held, rewards, items)
        out["held_out_right"] = right_by_prompt(held, rewards)
    return out | _distances(ensemble, seen[0], settings, writers)


def _answered(
    ensemble: BranchEnsemble, task: VerifiableTask, shown: I8, settings: RewardSettings, writers: I8, *, seed: int
) -> tuple[Written, F8]:
    items = [*task.train, *task.held_out]
    number = np.tile(np.arange(settings.held_out_answers), len(shown))
    item = np.repeat(shown, settings.held_out_answers)
    # Keyed by the item's own id, so that an item is answered with the same numbers whatever stands beside it.
    keys = [("judged", items[i].id, k) for i, k in zip(item.tolist(), number.tolist(), strict=True)]
    branch = writers_of(writers, len(item), seed, "judged")
    written = write(ensemble, item, branch, keys, seed=seed, tokens=settings.max_tokens)
    return written, rewards_of(task, [items[i] for i in item.tolist()], written.text)


def solved_by_level(written: Written, rewards: F8, items: Sequence[PromptItem]) -> dict[str, float]:
    """Return the share of answers that are right, by the level of their prompts."""
    right: dict[str, list[bool]] = {}
    for i, r in zip(written.item.tolist(), rewards.tolist(), strict=True):
        if np.isfinite(r):
            right.setdefault(items[i].level, []).append(r >= SOLVED)
    return {level: float(np.mean(right[level])) for level in sorted(right)}


def right_by_prompt(written: Written, rewards: F8) -> list[float | None] | None:
    """Return the share of right answers to each prompt, in their order; None of one whose answers nobody could judge.

    Two looks at the same prompts are compared by them, pair by pair. None for more than `MOST_BY_PROMPT` prompts.
    """
    prompts = np.unique(written.item)
    if len(prompts) > MOST_BY_PROMPT:
        return None
    parts = (rewards[written.item == i] for i in prompts.tolist())
    known = [part[np.isfinite(part)] for part in parts]
    return [float((part >= SOLVED).mean()) if len(part) else None for part in known]


def judged_by_level(written: Written, rewards: F8, items: Sequence[PromptItem]) -> dict[str, int]:
    """Return how many answers have a reward, by the level of their prompts: what the shares are shares of."""
    known = np.flatnonzero(np.isfinite(rewards)).tolist()
    return dict(sorted(Counter(items[int(written.item[k])].level for k in known).items()))


def voted(written: Written, rewards: F8) -> F8:
    """Return the reward of each prompt's most frequent answer, f8 (prompts,); what was written first wins ties."""
    out = []
    for i in np.unique(written.item).tolist():
        # Spaces around an answer make no other answer of it; verifiers do not mind them either.
        at = np.flatnonzero(written.item == i)
        counted = Counter(written.text[k].strip() for k in at.tolist())
        winner = counted.most_common(1)[0][0]
        out.append(next(rewards[k] for k in at.tolist() if written.text[k].strip() == winner))
    return np.array(out)


def _best(written: Written, rewards: F8) -> F8:
    best = [rewards[written.item == i] for i in np.unique(written.item).tolist()]
    return np.array([np.nanmax(r) if np.isfinite(r).any() else np.nan for r in best])


def _distances(ensemble: BranchEnsemble, written: Written, settings: RewardSettings, writers: I8) -> dict[str, Any]:
    if not len(written.item):
        return {"kl": None, "entropy": None, "divergence": None}
    # The state estimators: one number an answer, unbiased, of the policy that is judged.
    encoded = ensemble.encode(written.tokens, written.item)
    out: dict[str, Any] = {
        "kl": float((written.log_prob - encoded.reference).mean()),
        "entropy": float(-written.log_prob.mean()),
        "divergence": 0.0 if len(writers) == 1 else None,
    }
    if len(writers) > 1 and settings.divergence:
        # Equally many answers of every branch, since each costs a score under all of them.
        at = np.concatenate([np.flatnonzero(written.branch == k)[: settings.divergence] for k in writers.tolist()])
        part = ensemble.encode([written.tokens[i] for i in at.tolist()], written.item[at])
        # The branches that write are renumbered: of perturbations only the best few do.
        place = {k: j for j, k in enumerate(writers.tolist())}
        own = np.array([place[k] for k in written.branch[at].tolist()], dtype=np.int64)
        out["divergence"] = ensemble_js(ensemble.log_prob(part).branches[writers], own)
    return out


def _mean(x: F8) -> float | None:
    known = x[np.isfinite(x)]
    return float(known.mean()) if len(known) else None
