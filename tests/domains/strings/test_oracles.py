"""Oracles of one's own: the three ways to ask, and everything that an oracle can do wrong."""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from domains.catalog import check, load
from domains.strings.answer import NoAnswer, read_answer
from domains.strings.oracle import ALLOWED, IN_A_ROW, Asking, OwnOracle
from domains.strings.ways import oracle_of
from poets_core.errors import InvalidInput, InvalidSpec
from poets_core.keyed import rng_for
from poets_core.types import Evaluation

FUNCTIONS = """
import os, time, sys
def count(design):
    print("noise on stdout")
    return design.count("A")
def more(design):
    return float(design.count("A")), {"gc": 0.5, "bad": float("nan")}
def noisy(design, seed):
    return seed % 1000
def refuses(design):
    raise ValueError("does not fold")
def broken(design):
    return {}[design]
def nan(design):
    return float("nan")
def text(design):
    return "1.5"
def hangs(design):
    time.sleep(60)
def dies(design):
    if design == "AAAA":
        os._exit(3)
    return 1.0
def flaky(design):
    mark = os.path.join(os.path.dirname(__file__), "tried-" + design)
    if not os.path.exists(mark):
        open(mark, "w").close()
        os._exit(1)
    return 7
"""
PROGRAM = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps({"value": asked["design"].count("A"), "std": 0.5}), flush=True)
"""


@pytest.fixture(autouse=True)
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ALLOWED, "yes")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own_functions.py").write_text(FUNCTIONS)
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


@pytest.fixture
def ask(folder: Path) -> Iterator[Callable[..., Evaluation]]:
    made: list[OwnOracle] = []

    def asked(designs: list[str], function: str = "", program: str = "", address: str = "", **how: Any) -> Evaluation:
        name = f"own_functions:{function}" if function else ""
        oracle = OwnOracle(oracle_of(name, program, address, str(folder), 2048), Asking(**{"seconds": 10.0} | how))
        made.append(oracle)
        return oracle.evaluate(designs, [0] * len(designs), rng=rng_for(0, "test"))

    yield asked
    for oracle in made:
        oracle.close()


def test_a_function_measures(ask: Callable[..., Evaluation]) -> None:
    found = ask(["AACA", "CCCC"], "count")
    assert found.values.tolist() == [[3.0], [0.0]]
    assert found.valid.all()
    assert ask(["AACA"], "more").details == ({"gc": 0.5, "bad": None},)


def test_noise_follows_the_seeds(ask: Callable[..., Evaluation]) -> None:
    designs = [f"A{i}" for i in range(8)]
    alone, together = (ask(designs, "noisy", parallel=n).values.ravel().tolist() for n in (1, 3))
    assert alone == together == [s % 1000 for s in rng_for(0, "test").integers(0, 1 << 53, 8).tolist()]


def test_a_program_measures(ask: Callable[..., Evaluation]) -> None:
    found = ask(["AACA", "CCCC"], program=f"{sys.executable} program.py", parallel=2)
    assert (found.values.tolist(), found.std.tolist()) == ([[3.0], [0.0]], [[0.5], [0.5]])


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("refuses", "^does not fold$"),
        ("broken", "the oracle failed: KeyError"),
        ("nan", "finite number"),
        ("text", "expected a number"),
        ("lost", "AttributeError"),
    ],
)
def test_what_is_no_number_makes_a_design_invalid(ask: Callable[..., Evaluation], function: str, said: str) -> None:
    found = ask(["AACA"], function, retries=0)
    assert not found.valid.any()
    assert math.isnan(found.values[0, 0])
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(found.reason[0])


def test_a_reason_moves_no_cursor(ask: Callable[..., Evaluation]) -> None:
    for code, kept in (
        ("input(); print(json.dumps(dict(invalid=chr(27) + '[2Jgone' + chr(0x202E) + chr(0xD800))))", "�[2Jgone��"),
        ("input(); sys.exit(chr(27) + '[2Jgone')", "code 1: �[2Jgone"),
    ):
        found = ask(["AACA"], program=f'{sys.executable} -c "import json, sys; {code}"', retries=0)
        assert kept in found.reason[0]
        assert found.reason[0].isprintable()


def test_an_oracle_that_hangs_is_ended(ask: Callable[..., Evaluation]) -> None:
    found = ask(
        ["AACA"], program=f"{sys.executable} -c 'import time; time.sleep(60)'", seconds=0.2, start=0.1, retries=0
    )
    assert not found.valid.any()
    assert "no answer within" in found.reason[0]


@pytest.mark.parametrize("writes", ["sys.stdout.write(chr(10) * 65536)", "sys.stderr.write('x' * 65536)"])
def test_what_is_written_without_end_is_no_answer(ask: Callable[..., Evaluation], writes: str) -> None:
    code = f"import sys\nwhile True: {writes}"
    found = ask(["AACA"], program=f'{sys.executable} -c "{code}"', seconds=0.2, start=0.3, retries=0)
    assert "no answer within" in found.reason[0]


LATE = """
import json, os, sys, time
for line in sys.stdin:
    value = json.loads(line)["design"].count("A")
    print(json.dumps({"value": value}), flush=True)
    if value == 4:
        while not os.path.exists("go"):
            time.sleep(0.01)
        print(json.dumps({"value": 99}), flush=True)
        open("said", "w").close()
