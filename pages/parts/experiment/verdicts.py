"""How an experiment stands, in one sentence, and how far it is from a verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import streamlit as st

from domains.catalog import entries
from pages.parts.experiment.odds import about, odds
from pages.parts.states import plain, span
from poets_core.runs.events import VerdictReached
from poets_core.runs.status import RunStatus
from poets_core.runs.views.experiment import ExperimentView
from poets_core.runs.views.run import RunView
from poets_core.spec import ExperimentSettings, ExperimentSpec

Tone = Literal["success", "info", "warning"]
REASONS = {
    "verdict": "The experiment is complete: the verdict is in.",
    "budget": "The experiment is complete: all comparisons of its budget were made.",
    "exhausted": "The experiment is complete: every row of the log was used.",
    "stopped": "The experiment was stopped. Resume goes on from where it was.",
}
WITHHELD = "The experiment is complete: by the counts there is a verdict, and it is withheld."
RUNNING = "Comparing policies, pair by pair."
WAITING = "Waiting for people's verdicts on the page Judge."


def percent(share: float) -> str:
    """Write a probability for people: ``0.05`` -> ``"5 %"``."""
    return f"{100 * share:.3g} %"


def listed(names: Sequence[str], most: int = 8, last: str = "and") -> str:
    """Write names as a list, escaped, `last` before the last of them; the rest of a long one is counted."""
    shown = [f"**{plain(n)}**" for n in names[:most]]
    rest = len(names) - len(shown)
    if rest > 0:
        return f"{', '.join(shown)} {last} {rest} more"
    return f"{', '.join(shown[:-1])} {last} {shown[-1]}" if len(shown) > 1 else "".join(shown)


def title_of(spec: ExperimentSpec) -> str:
    """Return an experiment's name: its label, or the question with the names of its policies. Not escaped."""
    if spec.label:
        return spec.label
    names = [p.name for p in spec.experiment.policies]
    rest = len(names) - 4
    which = "Which is best" if spec.experiment.top == 1 else f"Which {spec.experiment.top} are best"
    return f"{which}: " + (f"{', '.join(names[:4])} and {rest} more?" if rest > 0 else f"{_or(names)}?")


def compared(about: str, judge: str) -> str:
    """Return what an experiment compares on, by its title; "" for a log, which its judge says already. Not escaped."""
    return "" if judge == "replay" else {e.name: e.title for e in entries()}.get(about, about)


