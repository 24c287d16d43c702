"""Every name in docs/papers.md is there: of code, and of tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gate.names import unresolved

ROOT = Path(__file__).parents[2]


def test_every_name_resolves():
    assert unresolved((ROOT / "docs" / "papers.md").read_text(), ROOT) == []


@pytest.mark.parametrize(
    "line",
    [
        "| loss | `fit.loss.matching_los` | `tests/search/test_loss.py::test_prompts_are_centred_apart` |",
        "| loss | `fit.loss.matching_loss` | `tests/search/test_loss.py::test_nothing` |",
        "| loss | `fit.loss.matching_loss`, `.center` | `tests/search/test_loss.py` |",
        "| loss | `domains.quantum.hamiltonian.PauliSum.no_such_method` | the same |",
        "| loss | `fit.loss` | `tests/search/test_loss.py::test_prompts_are_centred_apart`, `::test_none` |",
        "| loss | the same | `tests/search/test_lost.py` |",
        "Prose about `poets_core.spec.SearchSpecs`.",
    ],
)
def test_a_name_that_is_not_there_is_found(line):
    assert len(unresolved(line, ROOT)) == 1
