"""Values as Python prints and people write them: read, never run."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import numpy as np
import pytest

from domains.quantum.inputs.literals import Call, Entries, Operation, read_literal
from poets_core.errors import InvalidTable

NUMBERS = {
    "1/8": 0.125,
    "-1/8 + 2**-1": 0.375,
    "-2**2": -4,
    "2*3/4": 1.5,
    "1/sqrt(2)": 1 / np.sqrt(2),
    "-np.pi/4": -np.pi / 4,
    "1e-3*np.exp(0)": 1e-3,
    "(0.5+0.1j) - 0.1j": 0.5 + 0j,
    "0.6+0.8i": 0.6 + 0.8j,
    "np.complex128(-0.5+0j)": -0.5 + 0j,
    "np.float64(0.5)": 0.5,
    "np.int64(7)": 7,
    "complex(1, -2)": 1 - 2j,
    "(-0.)": 0.0,
}


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers(text: str) -> None:
    assert read_literal(text, "it") == pytest.approx(NUMBERS[text], abs=1e-15)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("edges = [(0, 1),  # first\n (1, 2)]  # all", [[0, 1], [1, 2]]),
        ("import numpy as np\nfrom a import (b)\n# it\n\nU: list = np.array([[1, 0], [0, 1j]], dtype=complex)",
         [[1, 0], [0, 1j]]),
        ("{'00': np.float64(.5), '11': 1/2,}", {"00": 0.5, "11": 0.5}),
        ("{0: [1], (): 2, ((0, 'Z'),): 3}", Entries([(0, [1]), ([], 2), ([[0, "Z"]], 3)])),
        ("[np.int64(3), 2.5, 1e2]", [3, 2.5, 100.0]),
        ("a.b(1, k='#')", Call("a.b", [1], {"k": "#"})),
        ("[1, 2,]", [1, 2]),
        ("1" * 60, int("1" * 60)),
    ],
)  # fmt: skip
def test_values(text: str, value: Any) -> None:
    assert read_literal(text, "it") == value


def test_names_and_products_come_where_they_are_asked_for() -> None:
    read = read_literal("2 * (Z(0) @ X(1)) - q[3]/2", "it", algebra=True)
    z, x = Call("Z", [0]), Call("X", [1])
    half = Operation("*", [-1, Operation("*", [0.5, Call("q", [3], called=False)])])
    assert read == Operation("+", [Operation("*", [2, Operation("@", [z, x])]), half])
    assert repr(read) == "((2 * (Z(0) @ X(1))) + (-1 * (0.5 * q[3])))"
    assert read_literal("-i", "it", words={"i": 1j}) == -1j


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("[1, x]", "the name 'x'"),
        ("[Z(0) @ X(1)]", "numbers on both sides"),
        ("[1/0]", "finite numbers in it, got 1.0 / 0.0"),
        ("9.**9.**9.", "finite"),
        ("[0.5, ...]", "cut short"),
        ("'a' + 1", "a comma or the end"),
        ("-'a'", "a number after a sign"),
        ("{1: 2, 1: 3}", "each key once"),
        ("a = b = 1", "the name 'b'"),
        ("[1]\n[2]", r"nothing after it in it, got '\[2\]' in line 2"),
        ("# c\nx = [\n1 1]", "got '1]' in line 3"),
        ("2**" * 20 + "2", "brackets deep"),
        ("__import__('os').system('true')", "nothing after it"),
    ],
)
def test_what_is_wrong_is_named(text: str, match: str) -> None:
    with pytest.raises(InvalidTable, match=match):
        read_literal(text, "it")


HOSTILE = ("-", "9*", "2**", "a = ", "#\n", "import a\n", "[", "{1:", "'", " ", "a", "f(", "1")


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_texts_end_in_time(piece: str) -> None:
    begun = time.process_time()
    for algebra in (False, True):
        with contextlib.suppress(InvalidTable):
            read_literal(piece * 30_000, "it", algebra=algebra)
    assert time.process_time() - begun < 6.0
