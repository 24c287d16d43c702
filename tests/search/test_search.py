"""The search as a whole, on a problem that takes a second."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from poets_core.errors import InvalidModel, InvalidSpec
from poets_core.fit.prior_adapter import spread
from poets_core.search.history import History
from poets_core.search.poets.edit_share import adapted_share
from poets_core.search.registry import build_search
from poets_core.search.selection import select, tempered_rank
from poets_core.types import Candidate, Observation
from tests.search.sites import Sites, build, play, spec


def values(history, problem):
    return np.array([problem.table[c.design] for cs, _ in history for c in cs])


def test_the_ensemble_finds_more_than_its_prior(tmp_path):
    problem = Sites()
    gains, bests = [], []
    for seed in range(3):
        ours = values(play(build(tmp_path / f"{seed}", problem, seed=seed), problem, 6)[0], problem)
        other = build(tmp_path / f"p{seed}", problem, seed=seed, method="reference")
        prior = values(play(other, problem, 6)[0], problem)
        assert (ours[:12] == prior[:12]).all()  # the first round is the same for every method
        gains.append(ours[36:].mean() - prior[36:].mean())
        bests.append(ours.max() / problem.info.objectives[0].optimum)
    assert min(gains) > 0.5
    assert np.mean(bests) > 0.9


def test_ask_is_pure_and_a_restored_search_goes_on_identically(tmp_path):
    problem = Sites()
    first = build(tmp_path, problem)
    history, _ = play(first, problem, 3)
    assert first.ask(12) == first.ask(12)
    state = {k: v.copy() for k, v in first.state().items()}
    second = build(tmp_path, problem)
    second.restore(state, history)
    assert second.round == first.round == 3
    ours, theirs = play(first, problem, 2), play(second, problem, 2)
    assert ours == theirs
    assert all((first.state()[k] == second.state()[k]).all() for k in first.state())


def of_contest(search, problem, *designs):
    """A contest after the last round: what the branches wrote, here designs that the test chooses."""
    number, ids = search.round - 1, search.ensemble.backbone.completion_ids
    candidates = [
        Candidate(
            f"c{number}-{k}",
            number,
            k % 2,
            "contest",
            0,
            d,
            d,
            "",
            -1.0,
            *(math.nan,) * 3,
            tuple(ids(problem.encode(d))),
        )
        for k, d in enumerate(designs)
    ]
    return candidates, [Observation(c.id, (problem.table[c.design],), (0.0,), True, "") for c in candidates]


def test_a_search_learns_from_contests_and_is_restored_with_them(tmp_path):
    problem = Sites()
    ours, alone = build(tmp_path, problem), build(tmp_path, problem)
    history, _ = play(ours, problem, 2)
    play(alone, problem, 2)
    state, scale = {k: v.copy() for k, v in ours.state().items()}, ours.history.scale()
    coming = {c.design for c in ours.ask(12)}
    best = max(problem.table, key=problem.table.__getitem__)
    measured = [history[0][0][0].design, best, *list(coming)[:2]]
    contest = of_contest(ours, problem, *measured)
    ours.tell(*contest)
    # proposed by at once: no design twice, the best one a parent, the scale that of the last update
    assert not {c.design for c in ours.ask(12)} & set(measured)
    assert ours.history.elites(1) == [best]
    assert ours.history.scale() == scale
    assert len(ours.history) == 28  # a design measured before was measured again: two observations
    # a checkpoint is older than the contest, which the log tells
    second = build(tmp_path, problem)
    second.restore(state, history)
    second.tell(*contest)
    assert ours.ask(12) == second.ask(12)
    now, later = play(ours, problem, 1), play(second, problem, 1)
    assert now == later
    assert all((ours.state()[k] == second.state()[k]).all() for k in ours.state())
    # learnt from: the fit is another one than without it
    play(alone, problem, 1)
    assert any((ours.state()[k] != alone.state()[k]).any() for k in ours.state() if k.startswith("adapter"))
    # figures of a round are those of the round
    assert now[1][0].metrics["unique"] == now[1][0].metrics["valid"] == 1.0
    # and a checkpoint after the contest brings both back
    third = build(tmp_path, problem)
    third.restore({k: v.copy() for k, v in ours.state().items()}, [*history, contest, *now[0]])
    assert third.ask(12) == ours.ask(12)
    assert third.calibration.factor() == ours.calibration.factor()


def test_a_checkpoint_of_another_ensemble_is_refused(tmp_path):
    problem = Sites()
    first = build(tmp_path, problem)
    history, _ = play(first, problem, 1)
    with pytest.raises(ValueError, match="Expected adapter"):
        build(tmp_path, problem, branches=5).restore(first.state(), history)


def test_no_design_is_evaluated_twice_unless_repeats_are_allowed(tmp_path):
    problem = Sites(letters="ACD")
    search = build(tmp_path / "a", problem)
    designs = []
    while candidates := search.ask(12):
        assert search.round < 6
        observations = [Observation(c.id, (problem.table[c.design],), (0.0,), True, "") for c in candidates]
        search.tell(candidates, observations)
        search.update()
        designs += [c.design for c in candidates]
    assert len(designs) == len(set(designs)) == 27  # the whole space, then no more
    free, _ = play(build(tmp_path / "c", problem, allow_repeats=True), problem, 4)
    assert sum(len(cs) for cs, _ in free) == 48


def test_untrained_ensemble_disagrees_by_c_and_training_leaves_the_prior_alone(tmp_path):
    problem = Sites()
    search = build(tmp_path, problem, prior_scale=0.7)
    p = search.ensemble.log_prob(search.probe)
    measured = spread(search.settings.beta * (p.branches - p.reference), search.probe.prompt)
    assert abs(measured / 0.7 - 1) < 0.02
    layers = search.ensemble.stack.layers.values()
    before = [(x.prior_a.clone(), x.prior_b.clone(), x.prior_factor) for x in layers]
    trained = [x.b.detach().clone() for x in layers]
    play(search, problem, 2)
    for layer, (a, b, factor), old in zip(layers, before, trained, strict=True):
        assert torch.equal(layer.prior_a, a)
        assert torch.equal(layer.prior_b, b)
        assert layer.prior_factor == factor
        assert not torch.equal(layer.b, old)


def test_branches_learn_the_rewards_they_were_shown(tmp_path):
    problem = Sites()
    search = build(tmp_path, problem, steps=200)
    play(search, problem, 2)
    p = search.ensemble.log_prob(search.history.encoded)
    predicted = search.prediction().rewards(p, search.history.encoded.prompt)
    assert np.corrcoef(predicted.mean(0), search.history.rewards())[0, 1] > 0.8


def test_metrics_are_json_and_within_their_bounds(tmp_path):
    problem = Sites()
    _, reports = play(build(tmp_path, problem), problem, 3)
    for report in reports:
        m = json.loads(json.dumps(report.metrics, allow_nan=False))
        assert 0 <= m["js_sequence"] <= np.log(4) + 0.5  # a Monte Carlo estimate
        assert 0 <= m["js_token"] <= np.log(4)
        assert np.shape(m["js_matrix"]) == (4, 4)
        assert len(m["kl"]) == len(m["loss"]) == len(m["ess"]) == 4
        assert m["valid"] == m["unique"] == 1.0
    assert reports[0].metrics["coverage"] is None
    assert 0 <= reports[2].metrics["coverage"] <= 1
    assert reports[2].metrics["js_sequence"] > 0


def test_branches_are_drawn_per_candidate_and_recorded(tmp_path):
    problem = Sites()
    history, _ = play(build(tmp_path, problem, edit_share=0.0), problem, 4)
    assert {c.branch for c in history[0][0]} == {-1}
    later = [c for cs, _ in history[1:] for c in cs]
    assert {c.branch for c in later} == {0, 1, 2, 3}
    assert {c.source for c in later} == {"branch"}
    edited, _ = play(build(tmp_path, problem, edit_share=1.0), problem, 3)
    assert {c.source for c in edited[2][0]} == {"edit"}


def test_several_prompts_are_sampled_scored_and_centred_apart(tmp_path):
    problem = Sites(prompts=("", "A"))
    search = build(tmp_path, problem)
    history, _ = play(search, problem, 3)
    assert {c.prompt for cs, _ in history for c in cs} == {0, 1}
    keys = [(c.prompt, c.design) for cs, _ in history for c in cs]
    assert len(set(keys)) == len(keys)
    state, again = search.state(), build(tmp_path, problem)
    again.restore(state, history)
    assert again.ask(8) == search.ask(8)


def test_text_without_a_grammar_may_be_no_design_and_is_said_to_be_none(tmp_path):
    problem = Sites(hole="A")
    history, reports = play(build(tmp_path, problem), problem, 3)
    shares = [r.metrics["valid"] for r in reports]
    assert all(0 <= s <= 1 for s in shares)
    for candidates, observations in history:
        for c, o in zip(candidates, observations, strict=True):
            assert bool(c.design) == o.valid
            assert c.design or "Expected 3 letters" in c.reason


def test_reset_starts_the_trainable_blocks_anew(tmp_path):
    problem = Sites()
    search = build(tmp_path, problem, reset_every=2, steps=0)
    play(search, problem, 2)
    for layer in search.ensemble.stack.layers.values():
        with torch.no_grad():
            layer.b.fill_(1.0)
    play(search, problem, 1)
    assert all((layer.b == 0).all() for layer in search.ensemble.stack.layers.values())


def test_a_reset_forgets_where_adam_was_going(tmp_path):
    search = build(tmp_path, Sites(), reset_every=2, steps=3)
    play(search, Sites(), 2)
    assert search.state()["adam.step.0"] == 6
    play(search, Sites(), 1)  # the round that begins with a reset
    assert search.state()["adam.step.0"] == 3


def test_one_branch_and_no_prior_is_a_search_too(tmp_path):
    problem = Sites()
    history, reports = play(build(tmp_path, problem, branches=1, prior_scale=0), problem, 3)
    assert len(history) == 3
    assert reports[-1].metrics["js_sequence"] == 0
    assert all(c.predicted_std == 0 for cs, _ in history for c in cs)


def test_cuda_is_not_pretended(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("a CUDA device is here")
    wanted = spec().model_copy(update={"device": "cuda"})
    with pytest.raises(InvalidSpec, match="CUDA"):
        build_search(Sites(), wanted, backbone="library", workspace=tmp_path)
    with pytest.raises(InvalidModel):
        build_search(Sites(), spec(), backbone=tmp_path / "nothing", workspace=tmp_path)


def test_tempering_runs_from_the_mean_to_the_branch():
    predicted = np.array([[1.0, 3.0], [2.0, 0.0]])
    assert tempered_rank(predicted, 0, 1.0).tolist() == [1.0, 3.0]
    assert tempered_rank(predicted, 0, 0.0).tolist() == [1.5, 1.5]
    assert tempered_rank(predicted, 1, 0.5).tolist() == [1.75, 0.75]


def test_ask_ranks_by_the_tempering_of_the_spec(tmp_path):
    def means(tempering):
        search = build(tmp_path / str(tempering), Sites(), tempering=tempering)
        play(search, Sites(), 2)
        return [c.predicted_mean for c in search.ask(12)]

    # One pool, one prompt: without tempering every slot takes the design of the best mean that is left.
    assert means(0.0) == sorted(means(0.0), reverse=True)
    assert means(1.0) != sorted(means(1.0), reverse=True)


def test_slots_choose_different_designs_of_their_own_prompt_until_nothing_is_left():
    predicted = np.array([[3.0, 2.0, 1.0, 9.0]])
    keys = [(0, "a"), (0, "b"), (0, "c"), (1, "d")]
    zeros = np.zeros(4, dtype=np.int64)
    assert select([[0, 1, 2, 3]] * 4, keys, zeros, zeros, predicted, 1.0, repeats=False) == [0, 1, 2, -1]
    assert select([[0, 1, 2, 3]] * 4, keys, zeros, zeros, predicted, 1.0, repeats=True) == [0, 0, 0, 0]
    assert select([[1, 3]] * 4, keys, np.array([1, 0, 0, 1]), zeros, predicted, 1.0, repeats=False) == [3, 1, -1, -1]


def test_slots_keep_to_their_own_pools_while_these_last():
    predicted = np.array([[3.0, 2.0, 1.0]])
    keys = [(0, "a"), (0, "b"), (0, "c")]
    zeros = np.zeros(3, dtype=np.int64)
    assert select([[2], [1, 2], [2]], keys, zeros, zeros, predicted, 1.0, repeats=False) == [2, 1, -1]
    assert select([[2], [0, 2], [0, 1]], keys, zeros, zeros, predicted, 1.0, repeats=False) == [2, 0, 1]


def test_own_pools_are_a_search_too(tmp_path):
    problem = Sites()
    own, _ = play(build(tmp_path / "a", problem, shared_pool=False), problem, 3)
    shared, _ = play(build(tmp_path / "b", problem), problem, 3)
    assert own[0] == shared[0]
    assert own[1] != shared[1]


def test_each_slot_follows_its_own_branch():
    predicted = np.array([[3.0, 1.0, 2.0], [0.0, 5.0, 1.0]])
    keys = [(0, "a"), (0, "b"), (0, "c")]
    prompt = np.zeros(2, dtype=np.int64)
    assert select([[0, 1, 2]] * 2, keys, prompt, np.array([0, 1]), predicted, 1.0, repeats=False) == [0, 1]
    assert select([[0, 1, 2]] * 2, keys, prompt, np.array([1, 0]), predicted, 1.0, repeats=False) == [1, 0]


def test_designs_the_backbone_cannot_spell_are_never_chosen(tmp_path):
    problem = Sites()
    search = build(tmp_path, problem, edit_share=1.0)
    play(search, problem, 1)
    problem.letters += "W"  # edits may now hold a letter that the library backbone never saw
    problem.table |= {w.replace("A", "W"): v for w, v in problem.table.items()}
    candidates = search.ask(12)
    assert len(candidates) == 12
    assert not any("W" in c.design for c in candidates)
    assert all(np.isfinite(c.log_prob) for c in candidates)


def test_the_share_of_edits_follows_what_they_bring():
    def told(edit_wins, branch_wins, n=40):
        rows = []
        for k in range(n):
            for source, wins in (("edit", edit_wins), ("branch", branch_wins)):
                c = Candidate(f"1-{k}", 1, 0, source, 0, "A", "A", "", 0.0, 0.0, 0.0, 0.0)
                rows.append((c, float(k < wins)))
        return [c for c, _ in rows], np.array([r for _, r in rows])

    assert adapted_share([], np.zeros(0), 0.45) == 0.45
    assert adapted_share(*told(3, 3), 0.45) == pytest.approx(0.45)
    more, less = adapted_share(*told(7, 0), 0.45), adapted_share(*told(0, 7), 0.45)
    assert 0.45 < more <= 0.95
    assert 0.05 <= less < 0.45
    candidates, rewards = told(7, 0)
    old = [replace(c, round=1) for c in candidates] + [replace(c, round=9) for c in told(0, 7)[0]]
    assert adapted_share(old, np.concatenate([rewards, told(0, 7)[1]]), 0.45) < 0.45  # what is long ago counts little


def test_a_search_that_adapts_repeats_itself(tmp_path):
    problem = Sites()
    runs = [play(build(tmp_path / k, problem, adapt_edits=True), problem, 4)[0] for k in "ab"]
    assert runs[0] == runs[1]
    assert {c.source for cs, _ in runs[0] for c in cs} >= {"edit", "branch"}


@pytest.mark.parametrize(("direction", "best"), [("maximise", ["D", "C"]), ("minimise", ["A", "C"])])
def test_elites_are_the_best_in_the_direction_of_the_problem(direction, best):
    history = History(direction, "z", 0, 0)
    designs, values = ("A", "C", "D", "C", ""), (1.0, 2.0, 3.0, 2.0, float("nan"))
    told = [Candidate(f"0-{k}", 0, -1, "reference", 0, d, d, "", 0.0, 0.0, 0.0, 0.0) for k, d in enumerate(designs)]
    answers = [Observation(c.id, (v,), (0.0,), v == v, "") for c, v in zip(told, values, strict=True)]
    history.add(told, answers, None)
    assert history.elites(2) == best
    assert len(history.elites(9)) == 3  # distinct and valid


def test_without_bootstrap_every_observation_counts_once(tmp_path):
    problem = Sites()
    search = build(tmp_path, problem, bootstrap=False, prior_scale=0.0)
    play(search, problem, 2)
    assert (search.history.weights == 1).all()
    drawn = build(tmp_path / "drawn", problem)
    play(drawn, problem, 2)
    assert set(np.unique(drawn.history.weights)) > {0, 1}


def test_early_stopping_without_bootstrap_is_refused():
    with pytest.raises(InvalidSpec, match="bootstrap"):
        spec(stop_early=True, bootstrap=False)
