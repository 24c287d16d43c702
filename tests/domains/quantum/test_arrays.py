"""Printed and typed arrays: states, unitaries, coupling maps and start states, read or refused with both readings."""

from __future__ import annotations

import time

import numpy as np
import pytest

from domains.catalog import load
from domains.quantum.inputs.amplitudes import read_amplitudes
from domains.quantum.inputs.array_text import number_at
from domains.quantum.inputs.coupling import read_coupling
from domains.quantum.inputs.unitary import read_unitary
from domains.quantum.problem import CircuitProblem
from domains.quantum.problems import start_of
from poets_core.errors import InvalidSpec, InvalidTable

R = 0.5**0.5
Y = np.array([[0, -1j], [1j, 0]])
H = np.array([[R, R], [R, -R]])


def _unitary(n: int, real: bool) -> np.ndarray:
    rng = np.random.default_rng(n)
    other = 0 if real else 1j * rng.normal(size=(n, n))
    return np.linalg.qr(rng.normal(size=(n, n)) + other)[0]


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("n", [2, 4, 8, 16])
def test_what_numpy_prints_is_read_back(n: int, real: bool) -> None:
    matrix = _unitary(n, real)
    for text in (str(matrix), repr(matrix), f"U = {matrix}", str(matrix.tolist())):
        np.testing.assert_allclose(read_unitary(text).matrix, matrix, atol=1e-7)
    for column in (matrix[:, 0], np.eye(n)[1] * (1 if real else -1j)):
        for text in (str(column), repr(column), str(column[:, None]), str(column[None])):
            np.testing.assert_allclose(read_amplitudes(text).state, column, atol=1e-7)


@pytest.mark.parametrize(
    ("text", "matrix"),
    [
        ("[0 -1i; 1i 0]", Y),
        ("0 -i\ni 0", Y),
        ("[[0, -j], [j, 0]]", Y),
        ("tensor([[0.+0.j, 0.-1.j],\n        [0.+1.j, 0.+0.j]], dtype=torch.complex64)", Y),
        (
            "Quantum object: dims=[[2], [2]], shape=(2, 2)\nQobj data =\n[[0.+0.j 0.-1.j]\n [0.+1.j 0.+0.j]]",
            Y,
        ),
        (" (0.0e+00+0.0e+00j) (0.0e+00+-1.0e+00j)\n (0.0e+00+1.0e+00j) (0.0e+00+-1e-17j)", Y),
        ('{"gate": {"matrix": [[0, "-1j"], ["1j", 0]]}}', Y),
        ("0.7071068 + 0.0000i   0.7071068 + 0.0000i\n0.7071068 + 0.0000i  -0.7071068 + 0.0000i", H),
        ("1/sqrt(2) 1/sqrt(2)\n1/sqrt(2) -1/sqrt(2)", H),
        ("np.array([[1,1],[1,-1]])/np.sqrt(2)", H),
        ("1/sqrt(2) * [[1, 1], [1, -1]]", H),
        ("0,70710678;0,70710678\n0,70710678;-0,70710678", H),
        ("0,70710678\t0,70710678\n0,70710678\t-0,70710678", H),
        ("0 1 # X\n1 0", [[0, 1], [1, 0]]),
        ("0.6 + 0j  0.8 + 0j\n0.8 + 0j  -0.6 + 0j", [[0.6, 0.8], [0.8, -0.6]]),
    ],
)
def test_matrices_as_tools_and_people_write_them(text: str, matrix: np.ndarray) -> None:
    np.testing.assert_allclose(read_unitary(text).matrix, matrix, atol=1e-7)


