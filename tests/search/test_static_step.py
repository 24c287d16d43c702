"""The training step of fixed shapes against the trainer's own step, and against its recording."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from poets_core.fit import trainer
from poets_core.fit.loss import matching_loss
from poets_core.fit.static_step import StaticStep
from poets_core.lm.kernels import Replays
from tests.lm.recording import Tracer
from tests.search.sites import Sites, build, play


def fixed(search, recorder=None):
    """Let the search take steps of fixed shapes, and count them."""
    static = StaticStep(search.ensemble, search.trainer.beta, Replays(recorder))
    taken: list[int] = []
    take = static.take
    static.take = lambda *args: taken.append(len(args[1])) or take(*args)
    search.trainer.static = static
    return taken


def apart(a, b):
    both = zip(a.ensemble.parameters(), b.ensemble.parameters(), strict=True)
    return max(float((x - y).detach().abs().max()) for x, y in both)


def changed(search):
    return [*search.trainer._parameters, *search.trainer._begun()]


@pytest.mark.parametrize("prompts", [("",), ("A", "C")])
def test_a_step_of_fixed_shapes_is_the_same_step(tmp_path, prompts):
    own, static = (build(tmp_path / name, Sites(prompts=prompts), steps=5) for name in ("own", "static"))
    taken = fixed(static)
    play(own, Sites(prompts=prompts), 2)
    play(static, Sites(prompts=prompts), 2)
    assert len(taken) == 10
    assert apart(own, static) < 2e-4  # Adam divides by small gradients: rounding is seen
    assert own.trainer.state().keys() == static.trainer.state().keys()


def test_a_recorded_step_replays_what_the_step_does(tmp_path):
    plain, replayed = (build(tmp_path / name, Sites(), steps=6) for name in ("plain", "replayed"))
    tracer = Tracer(lambda: changed(replayed))
    fixed(plain)
    fixed(replayed, tracer)
    play(plain, Sites(), 3)
    play(replayed, Sites(), 3)
    assert apart(plain, replayed) < 1e-6
    assert sum(r.replays for r in tracer.made) == 18
    made = len(tracer.made)
    assert made <= 3  # 4, 8 and 12 observations
    # A restored optimiser lies elsewhere; what was recorded before must not write into the old one.
    state = plain.trainer.state()
    for search in (plain, replayed):
        search.trainer.restore(state)
        h = search.history
        search.trainer.run(trainer.Replay(h.encoded, h.rewards(), h.weights), steps=3, minibatch=16, seed=1, round=9)
    assert apart(plain, replayed) < 1e-6
    assert len(tracer.made) == made + 1


def test_prompts_of_unequal_length_and_steps_too_large_are_taken_by_the_trainer(tmp_path):
    search = build(tmp_path, Sites(), steps=2)
    play(search, Sites(), 2)
    static, encoded = StaticStep(search.ensemble, 0.1, Replays(None)), search.history.encoded
    index = np.arange(8)
    assert static.able(encoded, index, 1e9)
    assert not static.able(encoded, index, 1e3)
    search.ensemble.backbone.model.config.sliding_window = 2
    assert not static.able(encoded, index, 1e9)
    search.ensemble.backbone.model.config.sliding_window = None
    encoded.position[0] += 1
    assert not static.able(encoded, index, 1e9)


def test_the_number_of_prompts_may_be_said_so_that_nobody_has_to_ask_for_it():
    rng = np.random.default_rng(0)
    delta, weights = torch.from_numpy(rng.normal(size=(3, 9))), torch.from_numpy(rng.integers(0, 3, (3, 9)) * 1.0)
    rewards, prompt = torch.from_numpy(rng.normal(size=9)), torch.tensor([0, 1, 3] * 3)
    asked = matching_loss(delta, rewards, weights, prompt)
    assert (asked == matching_loss(delta, rewards, weights, prompt, 4)).all()
    assert torch.allclose(asked, matching_loss(delta, rewards, weights, prompt, 7))
