"""Every completion of a small space, scored without writing each of them down."""

from __future__ import annotations

import numpy as np
import torch

from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.likelihood import LogProb, masked_log_softmax
from poets_core.types import I8

ROWS = 1024
"""Prefixes of one pass."""


@torch.no_grad()
def last_token_log_prob(ensemble: BranchEnsemble, prefixes: I8, options: I8) -> LogProb:
    """Log-probabilities of every prefix with every last token: branches f8 (M, n K), reference f8 (n K,).

    The end follows the last token with probability 1, so these are the
    probabilities of whole completions. One pass over a prefix gives all K of
    its completions, a K-th of the cost of scoring each.

    Args:
        ensemble: its first prompt is the one that completions follow.
        prefixes: i8 (n, L - 1) token ids; options: i8 (K,) tokens that may stand at place L - 1.

    Returns:
        Completions in the order prefix by prefix, options within.
    """
    device, eos = ensemble.backbone.device, ensemble.backbone.vocabulary.eos
    n, place, k = len(prefixes), prefixes.shape[1], len(options)
    branches, reference = np.zeros((ensemble.branches, n, k)), np.zeros((n, k))
    wanted = torch.from_numpy(options).to(device)
    for start in range(0, n, ROWS):
        block = prefixes[start : start + ROWS]
        # Any allowed last token will do: no place is predicted from it but the end.
        whole = np.concatenate([block, np.broadcast_to([options[0], eos], (len(block), 2))], axis=1)
        encoded = ensemble.encode(whole.tolist(), np.zeros(len(block), dtype=np.int64))
        for m in range(-1, ensemble.branches):
            if m < 0:
                ensemble.stack.layout.reference()
            else:
                ensemble.stack.layout.grouped(slice(m, m + 1))
            rows = encoded.take(np.arange(len(block)))
            allowed = ensemble.table.table()[torch.from_numpy(rows.rows[:, : place + 1]).to(device)]
            log_p = masked_log_softmax(ensemble.head(ensemble.upper(rows)[:, : place + 1]), allowed).double()
            given = torch.from_numpy(block).to(device)[:, :, None]
            before = log_p[:, :place].gather(-1, given)[..., 0].sum(-1)
            found = (before[:, None] + log_p[:, place][:, wanted]).cpu().numpy()
            (reference if m < 0 else branches[m])[start : start + len(block)] = found
    return LogProb(branches.reshape(ensemble.branches, -1), reference.reshape(-1))
