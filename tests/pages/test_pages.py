"""Pages as a person meets them, without a browser: forms, addresses, empty and broken states."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from domains.catalog import check_params
from poets_core.runs import process
from poets_core.runs.events import ArtifactMade, Failed, Finished, Observed
from poets_core.runs.sql import SqlStore
from tests.pages import written
from tests.pages.conftest import ROOT

LIVE, CANDIDATES, LAUNCH = (f"pages/search/{name}.py" for name in ("live", "candidates", "launch"))


def opened(page: str = "", **address: str) -> AppTest:
    """Open the app at a page, with an address such as ``run="..."``."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240).run()
    if page:
        for name, value in address.items():
            at.query_params[name] = value
        at = at.switch_page(page).run()
    assert not at.exception, at.exception
    return at


def address(at: AppTest, name: str) -> str:
    """One parameter of the page's address."""
    value = at.query_params[name]
    return value if isinstance(value, str) else value[0]


def said(at: AppTest) -> str:
    """All text of a page."""
    kinds = (at.title, at.header, at.subheader, at.markdown, at.caption, at.error, at.warning, at.info, at.success)
    return "\n".join(str(e.value) for kind in kinds for e in kind)


def test_an_empty_store_leads_to_the_first_run_in_one_click(store: SqlStore, launched: list[str]) -> None:
    at = opened()
    assert "No runs yet" in said(at)
    at.button(key="first-run").click().run()
    assert not at.exception
    (row,) = store.runs()
    assert launched == [row.id]
    assert row.problem == "protein/ehrlich"
    assert address(at, "run") == row.id  # the page goes to it
    assert "First look" in said(at)


def test_runs_are_listed_with_state_best_and_calls(store: SqlStore) -> None:
    done = [*written.events(3), Finished("budget")]
    written.write(store, done, label="one *bold* run")
    written.write(store, [*written.events(1)[:-1], Failed("InvalidTable", "no rows")])
    at = opened()
    text = said(at) + "".join(link.proto.label for link in at.get("page_link"))
    assert "one \\*bold\\* run" in text  # a label is text, not markup
    assert "finished" in text
    assert "failed" in text
    assert "0.4" in text
    assert "No runs yet" not in text


def test_a_store_says_what_it_lacks(store: SqlStore) -> None:
    run = written.write(store, written.events(1))
    store.folder(run)
    assert "This store lacks" not in said(opened())
    store.folder(run).rmdir()
    assert "This store lacks 1 folders of runs" in said(opened())


