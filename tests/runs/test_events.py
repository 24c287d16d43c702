"""Events: every kind survives JSON, old and new bodies are read, damaged ones are refused."""

from __future__ import annotations

import json
import math
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poets_core.errors import StoreUnavailable
from poets_core.runs.event_fields import ProposedCandidate
from poets_core.runs.event_reader import from_json, read_event, read_line, read_recorded
from poets_core.runs.events import (
    DETERMINISTIC,
    KINDS,
    Event,
    EventKind,
    Observed,
    Prepared,
    Recorded,
    without_times,
)
from poets_core.types import Candidate, Objective, ProblemInfo

floats = st.floats(allow_nan=False, allow_infinity=False)
json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | floats | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**53), 2**53),
    float: floats,
    str: st.text(max_size=8),
    bool: st.booleans(),
    NoneType: st.none(),
}


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of an annotated field."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in PLAIN:
        return PLAIN[hint]
    if is_dataclass(hint):
        return made(hint)  # type: ignore[arg-type]
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, UnionType):
        return st.one_of(*map(values_of, arguments))
    if origin is tuple and arguments[1:] == (...,):
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values_of, arguments))
    if arguments == (str, str):
        return st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3)
    return st.dictionaries(st.text(max_size=5), json_data, max_size=3)  # a mapping of JSON data


def made(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Values of a class of events."""
    hints = get_type_hints(kind)
    return st.builds(kind, **{f.name: values_of(hints[f.name]) for f in fields(kind)})


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_an_event_of_every_kind_survives_json(kind: type[Event]) -> None:
    @settings(max_examples=60, deadline=None)
    @given(made(kind))
    def survives(event: Event) -> None:
        if isinstance(event, Prepared) and event.experiment is not None:  # a task's check is no experiment's
            event = Prepared(event.info, event.backbone, experiment=event.experiment)
        text = json.dumps(event.to_json(), allow_nan=False, separators=(",", ":"))
        back = read_event(event.tag, text)
        assert back == event
        assert type(back) is type(event)
        assert json.dumps(back.to_json(), separators=(",", ":")) == text
        line = json.dumps(Recorded(3, 1.5, event).to_json())
        assert read_line(line) == Recorded(3, 1.5, event)

    survives()


def test_the_kinds_are_those_of_the_store() -> None:
    assert set(KINDS) == set(get_args(EventKind))
    assert set(KINDS) - {"claimed", "state", "failed"} == DETERMINISTIC


def test_bodies_are_written_as_release_0_1_wrote_them() -> None:
    """Keys and their order; the whole old store is compared in test_old_store."""
    info = ProblemInfo("fake/x", "fake", "X", (Objective("value", "unit"),))
    assert list(Prepared(info, {"source": "library"}).to_json()) == ["info", "backbone"]
    assert list(Prepared(info, {}, check={"asked": 8}).to_json()) == ["info", "backbone", "check"]
    assert list(Prepared(None, {}, experiment={"source": "log"}).to_json()) == ["backbone", "info", "experiment"]
    seen = Observed(2, "2-1", "r/2/1", (0.5,), (0.0,), True, "", {"energy": None})
    assert json.dumps(seen.to_json(), separators=(",", ":")) == (
        '{"round":2,"candidate":"2-1","key":"r/2/1","value":[0.5],"std":[0.0],"valid":true,"reason":"",'
        '"details":{"energy":null}}'
    )


def test_fields_that_came_later_may_be_missing_and_newer_ones_are_left_out() -> None:
    pair = {"index": 0, "first": "a", "second": "b", "item": 0, "prompt": "p", "responses": ["x", "y"]}
    asked = from_json("asked", {"pairs": [pair]})
    assert (asked.pairs[0].reasons, asked.pairs[0].row) == (("", ""), 0)  # type: ignore[union-attr]
    said = {"index": 0, "first": "a", "second": "b", "outcome": "tie", "judge": "j", "answer": 1, "of_next_year": [1]}
    compared = from_json("compared", said)
    assert (compared.second_opinion, compared.details) == (False, {})  # type: ignore[union-attr]
    verdict = {"kind": "none", "policy": None, "error_bound": 0.1, "comparisons": 3, "left": []}
    assert from_json("verdict", verdict).why == ""  # type: ignore[union-attr]


OBSERVED = {"round": 0, "candidate": "0-0", "key": "k", "value": [1.0], "std": [0.0], "valid": True, "reason": ""}


@pytest.mark.parametrize(
    ("kind", "body", "word"),
    [
        ("observed", "{", "JSON"),
        ("observed", "[]", "observed"),
        ("observed", json.dumps({k: v for k, v in OBSERVED.items() if k != "value"}), "value"),
        ("observed", json.dumps(OBSERVED | {"value": "1.0"}), "value"),
        ("observed", json.dumps(OBSERVED | {"round": "0"}), "round"),
        ("compared", json.dumps({"index": 0, "first": "a", "second": "b", "outcome": "draw", "judge": "j"}), "outcome"),
        ("dreamt", "{}", "dreamt"),
    ],
)
def test_a_damaged_body_names_run_and_number(kind: str, body: str, word: str) -> None:
    with pytest.raises(StoreUnavailable, match=rf"event 17 of run 2026-x .*{word}"):
        read_recorded("2026-x", 17, 0.0, kind, body)


def test_candidates_survive_with_numbers_that_are_not_finite() -> None:
    given_ = Candidate("0-0", 0, -1, "reference", 0, "AC", "A C", "", -1.5, math.inf, math.nan, 0.25, (3, 1))
    stored = ProposedCandidate.of(given_)
    assert (stored.reference_log_prob, stored.predicted_mean, stored.tokens) == (None, None, (3, 1))
    back = stored.candidate()
    assert math.isnan(back.reference_log_prob)
    assert (back.design, back.log_prob, back.tokens) == ("AC", -1.5, (3, 1))


def test_times_and_the_runs_id_are_left_out_of_comparisons() -> None:
    one = Observed(0, "0-1", "20260101-000000-abcd/0/1", (None,), (0.0,), False, "no")
    assert without_times(Recorded(1, 5.0, one))[1]["key"] == "0/1"
    kind, body = without_times(
        read_line('{"seq": 1, "at": 2.0, "kind": "updated", "body": {"round": 0, "metrics": {}, "seconds": 3.0}}')
    )
    assert (kind, "seconds" in body) == ("updated", False)
