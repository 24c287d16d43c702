"""The trunk cache: one answer, wherever the states lie."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from poets_core.lm.states import TrunkStates

WIDTH = 3


def filled(sizes, budget):
    """Blocks of the given (n, L); and each row by itself."""
    states, rows = TrunkStates(float(budget)), []
    for k, (n, span) in enumerate(sizes):
        block = torch.arange(n * span * WIDTH, dtype=torch.float32).view(n, span, WIDTH) + 1000 * (k + 1)
        states.append(block.clone())
        rows += list(block)
    return states, rows


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 5)), min_size=1, max_size=4),
    st.sampled_from([0, 100, float("inf")]),
    st.integers(1, 6),
    st.randoms(use_true_random=False),
)
def test_rows_come_back_cut_or_filled_with_zeros(sizes, budget, span, random):
    states, rows = filled(sizes, budget)
    assert len(states) == len(rows)
    index = [random.randrange(len(rows)) for _ in range(7)]
    found = states.take(np.array(index), span)
    assert found.shape == (7, span, WIDTH)
    for row, i in zip(found, index, strict=True):
        width = min(span, len(rows[i]))
        assert (row[:width] == rows[i][:width]).all()
        assert (row[width:] == 0).all()


def test_what_is_beyond_the_budget_lies_in_files_that_vanish(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    states, rows = filled([(4, 5), (4, 5), (1, 1)], budget=4 * 5 * WIDTH * 4)
    on_disk = sum(b.numel() * b.element_size() for b in states.blocks) - states._in_memory
    assert on_disk == (4 * 5 + 1) * WIDTH * 4
    assert list(tmp_path.iterdir()) == []  # no name is left that could outlive the process
    assert (states.take(np.array([7]), 5)[0] == rows[7]).all()


def test_a_full_disk_is_an_error_that_says_what_to_do(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match=r"Expected 240 bytes.*cache_mb") as error:
        filled([(4, 5)], budget=0)
    assert error.value.errno == errno.ENOSPC
