"""Somebody's own Hamiltonian: every shape that people write is the same sum, and nothing hostile gets through."""

from __future__ import annotations

import json
import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domains.quantum.hamiltonian import PauliSum
from domains.quantum.hamiltonian_file import HamiltonianRead, read_hamiltonian, stated_order
from poets_core.errors import InvalidTable
from tests.domains.quantum.circuits import ising

TERMS = {"IIII": -0.5, "IIIZ": 0.2, "ZZII": 0.1, "XXYY": -0.05}
"""In Qiskit's order; ground energy -0.806155281 by independent dense code."""


def indexed(label: str, form: str = "{0}{1}", sep: str = " ", none: str = "") -> str:
    """A Qiskit label as letters with qubits, qubit 0 first."""
    return sep.join(form.format(c, q) for q, c in enumerate(reversed(label)) if c != "I") or none


def lines(terms: dict[str, float], form: str) -> str:
    return "\n".join(form.format(label=label, c=c) for label, c in terms.items())


def joined(parts: list[str], sep: str = " + ") -> str:
    return sep.join(parts)


WRITERS = {
    "json pauli": lambda t: json.dumps(
        {"pauli": [list(p) for p in t.items()], "order": "qiskit: last letter is qubit 0"}
    ),
    "json terms": lambda t: json.dumps({"terms": [[c, label] for label, c in t.items()]}),
    "json object": lambda t: json.dumps(t),
    "json pairs": lambda t: json.dumps([[label, str(c)] for label, c in t.items()]),
    "json re im": lambda t: json.dumps([[label, [c, 0.0]] for label, c in t.items()]),
    "json objects": lambda t: json.dumps([{"label": k, "coeff": {"real": c, "imag": 0.0}} for k, c in t.items()]),
    "json nature": lambda t: json.dumps({"paulis": [{"op": k, "value": c} for k, c in t.items()]}),
    "json parallel": lambda t: json.dumps({"labels": list(t), "coeffs": list(t.values())}),
    "csv": lambda t: lines(t, "{label},{c!r}"),
    "csv header": lambda t: "coefficient,pauli\n" + lines(t, "{c!r},{label}"),
    "csv parts": lambda t: "pauli,real,imag\n" + lines(t, "{label},{c!r},0.0"),
    "tsv": lambda t: lines(t, "{c!r}\t{label}"),
    "decimal comma": lambda t: "label;coeff\n" + lines(t, "{label};{c!r}").replace(".", ","),
    "label first": lambda t: lines(t, "{label} {c!r}"),
    "coefficient first": lambda t: lines(t, "{c!r} {label}"),
    "colon": lambda t: lines(t, "{label}: {c!r}"),
    "lower case, unicode minus": lambda t: lines({k.lower(): c for k, c in t.items()}, "{label} {c!r}").replace(
        "-", "−"
    ),
    "sum": lambda t: joined([f"{c!r}*{label}" for label, c in t.items()]),
    "sum, minus": lambda t: " ".join(f"{'-' if c < 0 else '+'} {abs(c)!r} {label}" for label, c in t.items()),
    "openfermion": lambda t: joined([f"({c!r}+0j) [{indexed(k)}]" for k, c in t.items()], " +\n"),
    "openfermion real": lambda t: joined([f"{c!r} [{indexed(k)}]" for k, c in t.items()], " +\n"),
    "sparse": lambda t: (
        f"SparsePauliOp({list(t)},\n              coeffs=[{', '.join(f'{c!r}+0.j' for c in t.values())}])"
    ),
    "from_list": lambda t: (
        f"from qiskit.quantum_info import SparsePauliOp\nh = SparsePauliOp.from_list({list(t.items())})"
    ),
    "from_sparse_list": lambda t: (
        "SparsePauliOp.from_sparse_list(["
        + ", ".join(
            f"({k.replace('I', '')!r}, {[len(k) - 1 - q for q, c in enumerate(k) if c != 'I']}, {c!r})"
            for k, c in t.items()
        )
        + f"], num_qubits={len(next(iter(t)))})"
    ),
    "python list": lambda t: str(list(t.items())),
    "pennylane": lambda t: joined([f"{c!r} * ({indexed(k, '{0}({1})', ' @ ', 'I()')})" for k, c in t.items()]),
    "pennylane old": lambda t: "  " + joined([f"({c!r}) [{indexed(k, none='I0')}]" for k, c in t.items()], "\n+ "),
    "pennylane long": lambda t: (
        "(\n    "
        + joined([f"{c!r} * ({indexed(k, 'Pauli{0}({1})', ' @ ', 'I(0)')})" for k, c in t.items()], "\n  + ")
        + "\n)"
    ),
    "cirq": lambda t: joined([f"{c!r}*{indexed(k, '{0}(q({1}))', '*', 'I')}" for k, c in t.items()], "+"),
    "stars": lambda t: joined([f"{c!r}*{indexed(k, '{0}{1}', '*', 'I')}" for k, c in t.items()]),
}


