"""What a search has found, in a sentence: against the best possible, the untrained model, and its rivals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pages.parts.run.overlays import Reference
from pages.parts.words import UNTRAINED, method_name, number, times
from poets_core.runs.views.peak import Peak
from poets_core.runs.views.run import RunView

EQUAL = 1e-9
"""Values that differ by less, as a share of the larger one, are called the same."""


@dataclass(frozen=True)
class Rival:
    """What another method had found after as many measurements.

    Attributes:
        name: for people.
        ours, theirs: best values after `calls` measurements; theirs on average over its runs.
        calls: as many as the shortest of these runs has.
        runs: how many there are.
    """

    name: str
    ours: float
    theirs: float
    calls: int
    runs: int


def rivals(view: RunView, references: Sequence[Reference]) -> list[Rival]:
    """Return what other methods reached after as many measurements, the untrained model first."""
    by_method: dict[str, list[RunView]] = {}
    for reference in references:
        if reference.method and reference.view.best is not None:
            by_method.setdefault(reference.method, []).append(reference.view)
    found = []
    for method, views in sorted(by_method.items(), key=lambda item: item[0] != "reference"):
        calls = min(len(v.order) for v in (view, *views))
        ours = view.best_so_far[calls - 1] if calls else None
        theirs = [b for v in views if calls and (b := v.best_so_far[calls - 1]) is not None]
        if ours is not None and len(theirs) == len(views):
            found.append(Rival(method_name(method), ours, sum(theirs) / len(theirs), calls, len(theirs)))
    return found


def verdict(view: RunView, references: Sequence[Reference]) -> str:
    """Say in one sentence how good the best design is; plain text, "" before anything was found.

    Args:
        view: the run.
        references: other runs of its problem, of other methods where `Reference.method` says so.
    """
    if view.best is None:
        return ""
    found = rivals(view, references)
    parts = [_possible(view), _first_round(view, found), *_against(view, found)]
    said = "; ".join(part for part in parts if part)
    return f"{said[:1].upper()}{said[1:]}." if said else ""


def _possible(view: RunView) -> str:
    optimum, best = view.objective.optimum, view.best
    if optimum is None or best is None:
        return ""
    if abs(best.value - optimum) <= EQUAL * max(abs(optimum), 1.0):
        return "this is the best possible value"
    return f"the best possible value is {number(optimum)}"


def _first_round(view: RunView, found: Sequence[Rival]) -> str:
    """What was found before anything was learnt; said where no run of the untrained model is known."""
    if any(r.name == UNTRAINED for r in found) or not view.rounds:
        return ""
    if view.given:
        best = max((view.sign * v for i in view.given if (v := view.candidates[i].value) is not None), default=None)
        return "" if best is None else f"the best of the given data is {number(view.sign * best)}"
    measured = view.round_ends.get(0, 0)
    first = view.best_so_far[measured - 1] if measured else None
    return "" if first is None else f"the first round, before anything was learnt, reached {number(first)}"


def _against(view: RunView, found: Sequence[Rival]) -> list[str]:
    groups: dict[str, list[str]] = {"better than": [], "equal to": [], "worse than": []}
    for rival in found:
        gain = view.sign * (rival.ours - rival.theirs)
        same = abs(gain) <= EQUAL * max(abs(rival.ours), abs(rival.theirs), 1e-300)
        word = "equal to" if same else "better than" if gain > 0 else "worse than"
        name = f"the {rival.name}" if rival.name == UNTRAINED else rival.name
        groups[word].append(f"{name} ({number(rival.theirs)}{_notes(view, rival)})")
    said = [f"{word} {' and '.join(names)}" for word, names in groups.items() if names]
    if any(rival.calls == len(view.order) for rival in found):
        said[-1] += f", after {times(len(view.order), 'measurement')} each"
    return said


def _notes(view: RunView, rival: Rival) -> str:
    """What is special about a rival: several runs, or fewer measurements."""
    runs = f" on average of {rival.runs} runs" if rival.runs > 1 else ""
    if rival.calls == len(view.order):
        return runs
    return f"{runs} after {rival.calls:,}, where this run had {number(rival.ours)}"


def peak_sentence(view: RunView, peak: Peak) -> str:
    """Say that a search is past its peak, and what to do about it; plain text."""
    solved = _possible(view).startswith("this is")
    rest = (
        "Nothing better is possible: stop it, what was found is kept."
        if solved
        else "What was found is kept: stop it, and start another run with another seed, fewer rounds, or settings that "
        "stay closer to the base model."
    )
    return (
        f"This search is past its peak: no better design for {times(peak.quiet, 'measurement')}, and the mean of "
        f"{peak.rounds} rounds went from {number(peak.high, 2)} to {number(peak.low, 2)}. {rest}"
    )
