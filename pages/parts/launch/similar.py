"""Runs of the same problem with the same parameters: what they advise, and which stand beside a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.parts.feed import open_feed, the_store
from poets_core.runs.status import RunRow
from poets_core.runs.store import RunStore
from poets_core.spec import SearchSpec
from poets_core.spec.preset_rule import FEWEST_CALLS, Advice, advise, evidence

LOOKED_AT = 200
"""Newest runs among which similar ones are looked for."""


@st.cache_data(max_entries=1000, show_spinner=False)
def _params(run: str, url: str) -> str:  # url: the same id may stand in two stores
    """A run's parameters as text to compare; they never change, so that a page that polls reads them once."""
    return _text(the_store().spec(run).problem.params)


def _text(params: Mapping[str, Any]) -> str:
    return json.dumps(dict(params), sort_keys=True)


def similar(store: RunStore, problem: str, params: Mapping[str, Any]) -> list[RunRow]:
    """Searches of a problem with the same parameters that have measured something, newest first.

    Raises:
        StoreUnavailable.
    """
    rows = [r for r in store.runs(limit=LOOKED_AT) if r.kind == "search" and r.problem == problem and r.calls]
    wanted = _text(params)
    return [r for r in rows if _params(r.id, store.url) == wanted]


def advice(store: RunStore, problem: str, params: Mapping[str, Any]) -> Advice:
    """Return the preset that earlier runs of this problem speak for: the best of the long POETS runs decides.

    Raises:
        StoreUnavailable.
    """
    rows = [r for r in similar(store, problem, params) if r.method == "poets"]
    if not rows:
        return advise(None)
    long = [r for r in rows if r.calls >= FEWEST_CALLS] or rows
    direction = open_feed(store, long[0].id).snapshot().view.sign
    best = max(long, key=lambda r: (float("-inf") if r.best is None else direction * r.best, r.calls))
    feed = open_feed(store, best.id)
    view, search = feed.snapshot().view, feed.spec.search
    rounds = [r.metrics for r in view.rounds]
    return advise(evidence(view.round_values, feed.spec.budget.batch, search, rounds, view.sign, view.backbone))


def beside(store: RunStore, run: str, spec: SearchSpec) -> list[RunRow]:
    """Other runs of the problem: rivals first, of these the same seed first.

    Raises:
        StoreUnavailable.
    """
    found = [r for r in similar(store, spec.problem.name, spec.problem.params) if r.id != run]
    return sorted(found, key=lambda r: (r.method == spec.search.method, r.seed != spec.seed, -r.created))
