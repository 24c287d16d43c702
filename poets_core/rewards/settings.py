"""What determines how a language model learns from verifiable rewards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, get_args

from poets_core.errors import InvalidSpec

Method: TypeAlias = Literal["poets", "grpo", "dr-grpo", "rloo", "ppo", "dyjr", "perturb"]
"""How rewards change the branches: ours; five policy gradients; random perturbations, which are chosen from alone."""
Bootstrap: TypeAlias = Literal["observation", "prompt", "none"]
"""What a branch's Poisson weight belongs to: an answer, all answers to a prompt, or nothing (all weights are 1)."""
Centre: TypeAlias = Literal["prompt", "round"]
"""What answers are compared with: all answers to their prompt, or those of their own round alone."""
EVERYTHING = 0
"""Of `replay`: no round is ever left out."""
MOST_ROUNDS, MOST_BRANCHES, MOST_GROUP, MOST_PROMPTS, MOST_TOKENS, MOST_RANK = 100_000, 1024, 1024, 65_536, 65_536, 1024


@dataclass(frozen=True)
class RewardSettings:
    """Settings of one run; rewards are used as the verifier gave them, 0 to 1.

    Attributes:
        method: see `Method`.
        branches: M; 1 for the policy gradients, the number of perturbations for `perturb`.
        rank: of the trained adapter of each branch.
        prior_scale: spread of the implicit rewards over branches before any data, in units of reward; 0 for no prior.
        prior_rank: of the fixed random adapter, where there is a prior.
        bootstrap, centre: see there; for `poets`.
        rounds: how many. prompts: drawn a round. group: answers to each, G.
        replay: rounds that are fitted, the last one included: 1 is on-policy, `EVERYTHING` leaves none out.
        steps: gradient steps a round. step_prompts, step_group: prompts of a step, and answers to each, at most.
        beta: weight of KL(pi || reference), in units of reward.
        learning_rate, gradient_norm: of Adam, and of a branch's gradient at most.
        reset_every: rounds after which the trained adapters begin anew; 0 for never.
        clip: epsilon of the clipped ratio; for the policy gradients.
        js: weight of the Jensen-Shannon divergence on replayed answers; for `dyjr`.
        perturbation, top: deviation of the entries of B of a perturbation, and how many are kept; for `perturb`.
        max_tokens: of an answer, its end included.
        held_out_answers: to each held-out prompt when it is judged how good the branches are.
        judged_train: training prompts that are judged beside them, at most.
        divergence: answers of each branch, at least, for the divergence of the branches; 0 leaves it out.
    """

    method: Method = "poets"
    branches: int = 4
    rank: int = 8
    prior_scale: float = 0.0
    prior_rank: int = 8
    bootstrap: Bootstrap = "observation"
    centre: Centre = "prompt"
    rounds: int = 16
    prompts: int = 8
    group: int = 8
    replay: int = 1
    steps: int = 8
    step_prompts: int = 4
    step_group: int = 8
    beta: float = 0.1
    learning_rate: float = 5e-3
    gradient_norm: float = 1.0
    reset_every: int = 0
    clip: float = 0.2
    js: float = 0.1
    perturbation: float = 0.02
    top: int = 4
    max_tokens: int = 32
    held_out_answers: int = 4
    judged_train: int = 64
    divergence: int = 4

    def __post_init__(self) -> None:
        """Check every field, and those that must fit each other.

        Raises:
            InvalidSpec: one is out of range; it is named.
        """
        for name, (least, most) in WHOLE.items():
            value = getattr(self, name)
            whole = isinstance(value, int) and not isinstance(value, bool)
            _expect(whole and least <= value <= most, name, f"a whole number from {least:,} to {most:,}", value)
        for name, (holds, wanted) in REAL.items():
            value = getattr(self, name)
            real = isinstance(value, int | float) and not isinstance(value, bool)
            _expect(real and holds(float(value)), name, wanted, value)
        for name, known in (("method", Method), ("bootstrap", Bootstrap), ("centre", Centre)):
            value = getattr(self, name)
            _expect(value in get_args(known), name, f"one of {', '.join(get_args(known))}", value)
        # The losses of the policy gradients know one policy; several would need a sampler of mixtures.
        single = self.method not in ("poets", "perturb")
        _expect(not single or self.branches == 1, "branches", f"1 with the method {self.method}", self.branches)
        # A policy gradient or a perturbation with a prior would begin somewhere else than the reference.
        _expect(
            self.method == "poets" or self.prior_scale == 0,
            "prior_scale",
            "0 unless the method is poets",
            self.prior_scale,
        )
        kept = self.method != "perturb" or self.top <= self.branches
        _expect(kept, "top", f"at most the {self.branches} branches", self.top)
        # One answer is better or worse than none: with a group of one nothing can be learnt on-policy.
        alone = self.method != "poets" and self.group < 2
        _expect(not alone, "group", "at least 2, since answers are compared within their group", self.group)

    def changed(self, **changes: Any) -> RewardSettings:
        """Return these settings with some fields changed.

        Raises:
            InvalidSpec: there is no such field, or a value is out of range.
        """
        # Not dataclasses.replace: a misspelt name is the person's, and is told as any other wrong setting.
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        for name in changes:
            _expect(name in own, name, f"one of the settings {', '.join(own)}", name)
        return RewardSettings(**(own | changes))


WHOLE: dict[str, tuple[int, int]] = {
    "branches": (1, MOST_BRANCHES),
    "rank": (1, MOST_RANK),
    "prior_rank": (1, MOST_RANK),
    "rounds": (1, MOST_ROUNDS),
    "prompts": (1, MOST_PROMPTS),
    "group": (1, MOST_GROUP),
    "replay": (EVERYTHING, MOST_ROUNDS),
    "steps": (0, MOST_ROUNDS),
    "step_prompts": (1, MOST_PROMPTS),
    "step_group": (2, MOST_GROUP),
    "reset_every": (0, MOST_ROUNDS),
    "top": (1, MOST_BRANCHES),
    "max_tokens": (1, MOST_TOKENS),
    "held_out_answers": (1, MOST_GROUP),
    "judged_train": (1, MOST_PROMPTS),
    "divergence": (0, MOST_GROUP),
}
"""Smallest and largest value of the whole numbers."""
POSITIVE: tuple[Callable[[float], bool], str] = (lambda x: 0 < x < float("inf"), "a positive number")
NOT_NEGATIVE: tuple[Callable[[float], bool], str] = (lambda x: 0 <= x < float("inf"), "a number from 0 on")
REAL: dict[str, tuple[Callable[[float], bool], str]] = {
    "prior_scale": NOT_NEGATIVE,
    "beta": NOT_NEGATIVE,
    "learning_rate": POSITIVE,
    "gradient_norm": POSITIVE,
    "clip": (lambda x: 0 < x < 1, "a number between 0 and 1"),
    "js": NOT_NEGATIVE,
    "perturbation": POSITIVE,
}
"""What holds of the other numbers, and how it is said."""


def _expect(holds: bool, name: str, wanted: str, got: object) -> None:
    if not holds:
        raise InvalidSpec(f"Expected {wanted} in {name}, got {got!r}. Change {name}.", field=name)
