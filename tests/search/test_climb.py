"""Climbing: edits of what a slot's branch likes best, again and again."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from poets_core.search.poets.climb import PARENTS, Climb, climbed
from poets_core.search.poets.pool import fill_pool
from tests.search.sites import Sites, build, play

LARGE = {"letters": "ACDEFGHI", "length": 4}
"""A space of 4096 designs, of which pools hold few."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One workspace for all searches on the large space: its backbone is trained once."""
    return tmp_path_factory.mktemp("workspace")


def started(folder, problem, rounds=2, **search):
    quick = {"fit": "exact", "tempering": 1.0, "pool": 4, "edit_share": 0.0, "steps": 5, "trunk": "trained"}
    out = build(folder, problem, **(quick | search))
    history, _ = play(out, problem, rounds)
    return out, history


def asked(search, climb, n=12):
    search.settings = search.settings.model_copy(update={"climb": climb})
    return search.ask(n)


def own_prediction(search, candidates):
    """What the branch of each candidate predicts of it."""
    prompt = np.array([c.prompt for c in candidates])
    log_p = search.ensemble.log_prob(search.ensemble.encode([c.tokens for c in candidates], prompt))
    return search.prediction().rewards(log_p, prompt)[[c.branch for c in candidates], np.arange(len(candidates))]


@pytest.mark.parametrize("fit", ["exact", "gradient"])
def test_every_slot_ends_at_least_as_high_as_without_climbing(folder, fit):
    problem = Sites(**LARGE)
    search, _ = started(folder, problem, fit=fit)
    heights = [own_prediction(search, asked(search, climb)) for climb in (0, 1, 3)]
    for lower, higher in pairwise(heights):
        assert len(lower) == len(higher) == 12
        assert (higher >= lower - 1e-6).all()
    assert heights[2].mean() > heights[0].mean()


def test_trust_in_the_base_model_is_part_of_what_is_climbed(folder):
    problem = Sites(**LARGE)
    search, _ = started(folder, problem)
    plain = np.mean([c.reference_log_prob for c in asked(search, 0)])
    search.settings = search.settings.model_copy(update={"reference_weight": 10.0})
    low, high = (np.mean([c.reference_log_prob for c in asked(search, climb)]) for climb in (0, 3))
    assert plain < low < high


@pytest.mark.parametrize("shared", [True, False])
def test_no_design_comes_twice(tmp_path, shared):
    problem = Sites(letters="ACDE")
    _, history = started(tmp_path, problem, rounds=5, climb=3, shared_pool=shared)
    designs = [c.design for cs, _ in history for c in cs]
    assert len(set(designs)) == len(designs) == 60
    assert "edit" in {c.source for cs, _ in history[1:] for c in cs}


def test_a_space_that_is_used_up_ends_the_climb(tmp_path):
    problem = Sites(letters="ACD")
    _, history = started(tmp_path, problem, rounds=3, climb=2)
    designs = [c.design for cs, _ in history for c in cs]
    assert len(set(designs)) == len(designs) == 27


def one_step(search, *, shared):
    """A pool and its first step."""
    search.settings = search.settings.model_copy(update={"shared_pool": shared})
    n = 6
    branch, prompt = np.arange(n) % 4, np.arange(n) % len(search.problem.prompts)
    how = {"round": search.round, "branch": branch, "prompt": prompt, "seen": search.seen}
    pool = search._score(fill_pool(search.sampler, search.history, search.settings, **how))
    step = Climb(branch, prompt, search.seen, search.round, 0)
    return pool, step, climbed(search.sampler, pool, search.settings, step)


def apart(a, b):
    return sum(x != y for x, y in zip(a, b, strict=True))


def test_a_step_edits_what_the_branch_likes_best(folder):
    search, _ = started(folder, Sites(**LARGE), pool=8)
    pool, step, found = one_step(search, shared=False)
    known = {d.key for d in pool.draws}
    assert len({d.key for d in found.draws}) == len(found.draws) > 10
    assert not {d.key for d in found.draws} & (known | search.seen)
    assert sorted(i for slot in found.slots for i in slot) == list(range(len(found.draws)))
    for slot, own in enumerate(found.slots):
        order = sorted(pool.slots[slot], key=lambda i: -pool.wanted[step.branch[slot], i])
        parents = [pool.draws[i].design for i in order[:PARENTS]]
        assert len(own) <= search.settings.pool
        assert all(min(apart(found.draws[i].design, p) for p in parents) == 1 for i in own)


def test_slots_share_what_they_found_or_keep_it(folder):
    search, _ = started(folder, Sites(**LARGE))
    _, _, shared = one_step(search, shared=True)
    assert all(slot == list(range(len(shared.draws))) for slot in shared.slots)
    pool, _, own = one_step(search, shared=False)
    both = pool.joined(search._score(own))
    assert both.predicted.shape == both.wanted.shape == both.log_p.branches.shape == (4, len(both.draws))
    for before, more, after in zip(pool.slots, own.slots, both.slots, strict=True):
        assert [both.draws[i] for i in after] == [pool.draws[i] for i in before] + [own.draws[i] for i in more]


def test_slots_climb_among_designs_of_their_own_prompt(folder):
    search, _ = started(folder, Sites(**LARGE, prompts=("", "A")), pool=8)
    _, step, found = one_step(search, shared=False)
    assert {d.prompt for d in found.draws} == {0, 1}
    for slot, own in enumerate(found.slots):
        assert all(found.draws[i].prompt == step.prompt[slot] for i in own)


def test_steps_and_rounds_have_random_numbers_of_their_own(folder):
    search, _ = started(folder, Sites(**LARGE))
    pool, step, found = one_step(search, shared=True)
    again = climbed(search.sampler, pool, search.settings, step)
    assert [d.tokens for d in again.draws] == [d.tokens for d in found.draws]
    later = climbed(search.sampler, pool, search.settings, Climb(step.branch, step.prompt, step.seen, step.round, 1))
    assert [d.design for d in later.draws] != [d.design for d in found.draws]


def test_a_climb_by_gradient_is_resumed_to_the_same_bits(folder):
    """That of the exact fit is in test_exact_fit."""
    problem = Sites(**LARGE)
    first, history = started(folder, problem, fit="gradient", climb=2)
    second = build(folder, problem, trunk="trained", **first.spec.search.model_dump(exclude={"method"}))
    second.restore({k: v.copy() for k, v in first.state().items()}, history)
    assert second.ask(12) == first.ask(12)
