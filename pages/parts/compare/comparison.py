"""Runs side by side: groups of equal settings, means with intervals over seeds, paired differences. No widgets here."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from pages.parts.words import method_name, number
from poets_core.runs.views.run import RunView
from poets_core.runs.views.share import Share, reaches
from poets_core.spec import METHODS, SearchSpec
from poets_core.spec.presets import decisive

F8 = NDArray[np.float64]
MEASURES = {
    "best": ("Best so far", "Best value among the measurements so far."),
    "mean": ("Mean so far", "Mean value of all valid measurements so far."),
    "regret": ("Regret", "Sum over measurements of the distance from the best possible value: lower is better."),
}
REACHED = "Best possible reached"
SHOWN_SETTINGS = 3
"""Settings named in the name of a group; more would not be read."""


@dataclass(frozen=True)
class Curve:
    """One run as it is compared.

    Attributes:
        run, seed: of the run.
        measures: f8 (calls,) by measure, in the value's own unit; NaN before there is one.
        sign: +1 if larger values are better, -1 if smaller ones are.
        exact: whether no measurement is said to be noisy. A noisy one that lies at the optimum proves nothing.
    """

    run: str
    seed: int
    measures: Mapping[str, F8]
    sign: float
    exact: bool = True

    @property
    def calls(self) -> int:
        """Oracle calls."""
        return len(self.measures["best"])

    def area(self, calls: int) -> float:
        """Mean over calls of the best so far: the area under that curve, per call; NaN while there is none."""
        best = self.measures["best"][:calls]
        return float(np.nanmean(best)) if np.isfinite(best).any() else float("nan")

    def reaches(self, optimum: float, calls: int) -> bool:
        """Whether one of so many calls found the best possible value, up to rounding."""
        at = min(calls, self.calls)
        return at > 0 and reaches(float(self.measures["best"][at - 1]), optimum, sign=self.sign)

    def calls_to(self, threshold: float, calls: int) -> int | None:
        """First of so many calls whose best so far is at least as good as the threshold; None if there is none."""
        reached = np.flatnonzero(self.sign * self.measures["best"][:calls] >= self.sign * threshold)
        return int(reached[0]) + 1 if len(reached) else None


@dataclass(frozen=True)
class Group:
    """Runs that differ in nothing but seed and label."""

    name: str
    curves: tuple[Curve, ...]

    @property
    def calls(self) -> int:
        """Calls that every run of the group has made."""
        return min(c.calls for c in self.curves)


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds with its 95 % interval (Student's t); no interval with one seed."""

    mean: float
    half_width: float
    n: int

    def __str__(self) -> str:
        if not np.isfinite(self.mean):
            return "–"
        return number(self.mean) + (f" ± {_width(self.half_width)}" if np.isfinite(self.half_width) else "")