def same(read: HamiltonianRead, terms: dict[str, float]) -> bool:
    return dict(read.hamiltonian.terms) == terms


@pytest.mark.parametrize("shape", WRITERS)
def test_every_shape_is_the_same_sum(shape: str) -> None:
    read = read_hamiltonian(WRITERS[shape](TERMS), order="qiskit", qubits=4)
    assert same(read, TERMS)
    assert read.hamiltonian.ground_energy() == pytest.approx(-0.806155281, abs=1e-9)


def labels(n: int) -> st.SearchStrategy[str]:
    return st.text("IXYZ", min_size=n, max_size=n)


COEFFICIENTS = st.floats(-1e6, 1e6).filter(lambda c: abs(c) > 1e-9)
SUMS = st.integers(2, 12).flatmap(
    lambda n: st.dictionaries(labels(n), COEFFICIENTS, min_size=1, max_size=6).filter(
        lambda t: any(k.strip("I") for k in t)
    )
)


@settings(max_examples=60, deadline=None)
@given(terms=SUMS, shape=st.sampled_from(sorted(WRITERS)))
def test_what_is_written_comes_back(terms: dict[str, float], shape: str) -> None:
    n = len(next(iter(terms)))
    assert same(read_hamiltonian(WRITERS[shape](terms), order="qiskit", qubits=n), terms)


@settings(max_examples=40, deadline=None)
@given(terms=SUMS)
def test_the_first_letter_is_qubit_0_where_that_is_chosen(terms: dict[str, float]) -> None:
    mirrored = {k[::-1]: c for k, c in terms.items()}
    assert same(read_hamiltonian(WRITERS["sum"](mirrored), order="first"), terms)
    n = len(next(iter(terms)))
    # Letters that name their qubits mean the same in both orders.
    for order in ("qiskit", "first"):
        read = read_hamiltonian(WRITERS["openfermion"](terms), order=order, qubits=n)
        assert same(read, terms)
        assert any("names the qubit" in note for note in read.notes)


def test_what_is_shown() -> None:
    read = read_hamiltonian("0.5 XII\n0.25 IYI\n-2 III\n0.5 XII\n1e-16 ZZZ", order="qiskit")
    facts = dict(read.facts())
    assert facts["Qubits"] == "3"
    assert facts["Terms"] == "3"
    assert facts["Identity"] == "-2"
    assert facts["Sum of |coefficients|"] == "3.25"
    assert facts["First terms"] == "1 X on qubit 2; 0.25 Y on qubit 1; -2 identity"
    assert facts["Order"] == "last letter is qubit 0 (Qiskit)"
    assert not read.real
    assert "complex" in facts["Matrix"]
    assert any("Summed: 1 term" in note for note in read.notes)
    assert any("Dropped: 1 term" in note for note in read.notes)
    real = read_hamiltonian("YY 1\nXZ .5", order="qiskit")
    assert real.real
    assert not np.any(real.hamiltonian.matrix().imag)
    assert read_hamiltonian("(0.5+1e-13j) [X0]", order="first").hamiltonian == PauliSum((("X", 0.5),))


