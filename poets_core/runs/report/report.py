"""The report of a run, out of what its archive holds: the same archive gives the same report, letter by letter."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from poets_core.runs.report import rewards
from poets_core.runs.report.chart import BLUE, GREEN, GREY, ORANGE, Series, chart
from poets_core.runs.views.run import CandidateView, RunView

REPORT = 1
"""Of the layout; a program that lays reports out otherwise counts on."""
TITLES = {
    "search": "Search",
    "experiment": "Experiment",
    "rewards": "Learning from rewards",
    "task": "Task",
}
"""Of runs whose problem has none, by the kind of their spec."""
ROWS = 100
"""Designs in the table."""
LONGEST = 400
"""Characters of a design that are shown."""
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;color:#1B2430;background:#fff;max-width:62rem;margin:2rem auto;"
    "padding:0 1rem}"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #E3E7EC;vertical-align:top}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}code,pre{font:13px/1.45 ui-monospace,monospace;"
    "overflow-wrap:anywhere;white-space:pre-wrap}svg{max-width:100%;height:auto}.key span{margin-right:1.2rem}"
    ".key,.small{color:#5B6775;font-size:.9rem}pre{background:#F5F7F9;padding:.8rem}"
)


def report_html(view: RunView, run: str, spec: str, versions: Mapping[str, str], facts: Mapping[str, Any]) -> bytes:
    """Return the report of a run as one HTML file, UTF-8; it has no script and asks no network.

    Args:
        view: fold of the run's events.
        run: its id.
        spec: its spec as JSON text.
        versions: of the packages that wrote it.
        facts: of the archive: events, unchained, head.
    """
    title = f"{view.info.title if view.info else TITLES[json.loads(spec)['kind']]}: run {run}"
    figures = "".join(f"<h2>{escape(name)}</h2>{drawn}" for name, drawn in _figures(view) if drawn)
    parts = [
        f"<h1>{escape(title)}</h1>",
        *(f"<p>{escape(line)}</p>" for line in _verdict(view)),
        figures,
        _found(view),
        "<h2>How it was made</h2>",
        _pairs(_made(view, spec)),
        "<h2>Checks</h2>",
        _pairs(_checks(view, facts)),
        "<h2>Versions</h2>",
        _pairs(versions.items()),
        f"<h2>Spec</h2><pre>{escape(spec)}</pre>",
    ]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta name="generator" content="poets report {REPORT}">'
        # Nothing of it may be fetched or run, whatever a design or a name holds.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
    )
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'.encode()


def _found(view: RunView) -> str:
    """Return the table of what was found: answers, comparisons or designs."""
    if view.rewards is not None:
        return rewards.answers(view.rewards)
    return _experiment(view) if view.experiment is not None else _designs(view)


def _verdict(view: RunView) -> list[str]:
    """Say what was found, in sentences."""
    if view.rewards is not None:
        return rewards.sentences(view, view.rewards)
    if view.experiment is not None:
        return _experiment_verdict(view)
    if view.best is None:
        return [f"Nothing valid was found in {view.calls:,} measurements."]
    objective, best = view.objective, view.candidates[view.best.id]
    unit = f" {objective.unit}" if objective.unit else ""
    said = [f"The best of {view.measured_in_words} has {objective.name} {_number(view.best.value)}{unit}: {best.id}."]
    if objective.optimum is not None:
        why = f" ({objective.optimum_source})" if objective.optimum_source else ""
        said.append(f"The best possible value is {_number(objective.optimum)}{why}.")
    first = [c.value for c in view.candidates.values() if c.round == 0 and c.source != "given" and c.value is not None]
    if first and view.rounds:
        start = max(first) if view.sign > 0 else min(first)
        said.append(f"The best of the first round, before anything was learnt, has {_number(start)}.")
    if view.valid_fraction is not None:
        said.append(f"{view.valid_fraction:.0%} of the measurements are of valid designs.")
    if view.failed or view.finished is None:
        said.append(f"The run has not finished{f': {view.failed}' if view.failed else ''}.")
    return said


def _experiment_verdict(view: RunView) -> list[str]:
    experiment = view.experiment
    if experiment is None or experiment.verdict is None:
        return ["No verdict was reached."]
    found = experiment.verdict
    bound = "" if found.error_bound is None else f", wrong with probability {found.error_bound:.3g} at most"
    n, left, k = f"{found.comparisons:,} comparisons", ", ".join(found.left), found.spec.get("top", 1)
    # A model speaks for itself alone; an audit is about people, and says how many labels of theirs it rests on.
    judge = found.spec.get("according_to")
    according = f" according to the model {judge}" if judge else ""
    if found.rule == "audit":
        n = f"{found.comparisons:,} verdicts of the judge and {found.spec.get('labels', 0):,} of people"
    if found.kind == "winner" and found.policy is not None and found.rule == "audit":
        said = f"People prefer {found.policy} to every other policy{bound}, after {n}."
    elif found.kind == "winner" and found.policy is not None:
        said = f"{found.policy} is the best policy{according}{bound}, after {n}."
    elif found.kind == "top":
        said = f"The best {len(found.left)} are {left}{according}{bound}, after {n}."
    elif found.kind == "none" and k > 1:
        said = f"There are no {k} policies of which each is beaten by fewer than {k} others{according}, after {n}."
    elif found.kind == "none":
        said = f"No policy beats all others{according}, after {n}."
    else:
        who = "the best" if k == 1 else f"among the best {k}"
        said = f"Undecided{according} after {n}; may be {who}: {left}."
    return [said, *([f"{found.why}."] if found.why else []), *experiment.warnings]


def _figures(view: RunView) -> Iterable[tuple[str, str]]:
    if view.rewards is not None:
        yield from rewards.figures(view, view.rewards)
        return
    objective = view.objective
    axis = f"{objective.name}{f' [{objective.unit}]' if objective.unit else ''}"
    values = [(float(i), v) for i, v in enumerate(view.values, 1) if v is not None]
    best = [(float(i), v) for i, v in enumerate(view.best_so_far, 1) if v is not None]
    lines = [Series("each measurement", values, GREY), Series("best so far", best, BLUE, line=True)]
    if objective.optimum is not None and values:
        level = [(1.0, objective.optimum), (float(max(len(view.values), 2)), objective.optimum)]
        lines.append(Series("best possible", level, GREEN, line=True, dashed=True))
    yield "Value", chart(lines, "measurements", axis, f"{len(values)} values and the best so far")
    regret = [(float(i), r) for i, r in enumerate(view.regret, 1) if r is not None]
    yield (
        "Regret",
        chart([Series("sum of what was missed", regret, ORANGE, line=True)], "measurements", axis, "cumulative regret"),
    )
    both = [(c.expected, c.value) for c in view.candidates.values() if c.expected is not None and c.value is not None]
    if both:
        numbers = [number for pair in both for number in pair]
        ends = [(end, end) for end in (min(numbers), max(numbers))]
        same = Series("equal", ends, GREY, line=True, dashed=True)
        drawn = chart([same, Series("a design", both, BLUE)], f"predicted {axis}", f"measured {axis}", "predictions")
        yield "Predicted before it was measured", drawn


def _designs(view: RunView) -> str:
    valid = view.best_first()
    heads = ("id", "value", "deviation", "predicted", "from", "design")
    rows = "".join(f"<tr>{_row(c)}</tr>" for c in valid[:ROWS])
    note = f"<p class=small>The best {ROWS} of {len(valid):,}; candidates.csv has all.</p>" * (len(valid) > ROWS)
    head = "".join(f"<th>{h}</th>" for h in heads)
    return f"<h2>Best designs</h2><table><tr>{head}</tr>{rows}</table>{note}"


def _row(c: CandidateView) -> str:
    where = f"{c.source}, {c.round_in_words}"
    cut = c.design if len(c.design) <= LONGEST else f"{c.design[:LONGEST]}…"
    numbers = "".join(f'<td class="n">{_number(v)}</td>' for v in (c.value, c.std, c.expected))
    return f"<td>{escape(c.id)}</td>{numbers}<td>{escape(where)}</td><td><code>{escape(cut)}</code></td>"


def _experiment(view: RunView) -> str:
    experiment = view.experiment
    if experiment is None:
        return ""
    names = experiment.policies
    wins = {(a, b): 0 for a in names for b in names}
    for pair in experiment.pairs.values():
        # Of an audit the answers of people alone: where nobody was asked, the outcome is the judge's own.
        audited = pair.verdict is not None and pair.judge == experiment.facts.get("judge")
        if pair.outcome in ("first", "second") and not audited:
            better, worse = (pair.first, pair.second) if pair.outcome == "first" else (pair.second, pair.first)
            wins[better, worse] = wins.get((better, worse), 0) + 1
    head = "".join(f"<th>{escape(n)}</th>" for n in names)
    cells = {a: "".join(f"<td class=n>{'' if a == b else wins[a, b]}</td>" for b in names) for a in names}
    rows = "".join(f"<tr><th>{escape(a)}</th>{cells[a]}</tr>" for a in names)
    said = "Wins of the policy in the row against the one in the column; ties are not counted."
    if any(pair.verdict is not None for pair in experiment.pairs.values()):
        said += " Answers of people alone, not weighed by how likely they were asked for."
    return f"<h2>Comparisons</h2><table><tr><th></th>{head}</tr>{rows}</table><p class=small>{said}</p>"


def _made(view: RunView, spec: str) -> list[tuple[str, str]]:
    settings = json.loads(spec)
    began, ended = (datetime.fromtimestamp(at, UTC).isoformat(" ", "seconds") for at in (view.started, view.last))
    found = [
        ("problem", (settings.get("problem") or settings.get("task") or {}).get("name", "none")),
        ("method", (settings.get("search") or settings.get("rewards") or {}).get("method", settings["kind"])),
        ("seed", str(settings["seed"])),
        ("begun, last event (UTC)", f"{began}, {ended}"),
        ("device", view.device or "not said"),
        ("ended", view.finished or "not yet"),
        ("workers, measurements asked twice", f"{view.claims}, {view.asked_again}"),
    ]
    facts = {} if view.info is None else {k: v for k, v in view.info.facts.items() if isinstance(v, str | int | float)}
    return found + [(f"problem: {name}", str(value)[:LONGEST]) for name, value in sorted(facts.items())]


def _checks(view: RunView, facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    bare = facts.get("unchained", 0)
    return [
        ("events", f"{facts.get('events', view.seq)}, {bare} of them without a link to the one before"),
        ("head of the events", str(facts.get("head") or "none")),
        ("how to check it", "poets verify FILE.zip on the archive of this run; --head with the line above"),
    ]


def _pairs(rows: Iterable[tuple[str, str]]) -> str:
    cells: Sequence[str] = [f"<tr><th>{escape(str(k))}</th><td>{escape(str(v))}</td></tr>" for k, v in rows]
    return f"<table>{''.join(cells)}</table>"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