def _width(half: float) -> str:
    """Write half an interval with two digits, and as a plain number where that is not longer: 150, not 1.5e+02."""
    return f"{float(f'{half:.2g}'):,g}" if 1e-3 <= half < 1e6 else number(half, 2)


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and interval of what is finite."""
    x = np.array([v for v in values if np.isfinite(v)], dtype=np.float64)
    if not len(x):
        return Estimate(float("nan"), float("nan"), 0)
    return Estimate(float(x.mean()), float(half_width(x)), len(x))


def half_width(x: F8) -> F8:
    """Half of the 95 % interval of the mean over the first axis (Student's t); NaN with one row."""
    if len(x) < 2:
        return np.full(x.shape[1:], np.nan)
    return np.asarray(stdtrit(len(x) - 1, 0.975) * x.std(0, ddof=1) / len(x) ** 0.5)


def curve_of(run: str, spec: SearchSpec, view: RunView) -> Curve:
    """A run's measures after each call; regret is left out where the optimum is unknown."""
    values = np.array([np.nan if v is None else v for v in view.values], dtype=np.float64)
    counted = np.cumsum(np.isfinite(values))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.cumsum(np.nan_to_num(values)) / counted
    measures = {
        "best": np.array([np.nan if b is None else b for b in view.best_so_far], dtype=np.float64),
        "mean": mean,
    }
    if len(view.regret) and view.regret[-1] is not None:
        measures["regret"] = np.array([np.nan if r is None else r for r in view.regret], dtype=np.float64)
    return Curve(run, spec.seed, measures, view.sign, not any(c.std for c in view.candidates.values()))


def grouped(runs: Sequence[tuple[SearchSpec, Curve]]) -> list[Group]:
    """Put runs of equal settings together, named by method, common label and the settings that tell them apart.

    A seed counts once: of runs that repeat each other the longest is kept.
    """
    by: dict[str, list[tuple[SearchSpec, Curve]]] = {}
    for spec, curve in runs:
        # Not the problem: all runs measure one landscape, under whatever name its data came.
        settings = {k: v for k, v in decisive(spec).items() if k not in ("seed", "problem")}
        by.setdefault(json.dumps(settings, sort_keys=True), []).append((spec, curve))
    flat = {key: _flat(json.loads(key)) for key in by}
    names: dict[str, str] = {}
    for key, members in by.items():
        labels = {s.label for s, _ in members}
        method = method_name(members[0][0].search.method)
        names[key] = labels.pop() if len(labels) == 1 and "" not in labels else method
    plain = dict(names)
    for key in by:
        alike = [other for other in by if plain[other] == plain[key]]
        if len(alike) > 1:
            apart = sorted(f for f in flat[key] if any(flat[o].get(f) != flat[key][f] for o in alike))
            said = [f"{_setting(by[key][0][0], f)} {flat[key][f]}" for f in apart[:SHOWN_SETTINGS]]
            names[key] = f"{names[key]}: {', '.join(said)}" + (" …" if len(apart) > SHOWN_SETTINGS else "")
    order = list(METHODS)
    keys = sorted(by, key=lambda k: (order.index(by[k][0][0].search.method), names[k]))
    out: list[Group] = []
    for k in keys:
        longest = {c.seed: c for _, c in sorted(by[k], key=lambda x: (x[1].calls, x[1].run))}
        taken = [g.name for g in out]
        name = names[k] if names[k] not in taken else f"{names[k]} ({len(out) + 1})"
        out.append(Group(name, tuple(longest[seed] for seed in sorted(longest))))
    return out


def _setting(spec: SearchSpec, field: str) -> str:
    """Return what the form calls a setting: ``"search.pool"`` -> ``"ideas per measured design"``."""
    section, _, name = field.partition(".")
    found = getattr(type(getattr(spec, section, None)), "model_fields", {}).get(name)
    title = (None if found is None else found.title) or name.replace("_", " ")
    return title[:1].lower() + title[1:]


def common_threshold(groups: Sequence[Group]) -> float:
    """The median final best of the group that is worst at it: a threshold that says something of all of them."""
    sign = groups[0].curves[0].sign
    # Rounded towards the worse, so that the run it comes from has reached it.
    found = [float(np.nanmedian([sign * c.measures["best"][-1] for c in g.curves])) for g in groups]
    known = [x for x in found if np.isfinite(x)]
    if not known or min(known) == 0.0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(min(known)))) - 3)
    return sign * math.floor(min(known) / unit) * unit


