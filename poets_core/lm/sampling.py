"""Cached sampling of rows that belong to different branches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.kv_cache import roomy_cache
from poets_core.lm.likelihood import masked_log_softmax
from poets_core.types import F8, I8

FULL = 0.75
"""Share of a pass that must still write."""


@dataclass(frozen=True)
class Samples:
    """n sampled completions.

    Attributes:
        tokens: (n,) token ids, the end token included where it was drawn.
        log_prob: f8 (n,) under the row's own branch at temperature 1, nats.
    """

    tokens: list[list[int]]
    log_prob: F8


@torch.no_grad()
def sample(
    ensemble: BranchEnsemble,
    branch: Int64[np.ndarray, " n"],
    prompt: Int64[np.ndarray, " n"],
    *,
    uniforms: Float64[np.ndarray, "n T"],
    temperature: float | Float64[np.ndarray, " n"] = 1.0,
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
    """
    n = len(branch)
    if n == 0:
        return Samples([], np.zeros(0))
    order = np.argsort(branch, kind="stable")
    table, mask = ensemble.table, ensemble.table.mask
    state = mask.start(n)
    tokens: list[list[int]] = [[] for _ in range(n)]
    log_prob = np.zeros(n)
    present, writing = np.arange(n), np.ones(n, dtype=np.bool_)  # rows of the pass, in sorted order; which still write
    heat = torch.from_numpy(np.broadcast_to(np.float64(temperature), branch.shape)[order]).to(ensemble.backbone.device)
    for layer in ensemble.stack.layers.values():
        layer.pack(True)
    try:
        run = _Run(ensemble, branch[order], prompt[order])
        logits = run.prefill()
        for t in range(min(uniforms.shape[1], mask.max_tokens)):
            alive = present[writing]
            rows = torch.from_numpy(table.rows(state[alive])).to(run.device)
            log_p = masked_log_softmax(run.pick(logits, writing), table.table()[rows])
            u = torch.from_numpy(uniforms[order[alive], t]).to(run.device)
            drawn = invert(log_p, u, heat[torch.from_numpy(alive).to(run.device)])
            log_prob[alive] += log_p.gather(1, drawn[:, None])[:, 0].double().cpu().numpy()
            ids = drawn.cpu().numpy()
            for row, token in zip(alive.tolist(), ids.tolist(), strict=True):
                tokens[row].append(token)
            state[alive] = mask.advance(state[alive], ids)
            fed = np.full(len(present), ensemble.backbone.vocabulary.eos)
            fed[writing] = ids
            writing = fed != ensemble.backbone.vocabulary.eos
            if not writing.any():
                break
            if writing.mean() < FULL:  # leaving costs a copy of the caches, staying a wasted row
                run.keep(writing)
                present, fed, writing = present[writing], fed[writing], writing[writing]
            logits = run.step(fed)
    finally:
        for layer in ensemble.stack.layers.values():
            layer.pack(False)
    back = np.argsort(order)
    return Samples([tokens[i] for i in back.tolist()], log_prob[back])


def invert(log_p: Tensor, u: Tensor, heat: Tensor) -> Tensor:
    """First token whose cumulative probability exceeds u, in float64."""
    p = torch.softmax(log_p.double() / heat[:, None], dim=-1)
    total = p.cumsum(-1)
    target = u * total[:, -1]
    drawn = (total <= target[:, None]).sum(-1)
    last = p.shape[-1] - 1 - (p.flip(-1) > 0).int().argmax(-1)  # guards u next to one against rounding
    return torch.minimum(drawn, last)


class _Run:
    """The caches of one sampling run; rows are sorted by branch."""

    def __init__(self, ensemble: BranchEnsemble, branch: I8, prompt: I8) -> None:
        self.ensemble, self.branch, self.prompt = ensemble, branch, prompt
        self.device = ensemble.backbone.device
        self.trunk_cache, self.upper_cache = roomy_cache(), roomy_cache()
        lengths = np.array([len(ids) for ids in ensemble.prompt_ids], dtype=np.int64)[prompt]
        self.padding = int(lengths.max()) - lengths  # prompts are padded on the left
        self.seen = int(lengths.max())
        ensemble.stack.layout.mixed(branch, self.device)

    def prefill(self) -> Tensor:
        """Read the prompts; return logits of the first token, (n, V)."""
        ids = self.ensemble.prompt_ids
        eos = self.ensemble.backbone.vocabulary.eos
        rows = [[eos] * pad + ids[p] for pad, p in zip(self.padding.tolist(), self.prompt.tolist(), strict=True)]
        return self._forward(np.array(rows, dtype=np.int64), np.arange(self.seen))

    def step(self, tokens: I8) -> Tensor:
        """Read one token per row; return logits of the next, (n, V)."""
        self.seen += 1
        return self._forward(tokens[:, None], np.array([self.seen - 1]))

    def keep(self, going: np.ndarray) -> None:
        """Drop ended rows from the caches."""
        index = torch.from_numpy(np.flatnonzero(going)).to(self.device)
        for cache in (self.trunk_cache, self.upper_cache):
            if len(cache.layers):
                cache.batch_select_indices(index)
        self.branch, self.prompt, self.padding = self.branch[going], self.prompt[going], self.padding[going]
        self.ensemble.stack.layout.mixed(self.branch, self.device)

    def pick(self, logits: Tensor, rows: np.ndarray) -> Tensor:
        """The logits of some rows."""
        return logits if rows.all() else logits[torch.from_numpy(rows).to(self.device)]

    def _forward(self, ids: I8, columns: I8) -> Tensor:
        backbone = self.ensemble.backbone
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
