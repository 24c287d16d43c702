"""A Hamiltonian of one's own: searched on a line of qubits, its circuits compared by error and CX, the best one pruned,
taken away and pasted again with the same energy; and what the form and the door say to wrong input."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from domains.entry import Known
from domains.quantum.views.front import front_of, measured_of
from poets_core.runs.sql import SqlStore
from poets_core.runs.views.fold import RunView, fold
from tests.e2e.conftest import Server, choose, fill_in, followed, strangers
from tests.e2e.test_journey import badge, press

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
# Two coupled pairs, in the notation of OpenFermion; the odd number of Y makes it complex.
HAMILTONIAN = """-0.8 [] +
0.17 [Z0] + 0.17 [Z1] - 0.22 [Z2] - 0.22 [Z3] +
0.12 [Z0 Z1] + 0.16 [Z0 Z2] +
0.35 [X0 X1] + 0.35 [Y0 Y1] +
0.30 [X2 X3] + 0.21 [Y1 Z2]"""
ROUNDS, BATCH, MOST_CX = 3, 8, 4
PRUNED = ".st-key-prune pre"
SCORED = ".st-key-own-result-0"


def launch(page: Any, server: Server) -> str:
    """Fill in the form, see what was read, start the run and return its id."""
    page.goto(f"{server.url}/launch?problem=quantum/hamiltonian&preset=quick")
    fill_in(page, {"Hamiltonian": HAMILTONIAN})
    read = page.locator(".st-key-report")
    read.get_by_text("Qubits: 4", exact=True).wait_for()
    read.get_by_text("Order: every letter names its qubit", exact=True).wait_for()
    choose(page, "Coupling", "line")
    fill_in(page, {"CX at most": MOST_CX, "Rounds": ROUNDS, "Designs per round": BATCH})
    page.get_by_text("Circuits and optimiser", exact=True).click()
    fill_in(page, {"Iterations": 40, "Starts": 1})
    page.get_by_text("Advanced", exact=True).click()
    choose(page, "Method", "Genetic algorithm")
    # The method decides which settings there are; the last field belongs to the new one only when this is said.
    page.locator(".st-key-summary").get_by_text(f"{ROUNDS} rounds × {BATCH}", exact=True).wait_for()
    press(page, "Start the run")
    page.wait_for_url("**/live?run=*")
    return str(page.url.split("run=")[1])


def front_is_drawn(page: Any, server: Server, run: str, view: RunView) -> None:
    """See the chart of error against CX with its front, and the front as a table."""
    known = [Known(c.design, c.id, c.value, details=c.details) for c in view.candidates.values() if c.value is not None]
    front = front_of(measured_of(known))
    page.goto(f"{server.url}/variants?run={run}")
    page.get_by_role("heading", name="Error against CX").wait_for()
    page.locator(".st-key-maps .poets-plot[data-renders]").wait_for()
    traces = page.evaluate(
        "() => Object.fromEntries(document.querySelector('.st-key-maps .js-plotly-plot').data.map(t => [t.name, t]))"
    )
    assert traces["front"]["x"] == [m.cx for m in front]
    assert traces["front"]["y"] == pytest.approx([1e3 * m.error for m in front])  # mHa
    assert len(traces["measured"]["x"]) == len({k.design for k in known})
    assert traces["to compare with"]["x"]
    table = page.get_by_role("region", name=f"{len(front)} circuits of the front.")
    table.wait_for()
    cells = table.locator("canvas td")
    cells.first.wait_for(state="attached")
    assert {str(m.cx) for m in front} | {m.name for m in front} <= set(cells.all_text_contents())


def prune(page: Any, best: Any) -> tuple[str, float]:
    """Prune the open design; return the file of what is left, and its energy."""
    page.locator(".st-key-prune summary").click()
    press(page, "Prune")
    lines = page.locator(PRUNED).filter(has_text="before")
    lines.wait_for()
    said = lines.inner_text()
    cx = re.search(r"CX: (\d+) before, (\d+) now", said)
    energy = re.search(r"energy: (\S+) before, (\S+) now", said)
    assert cx is not None
    assert energy is not None
    assert int(cx[2]) <= int(cx[1]) == best.details["n_cx"]
    assert float(energy[1]) == pytest.approx(best.details["energy"], abs=1e-9)
    assert "mHa now" in said
    with page.expect_download() as download:
        press(page, "Download it")
    assert download.value.suggested_filename == f"pruned_{cx[2]}cx.qasm"
    return download.value.path().read_text(), float(energy[2])


def score(page: Any, text: str) -> Any:
    """Paste a circuit beside the run; return where the page says what it is worth."""
    page.get_by_role("textbox", name="A circuit, pasted").fill(text)
    press(page, "Score")
    return page.locator(SCORED)


def prepared(page: Any, format: str, ending: str) -> Path:
    """Let a worker write the open design, and take the file."""
    press(page, f"Prepare {format}")
    offer = page.get_by_role("button", name=re.compile(rf"^Download .*\.{ending}$"))
    offer.wait_for()
    page.get_by_text(re.compile("^1 rows reloaded and re-scored, largest difference")).wait_for()
    with page.expect_download() as download:
        offer.click()
    assert download.value.suggested_filename.endswith(f".{ending}")
    return Path(download.value.path())


def test_a_hamiltonian_of_ones_own_goes_all_the_way(server: Server, store: SqlStore, browser: Any) -> None:
    page, asked = followed(browser)
    run = launch(page, server)
    badge(page, "finished")
    view, params = fold(store.read(run)), store.spec(run).problem.params
    assert (params["coupling"], params["max_cx"], store.spec(run).search.method) == ("line", MOST_CX, "ga")
    assert (view.finished, view.calls, len(view.info.facts["hamiltonian"])) == ("budget", ROUNDS * BATCH, 11)
    front_is_drawn(page, server, run, view)

    # the best one, pruned
    best = view.candidates[view.best.id]
    page.goto(f"{server.url}/candidates?run={run}")
    page.locator(".rows tbody tr").first.click(position={"x": 120, "y": 8})
    page.wait_for_url(f"**id={best.id}")  # until then the first row is shown, and the page is about to be drawn anew
    page.get_by_role("heading", name=f"Design {best.id}").wait_for()
    text, energy = prune(page, best)
    assert text.startswith("OPENQASM 3.0;")
    assert energy <= best.details["energy"] + 1e-6  # what the form allows

    # and pasted back
    page.get_by_text("Compare a circuit of your own", exact=True).click()
    result = score(page, text)
    line = result.get_by_text(re.compile(r"energy: -?\d"))
    line.wait_for()
    again = re.search(r"^energy: (\S+), ", line.inner_text(), re.MULTILINE)
    assert again is not None
    assert float(again[1]) == pytest.approx(energy, abs=1e-9)
    page.get_by_text(re.compile(f"The best of this run, {best.id}: reward")).wait_for()

    # a circuit that cannot be read names gate and line
    wrong = score(page, 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[4] q;\nh q[0];\nwobble q[1];\n')
    wrong.get_by_text(re.compile("line 5 .*got 'wobble'")).wait_for()

    # taken away
    choose(page, "Designs", "the open design")
    old = prepared(page, "OpenQASM 2", "qasm").read_text()
    assert old.startswith("OPENQASM 2.0;")
    assert f"energy: {best.details['energy']:.9f}"[:16] in old
    whole = json.loads(prepared(page, "JSON", "json").read_bytes())
    assert best.id in json.dumps(whole)
    assert strangers(asked) == set()


def test_a_hamiltonian_that_is_none_says_so_under_its_field_and_cannot_start(server: Server, browser: Any) -> None:
    page, _ = followed(browser)
    page.goto(f"{server.url}/launch?problem=quantum/hamiltonian&preset=quick")
    start = page.get_by_role("button", name="Start the run")
    fill_in(page, {"Hamiltonian": "0.5 [Z0 Z1] +\n0.3j [X0]"})
    data = page.locator(".st-key-parameters")
    data.get_by_text(re.compile(r"Expected real coefficients.* got 0.3j in term 2 \(line 2\)")).wait_for()
    page.locator(".st-key-summary").get_by_text("The run can start when this is right: Hamiltonian.").wait_for()
    assert start.is_disabled()
    # mended, it starts
    fill_in(page, {"Hamiltonian": "0.5 [Z0 Z1] +\n0.3 [X0]"})
    page.locator(".st-key-report").get_by_text("Qubits: 2", exact=True).wait_for()
    page.wait_for_function(
        "() => [...document.querySelectorAll('button')].some(b => b.innerText.includes('Start the run') && !b.disabled)"
    )
