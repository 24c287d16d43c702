"""Sampling by steps of fixed shapes against sampling as it always was, and against its own recordings."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from domains.protein.mask import residue_mask
from poets_core.lm import automaton, sampling, static_sampling
from poets_core.lm import desk as desk_module
from poets_core.lm.automaton import lay_out
from poets_core.lm.desk import Desk, places_for, rows_for
from poets_core.lm.grammar import LengthLimit, MaskTable
from poets_core.lm.kernels import Replays, cumulative
from poets_core.lm.sampling import sample
from poets_core.types import Vocabulary
from tests.lm.recording import Tracer
from tests.lm.tiny import FAMILIES, LAYERS, ensemble

CASES = [(f, level) for f in FAMILIES for level in range(LAYERS + 1)]


def drawn(ens, n=60, seed=0, **how):
    """Rows of any branch and prompt, the reference too, warmed."""
    rng = np.random.default_rng(seed)
    branch = rng.integers(-1, ens.branches, n)
    prompt = rng.integers(0, len(ens.prompt_ids), n)
    heat = rng.uniform(0.5, 2.0, n)
    uniforms = rng.random((n, ens.table.mask.max_tokens))
    return sample(ens, branch, prompt, uniforms=uniforms, temperature=heat, **how)


def same(a, b, far=1e-5):
    assert a.tokens == b.tokens
    assert np.abs(a.log_prob - b.log_prob).max() < far


def limited(ens, most):
    """Any text of so many tokens at most: rows end at all lengths."""
    ens.table = MaskTable(LengthLimit(ens.backbone.vocabulary, most), ens.table.size, ens.table.device)
    return ens


def keep(ens, monkeypatch, recorder=None):
    """Keep memory and recordings between calls, as on a GPU."""
    ens.kept["desk"] = Desk(lay_out(ens.table, ens.backbone.vocabulary.eos), Replays(recorder), ens.table.device)
    monkeypatch.setattr(sampling, "keeps", lambda _: True)


@pytest.mark.parametrize("length", [0, 6])
@pytest.mark.parametrize(("family", "branch_from"), CASES)
def test_fixed_shapes_draw_the_same_tokens(family, branch_from, length):
    ens = ensemble(family, branch_from, prompts=("", "MKV"), trained=True, length=length)
    ens.stack.set_prior_factor(0.5)
    same(drawn(ens), drawn(ens, static=True))


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_that_end_are_dropped_and_the_others_write_on_as_if_nothing_had_happened(family, monkeypatch):
    ens = limited(ensemble(family, 1, prompts=("", "MKV", "ACDEFGH"), trained=True), 48)
    moved: list[int] = []
    lie = Desk.lie
    monkeypatch.setattr(
        Desk, "lie", lambda self, layout, branch: moved.append(len(branch)) or lie(self, layout, branch)
    )
    dynamic, retired = drawn(ens, 90), drawn(ens, 90, static=True)
    same(dynamic, retired, 3e-5)
    assert moved[0] == 96
    assert len(moved) > 2  # it did shrink, more than once
    assert moved[-1] <= 24
    assert len({len(t) for t in retired.tokens}) > 12
    monkeypatch.setattr(static_sampling, "SHRINK", 0.0)
    kept = drawn(ens, 90, static=True)
    same(kept, retired, 3e-5)
    assert moved[-1] == 96


def test_texts_longer_than_the_first_places_are_written_on():
    ens = ensemble("llama", 1, length=50, trained=True)
    result = drawn(ens, 24, static=True)
    assert {len(t) for t in result.tokens} == {51}
    same(drawn(ens, 24), result, 1e-4)


def test_one_branch_writes_what_it_writes_among_four():
    one, four = ensemble(branches=1, trained=True), ensemble(branches=4, trained=True)
    for name, layer in one.stack.layers.items():
        with torch.no_grad():
            layer.b.copy_(four.stack.layers[name].b[:1])
    uniforms = np.random.default_rng(2).random((40, 10))
    zeros = np.zeros(40, dtype=np.int64)
    alone = sample(one, zeros[:10], zeros[:10], uniforms=uniforms[:10], static=True)
    grouped = sample(four, np.repeat(np.arange(4), 10), zeros, uniforms=uniforms, static=True)  # rows lie as (M, b)
    assert alone.tokens == grouped.tokens[:10]
    assert np.abs(alone.log_prob - grouped.log_prob[:10]).max() < 1e-5


def test_a_row_does_not_depend_on_its_neighbours():
    ens = ensemble(trained=True)
    uniforms = np.random.default_rng(2).random((30, 10))
    branch, prompt = np.arange(30) % 4, np.zeros(30, dtype=np.int64)
    together = sample(ens, branch, prompt, uniforms=uniforms, static=True).tokens
    pick = np.array([3, 17, 29])
    assert sample(ens, branch[pick], prompt[pick], uniforms=uniforms[pick], static=True).tokens == [
        together[i] for i in pick
    ]


@pytest.mark.parametrize(("family", "branch_from"), [("llama", 1), ("llama", 2), ("gpt2", 0)])
def test_a_recorded_step_replays_what_the_step_does(family, branch_from, monkeypatch):
    ens = limited(ensemble(family, branch_from, prompts=("", "MKV"), trained=True), 30)
    wanted = drawn(ens, 24, static=True)
    tracer = Tracer(lambda: ens.kept["desk"].changed)
    keep(ens, monkeypatch, tracer)
    same(wanted, drawn(ens, 24, static=True), 1e-12)
    made = len(tracer.made)
    assert sum(r.replays for r in tracer.made) > made > 1  # several shapes, each more than once
    # Other numbers, other adapters, other rows in the same shapes: nothing of the first call is in the recordings.
    with torch.no_grad():
        for layer in ens.stack.layers.values():
            layer.b.mul_(-1.0)
    ens.stack.set_prior_factor(0.5)
    replayed = sum(r.replays for r in tracer.made[:made])
    dynamic, again = drawn(ens, 24, seed=4), drawn(ens, 24, seed=4, static=True)
    assert dynamic.tokens != wanted.tokens
    same(dynamic, again, 3e-5)
    assert sum(r.replays for r in tracer.made[:made]) > replayed


def test_a_larger_call_reserves_anew_and_a_smaller_one_after_it_does_not(monkeypatch):
    ens = ensemble(trained=True)
    keep(ens, monkeypatch)
    small = drawn(ens, 8, static=True)
    desk = ens.kept["desk"]
    where = desk.fed.data_ptr()
    drawn(ens, 50, static=True)
    assert desk.slots == 64
    again = drawn(ens, 8, static=True)
    assert desk.slots == 64
    assert desk.fed.data_ptr() != where
    same(small, again)


def test_branches_that_read_other_prompts_share_the_memory(monkeypatch):
    ens = ensemble(trained=True)
    keep(ens, monkeypatch)
    drawn(ens, 8, static=True)
    other = ens.reading([ens.prompt_ids[0] * 30])
    same(drawn(other, 8), drawn(other, 8, static=True))
    assert other.kept is ens.kept
    assert ens.kept["desk"].places >= 40


def test_a_step_that_asks_for_a_value_cannot_be_recorded():
    x = torch.zeros(3)

    def step() -> None:
        x.add_(1.0 if float(x.sum()) < 5 else 0.0)

    with pytest.raises(RuntimeError, match="tracing"):
        Replays(Tracer(lambda: [x])).run("key", step, [x])


def letters(text="ACDE"):
    return Vocabulary(tokens=("", *text, "AC", ""), eos=0)


@pytest.mark.parametrize(
    "mask",
    [LengthLimit(letters(), 7), residue_mask(letters(), 3, 9), ensemble("gpt2", 1, length=3).table.mask],
    ids=["limit", "residues", "letters"],
)
def test_tables_follow_the_grammar(mask):
    vocabulary = letters() if mask.max_tokens > 4 else ensemble("gpt2", 1).backbone.vocabulary
    eos, size = vocabulary.eos, len(vocabulary.tokens)
    table = MaskTable(mask, size, torch.device("cpu"))
    found = lay_out(table, eos)
    rng = np.random.default_rng(0)
    state, ours = mask.start(200), torch.zeros(200, dtype=torch.int64)
    going = np.ones(200, dtype=bool)
    for _ in range(mask.max_tokens):
        allowed = mask.allowed(state)
        assert (found.allowed[found.row[ours]].numpy()[going] == allowed[going]).all()
        token = np.array([rng.choice(np.flatnonzero(row)) if row.any() else eos for row in allowed])
        state, ours = mask.advance(state, token), found.after(ours, torch.from_numpy(token))
        going &= token != eos
    assert not going.any()
    dead = torch.full((size,), len(found.row) - 1)
    assert not found.allowed[found.row[dead[:1]]].any()
    assert (found.after(dead, torch.arange(size)) == dead).all()


def test_a_grammar_too_large_for_tables_is_followed_on_the_host(monkeypatch):
    monkeypatch.setattr(automaton, "MOST_STATES", 3)
    ens = ensemble(length=6, trained=True)
    same(drawn(ens), drawn(ens, static=True), 1e-12)
    assert ens.kept["desk"] is None


@pytest.mark.parametrize("field", [{"sliding_window": 4}, {"rope_parameters": {"rope_type": "dynamic"}}])
def test_models_whose_attention_the_steps_do_not_know_are_drawn_as_before(field):
    ens = ensemble(trained=True)
    assert static_sampling.desk_for(ens) is not None
    for name, value in field.items():
        setattr(ens.backbone.model.config, name, value)
    assert static_sampling.desk_for(ens) is None


@given(st.integers(1, 5000))
def test_shapes_have_room_and_recur(n):
    assert n <= rows_for(n) <= max(8, 1.5 * n)
    assert rows_for(rows_for(n)) == rows_for(n)
    assert n <= places_for(n) <= max(32, 2 * n, n + 127)
    assert len({rows_for(k) for k in range(1, 513)}) < 16


def test_caches_are_bounded_and_rows_beyond_are_written_in_turns(monkeypatch):
    ens = ensemble(trained=True)  # 2 layers, keys and values, 1 head of 16 numbers, 2 bytes each: 128 bytes a place
    config = ens.backbone.model.config
    assert desk_module.bounded_rows(config, 32, 128 * 32 * 70) == 64
    assert desk_module.bounded_rows(config, 32, 1) == desk_module.FEWEST
    whole = drawn(ens, 50, static=True)
    monkeypatch.setattr(static_sampling, "rows_at_once", lambda *_: 16)
    same(whole, drawn(ens, 50, static=True))


def test_running_sums_are_those_of_each_row():
    p = torch.rand(5, 40, dtype=torch.float64)
    assert (cumulative(p) == p.cumsum(-1)).all()
