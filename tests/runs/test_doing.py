"""What a worker does now, in the words that stores keep."""

from __future__ import annotations

from typing import get_args

import pytest

from poets_core.runs.doing import Doing, Step
from poets_core.types import branch_of, policy_name

WRITTEN = {  # as release 0.1 wrote them, but for the contest, which had no chunk; and what came after it
    "load problem": Doing("problem"),
    "train small model": Doing("library"),
    "load model": Doing("model"),
    "ask 3": Doing("ask", (3,)),
    "evaluate 3 0": Doing("evaluate", (3, 0)),
    "update 3": Doing("update", (3,)),
    "rebuild 2": Doing("rebuild", (2,)),
    "contest 4 17 0": Doing("contest", (4, 17, 0)),
    "export adapters": Doing("export"),
    "load run 20260101-120000-ab12": Doing("load", run="20260101-120000-ab12"),
    "judge 7": Doing("judge", (7,)),
    "answer 1 32": Doing("answer", (1, 32)),
    "wait for verdicts": Doing("wait"),
    "sum up": Doing("sum"),
    "learn given data": Doing("learn"),
    "wait for results 4": Doing("results", (4,)),
    "rescore 0": Doing("rescore", (0,)),
    "write and learn 5": Doing("play", (5,)),
    "assess models 5": Doing("assess", (5,)),
    "compare models": Doing("deploy"),
    "verify models": Doing("verify"),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_every_step_is_kept_in_the_words_of_before(text: str) -> None:
    assert Doing.parse(text) == WRITTEN[text]
    assert WRITTEN[text].to_text() == text


def test_no_step_is_left_out() -> None:
    assert {d.step for d in WRITTEN.values()} == set(get_args(Step))


@pytest.mark.parametrize(
    "text",
    ["", "evaluate", "evaluate 3", "evaluate 3 x", "evaluate -1 0", "asking 3", "load run", "dream 1", "contest 4 17"],
)
def test_what_another_version_wrote_is_not_known(text: str) -> None:
    assert Doing.parse(text) is None


def test_a_step_has_its_numbers() -> None:
    assert (Doing("evaluate", (3, 0)).round, Doing("judge", (3,)).round) == (3, None)
    with pytest.raises(ValueError, match="Expected 2 numbers for step 'evaluate'"):
        Doing("evaluate", (3,))
    with pytest.raises(ValueError, match="a run for 'load' only"):
        Doing("load")


def test_branches_have_names() -> None:
    assert [policy_name(m) for m in (-1, 0, 12)] == ["reference", "branch 0", "branch 12"]
    assert [branch_of(policy_name(m)) for m in (-1, 0, 12)] == [-1, 0, 12]
    for name in ("branch", "branch x", "branch -1", "the best"):
        with pytest.raises(ValueError, match="Expected the name of a branch"):
            branch_of(name)
