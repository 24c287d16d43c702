"""Comparison logs: every kind is read and says what it says; what nobody can know is asked, and never guessed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poets_core.errors import InvalidComparisons, InvalidInput
from poets_core.llm_po.log import (
    Row,
    clusters,
    order_bias,
    orders,
    propose,
    read_log,
    read_rows,
    read_table,
    sentences,
    warnings,
)
from poets_core.spec import LogMapping
from tests.llm_po.log_kinds import ARENA, BOTH, KINDS, OWN, Said, lines, parquet, records, sheet, table

NAMES = ("a1", "b1")
HEAD = "prompt,policy_a,policy_b,outcome,order"
GOOD = {"prompt": "p", "policy_a": "a1", "policy_b": "b1", "outcome": "a"}


def write(tmp_path: Path, text: str | bytes, name: str = "log") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def said(rows: Sequence[Row]) -> Said:
    return [(r.first, r.second, r.outcome) for r in rows]


def proposed(tmp_path: Path, text: str | bytes) -> tuple[LogMapping, dict[str, str]]:
    found = propose(read_table(write(tmp_path, text)))
    return found.mapping, {field.removeprefix("experiment.mapping."): q for field, q in found.questions.items()}


# -- every kind ------------------------------------------------------------


@pytest.mark.parametrize(("name", "make", "says"), KINDS.values(), ids=KINDS)
def test_every_kind_is_read_as_proposed(tmp_path: Path, name: str, make: Callable[[], bytes], says: Said) -> None:
    read = read_table(write(tmp_path, make(), name))
    found = propose(read)
    assert found.questions == {}
    rows = read_rows(read, found.mapping, None).rows
    assert said(rows) == says
    assert [r.index for r in rows] == list(range(1, len(rows) + 1))
    assert all(r.prompt for r in rows)


def test_both_bad_is_a_tie_that_is_counted_apart(tmp_path: Path) -> None:
    read = read_table(write(tmp_path, table(BOTH, ARENA)))
    log = read_rows(read, propose(read).mapping, None)
    assert [r.both_bad for r in log.rows] == [False, False, False, True]
    assert "2 ties, of which both were bad in 1." in sentences(log)[0]


def test_pairs_in_both_orders_know_which_was_shown_first(tmp_path: Path) -> None:
    name, make, _ = KINDS["pairs in both orders"]
    read = read_table(write(tmp_path, make(), name))
    log = read_rows(read, propose(read).mapping, None)
    assert all(r.ordered for r in log.rows)
    assert orders(log.rows).both == 2
    assert [r.number for r in log.rows] == [1, 2, 1, 2]


def test_messages_are_prompt_and_response(tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "why?"}, {"role": "assistant", "content": [{"type": "text", "text": "so"}]}]
    rows = [{"chosen": talk, "rejected": [talk[0], {"role": "assistant", "content": "no"}]}]
    read = read_table(write(tmp_path, lines(rows)))
    log = read_rows(read, propose(read).mapping, None)
    assert (log.rows[0].prompt, log.rows[0].responses) == ("why?", ("so", "no"))
    assert (log.rows[0].first, log.rows[0].outcome) == ("chosen", "first")
    assert "a verdict says nothing of which model is better" in warnings(log)[0]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_messages_inside_a_table_are_read_as_those_of_json(tmp_path: Path, kind: str) -> None:
    talk = [[{"role": "user", "content": f"why {i}?"}, {"role": "assistant", "content": "so"}] for i in range(3)]
    rows = [{"chosen": t, "rejected": t, "chosen_model": "ada", "rejected_model": "bob"} for t in talk]
    text = sheet(list(rows[0]), [[json.dumps(v) if isinstance(v, list) else v for v in r.values()] for r in rows])
    read = read_table(write(tmp_path, parquet(rows) if kind == "parquet" else text))
    log = read_rows(read, propose(read).mapping, None)
    assert [(r.prompt, r.responses) for r in log.rows] == [(f"why {i}?", ("so", "so")) for i in range(3)]
    assert said(log.rows) == [("ada", "bob", "first")] * 3


def test_a_long_prompt_is_cut_and_said(tmp_path: Path) -> None:
    read = read_table(write(tmp_path, sheet(OWN.split(), [("x" * 150_000, "ada", "bob", "a")])))
    log = read_rows(read, propose(read).mapping, None)
    assert len(log.rows[0].prompt) == 100_000
    assert "longer than 100,000 characters and are cut there" in " ".join(sentences(log))


# -- outcome words ---------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        *((w, "first") for w in ("a", "A", "[[A]]", "A>B", "A >> B", "model_a", "Model A", "left", "model_1")),
        *((w, "second") for w in ("b", "B", "[[B]]", "B>A", "B>>A", "model_b", "right", "policy_b")),
        *((w, "tie") for w in ("tie", "Tie", "TIE", "draw", "=", "A=B", "[[C]]", "equal", "tie (bothgood)")),
        *((w, "both-bad") for w in ("tie (bothbad)", "both bad", "bothbad", "Both_bad")),
        *((w, "leave-out") for w in ("", "NaN", "null", "N/A", "skipped")),
        *((w, None) for w in ("1", "0", "won", "none", "neither", "0.5", "C", "yes", "x" * 90)),
    ],
)
def test_a_word_means_what_it_means_in_every_format_or_is_asked_for(
    tmp_path: Path, word: str, meaning: str | None
) -> None:
    read = read_table(write(tmp_path, sheet(OWN.split(), [("q", "ada", "bob", "a"), ("r", "ada", "bob", word)])))
    found = propose(read)
    assert {w.text: (w.count, w.meaning) for w in found.words}[word] == ((2 if word == "a" else 1), meaning)
    if meaning is None:
        assert list(found.questions) == ["experiment.mapping.words"]
        with pytest.raises(InvalidComparisons, match="first in row 3") as caught:
            read_rows(read, found.mapping, None)
        assert list(caught.value.fields) == ["experiment.mapping.words"]
        assert "None was taken for a tie" in str(caught.value)
        told = found.mapping.model_copy(update={"words": found.mapping.words | {word: "second"}})
        assert said(read_rows(read, told, None).rows)[-1] == ("ada", "bob", "second")


@pytest.mark.parametrize(
    ("words", "asked"),
    [(("1", "2"), False), (("1", "1.5", "2"), False), (("0", "1"), True), (("1", "1"), True), (("-1", "1"), True),
     (("1", "2", "3"), True), (("0.2", "0.9"), True)],
)  # fmt: skip
def test_numbers_with_two_readings_are_asked_with_both(tmp_path: Path, words: Sequence[str], asked: bool) -> None:
    rows = [(f"q{i}", "ada", "bob", w) for i, w in enumerate(words)]
    _, questions = proposed(tmp_path, sheet(OWN.split(), rows))
    assert bool(questions) == asked
    if asked:
        assert "policy one was preferred, or that policy two was" in questions["words"]


@pytest.mark.parametrize(("higher", "outcome"), [("first", "first"), ("second", "second")])
def test_a_middle_reads_any_numbers(tmp_path: Path, higher: str, outcome: str) -> None:
    rows = [(f"q{i}", "ada", "bob", f"{i / 100:.2f}") for i in range(101)]
    mapping = LogMapping.model_validate(
        {"first": "policy_a", "second": "policy_b", "outcome": ["outcome"], "middle": 0.5, "higher": higher}
    )
    found = said(read_rows(read_table(write(tmp_path, sheet(OWN.split(), rows))), mapping, None).rows)
    assert [o for *_, o in found].count("tie") == 1
    assert found[-1][2] == outcome
    assert found[0][2] != outcome


def test_a_name_that_is_also_a_word_is_asked_with_both_readings(tmp_path: Path) -> None:
    rows = [("q", "A", "B", "A"), ("r", "B", "A", "A")]
    _, questions = proposed(tmp_path, sheet(ARENA.split(), rows))
    assert "got 'A': the policy of this name, or the one in the column that is called so" in questions["words"]
    same = [("q", "A", "B", "A"), ("r", "A", "B", "B")]  # both readings say the same of every row
    assert proposed(tmp_path, sheet(ARENA.split(), same))[1] == {}
    ours = [("q", "a", "b", "a"), ("r", "b", "a", "a")]  # in our own format a is policy_a, whatever it is called
    mapping, questions = proposed(tmp_path, sheet(OWN.split(), ours))
    assert (questions, mapping.by_name, mapping.words) == ({}, False, {"a": "first"})


def test_places_on_the_screen_are_asked_for_where_the_order_is_known(tmp_path: Path) -> None:
    rows = [("q", "ada", "bob", "left", "a-first")]
    _, questions = proposed(tmp_path, sheet(HEAD.split(","), rows))
    assert "the response shown first, by the column 'order', or policy one" in questions["words"]


# -- columns ---------------------------------------------------------------


def test_two_columns_that_could_be_the_outcome_are_both_named(tmp_path: Path) -> None:
    text = sheet([*ARENA.split()[:3], "score", "rating"], [("q", "ada", "bob", 7, 1), ("r", "ada", "bob", 5, 2)])
    mapping, questions = proposed(tmp_path, text)
    assert mapping.outcome == ()
    assert "'score' ('7', '5') or 'rating' ('1', '2')" in questions["outcome"]
    read = read_table(write(tmp_path, text))
    told = propose(read, mapping.model_copy(update={"outcome": ("rating",)}))
    assert (told.questions, told.mapping.words) == ({}, {"1": "first", "2": "second"})


def test_policies_in_two_pairs_of_columns_or_in_none_are_asked_for(tmp_path: Path) -> None:
    _, questions = proposed(tmp_path, "prompt,model_a,model_b,policy_a,policy_b,outcome\nq,x,y,u,v,a\n")
    assert "'policy_a' and 'policy_b' or 'model_a' and 'model_b'" in questions["first"]
    _, questions = proposed(tmp_path, "one,two,outcome\nx,y,a\n")
    assert "Expected columns that name the two policies of a row, got the columns ['one'," in questions["second"]
    mapping = LogMapping(first="one", second="two", outcome=("outcome",), words={"a": "first"})
    assert said(read_log(write(tmp_path, "one,two,outcome\nx,y,a\n"), None, mapping).rows) == [("x", "y", "first")]


def test_columns_that_read_alike_are_asked_for(tmp_path: Path) -> None:
    _, questions = proposed(tmp_path, "prompt,Policy_A,policy_a,policy_b,outcome\nq,x,u,y,a\n")
    assert "got 'Policy_A' and 'policy_a', which read alike" in questions["first"]


def test_a_mapping_with_wrong_columns_names_field_and_columns(tmp_path: Path) -> None:
    read = read_table(write(tmp_path, table(BOTH, ARENA)))
    mapping = LogMapping(first="model_x", second="model_b", prompt="nowhere")
    with pytest.raises(InvalidComparisons) as caught:
        read_rows(read, mapping, None)
    fields = caught.value.fields
    assert set(fields) == {f"experiment.mapping.{n}" for n in ("first", "prompt", "outcome")}
    assert "got 'model_x'; the log has the columns ['question_id'," in fields["experiment.mapping.first"]


def test_an_order_word_that_nobody_knows_is_asked_for(tmp_path: Path) -> None:
    text = sheet(HEAD.split(","), [("q", "ada", "bob", "a", "AB"), ("r", "ada", "bob", "a", "top")])
    mapping, questions = proposed(tmp_path, text)
    assert mapping.order_words == {"AB": "first"}
    assert "'top'" in questions["order_words"]
    with pytest.raises(InvalidComparisons, match="'top' in 1 row, first in row 3"):
        read_log(write(tmp_path, text), None, mapping)
    told = mapping.model_copy(update={"order_words": {"AB": "first", "top": "second"}})
    rows = read_log(write(tmp_path, text), None, told).rows
    assert said(rows) == [("ada", "bob", "first"), ("bob", "ada", "second")]
    named = sheet(HEAD.split(","), [("q", "ada", "bob", "a", "bob")])  # the policy that was shown first
    assert read_log(write(tmp_path, named), None, told).rows[0].first == "bob"


# -- rows ------------------------------------------------------------------


def test_rows_that_do_not_count_are_counted_by_kind(tmp_path: Path) -> None:
    rows = [
        ("q", "ada", "bob", "a"), ("q", "ada", "bob", "a"), ("", "", "", ""), ("r", "", "bob", "a"),
        ("r", "ada", "ada", "tie"), ("r", "cyd", "bob", "b"), ("r", "ada", "bob", ""), ("r", " ada ", "bob", "b"),
    ]  # fmt: skip
    read = read_table(write(tmp_path, sheet(OWN.split(), rows)))
    log = read_rows(read, propose(read).mapping, ("ada", "bob"))
    assert said(log.rows) == [("ada", "bob", "first"), ("ada", "bob", "second")]
    assert log.left_out == {"blank": 1, "no name": 1, "itself": 1, "other policies": 1, "word": 1, "copy": 1}
    assert (log.words_out, [r.number for r in log.rows]) == ({"": 1}, [2, 9])
    text = sentences(log)[1]
    assert text.startswith("6 rows do not count: 1 without any cell")
    assert "1 without an outcome" in text


def test_copies_count_once_and_judgments_that_only_look_alike_do_not(tmp_path: Path) -> None:
    copies = sheet(OWN.split(), [("q", "ada", "bob", "a")] * 200)
    read = read_table(write(tmp_path, copies))
    mapping = propose(read).mapping
    assert len(read_rows(read, mapping, None).rows) == 1
    assert len(read_rows(read, mapping.model_copy(update={"copies": "all"}), None).rows) == 200
    numbered = sheet(["", *OWN.split()], [(str(i), "q", "ada", "bob", "a") for i in range(9)])
    read = read_table(write(tmp_path, numbered))
    assert len(read_rows(read, propose(read).mapping, None).rows) == 1
    # Nothing but policies and outcome: nobody can tell a copy from an honest second judgment.
    bare = sheet(["policy_a", "policy_b", "outcome"], [("ada", "bob", "a")] * 9)
    log = read_rows(read := read_table(write(tmp_path, bare)), propose(read).mapping, None)
    assert len(log.rows) == 9
    assert "whether its rows are independent cannot be seen" in " ".join(sentences(log))


def test_a_policy_without_rows_too_many_and_a_missing_file(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEAD}\np,a1,b1,a,")
    with pytest.raises(InvalidComparisons, match="no row of 'c1'") as caught:
        read_log(path, (*NAMES, "c1"))
    assert "experiment.policies" in caught.value.fields
    with pytest.raises(InvalidComparisons, match="readable"):
        read_log(tmp_path / "none.csv", NAMES)
    many = sheet(OWN.split(), [(f"q{i}", f"p{i}", f"p{i + 1}", "a") for i in range(400)])
    with pytest.raises(InvalidComparisons, match="at most 300 policies, got 401"):
        read_log(write(tmp_path, many), None)
    some = [f"p{i}" for i in range(300)]
    assert read_log(write(tmp_path, many), some).left_out == {"other policies": 101}


def test_names_that_differ_in_case_alone_are_said(tmp_path: Path) -> None:
    log = read_log(write(tmp_path, f"{HEAD}\np,GPT,b1,a,\nq,gpt,b1,a,"), None)
    assert "names 'GPT', 'gpt' differ in case" in " ".join(sentences(log))
    with pytest.raises(InvalidComparisons, match="at most 200 characters in row 2, column 'policy_a', got 300"):
        read_log(write(tmp_path, f"{HEAD}\np,{'x' * 300},b1,a,"), None)


# -- clusters and orders ---------------------------------------------------


def test_clusters_are_found_counted_and_said(tmp_path: Path) -> None:
    head = [*OWN.split(), "judge", "session_id"]
    rows = [(f"q{i % 2}", "ada", "bob", "a", f"j{i % 3}", f"s{i}") for i in range(6)]
    read = read_table(write(tmp_path, sheet(head, [*rows, ("", "ada", "bob", "a", "", "s9")])))
    log = read_rows(read, propose(read).mapping, None)
    found = clusters(log.rows)
    assert {k: (c.count, c.repeated) for k, c in found.items()} == {
        "prompt": (2, 4),
        "judge": (3, 3),
        "conversation": (7, 0),
    }
    assert found["prompt"].keys == (0, 1, 0, 1, 0, 1, -1)
    assert "4 rows of the same two policies share their prompt" in warnings(log)[0]
    assert "2 prompts, 3.5 rows each on average." in sentences(log)


def test_rows_of_one_prompt_but_other_policies_are_no_reason_to_warn(tmp_path: Path) -> None:
    rows = [("q", "ada", "bob", "a"), ("q", "bob", "cyd", "a"), ("q", "cyd", "ada", "a")]
    read = read_table(write(tmp_path, sheet(OWN.split(), rows)))
    log = read_rows(read, propose(read).mapping, None)
    assert clusters(log.rows)["prompt"].repeated == 0
    assert warnings(log) == []


def test_a_policy_that_was_always_shown_first_is_said(tmp_path: Path) -> None:
    rows = [(f"q{i}", "new", "old", "a", "a-first") for i in range(9)]
    read = read_table(write(tmp_path, sheet(HEAD.split(","), rows)))
    log = read_rows(read, propose(read).mapping, None)
    assert "'new' was shown first in all 9 of its rows" in warnings(log)[0]
    turned = sheet(HEAD.split(","), [*rows, ("q0", "new", "old", "a", "b-first")])
    log = read_rows(read := read_table(write(tmp_path, turned)), propose(read).mapping, None)
    assert (orders(log.rows).both, orders(log.rows).always_first) == (1, {})


def test_order_bias_by_the_binomial_test(tmp_path: Path) -> None:
    """20 of 20 first: p = 2 / 2^20; 10 of 20: p = 1."""
    rows = [json.dumps(GOOD | {"order": "a-first"})] * 20
    found = order_bias(read_log(write(tmp_path, "\n".join(rows)), NAMES).rows)
    assert found is not None
    assert found.p_value == pytest.approx(2 / 2**20)
    assert found.suspicious
    rows[:10] = [json.dumps(GOOD | {"order": "b-first"})] * 10
    found = order_bias(read_log(write(tmp_path, "\n".join(rows)), NAMES).rows)
    assert found is not None
    assert found.p_value == 1.0
    assert not found.suspicious


# -- logs of specs without a mapping ---------------------------------------


def test_a_spec_without_a_mapping_reads_as_before(tmp_path: Path) -> None:
    rows = [("p", "a1", "b1", "a", "a-first"), ("q, r", "a1", "b1", "a", "b-first"), ("p", "b1", "a1", "tie", "")]
    text = HEAD + "\n" + "\n".join(",".join(f'"{c}"' for c in row) for row in [*rows, rows[0]])
    objects = "\n\n".join(json.dumps(dict(zip(HEAD.split(","), row, strict=True))) for row in [*rows, rows[0]])
    found = read_log(write(tmp_path, text), NAMES).rows
    assert said(found) == said(read_log(write(tmp_path, objects), NAMES).rows)
    assert [(r.index, r.first, r.second, r.outcome, r.ordered) for r in found] == [
        (1, "a1", "b1", "first", True),
        (2, "b1", "a1", "second", True),
        (3, "b1", "a1", "tie", False),
        (4, "a1", "b1", "first", True),  # a copy counts, as it did
    ]
    assert found[1].prompt == "q, r"
    bias = order_bias(found)
    assert bias is not None
    assert (bias.first, bias.decided) == (2, 3)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{HEAD}\np,a1,b1,draw,", "'draw' in 1 row, first in row 2"),
        (f"{HEAD}\np,a1,b1,a,\np,a1,b1,,", "'' in 1 row, first in row 3"),
        (f"{HEAD}\np,a1,b1,A,", "'A' in 1 row"),
        (f"{HEAD}\np,a1,b1,a,first", "'first' in 1 row, first in row 2"),
        (f"{HEAD}\np,a1,b1,a,,more", "got 6 cells in line 2"),
        ("prompt,policy_a,outcome\np,a1,a", "got 'policy_b'; the log has the columns"),
        ("prompt,prompt,policy_a,policy_b,outcome\np,p,a1,b1,a", "distinct column names"),
        (HEAD, "one row or more"),
        ("", "header row"),
        ('{"prompt": "p"', "JSON object in row 1"),
        (json.dumps(GOOD) + "\n[1]", "JSON object in row 2"),
        (json.dumps(GOOD | {"outcome": 1}), "'1' in 1 row"),
        ("[" + json.dumps(GOOD), "does not end"),
        ("[" + json.dumps(GOOD) + " " + json.dumps(GOOD) + "]", "a comma between"),
        ("[" + json.dumps(GOOD) + "] more", "got also"),
        (b"\xff\xfe\x00", "one row or more"),
        (f'{HEAD}\n"p,a1,b1,a,', "unexpected end of data, near line 2"),
        (f'{HEAD}\n"p" wide,a1,b1,a,', "near line 2"),
    ],
)
def test_a_bad_log_says_where(tmp_path: Path, text: str | bytes, says: str) -> None:
    with pytest.raises(InvalidComparisons) as error:
        read_log(write(tmp_path, text), NAMES)
    assert says in str(error.value)


# -- anything --------------------------------------------------------------

cells = st.sampled_from(
    ["a", "b", "tie", "", "ada", "bob", "1", "1,5", "0", "model_a", "x" * 400, "\ud800", "\0", '"', ",", ";", "\u2028"]
) | st.text(max_size=5)
names_of = st.sampled_from(
    [
        "prompt",
        "policy_a",
        "policy_b",
        "outcome",
        "model_a",
        "model_b",
        "winner",
        "order",
        "judge",
        "chosen",
        "rejected",
        "winner_model_a",
        "winner_model_b",
        "winner_tie",
        "g1_winner",
        "g2_winner",
        "model_1",
        "model_2",
        "score",
        "first",
        "second",
        "index",
        "skipped",
        "opinions",
        "details",
    ]
) | st.text(max_size=4)
values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | cells,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "content", "k"]), inner),
    max_leaves=6,
)
tables = st.lists(st.lists(cells, max_size=6), max_size=6).flatmap(
    lambda rows: st.lists(names_of, max_size=8).map(lambda head: sheet(head, rows).encode("utf-8", "surrogatepass"))
)
objects = st.lists(st.dictionaries(names_of, values, max_size=8), max_size=6)
anything = (
    tables
    | objects.map(lambda rows: json.dumps(rows).encode())
    | objects.map(lambda rows: "\n".join(map(json.dumps, rows)).encode())
    | st.binary(max_size=200).map(lambda b: b"[" + b)
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(anything, st.sampled_from(["once", "all"]))
def test_any_input_is_a_log_or_a_sentence(tmp_path: Path, data: bytes, copies: str) -> None:
    with contextlib.suppress(InvalidInput):
        read = read_table(write(tmp_path, data))
        found = propose(read)
        mapping = LogMapping.model_validate_json(found.mapping.model_dump_json())  # every proposal is a spec's value
        assert mapping == found.mapping
        log = read_rows(read, mapping.model_copy(update={"copies": copies}), None)
        assert not [w for w in found.words if w.meaning is None and w.text not in mapping.words] or log.rows
        total = len(log.rows) + sum(log.left_out.values())
        assert total >= len(read.numbers)
        assert all(sentences(log))


def test_records_are_as_many_as_the_file_has(tmp_path: Path) -> None:
    rows = records(("a", "b", "tie"), OWN)
    for data in (json.dumps(rows), json.dumps(rows, indent=2), json.dumps({"rows": rows}), lines(rows).decode()):
        assert len(read_table(write(tmp_path, data)).numbers) == len(rows)
