"""The comparisons of an experiment as tables and files; the verdict with all that recomputes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from pages.parts.experiment.charts import by_evidence
from pages.parts.experiment.odds import odds
from pages.parts.judge.responses import prompt, response
from pages.parts.look import Look
from pages.parts.tables import one_page
from pages.parts.text import one_line
from poets_core.runs.views.experiment import ExperimentView, PairView
from poets_core.spec import RunSpec
from poets_core.types import ProblemInfo

PAGE = 50
SAID = {"first": "A", "second": "B", "tie": "tie"}
MAY_LACK = ("prompt", "response A", "response B")
WIDE = ("preferred", "prompt", "response A", "response B")
RECOMPUTES = (
    *("policies", "wins", "ties", "evidence", "evidence_threshold", "shown", "shown_threshold", "left"),
    *("allocation", "optimal", "estimate", "expected", "round_robin"),
)
"""Metrics that a downloaded verdict brings along."""
SHOWS = {"all": "all judged", "ties": "ties", "split": "judges differ", "open": "open", "skipped": "skipped"}


def policy_table(view: ExperimentView) -> pd.DataFrame:
    """Return one row per policy, the least excluded first.

    Columns: policy, whether it may be the best, wins, losses, win share of decided comparisons [%], and the two
    kinds of evidence as odds.
    """
    metrics = view.metrics or {}
    names, wins = metrics["policies"], metrics["wins"]
    rows = []
    for i in by_evidence(metrics):
        won, lost = sum(wins[i]), sum(row[i] for row in wins)
        rows.append(
            {
                "policy": names[i],
                "may be the best": "yes" if names[i] in metrics["left"] else "ruled out",
                "wins": won,
                "losses": lost,
                "win share": 100 * won / (won + lost) if won + lost else None,
                "odds: not the best": _odds(metrics["evidence"][i]),
                "odds: beats all others": _odds(metrics["shown"][i]),
            }
        )
    return pd.DataFrame(rows)


def _odds(nats: float | None) -> str:
    return "–" if nats is None else odds(nats)


def chosen(view: ExperimentView, show: str, policy: str = "") -> list[PairView]:
    """Return the pairs that a list shows, newest first.

    Args:
        view: the experiment.
        show: a key of `SHOWS`.
        policy: only its pairs; "" for all.
    """
    keep = {
        "all": lambda p: p.outcome is not None,
        "ties": lambda p: p.outcome == "tie",
        "split": lambda p: len(set(p.opinions.values())) > 1,
        "open": lambda p: p.outcome is None and not p.skipped,
        "skipped": lambda p: p.skipped,
    }[show]
    kept = [p for p in view.pairs.values() if keep(p) and policy in ("", p.first, p.second)]
    return kept[::-1]


def preferred(pair: PairView) -> str:
    """Return who was preferred: a policy, ``"tie"``, or how the pair stands."""
    if pair.outcome in ("first", "second"):
        return pair.first if pair.outcome == "first" else pair.second
    return "tie" if pair.outcome == "tie" else "skipped" if pair.skipped else "open"


def frame(pairs: Sequence[PairView]) -> pd.DataFrame:
    """Return pairs as a table; text is cut off for the screen."""
    return pd.DataFrame(
        {
            "pair": [p.index for p in pairs],
            "preferred": [preferred(p) for p in pairs],
            "shown as A": [p.first for p in pairs],
            "shown as B": [p.second for p in pairs],
            "prompt": [_line(p.prompt) for p in pairs],
            "response A": [_line(p.responses[0]) for p in pairs],
            "response B": [_line(p.responses[1]) for p in pairs],
            # What the audited judge has said of an open pair is nobody's business before a person has answered.
            **({"audited judge": [_verdict(p) for p in pairs]} if any(p.verdict for p in pairs) else {}),
            "judges": ["; ".join(f"{j}: {SAID.get(o, o)}" for j, o in p.opinions.items()) for p in pairs],
        }
    )


def _verdict(pair: PairView) -> str:
    return SAID.get(pair.verdict or "", "–") if pair.outcome is not None else "–"


def _line(text: str, longest: int = 160) -> str:
    return one_line(" ".join(text[: longest + 1].split()), longest)


def comparison_list(
    view: ExperimentView,
    find: Callable[[str, str], list[PairView]],
    info: ProblemInfo | None,
    look: Look,
    key: str,
) -> None:
    """Draw the list of comparisons with its filters, page by page, and the one that is chosen in full.

    Args:
        view: the experiment.
        find: `chosen` of it, remembered between draws.
        info: the problem's facts; None where there is no problem.
        look: colours.
        key: of the run, for the widgets.
    """
    names = ["", *view.policies]
    bar = st.container(horizontal=True, vertical_alignment="bottom", key="comparison-filters")
    show = bar.selectbox("Show", list(SHOWS), format_func=SHOWS.__getitem__, key=f"show-{key}", width=170)
    policy = bar.selectbox("Policy", names, format_func=lambda n: n or "all", key=f"policy-{key}", width=240)
    pairs = find(show, policy)
    if not pairs:
        st.info("No comparison matches.", icon=":material/filter_alt_off:")
        return
    shown, place = one_page(bar, pairs, PAGE, f"page-{key}")
    st.caption(f"{place}, newest first. Choose a row to read it.")
    on_screen, picked = f"list-{key}-shown", f"list-{key}-picked"

    def pick() -> None:  # a position is looked up in what was on the screen, not in what has arrived since
        rows = st.session_state[f"list-{key}"]["selection"]["rows"]
        before = st.session_state.get(on_screen, [])
        st.session_state[picked] = before[rows[0]] if rows and rows[0] < len(before) else None

    table = frame(shown)
    st.dataframe(
        table.drop(columns=[name for name in MAY_LACK if not table[name].astype(bool).any()]),
        hide_index=True,
        key=f"list-{key}",
        on_select=pick,
        selection_mode="single-row",
        alt=f"Table of {len(shown)} comparisons",
        column_config={name: st.column_config.TextColumn(width="medium") for name in WIDE},
    )
    st.session_state[on_screen] = [p.index for p in shown]
    pair = view.pairs.get(st.session_state.get(picked))
    if pair is not None:
        _in_full(pair, info, look)


def _in_full(pair: PairView, info: ProblemInfo | None, look: Look) -> None:
    with st.container(border=True, key="comparison-in-full"):
        st.markdown(f"**Pair {pair.index}**")
        if pair.prompt:
            prompt(pair.prompt)
        for column, name, text, letter in zip(
            st.columns(2), (pair.first, pair.second), pair.responses, ("A", "B"), strict=True
        ):
            with column:
                mark = ", preferred" if preferred(pair) == name else ""
                st.text(one_line(f"{letter}: {name}{mark}"))
                response(text, letter, info, look)
        said = [f"{judge}: {SAID.get(outcome, outcome)}" for judge, outcome in pair.opinions.items()]
        st.text(one_line(" · ".join(said) or "Not judged.", 2000))


def verdict_json(view: ExperimentView, spec: RunSpec, run: str) -> bytes:
    """Return the verdict as JSON with everything needed to recompute it: counts, delta, thresholds, the run's spec."""
    metrics = dict(view.metrics or {})
    data = {
        "run": run,
        "verdict": None if view.verdict is None else view.verdict.to_json(),
        "comparisons": view.comparisons,
        "ties": view.ties,
        "metrics": {name: metrics.get(name) for name in RECOMPUTES},
        "run_spec": spec.model_dump(mode="json"),
    }
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False).encode()
