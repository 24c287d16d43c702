"""Each method's step on a real ensemble: equal to what it is said to be, with its rows and weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from poets_core.fit.bootstrap import bootstrap_weights
from poets_core.fit.policy_loss import group_advantages
from poets_core.rewards.batch import joined
from poets_core.rewards.updates import minibatches
from tests.rewards.toy import Halves, learner, single


def gradients(run, loss):
    for p in run.ensemble.parameters():
        p.grad = None
    loss.backward()
    # B starts as 0, so A has no gradient before training: all are compared.
    return [p.grad.clone() for p in run.ensemble.parameters()]


def written(run, rounds=1):
    """Answers of some rounds, without learning from them."""
    for _ in range(rounds):
        run._rolled_out(write=True)
        run.round += 1
    return joined(run.batches)


def moved(run, seed=0):
    """Put the branches anywhere."""
    generator = torch.Generator().manual_seed(seed)
    for layer in run.ensemble.stack.layers.values():
        with torch.no_grad():
            layer.b.copy_(0.2 * torch.randn(layer.b.shape, generator=generator))


def ours(run, window, index):
    """Gradients of the update of POETS on a minibatch, as the trainer gathers them."""
    for p in run.ensemble.parameters():
        p.grad = None
    run.update.trainer._add_gradient(run.update.replay(window), index, slice(0, run.ensemble.branches))
    return [p.grad.clone() for p in run.ensemble.parameters()]


@pytest.mark.parametrize("form", ["rebel", "gvpo"])
def test_one_policy_without_bootstrap_is_rebel_and_gvpo(form):
    run = single("poets", replay=2, rounds=2)
    window = written(run, rounds=2)
    moved(run)
    index = np.arange(0, len(window), 2)
    log_p = run.ensemble.token_log_prob(window.encoded, index).sum(1)
    delta = run.settings.beta * (log_p - torch.from_numpy(window.encoded.reference[index]))
    reward, prompt = torch.from_numpy(window.reward[index]), window.encoded.prompt[index]
    total = torch.zeros((), dtype=torch.float64)
    for p in np.unique(prompt):
        at = torch.from_numpy(np.flatnonzero(prompt == p))
        if form == "rebel":
            # All pairs of a prompt: (Delta_i - Delta_j - (r_i - r_j))^2, each pair twice, over the size of the group.
            apart = (delta[at][:, None] - delta[at]) - (reward[at][:, None] - reward[at])
            total = total + (apart**2).sum() / (4 * len(at))
        else:
            # GVPO's gradient: the centred gap as a fixed weight on the log-probability.
            gap = (reward[at] - reward[at].mean()) - (delta[at] - delta[at].mean())
            total = total - run.settings.beta * (gap.detach() * log_p[at]).sum()
    theirs = gradients(run, total / len(index))
    assert max(g.abs().max() for g in theirs) > 1e-3
    for a, b in zip(ours(run, window, index), theirs, strict=True):
        assert torch.allclose(a, b, atol=1e-7)


def test_at_the_reference_the_gradient_is_grpos_without_the_deviation():
    """Up to the constant beta times the longest answer: Dr. GRPO's loss divides a row's sum by it."""
    run = single("dr-grpo")
    window = written(run)
    index = np.arange(len(window))
    # Advantages are those of whole groups, and the minibatch holds whole groups.
    theirs = gradients(run, run.update.loss(window, index, run.update.advantages(window), index >= 0))
    match = single("poets")
    own = ours(match, written(match), index)
    factor = match.settings.beta * run.settings.max_tokens
    assert max(g.abs().max() for g in own) > 1e-4
    for a, b in zip(own, theirs, strict=True):
        assert torch.allclose(a, factor * b, atol=1e-7)


@pytest.mark.parametrize("method", ["grpo", "dr-grpo", "rloo", "ppo", "dyjr"])
def test_before_the_first_step_every_policy_gradient_raises_what_was_better(method):
    run = single(method, beta=0.0)
    window = written(run)
    a = run.update.advantages(window)
    assert np.allclose(window.old, window.reference)  # nothing has moved yet
    index = np.flatnonzero(window.known)
    run.update.trainer.descend(lambda: run.update.loss(window, index, a, index >= 0))
    now = run._token_scores(window.encoded, reference=False)
    gain = (now - window.old).sum(1)
    groups = window.groups
    centred = group_advantages(window.reward, groups, scaled=False, left_out=False)
    assert (centred * gain).sum() > 0


def test_the_penalty_of_rloo_and_ppo_is_inside_the_reward():
    run = single("rloo", beta=0.5)
    window = written(run)
    window.old[:, 0] -= 1.0 * (window.branch == 0)  # as if the writer had liked every answer less by one nat ...
    window.old[0, 0] += 3.0  # ... and the first one more by two
    a = run.update.advantages(window)
    group = window.groups == window.groups[0]
    reward = window.reward[group] - 0.5 * np.where(np.arange(group.sum()) == 0, 2.0, -1.0)
    assert a[group] == pytest.approx(group_advantages(reward, np.zeros(len(reward), int), scaled=False))


def test_tokens_of_ppo_answer_for_what_follows():
    run = single("ppo", beta=0.5)
    window = written(run)
    window.old[:] = window.reference + 0.3  # each token was liked more than the reference does
    inside = np.arange(window.old.shape[1]) < window.encoded.length[:, None]
    groups, found = window.groups, run.update.advantages(window)
    raw = np.zeros(found.shape)
    for i, n in enumerate(window.encoded.length.tolist()):
        mean = window.reward[groups == groups[i]].mean()
        for t in range(n):  # what follows: the reward, and the price of this and all later tokens
            raw[i, t] = window.reward[i] - mean - 0.5 * 0.3 * (n - t)
    raw = (raw - raw[inside].mean()) / raw[inside].std()
    assert found[inside] == pytest.approx(raw[inside])
    assert (found[~inside] == 0).all()


def test_dyjr_learns_rewards_from_the_last_round_and_is_held_back_by_the_others():
    run = single("dyjr", replay=2, js=0.7, beta=0.0)
    window = written(run, rounds=2)
    moved(run)
    latest, a = window.round == 1, run.update.advantages(window)
    old_rows = np.flatnonzero(~latest)
    held = run.update.loss(window, old_rows, a, latest)
    from poets_core.fit.policy_loss import divergence_loss

    log_p = run.ensemble.token_log_prob(window.encoded, old_rows)
    inside = torch.arange(log_p.shape[1]) < torch.from_numpy(window.encoded.length[old_rows])[:, None]
    width = log_p.shape[1]
    js = divergence_loss(log_p, torch.from_numpy(window.old[old_rows][:, :width].copy()), inside)
    assert held.item() == pytest.approx(0.7 * js.item())
    assert js > 0
    # What an old answer earned does not matter, what a new one earned does.
    both = np.arange(len(window))
    before = run.update.loss(window, both, a, latest).item()
    assert run.update.loss(window, both, np.where(latest, a, a + 1.0), latest).item() == pytest.approx(before)
    assert run.update.loss(window, both, np.where(latest, a + 1.0, a), latest).item() != pytest.approx(before)


def test_a_minibatch_holds_whole_prompts_and_only_known_rewards():
    run = learner(task=Halves(silent=5), replay=2, steps=9)
    window = written(run, rounds=2)
    assert 0 < (~window.known).sum() < len(window) / 4
    found = list(minibatches(window, run.settings, seed=0, round=1))
    assert len(found) == 9
    for index in found:
        prompts, counts = np.unique(window.encoded.prompt[index], return_counts=True)
        assert len(prompts) == run.settings.step_prompts
        assert window.known[index].all()
        have = [(window.known & (window.encoded.prompt == p)).sum() for p in prompts]
        assert counts.tolist() == [min(run.settings.step_group, n) for n in have]
    again = list(minibatches(window, run.settings, seed=0, round=1))
    assert all((a == b).all() for a, b in zip(found, again, strict=True))


@pytest.mark.parametrize("kind", ["observation", "prompt", "none"])
def test_weights_belong_to_answers_or_prompts_for_good(kind):
    run = learner(bootstrap=kind, replay=0)
    window = written(run, rounds=2)
    weights = run.update.replay(window).weights
    first = run.update.replay(joined(run.batches[:1])).weights
    assert (weights[:, : first.shape[1]] == first).all()  # replay does not draw them again
    prompt = window.encoded.prompt
    same = all(len(np.unique(weights[m, prompt == p])) == 1 for m in range(3) for p in np.unique(prompt))
    assert same == (kind != "observation")
    if kind == "prompt":
        assert (weights == bootstrap_weights(0, [f"prompt {p}" for p in prompt], 3)).all()
        assert weights.std() > 0
    if kind == "none":
        assert (weights == 1).all()


def test_centring_by_round_keeps_rounds_apart():
    run = single("poets", replay=0)
    window = written(run, rounds=3)
    by_round = single("poets", replay=0, centre="round")
    written(by_round, rounds=3)  # the same answers, in its own ensemble
    repeated = window.encoded.prompt == np.bincount(window.encoded.prompt).argmax()
    assert len(np.unique(window.round[repeated])) > 1
    index = np.flatnonzero(repeated)
    # Rewards that only say which round it was: nothing to learn within rounds, much across them.
    found = []
    for learnt in (by_round, run):
        answers = joined(learnt.batches)
        answers.reward[:] = answers.round
        found.append(ours(learnt, answers, index))
    apart, together = found
    assert max(g.abs().max() for g in apart) < 1e-7 < max(g.abs().max() for g in together)


def test_groups_of_equal_rewards_are_kept_and_pull_towards_the_reference():
    run = single("poets")
    window = written(run)
    window.reward[:] = 1.0
    assert window.equal_groups() == len(np.unique(window.groups))
    index = np.arange(len(window))
    assert max(g.abs().max() for g in ours(run, window, index)) == 0  # at the reference nothing is to be done
    moved(run)
    assert max(g.abs().max() for g in ours(run, window, index)) > 1e-4


def test_the_entropy_is_that_of_the_objective_to_the_letter():
    """What is matched is solved by the policy that maximises E r - beta KL + alpha H, found here by brute force."""
    run = learner(bootstrap="none", beta=0.3, entropy=0.2)
    window = written(run)
    replay, one = run.update.replay(window), np.flatnonzero(window.encoded.prompt == window.encoded.prompt[0])
    reference = torch.from_numpy(window.encoded.reference[one])
    reference = reference - torch.logsumexp(reference, 0)  # a world of these answers alone
    reward = torch.from_numpy(window.reward[one])
    logits = torch.zeros(len(one), dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([logits], max_iter=500, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

    def objective():
        optimiser.zero_grad()
        log_p = torch.log_softmax(logits, 0)
        value = (log_p.exp() * (reward - 0.3 * (log_p - reference) - 0.2 * log_p)).sum()
        (-value).backward()
        return -value

    optimiser.step(objective)
    best = torch.log_softmax(logits, 0).detach().numpy()
    beta = run.update.trainer.beta
    assert beta == pytest.approx(0.5)
    gap = beta * (best - window.encoded.reference[one]) - replay.rewards[one]
    assert np.ptp(gap) < 1e-3
    assert np.ptp(beta * (best - window.encoded.reference[one]) - window.reward[one]) > 0.05
