"""Slots that choose from a whole space, against a brute-force choice."""

from __future__ import annotations

import numpy as np
import pytest

from poets_core.errors import InvalidDesign
from poets_core.search.poets import whole_space as module
from poets_core.search.poets.whole_space import whole_space
from poets_core.search.selection import tempered_rank
from tests.lm.tiny import ThreeLetters
from tests.search.sites import Sites, build, play

FITS = ["exact", "gradient"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One workspace for all searches on the usual sites: its backbone is trained once."""
    return tmp_path_factory.mktemp("workspace")


def ranks(search, problem):
    """Every design of the space and its rank under each branch, each scored on its own."""
    words, s = list(problem.table), search.settings
    tokens = [search.ensemble.backbone.completion_ids(w) for w in words]
    prompt = np.zeros(len(words), dtype=np.int64)
    log_p = search.ensemble.log_prob(search.ensemble.encode(tokens, prompt))
    predicted = search.prediction().rewards(log_p, prompt) + s.reference_weight * log_p.reference
    return words, [tempered_rank(predicted, k, s.tempering) for k in range(len(predicted))]


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(
    "how", [{}, {"tempering": 1.0}, {"reference_weight": 0.5}], ids=lambda h: ",".join(h) or "plain"
)
def test_every_slot_takes_the_best_unseen_design_of_its_branch(folder, fit, how):
    problem = Sites()
    search = build(folder, problem, fit=fit, trunk="trained", whole_space=True, steps=5, **how)
    history, _ = play(search, problem, 2)
    assert search.facts["whole_space"] is True
    taken = {c.design for cs, _ in history for c in cs}
    words, rank = ranks(search, problem)
    candidates = search.ask(20)
    assert len(candidates) == 20
    assert {c.source for c in candidates} == {"space"}
    for c in candidates:
        assert c.design not in taken
        free = max(rank[c.branch][i] for i, w in enumerate(words) if w not in taken)
        assert rank[c.branch][words.index(c.design)] == pytest.approx(free, abs=1e-4)
        taken.add(c.design)
    assert {c.branch for c in candidates} == {0, 1, 2, 3}


def test_with_all_trust_in_the_base_model_its_favourites_are_chosen(folder):
    problem = Sites()
    search = build(folder, problem, fit="exact", trunk="trained", whole_space=True)
    history, _ = play(search, problem, 2)
    taken = [c.tokens for cs, _ in history for c in cs]
    reference = search.whole.implicit_rewards(search.beta)[1].copy()
    reference[search.whole.space.index(taken)] = -np.inf
    trusting = search.settings.model_copy(update={"reference_weight": 1e6})
    chosen = search.whole.choose(trusting, search.beta, np.zeros(4), np.arange(12) % 4, taken)
    assert chosen.tolist() == np.argsort(-reference, kind="stable")[:12].tolist()


def test_what_is_said_of_a_candidate_is_what_its_branch_says(folder):
    problem = Sites()
    search = build(folder, problem, fit="exact", trunk="trained", whole_space=True)
    play(search, problem, 2)
    for c in search.ask(6):
        log_p = search.ensemble.log_prob(search.ensemble.encode([list(c.tokens)], np.zeros(1, dtype=np.int64)))
        assert c.log_prob == pytest.approx(log_p.branches[c.branch, 0], abs=1e-4)
        assert c.reference_log_prob == pytest.approx(log_p.reference[0], abs=1e-4)
        predicted = search.prediction().rewards(log_p, np.zeros(1, dtype=np.int64))[:, 0]
        assert c.predicted_mean == pytest.approx(predicted.mean(), abs=1e-4)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("length", [1, 3])
def test_a_space_that_is_used_up_gives_fewer_candidates(tmp_path, fit, length):
    problem = Sites(letters="ACD", length=length)
    search = build(tmp_path, problem, fit=fit, trunk="trained", whole_space=True, steps=3)
    history, _ = play(search, problem, 2, batch=2 * 3 ** (length - 1))
    designs = [c.design for cs, _ in history for c in cs]
    assert len(history[1][0]) == 3 ** (length - 1)
    assert sorted(designs) == sorted(problem.table)  # all of them, each once
    assert search.ask(4) == []


def test_repeats_are_taken_where_they_are_allowed(tmp_path):
    problem = Sites(letters="ACD")
    search = build(tmp_path, problem, fit="exact", trunk="trained", whole_space=True, allow_repeats=True, tempering=0.0)
    play(search, problem, 2)
    assert len({c.design for c in search.ask(12)}) == 1  # without tempering all slots want the same


class Refused(Sites):
    """A product grammar some of whose texts are no designs all the same."""

    def mask(self, vocabulary):
        return ThreeLetters(vocabulary, self.length)

    def decode(self, text):
        if text.startswith("A"):
            raise InvalidDesign(f"Expected no A in front, got {text!r}.")
        return super().decode(text)


def test_texts_that_are_no_designs_do_not_come_again_either(tmp_path):
    problem = Refused(letters="ACD")
    search = build(tmp_path, problem, fit="exact", trunk="trained", whole_space=True)
    history, _ = play(search, problem, 3, batch=6)
    history.append((search.ask(27), []))
    later = [c.text for cs, _ in history[1:] for c in cs]
    assert len(set(later)) == len(later)
    assert any(not c.design for cs, _ in history[1:] for c in cs)
    assert {c.text for cs, _ in history for c in cs if c.design} == {w for w in problem.table if w[0] != "A"}


def test_spaces_that_are_too_large_or_no_product_are_searched_by_pools(folder, monkeypatch):
    problem = Sites()
    whole = build(folder, problem, fit="exact", trunk="trained", whole_space=True)
    assert len(whole_space(whole.ensemble, 1).space) == 512
    assert whole_space(whole.ensemble, 2) is None
    monkeypatch.setattr(module, "LARGEST", 500)
    search = build(folder, problem, fit="exact", trunk="trained", whole_space=True)
    history, _ = play(search, problem, 2)
    assert search.facts["whole_space"] is False
    assert "space" not in {c.source for cs, _ in history for c in cs}


@pytest.mark.parametrize("fit", FITS)
def test_one_branch_is_a_search_too(folder, fit):
    problem = Sites()
    history, _ = play(build(folder, problem, fit=fit, trunk="trained", whole_space=True, branches=1), problem, 3)
    assert all(c.branch == 0 for cs, _ in history[1:] for c in cs)
