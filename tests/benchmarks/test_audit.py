"""The benchmark of audits plays what it says: agreement of judge and people, the leaning, and the limit of an audit."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.audit_cells import AGREEMENT, CELLS, LEAN, Instance, instance, limit, verdicts


@pytest.mark.parametrize("name", CELLS)
def test_the_judge_agrees_as_often_as_is_said_and_leans_to_the_second_best(name: str) -> None:
    believed = 0
    for seed in range(60):
        found = instance(CELLS[name], seed)
        for i in range(4):
            for j in range(i + 1, 4):
                p, says = found.people[i, j], found.says[i, j]
                assert says.sum(1) == pytest.approx(1.0)
                agreed = p * says[1, 2] + (1 - p) * says[0, 0]
                assert AGREEMENT[0] - 1e-9 <= agreed <= AGREEMENT[1]
                if found.favourite in (i, j):
                    assert says[int(found.favourite == i), 0 if found.favourite == i else 2] == LEAN
        order = found.people[found.best]
        assert found.favourite == min((k for k in range(4) if k != found.best), key=lambda k: order[k])
        believed += verdicts(found)[found.favourite, found.best] > 0.5
    assert believed > 40  # most judges alone would name another policy than people


def test_a_judge_who_knows_nothing_saves_nothing_and_one_who_knows_all_everything() -> None:
    people = np.array([[0.5, 0.7], [0.3, 0.5]])
    says = np.zeros((2, 2, 2, 3))
    says[0, 1] = [0.5, 0.0, 0.5]
    audited, labelled = limit(Instance(people, says, 0, 1))
    assert audited == pytest.approx(labelled)
    says[0, 1] = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    assert limit(Instance(people, says, 0, 1))[0] == 0.0
