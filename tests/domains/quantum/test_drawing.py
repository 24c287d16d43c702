"""Circuits as drawings: every gate, packed into columns, and never as markup."""

from __future__ import annotations

import pytest

from domains.palette import ON_WHITE
from domains.quantum.circuit import FREE, Op
from domains.quantum.drawing import angle_text, circuit_svg, columns_of, draw, read_gates
from domains.quantum.naming import named
from domains.quantum.tfim import Tfim6
from tests.domains.svg import DARK, HARMLESS, HOSTILE, tags, texts


def test_circuits_are_read_and_packed_into_columns() -> None:
    ops = read_gates("ry 2 a5\ncx 0 1\nh 2\nnonsense\ncz 1 1\nrz 12345678901 a0\nrx 0 a*")
    assert ops == [Op("ry", (2,), 5), Op("cx", (0, 1)), Op("h", (2,)), Op("rx", (0,), FREE)]
    assert columns_of(ops) == [0, 0, 1, 1]
    # a gate that crosses a wire blocks it
    assert columns_of([Op("cx", (0, 2)), Op("h", (1,))]) == [0, 1]


def test_a_drawing_shows_every_gate_angle_and_wire() -> None:
    found = texts(circuit_svg(read_gates("h 0\nsdg 1\nrx 2 a5\ncx 3 0\ncz 1 2"), DARK, qubits=6))
    assert sorted(found) == sorted(["q0", "q1", "q2", "q3", "q4", "q5", "H", "S†", "Rx", "5π/16"])
    assert [angle_text(a) for a in (0, 1, 8, 16, 24, FREE)] == ["0", "π/16", "π/2", "π", "3π/2", "free"]
    assert texts(circuit_svg([], ON_WHITE)) == []


def test_angles_that_were_found_are_shown_and_others_are_not() -> None:
    ops = read_gates("ry 2 a*\ncx 0 1\nrz 0 a*")
    assert {"0.50π", "0.08π"} <= set(texts(circuit_svg(ops, ON_WHITE, angles=[1.5708, 0.25])))
    assert texts(circuit_svg(ops, ON_WHITE, angles=[1.5708])).count("free") == 2


def test_an_angle_has_a_proper_minus_and_zero_has_none() -> None:
    assert [angle_text(FREE, v) for v in (-0.001, 0.0, -1.5708)] == ["0.00π", "0.00π", "−0.50π"]


def test_a_long_circuit_goes_on_below() -> None:
    design = "\n".join(["h 0"] * 15)
    one, two = (
        draw(design, facts={"qubits": 2}, details={}, colours=ON_WHITE, narrow=narrow) for narrow in (False, True)
    )
    assert one is not None
    assert two is not None
    assert (texts(one.svg).count("q0"), texts(two.svg).count("q0")) == (1, 2)
    assert texts(two.svg).count("H") == 15


def test_a_circuit_is_named_by_what_it_costs_and_its_energy() -> None:
    said = named("h 0\ncx 0 1\ncx 1 2\nry 0 a*", facts={}, details={"energy": -7.25, "error": 0.5, "angles": [1.0]})
    assert said.name == "2 CX, error 0.5, 4 gates, depth 3"
    assert said.figures == {"energy": -7.25, "error": 0.5, "CX": 2, "depth": 3, "gates": 4}
    assert said.parts == ("h 0", "cx 0 1", "cx 1 2", "ry 0 a*")
    assert named("what a model wrote", facts={}, details={}).figures == {}
    assert named("h 0\ncx 0 1", facts={}, details={}).name == "2 gates, 1 CX, depth 2"


@pytest.mark.parametrize(
    ("error", "says"), [(0.00425, "4.25 mHa"), (1e-10, "below 1e-6 mHa"), (-1e-13, "below 1e-6 mHa")]
)
def test_errors_in_hartree_are_named_in_millihartree(error: float, says: str) -> None:
    said = named("cx 0 1", facts={"unit_of_energy": "Ha"}, details={"energy": -1.0, "error": error})
    assert said.name == f"1 CX, error {says}, 1 gate, depth 1"
    assert said.figures["error [mHa]"] == pytest.approx(1e3 * error)
    assert "error" not in said.figures


def test_a_drawing_says_in_which_state_qubits_begin() -> None:
    facts = {"qubits": 4, "start": [0, 2]}
    drawing = draw("cx 0 1\ncx 1 2", facts=facts, details={}, colours=ON_WHITE, narrow=True)
    assert drawing is not None
    assert texts(drawing.svg) == ["q0 |1⟩", "q1 |0⟩", "q2 |1⟩", "q3 |0⟩"]
    assert drawing.note.endswith("q0, q2 begin in |1⟩.")
    long = draw("\n".join(["h 0"] * 13), facts=facts, details={}, colours=ON_WHITE, narrow=True)
    assert long is not None
    shown = texts(long.svg)
    assert (shown.count("q0 |1⟩"), shown.count("q0")) == (1, 1)  # said once, where the circuit begins


def test_rows_of_a_long_circuit_are_alike_in_length() -> None:
    svg = circuit_svg(read_gates("\n".join(["h 0"] * 13)), ON_WHITE, per_row=12)
    assert svg.startswith(f'<svg xmlns="http://www.w3.org/2000/svg" width="{44 + 46 * 7 + 20}"')


def test_the_page_and_the_files_of_a_design_show_the_same_gates() -> None:
    problem = Tfim6(iterations=0)
    design = problem.decode("ry 0 a* cx 0 1 cz 4 5")
    details = {"angles": [0.5]}
    drawing = draw(design, facts=problem.info.facts, details=details, colours=ON_WHITE, narrow=False)
    assert drawing is not None
    assert drawing.says == "circuit of 3 gates, 2 of them on two qubits"
    files = {a.name: a.data.decode() for a in problem.render(design, details)}
    assert files["circuit.svg"] == drawing.svg


@pytest.mark.parametrize("text", HOSTILE)
def test_generated_text_cannot_become_markup(text: str) -> None:
    assert tags(circuit_svg(read_gates(text), ON_WHITE)) <= HARMLESS
    drawing = draw(text, facts={}, details={"angles": "<b>"}, colours=ON_WHITE, narrow=True)
    assert drawing is None or tags(drawing.svg) <= HARMLESS
