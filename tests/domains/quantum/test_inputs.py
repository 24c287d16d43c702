"""States, unitaries, graphs and coupling maps of one's own: read, refused, said."""

from __future__ import annotations

import contextlib
import json
import random
import time

import numpy as np
import pytest

from domains.quantum.circuit import line_coupling
from domains.quantum.inputs.amplitudes import read_amplitudes
from domains.quantum.inputs.coupling import read_coupling
from domains.quantum.inputs.graph import read_graph
from domains.quantum.inputs.unitary import read_unitary
from poets_core.errors import InvalidTable

BELL = np.array([0.6, 0, 0, 0.8j])
STATES = (
    "[0.6, 0, 0, [0, 0.8]]",
    '{"amplitudes": [0.6, 0, "0", "0.8j"]}',
    '{"00": 0.6, "11": {"real": 0, "imag": 0.8}}',
    "Statevector([0.6+0.j, 0. +0.j, 0. +0.j, 0. +0.8j],\n            dims=(2, 2))",
    "[0.6, 0j, 0j, 0.8j]",
    "0.6\n0\n0\n0.8j",
    "0.6 0 0 0.8i",
    "real,imag\n0.6,0\n0,0\n0,0\n0,0.8",
    "bits,amplitude\n00,0.6\n11,0.8j",
    "00 0.6\n11 0 0.8",
    "0.6|00> + 0.8j |11>",
    "(0.6+0j)*|00⟩ + 0.8j*|11⟩",
)


@pytest.mark.parametrize("text", STATES)
def test_every_shape_of_amplitudes_is_the_same_state(text: str) -> None:
    read = read_amplitudes(text)
    np.testing.assert_allclose(read.state, BELL, atol=1e-15)
    assert read.qubits == 2
    assert not read.notes


def test_order_and_norm_of_amplitudes() -> None:
    assert read_amplitudes('{"001": 1}').state[1] == 1
    assert read_amplitudes('{"001": 1}', order="first").state[4] == 1
    np.testing.assert_array_equal(
        read_amplitudes("|01> - |10>\n".replace("|", "0.7071|")).state.real.round(3), [0, 0.707, -0.707, 0]
    )
    read = read_amplitudes("[0.7071, 0.7071]")
    assert np.linalg.norm(read.state) == pytest.approx(1, abs=1e-15)
    assert "divided by their norm" in read.notes[0]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("[1, 1]", "norm 1, got 1.41421"),
        ("[0.5, 0.5, 0.5]", "2.n amplitudes"),
        ("[1]", "2.n amplitudes"),
        ('{"00": 1, "1": 0}', "one length"),
        ('{"02": 1}', "bit strings"),
        ('{"' + "0" * 13 + '": 1}', "1 to 12"),
        ("[1, NaN]", "finite"),
        ('[1, "x"]', "place 1"),
        ("0.6|00> 0.8|11>", "sum such as"),
        ("0.6|00> + 0.8|00>", "each ket once"),
        ("00 1\n00 0", "once"),
        ("", "nothing"),
    ],
)
def test_amplitudes_that_are_refused(text: str, match: str) -> None:
    with pytest.raises(InvalidTable, match=match):
        read_amplitudes(text)


CX = np.array([[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]])
"""Control on qubit 0, Qiskit's order."""


def test_every_shape_of_a_unitary_is_the_same_matrix() -> None:
    y = "[[0, [0, -1]], [[0, 1], 0]]"
    for text in (
        y,
        '{"unitary": [[0, "-1j"], ["1j", 0]]}',
        '{"real": [[0, 0], [0, 0]], "imag": [[0, -1], [1, 0]]}',
        "0,-1j\n1j,0",
        "0 -i1\n".replace("-i1", "-1i") + "1i 0",
        "Operator([[0.+0.j, 0.-1.j],\n [0.+1.j, 0.+0.j]],\n input_dims=(2,), output_dims=(2,))",
        "array([[0, -1j], [1j, 0]])",
    ):
        np.testing.assert_array_equal(read_unitary(text).matrix, [[0, -1j], [1j, 0]])
    assert read_unitary(json.dumps(CX.tolist())).qubits == 2
    other = read_unitary(json.dumps(CX.tolist()), order="first").matrix
    np.testing.assert_array_equal(other, [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])


