"""How texts are drawn from branches: token by token, with cached keys and values, all branches in one pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from poets_core.lm.desk import keeps
from poets_core.lm.draw import invert
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.kv_cache import roomy_cache
from poets_core.lm.likelihood import masked_log_softmax
from poets_core.lm.static_sampling import desk_for, write_static
from poets_core.types import F8, I8, Bool

FULL = 0.75
"""Rows that have ended leave a pass when less than this share of its rows still write."""


@dataclass(frozen=True)
class Samples:
    """n sampled completions.

    Attributes:
        tokens: (n,) token ids, the end token included where it was drawn.
        log_prob: under the row's own branch at temperature 1, nats.
    """

    tokens: list[list[int]]
    log_prob: Float64[np.ndarray, " n"]


@torch.no_grad()
def sample(
    ensemble: BranchEnsemble,
    branch: Int64[np.ndarray, " n"],
    prompt: Int64[np.ndarray, " n"],
    *,
    uniforms: Float64[np.ndarray, "n T"],
    temperature: float | Float64[np.ndarray, " n"] = 1.0,
    static: bool | None = None,
) -> Samples:
    """Draw one completion per row, token by token, all rows together.

    Tokens are drawn by inverting the cumulative distribution at the given
    uniform numbers, so a row's text depends on its key, not on its neighbours.
    Rows that have ended leave the pass once they are a quarter of it.

    Args:
        ensemble: the branches as they are now.
        branch: branch of each row, -1 for the reference.
        prompt: index of the prompt of each row.
        uniforms: keyed random numbers in [0, 1), one per token; T bounds the length.
        temperature: of all rows or of each; the density stays the one at temperature 1, which
            `Samples.log_prob` reports.
        static: draw by steps of fixed shapes, which a GPU replays (`poets_core.lm.static_sampling`); on CUDA unless
            given, and only where the model and the grammar allow it.
    """
    n = len(branch)
    if n == 0:
        return Samples([], np.zeros(0))
    # Sorted by branch: where all branches have equally many rows, these then lie as the stacked layers multiply them
    # and nothing has to be gathered.
    order = np.argsort(branch, kind="stable")
    device = ensemble.backbone.device
    heat = torch.from_numpy(np.broadcast_to(np.float64(temperature), branch.shape)[order]).to(device)
    desk = desk_for(ensemble) if (device.type == "cuda" if static is None else static) else None
    layers = ensemble.stack.layers.values()
    # Adapters do not change while texts are drawn: prior and trained blocks are joined once, not at every token.
    for layer in layers:
        layer.pack(True, stay=desk is not None)
    try:
        if desk is None:
            tokens, log_prob = _write(_Run(ensemble, branch[order], prompt[order]), uniforms[order], heat)
        else:
            tokens, log_prob = write_static(ensemble, desk, branch[order], prompt[order], uniforms[order], heat)
    finally:
        for layer in layers:
            layer.pack(False)
        if desk is not None and not keeps(desk):
            desk.leave()
            for layer in layers:
                layer.forget()
    back = np.argsort(order)
    return Samples([tokens[i] for i in back.tolist()], log_prob[back])


def _write(run: _Run, uniforms: F8, heat: Tensor) -> tuple[list[list[int]], F8]:
    """Write all rows of a run: their tokens, and their log-probabilities (n,)."""
    table, mask, eos = run.ensemble.table, run.ensemble.table.mask, run.ensemble.backbone.vocabulary.eos
    n = len(uniforms)
    tokens: list[list[int]] = [[] for _ in range(n)]
    log_prob = np.zeros(n)
    state = mask.start(n)
    # present: rows that are in the pass; writing: which of them have not ended.
    present, writing = np.arange(n), np.ones(n, dtype=np.bool_)
    logits = run.prefill()
    for t in range(min(uniforms.shape[1], mask.max_tokens)):
        run.ensemble.check()
        # The grammar is part of the density: what it forbids has probability 0 here and when designs are scored.
        alive = present[writing]
        rows = torch.from_numpy(table.rows(state[alive])).to(run.device)
        log_p = masked_log_softmax(run.pick(logits, writing), table.table()[rows])
        u = torch.from_numpy(uniforms[alive, t]).to(run.device)
        drawn = invert(log_p, u, heat[torch.from_numpy(alive).to(run.device)])
        # Heat moves which token is drawn. What is reported is the density at temperature 1, which the search uses.
        log_prob[alive] += log_p.gather(1, drawn[:, None])[:, 0].double().cpu().numpy()
        ids = drawn.cpu().numpy()
        for row, token in zip(alive.tolist(), ids.tolist(), strict=True):
            tokens[row].append(token)
        state[alive] = mask.advance(state[alive], ids)
        # Rows that have ended stay for a while and read end tokens, which nobody looks at.
        fed = np.full(len(present), eos)
        fed[writing] = ids
        writing = fed != eos
        if not writing.any():
            break
        # Leaving costs a copy of the caches, staying a wasted row.
        if writing.mean() < FULL:
            run.keep(writing)
            present, fed, writing = present[writing], fed[writing], writing[writing]
        logits = run.step(fed)
    return tokens, log_prob


class _Run:
    """The caches of one sampling run; rows are sorted by branch."""

    def __init__(self, ensemble: BranchEnsemble, branch: I8, prompt: I8) -> None:
        self.ensemble, self.branch, self.prompt = ensemble, branch, prompt
        self.device = ensemble.backbone.device
        self.trunk_cache, self.upper_cache = roomy_cache(), roomy_cache()
        lengths = np.array([len(ids) for ids in ensemble.prompt_ids], dtype=np.int64)[prompt]
        # Prompts are padded on the left, so that the next token of every row stands in the same column.
        self.padding = int(lengths.max()) - lengths
        self.seen = int(lengths.max())
        ensemble.stack.layout.mixed(branch, self.device)

    def prefill(self) -> Float[Tensor, "n V"]:
        """Read the prompts; return logits of the first token."""
        ids = self.ensemble.prompt_ids
        eos = self.ensemble.backbone.vocabulary.eos
        rows = [[eos] * pad + ids[p] for pad, p in zip(self.padding.tolist(), self.prompt.tolist(), strict=True)]
        return self._forward(np.array(rows, dtype=np.int64), np.arange(self.seen))

    def step(self, tokens: I8) -> Float[Tensor, "n V"]:
        """Read one token per row; return logits of the next."""
        self.seen += 1
        return self._forward(tokens[:, None], np.array([self.seen - 1]))

    def keep(self, going: Bool) -> None:
        """Drop ended rows from the caches."""
        index = torch.from_numpy(np.flatnonzero(going)).to(self.device)
        for cache in (self.trunk_cache, self.upper_cache):
            if len(cache.layers):
                cache.batch_select_indices(index)
        self.branch, self.prompt, self.padding = self.branch[going], self.prompt[going], self.padding[going]
        self.ensemble.stack.layout.mixed(self.branch, self.device)

    def pick(self, logits: Tensor, rows: Bool) -> Tensor:
        """The logits of some rows; a copy only where some are left out."""
        return logits if rows.all() else logits[torch.from_numpy(rows).to(self.device)]

    def _forward(self, ids: I8, columns: I8) -> Tensor:
        backbone = self.ensemble.backbone
        # Positions count from a row's own first token. What lies before it is masked; without padding no mask is
        # needed, and the kernel is the faster for it.
        positions = np.maximum(columns[None, :] - self.padding[:, None], 0)
        where = torch.from_numpy(positions).to(self.device)
        attention = None
        if self.padding.any():
            attention = torch.from_numpy((np.arange(self.seen)[None, :] >= self.padding[:, None]).astype(np.int64))
            attention = attention.to(self.device)
        common = {"position_ids": where, "attention_mask": attention, "use_cache": True}
        x = torch.from_numpy(ids).to(self.device)
        hidden = backbone.trunk(input_ids=x, past_key_values=self.trunk_cache, **common).last_hidden_state
        final = backbone.upper(inputs_embeds=hidden, past_key_values=self.upper_cache, **common).last_hidden_state
        logits: Tensor = self.ensemble.head(final[:, -1])
        return logits
