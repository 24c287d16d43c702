"""What determines an experiment: K policies, a judge, and when the best policy counts as known."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Judge = Literal["oracle", "reference", "person", "replay"]
PolicySource = Literal["branches", "prompts", "log"]
JUDGES: dict[PolicySource, tuple[Judge, ...]] = {
    "branches": ("oracle", "person"),
    "prompts": ("reference", "person"),
    "log": ("replay",),
}
"""Who may judge responses of which source."""
MOST_OPEN_FOR_PEOPLE = 8


class Part(BaseModel):
    """A part of a run spec: frozen, no unknown fields, finite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PolicySpec(Part):
    """One policy of an experiment.

    Attributes:
        name: unique in the experiment; for a comparison log, the name in the log.
        run, branch: source ``"branches"``: a branch of that run, -1 for the reference.
        prompt: source ``"prompts"``: template that holds ``{input}`` once.
        temperature: of sampling; 0 is greedy (prompts only).
        top_p: smallest set of tokens with this probability is sampled from (prompts only).
        features: row of a Bradley-Terry model's features; all policies or none.
    """

    name: Annotated[str, Field(min_length=1, max_length=80)]
    run: str = ""
    branch: Annotated[int, Field(ge=-1, le=63)] = -1
    prompt: Annotated[str, Field(max_length=20_000)] = ""
    temperature: Annotated[float, Field(ge=0, le=5)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    features: tuple[float, ...] = ()


class ExperimentSpec(Part):
    """Which policy is best, by pairwise comparisons.

    Attributes:
        source: where responses come from: ``"branches"`` of finished runs, a language model under ``"prompts"``, or
            a ``"log"`` of comparisons that were made before.
        policies: 2 to 64 of them.
        judge: who prefers: the problem's ``"oracle"``, the task's rule and ``"reference"`` answers, a ``"person"`` at
            the Judge page, or ``"replay"`` of the log.
        model: source ``"prompts"``: catalog name, folder or hub name of the language model.
        task, items: source ``"prompts"``: the task, and how many different inputs of it.
        log: source ``"log"``: path of the comparison log (see `poets_core.llm_po.log`).
        delta: largest probability of a wrong verdict.
        space: what is assumed of win probabilities: nothing, or a (linear) Bradley-Terry model.
        assume_condorcet: whether a policy is known to beat every other; if not, that is verified.
        sampler: ``"balance"`` evidence, or ``"round-robin"``.
        budget: comparisons, ties included.
        open_pairs: pairs handed out at a time.
        tie_zone: policies that win with a probability closer to 1/2 than this count as equally good.
    """

    source: PolicySource
    policies: Annotated[tuple[PolicySpec, ...], Field(min_length=2, max_length=64)]
    judge: Judge
    model: str = "smollm2"
    task: str = ""
    items: Annotated[int, Field(ge=1, le=100_000)] = 200
    log: str = ""
    delta: Annotated[float, Field(gt=0, le=0.5)] = 0.1
    space: Literal["unstructured", "bradley-terry"] = "unstructured"
    assume_condorcet: bool = False
    sampler: Literal["balance", "round-robin"] = "balance"
    budget: Annotated[int, Field(ge=1, le=1_000_000)] = 2000
    open_pairs: Annotated[int, Field(ge=1, le=1000)] = 1
    tie_zone: Annotated[float, Field(ge=0, lt=0.5)] = 0.0

    @property
    def about(self) -> str:
        """What is compared, where no problem says it: the task, or that it is a log."""
        return self.task if self.source == "prompts" else "comparison log"

    @model_validator(mode="after")
    def _judge_fits_source(self) -> ExperimentSpec:
        if self.judge not in JUDGES[self.source]:
            raise ValueError(
                f"Expected judge {' or '.join(map(repr, JUDGES[self.source]))} with source {self.source!r}, "
                f"got {self.judge!r}"
            )
        if self.judge == "person" and self.open_pairs > MOST_OPEN_FOR_PEOPLE:
            raise ValueError(
                f"Expected open_pairs of 1 to {MOST_OPEN_FOR_PEOPLE} with judge 'person', got {self.open_pairs}"
            )
        return self

    @model_validator(mode="after")
    def _policies_fit_source(self) -> ExperimentSpec:
        names = [p.name for p in self.policies]
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise ValueError(f"Expected policies with different names, got {twice} more than once")
        for policy in self.policies:
            if wrong := _unfit(policy, self.source):
                raise ValueError(f"Expected {wrong} for policy {policy.name!r} with source {self.source!r}")
        if self.source == "prompts" and not (self.task and self.model):
            raise ValueError("Expected a task and a model with source 'prompts', got an empty name")
        if self.source == "log" and not self.log:
            raise ValueError("Expected the path of a comparison log with source 'log', got an empty one")
        return self

    @model_validator(mode="after")
    def _features_fit_space(self) -> ExperimentSpec:
        lengths = sorted({len(p.features) for p in self.policies})
        if len(lengths) > 1:
            raise ValueError(f"Expected features of one length for all policies or none, got lengths {lengths}")
        if lengths[0] and self.space == "unstructured":
            raise ValueError(
                "Expected space 'bradley-terry' with features, got 'unstructured', which does not read them"
            )
        return self


def _unfit(policy: PolicySpec, source: PolicySource) -> str:
    """What a policy would need to be of this source, ``""`` if it is."""
    if source == "branches":
        if not policy.run:
            return "the id of a run"
        if policy.temperature == 0:
            return "a temperature above 0 (branches are sampled, never greedy)"
        if policy.top_p != 1:
            return "top_p 1 (branches are sampled from their whole density)"
    elif policy.run:
        return "no run"
    if source == "prompts":
        if policy.prompt.count("{input}") != 1:
            return f"a prompt with {{input}} once (it has it {policy.prompt.count('{input}')} times)"
    elif policy.prompt:
        return "no prompt"
    return ""


class ContestSpec(Part):
    """A contest among the branches of a search, judged by its oracle: which one to deploy.

    Its oracle calls count in the search's budget.

    Attributes:
        every: rounds between two contests.
        comparisons: at most, in one contest; each takes two oracle calls.
        delta: largest probability of a wrong verdict of one contest.
    """

    every: Annotated[int, Field(ge=1, le=100_000)] = 4
    comparisons: Annotated[int, Field(ge=1, le=100_000)] = 64
    delta: Annotated[float, Field(gt=0, le=0.5)] = 0.1