def test_a_rounded_unitary_becomes_one() -> None:
    read = read_unitary("0.7071068,0.7071068\n0.7071068,-0.7071068")
    assert np.abs(read.matrix @ read.matrix.conj().T - np.eye(2)).max() < 1e-15
    assert "nearest" in read.notes[0]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("[[1, 1], [1, 1]]", "unitary"),
        ("[[1, 0, 0], [0, 1, 0], [0, 0, 1]]", "2, 4, 8 or 16"),
        ("[[1, 0], [0]]", "row 2"),
        ("[[1, NaN], [0, 1]]", "column 2"),
        (json.dumps(np.eye(32).tolist()), "2, 4, 8 or 16"),
        ("[[1, 0], [0, x]]", "Expected"),
        ("{}", "list of rows"),
    ],
)
def test_matrices_that_are_refused(text: str, match: str) -> None:
    with pytest.raises(InvalidTable, match=match):
        read_unitary(text)


@pytest.mark.parametrize(
    "text",
    [
        "0 1\n1,2\n2 0 1.0",
        "source,target,weight\n0,1,1\n1,2,1\n0,2,1",
        "c a triangle\np edge 3 3\ne 1 2\ne 2 3\ne 1 3",
        "3 3\n1 2 1\n2 3 1\n1 3 1",
        "[[0, 1], [1, 2], [2, 0]]",
        '{"edges": [[0, 1], [1, 2, 1.0], [2, 0, {"weight": 1}]]}',
        '{"nodes": [{"id": 0}, {"id": 1}, {"id": 2}], "links": [{"source": 0, "target": 1}, '
        '{"source": 1, "target": 2}, {"source": 0, "target": 2, "weight": 1}]}',
        "[[0, 1, 1], [1, 0, 1], [1, 1, 0]]",
        "0 1 1\n1 0 1\n1 1 0",
        '{"0": ["1", "2"], "1": ["0", "2"], "2": []}',
        "[(0, 1), (1, 2), (2, 0)]",
    ],
)
def test_every_shape_of_a_graph_is_the_same_triangle(text: str) -> None:
    read = read_graph(text)
    assert read.edges == ((0, 1, 1.0), (0, 2, 1.0), (1, 2, 1.0))
    assert len(read.names) == 3


def test_names_weights_loops_and_repeats_of_a_graph() -> None:
    read = read_graph("u v 0.5\nu v 0.25\nw w 3\nv w -1\na b 0")
    assert read.names == ("u", "v", "w", "a", "b")
    assert read.edges == ((0, 1, 0.75), (1, 2, -1.0))
    said = " ".join(read.notes)
    assert "1 edge from a node to itself" in said
    assert "weights added" in said
    assert "weight 0" in said
    assert "v is qubit 1" in said
    assert read_graph('{"nodes": 4, "edges": [[0, 2]]}').names == ("0", "1", "2", "3")
    assert read_graph("10 9\n9 2").names == ("2", "9", "10")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("0 1 2 3", "line 1"),
        ("0 1\n1 2 x", "weight in line 2"),
        ("\n".join(f"{k} {k + 1}" for k in range(12)), "2 to 12 nodes.*got 13"),
        ("0 0", "nodes"),
        ("0 1 0", "at least one edge"),
        ("0 1 1e999", "finite"),
        ("p edge 3 1\ne 1 4", "nodes 1 to 3"),
        ("p edge 99 1\ne 1 4", "at most 12"),
        ('{"0": {"1": 1}, "1": {"0": 2}}', "one weight"),
        ("7", "line 1"),
        ("<graphml/>", "2 to 12 nodes"),
    ],
)
def test_graphs_that_are_refused(text: str, match: str) -> None:
    with pytest.raises(InvalidTable, match=match):
        read_graph(text)


@pytest.mark.parametrize(
    "text",
    ["[[0, 1], [1, 2], [2, 1]]", "0 1\n1 2", "0-1, 1-2", "0,1;1,2", "0->1\n2<->1", "CouplingMap([[0, 1], [1, 2]])",
     '{"coupling_map": [[0, 1], [1, 2]]}', "[(0, 1), (1, 2)]", "(0, 1)\n(1, 2)"],
)  # fmt: skip
def test_every_shape_of_a_coupling_map_is_the_same_line(text: str) -> None:
    read = read_coupling(text, 3)
    assert read.edges == ((0, 1), (1, 2))
    assert read.coupling == line_coupling(3)
    assert any("both directions" in note for note in read.notes)