def _flat(data: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in data.items():
        out |= _flat(value, f"{path}{key}.") if isinstance(value, dict) else {f"{path}{key}": value}
    return out


def band(group: Group, measure: str) -> tuple[F8, F8]:
    """Mean and half-width of the 95 % interval after each call, f8 (calls,) each; NaN where there is none."""
    found = [c.measures[measure][: group.calls] for c in group.curves if measure in c.measures]
    if not found:
        return np.zeros(0), np.zeros(0)
    x = np.stack(found)
    return x.mean(0), half_width(x)


def last(curve: Curve, measure: str, calls: int) -> float:
    """A measure after so many calls; NaN where the run has none."""
    found = curve.measures.get(measure)
    return float(found[calls - 1]) if found is not None and 0 < calls <= len(found) else float("nan")


def reached(group: Group, optimum: float | None, calls: int) -> Share | None:
    """Return how many runs of a group found the best possible value within so many calls.

    None where nothing can be claimed: the optimum is unknown, or measurements are noisy.
    """
    if optimum is None or not all(c.exact for c in group.curves):
        return None
    return Share.of(c.reaches(optimum, calls) for c in group.curves)


def table(groups: Sequence[Group], threshold: float | None, optimum: float | None = None) -> list[dict[str, Any]]:
    """One line a group, every run cut to the calls that all runs of all groups have made.

    Args:
        groups: what is compared.
        threshold: how soon a value is reached; None leaves that out.
        optimum: how many runs reach it stands beside the mean; None leaves that out.
    """
    calls = min((g.calls for g in groups), default=0)
    out = []
    for g in groups:
        line: dict[str, Any] = {
            "Group": g.name,
            "Seeds": len(g.curves),
            "Best": str(estimate([last(c, "best", calls) for c in g.curves])),
            **({} if optimum is None else {REACHED: str(reached(g, optimum, calls) or "–")}),
            "Area (mean best)": str(estimate([c.area(calls) for c in g.curves])),
            "Mean value": str(estimate([last(c, "mean", calls) for c in g.curves])),
            "Regret": str(estimate([last(c, "regret", calls) for c in g.curves])),
        }
        if threshold is not None:
            there = [n for c in g.curves if (n := c.calls_to(threshold, calls)) is not None]
            line["Measurements to threshold"] = f"{np.median(there):.0f} (median)" if there else "–"
            line["Threshold reached by"] = f"{len(there)} of {len(g.curves)}"
        out.append(line)
    return out


def differences(groups: Sequence[Group], against: Group, optimum: float | None = None) -> list[dict[str, Any]]:
    """Every other group minus `against`, paired over the seeds that both have; see `table`."""
    calls = min((g.calls for g in groups), default=0)
    theirs = {c.seed: c for c in against.curves}
    out = []
    for g in groups:
        if g is against:
            continue
        pairs = [(c, theirs[c.seed]) for c in g.curves if c.seed in theirs]
        line: dict[str, Any] = {"Group": f"{g.name} − {against.name}", "Pairs of seeds": len(pairs)}
        for title, measure in (("Best", "best"), ("Mean value", "mean"), ("Regret", "regret")):
            line[title] = str(estimate([last(a, measure, calls) - last(b, measure, calls) for a, b in pairs]))
        wins = sum(a.sign * (last(a, "best", calls) - last(b, "best", calls)) > 0 for a, b in pairs)
        line["Better best"] = f"{wins} of {len(pairs)}" if pairs else "–"
        if optimum is not None:
            line[REACHED] = _both(pairs, optimum, calls)
        out.append(line)
    return out


def _both(pairs: Sequence[tuple[Curve, Curve]], optimum: float, calls: int) -> str:
    """Say how many runs of either side found the best possible value: ``"2 of 3 and 1 of 3"``."""
    found = [reached(Group("", tuple(c)), optimum, calls) for c in zip(*pairs, strict=True)] if pairs else [None]
    return "–" if None in found else " and ".join(f"{x.reached} of {x.n}" for x in found if x is not None)


def rows(groups: Sequence[Group], optimum: float | None = None) -> list[dict[str, Any]]:
    """All numbers behind the figure, one line a run and call: what the CSV holds.

    Args:
        groups: what is compared.
        optimum: whether a run has reached it by then is a column of its own; None leaves that out.
    """
    return [
        {"group": g.name, "run": c.run, "seed": c.seed, "call": i + 1}
        | {m: float(x[i]) if np.isfinite(x[i]) else None for m, x in c.measures.items()}
        | ({} if optimum is None else {"optimum_reached": c.reaches(optimum, i + 1) if c.exact else None})
        for g in groups
        for c in g.curves
        for i in range(c.calls)
    ]


def group_rows(groups: Sequence[Group], optimum: float | None = None) -> list[dict[str, Any]]:
    """The table of groups in plain numbers, for a CSV: means, halves of their 95 % intervals, Wilson's interval.

    Every run is cut to the calls that all runs of all groups have made, as in `table`.
    """
    calls = min((g.calls for g in groups), default=0)
    out = []
    for g in groups:
        line: dict[str, Any] = {"group": g.name, "runs": len(g.curves), "calls": calls}
        for measure in MEASURES:
            found = estimate([last(c, measure, calls) for c in g.curves])
            line |= {measure: found.mean, f"{measure}_half_width": found.half_width}
        if optimum is not None:
            share = reached(g, optimum, calls)
            low, high = (None, None) if share is None else (share.low, share.high)
            line |= {"optimum_reached": None if share is None else share.reached, "optimum_reached_low": low}
            line |= {"optimum_reached_high": high}
        out.append(line)
    return out
