"""Runs whose events are written by hand: what a worker would append, with known numbers."""

from __future__ import annotations

import os
from typing import Any

from poets_core.runs import process
from poets_core.runs.events import Event
from poets_core.runs.sql import SqlStore
from poets_core.spec import METHODS, Budget, ProblemSpec, SearchSpec

BRANCHES, BATCH = 2, 4


def info(optimum: float | None = 1.0, **facts: Any) -> dict[str, Any]:
    """Problem facts as `prepared` carries them."""
    objective = {
        "name": "quality", "unit": "share", "direction": "maximise", "optimum": optimum,
        "optimum_source": "closed form",
    }  # fmt: skip
    return {
        "name": "protein/ehrlich", "domain": "protein", "title": "Ehrlich function", "objectives": [objective],
        "answered_by": "program", "chunk": 4, "export_formats": ["fasta", "csv"], "max_tokens": 4, "facts": facts,
    }  # fmt: skip


def candidate(round: int, slot: int, **more: Any) -> dict[str, Any]:
    """One candidate of a `proposed` event."""
    letters = "ACDEFGHIKLMNPQRSTVWY"
    design = "".join(letters[(round * 7 + slot * 3 + k) % 20] for k in range(4))
    return {
        "id": f"{round}-{slot}", "round": round, "branch": slot % BRANCHES, "source": ("branch", "edit")[slot % 2],
        "prompt": 0, "design": design, "text": design, "reason": "", "log_prob": -4.0 - slot,
        "reference_log_prob": -5.0, "predicted_mean": 0.1 * slot, "predicted_std": 0.5 - 0.1 * slot, **more,
    }  # fmt: skip


def observed(id: str, value: float | None, reason: str = "") -> Event:
    """One oracle answer."""
    body = {
        "round": int(id.split("-")[0]), "candidate": id, "key": id, "value": [value], "std": [0.0],
        "valid": value is not None, "reason": reason, "details": {},
    }  # fmt: skip
    return Event("observed", body)


def metrics(round: int) -> dict[str, Any]:
    """Metrics of an `updated` event."""
    return {
        "js_sequence": 0.5 / (round + 1), "js_token": 0.1, "spread": 0.4, "spread_replay": 0.2, "coverage": 0.75,
        "kl": [1.0, 2.0], "loss": [0.3, 0.4], "unique": 1.0, "valid": 0.75, "js_matrix": [[0.0, 0.4], [0.4, 0.0]],
    }  # fmt: skip


def events(rounds: int, **problem: Any) -> list[Event]:
    """Everything of a run up to the end of a round; slot 3 of each round is invalid."""
    out = [
        Event("claimed", {"worker": "w", "pid": 1, "epoch": 1, "device": "cpu", "threads": 1, "asked_again": []}),
        Event("prepared", {"info": info(**problem), "backbone": {"source": "library"}}),
    ]
    for r in range(rounds):
        out.append(Event("proposed", {"round": r, "candidates": [candidate(r, s) for s in range(BATCH)]}))
        out += [observed(f"{r}-{s}", 0.1 * (r + s)) for s in range(BATCH - 1)]
        out.append(observed(f"{r}-{BATCH - 1}", None, "W cannot follow C"))
        out.append(
            Event("updated", {"round": r, "metrics": metrics(r), "checkpoint": "c", "sha256": "", "seconds": 2.0})
        )
    return out


def write(
    store: SqlStore,
    body: list[Event],
    *,
    release: bool = True,
    rounds: int = 3,
    label: str = "",
    method: str = "poets",
    params: dict[str, Any] | None = None,
) -> str:
    """Create a run, append events as its worker, and let go of it; return its id."""
    spec = SearchSpec(
        label=label,
        problem=ProblemSpec(name="protein/ehrlich", params=params or {}),
        search=METHODS[method].model_validate({"branches": BRANCHES} if method == "poets" else {}),
        budget=Budget(rounds=rounds, batch=BATCH),
    )
    run = store.create(spec)
    lease = store.claim(run, "w", os.getpid(), process.started(os.getpid()))
    if lease is None:
        raise RuntimeError("Expected a lease on a new run.")
    store.append(lease, body)
    if release:
        store.release(lease)
    return run
