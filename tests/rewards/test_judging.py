"""What is said of the branches, against what their answers say."""

from __future__ import annotations

import numpy as np
import pytest

from poets_core.rewards.answers import Written
from poets_core.rewards.judging import judge, judged_by_level, right_by_prompt, solved_by_level, voted
from poets_core.verifiable import PromptItem
from tests.rewards.toy import Halves, learner

WRITTEN = Written(
    np.array([3, 3, 3, 1, 1]), np.zeros(5, dtype=np.int64), [[2]] * 5, ["a", "b ", "b", "x", "y"], np.zeros(5)
)
REWARDS = np.array([1.0, 0.5, 0.5, np.nan, 1.0])


def test_the_most_frequent_answer_is_the_vote_and_the_first_one_wins_ties():
    assert np.allclose(voted(WRITTEN, REWARDS), [np.nan, 0.5], equal_nan=True)


def test_shares_of_what_was_solved_by_level_leave_out_what_nobody_knows():
    items = [PromptItem(str(k), "", level="hard" if k == 3 else "easy") for k in range(4)]
    assert solved_by_level(WRITTEN, REWARDS, items) == {"easy": 1.0, "hard": pytest.approx(1 / 3)}


def test_figures_are_those_of_the_branches_and_the_same_numbers_every_time():
    run = learner(prior_scale=0.2, held_out_answers=6)
    task, s = run.task, run.settings
    first, again = (judge(run.ensemble, task, s, np.arange(3), seed=0) for _ in range(2))
    assert first == again
    assert first["gap"] == pytest.approx(first["train_reward"] - first["held_out_reward"])
    assert 0 < first["divergence"] < np.log(3)
    assert first["kl"] > 0
    assert set(first["held_out_solved"]) == {"0", "1"}
    share = np.mean([first["held_out_solved"][i.level] for i in task.held_out])
    assert share == pytest.approx(first["held_out_reward"])
    assert first["best"] >= first["vote"]
    alone = judge(run.ensemble, task, s, np.array([1]), seed=0)
    assert alone["divergence"] == 0.0


def test_entropy_and_distance_are_estimates_of_the_exact_ones():
    """Answers of one token: both are sums over the vocabulary."""
    run = learner(task=Halves(train=2, held_out=1), branches=1, max_tokens=2, held_out_answers=512, prior_scale=0.5)
    found = judge(run.ensemble, run.task, run.settings, np.arange(1), seed=1)
    eos = run.ensemble.backbone.vocabulary.eos
    letters = [k for k, t in enumerate(run.ensemble.backbone.vocabulary.tokens) if t]
    # The second place can only end: an answer is one letter and a forced end, or the end at once.
    all_of_them = [[k, eos] for k in letters] + [[eos]]
    encoded = run.ensemble.encode(all_of_them, np.full(len(all_of_them), 2))
    log_p = run.ensemble.log_prob(encoded)
    p = np.exp(log_p.branches[0])
    assert p.sum() == pytest.approx(1.0)
    assert found["entropy"] == pytest.approx(-(p * log_p.branches[0]).sum(), abs=0.15)
    assert found["kl"] == pytest.approx((p * (log_p.branches[0] - log_p.reference)).sum(), abs=0.15)


def test_without_held_out_prompts_the_distances_are_those_of_training_prompts():
    run = learner(task=Halves(held_out=0))
    found = judge(run.ensemble, run.task, run.settings, np.arange(3), seed=0)
    assert (found["held_out_reward"], found["gap"], found["vote"]) == (None, None, None)
    assert found["kl"] == pytest.approx(0.0, abs=1e-6)
    assert found["entropy"] > 0


def test_shares_by_prompt_are_in_their_order_and_leave_out_what_nobody_knows():
    # prompt 1 has one answer that was judged, prompt 3 one right of three
    assert right_by_prompt(WRITTEN, REWARDS) == [1.0, pytest.approx(1 / 3)]
    assert right_by_prompt(WRITTEN, np.full(5, np.nan)) == [None, None]
    items = [PromptItem(str(k), "", level="hard" if k == 3 else "easy") for k in range(4)]
    assert judged_by_level(WRITTEN, REWARDS, items) == {"easy": 1, "hard": 3}
