"""In-context Thompson sampling: what each slot reads, and that it matters."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poets_core.errors import InvalidSpec
from poets_core.lm.library import BOS, EOS
from poets_core.search.registry import build_search
from poets_core.search.rivals.in_context import ContextSampler
from poets_core.spec.read import parse_search
from poets_core.types import Observation
from tests.search.sites import Sites, build, spec


def told(search, problem, candidates, value=None):
    search.tell(
        candidates,
        [
            Observation(c.id, (problem.table[c.design] if value is None else value(c),), (0.0,), True, "")
            for c in candidates
        ],
    )
    search.update()


def test_a_slot_reads_the_best_of_its_own_bootstrap_from_bad_to_good(tmp_path):
    problem = Sites()
    search = build(tmp_path, problem, method="in-context", context=3)
    assert search.shown(0, 0) == []
    told(search, problem, search.ask(12))
    known = [c.design for c in search.history.candidates]
    shown = [search.shown(slot, 0) for slot in range(40)]
    assert all(len(s) == 3 and set(s) <= set(known) for s in shown)
    assert all([problem.table[d] for d in s] == sorted(problem.table[d] for d in s) for s in shown)
    assert shown == [search.shown(slot, 0) for slot in range(40)]  # a pure function of round and slot
    assert len(set(map(tuple, shown))) > 5
    best = max(known, key=problem.table.__getitem__)
    share = np.mean([s[-1] == best for s in shown])
    assert 0.4 < share < 0.9  # the best is in a bootstrap of 12 with probability .65


def test_any_designs_can_be_shown_instead_of_the_best(tmp_path):
    problem = Sites()
    means = {}
    for shows in ("best", "random"):
        search = build(tmp_path / shows, problem, method="in-context", context=3, shows=shows)
        told(search, problem, search.ask(12))
        lists = [search.shown(slot, 0) for slot in range(40)]
        assert all([problem.table[d] for d in s] == sorted(problem.table[d] for d in s) for s in lists)
        means[shows] = np.mean([problem.table[d] for s in lists for d in s])
    assert means["best"] > means["random"] + 0.3


def test_what_is_invalid_or_taken_back_or_of_another_prompt_is_not_shown(tmp_path):
    problem = Sites(prompts=("", ""))
    search = build(tmp_path, problem, method="in-context", context=12)
    candidates = search.ask(12)
    gone, broken = candidates[0], candidates[2]
    search.tell(
        candidates,
        [
            Observation(c.id, (problem.table[c.design],), (0.0,), True, "")
            if c is not broken
            else Observation(c.id, (math.nan,), (0.0,), False, "broken")
            for c in candidates
        ],
    )
    search.update()
    search.tell([gone], [Observation(gone.id, (math.nan,), (0.0,), False, "failed", missing=True)])
    shown = {d for slot in range(60) for d in search.shown(slot, 0)}
    assert shown == {c.design for c in candidates if c.prompt == 0} - {gone.design, broken.design}
    assert {c.prompt for c in search.ask(6)} == {0, 1}


def test_the_prompt_holds_as_many_designs_as_leave_room_for_one_more(tmp_path):
    problem = Sites()
    search = build(tmp_path, problem, method="in-context", context=3)
    told(search, problem, search.ask(12))
    shown = search.shown(0, 0)
    tokens = search.reader.backbone.completion_ids
    assert search._context(0, 0) == [x for d in shown for x in (BOS, *tokens(d))] + [BOS]
    assert tokens("ACD")[-1] == EOS
    config = search.reader.backbone.model.config
    config.max_position_embeddings = 2 * 5 + search.sampler.max_tokens + 1
    assert search._context(0, 0) == [x for d in shown[-2:] for x in (BOS, *tokens(d))] + [BOS]  # the best stay


def test_a_backbone_without_room_for_two_designs_is_refused(tmp_path):
    search = build(tmp_path, Sites(), method="in-context")
    small = search.ensemble
    small.backbone.model.config.max_position_embeddings = 9
    with pytest.raises(InvalidSpec, match="a design and one more"):
        search.read_with(small)


def test_a_trained_reader_writes_relatives_of_what_it_reads(tmp_path):
    problem = Sites()
    data = spec(method="in-context", context=4).model_dump(mode="json")
    data["backbone"] |= {"steps": 150, "width": 32}
    search = build_search(problem, parse_search(data), backbone="library", workspace=tmp_path)
    tokens = search.reader.backbone.completion_ids
    parents = ("AAA", "HHH")
    contexts = [
        [x for d in (p, p[0] + "C" + p[2], "D" + p[1:], p[:2] + "E") for x in (BOS, *tokens(d))] + [BOS]
        for p in parents
    ]
    sampler = ContextSampler(problem, search.reader.reading(contexts), 0, search.sampler.max_tokens, np.zeros(2, int))
    drawn = sampler.draw(np.full(80, -1), np.repeat([0, 1], 40), ("test",), np.ones(80))
    assert {d.prompt for d in drawn} == {0}  # the problem's prompt, not the number of a context
    kept = [[sum(a == b for a, b in zip(d.design, p, strict=True)) for d in drawn] for p in parents]
    own, other = np.mean(kept[0][:40] + kept[1][40:]), np.mean(kept[0][40:] + kept[1][:40])
    assert own > other + 1.0  # of three sites


def test_the_density_without_the_context_is_what_stands_as_the_references(tmp_path):
    problem = Sites()
    search = build(tmp_path, problem, method="in-context")
    told(search, problem, search.ask(12))
    found = search.ask(12)
    reference = search._encode(found).reference
    assert np.allclose([c.reference_log_prob for c in found], reference)
    assert not np.allclose([c.log_prob for c in found], reference, atol=0.05)
