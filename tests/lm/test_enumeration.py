"""Whole product spaces by the states of their beginnings, against every design scored on its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from poets_core.lm import enumeration
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.enumeration import PrefixStates
from poets_core.lm.lora import AdapterShape
from poets_core.search.space import product_space
from tests.lm.tiny import LAYERS, ThreeLetters, backbone


class Uneven(ThreeLetters):
    """A product whose places take different letters, the last ones one alone."""

    def __init__(self, vocabulary, sets):
        super().__init__(vocabulary, len(sets))
        self.sets = np.array([[t != "" and t in s for t in vocabulary.tokens] for s in sets])

    def allowed(self, state):
        out = super().allowed(state)
        inside = state < self.length
        out[inside] &= self.sets[state[inside]]
        return out


def space_of(sets, family="gpt2", prompts=("",)):
    """An ensemble with adapters on its head alone, trained to something, and its space."""
    model = backbone(family, LAYERS, letters="ACDEF")
    mask = Uneven(model.vocabulary, sets)
    ens = BranchEnsemble(model, AdapterShape(3, 4, 0), prompts, mask, max_tokens=len(sets) + 1, seed=3)
    disturb(ens, 5)
    return ens, product_space(ens.table, model.vocabulary.eos)


def disturb(ens, seed):
    """Other adapters."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        ens.head.b.copy_(0.3 * torch.randn(ens.head.b.shape, generator=generator))


def one_by_one(ens, space):
    tokens = space.tokens(np.arange(len(space))).tolist()
    return ens.log_prob(ens.encode(tokens, np.zeros(len(tokens), dtype=np.int64)))


SPACES = [("ACDEF",) * 3, ("AC", "DEF", "A", "ACDEF"), ("ACD",)]


@pytest.mark.parametrize("family", ["gpt2", "llama"])
@pytest.mark.parametrize("sets", SPACES, ids=["cube", "uneven", "one place"])
def test_the_states_of_beginnings_give_every_design_its_log_probability(sets, family):
    ens, space = space_of(sets, family)
    assert len(space) == np.prod([len(s) for s in sets])
    states, wanted = PrefixStates(ens, space.options), one_by_one(ens, space)
    np.testing.assert_allclose(states.log_prob(), wanted.reference, atol=1e-4)
    for k in range(ens.branches):
        found = states.log_prob(k)
        np.testing.assert_allclose(found, wanted.branches[k], atol=1e-4)
        assert np.exp(found).sum() == pytest.approx(1.0, abs=1e-4)
    assert np.abs(wanted.branches - wanted.reference).max() > 0.1


def test_states_are_kept_and_follow_the_adapters():
    ens, space = space_of(SPACES[0])
    states = PrefixStates(ens, space.options)
    before = states.log_prob(1)
    disturb(ens, 6)
    assert np.abs(states.log_prob(1) - before).max() > 0.1
    np.testing.assert_allclose(states.log_prob(1), one_by_one(ens, space).branches[1], atol=1e-4)


def test_many_beginnings_take_several_passes(monkeypatch):
    monkeypatch.setattr(enumeration, "ROWS", 7)
    ens, space = space_of(SPACES[0])
    states, wanted = PrefixStates(ens, space.options), one_by_one(ens, space)
    np.testing.assert_allclose(states.log_prob(2), wanted.branches[2], atol=1e-4)
    np.testing.assert_allclose(states.log_prob(), wanted.reference, atol=1e-4)


def test_a_prompt_is_read_before_the_design():
    ens, space = space_of(SPACES[0], prompts=("FADE",))
    np.testing.assert_allclose(
        PrefixStates(ens, space.options).log_prob(0), one_by_one(ens, space).branches[0], atol=1e-4
    )