def test_a_store_that_cannot_be_read_says_what_to_do(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is not a database" * 100)
    monkeypatch.setenv("POETS_STORE", f"sqlite:///{broken}")
    at = opened()
    assert "damaged" in at.error[0].value
    assert "Restore it" in at.error[0].value


def test_the_form_starts_what_it_shows(store: SqlStore, launched: list[str]) -> None:
    at = opened(LAUNCH, problem="protein/instability", preset="quick")
    key = "protein/instability-quick"
    at.text_input(key="protein/instability-length").set_value("33")
    at.text_input(key=f"{key}-budget-rounds").set_value("5")
    at.text_input(key=f"{key}-poets-search-beta").set_value("0.25")
    at.text_input(key="label").set_value("from the form").run()
    assert any(m.label == "Measurements" and m.value == "80" for m in at.metric)
    at.button(key="start").click().run()
    assert not at.exception
    (row,) = store.runs()
    spec = store.spec(row.id)
    assert launched == [row.id]
    assert spec.problem.params == {"length": 33}
    assert (spec.budget.rounds, spec.search.beta, spec.label) == (5, 0.25, "from the form")
    assert spec.search.steps == 20  # of the preset
    assert address(at, "run") == row.id


def test_the_problem_and_the_preset_are_in_the_address(store: SqlStore) -> None:
    at = opened(LAUNCH, problem="quantum/tfim-6", preset="explore")
    assert address(at, "problem") == "quantum/tfim-6"
    assert at.text_input(key="quantum/tfim-6-explore-poets-search-prior_scale").value == "3"
    at = opened(LAUNCH, problem="no/such", preset="nonsense")
    assert address(at, "problem") == "protein/ehrlich"


def test_a_rival_shows_the_settings_it_reads_and_starts(store: SqlStore, launched: list[str]) -> None:
    at = opened(LAUNCH, problem="protein/ehrlich", preset="default")
    at.selectbox(key="protein/ehrlich-default-method").set_value("ga").run()
    keys = {w.key for w in at.text_input}
    assert "protein/ehrlich-default-ga-search-mutations" in keys
    assert not {k for k in keys if k and k.endswith(("-search-beta", "-search-branches", "-search-clip"))}
    at.text_input(key="protein/ehrlich-default-ga-search-elites").set_value("5")
    at.button(key="start").click().run()
    assert not at.exception
    (row,) = store.runs()
    spec = store.spec(row.id)
    assert (spec.search.method, spec.search.elites) == ("ga", 5)
    assert spec.search.transform == "z"  # of the problem: hidden, not lost
    assert not hasattr(spec.search, "beta")  # a rival has its own settings and no others


def test_contests_among_the_branches_are_a_switch_and_rivals_have_none(store: SqlStore, launched: list[str]) -> None:
    at = opened(LAUNCH, problem="protein/ehrlich", preset="quick")
    key = "protein/ehrlich-quick-poets"
    assert not [w for w in at.text_input if w.key and "-contest-" in w.key]
    assert any("Costs up to" in c.value and "comparisons" in c.value for c in at.caption)  # before it is switched on
    at.checkbox(key=f"{key}-contest").set_value(True).run()
    at.text_input(key=f"{key}-contest-every").set_value("2")
    at.text_input(key=f"{key}-contest-delta").set_value("0.0")
    at.multiselect(key="protein/ehrlich-quick-beside").set_value(["ga"]).run()
    assert any("above 0" in e.value for e in at.error)
    at.text_input(key=f"{key}-contest-delta").set_value("0.2").run()
    at.button(key="start").click().run()
    assert not at.exception
    found = {store.spec(run).search.method: store.spec(run).contest for run in launched}
    assert found["poets"] is not None
    assert (found["poets"].every, found["poets"].delta) == (2, 0.2)
    assert found["ga"] is None


def test_baselines_start_beside_a_run_and_are_its_reference_curves(store: SqlStore, launched: list[str]) -> None:
    at = opened(LAUNCH, problem="protein/ehrlich", preset="quick")
    at.text_input(key="protein/ehrlich-quick-budget-rounds").set_value("3")
    at.text_input(key="label").set_value("ours")
    at.multiselect(key="protein/ehrlich-quick-beside").set_value(["ga", "reference"]).run()
    assert any(m.label == "Measurements" and m.value == "144" for m in at.metric)
    at.button(key="start").click().run()
    assert not at.exception
    specs = {r.id: store.spec(r.id) for r in store.runs()}
    assert sorted(launched) == sorted(specs)
    ours = address(at, "run")
    assert specs[ours].search.method == "poets"
    assert {s.search.method: s.label for s in specs.values()} == {
        "poets": "ours",
        "ga": "ours · Genetic algorithm",
        "reference": "ours · Untrained model, learns nothing",
    }
    assert len({(s.problem.name, s.budget.calls, s.seed, str(s.problem.params)) for s in specs.values()}) == 1
    assert next(s for s in specs.values() if s.search.method == "ga").search.elites == 8  # what it was tuned to


def test_reference_curves_are_rivals_of_the_same_problem_and_seed(store: SqlStore) -> None:
    body = [*written.events(3), Finished("budget")]
    ours, rival = written.write(store, body), written.write(store, body, method="ga")
    same = written.write(store, body, label="again")
    at = opened(LIVE, run=ours)
    chosen = at.multiselect(key=f"references-{ours}")
    assert chosen.value == [rival]
    assert len(chosen.options) == 2
    assert any(same[-4:] in option for option in chosen.options)


def test_a_rival_that_begins_later_is_drawn_too_and_one_taken_out_stays_out(store: SqlStore) -> None:
    body = [*written.events(3), Finished("budget")]
    ours = written.write(store, body)
    written.write(store, body, label="again")
    at = opened(LIVE, run=ours)
    assert at.multiselect(key=f"references-{ours}").value == []
    rival = written.write(store, body, method="ga")
    at.run()
    assert at.multiselect(key=f"references-{ours}").value == [rival]
    at.multiselect(key=f"references-{ours}").set_value([]).run()
    assert at.multiselect(key=f"references-{ours}").value == []
    assert not at.exception


def test_the_preset_follows_earlier_runs_and_can_be_overridden(store: SqlStore) -> None:
    at = opened(LAUNCH, problem="protein/ehrlich")
    assert "No POETS run of this problem yet" in said(at)
    few = [*written.events(40), Finished("budget")]  # 120 valid calls of 42 values
    levels = [
        replace(e, value=(min(e.value[0], 0.5),)) if isinstance(e, Observed) and e.value[0] is not None else e
        for e in few
    ]
    params = check_params("protein/ehrlich", {})
    written.write(store, levels, rounds=40, params=params)
    at = opened(LAUNCH, problem="protein/ehrlich")
    assert "a landscape of steps" in said(at)
    assert "plateau" in next(w.key for w in at.text_input if w.key and w.key.endswith("budget-rounds"))
    assert "preset" not in at.query_params
    at = opened(LAUNCH, problem="protein/ehrlich", preset="default")
    assert "Advised: Climb steps" in said(at)
    assert address(at, "preset") == "default"


def test_an_impossible_value_is_reported_and_nothing_starts(store: SqlStore, launched: list[str]) -> None:
    at = opened(LAUNCH, problem="protein/ehrlich", preset="default")
    at.text_input(key="protein/ehrlich-default-poets-search-beta").set_value("0.0").run()
    assert any("above 0" in e.value for e in at.error)
    assert at.button(key="start").disabled
    assert store.runs() == []
    at.text_input(key="protein/ehrlich-default-poets-search-beta").set_value("0.1").run()
    assert not at.error
    assert not at.button(key="start").disabled


def test_a_problem_that_needs_a_table_waits_for_it(store: SqlStore, launched: list[str]) -> None:
    at = opened(LAUNCH, problem="protein/landscape")
    assert any("'table'" in e.value for e in at.warning)
    assert at.button(key="start").disabled
    upload = at.file_uploader(key="protein/landscape-table")
    upload.upload("gb1.csv", b"variant,fitness\nVDGV,1.0\nFWAA,8.8\n", "text/csv").run()
    assert "2 rows, 2 columns" in said(at)
    text = said(at)
    assert "models learn exactly and choose among all of them. Else the run writes up to" in text
    assert "these do not count" in text
    at.button(key="start").click().run()
    assert not at.exception
    (row,) = store.runs()
    table = Path(str(store.spec(row.id).problem.params["table"]))
    assert table.read_bytes().startswith(b"variant")
    assert launched == [row.id]


@pytest.mark.parametrize("page", [LIVE, CANDIDATES])
def test_unknown_and_missing_runs_get_a_way_out(store: SqlStore, page: str) -> None:
    assert "Choose it in the table of runs" in said(opened(page))
    for wrong in ("20990101-000000-aaaa", "../../etc", "<b>x</b>"):
        at = opened(page, run=wrong)
        assert "There is no run" in at.error[0].value


def test_a_finished_run_is_summed_up(store: SqlStore) -> None:
    run = written.write(store, [*written.events(3), Finished("budget")])
    at = opened(LIVE, run=run)
    cards = {m.label: m.value for m in at.metric}
    assert cards["quality \\[share\\]"] == "0.4"
    assert cards["Measurements"] == "12"
    assert cards["Mean of the last round"] == "0.3"
    assert cards["Valid designs"] == "75%"
    assert "finished" in said(at)
    assert "whole budget was used" in said(at)
    assert not [b for b in at.button if b.key in ("pause", "resume")]


def test_a_run_without_measurements_has_no_empty_axes(store: SqlStore) -> None:
    run = store.create(store.spec(written.write(store, written.events(1))))
    at = opened(LIVE, run=run)
    assert "waiting" in said(at)
    assert {m.value for m in at.metric} == {"–", "0"}
    assert "Nothing has been proposed yet" in said(opened(CANDIDATES, run=run))


def test_a_candidate_is_shown_by_its_address(store: SqlStore) -> None:
    run = written.write(store, written.events(2, wild_type="ACDE", positions=[39, 40, 41, 54]))
    at = opened(CANDIDATES, run=run, id="1-2")
    text = said(at)
    assert "Design 1-2" in text
    assert "round 2 · chosen by model 1" in text
    assert "measurement 7" in text
    assert "best of this run" in [m.delta for m in at.metric]
    assert "A39Q" in text
    assert "W cannot follow C" in said(opened(CANDIDATES, run=run, id="1-3"))
    assert "has no candidate" in said(opened(CANDIDATES, run=run, id="9-9"))


def test_an_export_is_a_task_and_is_offered_with_its_verification(store: SqlStore, launched: list[str]) -> None:
    run = written.write(store, written.events(2))
    at = opened(CANDIDATES, run=run)
    at.button(key="prepare-fasta").click().run()
    (task,) = launched
    spec = store.spec(task)
    assert (spec.kind, spec.task.name, spec.task.run, spec.task.format) == ("task", "export", run, "fasta")
    assert spec.task.candidates[0] == "1-2"
    assert address(at, "export") == task  # a reload finds it again
    assert "measuring its designs again" in said(at)
    # the worker's answer
    from poets_core.runs.artifacts import write_atomic

    data = b">1-2\nRSTV\n"
    checksum = write_atomic(store.folder(task) / "artifacts" / "candidates.fasta", data)
    lease = store.claim(task, "w", os.getpid(), process.started(os.getpid()))
    assert lease is not None
    path = "artifacts/candidates.fasta"
    made = ArtifactMade("candidates.fasta", "text/x-fasta", path, checksum, 6, 6, 0.0, run, "fasta")
    store.append(lease, [written.events(0)[0], made, Finished("task")])
    store.release(lease)
    at.run()
    assert not at.exception
    assert at.success[0].value == "6 rows reloaded and re-scored, largest difference 0"
    assert f"download-{task}" in [b.key for b in at.get("download_button")]
    # a file that was changed afterwards is not handed out
    (store.folder(task) / "artifacts" / "candidates.fasta").write_bytes(b"other")
    at.run()
    assert "SHA-256" in at.error[0].value


def test_no_page_loads_the_science() -> None:
    """Importing and running every page brings in neither torch nor qiskit."""
    code = """
import sys
from streamlit.testing.v1 import AppTest
from poets_core.hosts import Guard
Guard.active = True  # no server stands before these pages
at = AppTest.from_file("app.py", default_timeout=240).run()
pages = [f"search/{name}" for name in ("launch", "live", "candidates", "runs")]
for page in [*pages, *(f"analyse/{name}" for name in ("policies", "judge"))]:
    at = at.switch_page(f"pages/{page}.py").run()
    assert not at.exception, at.exception
heavy = {"torch", "transformers", "peft", "qiskit", "Bio", "scipy"} & set(sys.modules)
sys.exit(f"loaded {heavy}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
