"""How one token is drawn at a given uniform number."""

from __future__ import annotations

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from poets_core.lm.kernels import cumulative


def invert(log_p: Float[Tensor, "n V"], u: Float64[Tensor, " n"], heat: Float64[Tensor, " n"]) -> Int64[Tensor, " n"]:
    """Return for each row the first token whose cumulative probability exceeds u.

    Args:
        log_p: log-probabilities of the tokens, not necessarily normalised.
        u: uniform numbers in [0, 1).
        heat: temperature of each row.
    """
    # In float64: at 100,000 tokens the rounding of a float32 sum is as large as the probability of many of them.
    p = torch.softmax(log_p.double() / heat[:, None], dim=-1)
    total = cumulative(p)
    # The sum is one up to rounding only, so u is taken as a share of it.
    target = u * total[:, -1]
    drawn = (total <= target[:, None]).sum(-1)
    # u next to one may round to the whole sum; a token of probability 0 is then not drawn, but the last possible one.
    last = p.shape[-1] - 1 - (p.flip(-1) > 0).int().argmax(-1)
    return torch.minimum(drawn, last)
