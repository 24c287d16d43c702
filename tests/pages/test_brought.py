"""Designs that people bring, designs made shorter, and uploads that are no tables: offered, refused, shown as text."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from domains.catalog import load
from pages.parts.run import brought
from pages.parts.text import plain, visible
from poets_core.errors import InvalidDesign, InvalidInput
from poets_core.keyed import rng_for
from poets_core.runs import process
from poets_core.runs.event_reader import stored_info
from poets_core.runs.events import Event, Finished, Observed, Prepared, Proposed
from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import fold
from poets_core.spec import Budget, PoetsSettings, ProblemSpec, SearchSpec
from tests.logs import claimed
from tests.pages import written
from tests.pages.test_pages import CANDIDATES, LAUNCH, opened, said

PARAMS: dict[str, Any] = {
    "hamiltonian": "-0.5 [Z0 Z1] + 0.3 [X0] + 0.3 [X1] + 0.2 [X1 X2] + 0.1 [Z2]",
    "coupling": "line",
    "max_cx": 3,
    "iterations": 40,
    "starts": 1,
}
QASM = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[3] q;\nry(0.4) q[0];\ncx q[0], q[1];\n'
HOSTILE = "<img src=x onerror=alert(1)> **bold** [a](https://evil.example) :material/home: \u202eevil"


@pytest.fixture
def run(store: SqlStore) -> str:
    """A finished run of two measured circuits of one's own Hamiltonian."""
    problem = load("quantum/hamiltonian", **PARAMS)
    designs = [problem.decode("cx 0 1"), problem.decode("cx 0 1 cx 1 2 cx 0 1")]
    answer = problem.oracle.evaluate(designs, [0, 0], rng=rng_for(0, "test"))
    body: list[Event] = [claimed(), Prepared(stored_info(problem.info), {"source": "library"})]
    body.append(Proposed(0, tuple(written.candidate(0, s, design=d, text=d) for s, d in enumerate(designs))))
    for s, value in enumerate(np.asarray(answer.values)[:, 0].tolist()):
        body.append(Observed(0, f"0-{s}", f"0-{s}", (value,), (0.0,), True, "", dict(answer.details[s])))
    made = store.create(
        SearchSpec(
            problem=ProblemSpec(name="quantum/hamiltonian", params=PARAMS),
            search=PoetsSettings(branches=2),
            budget=Budget(rounds=1, batch=2),
        )
    )
    lease = store.claim(made, "w", os.getpid(), process.started(os.getpid()))
    assert lease is not None
    store.append(lease, [*body, Finished("budget")])
    store.release(lease)
    return made


def code(at: AppTest) -> str:
    """All texts of the page that are shown to be copied."""
    return "\n".join(str(c.value) for c in at.code)


def scored(at: AppTest, run: str, text: str) -> AppTest:
    """Paste a circuit and ask what it is worth."""
    at.text_area(key=f"own-{run}").set_value(text)
    (button,) = (b for b in at.button if b.label == "Score")
    at = button.click().run()
    assert not at.exception, at.exception
    return at


def test_a_pasted_circuit_is_scored_beside_the_best_of_the_run(store: SqlStore, run: str) -> None:
    at = scored(opened(CANDIDATES, run=run), run, QASM)
    shown = code(at)
    assert "read: OpenQASM 3, 3 qubits, 2 gates, 1 on two or more" in shown
    assert "energy: " in shown
    assert "mHa above the exact value" in shown
    best = max(c.value for c in fold(store.read(run)).candidates.values() if c.value is not None)
    assert f"reward {best:.6g}" in said(at)
    assert "error" in said(at).rpartition("The best of this run")[2]


def test_files_are_scored_each_and_one_that_is_wrong_says_why(store: SqlStore, run: str) -> None:
    at = opened(CANDIDATES, run=run)
    at.file_uploader(key=f"own-files-{run}").set_value(
        [("good.qasm", QASM.encode(), "text/plain"), ("bad.qasm", (QASM + "wobble q[0];\n").encode(), "text/plain")]
    )
    at = scored(at, run, "")
    assert "read: OpenQASM 3" in code(at)
    (error,) = (e.value for e in at.error)
    assert "line 6" in error
    assert "wobble" in error
    assert {"**good.qasm**", "**bad.qasm**"} <= {m.value for m in at.markdown}


def test_nothing_pasted_says_what_is_expected(store: SqlStore, run: str) -> None:
    at = scored(opened(CANDIDATES, run=run), run, "  ")
    assert [e.value for e in at.error] == ["Expected a pasted design or a file, got neither."]


