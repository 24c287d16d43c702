"""A comparison log in the form: how it is read is shown and can be changed; command line and worker read alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from poets_core.cli.logs import spec_from_log
from poets_core.errors import InvalidComparisons, InvalidSpec
from poets_core.llm_po.log import propose, read_table
from poets_core.runs import examine
from poets_core.runs.sql import SqlStore
from poets_core.spec import ExperimentSpec, parse_spec
from poets_core.worker import examine as child
from poets_core.worker.experiment.sources.log import LogSource
from tests.llm_po.log_kinds import ARENA, BOTH, KINDS, OWN, Said, sheet, table
from tests.pages.test_pages import opened, said

POLICIES = "pages/analyse/policies.py"


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the child's work be done here: starting one takes a second, and `tests/runs` starts them."""
    examine._answers.clear()
    monkeypatch.setattr(examine, "_answer", lambda question: json.loads(json.dumps(child.answer(question))))


def uploaded(name: str, data: bytes) -> AppTest:
    """The form with a log."""
    at = opened(POLICIES, new="log")
    at.file_uploader(key="log").upload(name, data, "application/octet-stream").run()
    assert not at.exception
    return at


def key(at: AppTest, ends: str) -> str:
    """The key of a field of the log, which begins with the upload's."""
    (found,) = [w.key for w in (*at.selectbox, *at.multiselect, *at.number_input) if w.key and w.key.endswith(ends)]
    return str(found)


def started(at: AppTest, store: SqlStore, launched: list[str]) -> ExperimentSpec:
    button = at.button(key="start-experiment")
    assert not button.disabled, [e.value for e in at.error]
    button.click().run()
    assert not at.exception
    spec = store.spec(launched[-1])
    assert isinstance(spec, ExperimentSpec)
    return spec


def rows_of(source: LogSource) -> Said:
    return [(r.first, r.second, r.outcome) for r in source._all]


@pytest.mark.parametrize(("name", "make", "says"), KINDS.values(), ids=KINDS)
def test_command_line_and_worker_read_alike(tmp_path: Path, name: str, make: Callable[[], bytes], says: Said) -> None:
    path = tmp_path / name
    path.write_bytes(make())
    command, _ = spec_from_log(path, (), (), (), (), ("experiment.delta=0.2",), 7)
    assert parse_spec(command.model_dump_json()) == command
    assert (command.seed, command.experiment.delta) == (7, 0.2)
    assert command.experiment.mapping == propose(read_table(path)).mapping
    assert rows_of(LogSource(command.experiment, 0)) == says


FORMS = ("arena, Parquet", "one-hot", "annotations, weighted", "pairs in both orders", "chosen and rejected", "UTF-16")


@pytest.mark.parametrize("kind", FORMS)
def test_the_form_reads_as_the_command_line_does(
    store: SqlStore, launched: list[str], tmp_path: Path, kind: str
) -> None:
    name, make, says = KINDS[kind]
    path = tmp_path / name
    path.write_bytes(make())
    command, _ = spec_from_log(path, (), (), (), (), (), None)
    form = started(uploaded(name, path.read_bytes()), store, launched).experiment
    assert form.mapping == command.experiment.mapping
    assert {p.name for p in form.policies} == {p.name for p in command.experiment.policies}
    assert form.budget == command.experiment.budget == len(says)  # all of a log is there already
    assert rows_of(LogSource(form, 0)) == says


def test_a_word_that_nobody_knows_stops_the_form_until_it_is_said(store: SqlStore, launched: list[str]) -> None:
    data = sheet(ARENA.split(), [("q", "ada", "bob", "model_a"), ("r", "ada", "bob", "yes")]).encode()
    at = uploaded("log.csv", data)
    assert at.button(key="start-experiment").disabled
    assert "'yes' (1, first in row 3)" in at.error[0].value.replace("\\", "")
    at.selectbox(key=key(at, "-word-yes-None")).select("second").run()
    assert not at.error
    spec = started(at, store, launched)
    assert spec.experiment.mapping is not None
    assert spec.experiment.mapping.words == {"model_a": "first", "yes": "second"}


def test_numbers_are_asked_for_and_read_by_a_middle(store: SqlStore, launched: list[str]) -> None:
    rows = [(f"q{i}", "ada", "bob", w) for i, w in enumerate(["0.1", "0.5", "0.9", "0.8"])]
    at = uploaded("log.csv", sheet(OWN.split(), rows).encode())
    assert "the larger one says that policy one was preferred" in at.error[0].value
    at.number_input(key=key(at, "-middle")).set_value(0.5).run()
    at.selectbox(key=key(at, "-higher")).select("first").run()
    source = LogSource(started(at, store, launched).experiment, 0)
    assert [o for *_, o in rows_of(source)] == ["second", "tie", "first", "first"]


