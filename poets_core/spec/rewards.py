"""The spec of a run that learns from verifiable rewards: a task or a file of answers, a model, and how it learns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from poets_core.spec.base import Mark, Names, ProblemSpec, RunFields, SpecModel, mismatch
from poets_core.spec.reward_settings import RewardSettings


class RewardBackbone(SpecModel):
    """The frozen language model that answers; it lies on this machine, nothing is downloaded."""

    source: Annotated[
        str,
        Field(
            min_length=1,
            max_length=4096,
            title="Base model",
            description="A model that ships with the app, or a folder with a model.",
        ),
        Mark.HIDDEN,
    ] = "text"
    template: Annotated[
        Literal["plain", "chat"],
        Field(
            title="Prompts are given",
            description="As they are, or as the first message of a chat in the model's own template.",
        ),
        Names({"plain": "as they are", "chat": "in the model's chat template"}),
    ] = "plain"
    branch_from: Annotated[
        int,
        Field(
            ge=-1024,
            le=1024,
            title="First own layer",
            description="Lower layers are shared by all models and computed once. -1: the last.",
        ),
        Mark.ADVANCED,
    ] = -1


class GivenAnswers(SpecModel):
    """Answers that have rewards already."""

    file: Annotated[
        str,
        Field(
            max_length=4096,
            title="File of rewarded answers",
            description="JSONL: prompt, answer, reward a line. They are learnt from before the first round.",
        ),
        Mark.HIDDEN,
    ] = ""
    alone: Annotated[
        bool,
        Field(
            title="Learn from the file alone",
            description="No further answers are written to learn from (offline); the task judges, where there is one.",
        ),
        Mark.HIDDEN,
    ] = False


class RewardsSpec(RunFields):
    """One run that learns from verifiable rewards.

    Attributes:
        task: catalog name of a task with verifiable rewards, and its parameters: how many items, what is held out,
            the file of a task of one's own. None: the prompts are those of the file of answers, and nothing is judged.
        given: answers that are there before the first round.
        rewards: how it learns.
        samples: held-out prompts (training prompts where none is held out) whose answers are shown, by every branch.
    """

    kind: Literal["rewards"] = "rewards"
    task: ProblemSpec | None = None
    backbone: RewardBackbone = RewardBackbone()
    given: GivenAnswers = GivenAnswers()
    rewards: RewardSettings = RewardSettings()
    samples: Annotated[
        int,
        Field(
            ge=0,
            le=32,
            title="Prompts shown",
            description="Whose answers, by every model and the untrained one, are kept to look at.",
        ),
    ] = 6

    @property
    def problem(self) -> None:
        """Nothing of the catalog is searched."""
        return None

    @property
    def about(self) -> str:
        """What is learnt: the task, with the name that it gives its own kind, or that it is a file of answers."""
        if self.task is None:
            return "rewarded answers"
        own = self.task.params.get("task", "")
        return f"{self.task.name}/{own}" if isinstance(own, str) and own else self.task.name

    @property
    def answers(self) -> int:
        """Answers that are written to learn from, in all rounds; those that are judged come on top."""
        return 0 if self.given.alone else self.rewards.rounds * self.rewards.prompts * self.rewards.group

    @model_validator(mode="after")
    def _something_is_learnt(self) -> RewardsSpec:
        file, alone, method = self.given.file, self.given.alone, self.rewards.method
        if self.task is None and not file:
            raise mismatch("task", "Expected a task or a file of rewarded answers (given.file), got neither.")
        if alone and not file:
            raise mismatch("given.file", "Expected a file to learn from alone, got none.")
        if self.task is None and not alone:
            raise mismatch(
                "given.alone",
                "Expected given.alone without a task, since nobody would judge further answers, got false.",
            )
        # One chooses by answers of its own perturbations, the other only holds on to what it replays.
        if alone and method in ("perturb", "dyjr"):
            raise mismatch("rewards.method", f"Expected a method that learns from given answers, got {method!r}.")
        return self
