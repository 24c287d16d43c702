"""The spec of a task: a short piece of science that a page needs, done by a short-lived worker."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from poets_core.spec.base import ProblemSpec, RunFields, SpecModel, mismatch


class TaskSettings(SpecModel):
    """What to do.

    Attributes:
        name: ``"export"`` (write, reload and re-score candidates of a run), ``"check"`` (load the problem and measure
            a few designs of its library) or ``"deploy"`` (take the models of a run that learnt from rewards away).
        run: the run an export or a deployment is made of.
        format: export format, one of the problem's `export_formats`.
        candidates: candidate ids; empty means every valid observed one.
        way: of a deployment, what answers: a branch drawn anew for each answer, the winner of comparisons on held-out
            prompts, or the mean of all branches.
        merged: of a deployment, whether the adapters are merged into a whole model; of one model alone.
        comparisons, delta: of a winner: comparisons at most, and the largest probability that it is none.
    """

    name: Literal["export", "check", "deploy"]
    run: str = ""
    format: str = ""
    candidates: tuple[str, ...] = ()
    way: Literal["each", "winner", "mean"] = "each"
    merged: bool = False
    comparisons: Annotated[int, Field(ge=1, le=1_000_000)] = 2000
    delta: Annotated[float, Field(gt=0, le=0.5)] = 0.1

    @model_validator(mode="after")
    def _one_model_is_merged(self) -> TaskSettings:
        if self.merged and self.way == "each":
            raise mismatch(
                "merged",
                "Expected adapters where a branch is drawn for each answer, got merged. Deploy the winner or the mean "
                "as one model.",
            )
        return self


class TaskSpec(RunFields):
    """One task.

    Attributes:
        problem: of a check; an export takes that of its run.
    """

    kind: Literal["task"] = "task"
    problem: ProblemSpec | None = None
    task: TaskSettings

    @model_validator(mode="after")
    def _a_check_has_a_problem(self) -> TaskSpec:
        if (self.task.name == "check") != (self.problem is not None):
            expected = "a problem for a check" if self.problem is None else "no problem: an export has that of its run"
            got = "none" if self.problem is None else repr(self.problem.name)
            raise mismatch("problem", f"Expected {expected}, got {got}.")
        return self
