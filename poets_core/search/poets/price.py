"""What length costs: each branch has a price of its own, so that together they look for good designs of every length.

Scalarised Thompson sampling (Paria et al., UAI 2020) with one objective that needs no model: the length is known
before anything is measured.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64


def priced(
    price: float, lengths: Float64[np.ndarray, " n"], branches: int, tempering: float
) -> Float64[np.ndarray, "M n"]:
    """Return what to take off predicted rewards, so that after tempering branch k has paid its own price.

    Prices are spread evenly over branches, from 0 to `price`; one branch alone pays half of it.

    Args:
        price: of the greatest length, in reward deviations.
        lengths: of n designs, as shares of the greatest.
        branches: M.
        tempering: tau of `selection.tempered_rank`.
    """
    prices = np.linspace(0.0, price, branches) if branches > 1 else np.array([price / 2])
    mean = prices.mean()
    # A rank is mu + tau (r_k - mu): what sets branches apart is made as much larger as it will be made smaller there.
    spread = (prices - mean) / tempering if tempering > 0 else 0.0 * prices
    return np.asarray((mean + spread)[:, None] * lengths[None])
