"""All observations so far, as a fit takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from poets_core.lm.likelihood import Encoded


@dataclass(frozen=True)
class Replay:
    """All observations so far, ready to be fitted.

    Attributes:
        encoded: N completions with cached trunk and reference.
        rewards: standardised rewards, fixed within a fit.
        weights: bootstrap weights.
        groups: what each observation is centred with; its prompt unless given.
    """

    encoded: Encoded
    rewards: Float64[np.ndarray, " N"]
    weights: Int64[np.ndarray, "M N"]
    groups: Int64[np.ndarray, " N"] | None = None

    @property
    def centred_with(self) -> Int64[np.ndarray, " N"]:
        """What each observation is centred with."""
        return self.encoded.prompt if self.groups is None else self.groups