@pytest.mark.parametrize("digits", [3, 4, 5])
def test_a_matrix_of_a_few_digits_is_the_nearest_unitary(digits: int) -> None:
    for n in (2, 4, 16):
        matrix = _unitary(n, real=False)
        read = read_unitary(str(matrix.round(digits).tolist()))
        assert np.abs(read.matrix @ read.matrix.conj().T - np.eye(n)).max() < 1e-14
        np.testing.assert_allclose(read.matrix, matrix, atol=2 * 10.0**-digits)
        assert "was rounded" in read.notes[0]
        assert "differs from it by up to" in read.notes[0]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("0.71 0.71\n0.71 -0.71", "Give more digits"),
        ("1/2*[[1, 1], [1, -1]]", "nearest unitary matrix differs from it by 0.21"),
        ("np.linalg.inv([[1, 0], [0, 1]])", "alone"),
        ("[[1, 0], [0, 1]] + 1", "nothing after"),
        ("[[1. 0. ... 0.]\n [0. 1. ... 0.]]", "cut short"),
        ("0,6 0,8\n0,8 -0,6", "decimal point"),
        ("0,6;0.8\n0.8;-0,6", "beside decimal commas"),
        ('{"unitary": [[0, 1], [1, 0]], "order": "big"}', "order"),
        ('{"real": [[0, 1], [1, 0]], "order": "big"}', "order"),
        ('{"matrix": [[0, 1], [1, 0]], "qubits": [1, 0]}', r"order that the form states.*'\[1, 0\]' under 'qubits'"),
        ('{"matrix": [[0, 1], [1, 0]], "targets": ["q1", "q0"]}', "'targets'"),
        ('{"matrix": [[0, 1], [1, 0]], "transposed": true}', "'transposed' with 'True'"),
        ("[[1, 0], [0, 1 2]]", "commas between all numbers"),
        (",", "no number"),
    ],
)
def test_matrices_that_cannot_be_meant(text: str, match: str) -> None:
    with pytest.raises(InvalidTable, match=match):
        read_unitary(text)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("imag,real\n0,0.6\n0.8,0", [0.6, 0.8j]),
        ("amplitude,bitstring\n0.6,00\n0.8,11", [0.6, 0, 0, 0.8]),
        ("q0q1,amplitude\n00,0.6\n10,0.8", [0.6, 0.8, 0, 0]),
        ("q1q0,amplitude\n00,0.6\n10,0.8", [0.6, 0, 0.8, 0]),
        ("{np.str_('00'): np.complex128(0.6+0j), np.str_('11'): np.complex128(0.8j)}", [0.6, 0, 0, 0.8j]),
        ('{"amplitudes": [0.6, 0.8], "nqubits": 1, "phases": null}', [0.6, 0.8]),
        ("index,amplitude\n1,0.8\n0,0.6\n2,0\n3,0", [0.6, 0.8, 0, 0]),
        ("zustand,real,imag\n00,0.6,0\n11,0,0.8", [0.6, 0, 0, 0.8j]),
        ("00;0,6\n11;0,8", [0.6, 0, 0, 0.8]),
        ("0,6;0;0;0,8", [0.6, 0, 0, 0.8]),
        ("0.6000 + 0.0000i   0.0000 + 0.8000i", [0.6, 0.8j]),
        ("0.6 + 0j\n0 + 0.8j", [0.6, 0.8j]),
        ("Array([0.6+0.j, 0.8+0.j], dtype=complex64)", [0.6, 0.8]),
        ("tensor([0.6+0.j, 0.8+0.j], requires_grad=True)", [0.6, 0.8]),
        ("{'00': np.complex128(0.6+0j), '11': np.complex128(0.8j)}", [0.6, 0, 0, 0.8j]),
        (",real,imag\n0,0.6,0\n1,0,0.8", [0.6, 0.8j]),
        ("i,amplitude\n1,0.8\n0,0.6", [0.6, 0.8]),
        ("(0.6, 0.8j)", [0.6, 0.8j]),
        ("(1/sqrt(2), 1/sqrt(2))", [R, R]),
        ("0.6 # first\n0.8 # second", [0.6, 0.8]),
        ("00: 0.6\n11: 0.8", [0.6, 0, 0, 0.8]),
        ("0,0.6,0\n1,0,0.8", [0.6, 0.8j]),
        ("i, 0", [1j, 0]),
        ("[1/2, 1/2, 1/2, -i/2]", [0.5, 0.5, 0.5, -0.5j]),
        ('{"real": [0.6, 0], "imag": [0, 0.8]}', [0.6, 0.8j]),
        ('{"state": {"amplitudes": [[0.6, 0], [0, 0.8]]}, "n": 1}', [0.6, 0.8j]),
        ('[["00", 0.6], ["11", 0.8]]', [0.6, 0, 0, 0.8]),
        ('[{"bits": "00", "amplitude": 0.6}, {"bits": "11", "amplitude": 0.8}]', [0.6, 0, 0, 0.8]),
        ('{"0 0": 0.6, "1 1": 0.8}', [0.6, 0, 0, 0.8]),
        ("|00> - |11>", [R, 0, 0, -R]),
        ("(|00> + |11>)/sqrt(2)", [R, 0, 0, R]),
        ("1/sqrt(2) (|00> + i|11>)", [R, 0, 0, R * 1j]),
        ("1/sqrt(2)|0> + 1/sqrt(2)|1>", [R, R]),
        ("|0>: 0.6\n|1>: 0.8", [0.6, 0.8]),
    ],
)
def test_states_as_tools_and_people_write_them(text: str, state: list[complex]) -> None:
    np.testing.assert_allclose(read_amplitudes(text).state, state, atol=1e-12)