"""


def test_a_second_answer_is_never_taken_for_that_to_the_next_design(folder: Path) -> None:
    """A line too many, which comes when its design has been answered, moved every value on by one design."""
    (folder / "late.py").write_text(LATE)
    oracle = OwnOracle(
        oracle_of("", f"{sys.executable} late.py", "", str(folder), 2048), Asking(seconds=10.0, retries=1)
    )
    try:
        oracle.evaluate(["AAAA"], [0], rng=rng_for(0, "t"))
        (folder / "go").touch()
        while not (folder / "said").exists():
            time.sleep(0.01)
        found = oracle.evaluate(["AACC", "ACCC"], [0, 0], rng=rng_for(0, "t"))
    finally:
        oracle.close()
    # Asked again, of a fresh process.
    assert found.values.ravel().tolist() == [2.0, 1.0]


def test_the_next_design_is_measured_after_a_crash(ask: Callable[..., Evaluation]) -> None:
    found = ask(["AAAA", "CCCC"], "dies", retries=0)
    assert found.valid.tolist() == [False, True]
    assert "ended with code 3" in found.reason[0]


def test_a_failure_is_tried_again(ask: Callable[..., Evaluation]) -> None:
    assert ask(["AAAA"], "flaky", retries=1).values.tolist() == [[7.0]]
    assert not ask(["CCCC"], "flaky", retries=0).valid.any()


def test_an_oracle_that_is_down_ends_the_run(ask: Callable[..., Evaluation]) -> None:
    with pytest.raises(InvalidInput, match="Mend it"):
        ask([f"A{i}" for i in range(IN_A_ROW)], program="false", retries=0)
    assert not ask(["A"] * (IN_A_ROW - 1), program="false", retries=0).valid.any()


def test_nothing_runs_where_it_is_not_allowed(ask: Callable[..., Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("", "no", "1"):
        monkeypatch.setenv(ALLOWED, value)
        with pytest.raises(InvalidInput, match=ALLOWED):
            ask(["AACA"], "count")


def test_no_process_stays(folder: Path) -> None:
    oracle = OwnOracle(oracle_of("own_functions:count", "", "", str(folder), 2048), Asking())
    oracle.evaluate(["A"], [0], rng=rng_for(0, "t"))
    (way,) = oracle._free.queue
    child = way._process._child  # type: ignore[attr-defined]
    assert child.poll() is None
    del oracle, way
    assert child.wait(timeout=10) is not None


# -- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "",
        "1",
        "[]",
        "{}",
        '{"value": NaN}',
        '{"value": Infinity}',
        '{"value": 1e999}',
        '{"value": true}',
        '{"value": "1"}',
        '{"value": null}',
        '{"value": 1, "invalid": "x"}',
        '{"invalid": ""}',
        '{"invalid": 1}',
        '{"value": 1, "std": -1}',
        '{"value": 1, "std": NaN}',
        '{"value": 1, "more": 2}',
        '{"value": 1, "value": 2}',
        '{"value": 1, "details": [1]}',
        '{"value": 1, "details": {"a": [1]}}',
        "[" * 10_000,
        '{"error": "down"}',
        '{"value": ' + "9" * 400 + "}",
    ],
)
def test_what_is_no_answer_is_refused(line: str) -> None:
    with pytest.raises(NoAnswer):
        read_answer(line)


def test_answers_are_read() -> None:
    found = read_answer('{"value": 2, "std": 0.5, "details": {"pH": 7, "note": "x", "none": null}}')
    assert (found.value, found.std, found.details) == (2.0, 0.5, {"pH": 7, "note": "x", "none": None})
    assert read_answer('{"invalid": "too long"}').reason == "too long"


# -- a service on this machine ---------------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        design = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["design"]
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.end_headers()
            return
        if self.path in ("/drip", "/wait"):
            # Headers that never end, a few bytes at a time.
            line = b"HTTP/1.1 100 Continue\r\n\r\n" if self.path == "/wait" else b"HTTP/1.1 200 OK\r\nX-Long: "
            for piece in [line, *[line if self.path == "/wait" else b"x"] * 80]:
                self.wfile.write(piece)
                time.sleep(0.1)
            return
        body = b"x" * (1 << 20) if self.path == "/long" else json.dumps({"value": design.count("A")}).encode()
        self.send_response(500 if self.path == "/broken" else 200)
        self.end_headers()
        if self.path == "/slow":
            for i in range(len(body)):
                self.wfile.write(body[i : i + 1])
                time.sleep(0.1)
            return
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_service_measures(ask: Callable[..., Evaluation], service: str) -> None:
    found = ask(["AACA", "CCCC", "ACCC"], address=f"{service}/measure", parallel=3)
    assert found.values.tolist() == [[3.0], [0.0], [1.0]]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/broken", "status 500"),
        ("/away", "status 302"),
        ("/long", "bytes"),
        ("/slow", "within"),
        ("/drip", "within"),
        ("/wait", "within"),
    ],
)
def test_a_service_that_fails_gives_a_reason(
    ask: Callable[..., Evaluation], service: str, path: str, said: str
) -> None:
    began = time.monotonic()
    found = ask(["AACA"], address=service + path, seconds=0.3, retries=0)
    # The service goes on for eight seconds more: what is held to is the limit of an answer.
    assert time.monotonic() - began < 4
    assert not found.valid.any()
    assert said in found.reason[0]


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/",
        "https://127.0.0.1/",
        "http://10.0.0.1/",
        "http://127.0.0.1.example.org/",
        "file:///etc/passwd",
        "http://me:pw@127.0.0.1/",
        "http://127.0.0.1:99999/",
        "http://0.0.0.0/",
        "127.0.0.1:80",
        "http://127.0.0.1/a b",
        "http://127.0.0.1@example.org/",
        "http://[::2]/",
        "http://127.0.0.1/\r\nX: y",
    ],
)
def test_no_request_leaves_the_machine(address: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        oracle_of("", "", address, "", 64)
    assert caught.value.field == "problem.params.address"


@pytest.mark.parametrize(
    ("named", "field"),
    [
        ({}, "function"),
        ({"function": "a:b", "program": "x"}, "function"),
        ({"function": "a"}, "function"),
        ({"function": "a:b; import os"}, "function"),
        ({"program": "'"}, "program"),
        ({"program": "true", "folder": "relative"}, "folder"),
        ({"program": "true", "folder": "/no/such/folder"}, "folder"),
    ],
)
def test_an_oracle_is_named_once_and_well(named: dict[str, str], field: str) -> None:
    words = {"function": "", "program": "", "address": "", "folder": ""} | named
    with pytest.raises(InvalidSpec) as caught:
        oracle_of(**words, memory=64)
    assert caught.value.field == f"problem.params.{field}"


# -- before a run ----------------------------------------------------------------------------------------------------


def test_a_few_designs_are_measured_before_a_run(folder: Path) -> None:
    params = {"function": "own_functions:count", "folder": str(folder), "unit": "letters"}
    found = check("strings/own", params)
    assert [set(row) for row in found["facts"]["measured"]] == [{"design", "value", "reason"}] * 3
    assert all(row["value"] == row["design"].count("A") for row in found["facts"]["measured"])
    assert "letters" in found["lines"][1]
    with pytest.raises(InvalidInput, match="KeyError"):
        check("strings/own", params | {"function": "own_functions:broken"})
    assert "does not fold" in check("strings/own", params | {"function": "own_functions:refuses"})["lines"][1]


def test_loading_runs_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    problem = load("strings/own", program=f"touch {mark}")
    assert problem.info.facts["runs"] == f"program touch {mark}"
    assert problem.info.chunk == 1
    assert not mark.exists()
