"""Experiments for the tests of the worker: a log, branches, prompts, and people whose answers are scripted."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from poets_core.keyed import rng_for
from poets_core.runs.event_fields import PresentedPair
from poets_core.runs.events import Asked
from poets_core.runs.store import SqlStore
from poets_core.runs.views.experiment import PairView
from poets_core.spec import RunSpec, parse_spec
from poets_core.worker.worker import FINISHED, work
from tests.worker.fake import FAKES, fake_spec

NAMES = ("good", "fair", "poor")


def experiment(seed: int = 0, problem: str = "", params: dict[str, Any] | None = None, **fields: Any) -> RunSpec:
    return parse_spec(
        {
            "kind": "experiment",
            "problem": {"name": problem, "params": params or {}},
            "experiment": fields,
            "seed": seed,
        }
    )


def write_log(
    path: Path,
    rows: int = 60,
    *,
    p: float = 0.9,
    ties: float = 0.1,
    first: float | None = None,
    prompts: int | None = None,
) -> Path:
    """A log in which a policy beats those after it in `NAMES` with probability p.

    `first` is how often A is shown first; every row has a prompt of its own, or one of `prompts` in turn.
    """
    rng, number = rng_for(0, "log"), 0
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["prompt", "policy_a", "policy_b", "outcome", *([] if first is None else ["order"])])
        for i, a in enumerate(NAMES):
            for b in NAMES[i + 1 :]:
                for _ in range(rows):
                    word = "tie" if rng.random() < ties else "a" if rng.random() < p else "b"
                    shown = [] if first is None else ["a-first" if rng.random() < first else "b-first"]
                    out.writerow([f"prompt {number % (prompts or 3 * rows)}", a, b, word, *shown])
                    number += 1
    return path


def log_experiment(path: Path, names: Sequence[str] = NAMES, **fields: Any) -> RunSpec:
    policies = [{"name": n} for n in names]
    return experiment(**{"source": "log", "judge": "replay", "log": str(path), "policies": policies, **fields})


def branch_experiment(store: SqlStore, *, seconds: float = 0.0, **fields: Any) -> RunSpec:
    """Two branches and the reference of a finished run of the fakes, whose oracle takes so many seconds a call."""
    spec = fake_spec(rounds=2, batch=4, noise=0.3, seconds=seconds)
    run = store.create(spec)
    assert work(store, run, FAKES) == FINISHED
    policies = [{"name": n, "run": run, "branch": b} for n, b in (("reference", -1), ("large", 0), ("small", 1))]
    more = {"source": "branches", "judge": "oracle", "policies": policies, "budget": 60, **fields}
    return experiment(problem="fake/digits", params=dict(spec.problem.params), **more)


def prompt_experiment(**fields: Any) -> RunSpec:
    policies = [{"name": n, "prompt": f"{k} {{input}}"} for n, k in zip(NAMES, (9, 5, 1), strict=True)]
    more = {"source": "prompts", "judge": "reference", "task": "sum", "items": 40, "policies": policies, **fields}
    return experiment(**more)


class Judged(SqlStore):
    """A store whose people answer as soon as a pair is asked, by a script; cut off after so many appends."""

    left = 10_000
    script: Callable[[PresentedPair], Sequence[dict[str, Any]]]

    def append(self, lease: Any, events: Any) -> int:
        if self.left <= 0:
            raise SystemExit(9)
        self.left -= 1
        last = super().append(lease, events)
        for event in events:
            for pair in event.pairs if isinstance(event, Asked) else ():
                for body in self.script(pair):
                    self.send(lease.run, "judge", body)
        return last


def prefer(names: Sequence[str], judge: str = "ann") -> Callable[[PresentedPair | PairView], list[dict[str, Any]]]:
    """Answers of somebody who prefers policies in this order."""

    def answer(pair: PresentedPair | PairView) -> list[dict[str, Any]]:
        better = names.index(pair.first) < names.index(pair.second)
        return [{"index": pair.index, "outcome": "first" if better else "second", "judge": judge}]

    return answer
