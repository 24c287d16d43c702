"""Experiments whose events are written by hand: what a worker would append, with numbers that fit each other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from poets_core.llm_po.comparison import Comparison
from poets_core.llm_po.experiment import Experiment
from poets_core.llm_po.ranking.ranking import ranking_of
from poets_core.llm_po.report import report
from poets_core.runs import process
from poets_core.runs.event_fields import PresentedPair, jsonable
from poets_core.runs.events import (
    Asked,
    Compared,
    Event,
    Finished,
    Prepared,
    Updated,
    VerdictReached,
)
from poets_core.runs.sql import SqlStore
from poets_core.spec import RunSpec, parse_spec
from tests.logs import claimed
from tests.pages import written

NAMES = ("branch 0", "branch 1", "reference")
DELTA = 0.3
Told = tuple[int, int, str]
"""First policy, second policy, outcome."""


def spec(judge: str = "person", names: Sequence[str] = NAMES, **more: Any) -> RunSpec:
    """An experiment on branches (judged by a person or the oracle), or on a log (replayed)."""
    log = judge == "replay"
    policies = [{"name": n} if log else {"name": n, "run": "r", "branch": i - 1} for i, n in enumerate(names)]
    fields = {"source": "log" if log else "branches", "policies": policies, "judge": judge, "delta": DELTA}
    fields |= {"log": "log.csv"} if log else {}
    return parse_spec(
        {
            "kind": "experiment",
            "label": "Which branch?",
            "problem": {"name": "" if log else "protein/ehrlich"},
            "experiment": fields | {"budget": 200} | more,
        }
    )


def metrics(names: Sequence[str], told: Sequence[Told], delta: float = DELTA, **more: Any) -> dict[str, Any]:
    """Metrics after comparisons, as a worker reports them; `more` overrides some."""
    experiment = Experiment(names, delta)
    for i, j, outcome in told:
        experiment.record(Comparison(names[i], names[j], outcome))  # type: ignore[arg-type]
    found: dict[str, Any] = jsonable(report(experiment) | {"ranking": ranking_of(experiment, pairs=True)} | more)
    return found


def prepared(names: Sequence[str] = NAMES, warnings: Sequence[str] = (), problem: bool = True) -> list[Event]:
    """A worker took the experiment and knows its policies."""
    facts = {"policies": [{"name": n} for n in names], "judge": "person", "warnings": list(warnings)}
    return [claimed(), Prepared(written.info() if problem else None, experiment=facts)]


def asked(index: int, i: int, j: int, names: Sequence[str] = NAMES, prompt: str = "") -> Asked:
    """A pair is handed out; responses name their policy by a letter that a test can read."""
    responses = ("ACDEFGHIKL"[i:] + "MNPQ", "ACDEFGHIKL"[j:] + "RSTV")
    return Asked((PresentedPair(index, names[i], names[j], index, prompt, responses),))


def compared(
    index: int,
    i: int,
    j: int,
    outcome: str,
    *,
    judge: str = "Ada",
    second: bool = False,
    answer: int | None = None,
    names: Sequence[str] = NAMES,
) -> Compared:
    """An answer."""
    return Compared(index, names[i], names[j], outcome, judge, answer, second)  # type: ignore[arg-type]


def updated(names: Sequence[str], told: Sequence[Told], **more: Any) -> Updated:
    """Metrics after these comparisons."""
    return Updated(len(told), metrics(names, told, **more), seconds=0.1)


def course(told: Sequence[Told], names: Sequence[str] = NAMES, prompt: str = "", **last: Any) -> list[Event]:
    """Every comparison of an experiment with an update after each; `last` overrides metrics of the last one."""
    out = prepared(names, problem=not prompt)
    for n, (i, j, outcome) in enumerate(told):
        more = last if n == len(told) - 1 else {}
        out += [
            asked(n, i, j, names, prompt),
            compared(n, i, j, outcome, names=names),
            updated(names, told[: n + 1], **more),
        ]
    return out


def verdict(kind: str, policy: str | None, n: int, left: Sequence[str] = ()) -> list[Event]:
    """The verdict, and the end."""
    bound = None if kind == "undecided" else DELTA
    return [
        VerdictReached(kind, policy, bound, n, tuple(left)),  # type: ignore[arg-type]
        Finished("budget" if kind == "undecided" else "verdict"),
    ]


def write(store: SqlStore, run_spec: RunSpec, body: Sequence[Event], *, release: bool = True) -> str:
    """Create an experiment, append events as its worker, and let go of it; return its id."""
    run = store.create(run_spec)
    lease = store.claim(run, "w", os.getpid(), process.started(os.getpid()))
    if lease is None:
        raise RuntimeError("Expected a lease on a new run.")
    store.append(lease, list(body))
    if release:
        store.release(lease)
    return run
