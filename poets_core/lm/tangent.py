"""The tangent space of the head's adapters: how log-probabilities change with the head's weights, to first order.

The gradient of log pi(x) by the head's weights is the sum over places of g h', with h the state that
predicts a token and g the one-hot token less its probabilities. States are whitened by their second moments,
as K-FAC does (Martens and Grosse 2015, arXiv 1503.05671), so that no direction counts for more because the
backbone happens to use it much; tokens count as alike as the backbone reads them. Where a backbone says which
dimensions belong together, each such block is whitened for itself and has an amplitude of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor

from poets_core.errors import InvalidModel
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.likelihood import Encoded, Rows

DAMPING = 0.03
"""Added to the second moments of states, in units of their mean eigenvalue: below it a direction is noise of training.
Chosen on tuning seeds of GB1, PhoQ and NK (docs/decisions/posterior.md)."""
MOST_TOKENS = 1024
"""Tokens of the largest vocabulary that is handled."""
ROWS = 256
"""Designs of one pass."""


class HeadTangent:
    """Features of designs whose inner product with a matrix of weights is a change of the policy's log-probability."""

    def __init__(self, ensemble: BranchEnsemble, samples: Encoded) -> None:
        """Whiten by some designs.

        Args:
            ensemble: adapters on its head alone, branch point above the last layer.
            samples: designs that spread over the space; their features have mean square 1.

        Raises:
            InvalidModel: adapters below the head, too many tokens, or blocks that are no parts of the width.
        """
        if not ensemble.head_alone:
            raise InvalidModel("Expected adapters on the head alone, got some on layers below it.")
        self.ensemble = ensemble
        # Tokens that no grammar state allows have no gradient; a published vocabulary is mostly made of them.
        self.live = torch.nonzero(ensemble.table.live())[:, 0]
        if len(self.live) > MOST_TOKENS:
            raise InvalidModel(
                f"Expected a grammar of at most {MOST_TOKENS} tokens for the exact fit, got {len(self.live)}. "
                "Use fit='gradient'."
            )
        states = []
        for rows in self._passes(samples):
            h, g = self.places(rows)
            inside = g.abs().sum(-1) > 0
            states.append(h[inside].double())
        h = torch.cat(states)
        self.blocks = _blocks(getattr(ensemble.backbone.model.config, "feature_blocks", None), h.shape[1])
        self.left = _alike(ensemble.backbone.embedding[self.live])
        self.right = torch.zeros(h.shape[1], h.shape[1], device=h.device)
        # Double precision: the smallest second moments are a millionth of the largest, and their roots are divided by.
        for at in self.blocks.values():
            self.right[at, at] = _whitening(h[:, at], DAMPING)
        # Features are measured in a unit of their own, so that amplitudes mean the same for every backbone and block.
        found = self.by_block(self.features(samples))
        for at, x in zip(self.blocks.values(), found, strict=True):
            self.right[:, at] /= max(float(np.sqrt((x**2).sum(1).mean())), 1e-9)
        self._whitened = self.right.clone()
        self.weigh(np.full(len(self.blocks), 1.0 / len(self.blocks)))

    def weigh(self, amplitudes: Float64[np.ndarray, " blocks"]) -> None:
        """Give each block's features their mean square."""
        self.right = self._whitened.clone()
        for at, a in zip(self.blocks.values(), amplitudes.tolist(), strict=True):
            self.right[:, at] *= a**0.5

    def by_block(self, features: Float32[np.ndarray, "N P"]) -> list[Float32[np.ndarray, "N p"]]:
        """Return the columns of features that belong to each block."""
        x = features.reshape(len(features), *self.size)
        return [np.ascontiguousarray(x[:, :, at]).reshape(len(x), -1) for at in self.blocks.values()]

    @property
    def size(self) -> tuple[int, int]:
        """Live tokens and width: the shape of a matrix of weights."""
        return len(self.live), self.right.shape[0]

    def _passes(self, encoded: Encoded) -> Iterator[Rows]:
        for start in range(0, len(encoded), ROWS):
            self.ensemble.check()
            yield encoded.take(np.arange(start, min(start + ROWS, len(encoded))))

    @torch.no_grad()
    def places(self, rows: Rows) -> tuple[Float[Tensor, "n T D"], Float[Tensor, "n T K"]]:
        """Return the states that predict each token and the gradient by the reference's logits of live tokens."""
        ensemble, t = self.ensemble, rows.tokens.shape[1]
        device = ensemble.backbone.device
        ensemble.stack.layout.reference()
        states = ensemble.upper(rows)
        logits = ensemble.head(states).float()[..., self.live]
        allowed = ensemble.table.table()[:, self.live][torch.from_numpy(rows.rows).to(device)]
        tokens = torch.from_numpy(rows.tokens).to(device)
        g = -torch.softmax(logits.masked_fill(~allowed, -torch.inf), -1)
        g += (tokens[..., None] == self.live).float()
        inside = torch.from_numpy(np.arange(t) < rows.length[:, None]).to(device)
        # Where the grammar leaves no choice nothing can be learnt, whatever rounding says.
        free = allowed.sum(-1) > 1
        return states.float(), torch.where((inside & free)[..., None], g, 0.0)

    @torch.no_grad()
    def features(self, encoded: Encoded) -> Float32[np.ndarray, "N P"]:
        """Return the features of N designs, P = live tokens times width."""
        out = np.empty((len(encoded), self.size[0] * self.size[1]), dtype=np.float32)
        at = 0
        for rows in self._passes(encoded):
            h, g = self.places(rows)
            # Summed over places at once: the outer product of every place alone would fill the memory.
            found = torch.einsum("ntk,ntd->nkd", g @ self.left, h @ self.right)
            out[at : at + len(found)] = found.flatten(1).cpu().numpy()
            at += len(found)
        return out

    @torch.no_grad()
    def install(self, weights: Float32[np.ndarray, "M P"]) -> None:
        """Make the branches' adapters the head's change that these weights stand for, by truncated SVD.

        Args:
            weights: per branch, of `features`.
        """
        head, (k, d) = self.ensemble.head, self.size
        theta = torch.from_numpy(weights).to(self.right.device).view(-1, k, d)
        # What features multiply on both sides is taken over by the weights: phi(x)' w = sum of g' (S^1/2 w A^-1/2) h.
        change = self.left @ theta @ self.right.T / head.shape.scaling
        u, s, v = torch.linalg.svd(change, full_matrices=False)
        r = min(head.shape.rank, s.shape[1])
        # Both factors carry the root of the singular values, so that neither is large while the other is small.
        root = s[:, :r].sqrt()
        head.a.zero_()
        head.b.zero_()
        head.a[:, :r] = root[:, :, None] * v[:, :r]
        head.b[:, self.live, :r] = u[:, :, :r] * root[:, None]