def test_signs_numbers_and_spaces_of_sums() -> None:
    def terms(text: str) -> dict[str, float]:
        return dict(read_hamiltonian(text, order="qiskit").hamiltonian.terms)

    assert terms("XXI -0.5\nZZI 0.3") == {"XXI": -0.5, "ZZI": 0.3}
    assert terms("XXI - 0.5*ZZI") == {"XXI": 1.0, "ZZI": -0.5}
    assert terms("Z0 Z1 -0.5\nX0 0.3") == {"ZZ": -0.5, "IX": 0.3}
    assert terms("0.5 X0Z3 - 0.3 Y1") == {"ZIIX": 0.5, "IIYI": -0.3}
    assert terms("0.5 + 0.2*Z0") == {"I": 0.5, "Z": 0.2}
    assert terms("2 * 0.5 * ZZ - -1e-1*XX") == {"ZZ": 1.0, "XX": 0.1}
    assert terms("# a comment\n\n.5*ZZ\n") == {"ZZ": 0.5}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("qiskit: last letter is qubit 0", "qiskit"),
        ("little endian", "qiskit"),
        ("Rightmost letter is qubit 0", "qiskit"),
        ("first letter is qubit 0 (not as in Qiskit)", "first"),
        ("OpenFermion", "first"),
        ("as it comes", ""),
        ("qiskit or cirq", ""),
    ],
)
def test_what_a_file_says_of_its_order(said: str, meant: str) -> None:
    assert stated_order(said) == meant
    text = json.dumps({"pauli": [["XI", 1.0]], "order": said})
    for order in ("qiskit", "first"):
        if meant and meant != order:
            with pytest.raises(InvalidTable, match="one order of qubits") as caught:
                read_hamiltonian(text, order=order)
            assert caught.value.field == "order"
            assert "first letter" in str(caught.value)
        else:
            assert read_hamiltonian(text, order=order).hamiltonian.qubits == 2


def test_a_sparse_pauli_op_and_a_comment_state_their_order() -> None:
    with pytest.raises(InvalidTable, match="one order"):
        read_hamiltonian("SparsePauliOp(['XI'])", order="first")
    with pytest.raises(InvalidTable, match="one order"):
        read_hamiltonian("# order: first letter is qubit 0\nXI 0.5", order="qiskit")


