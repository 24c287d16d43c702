"""The frozen settings of benchmarks.rewards: tasks, how answers are used, methods; and how one cell is played.

All methods have the same adapters (rank, layers), the same number of answers and of gradient steps, and the same rows
in each step: a comparison is at equal rollouts and at equal gradient steps at once.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from domains.text.tiny import tiny
from poets_core.lm.backbone import load_backbone
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.rewards.answers import rewards_of, write
from poets_core.rewards.given import RewardedAnswer
from poets_core.rewards.judging import judge
from poets_core.rewards.learner import Learner, ensemble_for
from poets_core.spec.reward_settings import EVERYTHING, RewardSettings
from poets_core.types import REFERENCE
from poets_core.verifiable import VerifiableTask

LATER: Mapping[str, Any] = {"entropy": 0.0, "judge_every": 1}
"""Settings that lines of earlier results do not know, as they were before they could be chosen."""
BACKBONE = Path(__file__).parents[1] / "domains" / "text" / "backbone"
FIRST_TUNING_SEED = 100
TASKS = ("chain_sum", "gcd", "count_bits", "spell_backward", "leg_counting", "simple_equations")
HELD_OUT = 64
"""Held-out prompts of a task; `held_out_answers` to each."""
JUDGED = 3
"""How often the branches are judged in a run, at equal distances, the last time after the last round."""
BRANCH_FROM = -1
"""Adapters on the last layer and the head."""
COMMON: Mapping[str, Any] = {
    "rank": 8,
    "rounds": 12,
    "prompts": 8,
    "group": 8,
    "steps": 8,
    "step_prompts": 4,
    "step_group": 8,
    "max_tokens": 20,
    "held_out_answers": 4,
    "judged_train": 32,
}
QUICK: Mapping[str, Any] = {"rounds": 4}


@dataclass(frozen=True)
class Setting:
    """How answers are used.

    Attributes:
        train: training prompts.
        changes: of the settings of a method.
        offline: whether the answers are the reference's, all there before the first round.
        without: methods that have no such row.
    """

    train: int = 32
    changes: Mapping[str, Any] = field(default_factory=dict)
    offline: bool = False
    without: tuple[str, ...] = ()


# Without replay DyJR is GRPO; perturbations are never trained, so replay is nothing to them.
SETTINGS: Mapping[str, Setting] = {
    "on-policy": Setting(changes={"replay": 1}, without=("dyjr",)),
    "replay of 4": Setting(changes={"replay": 4}, without=("perturb",)),
    "everything": Setting(changes={"replay": EVERYTHING}, without=("perturb",)),
    "8 prompts": Setting(train=8, changes={"replay": 4}),
    "128 prompts": Setting(train=128, changes={"replay": 4}),
    "offline": Setting(changes={"replay": EVERYTHING}, offline=True, without=("dyjr", "perturb")),
}
"""32 training prompts where nothing else is said: "replay of 4" is the row of 32 beside those of 8 and 128."""

ALONE = {"branches": 1, "bootstrap": "none"}
METHODS: Mapping[str, Mapping[str, Any]] = {
    "poets-1": {**ALONE, "beta": 0.1, "learning_rate": 0.001},
    "poets-4": {"branches": 4, "beta": 0.1, "learning_rate": 0.001},
    "poets-16": {"branches": 16, "beta": 0.1, "learning_rate": 0.001},
    "grpo": {"method": "grpo", **ALONE, "beta": 0.01, "learning_rate": 0.002},
    "dr-grpo": {"method": "dr-grpo", **ALONE, "beta": 0.01, "learning_rate": 0.002},
    "rloo": {"method": "rloo", **ALONE, "beta": 0.01, "learning_rate": 0.002},
    "ppo": {"method": "ppo", **ALONE, "beta": 0.01, "learning_rate": 0.002},
    "dyjr": {"method": "dyjr", **ALONE, "beta": 0.01, "learning_rate": 0.002},
    "perturb": {"method": "perturb", "branches": 32, "bootstrap": "none", "perturbation": 0.05, "top": 4},
}
"""`poets-1` is REBEL and GVPO: one policy, no bootstrap, no prior. Learning rates were chosen on seed 100, those of the
policy gradients among .002, .005 and .01: docs/decisions/verifiable-rewards.md."""


@dataclass(frozen=True)
class Cell:
    """One run.

    Attributes:
        task, setting, method, seed: names and key.
        changes: further settings, while tuning.
        backbone: folder of the model.
    """

    task: str
    setting: str
    method: str
    seed: int
    changes: Mapping[str, Any] = field(default_factory=dict)
    backbone: Path = BACKBONE

    @property
    def settings(self) -> RewardSettings:
        """What the run is played with."""
        whole = {**COMMON, **SETTINGS[self.setting].changes, **METHODS[self.method], **self.changes}
        return RewardSettings().changed(**whole)

    def line(self) -> dict[str, Any]:
        """What its line of results is known by: names, and a digest of all that decides it."""
        weights = hashlib.sha256((self.backbone / "model.safetensors").read_bytes()).hexdigest()
        where = asdict(SETTINGS[self.setting])
        decides = [decisive(self.settings), where["train"], where["offline"], HELD_OUT, JUDGED, BRANCH_FROM, weights]
        digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
        names = {"task": self.task, "setting": self.setting, "method": self.method, "seed": self.seed}
        return {**names, "settings": digest}


def decisive(settings: RewardSettings) -> dict[str, Any]:
    """Return what decides a run; settings that came later count as soon as they are no longer what they were before."""
    return {k: v for k, v in settings.model_dump().items() if k not in LATER or v != LATER[k]}


def cells_of(setting: str) -> list[str]:
    """Return the methods that have a row of a setting."""
    return [m for m in METHODS if m not in SETTINGS[setting].without]


def play(cell: Cell) -> dict[str, Any]:
    """Play a cell on one thread; return its line of results.

    `before` is judged before anything was learnt; `judged` are the figures after some of the rounds, the last ones
    last; `rewards` are those of the answers of each round, before its update.
    """
    torch.set_num_threads(1)
    began = time.process_time()
    s, where = cell.settings, SETTINGS[cell.setting]
    task = tiny(cell.task, train=where.train, held_out=HELD_OUT, seed=cell.seed)
    ensemble = ensemble_for(load_backbone(cell.backbone, branch_from=BRANCH_FROM), task, s, seed=cell.seed)
    # Judged as the reference answers, also where branches begin elsewhere.
    before = judge(ensemble, task, s, np.array([REFERENCE]), seed=cell.seed)
    learner = Learner(ensemble, task, s, seed=cell.seed)
    if where.offline:
        learner.tell(reference_answers(ensemble, task, s, seed=cell.seed))
    rounds = []
    for r in range(s.rounds):
        judged = (r + 1) % max(1, s.rounds // JUDGED) == 0 or r + 1 == s.rounds
        rounds.append(learner.play(write_answers=not where.offline, judged=judged))
    return {
        **cell.line(),
        "before": short(before),
        "judged": [short(x) for x in rounds if "train_reward" in x],
        "rewards": [x["reward"] for x in rounds],
        "equal_groups": [x["equal_groups"] for x in rounds],
        "answers": s.rounds * s.prompts * s.group,
        "steps": 0 if s.method == "perturb" else s.rounds * s.steps,
        "cpu_seconds": round(time.process_time() - began, 2),
    }


def short(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return figures as a line keeps them, six digits."""
    names = ("round", "train_reward", "held_out_reward", "gap", "vote", "best", "kl", "entropy", "divergence")
    return {n: round(v, 6) if isinstance(v := figures.get(n), float) else v for n in names}


def reference_answers(
    ensemble: BranchEnsemble, task: VerifiableTask, settings: RewardSettings, *, seed: int
) -> list[RewardedAnswer]:
    """Return what the reference says to the training prompts, as many answers as a run with rollouts would write."""
    n = settings.rounds * settings.prompts * settings.group
    item = np.arange(n) % len(task.train)
    keys = [("offline", k) for k in range(n)]
    said = write(ensemble, item, np.full(n, REFERENCE), keys, seed=seed, tokens=settings.max_tokens)
    items = [task.train[i] for i in item.tolist()]
    rewards = rewards_of(task, items, said.text)
    return [
        RewardedAnswer(i.prompt, a, float(r) if np.isfinite(r) else None)
        for i, a, r in zip(items, said.text, rewards, strict=True)
    ]
