"""The measure of a hostile input: an end that is no sentence, a call elsewhere and memory are seen."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from benchmarks.hostile_case import Case, Result, measure
from poets_core.errors import InvalidTable

HERE = "tests.benchmarks.test_hostile_case"


def refuse(text: str) -> str:
    """Raise what a reader raises."""
    raise InvalidTable(text)


class Long(InvalidTable):
    """An error whose message is not cut, as those of the program are."""

    def __str__(self) -> str:
        return "x" * 5000


def quote() -> str:
    """Repeat a whole file."""
    raise Long("")


def fall() -> str:
    """Fail as no reader should."""
    return str([][0])


def hold(megabytes: int) -> str:
    """Need memory."""
    return str(len(b"x" * (megabytes << 20)))


def call() -> str:
    """Connect to an address of documentation, in a process of its own."""
    code = "import socket; s = socket.socket(); s.settimeout(0.1); s.connect_ex(('192.0.2.1', 9))"
    subprocess.run([sys.executable, "-c", code], check=True)
    return "done"


def at_home() -> str:
    """Connect to this machine."""
    with socket.socket() as here:
        here.connect_ex(("127.0.0.1", 9))
    return "done"


def of(name: str, **arguments: object) -> Result:
    return measure(Case("uploads", name, f"{HERE}:{name}", arguments))


def test_a_sentence_is_a_refusal_and_anything_else_a_crash() -> None:
    refused = of("refuse", text="Expected a table, got none.")
    assert (refused.outcome, refused.message, refused.holds) == ("refused", "Expected a table, got none.", True)
    assert of("fall").outcome == "crashed"
    assert not of("quote").holds
    assert of("refuse", text="x" * 5000).holds  # messages of the program are cut


def test_a_call_to_another_host_is_seen_also_from_a_child_and_one_to_this_machine_is_none() -> None:
    assert of("call").calls == ("192.0.2.1",)
    assert of("at_home").calls == ()


@pytest.mark.parametrize(("megabytes", "within"), [(10, True), (600, False)])
def test_memory_is_measured(megabytes: int, within: bool) -> None:
    assert of("hold", megabytes=megabytes).within == within