REFUSED = {
    "nothing": ("  \n", "got nothing"),
    "comments": ("# nothing", "comments alone"),
    "identity": ("II 2", "only the identity|letter X, Y or Z"),
    "letter": ("0.5 XAX", "term 1.*0.5 XAX"),
    "letter in json": ('[["XX", 1], ["XQ", 1]]', "term 2.*letter 'Q'"),
    "lengths": ("XX 1\nXXX 1", "labels of 2 letters.*got 3 letters in term 2"),
    "nan": ("XX nan", "term 1"),
    "nan in json": ('[["XX", NaN]]', "finite.*term 1"),
    "infinite": ("1e999 XX", "finite.*term 1"),
    "cancels": ("XX 1\nXX -1", "only the identity"),
    "imaginary": ("XX 1\n(0.1+0.2j) ZZ", "real coefficients.*0.2j in term 2"),
    "imaginary in python": ("SparsePauliOp(['XX'], coeffs=[1e-3j])", "real coefficients.*term 1"),
    "mixed": ("0.5 XX + 0.5 X0", "labels such as XXI"),
    "mixed terms": ("0.5 XX\n0.5 X0", "throughout"),
    "decimal comma": ("0,5 XX", "line 1"),
    "comma behind letters": ("XX 0,5", "decimal point.*got 'XX 0,5'"),
    "bare number": ("0.5\nXX", "after a coefficient"),
    "two numbers": ("0.5 0.5 XX", "one coefficient"),
    "two sums in brackets": ("(X0 + Z1)*(X0 - Z1)", "at most one sum.*Multiply them out"),
    "dangling": ("XX +", "after a sign"),
    "qubit twice": ("X0 Y0", "each qubit once.*0 twice"),
    "13 qubits": ("Z12", "qubits 0 to 11, got 12"),
    "13 letters": ("Z" * 13, "at most 12 qubits"),
    "cut": ("SparsePauliOp(['XX', 'ZZ'], coeffs=[0.5, ...])", "cut short"),
    "counts": ("SparsePauliOp(['XX', 'ZZ'], coeffs=[0.5])", "one coefficient per label"),
    "code": ("SparsePauliOp(__import__('os').system('true'))", "Expected"),
    "more code": ("SparsePauliOp(['XX']) and exit()", "nothing after it"),
    "key twice": ('{"XX": 1, "XX": 2}', "once"),
    "bytes": ("XX\0", "bytes"),
    "wrong columns": ("name,size\nXX,1", "column 'label'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_named(case: str) -> None:
    text, match = REFUSED[case]
    with pytest.raises(InvalidTable, match=f"(?s){match}"):
        read_hamiltonian(text, order="qiskit")


def test_the_form_is_checked_too() -> None:
    with pytest.raises(InvalidTable, match="order"):
        read_hamiltonian("XX", order="little")
    with pytest.raises(InvalidTable, match="Expected 4 qubits"):
        read_hamiltonian("XX", order="qiskit", qubits=4)
    with pytest.raises(InvalidTable, match="at most 12"):
        read_hamiltonian("XX", order="qiskit", qubits=13)
    with pytest.raises(InvalidTable, match="qubits 0 to 1, got 3"):
        read_hamiltonian("X3", order="qiskit", qubits=2)
    assert read_hamiltonian("X0", order="qiskit", qubits=3).hamiltonian.terms == (("IIX", 1.0),)


HOSTILE = (
    "SparsePauliOp\nfrom " + "import " * 35_000,
    "Z0" + " " * 250_000 + "Q",
    "1" * 250_000, "(" * 250_000, "0.5 XX\n" * 30_000, "+" * 250_000, "0.5+" * 60_000, "X0 " * 80_000,
    "\n" * 250_000, "'" * 250_000, "SparsePauliOp(" * 18_000, "SparsePauliOp([" + "[0," * 80_000, "[(" + "1" * 250_000,
    "[['XX'," + "-" * 250_000, "[" * 250_000, "a" * 250_000, "0.5 " + "XYZI" * 60_000, "X(q(" * 60_000, "(1+" * 80_000,
    ";" * 250_000, '"' * 250_000 + ",1", "X0\t" * 80_000, "{" * 250_000, " " * 250_000 + "(", "x" * 300_000,
    "X( " * 80_000, "x" * 250_000 + "a",
)  # fmt: skip


@pytest.mark.parametrize("k", range(len(HOSTILE)))
def test_hostile_texts_are_refused_in_time(k: int) -> None:
    begun = time.process_time()
    with pytest.raises(InvalidTable):
        read_hamiltonian(HOSTILE[k], order="qiskit")
    # Under 1.2 s each; pytest's check of shapes makes every call several times as long.
    assert time.process_time() - begun < 6.0


def test_random_edits_of_every_shape_end_in_a_sum_or_in_a_refusal() -> None:
    rng = random.Random(0)
    texts = [write(TERMS) for write in WRITERS.values()]
    marks = "IXYZxyz0123456789.+-*@()[]{},;:'\"\n\t jeE_#\\\0π"
    tried, begun = 0, time.process_time()
    while time.process_time() - begun < 5.0:
        text = list(rng.choice(texts))
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(text) + 1)
            text[at : at + rng.randint(0, 3)] = rng.choices(marks, k=rng.randint(0, 3))
        try:
            read = read_hamiltonian("".join(text), order=rng.choice(("qiskit", "first")))
            assert read.hamiltonian.qubits <= 12
            assert read.facts()
        except InvalidTable:
            pass
        tried += 1
    assert tried > 1000


@pytest.mark.parametrize("n", [11, 12])
def test_ground_energy_of_more_qubits_than_are_diagonalised(n: int) -> None:
    # Open critical chain, by free fermions: 1 - 1 / sin(pi / (2 (2 n + 1))).
    assert ising(n).ground_energy() == pytest.approx(1 - 1 / np.sin(np.pi / (2 * (2 * n + 1))), abs=1e-9)


def test_ground_energy_of_a_diagonal_sum() -> None:
    assert PauliSum((("Z" * 12, 1.0), ("I" * 11 + "Z", 0.5), ("I" * 12, 3.0))).ground_energy() == pytest.approx(1.5)
