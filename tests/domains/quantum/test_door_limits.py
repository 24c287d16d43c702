"""The process that reads circuits: what it may take, what it may open, and that nothing makes it hang."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.hostile_circuits import CORPUS, fuzz
from domains.quantum.door import child
from domains.quantum.door.foreign import read_circuit_file
from domains.quantum.door.reader import MAX_KILLED, Reader
from poets_core.errors import InvalidDesign

ROOT = Path(__file__).parents[3]
HEAD = "OPENQASM 3.0;\nqubit[7] q;\n"
LIMITED = "from domains.quantum.door import child; child.limit(); "


def limited(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", LIMITED + code], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("open('/etc/passwd')", "PermissionError"),
        ("import pathlib; pathlib.Path('/proc/self/environ').read_bytes()", "PermissionError"),
        ("import os; os.open('/etc/hostname', os.O_RDONLY)", "PermissionError"),
        ("import socket; socket.create_connection(('127.0.0.1', 1))", "PermissionError"),
        ("import subprocess; subprocess.run(['true'])", "PermissionError"),
        ("import os; os.system('true')", "PermissionError"),
        ("x = bytearray(1 << 30)", "MemoryError"),
    ],
)
def test_the_reading_process_may_take_and_open_little(code: str, says: str) -> None:
    done = limited(code)
    assert done.returncode != 0
    assert says in done.stderr


def test_time_for_one_text_ends_the_process() -> None:
    began = time.monotonic()
    done = limited("child._timed(0.2)\nwhile True: pass")
    assert done.returncode == -27  # SIGPROF
    assert time.monotonic() - began < 20


def test_a_process_that_is_killed_is_started_again_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = Reader._exchange

    def killed(self: Reader, process: subprocess.Popen[bytes], question: bytes) -> bytes:
        if b"x q" in question:
            process.kill()
            process.wait()
        return exchange(self, process, question)

    monkeypatch.setattr(Reader, "_exchange", killed)
    with Reader() as reader:
        for _ in range(MAX_KILLED):
            assert read_circuit_file(HEAD + "h q[0];", reader=reader).qubits == 7
            with pytest.raises(InvalidDesign, match="within 2 s and 1 GB, got one that takes longer"):
                read_circuit_file(HEAD + "x q[0];", reader=reader)
        with pytest.raises(InvalidDesign, match="before this one"):
            read_circuit_file(HEAD + "h q[0];", reader=reader)


def test_a_text_that_takes_too_long_is_refused_in_time() -> None:
    """Gates on eight qubits that Qiskit has to make of matrices: seconds each, so that the clock ends it."""
    gates = "".join(
        f"ctrl @ pow(.{k}) @ g(.1) " + ", ".join(f"q[{i}]" for i in range(8)) + ";\n" for k in range(11, 99)
    )
    body = "".join(f"cx a{i}, a{i + 1}; rx(a*{i}) a{i};" for i in range(6))
    text = f"OPENQASM 3.0;\ngate g(a) {', '.join(f'a{i}' for i in range(7))} {{ {body} }}\nqubit[8] q;\n{gates}"
    with Reader() as reader:
        read_circuit_file(HEAD + "ctrl @ pow(.3) @ h q[0], q[1];", reader=reader)
        began = time.monotonic()
        with pytest.raises(InvalidDesign, match=r"within 2 s|2000 gates|4000 parts"):
            read_circuit_file(text, reader=reader)
        assert time.monotonic() - began < 10


def test_what_goes_wrong_inside_is_told_without_the_text() -> None:
    told = child.answer({"text": "h q[0]; SECRET", "version": 3, "opaque": []})
    assert "SECRET" not in json.dumps(told)
    assert told["error"].startswith("Expected ")
    assert child.answer({"text": None, "version": 3, "opaque": []})["error"].startswith("Expected ")


TOKENS = re.findall(r"\w+|[^\w\s]|\n", "\n".join(CORPUS))


@given(st.lists(st.sampled_from(TOKENS), max_size=40), st.sampled_from(CORPUS), st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_read_or_refused(shared: Reader, tokens: list[str], text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    until = data.draw(st.integers(at, min(len(text), at + 30)))
    said = "Expected"
    try:
        read_circuit_file(text[:at] + " ".join(tokens) + text[until:], reader=shared)
    except InvalidDesign as error:
        said = str(error)
    assert said.startswith("Expected")


@pytest.fixture(scope="module")
def shared():
    with Reader() as reader:
        yield reader


@pytest.mark.timeout(280)
def test_a_short_fuzz_finds_nothing(tmp_path: Path) -> None:
    # On a busy machine few texts come in seconds: longer then, for what is asserted needs some that can be read.
    for seconds in (4.0, 16.0, 64.0):
        found = fuzz(seconds, 0, tmp_path)
        if found["read"] > 2:
            break
    assert found["texts"] > 20
    assert found["read"] > 2
    assert found["faults"] == []
    assert found["processor_seconds"] < 4.0
    assert found["peak_bytes"] < 1 << 30
    assert found["leaks"] == 0
