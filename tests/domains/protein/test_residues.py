"""How alike amino acids are: a matrix of cosines that chemistry would not contradict."""

from __future__ import annotations

import numpy as np
import pytest

from domains.catalog import load
from domains.protein.residues import OWN, alike

LETTERS, MATRIX = alike()


def of(a: str, b: str) -> float:
    return float(MATRIX[LETTERS.index(a), LETTERS.index(b)])


def test_it_is_a_matrix_of_cosines() -> None:
    assert sorted(LETTERS) == sorted("ACDEFGHIKLMNPQRSTVWY")
    assert MATRIX.shape == (20, 20)
    np.testing.assert_allclose(MATRIX, MATRIX.T)
    np.testing.assert_allclose(np.diag(MATRIX), 1.0)
    assert np.linalg.eigvalsh(MATRIX).min() >= OWN - 1e-9  # its own part of each keeps all of them apart
    off = MATRIX[~np.eye(20, dtype=bool)]
    assert 0.0 < off.min() < off.max() < 1.0 - OWN + 1e-9


@pytest.mark.parametrize(
    ("near", "far"), [("IL", "ID"), ("IV", "IK"), ("DE", "DW"), ("KR", "KG"), ("FY", "FP"), ("ST", "SW"), ("NQ", "NL")]
)
def test_residues_with_like_side_chains_are_nearer(near: str, far: str) -> None:
    assert of(*near) > of(*far)


def test_letters_of_one_kind_are_nearer_than_letters_of_two() -> None:
    kinds = ["ILVM", "FWY", "DE", "KR", "STNQ"]
    within = [of(a, b) for kind in kinds for a in kind for b in kind if a < b]
    across = [of(a, b) for i, x in enumerate(kinds) for y in kinds[:i] for a in x for b in y]
    assert np.mean(within) > np.mean(across) + 0.03


def test_problems_of_proteins_say_it() -> None:
    letters, matrix = load("protein/campaign", parent="MKTAYIAKQR").alike
    assert letters == LETTERS
    np.testing.assert_array_equal(matrix, MATRIX)