@pytest.mark.parametrize(
    "text",
    [
        "[[0 1]\n [1 2]]",
        "[[0 1 0]\n [1 0 1]\n [0 1 0]]",
        "0: 1\n1: 0 2",
        "0: [1]\n1: [0, 2]",
        '[{"source": 0, "target": 1}, {"source": 1, "target": 2, "error": 0.01}]',
        '[{"control": 0, "target": 1}, {"control": 2, "target": 1}]',
    ],
)
def test_coupling_maps_as_numpy_prints_them_and_of_neighbours_and_records(text: str) -> None:
    assert read_coupling(text, 3).edges == ((0, 1), (1, 2))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("0: 1.5\n1: 2", "its neighbours"),
        ('[{"x": 0, "target": 1}]', "pair 1"),
        ("0 1\n2 3", "no path from qubit 0 to 2, 3"),
        ("0 1\n1 2", "no path from qubit 0 to 3"),
        ("1-2, 2-3, 3-4", "0 to 3.*got 3 and 4"),
        ("0 0", "two different"),
        ("[[0, 1, 2]]", "pair 1"),
        ("[[0, 0.5]]", "pair 1"),
        ("zero one", "line 1"),
        ("{}", "list of pairs"),
        ("-1 0", "line 1|pairs"),
    ],
)
def test_coupling_maps_that_are_refused(text: str, match: str) -> None:
    with pytest.raises(InvalidTable, match=match):
        read_coupling(text, 4)


READERS = {
    "amplitudes": (read_amplitudes, STATES),
    "unitary": (
        read_unitary,
        ("[[0, [0, -1]], [[0, 1], 0]]", "0,-1j\n1j,0", "array([[0, -1j], [1j, 0]])",
         "[[0.+0.j 0.-1.j]\n [0.+1.j 0.+0.j]]",
         "[0 1; 1 0]", "0,6;0,8\n0,8;-0,6", "1/sqrt(2)*[[1, 1], [1, -1]]"),
    ),
    "graph": (
        read_graph,
        ("0 1\n1,2\n2 0 1.0", "p edge 3 3\ne 1 2", '{"edges": [[0, 1], [1, 2, 1.0]]}', "3 1\n1 2 1",
         "source,target,w\na,b,1", "0: 1 2\n1:\n2:", "(0, 1), (1, 2)", "0-1, 1-2", "0 1 2\n1 2\n2",
         "0 1 {'weight': 0.5}",
         '<graphml><graph><edge source="a" target="b"/></graph></graphml>', "{(0, 1): 0.5}", ",a,b\na,0,1\nb,1,0"),
    ),
    "coupling": (
        lambda text: read_coupling(text, 3),
        ("[[0, 1], [1, 2]]", "0-1, 1-2", "0 1\n1 2", "q0-q1 q1-q2", "{0: [1], 1: [2]}", "0 1 0\n1 0 1\n0 1 0"),
    ),
}  # fmt: skip
HOSTILE = (
    "1" * 250_000, "(" * 250_000, "1 2\n" * 60_000, "|" * 250_000, "1e" * 100_000, " " * 250_000 + "x", "0-" * 99_999,
    "[[" + "0," * 120_000, "[" * 250_000, "{" * 60, "+" * 250_000, "0|0>" * 60_000, "1," * 120_000, "\0", "[(" * 9_999,
    "#", "# c\n# d", ";,;", "<a>" * 60_000, "0 1 {" * 50_000, "a -> " * 50_000,
    "[1 " * 9_999, "1/" * 99_999, "+ " * 99_999, "0" + " " * 250_000 + "x 1 2", "0 1" + "\t" * 250_000 + "x 1 2",
)  # fmt: skip


@pytest.mark.parametrize("name", READERS)
def test_hostile_and_random_texts_end_in_an_answer_or_in_a_refusal(name: str) -> None:
    read, texts = READERS[name]
    for text in HOSTILE:
        begun = time.process_time()
        with pytest.raises(InvalidTable):
            read(text)
        assert time.process_time() - begun < 6.0
    rng = random.Random(0)
    marks = "0123456789.+-*@()[]{},;:'\"\n\t |>jiexpc_#\\\0π"
    tried, begun = 0, time.process_time()
    while time.process_time() - begun < 2.0:
        text = list(rng.choice(texts))
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(text) + 1)
            text[at : at + rng.randint(0, 3)] = rng.choices(marks, k=rng.randint(0, 3))
        with contextlib.suppress(InvalidTable):
            assert read("".join(text)) is not None
        tried += 1
    assert tried > 200