def test_the_order_that_a_document_names_is_obeyed_and_said() -> None:
    for order, at in (("big-endian", 1), ("MSB first", 1), ("little-endian", 2), ("qiskit", 2)):
        read = read_amplitudes(f'{{"amplitudes": {{"10": 1}}, "order": "{order}"}}')
        assert read.state[at] == 1
        assert "bit is qubit 0" in read.notes[0]
    assert "the first bit is qubit 0" in read_amplitudes("q0q1;amplitude\n10;1").notes[0]
    assert "Not used: 'qubits'" in read_amplitudes('{"amplitudes": [0.6, 0, 0, 0.8], "qubits": [0, 1]}').notes[0]
    assert "Not used: 'wires'" in read_unitary('{"matrix": [[0, 1], [1, 0]], "wires": [0]}').notes[0]
    assert "index, real and imaginary" in read_amplitudes("0,0.6,0\n1,0,0.8").assumed
    for text in ("[[0.6, 0], [0, 0.8]]", '{"state": [[0.6, 0], [0, 0.8]]}'):
        assert "pairs were read as real and imaginary" in read_amplitudes(text).assumed
    assert "Not used: 'source'" in read_amplitudes('{"amplitudes": [0.6, 0.8], "source": "x"}').notes[0]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("bits,magnitude,phase\n00,0.6,0\n11,0.8,0.1", "a column 'magnitude'"),
        ("state,probability\n00,0.36\n11,0.64", "a column 'probability'"),
        ("x,y\n0.6,0\n0,0.8", "Name them so"),
        ("q0q2,amplitude\n00,0\n10,1", "from 0 up or down"),
        ("q0q1q2,amplitude\n00,0\n10,1", "a qubit for each bit"),
        ('{"amplitudes": [0, 1, 0, 0], "qubits": [1, 0]}', r"order that the form states.*'\[1, 0\]' under 'qubits'"),
        ('{"amplitudes": [0, 1, 0, 0], "wires": ["q1", "q0"]}', "under 'wires'"),
        ('{"amplitudes": [0.6, 0.8], "phases": [0, 1.5]}', "'phases'"),
        ('{"00": 0.99, "11": 0.01}', "probabilities. Take their square roots"),
        ("[0.25, 0.25, 0.25, 0.25]", "norm is 0.5: they may be probabilities"),
        ("bits,real,foo\n00,0.6,0\n11,0.8,0", "got 'foo'"),
        ("basisx,amplitude\n0,0.6\n1,0.8", "got 'basisx'"),
        ("0 0.6\n1 0.8", "read as real and imaginary part.*index,amplitude"),
        ("index,amplitude\n10,0.6\n11,0.8", "can be either"),
        ("index,amplitude\n1,0.6\n2,0.8", "every index from 0"),
        ("1,0;0,0", "one way"),
        ("0: 0.6\n1: 0.8", "got .*0:.*0.6"),
        ("# comments\n# alone", "got 0"),
        ('{"amplitudes": [1, 0], "order": "as usual"}', "little-endian"),
        ('{"n": 3, "amplitudes": [0.6, 0, 0, 0.8]}', "of 3 qubits, as the file says"),
        ('{"0x0": 0.6, "0x3": 0.8}', "with all its zeros"),
        ("[[0.6 0. ]\n [0.  0.8]]", "one row or one column"),
        ("[0.6 -0.8j 0. -0.j]", "one complex number or two"),
        ("[0.6 - 0.8]", "number such as 0.5"),
        ("0.5 + 0.5|0> + 0.5|1>", "number before each ket"),
        ("Quantum object: dims=[[1], [2]], shape=(1, 2), type='bra'\nQobj data =\n[[0.6 0.8]]", "bra"),
    ],
)
def test_states_that_have_two_readings_are_refused(text: str, match: str) -> None:
    with pytest.raises(InvalidTable, match=match):
        read_amplitudes(text)


