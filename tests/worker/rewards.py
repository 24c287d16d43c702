"""Small runs that learn from rewards: the shipped model, a file of prompts of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from poets_core.runs.sql import SqlStore
from poets_core.spec import RewardsSpec, parse_spec

PROMPTS = [("gcd 12 18=", 6), ("gcd 10 5=", 5), ("gcd 9 6=", 3), ("gcd 8 12=", 4), ("gcd 7 21=", 7), ("gcd 4 6=", 2)]
SMALL = {
    "branches": 2,
    "rounds": 2,
    "prompts": 2,
    "group": 3,
    "steps": 2,
    "replay": 2,
    "max_tokens": 4,
    "held_out_answers": 2,
    "learning_rate": 0.01,
}


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A JSONL file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def prompts(folder: Path) -> Path:
    """A file of a few prompts with right answers, of two levels."""
    rows = [{"prompt": p, "answer": a, "level": "even" if a % 2 == 0 else "odd"} for p, a in PROMPTS]
    return lines(folder / "prompts.jsonl", rows)


def spec_of(file: Path | None, *, given: dict[str, Any] | None = None, task: Any = None, **changes: Any) -> RewardsSpec:
    """The spec of a small run."""
    own = {"name": "text/own", "params": {"file": str(file), "held_out_share": 0.5}} if file else None
    backbone = changes.pop("backbone", {})
    made = parse_spec(
        {
            "version": 2,
            "kind": "rewards",
            "device": "cpu",
            "task": task or own,
            "backbone": backbone,
            "given": given or {},
            "samples": 2,
            "rewards": {**SMALL, **changes},
        }
    )
    assert isinstance(made, RewardsSpec)
    return made


def small_run(store: SqlStore, folder: Path, **changes: Any) -> str:
    """Create one."""
    return store.create(spec_of(prompts(folder), **changes))
