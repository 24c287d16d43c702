"""How a whole small space is scored: by its prefixes, each of which gives all of its completions in one pass."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Int64

from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.likelihood import LogProb, masked_log_softmax

ROWS = 1024
"""Prefixes of one pass."""


@torch.no_grad()
def last_token_log_prob(
    ensemble: BranchEnsemble, prefixes: Int64[np.ndarray, "n P"], options: Int64[np.ndarray, " K"]
) -> LogProb:
    """Return log-probabilities of every prefix with every last token.

    The end follows the last token with probability 1, so these are the
    probabilities of whole completions. One pass over a prefix gives all K of
    its completions, a K-th of the cost of scoring each.

    Args:
        ensemble: its first prompt is the one that completions follow.
        prefixes: token ids of the first P places.
        options: tokens that may stand at the last place.

    Returns:
        Of n K completions, prefix by prefix, options within: branches (M, n K), reference (n K,).
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
            ensemble.check()
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
