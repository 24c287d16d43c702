"""Small runs that learn from rewards: the shipped model, a file of prompts of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from poets_core.runs.sql import SqlStore
from poets_core.spec import RewardsSpec, parse_spec

PROMPTS = [(f"gcd {a} {b}=", 1) for a, b in ((12, 35), (10, 7), (9, 4), (8, 15), (7, 20), (4, 9))]
"""Prompts with right answers. The shipped model often says 1 and often does not: groups differ, so that it learns."""
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
    rows = [{"prompt": p, "answer": a, "level": ("even", "odd")[k % 2]} for k, (p, a) in enumerate(PROMPTS)]
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
