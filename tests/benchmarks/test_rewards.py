"""What benchmarks.rewards makes of its lines, and that a cell is played at the effort it states."""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.rewards import by_seed, collect, compared, goals, quick_goals, wanted
from benchmarks.rewards_cells import BACKBONE, COMMON, METHODS, SETTINGS, TASKS, Cell, cells_of, play
from tests.lm.tiny import LETTERS, model, tokenizer


def line(task, method, seed, held_out, gap=0.1, setting="replay of 4"):
    figures = {"train_reward": held_out + gap, "held_out_reward": held_out, "gap": gap, "vote": held_out}
    told = {**figures, "kl": 1.0, "entropy": 1.0}
    before = {**told, "held_out_reward": 0.2, "train_reward": 0.2}
    return {
        "task": task,
        "setting": setting,
        "method": method,
        "seed": seed,
        "before": before,
        "judged": [told],
        "answers": 8,
        "steps": 4,
        "cpu_seconds": 1.0,
    }


def table(difference, seeds=8, setting="replay of 4"):
    """GRPO, and POETS better by `difference` give or take a little."""
    out = []
    for seed in range(seeds):
        for k, task in enumerate(TASKS):
            base = 0.3 + 0.05 * k + 0.02 * seed
            out.append(line(task, "grpo", seed, base, gap=0.2, setting=setting))
            out.append(line(task, "poets-16", seed, base + difference + 0.01 * (-1) ** seed, setting=setting))
    return out


def test_a_difference_is_paired_over_seeds_each_the_mean_over_tasks():
    found = compared(table(0.05), "replay of 4", "poets-16", "grpo", "held_out_reward")
    error = np.std([0.06, 0.04] * 4, ddof=1) / np.sqrt(8)
    assert found["mean"] == pytest.approx(0.05)
    assert found["standard_error"] == pytest.approx(error)
    assert found["high"] - found["mean"] == pytest.approx(2.3646 * error, rel=1e-4)  # Student's t, 7 degrees


def test_a_seed_without_all_tasks_does_not_count():
    lines = [x for x in table(0.05) if (x["task"], x["seed"], x["method"]) != ("gcd", 3, "grpo")]
    assert 3 not in by_seed(lines, "replay of 4", "grpo", "gap")
    assert 3 in by_seed(lines, "replay of 4", "poets-16", "gap")
    assert compared(lines, "replay of 4", "poets-16", "grpo", "gap")["n"] == 7


@pytest.mark.parametrize(
    ("difference", "holds"), [(0.05, [True, True]), (0.002, [False, True]), (-0.05, [False, True])]
)
def test_the_goal_on_replay_needs_the_whole_interval_above_zero(difference, holds):
    assert [g.holds for g in goals(collect(table(difference)))] == holds


@pytest.mark.parametrize(("difference", "holds"), [(0.05, True), (-0.002, True), (-0.05, False)])
def test_the_goal_on_policy_allows_for_the_interval(difference, holds):
    assert [g.holds for g in goals(collect(table(difference, setting="on-policy")))] == [holds]


def test_short_runs_must_learn_their_training_prompts_at_equal_effort():
    lines = [line(t, m, 0, 0.3) for t in ("gcd", "count_bits") for m in ("poets-1", "poets-4", "grpo")]
    assert all(g.holds for g in quick_goals(lines))
    worse = [x | {"judged": [x["judged"][0] | {"train_reward": 0.1}]} for x in lines]
    assert not any(g.holds for g in quick_goals(worse)[:3])
    uneven = [lines[0] | {"steps": 5}, *lines[1:]]
    assert not quick_goals(uneven)[-1].holds


def test_every_cell_has_settings_that_are_allowed_and_the_same_effort():
    efforts = set()
    for setting in SETTINGS:
        for method in cells_of(setting):
            s = Cell("gcd", setting, method, 0).settings
            efforts.add((s.rounds, s.prompts, s.group, s.steps, s.step_prompts, s.step_group, s.rank))
    assert len(efforts) == 1
    assert "dyjr" not in cells_of("on-policy")
    assert "perturb" not in cells_of("offline")
    assert set(cells_of("8 prompts")) == set(METHODS)


def arguments(**changes):
    usual = {"quick": False, "set": [], "first_seed": 0, "seeds": 2, "backbone": BACKBONE}
    return argparse.Namespace(**usual | {"setting": None, "method": None, "task": None} | changes)


def test_whole_seeds_come_one_after_the_other():
    cells = wanted(arguments(setting=["on-policy"], method=["grpo", "dyjr"]))
    assert [c.seed for c in cells] == [0] * len(TASKS) + [1] * len(TASKS)
    assert {c.method for c in cells} == {"grpo"}


@pytest.fixture
def small(tmp_path):
    """A random model whose tokenizer knows the words of the tasks."""
    letters = "".join(sorted(set(LETTERS + "abcdefghijklmnopqrstuvwxyz0123456789 =:,+-*×")))
    model("llama", letters=letters).save_pretrained(tmp_path)
    tokenizer(letters).save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("setting", "method"), [("replay of 4", "poets-4"), ("offline", "grpo"), ("8 prompts", "perturb")]
)
def test_a_cell_is_played_twice_to_the_same_line(small, setting, method):
    pytest.importorskip("reasoning_gym")
    changes = {"rounds": 2, "steps": 2, "prompts": 2, "group": 2, "held_out_answers": 1, "max_tokens": 6}
    cell = Cell("gcd", setting, method, 0, changes, small)
    first, again = play(cell), play(cell)
    assert {k: v for k, v in first.items() if k != "cpu_seconds"} == {
        k: v for k, v in again.items() if k != "cpu_seconds"
    }
    assert first["answers"] == 8
    assert first["steps"] == (0 if method == "perturb" else 4)
    assert len(first["judged"]) == 2
    assert all(x is None for x in first["rewards"]) == (setting == "offline")
    assert first["settings"] != replace(cell, changes={**changes, "beta": 0.77}).line()["settings"]
    assert "rounds" in COMMON
