"""Policies as a person meets it, without a browser: verdicts, empty states, files, the form."""

from __future__ import annotations

from poets_core.runs.sql import SqlStore
from tests.pages import written_experiment as we
from tests.pages.test_pages import opened, said

POLICIES = "pages/analyse/policies.py"
WON = [(0, 1, "first"), (2, 0, "second"), (1, 2, "tie"), *[(0, 1, "first"), (0, 2, "first")] * 6]


def test_a_verdict_is_said_in_one_sentence(store: SqlStore) -> None:
    robin = {"mean": 40.0, "standard_error": 2.0, "runs": 20, "capped": 0}
    run = we.write(store, we.spec(), [*we.course(WON, round_robin=robin), *we.verdict("winner", "branch 0", 15)])
    at = opened(POLICIES, run=run)
    assert at.success[0].value == (
        "**branch 0** is the best policy with error at most 30 %, after 15 comparisons."
    )
