"""How an experiment stands, in one sentence, and how far it is from a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import streamlit as st

from pages.parts.states import plain, span
from poets_core.runs.events import VerdictReached
from poets_core.runs.status import RunStatus
from poets_core.runs.views.experiment import ExperimentView
from poets_core.runs.views.run import RunView
from poets_core.spec import ExperimentSettings

Tone = Literal["success", "info", "warning"]
REASONS = {
    "verdict": "The experiment is complete: the verdict is in.",
    "budget": "The experiment is complete: all comparisons of its budget were made.",
    "exhausted": "The experiment is complete: the log has no further comparison of the pair that was needed.",
    "stopped": "The experiment was stopped. Resume goes on from where it was.",
}
RUNNING = "Comparing policies, pair by pair."
WAITING = "Waiting for people's verdicts on the page Judge."


def percent(share: float) -> str:
    """Write a probability for people: ``0.05`` -> ``"5 %"``."""
    return f"{100 * share:.3g} %"


def listed(names: Sequence[str], most: int = 8) -> str:
    """Write names as a list, escaped; the rest of a long one is counted."""
    shown = [f"**{plain(n)}**" for n in names[:most]]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")


def sentence(verdict: VerdictReached | None, metrics: Mapping[str, Any] | None) -> tuple[Tone, str]:
    """Return the verdict in one sentence, and how it is meant.

    Args:
        verdict: None before there is one.
        metrics: of the last update, None before the first.
    """
    if verdict is None:
        left = list((metrics or {}).get("left", ()))
        if not metrics or not metrics.get("comparisons"):
            return "info", "No verdict yet: nothing has been compared."
        k = len(metrics["policies"])
        if not left:
            return "info", f"No verdict yet. All {k} policies look beaten by another one; this is being verified."
        return "info", f"No verdict yet. {k - len(left)} of {k} policies are excluded. Still possible: {listed(left)}."
    n = f"{verdict.comparisons:,} comparisons"
    error = "" if verdict.error_bound is None else f" with error at most {percent(verdict.error_bound)}"
    if verdict.policy is not None:
        return "success", f"**{plain(verdict.policy)}** is the best policy{error}, after {n}."
    if verdict.kind == "none":
        return "success", f"No policy beats all others{error}, after {n}."
    why = f" {plain(verdict.why[:1].upper() + verdict.why[1:])}." if verdict.why else ""
    left = f" Still possible: {listed(verdict.left)}." if verdict.left else ""
    return "warning", f"Undecided after {n}: nothing is claimed.{left}{why}"


def callout(verdict: VerdictReached | None, metrics: Mapping[str, Any] | None) -> None:
    """Draw the verdict."""
    tone, text = sentence(verdict, metrics)
    icons = {"success": ":material/emoji_events:", "info": ":material/balance:", "warning": ":material/help:"}
    {"success": st.success, "info": st.info, "warning": st.warning}[tone](text, icon=icons[tone])


def model_line(metrics: Mapping[str, Any] | None) -> tuple[bool, str] | None:
    """Say how the Bradley-Terry model stands: whether the data contradict it, and a sentence; None without a model."""
    model = (metrics or {}).get("model")
    if not model:
        return None
    fit = "" if model.get("fit") is None else f" Goodness of fit: p = {model['fit']:.2g}."
    if model["doubted"]:
        return True, f"The comparisons contradict the Bradley-Terry model, so that it decides nothing.{fit}"
    had = "more than any threshold" if model["margin"] is None else f"{model['margin']:.1f}"
    return False, (
        f"Under the Bradley-Terry model **{plain(model['leader'])}** leads with {had} nats of evidence; the verdict "
        f"needs {model['margin_threshold']:.1f}, or the evidence below without the model.{fit}"
    )


def excluded(metrics: Mapping[str, Any] | None, policies: int) -> int:
    """Return how many policies are excluded as the winner."""
    return 0 if not metrics else policies - len(metrics["left"])


def toward(metrics: Mapping[str, Any] | None, spec: ExperimentSettings) -> tuple[float, str]:
    """Return how far a verdict is, as a share and in words that name no policy.

    The share is that of the evidence which the next step still needs: with an assumed
    winner, of the policies that must be excluded; else of the strongest case for a winner.
    """
    k = len(spec.policies)
    if not metrics or not metrics.get("comparisons"):
        return 0.0, f"Nothing is known yet: 0 of {k} policies are excluded"
    limit = float(metrics["evidence_threshold"])
    evidence = sorted(e for e in metrics["evidence"] if e is not None)
    text = f"{excluded(metrics, k)} of {k} policies are excluded"
    if spec.assume_condorcet and not metrics.get("model"):
        # All but one have to go: the least excluded one stays.
        needed = evidence[1:]
        share = sum(min(max(e, 0.0) / limit, 1.0) for e in needed) / max(len(needed), 1)
        if needed and needed[0] < limit:
            text += f" · the next needs {limit:.1f} nats of evidence and has {max(needed[0], 0.0):.1f}"
        return share, text
    model = metrics.get("model")
    if model and not model["doubted"]:
        has, needs = model["margin"], float(model["margin_threshold"])
        share = 1.0 if has is None else min(max(has, 0.0) / needs, 1.0)
        return share, f"{text} · a winner needs {needs:.1f} nats of evidence, the best case has {share * needs:.1f}"
    shown = max([0.0, *(s for s in metrics["shown"] if s is not None)])
    most = float(metrics["shown_threshold"])
    text += f" · a winner needs {most:.1f} nats of evidence in every duel, the best case has {shown:.1f}"
    return min(shown / most, 1.0), text


def progress(view: RunView, status: RunStatus, spec: ExperimentSettings) -> None:
    """Draw how much of the budget is used; a time only where the pace is a machine's and known.

    The lower bound is no forecast: it says what the best method would need if the
    estimate were the truth, so it is called "at least".
    """
    known: ExperimentView | None = view.experiment
    n = 0 if known is None else known.comparisons
    text = f"{n:,} of at most {spec.budget:,} comparisons"
    least = ((known.metrics if known else None) or {}).get("expected")
    if status.state == "finished":
        text = f"{n:,} comparisons in {span(view.last - view.started)}"
    elif known is not None and known.verdict is None:
        if least is not None and least > n:
            text += f" · at the estimate now a verdict takes at least {least:,.0f}"
        if status.state == "running" and spec.judge != "person" and n >= 20 and view.claims == 1:
            pace = (view.last - view.started) / n
            text += f" · at most {span(pace * (spec.budget - n))} left at the pace so far"
    st.progress(min(n / spec.budget, 1.0), text=text)
