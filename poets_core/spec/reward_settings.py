"""The settings of learning from verifiable rewards: method, ensemble, prompts, replay, regularisation, judging.

A form, the command line and docs/reference/spec.md read titles, help and bounds from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import ConfigDict, Field, ValidationError, model_validator

from poets_core.errors import InvalidSpec
from poets_core.spec.base import Bounds, Mark, Names, SpecModel, mismatch

Method: TypeAlias = Literal["poets", "grpo", "dr-grpo", "rloo", "ppo", "dyjr", "perturb"]
"""How rewards change the branches: ours; five policy gradients; random perturbations, which are chosen from alone."""
Bootstrap: TypeAlias = Literal["observation", "prompt", "none"]
"""What a branch's Poisson weight belongs to: an answer, all answers to a prompt, or nothing (all weights are 1)."""
Centre: TypeAlias = Literal["prompt", "round"]
"""What answers are compared with: all answers to their prompt, or those of their own round alone."""
EVERYTHING = 0
"""Of `replay`: no round is ever left out."""
MOST_ROUNDS, MOST_BRANCHES, MOST_GROUP, MOST_PROMPTS, MOST_TOKENS, MOST_RANK = 100_000, 1024, 1024, 65_536, 65_536, 1024
TITLES: Mapping[str, str] = {
    "poets": "POETS ensemble",
    "grpo": "GRPO",
    "dr-grpo": "Dr. GRPO",
    "rloo": "RLOO",
    "ppo": "PPO",
    "dyjr": "DyJR (GRPO with regularised replay)",
    "perturb": "Random perturbations",
}
"""What the methods are called on the pages."""
GRADIENTS: tuple[Method, ...] = ("grpo", "dr-grpo", "rloo", "ppo", "dyjr")
READ_BY: Mapping[str, tuple[Method, ...]] = {
    "branches": ("poets", "perturb"),
    "beta": ("poets", *GRADIENTS),
    "replay": ("poets", *GRADIENTS),
    "steps": ("poets", *GRADIENTS),
    "step_prompts": ("poets", *GRADIENTS),
    "step_group": ("poets", *GRADIENTS),
    "learning_rate": ("poets", *GRADIENTS),
    "gradient_norm": ("poets", *GRADIENTS),
    "reset_every": ("poets", *GRADIENTS),
    "bootstrap": ("poets",),
    "entropy": ("poets",),
    "centre": ("poets",),
    "prior_scale": ("poets",),
    "prior_rank": ("poets",),
    "divergence": ("poets", "perturb"),
    "clip": GRADIENTS,
    "js": ("dyjr",),
    "perturbation": ("perturb",),
    "top": ("perturb",),
}
"""Settings that only some methods read; a form shows the others of no method."""
_GRADIENT: Mapping[str, Any] = {"branches": 1, "bootstrap": "none", "beta": 0.01, "learning_rate": 0.002}
USUAL: Mapping[str, Mapping[str, Any]] = {
    "poets": {"branches": 4, "beta": 0.1, "learning_rate": 0.001, "replay": 4},
    **{name: {**_GRADIENT, "replay": 4} for name in ("grpo", "dr-grpo", "rloo", "ppo", "dyjr")},
    "perturb": {"branches": 32, "bootstrap": "none", "perturbation": 0.05, "top": 4},
}
"""What a new run of each method begins with, where it is not the default: docs/decisions/verifiable-rewards.md."""


def _number(title: str, says: str, least: float, most: float | None, **rules: Any) -> Any:
    return Field(title=title, description=says, ge=least, le=most, **rules)


