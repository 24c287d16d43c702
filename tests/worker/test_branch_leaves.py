"""A branch of a finished run, in plain peft: the same policy, prior and trained part in one adapter."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from poets_core.protocols import unheard
from poets_core.runs.store import SqlStore
from poets_core.spec.presets import default_spec
from poets_core.worker import checkpoint
from poets_core.worker.science import REAL_SCIENCE
from poets_core.worker.search_log import read_search_log
from poets_core.worker.worker import FINISHED, work
from tests.lm.test_ensemble import plain_log_prob

QUICK = {
    "search": {"branches": 4, "steps": 5, "pool": 4, "edit_share": 0.5, "prior_scale": 0.3},
    "budget": {"rounds": 3, "batch": 8},
}


@pytest.mark.parametrize("source", ["library", "protein"])
def test_branch_three_of_a_finished_run_is_the_same_policy_in_plain_peft(source: str, store: SqlStore) -> None:
    settings = QUICK | {"backbone": {"source": source}}
    spec = default_spec("protein/ehrlich", params={"length": 12}, settings=settings, backbone=source)
    run = store.create(spec)
    assert work(store, run) == FINISHED
    folder = store.folder(run)
    base = folder / "backbone" if source == "library" else Path("domains/protein/backbone")
    adapter = folder / "adapters" / "branch-3"
    assert json.loads((adapter / "adapter_config.json").read_text())["r"] == spec.search.rank + spec.search.prior_rank

    events = store.read(run)
    search = REAL_SCIENCE.build(REAL_SCIENCE.load(spec), spec, folder, unheard)
    last = next(e for e in reversed(events) if e.kind == "updated")
    rounds = read_search_log(e.event for e in events).told
    search.restore(checkpoint.read(folder / "checkpoints", last.event), rounds)
    encoded = search.history.encoded  # type: ignore[attr-defined]
    ours = search.ensemble.log_prob(encoded, grammar=False).branches[3]  # type: ignore[attr-defined]

    tokenizer = AutoTokenizer.from_pretrained(base)
    frozen = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    plain = PeftModel.from_pretrained(frozen, adapter).eval()
    tokens = [list(t[:n]) for t, n in zip(encoded.tokens.tolist(), encoded.length.tolist(), strict=True)]
    theirs = [plain_log_prob(plain, [tokenizer.bos_token_id], t) for t in tokens]
    assert len(tokens) == 24
    assert np.abs(ours - theirs).max() < 1e-4
    assert np.abs(ours - search.ensemble.log_prob(encoded, grammar=False).reference).max() > 0.01  # type: ignore[attr-defined]
