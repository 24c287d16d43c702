"""Log-probabilities of whole sequences: one density, the same that sampling draws from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from poets_core.types import F8, I8


@dataclass(frozen=True)
class LogProb:
    """Sequence log-probabilities in nats.

    Attributes:
        branches: f8 (M, N).
        reference: f8 (N,).
    """

    branches: F8
    reference: F8


@dataclass(frozen=True)
class Encoded:
    """N completions ready to be scored again and again.

    The trunk below the branch point is the same for every branch and never
    trained, so its output is computed once and kept here.

    Attributes:
        tokens: i8 (N, T) completion tokens, padded with the end token.
        length: i8 (N,) tokens of each completion.
        prompt: i8 (N,) index of its prompt.
        position: i8 (N,) place of the last prompt token; the state there predicts token 0.
        rows: i8 (N, T) row of the mask table before each token.
        hidden: f4 (N, L, D) trunk output of prompt + completion without its last token.
        reference: f8 (N,) log-probability under the frozen backbone.
    """

    tokens: I8
    length: I8
    prompt: I8
    position: I8
    rows: I8
    hidden: Tensor
    reference: F8

    def __len__(self) -> int:
        return len(self.length)

    def take(self, index: I8) -> Encoded:
        """Return the chosen sequences, trimmed to the longest of them."""
        length, position = self.length[index], self.position[index]
        t, span = int(length.max(initial=1)), int((length + position).max(initial=1))
        return Encoded(
            self.tokens[index, :t],
            length,
            self.prompt[index],
            position,
            self.rows[index, :t],
            self.hidden[torch.from_numpy(index).to(self.hidden.device), :span],
            self.reference[index],
        )


def join(parts: Sequence[Encoded], *, pad: int) -> Encoded:
    """Concatenate; shorter parts are padded with the token `pad` and zero states."""
    t = max(p.tokens.shape[1] for p in parts)
    span = max(p.hidden.shape[1] for p in parts)

    def wide(x: I8, fill: int) -> I8:
        return np.pad(x, ((0, 0), (0, t - x.shape[1])), constant_values=fill)

    return Encoded(
        np.concatenate([wide(p.tokens, pad) for p in parts]),
        np.concatenate([p.length for p in parts]),
        np.concatenate([p.prompt for p in parts]),
        np.concatenate([p.position for p in parts]),
        np.concatenate([wide(p.rows, 0) for p in parts]),
        torch.cat([torch.nn.functional.pad(p.hidden, (0, 0, 0, span - p.hidden.shape[1])) for p in parts]),
        np.concatenate([p.reference for p in parts]),
    )


def masked_log_softmax(logits: Float[Tensor, "... V"], allowed: Bool[Tensor, "... V"]) -> Float[Tensor, "... V"]:
    """Log-softmax in float32 over the allowed tokens; -inf elsewhere."""
    return torch.log_softmax(logits.float().masked_fill(~allowed, -torch.inf), dim=-1)


def predictors(hidden: Float[Tensor, "N L D"], position: I8, t: int) -> Float[Tensor, "N T D"]:
    """Pick the states that predict completion tokens 0..t-1; past the end the last one repeats."""
    at = np.minimum(position[:, None] + np.arange(t), hidden.shape[1] - 1)
    index = torch.from_numpy(at).to(hidden.device)
    return hidden.gather(1, index[:, :, None].expand(-1, -1, hidden.shape[2]))


def sequence_log_prob(
    logits: Float[Tensor, "*G N T V"],
    allowed: Bool[Tensor, "N T V"],
    tokens: Int[Tensor, "N T"],
    length: Int[Tensor, " N"],
) -> Float[Tensor, "*G N"]:
    """Sum the log-probabilities of the tokens inside each length, in float64.

    Equal to picking from `masked_log_softmax`, without storing it.
    """
    x = logits.float().masked_fill(~allowed, -torch.inf)
    index = tokens.expand(*logits.shape[:-1])[..., None]
    picked = (x.gather(-1, index)[..., 0] - x.logsumexp(-1)).double()
    inside = torch.arange(tokens.shape[1], device=tokens.device) < length[:, None]
    return torch.where(inside, picked, torch.zeros_like(picked)).sum(-1)


def divergence(log_p: Float[Tensor, "M K V"]) -> Float[Tensor, " K"]:
    """Jensen-Shannon divergence of M distributions at each of K places, nats; -inf is probability 0."""
    p = log_p.double().exp()
    mixture = p.mean(0)
    out: Tensor = torch.special.entr(mixture).sum(-1) - torch.special.entr(p).sum(-1).mean(0)
    return out