def _blocks(told: Any, width: int) -> dict[str, slice]:
    """Return the dimensions of each block that a config states, all of them in one block where it states none.

    Raises:
        InvalidModel: they do not follow one another from 0 to the width, each with a name of its own.
    """
    if told is None:
        return {"": slice(0, width)}
    # A model's files come from anywhere: blocks that overlap would count twice, those that are missing not at all.
    try:
        found = {str(name): slice(start, end) for name, start, end in told}
        ends = [0, *(at.stop for at in found.values())]
        sound = len(found) == len(told) and [at.start for at in found.values()] == ends[:-1] and ends[-1] == width
        sound = sound and all(type(a) is int and type(b) is int and a < b for a, b in pairwise(ends))
    except (TypeError, ValueError):
        sound = False
    if not sound:
        raise InvalidModel(
            f"Expected feature_blocks of the model's config as [name, start, end] from 0 to {width} without gaps, got "
            f"{str(told)[:200]}. Correct config.json, or leave them out."
        )
    return found


def _whitening(x: Float[Tensor, "n D"], damping: float) -> Float[Tensor, "D D"]:
    """Return the symmetric inverse root of the damped second moments."""
    values, vectors = torch.linalg.eigh(x.T @ x / len(x))
    # Without damping a direction that is never used would count for most.
    damped = values.clamp_min(0.0) + damping * values.mean()
    out: Tensor = ((vectors * damped.rsqrt()) @ vectors.T).float()
    return out


def _alike(embedding: Float[Tensor, "K D"]) -> Float[Tensor, "K K"]:
    """Return the symmetric root of the cosines of token embeddings.

    Tokens that the backbone reads alike are expected to change a design's value alike.
    """
    unit = torch.nn.functional.normalize(embedding.double(), dim=-1)
    values, vectors = torch.linalg.eigh(unit @ unit.T)
    out: Tensor = ((vectors * values.clamp_min(0.0).sqrt()) @ vectors.T).float()
    return out
