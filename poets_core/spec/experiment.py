"""The spec of an experiment: K policies, a judge, and when the best policy counts as known."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from poets_core.spec.base import Mark, ProblemSpec, RunFields, SpecModel, mismatch
from poets_core.spec.log_mapping import LONGEST_NAME, MOST_POLICIES, LogMapping

Judge: TypeAlias = Literal["oracle", "reference", "person", "replay", "model"]
PolicySource: TypeAlias = Literal["branches", "prompts", "log"]
JUDGES: dict[PolicySource, tuple[Judge, ...]] = {
    "branches": ("oracle", "person"),
    "prompts": ("reference", "person", "model"),
    "log": ("replay",),
}
"""Who may judge responses of which source."""
AUDITABLE: tuple[Judge, ...] = ("replay", "model")
"""Judges whose verdicts people may audit."""
MOST_OPEN_FOR_PEOPLE = 8
MOST_COMPARISONS = 1_000_000
MOST_ASKED = 64
"""Policies that answer prompts while the experiment runs; a log may have `MOST_POLICIES`."""


class PolicySpec(SpecModel):
    """One policy of an experiment.

    Attributes:
        name: unique in the experiment; for a comparison log, the name in the log.
        run, branch: source ``"branches"``: a branch of that run, -1 for the reference.
        prompt: source ``"prompts"``: template that holds ``{input}`` once.
        features: row of a Bradley-Terry model's features; all policies or none.
    """

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, title="Name")]
    run: str = ""
    branch: Annotated[int, Field(ge=-1, le=63)] = -1
    prompt: Annotated[str, Field(max_length=20_000, title="Prompt")] = ""
    temperature: Annotated[
        float,
        Field(
            ge=0,
            le=5,
            title="Temperature",
            description="Of sampling. 1: as trained; less: nearer to what is most likely; 0, for prompts alone: always "
            "the most likely word.",
        ),
    ] = 1.0
    top_p: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            title="Top-p",
            description="Sample from the likeliest words of this share. Below 1 for prompts alone.",
        ),
    ] = 1.0
    features: tuple[float, ...] = ()


class ExperimentSettings(SpecModel):
    """Which policy is best, by pairwise comparisons.

    Attributes:
        source: where responses come from: ``"branches"`` of finished runs, a language model under ``"prompts"``, or
            a ``"log"`` of comparisons that were made before (see `poets_core.llm_po.log`).
        policies: 2 to `MOST_ASKED` of them, of a log 2 to `MOST_POLICIES`.
        judge: who prefers: the problem's ``"oracle"``, the task's rule and ``"reference"`` answers, a ``"person"`` at
            the Judge page, ``"replay"`` of the log, or a language ``"model"``.
        model, task, items: read with source ``"prompts"`` alone; log, mapping: with source ``"log"`` alone.
        top: 1 for the winner alone.
        criterion: read with judges ``"person"`` and ``"model"``, and by the people of an audit.
        double_check: read with judge ``"person"`` alone.
        judge_model, judge_url: read with judge ``"model"`` alone.
        audit: whether people judge a share of what a log or a model has judged (`poets_core.llm_po.audit`); the
            verdict is then about what people prefer. audit_floor is read with it alone.
    """

    source: PolicySource
    policies: Annotated[tuple[PolicySpec, ...], Field(min_length=2, max_length=MOST_POLICIES, title="Policies")]
    judge: Annotated[Judge, Field(title="Who judges")]
    model: Annotated[
        str,
        Field(title="Language model", description="“smollm2”, a folder with a model, or a Hugging Face name."),
        Mark.HIDDEN,
    ] = "smollm2"
    task: Annotated[
        str,
        Field(title="Task", description="What the policies are asked to do; its rule knows the right answers."),
        Mark.HIDDEN,
    ] = ""
    items: Annotated[
        int,
        Field(
            ge=1,
            le=100_000,
            title="Different inputs",
            description="Drawn by the seed; a comparison shows one of them to both policies.",
        ),
        Mark.HIDDEN,
    ] = 200
    log: Annotated[
        str,
        Field(
            title="Comparison log",
            description="A table (CSV, TSV, xlsx, Parquet) or JSON, one comparison a row; packed with gzip or not.",
        ),
        Mark.HIDDEN,
    ] = ""
    mapping: Annotated[
        LogMapping | None,
        Field(
            title="Columns and words of the log",
            description="What they mean. Without it: policy_a, policy_b, outcome (a, b, tie), prompt, order, "
            "and copies of a row count each.",
        ),
        Mark.HIDDEN,
    ] = None
    delta: Annotated[
        float,
        Field(
            gt=0,
            le=0.5,
            title="Largest error (δ)",
            description="Probability that the verdict is wrong, at most. Smaller takes longer.",
        ),
    ] = 0.1
    budget: Annotated[
        int,
        Field(
            ge=1,
            le=MOST_COMPARISONS,
            title="Most comparisons",
            description="After so many, ties included, the verdict is “undecided”.",
        ),
    ] = 2000
    top: Annotated[
        int,
        Field(
            ge=1,
            lt=MOST_POLICIES,
            title="Decide the best",
            description="1: which policy is the best. More: a set of so many, of which each is beaten by fewer than so "
            "many others. All are ranked either way.",
        ),
    ] = 1
    assume_condorcet: Annotated[
        bool,
        Field(
            title="Some policy beats every other (no rock-paper-scissors)",
            description="Assumed, not checked. Off, this is verified too: it takes longer where it is not "
            "clear, and “no policy beats all others” is a possible verdict.",
        ),
    ] = False
    open_pairs: Annotated[
        int,
        Field(
            ge=1,
            le=1000,
            title="Pairs at a time",
            description="Handed out before the next answers are used. One needs the fewest.",
        ),
    ] = 1
    criterion: Annotated[
        str,
        Field(
            max_length=500,
            title="What counts as better",
            description="One sentence for those who judge; people see it above every pair, a model reads it.",
        ),
        Mark.HIDDEN,
    ] = ""
    double_check: Annotated[
        bool,
        Field(
            title="Two judges for every pair",
            description="To see how well judges agree. The second answer counts for that alone, so it takes twice the "
            "work. Off, several judges share the pairs.",
        ),
        Mark.HIDDEN,
    ] = False
    judge_model: Annotated[
        str,
        Field(
            max_length=500,
            title="Model that judges",
            description="“smollm2”, a folder with a chat model, or a Hugging Face name; behind an address, its name "
            "there.",
        ),
        Mark.HIDDEN,
    ] = ""
    judge_url: Annotated[
        str,
        Field(
            max_length=500,
            title="Address of its server",
            description="Empty: the model runs here. Else an OpenAI-compatible server of your own on this machine, "
            "such as http://127.0.0.1:8080/v1.",
        ),
        Mark.HIDDEN,
    ] = ""
    audit: Annotated[
        bool,
        Field(
            title="People audit the judge",
            description="Some of its verdicts are shown to people, blind. The verdict is then about what people "
            "prefer, whatever the judge is worth.",
        ),
        Mark.HIDDEN,
    ] = False
    audit_floor: Annotated[
        float,
        Field(
            ge=0.01,
            le=1,
            title="Smallest share audited",
            description="Each verdict of the judge is shown to a person with this probability at least.",
        ),
        Mark.HIDDEN,
    ] = 0.05
    sampler: Annotated[
        Literal["balance", "round-robin"],
        Field(
            title="Which pair is next",
            description="“balance” asks where the evidence is still missing; “round-robin” asks all pairs in turn, as "
            "a rival.",
        ),
        Mark.ADVANCED,
    ] = "balance"
    space: Annotated[
        Literal["unstructured", "bradley-terry"],
        Field(
            title="What is assumed of the policies",
            description="“unstructured”: nothing. “bradley-terry”: one score per policy decides every comparison, "
            "which saves comparisons if it is true; data that contradict it are noticed.",
        ),
        Mark.ADVANCED,
    ] = "unstructured"
    tie_zone: Annotated[
        float,
        Field(
            ge=0,
            lt=0.5,
            title="Equally good within",
            description="Policies that win with a probability closer to one half than this count as equally good. "
            "0: none do.",
        ),
        Mark.ADVANCED,
    ] = 0.0

    @property
    def people(self) -> bool:
        """Whether people judge, all pairs or an audited share."""
        return self.judge == "person" or self.audit

    @property
    def judged_by(self) -> str:
        """Who judges, in a word for lists of runs: the judge, or ``"audit"``."""
        return "audit" if self.audit else self.judge

    @property
    def about(self) -> str:
        """What is compared, where no problem says it: the task, or that it is a log."""
        return self.task if self.source == "prompts" else "comparison log"

    @model_validator(mode="after")
    def _judge_fits_source(self) -> ExperimentSettings:
        if self.judge not in JUDGES[self.source]:
            raise mismatch(
                "judge",
                f"Expected judge {' or '.join(map(repr, JUDGES[self.source]))} with source {self.source!r}, "
                f"got {self.judge!r}.",
            )
        if self.people and self.open_pairs > MOST_OPEN_FOR_PEOPLE:
            raise mismatch(
                "open_pairs",
                f"Expected open_pairs of 1 to {MOST_OPEN_FOR_PEOPLE} where people judge, got {self.open_pairs}.",
            )
        if self.judge == "model" and not self.judge_model.strip():
            raise mismatch("judge_model", "Expected the name of a model with judge 'model', got an empty one.")
        if self.judge != "model" and (self.judge_model or self.judge_url):
            given = "judge_model" if self.judge_model else "judge_url"
            raise mismatch(given, f"Expected no {given} with judge {self.judge!r}, which does not read it, got one.")
        return self

    @model_validator(mode="after")
    def _audit_fits_judge(self) -> ExperimentSettings:
        if not self.audit:
            return self
        if self.judge not in AUDITABLE:
            raise mismatch(
                "audit", f"Expected judge {' or '.join(map(repr, AUDITABLE))} with an audit, got {self.judge!r}."
            )
        # An audit has evidence and a choice of pairs of its own; what would go unread is refused.
        for name in ("assume_condorcet", "tie_zone", "sampler", "space", "double_check", "top"):
            default = type(self).model_fields[name].default
            if getattr(self, name) != default:
                raise mismatch(
                    name, f"Expected {name} {default!r} with an audit, which does not read it, got another value."
                )
        return self

    @model_validator(mode="after")
    def _policies_fit_source(self) -> ExperimentSettings:
        names = [p.name for p in self.policies]
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise mismatch("policies", f"Expected policies with different names, got {twice} more than once.")
        for policy in self.policies:
            if wrong := _unfit(policy, self.source):
                raise mismatch("policies", f"Expected {wrong} for policy {policy.name!r} with source {self.source!r}.")
        if self.source == "prompts" and not (self.task and self.model):
            missing = "model" if self.task else "task"
            raise mismatch(missing, "Expected a task and a model with source 'prompts', got an empty name.")
        if self.source != "log" and len(self.policies) > MOST_ASKED:
            got = f"Expected at most {MOST_ASKED} policies with source {self.source!r}, got {len(self.policies)}."
            raise mismatch("policies", got)
        if self.source != "log" and self.mapping is not None:
            raise mismatch("mapping", f"Expected no mapping of a log with source {self.source!r}, got one.")
        if self.source == "log" and not self.log:
            raise mismatch("log", "Expected the path of a comparison log with source 'log', got an empty one.")
        return self

    @model_validator(mode="after")
    def _top_fits(self) -> ExperimentSettings:
        if self.top >= len(self.policies):
            raise mismatch("top", f"Expected top below the {len(self.policies)} policies, got {self.top}.")
        if self.top > 1 and self.assume_condorcet:
            raise mismatch("top", f"Expected top 1 where a best policy is assumed, got {self.top}: assume nothing.")
        if self.top > 1 and self.space != "unstructured":
            raise mismatch("top", f"Expected top 1 with space {self.space!r}, got {self.top}: assume nothing.")
        return self

    @model_validator(mode="after")
    def _features_fit_space(self) -> ExperimentSettings:
        lengths = sorted({len(p.features) for p in self.policies})
        if len(lengths) > 1:
            raise mismatch(
                "policies", f"Expected features of one length for all policies or none, got lengths {lengths}."
            )
        if lengths[0] and self.space == "unstructured":
            raise mismatch(
                "space", "Expected space 'bradley-terry' with features, got 'unstructured', which does not read them."
            )
        return self


def _unfit(policy: PolicySpec, source: PolicySource) -> str:
    """Return what a policy would need to be of this source, ``""`` if it is."""
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


class ExperimentSpec(RunFields):
    """One experiment.

    Attributes:
        problem: of the runs whose branches are compared; None for prompts and logs.
    """

    kind: Literal["experiment"] = "experiment"
    problem: ProblemSpec | None = None
    experiment: ExperimentSettings

    @model_validator(mode="after")
    def _branches_have_a_problem(self) -> ExperimentSpec:
        wanted = self.experiment.source == "branches"
        if wanted != (self.problem is not None):
            expected = "the problem of the runs" if wanted else "no problem"
            got = "none" if self.problem is None else repr(self.problem.name)
            raise mismatch("problem", f"Expected {expected} with source {self.experiment.source!r}, got {got}.")
        return self

    @property
    def about(self) -> str:
        """What is compared: the problem, the task, or that it is a log."""
        return self.experiment.about if self.problem is None else self.problem.name
