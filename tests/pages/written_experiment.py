"""Experiments whose events are written by hand: what a worker would append, with numbers that fit each other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from poets_core.llm_po.stopping import log_evidence, scores
from poets_core.runs import process
from poets_core.runs.events import Event, jsonable
from poets_core.runs.sql import SqlStore
from poets_core.spec import RunSpec, parse_spec
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
    """Metrics after comparisons, by the same formulas as a worker's."""
    k = len(names)
    wins, ties, judged = (np.zeros((k, k), dtype=np.int64) for _ in range(3))
    for i, j, outcome in told:
        judged[i, j] += 1
        if outcome == "tie":
            ties[i, j] += 1
        else:
            wins[(i, j) if outcome == "first" else (j, i)] += 1
    shown = log_evidence(wins.T, wins)
    np.fill_diagonal(shown, np.inf)
    evidence, threshold = scores(wins), float(np.log(1 / delta))
    n = max(len(told), 1)
    best = np.zeros((k, k))
    best[0, 1:] = best[1:, 0] = 1 / (k - 1)
    data = {
        "policies": list(names), "comparisons": len(told), "ties": int(ties.sum()), "wins": wins,
        "evidence": evidence, "evidence_threshold": threshold, "shown": shown.min(1),
        "shown_threshold": float(np.log(2 * k / delta)),
        "left": [names[i] for i in np.flatnonzero(evidence < threshold)], "allocation": (judged + judged.T) / n,
        "optimal": best, "estimate": (wins + 0.5) / (wins + wins.T + 1), "expected": 31.0, "round_robin": None,
    }  # fmt: skip
    found: dict[str, Any] = jsonable(data | more)
    return found


def prepared(names: Sequence[str] = NAMES, warnings: Sequence[str] = (), problem: bool = True) -> list[Event]:
    """A worker took the experiment and knows its policies."""
    facts = {"policies": [{"name": n} for n in names], "judge": "person", "warnings": list(warnings)}
    claimed = {"worker": "w", "pid": 1, "epoch": 1, "device": "cpu", "threads": 1, "asked_again": []}
    info = written.info() if problem else None
    return [Event("claimed", claimed), Event("prepared", {"info": info, "backbone": {}, "experiment": facts})]


def asked(index: int, i: int, j: int, names: Sequence[str] = NAMES, prompt: str = "") -> Event:
    """A pair is handed out; responses name their policy by a letter that a test can read."""
    responses = ["ACDEFGHIKL"[i:] + "MNPQ", "ACDEFGHIKL"[j:] + "RSTV"]
    pair = {"index": index, "first": names[i], "second": names[j], "item": index, "prompt": prompt}
    return Event("asked", {"pairs": [pair | {"responses": responses}]})


def compared(
    index: int, i: int, j: int, outcome: str, *, judge: str = "Ada", second: bool = False, answer: int | None = None,
    names: Sequence[str] = NAMES,
) -> Event:  # fmt: skip
    """An answer."""
    return Event(
        "compared",
        {
            "index": index, "first": names[i], "second": names[j], "outcome": outcome, "judge": judge,
            "answer": answer, "second_opinion": second, "details": {},
        },
    )  # fmt: skip


def updated(names: Sequence[str], told: Sequence[Told], **more: Any) -> Event:
    """Metrics after these comparisons."""
    body = {"round": len(told), "metrics": metrics(names, told, **more), "checkpoint": "", "sha256": "", "seconds": 0.1}
    return Event("updated", body)


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
    body = {"kind": kind, "policy": policy, "error_bound": bound, "comparisons": n, "left": list(left), "spec": {}}
    return [
        Event("verdict", body),
        Event("finished", {"reason": "budget" if kind == "undecided" else "verdict"}),
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
