"""How a whole small space is scored: by its prefixes, each of which gives all of its completions in one pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

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


class PrefixStates:
    """The last states of all beginnings of a product space, for ensembles whose adapters are on the head alone.

    Below the head every branch is the reference, so what it says of S designs needs one product of matrices per
    branch over the few thousand beginnings, and sums over the tree of their continuations.
    """

    @torch.no_grad()
    def __init__(self, ensemble: BranchEnsemble, options: Sequence[Int64[np.ndarray, " _"]]) -> None:
        """Run the trunk once over every beginning.

        Args:
            ensemble: adapters on its head alone; one prompt.
            options: for each place, the tokens that may stand there.
        """
        self.ensemble, self.options = ensemble, options
        device, eos = ensemble.backbone.device, ensemble.backbone.vocabulary.eos
        rest = [int(o[0]) for o in options]
        ensemble.stack.layout.reference()
        # Kept for the whole search: the trunk is frozen, and what a branch changes comes after these states.
        self._states: list[Float[Tensor, "n D"]] = []
        self._logits: list[Float[Tensor, "n k"]] = []
        prefixes = np.zeros((1, 0), dtype=np.int64)
        for place, allowed in enumerate(options):
            end = np.array([*rest[place:], eos], dtype=np.int64)
            states = []
            for start in range(0, len(prefixes), ROWS):
                ensemble.check()
                block = prefixes[start : start + ROWS]
                whole = np.concatenate([block, np.broadcast_to(end, (len(block), len(end)))], axis=1)
                encoded = ensemble.encode(whole.tolist(), np.zeros(len(block), dtype=np.int64))
                states.append(ensemble.upper(encoded.take(np.arange(len(block))))[:, place].float())
            self._states.append(torch.cat(states))
            wanted = torch.from_numpy(allowed).to(device)
            self._logits.append(ensemble.head(self._states[-1].to(ensemble.head.base.weight.dtype)).float()[:, wanted])
            grown = np.repeat(prefixes, len(allowed), axis=0)
            prefixes = np.concatenate([grown, np.tile(allowed, len(prefixes))[:, None]], axis=1)

    @torch.no_grad()
    def log_prob(self, branch: int = -1) -> Float32[np.ndarray, " S"]:
        """Return log-probabilities of all designs, last place fastest, under a branch or the reference (-1).

        Single precision throughout: good for choosing among designs, not for what is reported of them.
        """
        self.ensemble.check()
        head, total = self.ensemble.head, torch.zeros(1, device=self.ensemble.backbone.device)
        for states, logits, allowed in zip(self._states, self._logits, self.options, strict=True):
            own = logits
            if branch >= 0:
                wanted = torch.from_numpy(allowed).to(head.b.device)
                change = head.b[branch][wanted] @ head.a[branch] * head.shape.scaling
                own = logits + states @ change.T
            # Each beginning passes its sum on to its continuations: the designs come out in the order of the space.
            total = (total[:, None] + torch.log_softmax(own, -1)).flatten()
        return total.cpu().numpy()
