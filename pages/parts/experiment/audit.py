"""An audit on the page of its experiment: how far judge and people agree, what people prefer, what was saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from pages.parts.skeleton import card
from pages.parts.words import times
from poets_core.runs.views.experiment import ExperimentView


def unanswered(n: int, of: int) -> str:
    """Say that replies of the judging model were no verdict."""
    return (
        f"The model that judges gave no readable answer to {times(n, 'pair')} of {of:,}. Each counts as a tie, never "
        "as a guess. Is it a chat model that follows instructions?"
    )


def audit_cards(view: ExperimentView) -> None:
    """Draw the figures of an audit."""
    metrics: Mapping[str, Any] = view.metrics or {}
    labels, judged = int(metrics.get("labels", 0)), int(metrics.get("comparisons", 0))
    names = metrics.get("policies", ())
    agreed = agreement(metrics.get("audit", ()))
    figures = (
        ("Verdicts of the judge", f"{judged:,}", f"{view.ties:,} ties", "Pairs that count so far."),
        (
            "Labels of people",
            f"{labels:,}",
            "judged blind",
            "Drawn at random; more where they may differ.",
        ),
        (
            "Labels saved",
            f"{1 - labels / judged:.0%}" if judged else None,
            "of all verdicts",
            "Share of the judge's verdicts that no person had to look at.",
        ),
        (
            "Agreement",
            None if agreed is None else f"{agreed:.0%}",
            "of judge and people",
            "Estimated for all pairs, each label weighed by how likely it was asked for.",
        ),
        (
            "Ruled out",
            f"{len(names) - len(metrics.get('left', names))} of {len(names)}" if names else None,
            "certified",
            "People prefer another policy to them, with error at most δ.",
        ),
    )
    with st.container(horizontal=True, key="audit-cards"):
        for figure in figures:
            card(*figure)


def agreement(pairs: Sequence[Mapping[str, Any]]) -> float | None:
    """Return how often judge and people agree, over all pairs; None before any."""
    judged = sum(p["judged"] for p in pairs)
    return sum(p["agreed"] * p["judged"] for p in pairs) / judged if judged else None


def audit_frame(pairs: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row a pair of policies; shares in percent, intervals as text."""
    return pd.DataFrame(
        {
            "pair": [f"{p['first']} – {p['second']}" for p in pairs],
            "verdicts": [p["judged"] for p in pairs],
            "labels": [p["labels"] for p in pairs],
            "judge prefers the first": [100 * p["verdicts"] for p in pairs],
            "people prefer the first": [100 * p["preferred"] for p in pairs],
            "interval": [_span(p["preferred_interval"]) for p in pairs],
            "agreement": [100 * p["agreed"] for p in pairs],
            "its interval": [_span(p["agreed_interval"]) for p in pairs],
        }
    )


def _span(interval: Sequence[float]) -> str:
    low, high = interval
    return f"{100 * low:.0f} to {100 * high:.0f} %"


def audit_table(view: ExperimentView, run: str) -> None:
    """Draw what is known of every pair."""
    pairs = (view.metrics or {}).get("audit", ())
    if not pairs:
        return
    st.header("Judge and people, pair by pair", anchor=False)
    st.caption(
        "Each interval holds at every moment with error at most δ. Estimates weigh labels by how likely they were "
        "asked for, so that a share of them speaks for all; a tie counts as half."
    )
    percent = st.column_config.NumberColumn(format="%.0f %%")
    st.dataframe(
        audit_frame(pairs),
        hide_index=True,
        key=f"audit-{run}",
        alt=f"Table of {len(pairs)} pairs of policies: agreement of judge and people, and what people prefer",
        column_config={
            "pair": st.column_config.TextColumn(width="medium"),
            "judge prefers the first": percent,
            "people prefer the first": percent,
            "interval": st.column_config.TextColumn(help="Of what people prefer.", alignment="right"),
            "agreement": percent,
            "its interval": st.column_config.TextColumn(help="Of the agreement.", alignment="right"),
        },
    )
