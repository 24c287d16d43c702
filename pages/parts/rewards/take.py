"""What is taken away: figures and answers as CSV now, models by a worker that reads them back first."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pages.parts.feed import Feed, Snapshot
from pages.parts.rewards.deploy import deploy
from pages.parts.rewards.samples import as_rows
from pages.parts.skeleton import download
from poets_core.cells import guarded
from poets_core.runs.views.rewards import RewardsView
from poets_core.runs.views.run import RunView

FIGURES: tuple[str, ...] = (
    "train_reward",
    "held_out_reward",
    "gap",
    "vote",
    "best",
    "kl",
    "entropy",
    "divergence",
    "reward",
    "equal_groups",
    "answers",
    "unknown",
    "replayed",
)
"""Columns of the figures, beside the shares that were solved by level."""


def take(feed: Feed, snapshot: Snapshot) -> None:
    """Draw the files of the run, and the way to its models."""
    st.header("Export", anchor=False)

    def now() -> RunView:
        return feed.snapshot().view

    with st.container(horizontal=True, key="downloads"):
        download("Figures as CSV", lambda: figures_csv(now()), f"{feed.run}-figures.csv", "figures-csv")
        download(
            "Answers as CSV",
            lambda: table_csv(as_rows(now().rewards or RewardsView())),
            f"{feed.run}-answers.csv",
            "answers-csv",
        )
    deploy(feed, snapshot)


def figures_csv(view: RunView) -> bytes:
    """Return the figures of every round as UTF-8 CSV; round 0 is the untrained model, later ones count from 1."""
    rewards = view.rewards or RewardsView()
    rows: list[dict[str, Any]] = []
    if rewards.untrained:
        rows.append(_figures(0, rewards.untrained, None))
    rows += [_figures(r.round + 1, r.metrics, r.seconds) for r in view.rounds]
    return table_csv(rows)


def _figures(round: int, metrics: Mapping[str, Any], seconds: float | None) -> dict[str, Any]:
    out: dict[str, Any] = {"round": round, **{name: metrics.get(name) for name in FIGURES}, "seconds": seconds}
    for split in ("train", "held_out"):
        out |= {f"{split}_solved[{level}]": share for level, share in (metrics.get(f"{split}_solved") or {}).items()}
    return out


def table_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return rows as UTF-8 CSV with all their columns; what a spreadsheet would take for a formula is guarded."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([guarded(name) for name in columns])
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    return guarded(value) if isinstance(value, str) else "" if value is None else value
