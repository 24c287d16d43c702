"""Runs whose events are written by hand: what a worker would append, with known numbers."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from poets_core.runs import process
from poets_core.runs.event_fields import ProposedCandidate
from poets_core.runs.events import Event, Observed, Prepared, Proposed, Updated
from poets_core.runs.sql import SqlStore
from poets_core.spec import METHODS, Budget, ContestSpec, ProblemSpec, SearchSpec
from poets_core.types import Objective, ProblemInfo, Source
from tests.logs import claimed

BRANCHES, BATCH = 2, 4


def info(optimum: float | None = 1.0, direction: str = "maximise", **facts: Any) -> ProblemInfo:
    """Problem facts as `prepared` carries them."""
    objective = Objective("quality", "share", direction, optimum, "closed form")  # type: ignore[arg-type]
    return ProblemInfo(
        "protein/ehrlich",
        "protein",
        "Ehrlich function",
        (objective,),
        chunk=4,
        export_formats=("fasta", "csv"),
        max_tokens=4,
        facts=facts,
    )


def candidate(round: int, slot: int, **more: Any) -> ProposedCandidate:
    """One candidate of a `proposed` event."""
    letters = "ACDEFGHIKLMNPQRSTVWY"
    design = "".join(letters[(round * 7 + slot * 3 + k) % 20] for k in range(4))
    source: Source = ("branch", "edit")[slot % 2]  # type: ignore[assignment]
    made = ProposedCandidate(
        f"{round}-{slot}", round, slot % BRANCHES, source, 0, design, design, "", -4.0 - slot, -5.0, 0.1 * slot,
        0.5 - 0.1 * slot,
    )  # fmt: skip
    return replace(made, **more)


def observed(id: str, value: float | None, reason: str = "") -> Observed:
    """One oracle answer."""
    return Observed(int(id.split("-")[0]), id, id, (value,), (0.0,), value is not None, reason)


def metrics(round: int) -> dict[str, Any]:
    """Metrics of an `updated` event."""
    return {
        "js_sequence": 0.5 / (round + 1), "js_token": 0.1, "spread": 0.4, "spread_replay": 0.2, "coverage": 0.75,
        "kl": [1.0, 2.0], "loss": [0.3, 0.4], "unique": 1.0, "valid": 0.75, "js_matrix": [[0.0, 0.4], [0.4, 0.0]],
        "reward_location": 0.2, "reward_scale": 0.5, "reward_log": False,
    }  # fmt: skip


def events(rounds: int, **problem: Any) -> list[Event]:
    """Everything of a run up to the end of a round; slot 3 of each round is invalid."""
    out: list[Event] = [claimed(), Prepared(info(**problem), {"source": "library"})]
    for r in range(rounds):
        out.append(Proposed(r, tuple(candidate(r, s) for s in range(BATCH))))
        out += [observed(f"{r}-{s}", 0.1 * (r + s)) for s in range(BATCH - 1)]
        out.append(observed(f"{r}-{BATCH - 1}", None, "W cannot follow C"))
        out.append(Updated(r, metrics(r), "c", "", 2.0))
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
    contest: ContestSpec | None = None,
) -> str:
    """Create a run, append events as its worker, and let go of it; return its id."""
    spec = SearchSpec(
        label=label,
        problem=ProblemSpec(name="protein/ehrlich", params=params or {}),
        search=METHODS[method].model_validate({"branches": BRANCHES} if method == "poets" else {}),
        budget=Budget(rounds=rounds, batch=BATCH),
        contest=contest,
    )
    run = store.create(spec)
    lease = store.claim(run, "w", os.getpid(), process.started(os.getpid()))
    if lease is None:
        raise RuntimeError("Expected a lease on a new run.")
    store.append(lease, body)
    if release:
        store.release(lease)
    return run
