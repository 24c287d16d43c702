"""The spec of a task: a short piece of science that a page needs, done by a short-lived worker."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from poets_core.spec.base import ProblemSpec, RunFields, SpecModel, mismatch


class TaskSettings(SpecModel):
    """What to do.

    Attributes:
        name: ``"export"`` (write, reload and re-score candidates of a run) or ``"check"`` (load the problem and
            measure a few designs of its library).
        run: the run an export is made of.
        format: export format, one of the problem's `export_formats`.
        candidates: candidate ids; empty means every valid observed one.
    """

    name: Literal["export", "check"]
    run: str = ""
    format: str = ""
    candidates: tuple[str, ...] = ()


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