def test_what_a_reader_says_is_shown_as_text(store: SqlStore, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        {"name": HOSTILE, "error": HOSTILE, "lines": [], "facts": {}},
        {"name": "b", "error": "", "lines": [HOSTILE, "```"], "facts": {}},
    ]
    monkeypatch.setattr(brought, "score_designs", lambda *a: found)
    at = scored(opened(CANDIDATES, run=run), run, "x")
    assert [e.value for e in at.error] == [plain(HOSTILE)]
    assert f"**{plain(HOSTILE)}**" in {m.value for m in at.markdown}
    assert visible(HOSTILE) + "\n```" in [c.value for c in at.code]
    assert "\u202e" not in said(at) + code(at)

    def broken(*a: object) -> list[dict[str, object]]:
        raise InvalidInput(HOSTILE)

    monkeypatch.setattr(brought, "score_designs", broken)
    assert [e.value for e in scored(at, run, "y").error] == [plain(HOSTILE)]


def pruned(at: AppTest, run: str, id: str, allowed: float = 1e-6) -> AppTest:
    """Ask for the open design without what does not matter."""
    at.number_input(key=f"pruned-{run}-{id}-allowed").set_value(allowed)
    at = at.button(key=f"pruned-{run}-{id}-go").click().run()
    assert not at.exception, at.exception
    return at


def test_a_design_is_pruned_and_offered_as_a_file(store: SqlStore, run: str) -> None:
    at = pruned(opened(CANDIDATES, run=run, id="0-1"), run, "0-1", 0.5)
    lines = next(c.value for c in at.code if c.value.startswith("CX: "))
    assert lines.startswith("CX: 3 before, ")
    assert "mHa before" in lines
    assert [n.label for n in at.number_input if n.key == f"pruned-{run}-0-1-allowed"] == ["Error may grow by [Ha]"]
    assert at.get("download_button")
    # of the open design alone
    at.query_params["id"] = "0-0"
    at.run()
    assert not any(c.value.startswith("CX: ") for c in at.code)


def test_what_cannot_be_pruned_says_why_as_text(store: SqlStore, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*a: object) -> dict[str, Any]:
        raise InvalidDesign(HOSTILE)

    monkeypatch.setattr(brought, "prune_design", refuse)
    at = pruned(opened(CANDIDATES, run=run, id="0-0"), run, "0-0")
    assert [e.value for e in at.error] == [plain(HOSTILE)]


def test_a_science_without_a_door_shows_none(store: SqlStore) -> None:
    run = written.write(store, written.events(1))
    at = opened(CANDIDATES, run=run)
    assert not [e for e in at.expander if e.label.startswith(("Compare a", "Prune"))]


UPLOAD = "quantum/hamiltonian-file"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Sequence[dict[str, Any]]:
    """What the form asks of the child that checks parameters; no child is started."""
    found: list[dict[str, Any]] = []

    def check(name: str, params: dict[str, Any]) -> dict[str, Any]:
        found.append(params)
        return {"lines": ["Qubits: 2", HOSTILE]}

    monkeypatch.setattr("poets_core.runs.examine.check_problem", check)
    return found


def test_a_file_that_is_no_table_is_kept_and_read_elsewhere(store: SqlStore, asked: Sequence[dict[str, Any]]) -> None:
    at = opened(LAUNCH, problem="quantum/hamiltonian")
    field = at.file_uploader(key=UPLOAD)
    assert {"json", "csv", "txt"} <= {t.lstrip(".") for t in field.proto.type}
    assert field.proto.max_upload_size_mb == 8
    at = field.upload("my.json", b'{"ZZ": 0.5}', "application/json").run()
    assert not at.exception, at.exception
    path = Path(asked[-1]["file"])
    assert path.read_bytes() == b'{"ZZ": 0.5}'
    assert path.is_relative_to(store.files)
    before = sorted(store.files.rglob("*"))
    at.run()  # every draw comes by, and keeps nothing again
    assert sorted(store.files.rglob("*")) == before
    assert plain(HOSTILE) in {m.value for m in at.markdown}  # the report is text
    assert not at.button(key="start").disabled


def test_an_own_hamiltonian_comes_first_and_wide(store: SqlStore, asked: Sequence[dict[str, Any]]) -> None:
    at = opened(LAUNCH, problem="quantum/hamiltonian")
    own = [w.key for w in [*at.text_area, *at.selectbox, *at.text_input] if (w.key or "").startswith("quantum/hamil")]
    assert own[0] == "quantum/hamiltonian-hamiltonian"
    area = at.text_area(key="quantum/hamiltonian-hamiltonian")
    assert "[Z0 Z1]" in area.placeholder