class RewardSettings(SpecModel):
    """How a run learns; rewards are used as the verifier gave them, 0 to 1. In `beta` and `entropy` they are the unit.

    Read in a program: wrong settings raise pydantic's ValidationError here, and `InvalidSpec` from `changed` and from
    a spec.
    """

    # Strict, because a program makes these too: 2.0 branches or True rounds are mistakes and no numbers.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    method: Annotated[
        Method,
        Field(
            title="Method",
            description="POETS fits every model to its own bootstrap of the answers. The policy gradients train one "
            "model. Random perturbations train nothing and choose: what learns must be better than that.",
        ),
        Names(TITLES),
    ] = "poets"
    branches: Annotated[
        int,
        _number("Models", "Branches M: adapters on the base model. 1 for policy gradients.", 1, MOST_BRANCHES),
    ] = 4
    rounds: Annotated[int, _number("Rounds", "Write, verify, learn: so many times.", 1, MOST_ROUNDS)] = 16
    prompts: Annotated[int, _number("Prompts per round", "Training prompts of a round.", 1, MOST_PROMPTS)] = 8
    group: Annotated[int, _number("Answers per prompt", "G, the group that is compared.", 1, MOST_GROUP)] = 8
    replay: Annotated[
        int,
        _number(
            "Rounds learnt from",
            "The replay window, the last round included. 1: each answer is used once (on-policy). 0: all rounds.",
            EVERYTHING,
            MOST_ROUNDS,
        ),
    ] = 1
    beta: Annotated[
        float,
        _number(
            "Stay close to the base model",
            "β, the weight of KL(π ‖ untrained), in units of reward.",
            0,
            None,
        ),
    ] = 0.1
    max_tokens: Annotated[int, _number("Longest answer", "Tokens, the end included.", 1, MOST_TOKENS)] = 32
    bootstrap: Annotated[
        Bootstrap,
        Field(
            title="Models differ by",
            description="What a model's Poisson weight belongs to: an answer, or all answers to a prompt. For POETS.",
        ),
        Names({"observation": "answers", "prompt": "prompts", "none": "nothing"}),
        Mark.ADVANCED,
    ] = "observation"
    entropy: Annotated[
        float,
        _number("Keep answers varied", "α, the weight of the entropy, in units of reward. For POETS.", 0, None),
        Mark.ADVANCED,
    ] = 0.0
    centre: Annotated[
        Centre,
        Field(title="Answers are compared", description="With all to their prompt, or of one round alone. For POETS."),
        Names({"prompt": "over all rounds", "round": "within their round"}),
        Mark.ADVANCED,
    ] = "prompt"
    steps: Annotated[int, _number("Gradient steps per round", "Of Adam.", 0, MOST_ROUNDS), Mark.ADVANCED] = 8
    step_prompts: Annotated[
        int, _number("Prompts per step", "Whole prompts of a step, at most.", 1, MOST_PROMPTS), Mark.ADVANCED
    ] = 4
    step_group: Annotated[int, _number("Answers per prompt and step", "At most.", 2, MOST_GROUP), Mark.ADVANCED] = 8
    learning_rate: Annotated[float, Field(title="Learning rate", description="Of Adam.", gt=0), Mark.ADVANCED] = 5e-3
    gradient_norm: Annotated[
        float, Field(title="Largest gradient norm", description="Of each model.", gt=0), Mark.ADVANCED
    ] = 1.0
    rank: Annotated[int, _number("Adapter rank", "Of the trained adapters.", 1, MOST_RANK), Mark.ADVANCED] = 8
    prior_scale: Annotated[
        float,
        _number("Initial diversity", "How far models differ before any data, in units of reward. For POETS.", 0, None),
        Mark.ADVANCED,
    ] = 0.0
    prior_rank: Annotated[
        int,
        _number("Rank of the fixed random adapter", "Where there is initial diversity.", 1, MOST_RANK),
        Mark.ADVANCED,
    ] = 8
    reset_every: Annotated[
        int, _number("Begin adapters anew every", "Rounds; 0: never.", 0, MOST_ROUNDS), Mark.ADVANCED
    ] = 0
    clip: Annotated[
        float,
        Field(title="Clip (ε)", description="Of the ratio, for policy gradients.", gt=0, lt=1),
        Mark.ADVANCED,
    ] = 0.2
    js: Annotated[
        float,
        _number("Weight of the Jensen-Shannon divergence", "On replayed answers, for DyJR.", 0, None),
        Mark.ADVANCED,
    ] = 0.1
    perturbation: Annotated[
        float,
        Field(title="Size of the perturbations", description="Deviation of the entries of B.", gt=0),
        Mark.ADVANCED,
    ] = 0.02
    top: Annotated[
        int,
        _number("Perturbations kept", "The best few write the answers that are judged.", 1, MOST_BRANCHES),
        Mark.ADVANCED,
    ] = 4
    held_out_answers: Annotated[
        int,
        _number("Answers per held-out prompt", "Written when it is judged how good the models are.", 1, MOST_GROUP),
        Mark.ADVANCED,
    ] = 4
    judged_train: Annotated[
        int, _number("Training prompts judged beside them", "At most.", 1, MOST_PROMPTS), Mark.ADVANCED
    ] = 64
    judge_every: Annotated[
        int,
        _number(
            "Judge every", "Rounds between two looks at the held-out prompts; the last round is judged.", 1, MOST_ROUNDS
        ),
        Mark.ADVANCED,
    ] = 1
    divergence: Annotated[
        int,
        _number("Answers for the divergence", "Of each model, at least; 0 leaves it out.", 0, MOST_GROUP),
        Mark.ADVANCED,
    ] = 4

    @property
    def single(self) -> bool:
        """Whether the method trains one policy: the policy gradients."""
        return self.method not in ("poets", "perturb")

    def judged(self, round: int) -> bool:
        """Return whether the branches are judged after a round, from 0."""
        return (round + 1) % self.judge_every == 0 or round + 1 == self.rounds

    @model_validator(mode="after")
    def _fields_fit_each_other(self) -> RewardSettings:
        method = self.method
        # The losses of the policy gradients know one policy; several would need a sampler of mixtures.
        if self.single and self.branches != 1:
            raise mismatch("branches", f"Expected 1 branch with method {method!r}, got {self.branches}.")
        # A policy gradient or a perturbation with a prior would begin somewhere else than the reference.
        if method != "poets" and self.prior_scale:
            raise mismatch("prior_scale", f"Expected 0 unless the method is 'poets', got {self.prior_scale}.")
        # The exact form of the entropy is that of the matching loss; elsewhere it would be another objective.
        if method != "poets" and self.entropy:
            raise mismatch("entropy", f"Expected 0 unless the method is 'poets', got {self.entropy}.")
        if method == "perturb" and self.top > self.branches:
            raise mismatch("top", f"Expected at most the {self.branches} branches, got {self.top}.")
        # One answer is better or worse than none: with a group of one nothing can be learnt on-policy.
        if method != "poets" and self.group < 2:
            raise mismatch("group", f"Expected at least 2, since answers are compared in groups, got {self.group}.")
        return self

    def changed(self, **changes: Any) -> RewardSettings:
        """Return these settings with some fields changed.

        Raises:
            InvalidSpec: there is no such field, or a value is out of range; the field is named.
        """
        known = list(type(self).model_fields)
        for name in changes:
            if name not in known:
                raise InvalidSpec(f"Expected one of the settings {', '.join(known)}, got {name!r}.", field=name)
        try:
            return type(self)(**(self.model_dump() | changes))
        except ValidationError as error:
            found = error.errors(include_url=False)[0]
            context = found.get("ctx", {})
            name = str(context["field"] if found["type"] == "mismatch" else found["loc"][0])
            limits = {k: float(context[k]) for k in ("ge", "gt", "le", "lt") if k in context}
            wanted = f"a number {Bounds(**limits)}" if limits else found["msg"]
            got = "" if found["type"] == "mismatch" else f", got {found.get('input')!r}"
            raise InvalidSpec(f"Setting {name}: expected {wanted}{got}. Change {name}.", field=name) from error
