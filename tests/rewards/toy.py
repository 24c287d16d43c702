"""A toy task on tiny random backbones: an answer is right if it begins with a letter of the prompt's half."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from poets_core.rewards.learner import Learner, ensemble_for
from poets_core.spec.reward_settings import RewardSettings
from poets_core.verifiable import PromptItem, Verdict
from tests.lm.tiny import LETTERS, backbone

SMALL = RewardSettings(
    branches=3,
    rank=3,
    prior_rank=2,
    rounds=3,
    prompts=4,
    group=6,
    steps=4,
    step_prompts=3,
    step_group=6,
    max_tokens=4,
    held_out_answers=2,
    learning_rate=0.02,
)


class Halves:
    """Prompts of two letters; the first half of the alphabet is right where they begin with A, the second elsewhere."""

    name = "halves"

    def __init__(self, train: int = 6, held_out: int = 5, *, silent: int = 0) -> None:
        """Make items; of every `silent` answers the verifier says nothing of the last."""
        made = [PromptItem(f"i{k}", ("A" if k % 2 else "W") + LETTERS[k], level=str(k % 2)) for k in range(20)]
        self.train, self.held_out, self.silent = made[:train], made[train : train + held_out], silent
        self.asked = 0

    def verify(self, items: Sequence[PromptItem], answers: Sequence[str]) -> list[Verdict]:
        out = []
        for item, answer in zip(items, answers, strict=True):
            self.asked += 1
            first = answer[:1] in LETTERS[:10] if item.prompt[0] == "A" else answer[:1] in LETTERS[10:]
            silent = self.silent and self.asked % self.silent == 0
            out.append(Verdict(None, "no idea") if silent else Verdict(float(bool(answer) and first)))
        return out


def learner(*, task: Any = None, seed: int = 0, branch_from: int = 1, **changes: Any) -> Learner:
    """A run of the toy task on a random Llama of two layers."""
    task = task if task is not None else Halves()
    settings = SMALL.changed(**changes)
    return Learner(ensemble_for(backbone("llama", branch_from), task, settings, seed=seed), task, settings, seed=seed)


def single(method: str, **changes: Any) -> Learner:
    """The same with one policy."""
    return learner(method=method, branches=1, bootstrap="none", **changes)
