"""A whole search on CUDA, killed and resumed: the log is that of a run nobody touched."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from poets_core.runs.store import open_store
from poets_core.runs.views.fold import fold
from tests.waiting import until
from tests.worker.test_kill import finish, kill, landscape_spec, science, worker

ROUNDS = 4


@pytest.mark.gpu
@pytest.mark.slow
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_search_on_cuda_is_killed_and_resumed(tmp_path: Path) -> None:
    survives(tmp_path, "cuda")


def survives(folder: Path, device: str) -> None:
    """Play a search twice, once with the worker killed after its first learnt round, and compare the logs."""
    store = open_store(f"sqlite:///{folder}/store/poets.db")
    spec = landscape_spec(folder, ROUNDS).model_copy(update={"device": device})
    untouched, killed = store.create(spec), store.create(spec)
    finish(store, untouched, fake=False)
    child = worker(store, killed, fake=False, left=8)  # no further than into its second round
    until(lambda: fold(store.read(killed)).rounds or not child.is_alive())
    kill(store, killed, child, 0)
    finish(store, killed, fake=False)
    events = store.read(killed)
    assert science(events) == science(store.read(untouched))
    assert {e.event.device for e in events if e.kind == "claimed"} == {device}
