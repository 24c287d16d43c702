"""The loop: it learns, it is keyed, it goes on from its state, and it counts what it leaves out."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.numpy import load, save

from poets_core.errors import InvalidInput, InvalidModel
from poets_core.rewards.answers import next_prompts, writers_of
from poets_core.rewards.given import GivenTask, RewardedAnswer
from poets_core.rewards.learner import Learner, ensemble_for
from poets_core.spec.reward_settings import EVERYTHING
from poets_core.verifiable import PromptItem, Verdict
from tests.lm.tiny import backbone
from tests.rewards.toy import SMALL, Halves, learner, single

POLICY_GRADIENTS = ["grpo", "dr-grpo", "rloo", "ppo", "dyjr"]


def plays(run, rounds, **options):
    return [run.play(**options) for _ in range(rounds)]


@pytest.mark.parametrize("method", ["poets", *POLICY_GRADIENTS])
def test_every_method_learns_the_toy_task(method):
    changes = {"steps": 12, "group": 8, "prompts": 6, "held_out_answers": 16, "learning_rate": 0.01}
    if method == "poets":
        run = learner(replay=EVERYTHING, beta=0.2, **changes)
    else:
        run = single(method, beta=0.05, **changes)
    before = run.play(judged=False)["reward"]
    plays(run, 4, judged=False)
    assert before == 0.5
    assert run.play()["train_reward"] > 0.7


def test_the_best_perturbations_answer_better_than_all_of_them():
    run = learner(method="perturb", branches=12, top=2, perturbation=0.6, group=12, prompts=6, bootstrap="none")
    before = [p.clone() for p in run.ensemble.parameters()]
    found = plays(run, 6)[-1]
    assert all(torch.equal(a, b) for a, b in zip(before, run.ensemble.parameters(), strict=True))
    assert found["kept"] == run.update.writers().tolist()
    assert len(found["kept"]) == 2
    mean = run.update.total / run.update.count
    assert set(found["kept"]) == set(np.argsort(mean)[-2:].tolist())
    assert found["train_reward"] > 0.5 + 0.05


@pytest.mark.parametrize(
    ("method", "changes"),
    [
        ("poets", {"replay": 1}),
        ("poets", {"replay": 2, "bootstrap": "prompt", "prior_scale": 0.1, "reset_every": 3}),
        ("poets", {"replay": EVERYTHING, "centre": "round"}),
        *[(m, {"replay": 2}) for m in POLICY_GRADIENTS],
        ("perturb", {"branches": 4, "top": 2}),
    ],
)
def test_a_restored_run_goes_on_to_the_same_bits(method, changes):
    def start():
        return learner(method=method, **({} if method in ("poets", "perturb") else {"branches": 1}) | changes)

    whole = start()
    figures = plays(whole, 4)
    half = start()
    plays(half, 2)
    kept = save(half.state())
    other = start()
    other.restore(load(kept))
    assert plays(other, 2) == figures[2:]
    for a, b in zip(whole.ensemble.parameters(), other.ensemble.parameters(), strict=True):
        assert torch.equal(a, b)
    assert {k: v.tobytes() for k, v in other.state().items()} == {k: v.tobytes() for k, v in whole.state().items()}


def test_the_same_seed_gives_the_same_figures_and_another_seed_others():
    a, b, c = (plays(learner(seed=s), 2) for s in (0, 0, 1))
    assert a == b
    assert a != c
    assert json.loads(json.dumps(a)) == a


def test_the_window_is_the_last_rounds_and_everything_is_everything():
    assert [r["replayed"] for r in plays(learner(replay=2, steps=0), 4)] == [24, 48, 48, 48]
    assert [r["replayed"] for r in plays(learner(replay=EVERYTHING, steps=0), 3)] == [24, 48, 72]
    assert [r["replayed"] for r in plays(learner(replay=1, steps=0), 2)] == [24, 24]


def test_answers_without_a_reward_are_left_out_and_counted():
    run = learner(task=Halves(silent=4))
    found = run.play()
    assert found["unknown"] == 6
    assert found["replayed"] == 18
    told = run.batches[0]
    assert found["reward"] == pytest.approx(told.reward[told.known].mean())
    nothing = learner(task=Halves(silent=1)).play()
    assert (nothing["reward"], nothing["equal_groups"], nothing["train_reward"], nothing["gap"]) == (None,) * 4


def test_groups_of_one_reward_are_counted():
    class Same(Halves):
        def verify(self, items, answers):
            return [Verdict(float(i.prompt[0] == "A")) for i in items]

    assert learner(task=Same()).play()["equal_groups"] == 1.0
    assert learner().play()["equal_groups"] < 1.0


def test_prompts_come_in_turn_and_branches_in_equal_shares():
    drawn = np.concatenate([next_prompts(5, r, items=7, prompts=3) for r in range(7)])
    assert (np.bincount(drawn, minlength=7) == 3).all()
    assert drawn[:7].tolist() != drawn[7:14].tolist()
    counts = np.bincount(writers_of(np.arange(3), 8, 0, "x"), minlength=3)
    assert sorted(counts.tolist()) == [2, 3, 3]
    assert set(writers_of(np.array([4, 9]), 6, 0, 1).tolist()) == {4, 9}


def test_a_prior_makes_branches_differ_before_any_data():
    assert learner(steps=0).play()["divergence"] == pytest.approx(0.0, abs=1e-9)
    found = learner(steps=0, prior_scale=0.2).play()
    assert found["divergence"] > 0.01
    assert found["kl"] > 0


OFFLINE = [
    RewardedAnswer(i.prompt, a, r) for i in Halves().train for a, r in (("ACD", 1.0), ("WCD", 0.0), ("YYY", 0.2))
]


@pytest.mark.parametrize("method", ["poets", "grpo", "rloo", "ppo"])
def test_given_answers_are_learnt_without_a_rollout_or_a_verifier(method):
    task = GivenTask("given", [*OFFLINE, RewardedAnswer(OFFLINE[0].prompt, "D", None)])
    run = learner(task=task, method=method, branches=1, replay=EVERYTHING, steps=10)
    unknown = run.tell([*OFFLINE, RewardedAnswer(OFFLINE[0].prompt, "D", None)])
    assert unknown == 1
    found = plays(run, 3, write_answers=False, judged=False)
    assert [r["replayed"] for r in found] == [len(OFFLINE)] * 3
    assert found[0]["answers"] is None
    b = run.batches[0]
    moved = (run._token_scores(b.encoded, reference=False).sum(1) - b.encoded.reference)[:-1]
    reward = b.reward[:-1]
    assert moved[reward == 1.0].mean() > moved[reward == 0.0].mean() + 0.1


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "one answer or more"),
        ([RewardedAnswer("QQ", "A", 1.0)], "in row 1"),
        ([RewardedAnswer("WA", "ACDEF", 1.0)], "at most 4 tokens"),
        (
            [RewardedAnswer("WA", "A", None), RewardedAnswer("WA", "A", float("nan"))],
            "finite rewards, got nan in row 2",
        ),
    ],
)
def test_given_answers_that_cannot_be_learnt_are_refused(rows, says):
    with pytest.raises(InvalidInput, match=says):
        learner().tell(rows)


def test_given_answers_of_unknown_words_are_refused():
    run = learner()
    if run.ensemble.backbone.tokenizer.unk_token_id is None:
        with pytest.raises(InvalidInput):
            run.tell([RewardedAnswer("WA", "äö" * 9, 1.0)])
    else:
        with pytest.raises(InvalidModel, match="row 1"):
            run.tell([RewardedAnswer("WA", "ä", 1.0)])


def test_given_answers_are_told_once_and_first():
    run = learner()
    run.play(judged=False)
    with pytest.raises(InvalidInput, match="before the first round"):
        run.tell(OFFLINE)


@pytest.mark.parametrize(
    ("verdicts", "says"),
    [
        (lambda n: [Verdict(1.0)] * (n - 1), "24 verdicts"),
        (lambda n: [Verdict(float("nan"))] * n, "from 0 to 1"),
        (lambda n: [Verdict(3.0)] * n, "got 3.0"),
    ],
)
def test_a_verifier_that_breaks_its_protocol_is_named(verdicts, says):
    class Broken(Halves):
        def verify(self, items, answers):
            return verdicts(len(items))

    with pytest.raises(InvalidInput, match=says):
        learner(task=Broken()).play()


def test_an_ensemble_of_other_prompts_or_a_task_without_items_is_refused():
    ensemble = ensemble_for(backbone(), Halves(), SMALL, seed=0)
    with pytest.raises(InvalidInput, match="ensemble_for"):
        Learner(ensemble, Halves(train=3), SMALL, seed=0)
    with pytest.raises(InvalidInput, match="training item"):
        Learner(ensemble, Halves(train=0, held_out=11), SMALL, seed=0)
    with pytest.raises(InvalidInput, match="learn from"):
        learner().play(write_answers=False)


def test_a_prompt_that_is_too_long_is_refused():
    task = Halves()
    task.train = [PromptItem("long", "A" * 4000)]
    with pytest.raises(InvalidModel, match="positions"):
        ensemble_for(backbone(), task, SMALL, seed=0)


def test_adapters_begin_anew_where_it_is_time():
    run = learner(reset_every=2, steps=1, learning_rate=1e-6)
    fresh = [p.clone() for p in run.ensemble.parameters()]
    run.play(judged=False)
    run.play(judged=False)
    kept = [torch.allclose(a, b, atol=1e-3) for a, b in zip(fresh, run.ensemble.parameters(), strict=True)]
    assert all(kept)
    run.play(judged=False)  # A is drawn anew
    assert not all(torch.allclose(a, b, atol=1e-3) for a, b in zip(fresh, run.ensemble.parameters(), strict=True))
