"""The last contest among a search's branches, as the page Live shows it: which branch to deploy."""

from __future__ import annotations

from dataclasses import replace

from pages.parts.experiment import charts as contest_charts
from pages.parts.experiment import effort as contest_effort
from pages.parts.experiment.verdicts import listed, percent
from pages.parts.look import Look
from pages.parts.panel import Panel, empty
from pages.parts.states import plain
from pages.parts.words import model
from poets_core.runs.views.run import RunView
from poets_core.types import branch_of, round_number

WAITING = "No contest has been held yet."


def contest_panels(view: RunView, look: Look) -> tuple[Panel, Panel]:
    """Return evidence and allocation of the last contest, under names that fit the page of a search."""
    if not view.contests:
        title = "Contest of the models"
        return tuple(empty(look, n, title, WAITING, WAITING) for n in ("contest", "contest-effort"))  # type: ignore[return-value]
    metrics = view.contests[-1].metrics
    metrics = {**metrics, **{part: [_short(name) for name in metrics[part]] for part in ("policies", "left")}}
    evidence = contest_charts.evidence_bars(metrics, look)
    effort = contest_effort.allocation(metrics, look)
    return (
        replace(evidence, name="contest", title="Contest of the models: evidence"),
        replace(effort, name="contest-effort", title="Contest of the models: comparisons"),
    )


def deploy(view: RunView) -> str:
    """Say which branch the last contest found to be the one to deploy; "" before there was a contest."""
    if not view.contests:
        return ""
    last = view.contests[-1]
    verdict = last.verdict
    after = f"contest after round {round_number(last.round)}, {verdict.comparisons:,} comparisons"
    if verdict.policy is not None:
        bound = "" if verdict.error_bound is None else f", best with error at most {percent(verdict.error_bound)}"
        return f"Model to deploy: **{plain(_model(verdict.policy))}**{bound} ({after})."
    if verdict.kind == "none":
        return f"No model beats all others ({after})."
    return (
        f"No model to deploy is known yet ({after}). Still possible: {listed([_model(name) for name in verdict.left])}."
    )


def _short(policy: str) -> str:
    """Return what pages call a policy of a contest; a name that no branch has stays as it is."""
    try:
        return model(branch_of(policy))
    except ValueError:
        return policy


def _model(policy: str) -> str:
    """Return what pages call a policy of a contest, with the name that files and logs have for it. Not escaped."""
    short = _short(policy)
    return short if short == policy else f"{short} ({policy} in files)"
