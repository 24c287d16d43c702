"""The views of a quantum engineer, put together for a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from domains.entry import Known, View
from domains.palette import BLUE, INK, ORANGE, SKY, VERMILLION, Colours
from domains.quantum.circuit import FREE, Op
from domains.quantum.dense import MOST_NOISY, noisy_energy, state_of
from domains.quantum.drawing import read_gates
from domains.quantum.entropy import cut_entropies, qubit_entropies
from domains.quantum.hamiltonian import C16, PauliSum
from domains.quantum.units import FINEST, Scale
from domains.quantum.views.front import Measured, best_of, front_of, hypervolume, measured_of

PROBABLE = 16
"""Basis states that are shown, the most probable first."""
NOISE = (0.0, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
"""Depolarising probabilities of a two-qubit gate; of a gate on one qubit a tenth."""
GRID = "rgba(128, 138, 150, 0.25)"
"""Lines that are seen on white and on black, and never instead of what is drawn."""


def views(
    designs: Sequence[Known], *, facts: Mapping[str, Any], unit: str, minimise: bool, colours: Colours
) -> list[View]:
    """Return what can be shown of a run's circuits; see `domains.entry.Views`.

    The best circuit is the one with the least error; of those within 1 % of it, that with the fewest two-qubit gates.
    """
    known = measured_of(designs)
    if not known:
        return []
    best = best_of(known)
    found = [_front(known, facts, colours), _table(known, facts), _levels(best, facts)]
    ops, angles = read_gates(best.design), best.angles
    if sum(op.angle == FREE for op in ops) != len(angles):
        return found
    n, start = int(facts.get("qubits", 0)), [int(q) for q in facts.get("start", ())]
    state = state_of(ops, angles, n, start)
    found += [_probabilities(best, state, colours), _entanglement(best, state, facts, colours)]
    terms = facts.get("hamiltonian")
    if isinstance(terms, Sequence) and terms and n <= MOST_NOISY:
        hamiltonian = PauliSum(tuple((str(label), float(c)) for label, c in terms))
        found.append(_noise(best, ops, hamiltonian, start, facts, colours))
    return found


def _axis(colours: Colours, title: str, **more: Any) -> dict[str, Any]:
    named = {"text": title, "standoff": 12}
    return {"title": named, "fixedrange": True, "color": colours.text, "automargin": True, **more}


def _decades(colours: Colours, title: str, values: Sequence[float]) -> dict[str, Any]:
    """Return a logarithmic axis; where it spans decades its marks are powers of ten alone."""
    wide = max(values) > 30 * min(values)
    return _axis(colours, title, type="log", exponentformat="power", **({"dtick": 1} if wide else {}))


def _layout(colours: Colours, x: dict[str, Any], y: dict[str, Any], *, legend: bool = False) -> dict[str, Any]:
    return {
        "xaxis": {"gridcolor": GRID, "zeroline": False, **x},
        "yaxis": {"gridcolor": GRID, "zeroline": False, **y},
        "paper_bgcolor": colours.paper,
        "plot_bgcolor": colours.paper,
        "font": {"color": colours.text, "size": 12},
        "showlegend": legend,
        "legend": {"orientation": "h", "y": 1.12},
    }


def _front(known: Sequence[Measured], facts: Mapping[str, Any], colours: Colours) -> View:
    scale, front = Scale.of(facts), front_of(known)

    def points(name: str, rows: Sequence[tuple[float, float, str]], colour: str, **how: Any) -> dict[str, Any]:
        return {
            "type": "scatter",
            "name": name,
            "x": [x for x, _, _ in rows],
            "y": [max(y, FINEST) * scale.factor for _, y, _ in rows],
            "text": [text for _, _, text in rows],
            "hoverinfo": "text",
            "marker": {"color": colour, "size": 7},
            "mode": "markers",
            **how,
        }

    levels = [x for x in facts.get("levels", ()) if isinstance(x, Mapping) and isinstance(x.get("cx"), int)]
    told = [
        (float(x["cx"]), float(x["error"]), f"{x['name']}: {scale.said(float(x['error']))} at {x['cx']} CX")
        for x in levels
    ]
    measured = [(float(m.cx), m.error, f"{m.name}: {scale.said(m.error)} at {m.cx} CX") for m in known]
    best = [(float(m.cx), m.error, f"{m.name}: {scale.said(m.error)} at {m.cx} CX") for m in front]
    data = [
        points("measured", measured, SKY, opacity=0.5),
        points("front", best, BLUE, mode="lines+markers", line={"shape": "hv", "width": 2, "color": BLUE}),
    ]
    if told:
        data.append(points("to compare with", told, ORANGE, marker={"color": ORANGE, "size": 10, "symbol": "diamond"}))
    accuracy = float(facts.get("accuracy", 0.0) or 0.0)
    most = max([m.cx for m in known] + [int(x) for x, _, _ in told])
    if accuracy > 0:
        line = [(0.0, accuracy, ""), (float(most), accuracy, "")]
        dashed = {"dash": "dash", "width": 2, "color": VERMILLION}
        data.append(points("error that suffices", line, VERMILLION, mode="lines", line=dashed, hoverinfo="skip"))
    # Half a step of room, so that no mark at either end is cut.
    x = _axis(colours, "CX", dtick=1 if most <= 20 else None, range=[-0.5, most + 0.5], showgrid=False)
    y = _decades(colours, scale.title, [v for trace in data for v in trace["y"]])
    shown = ", ".join(f"{m.cx} CX {scale.said(m.error)}" for m in front[:6])
    return View(
        "Error against CX",
        "Each point is a circuit; on the front no other has a smaller error with as few two-qubit gates. "
        f"Down and left is better; errors {scale.said(0.0)} are drawn there.{_worth(known, facts)}",
        figure={"data": data, "layout": _layout(colours, x, y, legend=True)},
        says=f"Front of error against CX: {shown}.",
    )


def _worth(known: Sequence[Measured], facts: Mapping[str, Any]) -> str:
    exact, product, budget = (facts.get(k) for k in ("ground_energy", "product_state_energy", "max_cx"))
    if not isinstance(exact, int | float) or not isinstance(product, int | float) or not isinstance(budget, int):
        return ""
    return f" Hypervolume: {hypervolume(known, product - exact, budget):.2f} decades x CX below the best product state."


def _table(known: Sequence[Measured], facts: Mapping[str, Any]) -> View:
    scale, accuracy = Scale.of(facts), float(facts.get("accuracy", 0.0) or 0.0)
    rows = tuple(
        (
            str(m.cx),
            scale.said(m.error),
            ("yes" if m.error <= accuracy else "no") if accuracy > 0 else "",
            str(m.depth),
            m.name,
        )
        for m in front_of(known)
    )
    return View(
        "The front as a table",
        "The best circuit found for each number of two-qubit gates that helps.",
        headings=("CX", "error", "suffices", "depth", "circuit"),
        rows=rows,
        says=f"{len(rows)} circuits of the front.",
    )


def _levels(best: Measured, facts: Mapping[str, Any]) -> View:
    scale = Scale.of(facts)
    rows = [("best of this run", scale.said(best.error), str(best.cx), best.name)]
    for x in facts.get("levels", ()):
        if isinstance(x, Mapping):
            cx = x.get("cx")
            rows.append(
                (str(x["name"]), scale.said(float(x["error"])), "" if cx is None else str(cx), str(x["source"]))
            )
    exact = facts.get("ground_energy")
    note = str(facts.get("near_product", ""))
    unit = f" {facts['unit_of_energy']}" if facts.get("unit_of_energy") else ""
    of = f"The exact value is {exact:.9g}{unit}. " if isinstance(exact, int | float) else ""
    return View(
        "Beside what one would have without a search",
        of + "CX counts compare; the effort of other searches does not." + (f" {note}" if note else ""),
        headings=("method", "error", "CX", "source"),
        rows=tuple(rows),
        says=f"{len(rows)} levels.",
    )


def _probabilities(best: Measured, state: C16, colours: Colours) -> View:
    p, n = np.abs(state) ** 2, len(state).bit_length() - 1
    order = np.argsort(-p, kind="stable")[:PROBABLE]
    order = order[p[order] > 1e-6]
    names = [f"|{int(k):0{n}b}⟩" for k in order]
    bars = {"type": "bar", "x": names, "y": [float(p[k]) for k in order], "marker": {"color": BLUE}}
    return View(
        f"Most probable basis states of {best.name}",
        "As measured in the computational basis; the last digit is qubit 0 (Qiskit's order).",
        figure={
            "data": [bars],
            "layout": _layout(
                colours,
                _axis(colours, "basis state", type="category"),
                _axis(colours, "probability", rangemode="tozero"),
            ),
        },
        says="Most probable: "
        + ", ".join(f"{name} {p[k]:.3f}" for name, k in zip(names[:4], order, strict=False))
        + ".",
    )


def _span(first: int, last: int) -> str:
    return f"q{first}" if first == last else f"q{first}-q{last}"


def _entanglement(best: Measured, state: C16, facts: Mapping[str, Any], colours: Colours) -> View:
    cuts = cut_entropies(state)
    n = len(cuts) + 1
    names = [f"{_span(0, k)} | {_span(k + 1, n - 1)}" for k in range(n - 1)]
    data: list[dict[str, Any]] = [
        {"type": "bar", "name": "across a cut", "x": names, "y": cuts, "marker": {"color": BLUE}}
    ]
    exact = facts.get("qubit_entropy")
    own = qubit_entropies(state)
    qubits = [f"qubit {q}" for q in range(n)]
    data.append({"type": "bar", "name": "of a qubit", "x": qubits, "y": own, "marker": {"color": SKY}})
    if isinstance(exact, Sequence) and len(exact) == n:
        marks = {"color": ORANGE, "symbol": "diamond", "size": 10, "line": {"width": 1, "color": INK}}
        data.append(
            {"type": "scatter", "mode": "markers", "name": "exact", "x": qubits, "y": list(exact), "marker": marks}
        )
    return View(
        f"Entanglement of {best.name}",
        "Entropy in bits of the qubits on one side of a cut, and of each qubit; marks are those of the exact state.",
        figure={
            "data": data,
            "layout": _layout(
                colours,
                _axis(colours, "", type="category"),
                _axis(colours, "entropy [bits]", rangemode="tozero"),
                legend=True,
            ),
        },
        says="Entropy across cuts: " + ", ".join(f"{c:.2f}" for c in cuts) + " bits.",
    )


def _noise(
    best: Measured,
    ops: Sequence[Op],
    hamiltonian: PauliSum,
    start: Sequence[int],
    facts: Mapping[str, Any],
    colours: Colours,
) -> View:
    scale, ground = Scale.of(facts), float(facts["ground_energy"])
    errors = [noisy_energy(ops, best.angles, hamiltonian, start, p, p / 10) - ground for p in NOISE]
    product = float(facts["product_state_energy"]) - ground
    names = ["none", *(f"{p:g}" for p in NOISE[1:])]
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": best.name,
            "x": names,
            "y": [max(e, FINEST) * scale.factor for e in errors],
            "line": {"color": BLUE},
        },
        {
            "type": "scatter",
            "mode": "lines",
            "name": "best product state, without noise",
            "x": names,
            "y": [max(product, FINEST) * scale.factor] * len(names),
            "line": {"color": colours.muted, "dash": "dash"},
        },
    ]
    lost = next((name for name, e in zip(names, errors, strict=True) if e >= product), None)
    says = f"With noise of {lost} it is no better than a product state." if lost else "It stays below a product state."
    return View(
        f"Error of {best.name} under noise",
        "Depolarising noise after every gate; its probability for two-qubit gates is on the axis, for others a tenth. "
        + says,
        figure={
            "data": data,
            "layout": _layout(
                colours,
                _axis(colours, "probability for a two-qubit gate", type="category"),
                _decades(colours, scale.title, [v for trace in data for v in trace["y"]]),
                legend=True,
            ),
        },
        says=says,
    )
