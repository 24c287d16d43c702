"""RunSpec: everything that determines a run, as plain validated data.

The browser and the command line write it, the worker reads it; the same spec
and seed on the same hardware give the same events.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, ValidationError, model_validator

from poets_core.errors import InvalidSpec
from poets_core.experiment_spec import ContestSpec, ExperimentSpec, PolicySpec
from poets_core.experiment_spec import Part as _Part

__all__ = [
    "BackboneSpec",
    "Budget",
    "ContestSpec",
    "ExperimentSpec",
    "Method",
    "PolicySpec",
    "ProblemSpec",
    "RunSpec",
    "SearchSpec",
    "TaskSpec",
    "Transform",
    "parse_spec",
    "read_spec",
]

Transform = Literal["auto", "z", "log"]
Method = Literal["poets", "prior", "ga", "gp", "gp-prior", "grpo", "rloo", "tosfit", "klts"]


class ProblemSpec(_Part):
    """Which problem, with which parameters (see `domains.catalog`)."""

    name: str
    params: dict[str, JsonValue] = Field(default_factory=dict)


class BackboneSpec(_Part):
    """The frozen language model.

    Attributes:
        source: a catalog backbone (``"protein"``, ``"circuit"``), ``"library"``
            (a small model trained on the problem's own prior when the run
            starts), a local folder, or a Hugging Face hub name.
        branch_from: first layer that carries adapters; layers below it are
            shared by all branches and computed once. Negative counts from the
            end (-1: the last layer). The default suits the shipped models.
        cache_mb: memory for the trunk states of all observations; what comes after it
            lies in temporary files.
        width, layers, steps: size of a ``"library"`` backbone and its training steps.
    """

    source: str = "library"
    branch_from: int = -1
    cache_mb: Annotated[int, Field(ge=0, le=1_000_000)] = 2048
    width: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 32
    layers: Annotated[int, Field(ge=1, le=12)] = 1
    steps: Annotated[int, Field(ge=1, le=20_000)] = 150


class SearchSpec(_Part):
    """Settings of the search; the defaults are the measured recipe (docs/papers.md).

    Attributes:
        method: ``"poets"``, or a rival: ``"prior"`` (sample the reference, learn nothing), ``"ga"`` (genetic
            algorithm), ``"gp"`` (Thompson sampling by a Gaussian process), ``"gp-prior"`` (the same on samples
            of the reference alone), ``"grpo"``, ``"rloo"`` (policy gradients), ``"tosfit"``, ``"klts"`` (exact
            KL-regularised Thompson sampling on a space that can be enumerated).
        branches: M, policies in the ensemble.
        beta: KL weight, in units of reward standard deviation.
        prior_scale: c, spread between branches before any data, in reward
            standard deviations; 0 switches the prior adapters off.
        pool: m, designs drawn for each slot before one is evaluated.
        shared_pool: whether a slot chooses among the designs drawn for all slots of
            the round (greedier) or only among its own (more varied).
        tempering: tau; designs are ranked by mean + tau (own branch - mean).
        edit_share: share of the pool that are edits of the best designs.
        adapt_edits: whether that share follows what edits and samples have brought so far (it must
            lie strictly between 0 and 1).
        elites: how many of the best designs edits start from.
        rank, prior_rank: ranks of the trainable and of the fixed adapter.
        steps: Adam steps a round. learning_rate, minibatch, gradient_norm: of each step.
        best_share: share of a minibatch that replays the best quarter of the observations;
            the rest is drawn from all of them. 0 draws uniformly.
        bootstrap: whether each branch learns from its own bootstrap of the observations; off, all learn from all
            alike, which a branch that is alone does better with.
        stop_early: whether a branch keeps, of a fit's steps, the one with the smallest error on the observations
            that its bootstrap left out (so it needs `bootstrap`).
        transform: reward transform: ``"log"`` for positive skewed values,
            ``"z"`` otherwise; ``"auto"`` decides from the data.
        allow_repeats: evaluate designs again that were evaluated before.
        mutations: edits one after the other that make a child of the genetic algorithm, on average.
        clip: how far from 1 GRPO's ratio of new to old policy earns anything.
        replay: whether GRPO learns from all rounds instead of the last one.
        exploration: factor on the deviation in ToSFiT's advantage; 0 is (soft) actor-critic.
        exact_regret: whether the soft regret of the branches is computed after every round, on spaces that can be
            enumerated; the oracle is then asked for every design once, outside the budget.
        reset_every: re-initialise the trainable adapters every so many rounds; 0 never.
    """

    method: Method = "poets"
    branches: Annotated[int, Field(ge=1, le=64)] = 8
    beta: Annotated[float, Field(gt=0, le=10)] = 0.1
    prior_scale: Annotated[float, Field(ge=0, le=20)] = 0.3
    pool: Annotated[int, Field(ge=1, le=512)] = 16
    shared_pool: bool = True
    tempering: Annotated[float, Field(ge=0, le=2)] = 0.5
    edit_share: Annotated[float, Field(ge=0, le=1)] = 0.45
    adapt_edits: bool = False
    elites: Annotated[int, Field(ge=1, le=1000)] = 16
    rank: Annotated[int, Field(ge=1, le=256)] = 8
    prior_rank: Annotated[int, Field(ge=1, le=256)] = 8
    steps: Annotated[int, Field(ge=0, le=10_000)] = 40
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 5e-3
    minibatch: Annotated[int, Field(ge=2, le=4096)] = 32
    gradient_norm: Annotated[float, Field(gt=0)] = 1.0
    best_share: Annotated[float, Field(ge=0, le=0.95)] = 0.0
    bootstrap: bool = True
    stop_early: bool = False
    transform: Transform = "auto"
    allow_repeats: bool = False
    exact_regret: bool = False
    reset_every: Annotated[int, Field(ge=0)] = 0
    mutations: Annotated[float, Field(ge=1, le=100)] = 1.0
    clip: Annotated[float, Field(gt=0, lt=1)] = 0.2
    replay: bool = False
    exploration: Annotated[float, Field(ge=0, le=100)] = 4.0


class Budget(_Part):
    """How much may be spent: `rounds` rounds of `batch` oracle calls."""

    rounds: Annotated[int, Field(ge=1, le=100_000)] = 12
    batch: Annotated[int, Field(ge=1, le=4096)] = 32

    @property
    def calls(self) -> int:
        """Oracle calls in all."""
        return self.rounds * self.batch


class TaskSpec(_Part):
    """A short piece of science a page needs, answered by a short-lived worker.

    Attributes:
        name: ``"export"`` (write, reload and re-score candidates of a run) or
            ``"check"`` (load the problem and measure a few designs of its prior).
        run: the run an export is made of.
        format: export format, one of the problem's `export_formats`.
        candidates: candidate ids; empty means every valid observed one.
    """

    name: Literal["export", "check"]
    run: str = ""
    format: str = ""
    candidates: tuple[str, ...] = ()


class RunSpec(_Part):
    """One run.

    Attributes:
        kind: ``"search"``, ``"task"`` or ``"experiment"``.
        problem: of an experiment on branches, that of their runs; its name is ``""`` for other experiments.
        task, experiment: exactly where `kind` says so.
        contest: of a search, which of its branches is best while it goes on; None for no contests.
    """

    kind: Literal["search", "task", "experiment"] = "search"
    label: Annotated[str, Field(max_length=120)] = ""
    problem: ProblemSpec
    backbone: BackboneSpec = BackboneSpec()
    search: SearchSpec = SearchSpec()
    budget: Budget = Budget()
    task: TaskSpec | None = None
    experiment: ExperimentSpec | None = None
    contest: ContestSpec | None = None
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Annotated[int, Field(ge=1, le=256)] = 1

    @model_validator(mode="after")
    def _early_stopping_has_data(self) -> RunSpec:
        if self.search.stop_early and not self.search.bootstrap:
            raise ValueError(
                "Expected search.bootstrap=true with search.stop_early, which judges a branch by what its bootstrap "
                "left out, got false. Switch one of the two."
            )
        return self

    @model_validator(mode="after")
    def _kind_and_parts_agree(self) -> RunSpec:
        if (self.kind == "task") != (self.task is not None):
            raise ValueError(f"Expected a task exactly when kind is 'task', got kind={self.kind!r}, task={self.task!r}")
        if (self.kind == "experiment") != (self.experiment is not None):
            raise ValueError(
                f"Expected an experiment exactly when kind is 'experiment', got kind={self.kind!r}, "
                f"experiment={'none' if self.experiment is None else 'one'}"
            )
        ensemble = self.kind == "search" and self.search.method == "poets" and self.search.branches > 1
        if self.contest is not None and not ensemble:
            raise ValueError("Expected contests only in a search by method 'poets' with two branches or more")
        without = self.experiment is not None and self.experiment.source != "branches"
        if without != (not self.problem.name):
            raise ValueError(
                f"Expected {'no problem for this experiment' if without else 'the name of a problem'}, "
                f"got {self.problem.name!r}"
            )
        return self

    def fingerprint(self) -> str:
        """Return the SHA-256 of the canonical JSON, hex."""
        text = json.dumps(self.known(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def known(self) -> dict[str, Any]:
        """Return the spec as JSON data, without parts that came later and that it does not have."""
        data = self.model_dump(mode="json")
        return {k: v for k, v in data.items() if v is not None or k not in ("experiment", "contest")}


def parse_spec(data: str | bytes | dict[str, Any], *, where: str = "the run spec") -> RunSpec:
    """Validate JSON text, or the object it holds, into a RunSpec.

    Raises:
        InvalidSpec: names each field that is wrong, what it got, and where.
    """
    try:
        if isinstance(data, dict):
            return RunSpec.model_validate(data)
        return RunSpec.model_validate_json(data)
    except ValidationError as error:
        lines = [
            f"  {'.'.join(map(str, e['loc'])) or '(whole)'}: {e['msg']}, got {str(e.get('input'))[:80]!r}"
            for e in error.errors()
        ]
        raise InvalidSpec(
            f"Expected a valid run spec in {where}, got {len(lines)} problem(s):\n"
            + "\n".join(lines)
            + "\nChange the fields named, or print a complete one with `python -m poets_core spec PROBLEM`."
        ) from error


def read_spec(path: Path) -> RunSpec:
    """Read a RunSpec from a JSON file.

    Raises:
        InvalidSpec: the file is missing, unreadable or not a valid spec.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSpec(f"Expected a readable JSON file at {path}, got: {error}.") from error
    return parse_spec(text, where=str(path))
