"""The views of a run of circuits: the front, what is beside it, probabilities, entanglement, noise."""

from __future__ import annotations

import json

import numpy as np
import pytest

from domains.catalog import load
from domains.entry import Known
from domains.palette import ON_WHITE
from domains.quantum.problem import CircuitProblem
from domains.quantum.views.front import Measured, best_of, front_of, hypervolume, measured_of
from domains.quantum.views.shown import views
from poets_core.errors import InvalidSpec
from poets_core.keyed import rng_for

NOBODY = rng_for(0, "unused")


@pytest.fixture(scope="module")
def problem() -> CircuitProblem:
    found = load("quantum/spin-chain", model="ising", qubits=4, max_cx=5, starts=2, target=0.01)
    assert isinstance(found, CircuitProblem)
    return found


@pytest.fixture(scope="module")
def designs(problem: CircuitProblem) -> list[Known]:
    texts = ["cx 0 1", "cx 0 1 cx 1 2", "cx 0 1 cx 1 2 cx 2 3", "cx 0 3 cx 0 3", "cx 0 1 cx 2 3 cx 1 2 cx 0 1"]
    made = [problem.decode(t) for t in texts]
    answer = problem.oracle.evaluate(made, [0] * len(made), rng=NOBODY)
    values = zip(made, answer.values[:, 0], answer.details, strict=True)
    return [Known(d, f"0-{k}", float(v), details=details) for k, (d, v, details) in enumerate(values)]


def _shown(problem: CircuitProblem, designs: list[Known]) -> dict[str, object]:
    facts = json.loads(json.dumps(problem.info.facts))  # as a page gets them
    found = views(designs, facts=facts, unit="1 at best", minimise=False, colours=ON_WHITE)
    assert len({v.title for v in found}) == len(found)
    return {v.title.split(" of ")[0].split(" under ")[0]: v for v in found}


def test_the_front_holds_what_no_other_beats(designs: list[Known]) -> None:
    known = measured_of(designs)
    front = front_of(known)
    assert [m.cx for m in front] == sorted({m.cx for m in front})
    for m in known:
        assert any(f.cx <= m.cx and f.error <= m.error for f in front)
    assert best_of(known).error == pytest.approx(min(m.error for m in known), rel=0.01)


def test_everything_is_shown_and_says_what_it_is(problem: CircuitProblem, designs: list[Known]) -> None:
    found = _shown(problem, designs)
    assert len(found) == 6
    chart = found["Error against CX"].figure  # type: ignore[attr-defined]
    assert [t["name"] for t in chart["data"]] == ["measured", "front", "to compare with", "error that suffices"]
    assert chart["data"][0]["y"] == [pytest.approx(d.details["error"]) for d in designs]
    assert chart["layout"]["yaxis"]["type"] == "log"
    levels = found["Beside what one would have without a search"]
    assert {row[0] for row in levels.rows} >= {"best product state", "hardware-efficient, 1 x (cx, ry)"}  # type: ignore[attr-defined]
    assert "qubit 0" in found["Most probable basis states"].help  # type: ignore[attr-defined]
    noise = found["Error"].figure["data"][0]["y"]  # type: ignore[attr-defined]
    best = best_of(measured_of(designs))
    assert noise[0] == pytest.approx(best.error, abs=1e-9)
    assert noise == sorted(noise)
    json.dumps([v.figure for v in found.values()], allow_nan=False)  # type: ignore[attr-defined]


def test_probabilities_add_up_to_those_of_the_state(problem: CircuitProblem, designs: list[Known]) -> None:
    bars = _shown(problem, designs)["Most probable basis states"].figure["data"][0]  # type: ignore[attr-defined]
    assert sum(bars["y"]) == pytest.approx(1.0, abs=1e-4)
    assert bars["y"] == sorted(bars["y"], reverse=True)
    assert all(len(name) == 6 and set(name[1:-1]) <= {"0", "1"} for name in bars["x"])


def test_energies_in_hartree_are_shown_in_millihartree() -> None:
    own = load("quantum/hamiltonian", hamiltonian="0.3 ZZ\n0.2 XI\n0.2 IX\n0.15 XX", max_cx=2, starts=2)
    design = own.decode("cx 0 1")
    answer = own.oracle.evaluate([design], [0], rng=NOBODY)
    found = views(
        [Known(design, "a", 1.0, details=answer.details[0])], facts=own.info.facts, unit="", minimise=False,
        colours=ON_WHITE,
    )  # fmt: skip
    title = found[0].figure["layout"]["yaxis"]["title"]["text"]  # type: ignore[index]
    assert title == "error [mHa]"


def test_nothing_measured_shows_nothing_and_angles_that_do_not_fit_draw_no_state(problem: CircuitProblem) -> None:
    assert (
        views([Known("cx 0 1", "a", None)], facts=problem.info.facts, unit="", minimise=False, colours=ON_WHITE) == []
    )
    odd = Known(problem.decode("cx 0 1"), "a", 0.1, details={"error": 0.2, "n_cx": 1, "angles": [0.1]})
    found = views([odd], facts=problem.info.facts, unit="", minimise=False, colours=ON_WHITE)
    assert [v.title for v in found] == [
        "Error against CX", "The front as a table", "Beside what one would have without a search",
    ]  # fmt: skip
    assert np.isfinite(found[0].figure["data"][0]["y"]).all()  # type: ignore[index]


def test_the_hypervolume_is_the_area_under_the_product_state() -> None:
    known = [Measured("", "a", 0.1, 1, 1, ()), Measured("", "b", 0.001, 3, 1, ()), Measured("", "c", 0.5, 2, 1, ())]
    assert hypervolume(known, 1.0, 4) == pytest.approx(1 + 1 + 3 + 3)
    assert hypervolume([], 1.0, 4) == 0.0
    assert hypervolume([Measured("", "a", 2.0, 1, 1, ())], 1.0, 4) == 0.0


def test_a_noisy_run_is_judged_by_noisy_energies() -> None:
    quiet, loud = (
        load("quantum/spin-chain", model="ising", qubits=4, max_cx=5, starts=2, noise=p) for p in (0.0, 0.01)
    )
    designs = [quiet.decode("cx 0 1 cx 1 2 cx 2 3"), quiet.decode("cx 0 1 cx 1 2 cx 2 3 cx 0 1 cx 1 2")]
    plain, noisy = (p.oracle.evaluate(designs, [0, 0], rng=NOBODY) for p in (quiet, loud))
    for a, b in zip(plain.details, noisy.details, strict=True):
        assert b["error"] > a["error"] + 1e-3
        assert b["error_without_noise"] == a["error"]
        assert b["angles"] == a["angles"]
    assert (noisy.values < plain.values).all()
    with pytest.raises(InvalidSpec, match="6 qubits"):
        load("quantum/spin-chain", qubits=7, noise=0.01)
