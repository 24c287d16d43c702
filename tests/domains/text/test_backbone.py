"""The small model that ships: it is read, knows every character of the tasks, and is half taught as its card says."""

from __future__ import annotations

import re

import numpy as np
import pytest

from domains import catalog
from domains.text.names import TINY
from domains.text.tiny import pretraining, tiny
from poets_core.keyed import rng_for
from poets_core.lm.backbone import Backbone, load_backbone
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.lora import AdapterShape
from poets_core.lm.sampling import sample

FOLDER = catalog.backbones()["text"].folder
ITEMS = 64


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone(FOLDER, branch_from=-1)


def test_it_is_small_and_of_about_a_million_parameters(backbone: Backbone) -> None:
    assert (FOLDER / "model.safetensors").stat().st_size < 5e6
    assert 0.8e6 < sum(p.numel() for p in backbone.model.parameters()) < 1.3e6


@pytest.mark.parametrize("name", TINY)
def test_prompts_and_answers_are_read_and_written_alike(name: str, backbone: Backbone) -> None:
    for item in (*tiny(name, 40, 40).train, *pretraining(name, 40)):
        ids = backbone.prompt_ids(item.prompt)
        assert len(ids) == 1 + len(item.prompt)
        assert ids[0] == backbone.tokenizer.bos_token_id
        assert backbone.text(backbone.completion_ids(item.answer)) == item.answer


def test_base_rates_are_those_of_its_card() -> None:
    card = (FOLDER / "README.md").read_text()
    told = {name: float(rate) for name, rate in re.findall(r"^\| (\w+) \| ([\d.]+) % \|", card, re.MULTILINE)}
    assert tuple(told) == TINY
    assert all(5 <= rate <= 30 for rate in told.values())
    for name in TINY:
        task = tiny(name, 0, ITEMS, seed=0)
        ensemble = BranchEnsemble(
            load_backbone(FOLDER, branch_from=-1),
            AdapterShape(1, 1, 0),
            [i.prompt for i in task.held_out],
            None,
            max_tokens=24,
            seed=0,
        )
        rows = np.repeat(np.arange(ITEMS), 4)
        uniforms = rng_for(0, "test", name).random((len(rows), 24))
        drawn = sample(ensemble, np.full(len(rows), -1), rows, uniforms=uniforms)
        said = [ensemble.backbone.text(t) for t in drawn.tokens]
        right = np.mean([v.reward == 1 for v in task.verify([task.held_out[i] for i in rows], said)])
        # 256 answers to 64 items against 512 to 128: six standard errors apart would be another model
        assert abs(100 * right - told[name]) < 15, (name, right)