def _or(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def sentence(verdict: VerdictReached | None, metrics: Mapping[str, Any] | None, assumes: str = "") -> tuple[Tone, str]:
    """Return how an experiment stands, and how it is meant: what is certified, what is not, what would settle it.

    Args:
        verdict: None before there is one.
        metrics: of the last update, None before the first.
        assumes: what the error bound takes for granted of a log's rows, in sentences; "" for nothing.
    """
    assumed = f" {plain(assumes)}" if assumes else ""
    if verdict is None:
        if not metrics or not metrics.get("comparisons"):
            return "info", "No verdict yet: nothing has been compared."
        return "info", " ".join(["No verdict yet.", *standing(metrics)])
    n = f"{verdict.comparisons:,} comparisons"
    error = "" if verdict.error_bound is None else f" with error at most {percent(verdict.error_bound)}"
    if verdict.rule == "audit":
        return _audited(verdict, error)
    judge = verdict.spec.get("according_to")
    according = f" according to the judge {plain(str(judge))}" if judge else ""
    if verdict.policy is not None:
        return "success", f"**{plain(verdict.policy)}** is the best policy{according}{error}, after {n}.{assumed}"
    if verdict.kind == "top":
        best = f"The best {len(verdict.left)} are {listed(verdict.left, most=20)}"
        each = f"each is beaten by fewer than {len(verdict.left)} others"
        return "success", f"{best}{according}{error}, after {n}: {each}.{assumed}"
    if verdict.kind == "none" and (metrics or {}).get("top"):
        k = (metrics or {})["top"]["k"]
        return (
            "success",
            f"There are no {k} policies of which each is beaten by fewer than {k} others{according}{error}, after {n}.",
        )
    if verdict.kind == "none":
        return "success", f"No policy beats all others{according}{error}, after {n}.{assumed}"
    if verdict.rule == "order":  # what the evidence would certify rests on the order as well
        return "warning", f"Undecided after {n}: no winner is certified. {plain(verdict.why)}."
    why = [f"It ended because {plain(verdict.why)}."] if verdict.why else []
    what = "no set of the best is certified" if (metrics or {}).get("top") else "no winner is certified"
    return "warning", " ".join([f"Undecided after {n}: {what}.", *standing(metrics), *why]) + assumed


def _audited(verdict: VerdictReached, error: str) -> tuple[Tone, str]:
    """Say what an audit has found: it is about people, not about the judge."""
    labels = int(verdict.spec.get("labels", 0))
    after = f"after {verdict.comparisons:,} verdicts of the judge and {labels:,} of people"
    if verdict.policy is not None:
        return "success", f"People prefer **{plain(verdict.policy)}** to every other policy{error}, {after}."
    why = f" It ended because {plain(verdict.why)}." if verdict.why else ""
    return "warning", f"Undecided {after}: whom people prefer is not certified.{why}"


def outcome(verdict: VerdictReached) -> str:
    """Return a verdict in a few words, for a list; escaped."""
    if verdict.policy is not None and verdict.rule == "audit":
        return f":material/emoji_events: people prefer **{plain(verdict.policy)}**"
    if verdict.policy is not None:
        judge = verdict.spec.get("according_to")
        according = f", according to {plain(str(judge))}" if judge else ""
        return f":material/emoji_events: **{plain(verdict.policy)}** won{according}"
    if verdict.kind == "top":
        return f":material/emoji_events: best {len(verdict.left)}: {listed(verdict.left, most=3)}"
    return "no policy beats all others" if verdict.kind == "none" else "undecided"


def standing(metrics: Mapping[str, Any] | None) -> list[str]:
    """Return sentences without a verdict: what is certified all the same, what is not, and what would settle it."""
    if not metrics:
        return []
    names, left = list(metrics["policies"]), list(metrics["left"])
    if (top := metrics.get("top")) is not None:
        return _top_standing(names, left, int(top["k"]), float(top["delta"]))
    error = f"with error at most {percent(math.exp(-float(metrics['evidence_threshold'])))}"
    out = [name for name in names if name not in left]
    if not left:
        said = ["Each policy looks beaten by another one. Not certified: that this holds for all of them at once."]
    elif not out:
        said = [f"Certified: nothing. Each of the {len(names)} policies may be the best."]
    elif len(left) == 1:
        said = [
            f"Certified {error}: if one policy beats every other, it is {listed(left)}. Not certified: that it does."
        ]
    else:
        said = [
            f"Certified {error}: the best is not {listed(out, last='or')}. Not certified: which of {listed(left)} is."
        ]
    return [*said, *settling(metrics)]


def _top_standing(names: Sequence[str], left: Sequence[str], k: int, delta: float) -> list[str]:
    out = [name for name in names if name not in left]
    if not out:
        return [f"Certified: nothing. Each of the {len(names)} policies may be among the best {k}."]
    error = f"with error at most {percent(delta)}"
    best = f"Certified {error}: among the best {k} is not {listed(out, last='nor')}."
    return [best, f"Not certified: which {k} of {listed(left, last='or')} are." if len(left) > k else ""]


def settling(metrics: Mapping[str, Any]) -> list[str]:
    """Return what would settle it, in a sentence; nothing where the worker has not said so."""
    if "settles" not in metrics:
        return []
    plan = metrics["settles"]
    if plan is None:
        return ["Those left look equally good so far: no number of further comparisons can be named."]
    (first, second, n), *others = plan["pairs"] or [("", "", 0)]
    if not n:
        return []
    pair = f"**{plain(first)}** against **{plain(second)}**"
    # Rows of a prompt that was asked before would bring little.
    go_on = "if answers go on as they have" + (", each on a prompt of its own" if plan.get("apart") else "")
    if not others:
        return [f"To settle it: {about(n)} of {pair}, {go_on}."]
    return [f"To settle it: {about(plan['comparisons'])}, most of them {pair}, {go_on}."]


def callout(verdict: VerdictReached | None, metrics: Mapping[str, Any] | None, assumes: str = "") -> None:
    """Draw the verdict; see `sentence`."""
    tone, text = sentence(verdict, metrics, assumes)
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
    had = "more than any odds that are asked for" if model["margin"] is None else f"odds of {odds(model['margin'])}"
    return False, (
        f"Under the Bradley-Terry model **{plain(model['leader'])}** leads with {had}; the verdict needs "
        f"{odds(model['margin_threshold'])}, or the evidence below without the model.{fit}"
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
        return 0.0, f"Nothing is known yet: 0 of {k} policies are ruled out"
    if (top := metrics.get("top")) is not None:
        gone = len(metrics["policies"]) - len(metrics["left"])
        needed = max(1, k - int(top["k"]))
        return min(gone / needed, 1.0), f"{gone} of {needed} policies are known not to be among the best {top['k']}"
    limit = float(metrics["evidence_threshold"])
    evidence = sorted(e for e in metrics["evidence"] if e is not None)
    text = f"{excluded(metrics, k)} of {k} policies are ruled out"
    plan, model = metrics.get("settles"), metrics.get("model")
    if plan is not None and plan["comparisons"]:
        text += f" · {about(plan['comparisons'])}, if answers go on as they have"
    if spec.assume_condorcet and not model:
        # All but one have to go: the least excluded one stays.
        needed = evidence[1:]
        return sum(min(max(e, 0.0) / limit, 1.0) for e in needed) / max(len(needed), 1), text
    if model and not model["doubted"]:
        has, needs = model["margin"], float(model["margin_threshold"])
        share = 1.0 if has is None else min(max(has, 0.0) / needs, 1.0)
        return share, f"{text} · a winner needs odds of {odds(needs)}, the best case has {odds(share * needs)}"
    shown = max([0.0, *(s for s in metrics["shown"] if s is not None)])
    most = float(metrics["shown_threshold"])
    if plan is None:
        text += f" · a winner needs odds of {odds(most)} in every duel, the best case has {odds(shown)}"
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
    share = min(n / spec.budget, 1.0)
    if status.state == "finished":
        share = 1.0
        text = f"{n:,} comparisons in {span(view.last - view.started)}"
    elif known is not None and known.verdict is None:
        if least is not None and least > n:
            text += f" · at the estimate now a verdict takes at least {least:,.0f}"
        if status.state == "running" and not spec.people and n >= 20 and view.claims == 1:
            pace = (view.last - view.started) / n
            text += f" · at most {span(pace * (spec.budget - n))} left at the pace so far"
    st.progress(share, text=text)