@pytest.mark.parametrize("text", ["\t".join("a" * 100_000), "a," * 100_000, "Z0 " * 80_000])
def test_a_long_text_that_is_no_state_is_refused_in_no_time(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(InvalidTable, match="Expected 2.n amplitudes"):
        read_amplitudes(text)
    assert time.process_time() - begun < 2.0


@pytest.mark.parametrize(
    ("text", "number"),
    [("-i", -1j), ("1/2", 0.5), ("sqrt(2)/2", R), ("(1+i)/2", 0.5 + 0.5j), ("1/2-i/2", 0.5 - 0.5j), ("2e-1", 0.2),
     ("np.float64(0.5)", 0.5), ("0.5-0.5", None), ("1 2", None), ("x", None), ("1/0", None), ("9**9**9", None)],
)  # fmt: skip
def test_a_cell_is_one_number(text: str, number: complex | None) -> None:
    found = number_at(text)
    assert found is None if number is None else found == pytest.approx(number)


@pytest.mark.parametrize(
    "text",
    ["0 1, 1 2", "0-1 1-2", "(0,1),(1,2)", "$0-$1\n$1-$2", "q0-q1, q1-q2", "Q0,Q1\nQ1,Q2", "source,target\n0,1\n1,2",
     "EdgeList[(0, 1), (1, 2)]", "EdgeView([(0, 1), (1, 2)])", "{0: [1], 1: [0, 2], 2: [1]}", "0↔1\n1→2",
     '{"0":["1"],"1":["0","2"],"2":["1"]}', '{"backend":{"coupling_map":[[0,1],[1,2]]}}', "{(0,1),(1,2)}",
     "frozenset({(0, 1), (1, 2)})", "0 1 0\n1 0 1\n0 1 0", "[[0,1,0],[1,0,1],[0,1,0]]", "((q(0), q(1)), (q(1), q(2)))",
     "[(node[0], node[1]), (node[1], node[2])]", "coupling_map = [[0,1],[1,2]]", '{"pairs": ["0-1", "1-2"]}',
     "[[0,1],[1,2],[2,3],[3,4]]"],
)  # fmt: skip
def test_coupling_maps_as_tools_and_people_write_them(text: str) -> None:
    assert read_coupling(text, 3).edges == ((0, 1), (1, 2))


def test_one_qubit_needs_no_pairs_and_a_larger_device_gives_its_first_qubits() -> None:
    assert read_coupling("", 1).edges == ()
    assert "device of 5 qubits" in read_coupling("0-1,1-2,2-3,3-4", 3).notes[1]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("0-1,1-2,2-33", "numbered 0 to 2"),
        ("1-2,2-3", "Count qubits from 0"),
        ("0-3,3-1,1-2", "numbered 0 to 2"),
        ("0-1-2", "line 1"),
        ("0/1 1/2", "line 1"),
        ('{"coupling": null}', "list of pairs"),
        ("", "nothing"),
    ],
)
def test_coupling_maps_that_stay_refused(text: str, match: str) -> None:
    with pytest.raises(InvalidTable, match=match):
        read_coupling(text, 3)


@pytest.mark.parametrize("text", ["0011", "|0011>", "|0011⟩", "'0011'", "0 0 1 1", "0b0011", ' "0011" '])
def test_a_start_state_is_read_as_it_is_written(text: str) -> None:
    assert start_of(text, 4) == (0, 1)


@pytest.mark.parametrize("text", ["[1,1,0,0]", "0,0,1,1", "11", "3", "HF"])
def test_a_start_state_of_open_order_is_refused(text: str) -> None:
    with pytest.raises(InvalidSpec, match=r"last one qubit 0.*Write it as 0001"):
        start_of(text, 4)


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("maxcut", {"graph": "0 1\n1 0\n1 2\n2 1"}, ("3 nodes, 2 edges", "counted once")),
        ("unitary", {"matrix": "0.707 0.707\n0.707 -0.707"}, ("1 qubit", "was rounded")),
        ("state", {"state": "own", "amplitudes": "0.6 0\n0 0.8"}, ("1 qubit", "real and imaginary part")),
        ("state", {"coupling": "own", "pairs": "0-1,1-2,2-3,3-4", "qubits": 3}, ("device of 5 qubits",)),
        ("hamiltonian", {"hamiltonian": "Z 1.0\nX 0.5", "coupling": "own", "pairs": ""}, ("both directions",)),
    ],
)
def test_what_was_read_is_shown_before_a_run(name: str, params: dict[str, object], said: tuple[str, ...]) -> None:
    problem = load(f"quantum/{name}", max_cx=1, iterations=1, starts=1, **params)
    assert isinstance(problem, CircuitProblem)
    lines = " ".join(problem.report["lines"])
    assert all(words in lines for words in said)