def test_columns_and_policies_can_be_changed(store: SqlStore, launched: list[str]) -> None:
    head = [*ARENA.split(), "vote"]
    rows = [("q1", "ada", "bob", "model_a", "no"), ("q2", "bob", "cyd", "tie", "no"), ("q3", "ada", "bob", "tie", "no")]
    at = uploaded("log.csv", sheet(head, rows).encode())
    assert "'winner' ('model_a', 'tie') or 'vote' ('no')" in at.error[0].value.replace("\\", "")
    at.multiselect(key=key(at, "-outcome")).select("winner").run()
    assert not at.error
    at.selectbox(key=key(at, "-prompt")).select("").run()
    (policies,) = [m for m in at.multiselect if m.label == "Policies"]
    assert policies.value == ["ada", "bob", "cyd"]
    policies.unselect("cyd").run()
    assert "1 row does not count: 1 of other policies." in said(at)
    spec = started(at, store, launched).experiment
    assert spec.mapping is not None
    assert (spec.mapping.outcome, spec.mapping.prompt) == (("winner",), "")
    assert [p.name for p in spec.policies] == ["ada", "bob"]
    assert spec.budget == 2  # what counts of the log now, until a person says another number


def test_rows_of_one_prompt_are_a_warning_in_form_and_run(store: SqlStore, launched: list[str]) -> None:
    head = [*OWN.split(), "judge"]
    rows = [(f"q{i % 2}", "ada", "bob", "a", f"j{i}") for i in range(8)]
    at = uploaded("log.csv", sheet(head, rows).encode())
    assert "6 rows of the same two policies share their prompt" in at.warning[0].value
    assert "2 prompts, 4 rows each on average." in said(at)
    facts = LogSource(started(at, store, launched).experiment, 0).facts
    assert "they count together, so that the error bound (δ) holds" in facts["warnings"][0]
    assert facts["left_out"] == {}


def test_of_one_order_alone_no_run_says_that_the_judge_is_swayed(tmp_path: Path) -> None:
    """Either the judge is, or the policy is better: nobody can know, and it is said once."""
    path = tmp_path / "log.csv"
    facts = {}
    for kind, other in (("one order", ("ada", "bob")), ("both orders", ("bob", "ada"))):
        rows = [(f"q{i}", *(("ada", "bob") if i % 2 else other), "a" if i % 8 else "b") for i in range(80)]
        path.write_text(sheet(OWN.split(), rows))
        made, _ = spec_from_log(path, (), (), (), (), ("experiment.mapping.shown=first",), 0)
        facts[kind] = LogSource(made.experiment, 0).facts
    assert (facts["one order"]["order_bias"], facts["one order"]["warnings"]) == (None, [])
    assert [s.partition(":")[0] for s in facts["one order"]["order"]] == [
        "'ada' was shown first in all 80 of its rows against 'bob'"
    ]
    assert "the judge is swayed" in facts["both orders"]["warnings"][0]


# -- the command line --------------------------------------------------------


def spec_of(path: Path, **options: Any) -> ExperimentSpec:
    order = ("columns", "words", "order_words", "policies", "assignments")
    return spec_from_log(path, *(options.get(name, ()) for name in order), None)[0]


def test_options_say_columns_words_and_policies(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = [("q1", "ada", "bob", "model_a", "x"), ("q2", "bob", "cyd", "=y=", "x"), ("q3", "ada", "bob", "tie", "y")]
    path.write_text(sheet([*ARENA.split(), "team"], rows))
    with pytest.raises(InvalidComparisons, match="--word WORD=MEANING"):
        spec_of(path)
    made = spec_of(
        path, words=("=y==leave-out",), columns=("judge=team", "prompt="), policies=("ada", "bob")
    ).experiment
    assert made.mapping is not None
    assert (made.mapping.words["=y="], made.mapping.judge, made.mapping.prompt) == ("leave-out", "team", "")
    assert [p.name for p in made.policies] == ["ada", "bob"]
    assert made.budget == 2
    assert spec_of(path, words=("=y==leave-out",), assignments=("experiment.budget=7",)).experiment.budget == 7
    by_number = spec_of(path, columns=("outcome=question_id",), words=("q1=first", "q2=second", "q3=tie")).experiment
    assert by_number.mapping is not None
    assert by_number.mapping.outcome == ("question_id",)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"words": ("tie",)}, InvalidSpec, "Expected --word KEY=VALUE, got 'tie'"),
        ({"words": ("tie=draw",)}, InvalidSpec, "Expected one of first, second, tie, both-bad, leave-out with --word"),
        ({"columns": ("who=model_a",)}, InvalidSpec, "Expected one of first, second, first_name"),
        ({"columns": ("prompt=nowhere",)}, InvalidComparisons, "Expected a column of the log, got 'nowhere'"),
        ({"policies": ("ada", "bob", "eve")}, InvalidComparisons, "got no row of 'eve'"),
        ({"assignments": ("experiment.delta=7",)}, InvalidSpec, "experiment.delta"),
        ({"assignments": ("experiment.mapping.copies=never",)}, InvalidSpec, "experiment.mapping.copies"),
    ],
)
def test_a_wrong_option_says_what_it_may_be(
    tmp_path: Path, options: dict[str, Any], error: type[Exception], says: str
) -> None:
    path = tmp_path / "log.csv"
    path.write_text(table(BOTH, ARENA))
    with pytest.raises(error, match="Expected") as caught:
        spec_of(path, **options)
    assert says in str(caught.value)
